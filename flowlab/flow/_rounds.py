"""One round of integration for a batch of lanes, until enough of them have ended."""

import functools as ft
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .._outcome import Outcome
from .._types import ArrayLike
from ..fields import AbstractField
from ._method import SETTLED, Method
from ._stepper import Velocity, batch_velocity, stepper_of

LIVE, RESTING, NEAR = -1, -2, -3
"""Status of a lane that goes on, that seems to have settled, or that is slow enough to be in the
capture ball of a known sink; the host decides on the last two. Others: an `Outcome`."""

ROUND = 64
"""Most steps in a round."""

SINGULAR = 1e-8
"""A lane this close to a singularity of the field (relative) has reached it."""

REARM = 10.0
"""A released lane may rest again once a step moves it by this multiple of the threshold."""

FAILURES = 50
"""Trial steps that meet NaN, each a tenth of the one before, after which a lane gives up."""

SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0
"""The step-size controller: Hairer, Norsett & Wanner, Solving ODEs I, II.4."""


class Lanes(NamedTuple):
    """The state of n lanes between rounds, `w` (size, n), the others (n,)."""

    w: Any
    dt: Any
    """The next step; 0 for a lane that has not begun."""
    time: Any
    rest: Any
    """Time since which no step moved the lane by more than the threshold of rest."""
    steps: Any
    """Steps, rejected ones included."""
    failures: Any
    """Trial steps that met NaN."""
    armed: Any
    """Whether the lane may be called resting; one released from a saddle must first leave it."""


class Bounds(NamedTuple):
    """What ends a lane, (n,) each."""

    escape: Any
    """Euclidean norm beyond which it has escaped."""
    gate: Any
    """Speed below which it may be in a capture ball that is not listed; 0: never."""


class Balls(NamedTuple):
    """Capture balls `|root (w - centre)| < radius`, leading axis s."""

    centres: Any
    radii: Any
    roots: Any
    """(s, size, size), or `None` for Euclidean balls."""


@eqx.filter_jit
def advance(
    field: AbstractField,
    method: Method,
    lanes: Lanes,
    bounds: Bounds,
    projector: ArrayLike | None,
    balls: Balls | None,
    max_steps: ArrayLike,
    quota: ArrayLike,
) -> tuple[Lanes, jax.Array]:
    """Take steps in every lane until fewer than `quota` are live, 64 at the most.

    A lane evolves in the same way whatever the batch it is in: it is continued from its state and
    next step alone, and frozen where it ends.

    Args:
        field: the field.
        method: solver and tolerances.
        lanes: the lanes.
        bounds: what ends them.
        projector: `None`, or (n, size, size): the invariant subspace of each lane.
        balls: capture balls of known sinks.
        max_steps: step budget of a lane; one that has none left is exhausted at once.
        quota: smallest number of live lanes worth another step, at least 1.

    Returns:
        The lanes after the round, and the status of each, (n,) int8.
    """
    stepper = stepper_of(field, method, projector)
    order = method.solver.error_order(None)
    fresh = lanes.dt == 0
    dt = jax.lax.cond(
        jnp.any(fresh),
        lambda: jnp.where(
            fresh, _first_step(batch_velocity(field, projector), method, order, lanes.w), lanes.dt
        ),
        lambda: lanes.dt,
    )

    def going(carry):
        _, _, status, taken = carry
        return (taken < ROUND) & (jnp.sum(status == LIVE) >= quota)

    def body(carry):
        lanes, memory, status, taken = carry
        live = status == LIVE
        w1, error, memory1, ok = stepper.step(lanes.w, lanes.dt, memory)
        # The mean square, not its root: the exponent halves instead.
        scale = method.atol + method.rtol * jnp.maximum(jnp.abs(lanes.w), jnp.abs(w1))
        square = _over(jnp.add, (error / scale) ** 2) / len(error)
        keep = live & ok & (square < 1)
        shift = w1 - lanes.w
        noise = method.atol + method.rtol * _over(jnp.maximum, jnp.abs(w1))
        moved = _over(jnp.maximum, jnp.abs(shift)) / (SETTLED * noise)

        after = _after(lanes, w1, square, order, live, ok, keep, moved)
        new = _status(field, balls, after, bounds, max_steps)
        slow = _over(jnp.add, shift**2) < (bounds.gate * lanes.dt) ** 2
        new = jnp.where((new == LIVE) & keep & slow, NEAR, new)
        new = jnp.where((new < 0) & keep & (moved <= 1) & after.armed, RESTING, new)
        status = jnp.where(live, new, status).astype(jnp.int8)
        return after, stepper.choose(keep, memory1, memory), status, taken + 1

    spent = jnp.where(lanes.steps >= max_steps, Outcome.exhausted, LIVE).astype(jnp.int8)
    carry = (lanes._replace(dt=dt), stepper.begin(lanes.w), spent, 0)
    lanes, _, status, _ = jax.lax.while_loop(going, body, carry)
    return lanes, status


def _after(lanes: Lanes, w1, square, order, live, ok, keep, moved) -> Lanes:
    """Return the lanes after a trial step."""
    # An implicit method whose root finder gives up has met no NaN: a smaller step will do.
    failed = live & ok & ~jnp.isfinite(square)
    square = jnp.where(ok, square, jnp.inf)
    factor = SAFETY * jnp.exp(jnp.log(jnp.maximum(square, 1e-30)) * (-0.5 / order))
    factor = jnp.where(keep, jnp.clip(factor, SHRINK, GROW), jnp.clip(factor, SHRINK, 0.5))
    factor = jnp.where(failed, 0.1, factor)
    time = lanes.time + jnp.where(keep, lanes.dt, 0.0)
    return Lanes(
        jnp.where(keep, w1, lanes.w),
        jnp.where(live, lanes.dt * factor, lanes.dt),
        time,
        jnp.where(keep & (moved > 1), time, lanes.rest),
        lanes.steps + live,
        lanes.failures + failed,
        lanes.armed | (keep & (moved > REARM)),
    )


def _status(field, balls: Balls | None, lanes: Lanes, bounds: Bounds, max_steps) -> jax.Array:
    """Return what has become of the lanes, `LIVE` for those that go on."""
    w = lanes.w
    status = jnp.where(lanes.steps >= max_steps, Outcome.exhausted, LIVE)
    if balls is not None:
        status = jnp.where(_inside(balls, w), Outcome.captured, status)
    status = jnp.where(_over(jnp.add, w**2) > bounds.escape**2, Outcome.escaped, status)
    status = jnp.where(lanes.failures >= FAILURES, Outcome.nonfinite, status)
    distance = jax.vmap(field.distance_to_singularity, -1)(w.reshape(*field.shape, -1))
    return jnp.where(distance < SINGULAR, Outcome.singular, status)


def _inside(balls: Balls, w: jax.Array) -> jax.Array:
    """Return which lanes are in some ball, (n,)."""
    inside = jnp.zeros(w.shape[-1], bool)
    for number in range(len(balls.centres)):
        gap = w - balls.centres[number][:, None]
        if balls.roots is not None:
            gap = balls.roots[number] @ gap
        inside |= _over(jnp.add, gap**2) < balls.radii[number] ** 2
    return inside


def _over(operation: Callable[[Any, Any], Any], rows: jax.Array) -> jax.Array:
    """Reduce over the coordinates, (size, n) to (n,).

    Written out for small states: XLA fuses that, and reduces a leading axis slowly.
    """
    if len(rows) <= 8:
        return ft.reduce(operation, list(rows))
    return rows.sum(0) if operation is jnp.add else rows.max(0)


def _first_step(velocity: Velocity, method: Method, order: Any, w: jax.Array) -> jax.Array:
    """Return a first step from the first two derivatives (Hairer et al., II.4, there `HINIT`)."""
    scale = method.atol + method.rtol * jnp.abs(w)

    def size(v):
        return jnp.sqrt(jnp.mean((v / scale) ** 2, axis=0))

    slope = velocity(w)
    d0, d1 = size(w), size(slope)
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = jnp.where(tiny, 1e-6, 0.01 * d0 / jnp.where(tiny, 1.0, d1))
    d2 = size(velocity(w + h0 * slope) - slope) / h0
    steepest = jnp.maximum(d1, d2)
    h1 = (0.01 / jnp.maximum(steepest, 1e-15)) ** (1 / (order + 1))
    step = jnp.minimum(100 * h0, jnp.where(steepest <= 1e-15, jnp.maximum(1e-6, 1e-3 * h0), h1))
    return jnp.where(jnp.isfinite(step), step, 1e-6)
