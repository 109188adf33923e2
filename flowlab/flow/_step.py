"""One step for every lane of a batch: try it, judge it, and say what has become of the lane."""

import functools as ft
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .._kernel import apart
from .._outcome import Outcome
from ..fields import AbstractField
from ._lanes import LIVE, NEAR, RESTING, Lanes
from ._method import SETTLED, Method
from ._stepper import AbstractStepper, Velocity

SINGULAR = 1e-8
"""A lane this close to a singularity of the field (relative) has reached it."""

REARM = 10.0
"""A released lane may rest again once a step moves it by this multiple of the threshold."""

FAILURES = 50
"""Trial steps that meet NaN, each a tenth of the one before, after which a lane gives up."""

SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0
"""The step-size controller: Hairer, Norsett & Wanner, Solving ODEs I, II.4."""


class Balls(NamedTuple):
    """Capture balls `|root (w - centre)| < radius`, leading axis s."""

    centres: Any
    radii: Any
    roots: Any
    """(s, size, size), or `None` for Euclidean balls."""


class Judgement(NamedTuple):
    """What decides on a trial step, (n,) each."""

    square: jax.Array
    """Mean square of the error in units of the tolerance; its root would cost more."""
    shift: jax.Array
    """Square of the distance moved."""
    moved: jax.Array
    """Largest change of a coordinate, in units of the threshold of rest."""


def take_step(
    field: AbstractField,
    method: Method,
    stepper: AbstractStepper,
    balls: Balls | None,
    max_steps: Any,
    lanes: Lanes,
    memory: Any,
) -> tuple[Lanes, Any]:
    """Try one step in every live lane.

    A lane evolves in the same way whatever the batch it is in, and is frozen where it ends.

    Args:
        field: the field.
        method: solver and tolerances.
        stepper: what takes a trial step.
        balls: capture balls of known sinks.
        max_steps: step budget of a lane.
        lanes: the lanes.
        memory: what the stepper keeps between steps.

    Returns:
        Lanes and memory after the step.
    """
    live = lanes.status == LIVE
    w1, error, memory1, ok = stepper.step(lanes.w, lanes.dt, memory)
    # Without the marks XLA would compute these again in every array that depends on them.
    judgement = apart(ft.partial(_judge, method), lanes.w, w1, error)
    keep = live & ok & (judgement.square < 1)
    order = method.solver.error_order(None)
    after = apart(ft.partial(_after, order), lanes, w1, judgement, live, ok, keep)
    status = _status(field, balls, after, max_steps)
    slow = judgement.shift < (lanes.gate * lanes.dt) ** 2
    status = jnp.where((status == LIVE) & keep & slow, NEAR, status)
    rests = (status < 0) & keep & (judgement.moved <= 1) & (after.armed > 0)
    status = jnp.where(rests, RESTING, status)
    after = after._replace(status=jnp.where(live, status, lanes.status))
    return after, stepper.choose(keep, memory1, memory)


def _judge(method: Method, w: jax.Array, w1: jax.Array, error: jax.Array) -> Judgement:
    scale = method.atol + method.rtol * jnp.maximum(jnp.abs(w), jnp.abs(w1))
    square = _over(jnp.add, (error / scale) ** 2) / len(error)
    shift = w1 - w
    noise = method.atol + method.rtol * _over(jnp.maximum, jnp.abs(w1))
    moved = _over(jnp.maximum, jnp.abs(shift)) / (SETTLED * noise)
    return Judgement(square, _over(jnp.add, shift**2), moved)


def _after(order: Any, lanes: Lanes, w1, judgement: Judgement, live, ok, keep) -> Lanes:
    """Return the lanes after a trial step."""
    # An implicit method whose root finder gives up has met no NaN: a smaller step will do.
    failed = live & ok & ~jnp.isfinite(judgement.square)
    square = jnp.where(ok, judgement.square, jnp.inf)
    factor = SAFETY * jnp.exp(jnp.log(jnp.maximum(square, 1e-30)) * (-0.5 / order))
    factor = jnp.where(keep, jnp.clip(factor, SHRINK, GROW), jnp.clip(factor, SHRINK, 0.5))
    factor = jnp.where(failed, 0.1, factor)
    time = lanes.time + jnp.where(keep, lanes.dt, 0.0)
    return lanes._replace(
        w=jnp.where(keep, w1, lanes.w),
        dt=jnp.where(live, lanes.dt * factor, lanes.dt),
        time=time,
        rest=jnp.where(keep & (judgement.moved > 1), time, lanes.rest),
        steps=lanes.steps + live,
        failures=lanes.failures + failed,
        armed=lanes.armed | (keep & (judgement.moved > REARM)),
    )


def _status(field: AbstractField, balls: Balls | None, lanes: Lanes, max_steps) -> jax.Array:
    """Return what has become of the lanes, `LIVE` for those that go on."""
    w = lanes.w
    status = jnp.where(lanes.steps >= max_steps, Outcome.exhausted, LIVE)
    if balls is not None:
        status = jnp.where(apart(_inside, balls, w), Outcome.captured, status)
    status = jnp.where(_over(jnp.add, w**2) > lanes.escape**2, Outcome.escaped, status)
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


def first_step(velocity: Velocity, method: Method, w: jax.Array) -> jax.Array:
    """Return a first step from the first two derivatives (Hairer et al., II.4, there `HINIT`)."""
    slope = apart(velocity, w)
    h0 = apart(ft.partial(_trial, method), w, slope)
    change = apart(velocity, w + h0 * slope) - slope
    return apart(ft.partial(_first, method), w, slope, h0, change)


def _trial(method: Method, w: jax.Array, slope: jax.Array) -> jax.Array:
    d0, d1 = _size(method, w, w), _size(method, w, slope)
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    return jnp.where(tiny, 1e-6, 0.01 * d0 / jnp.where(tiny, 1.0, d1))


def _first(method: Method, w, slope, h0, change) -> jax.Array:
    order: Any = method.solver.error_order(None)
    steepest = jnp.maximum(_size(method, w, slope), _size(method, w, change) / h0)
    h1 = (0.01 / jnp.maximum(steepest, 1e-15)) ** (1 / (order + 1))
    step = jnp.minimum(100 * h0, jnp.where(steepest <= 1e-15, jnp.maximum(1e-6, 1e-3 * h0), h1))
    return jnp.where(jnp.isfinite(step), step, 1e-6)


def _size(method: Method, w: jax.Array, v: jax.Array) -> jax.Array:
    """Return the root mean square of `v` in units of the tolerance."""
    return jnp.sqrt(_over(jnp.add, (v / (method.atol + method.rtol * jnp.abs(w))) ** 2) / len(w))
