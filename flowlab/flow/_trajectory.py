"""One trajectory, adaptive, until it settles."""

import dataclasses
from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_state, require_float64
from .._outcome import Outcome
from ..critical import newton_batches, outcome_of
from ..fields import AbstractField
from ._method import SETTLED, default_method, first_step, term_of
from ._step import SINGULAR

CHUNK = 32
"""Steps between two looks at whether it has settled."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trajectory:
    """What `integrate` returns.

    Attributes:
        times: (n,), increasing from 0.
        states: (n, *shape), the state at each time.
        loss: (n,), the loss along it, for fields that have one; else `None`.
        outcome: how it ended.
        steps: number of steps, rejected ones included.
        evaluations: number of evaluations of the field.
        limit: the critical point that a settled trajectory converges to, polished; else `None`.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> run = fl.integrate(fl.zoo.double_well(), jnp.array([0.5, 0.2]))
        >>> len(run.times) == len(run.states) == len(run.loss), bool(run.loss[-1] < run.loss[0])
        (True, True)
    """

    times: np.ndarray
    states: np.ndarray
    loss: np.ndarray | None
    outcome: Outcome
    steps: int
    evaluations: int
    limit: np.ndarray | None = None

    def __repr__(self) -> str:
        if len(self.times) == 0:
            return f"<Trajectory: {self.outcome.name} before the first time asked for>"
        loss = "" if self.loss is None else f", loss {self.loss[0]:.4g} to {self.loss[-1]:.4g}"
        return (
            f"<Trajectory: {self.outcome.name} at t = {self.times[-1]:.6g} after {self.steps} "
            f"steps{loss}>"
        )


def integrate(
    field: AbstractField,
    w0: Any,
    *,
    t1: float = float("inf"),
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    saveat: Any = None,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    throw: bool = True,
) -> Trajectory:
    r"""Integrate :math:`\dot w = f(w)` from one start until it settles, or until `t1`.

    It settles when the state moves by less than 100 times one step's error in a step (an explicit
    method hovers around a sink at about that error and never comes to rest) and a Newton polish
    finds a zero of the field right there. A start in the fixed subspace of a subgroup of the
    symmetry is kept in it exactly.

    Args:
        field: the field.
        w0: the start, of `field.shape`, float64.
        t1: end time; infinite: until it settles.
        solver: an adaptive diffrax solver; `Dopri8` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        saveat: times at which to return the state, increasing, starting at 0 or later (then it
            integrates up to the last of them and `t1` is not used); if not given, every step.
        max_steps: step budget, rounded up to whole chunks of 32 steps unless `saveat` is given.
        escape_radius: Euclidean norm beyond which it has escaped; 1e4 times the larger of 1 and the
            start's norm if not given.
        throw: raise unless it settled or finished; otherwise say so in `outcome`.

    Returns:
        A `Trajectory`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits, or with `throw` if it escapes, meets a singularity or
            runs out of steps.

    Source: Tian 2017, Eqn 15.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> run = fl.integrate(fl.theorem7_plane(2), jnp.array([1e-3, 0.0]))
        >>> run.outcome.name, (run.limit.round(9) + 0.0).tolist()
        ('settled', [1.0, 0.0])
    """
    require_float64("integrate")
    start = as_state(field.shape, w0, "w0")
    method = default_method(solver, rtol, atol)
    projector = _projector(field, np.asarray(start))
    if saveat is not None:
        times, states, steps, outcome = _at_times(
            field, method, start, _as_times(saveat), projector, max_steps
        )
        limit = None
    else:
        if not t1 >= 0:
            raise ValueError(f"t1 is {t1!r}; needed: an end time, 0 or later.")
        radius = 1e4 * max(1.0, float(np.linalg.norm(start)))
        radius = radius if escape_radius is None else float(escape_radius)
        times, states, steps, outcome, limit = _until(
            field, method, start, t1, projector, max_steps, radius
        )
    if throw and not outcome.ok:
        where = f"It ended at t = {times[-1]:.6g}." if len(times) else "No time was reached."
        raise RuntimeError(f"{outcome.explanation} {where}")
    return Trajectory(
        times, states, _loss_along(field, states), outcome, steps, steps * method.stages, limit
    )


def _projector(field: AbstractField, start: np.ndarray) -> jax.Array | None:
    if bool(field.surely_generic(start[None])[0]):
        return None
    basis = field.invariant_basis(start)
    return None if basis is None else jnp.asarray(basis.T @ basis)


def _as_times(saveat: Any) -> jax.Array:
    times = jnp.asarray(saveat, float)
    if times.ndim != 1 or len(times) == 0:
        raise ValueError(f"saveat has shape {times.shape}; needed: a list of times (n,).")
    finite = bool(jnp.all(jnp.isfinite(times)))
    if not finite or not bool(jnp.all(jnp.diff(times) > 0)) or float(times[0]) < 0:
        raise ValueError("saveat must be finite, increasing and not negative.")
    return times


@eqx.filter_jit
def _chunk(field, method, w, dt, left, projector):
    """Take up to `CHUNK` steps, all of them saved, but not beyond the time that is left."""
    solution = dfx.diffeqsolve(
        term_of(field),
        method.solver,
        0.0,
        left,
        jnp.minimum(dt, left),
        w,
        projector,
        stepsize_controller=method.controller,
        max_steps=CHUNK,
        throw=False,
        saveat=dfx.SaveAt(steps=True, controller_state=True),
    )
    assert solution.controller_state is not None
    return solution.ts, solution.ys, solution.controller_state.next_step, solution.stats


def _until(field, method, start, t1, projector, max_steps, radius):
    """Integrate in chunks until something ends it."""
    times, states, steps = [np.zeros(1)], [np.asarray(start)[None]], 0
    w, dt = start, first_step(field, start)
    outcome = limit = None
    while outcome is None:
        left = t1 - times[-1][-1]
        ts, ys, dt, stats = jax.device_get(
            _chunk(field, method, jnp.asarray(w), dt, jnp.asarray(left, float), projector)
        )
        taken = np.isfinite(ts) & np.isfinite(ys).reshape(len(ts), -1).all(-1)
        steps += int(stats["num_steps"])
        if taken.any():
            times.append(times[-1][-1] + ts[taken])
            states.append(ys[taken])
            w = ys[taken][-1]
        outcome, limit = _judge(field, method, w, dt, radius, projector)
        if outcome is None and t1 - times[-1][-1] <= 1e-14 * max(1.0, times[-1][-1]):
            outcome = Outcome.finished
        if outcome is None and (steps >= max_steps or not taken.any()):
            outcome = Outcome.exhausted if taken.any() else Outcome.nonfinite
    ts, ws = np.concatenate(times), np.concatenate(states)
    if outcome is Outcome.settled:
        end = _rest(method, ws)
        ts, ws = ts[:end], ws[:end]
    return ts, ws, steps, outcome, limit


def _rest(method, states):
    """Return the number of states up to where it came to rest: what follows is hover."""
    flat = states.reshape(len(states), -1)
    moves = np.abs(np.diff(flat, axis=0)).max(-1)
    noise = method.atol + method.rtol * np.abs(flat[1:]).max(-1)
    moving = np.flatnonzero(moves > SETTLED * noise)
    return int(moving[-1]) + 3 if len(moving) else len(states)


@eqx.filter_jit
def _verdict(field, method, w, dt, projector):
    """Movement of the next step in units of the threshold of rest; whether w is finite, singular.

    Measured per step it needs no time scale: around a sink an explicit method hovers with steps at
    its stability limit, moving by a few times the error of a step.
    """
    velocity = term_of(field).vf(0.0, w, projector)
    movement = jnp.max(jnp.abs(velocity)) * dt / (SETTLED * method.noise(w))
    finite = jnp.all(jnp.isfinite(w)) & jnp.isfinite(movement)
    return movement, finite, field.distance_to_singularity(w) < SINGULAR


def _judge(field, method, w, dt, radius, projector):
    """How the trajectory stands: an outcome and a limit, or `None` if it goes on."""
    movement, finite, singular = _verdict(field, method, jnp.asarray(w), jnp.asarray(dt), projector)
    if bool(singular):
        return Outcome.singular, None
    if not bool(finite):
        return Outcome.nonfinite, None
    if float(np.linalg.norm(w)) > radius:
        return Outcome.escaped, None
    if float(movement) > 1:
        return None, None
    polished = newton_batches(field, w[None])
    limit = np.asarray(polished.state[0])
    outcome = outcome_of(field, limit)
    near = np.linalg.norm(limit - w) <= 1e-3 * (1 + np.linalg.norm(w))
    if outcome is Outcome.singular:
        return outcome, None
    return (Outcome.settled, limit) if near and outcome is Outcome.settled else (None, None)


@eqx.filter_jit
def _dense(field, method, w, dt, times, projector, max_steps):
    return dfx.diffeqsolve(
        term_of(field),
        method.solver,
        0.0,
        times[-1],
        jnp.minimum(dt, times[-1]),
        w,
        projector,
        stepsize_controller=method.controller,
        max_steps=max_steps,
        throw=False,
        saveat=dfx.SaveAt(ts=times),
    )


def _at_times(field, method, start, times, projector, max_steps):
    """Integrate to the last of the given times and return the states at all of them."""
    if float(times[-1]) == 0.0:
        return np.zeros(1), np.asarray(start)[None], 0, Outcome.finished
    solution = _dense(field, method, start, first_step(field, start), times, projector, max_steps)
    states = np.asarray(solution.ys)
    reached = np.isfinite(states).reshape(len(states), -1).all(-1)
    steps = int(solution.stats["num_steps"])
    outcome = Outcome.finished
    if not reached.all():
        outcome = Outcome.exhausted if steps >= max_steps else Outcome.nonfinite
    return np.asarray(times)[reached], states[reached], steps, outcome


def _loss_along(field: AbstractField, states: np.ndarray) -> np.ndarray | None:
    if not field.has_loss:
        return None
    return np.asarray(_losses(field, jnp.asarray(states)))


@eqx.filter_jit
def _losses(field: Any, states: jax.Array) -> jax.Array:
    return jax.lax.map(field.loss, states, batch_size=64)
