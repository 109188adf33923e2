"""What else one could integrate many trajectories with, each as its users would set it up.

Every peer gets rtol 1e-8 and atol 1e-10, stops at max |f| < 1e-8 if it can stop at all, and is
compiled before it is timed. The JAX peers integrate flowlab's own field or one
of plain `jax.numpy`, whichever is quicker for them. A peer that is not installed raises `Missing`.

pybasin is under the GPL. It is run here as a program to compare with, installed by whoever runs
the benchmark; the package never imports it, and none of its code is here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
from _report import timed
from _subjects import ARRAYS, SCALARS, Subject
from scipy.integrate import solve_ivp

RTOL, ATOL, REST = 1e-8, 1e-10, 1e-8
LONGEST = 200.0
"""The time after which those that can stop by themselves are stopped anyway."""


class Missing(Exception):
    """A peer that is not installed; the text says how to install it."""


class Peer(NamedTuple):
    """A way to follow starts (n, 2) to their ends (n, 2).

    Attributes:
        name: as it is called in the tables.
        run: returns the ends.
        most: how many of the starts it is given at most: its rate per start does not grow with
            their number, and the run has to end today.
        compiling: seconds spent on compiling before the first run.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]
    most: int
    compiling: float = 0.0


def numbalsoda(subject: Subject, threads: int) -> Peer:
    """DOP853 by numbalsoda in numba's `prange`, restarted until it rests."""
    try:
        import numba
        from numbalsoda import dop853, lsoda_sig
    except ImportError as error:
        raise Missing(
            f"numbalsoda: {error}. Install a Fortran compiler, then pip install numba numbalsoda"
        ) from error
    numba.set_num_threads(threads)
    velocity = numba.njit(subject.velocity(SCALARS))

    @numba.cfunc(lsoda_sig)
    def rhs(t, u, du, p):
        du[0], du[1] = velocity(u[0], u[1])

    address = rhs.address

    @numba.njit(parallel=True)
    def follow(starts, chunk):
        ends = np.empty_like(starts)
        for i in numba.prange(len(starts)):
            u = starts[i].copy()
            for _ in range(int(400 / chunk) + 1):
                states, _ok = dop853(address, u, np.array([0.0, chunk]), rtol=RTOL, atol=ATOL)
                u = states[1].copy()
                dx, dy = velocity(u[0], u[1])
                if abs(dx) < REST and abs(dy) < REST:
                    break
            ends[i] = u
        return ends

    # It has no events: it integrates for a while, looks, and goes on. The while is tuned here.
    few = subject.starts[:: max(1, len(subject.starts) // 2_000)]
    compiling = timed(lambda: follow(few[:2], 1.0))
    chunk = fastest([5.0, 10.0, subject.window], lambda length: follow(few, length))
    name = "numbalsoda DOP853" + (f", {threads} threads" if threads > 1 else "")
    return Peer(name, lambda starts: follow(starts, chunk), 40_000, compiling)


def fastest(choices: list[float], run: Callable[[float], Any]) -> float:
    """Return the choice that runs fastest, each run three times."""
    return min(choices, key=lambda choice: min(timed(lambda: run(choice)) for _ in range(3)))


def pybasin(subject: Subject, threads: int) -> Peer:
    """pybasin's `JaxSolver` over a fixed window, the shortest in which all can settle."""
    del threads
    try:
        import torch
        from pybasin.solvers import JaxSolver
        from pybasin.solvers.jax_ode_system import JaxODESystem
    except (ImportError, SyntaxError) as error:
        raise Missing(
            "pybasin: not installed. With Python 3.12 or newer: pip install pybasin"
        ) from (error)

    class System(JaxODESystem):
        def get_str(self):
            return subject.name

    # `solver_args` keep what was compiled from one call to the next; its other form compiles anew.
    solver = JaxSolver(
        solver_args={
            "terms": dfx.ODETerm(quicker_field(subject)),
            "solver": dfx.Dopri5(),
            "t0": 0.0,
            "t1": subject.window,
            "dt0": None,
            "saveat": dfx.SaveAt(ts=jnp.array([subject.window])),
            "stepsize_controller": dfx.PIDController(rtol=RTOL, atol=ATOL),
            "max_steps": 16**5,
        },
        cache_dir=None,
    )
    system = System({})

    def run(starts):
        _, states = solver.integrate(system, torch.from_numpy(np.array(starts)))
        return states[-1].numpy()

    return Peer("pybasin JaxSolver, fixed window", run, 10_000)


def diffrax_batches(subject: Subject, threads: int) -> Peer:
    """The best plain diffrax known to us: Dopri8, `lax.map` over batches of 1,000."""
    del threads
    one = _until_rest(quicker_field(subject), dfx.Dopri8())
    solve = jax.jit(lambda starts: jax.lax.map(one, starts, batch_size=1_000))
    return Peer("diffrax Dopri8, batches of 1,000", lambda s: np.asarray(solve(s)), 40_000)


def diffrax_vmap(subject: Subject, threads: int) -> Peer:
    """One `vmap` of `diffeqsolve` with `steady_state_event`, Tsit5."""
    del threads
    solve = jax.jit(jax.vmap(_until_rest(quicker_field(subject), dfx.Tsit5())))
    return Peer("diffrax Tsit5, one vmap", lambda starts: np.asarray(solve(starts)), 10_000)


def quicker_field(subject: Subject) -> Callable[..., jax.Array]:
    """Return the quicker of flowlab's field and one of plain `jax.numpy` under `vmap`.

    Which it is depends on the version of JAX.
    """
    pair = subject.velocity(ARRAYS)

    def plain(t, w, args=None):
        return jnp.stack(pair(w[0], w[1]))

    def many(field):
        step = jax.vmap(lambda w: w + 1e-3 * field(0.0, w))
        steps = jax.jit(lambda w: jax.lax.fori_loop(0, 200, lambda _, w: step(w), w))
        states = jnp.full((1_000, 2), 0.5) + jnp.arange(1_000)[:, None] / 4_000
        jax.block_until_ready(steps(states))
        return min(timed(lambda: jax.block_until_ready(steps(states))) for _ in range(5))

    return min((subject.field, plain), key=many)


def _until_rest(
    field: Callable[..., jax.Array], solver: dfx.AbstractSolver
) -> Callable[[jax.Array], Any]:
    # The event's own threshold, atol + rtol |w|, is tighter, and then some never meet it.
    stop = dfx.steady_state_event(rtol=0.0, atol=REST, norm=lambda f: jnp.abs(f).max())
    controller = dfx.PIDController(rtol=RTOL, atol=ATOL)
    term, event = dfx.ODETerm(field), dfx.Event(stop)

    def one(start):
        return dfx.diffeqsolve(
            term, solver, 0.0, LONGEST, None, start,
            event=event, stepsize_controller=controller, throw=False,
        ).ys[0]  # fmt: skip

    return one


def scipy_dop853(subject: Subject, threads: int) -> Peer:
    """`solve_ivp` with DOP853 and a terminal event, one start after another."""
    del threads

    velocity = subject.velocity(SCALARS)

    def rhs(t, w):
        return velocity(*w.tolist())  # Python's floats are faster than NumPy's

    def rests(t, w):
        return max(map(abs, rhs(t, w))) - REST

    rests.terminal = True

    def end(start):
        span = (0.0, LONGEST)
        return solve_ivp(rhs, span, start, "DOP853", rtol=RTOL, atol=ATOL, events=rests).y[:, -1]

    def run(starts):
        return np.array([end(start) for start in starts])

    return Peer("scipy DOP853, one by one", run, 200)


PEERS = (numbalsoda, pybasin, diffrax_batches, diffrax_vmap, scipy_dop853)
