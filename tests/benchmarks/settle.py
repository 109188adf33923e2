"""Labels of starts on the plane of Theorem 7 (K = 5): flowlab against what else one could write.

Run with `make bench`. The same starts and tolerances for all; compilation is timed apart; medians
of alternating runs. Peers stop at |f| < 1e-8 or t = 200 and label by the nearest sink.
"""

import statistics
import time

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

import flowlab as fl

RUNS = 5
STARTS = 4_000
SCIPY_STARTS = 40
SINKS = np.array([[1.0, 0.0], [-0.594076, 0.396729]])


def nearest(ends: np.ndarray) -> np.ndarray:
    return np.linalg.norm(ends[:, None] - SINKS, axis=-1).argmin(-1)


def flowlab_labels(plane, starts):
    ensemble = fl.settle(plane, starts)
    return nearest(ensemble.state)


def vmapped_diffrax(plane):
    def stop(t, w, args, **kwargs):
        return jnp.max(jnp.abs(plane(t, w))) < 1e-8

    def one(w):
        return dfx.diffeqsolve(
            dfx.ODETerm(plane),
            dfx.Tsit5(),
            0.0,
            200.0,
            None,
            w,
            event=dfx.Event(stop),
            stepsize_controller=dfx.PIDController(rtol=1e-8, atol=1e-10),
            max_steps=4096,
            throw=False,
        ).ys[0]

    batched = jax.jit(jax.vmap(one))
    return lambda starts: nearest(np.asarray(batched(starts)))


def scipy_labels(plane):
    velocity = jax.jit(lambda w: plane(0.0, w))

    def rhs(t, w):
        return np.asarray(velocity(w))

    def stopped(t, w):
        return np.abs(rhs(t, w)).max() - 1e-8

    stopped.terminal = True

    def labels(starts):
        ends = [
            solve_ivp(rhs, (0, 200), w, "DOP853", rtol=1e-8, atol=1e-10, events=stopped).y[:, -1]
            for w in starts
        ]
        return nearest(np.array(ends))

    return labels


def main() -> None:
    plane = fl.theorem7_plane(5)
    rng = np.random.default_rng(0)
    starts = rng.uniform(size=(STARTS, 2))
    truth = np.where(starts[:, 0] > starts[:, 1], 0, 1)
    jobs = {
        "flowlab settle": (lambda s: flowlab_labels(plane, s), STARTS),
        "diffrax, one vmap": (vmapped_diffrax(plane), STARTS),
        "scipy DOP853": (scipy_labels(plane), SCIPY_STARTS),
    }
    first, rates, wrong = {}, {name: [] for name in jobs}, {}
    for name, (job, count) in jobs.items():
        began = time.perf_counter()
        wrong[name] = int((job(starts[:count]) != truth[:count]).sum())
        first[name] = time.perf_counter() - began
    for _ in range(RUNS):
        for name, (job, count) in jobs.items():
            began = time.perf_counter()
            job(starts[:count])
            rates[name].append(count / (time.perf_counter() - began))
    print(f"{'':20s}{'starts/s':>12s}{'flowlab is':>14s}{'first call':>12s}{'wrong':>8s}")
    for name, (_, count) in jobs.items():
        pairs = zip(rates["flowlab settle"], rates[name], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        print(
            f"{name:20s}{statistics.median(rates[name]):12,.0f}{ratio:12.1f} x"
            f"{first[name]:10.1f} s{wrong[name]:4d}/{count}"
        )


if __name__ == "__main__":
    main()
