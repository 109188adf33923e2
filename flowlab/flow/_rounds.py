"""Many lanes through one batch of fixed width, in one compiled program: what ends makes room."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .._outcome import Outcome
from ..fields import AbstractField
from ._lanes import LIVE, Packed
from ._method import FEW, Method
from ._step import Balls, first_step, take_step
from ._stepper import batch_velocity, stepper_of

LONGEST = 512
"""Most steps between two looks of the host, which shows progress and may be interrupted."""


def filled(size: int, width: int) -> int:
    """Return how many lanes of a batch must be live, while others wait, for it to go on.

    Filling up costs about as much as a step of a cheap field, and far less than one of another.
    """
    return max(1, int((0.55 if size <= FEW else 0.9) * width))


class _Work(NamedTuple):
    batch: Packed
    """The lanes at work, live ones first."""
    live: Any
    """How many of them are live."""
    filed: Packed
    """Lanes in the order in which they ended, and behind them those still live."""
    ended: Any
    """How many have ended."""
    given: Any
    """How many of the waiting lanes have got a place."""
    taken: Any
    """Steps taken."""


@eqx.filter_jit
def advance(
    field: AbstractField,
    method: Method,
    waiting: Packed,
    balls: Balls | None,
    count: Any,
    max_steps: Any,
    quota: Any,
    width: int,
) -> tuple[Packed, jax.Array, jax.Array]:
    """Integrate lanes until fewer than `quota` of them are live, or for `LONGEST` steps.

    Args:
        field: the field.
        method: solver and tolerances.
        waiting: the lanes, n of them.
        balls: capture balls of known sinks.
        count: how many of the n lanes there really are; the others are padding.
        max_steps: step budget of a lane; one that has none left is exhausted at once.
        quota: smallest number of live lanes worth another step, at least 1.
        width: lanes in the batch.

    Returns:
        The lanes, n + width of them; how many of those mean something; and how many of the
        waiting ones, from the first, were given a place at all.
    """

    def going(work: _Work):
        left = (work.given < count) | (work.live >= quota)
        return (work.taken < LONGEST) & left

    def body(work: _Work) -> _Work:
        batch, live, given = _fill(work, waiting, count, width)
        few = jnp.where(given < count, jnp.asarray(filled(field.size, width), jnp.int32), quota)
        batch, taken = _run(field, method, balls, max_steps, batch, live, few, work.taken)
        batch, alive, filed, ended = _file(batch, live, work.filed, work.ended)
        return _Work(batch, alive, filed, ended, given, taken)

    zero = jnp.asarray(0, jnp.int32)
    batch, filed = _room(waiting, width), _room(waiting, waiting.width + width)
    work = jax.lax.while_loop(going, body, _Work(batch, zero, filed, zero, zero, zero))
    return work.filed, work.ended + work.live, work.given


def _room(lanes: Packed, size: int) -> Packed:
    """Return room for as many lanes."""
    return jax.tree.map(lambda x: jnp.zeros((*x.shape[:-1], size), x.dtype), lanes)


def _fill(work: _Work, waiting: Packed, count, width: int) -> tuple[Packed, Any, Any]:
    """Give the free places of the batch to lanes that wait."""
    place = jnp.arange(width, dtype=jnp.int32)
    source = jnp.clip(work.given + place - work.live, 0, waiting.width - 1)
    batch = jax.tree.map(
        lambda old, new: jnp.where(place < work.live, old, jnp.take(new, source, -1)),
        work.batch,
        waiting,
    )
    new = jnp.minimum(width - work.live, count - work.given)
    return batch, work.live + new, work.given + new


def _run(field, method, balls, max_steps, batch: Packed, present, few, taken):
    """Take steps until fewer than `few` lanes are live."""
    lanes = batch.lanes
    stepper = stepper_of(field, method, lanes.projector)
    velocity = batch_velocity(field, lanes.projector)
    dt = jax.lax.cond(
        jnp.min(lanes.dt) == 0,
        lambda: jnp.where(lanes.dt == 0, first_step(velocity, method, lanes.w), lanes.dt),
        lambda: lanes.dt,
    )
    # Empty places hold lanes without a step left.
    spent = (lanes.steps >= max_steps) | (jnp.arange(batch.width) >= present)
    status = jnp.where(spent, Outcome.exhausted, LIVE).astype(jnp.int32)

    def going(carry):
        lanes, _, taken = carry
        return (taken < LONGEST) & (jnp.sum(lanes.status == LIVE) >= few)

    def body(carry):
        lanes, memory, taken = carry
        lanes, memory = take_step(field, method, stepper, balls, max_steps, lanes, memory)
        return lanes, memory, taken + 1

    carry = (lanes._replace(dt=dt, status=status), stepper.begin(lanes.w), taken)
    lanes, _, taken = jax.lax.while_loop(going, body, carry)
    return batch.updated(lanes), taken


def _file(batch: Packed, present, filed: Packed, ended) -> tuple[Packed, Any, Packed, Any]:
    """File the lanes of a batch that have ended, behind the others, and bring the rest forward."""
    width = batch.width
    place = jnp.arange(width, dtype=jnp.int32)
    live = (batch.lanes.status == LIVE) & (place < present)
    alive = jnp.sum(live, dtype=jnp.int32)
    # First those that have ended, then the live ones, then empty places. XLA sorts numbers 10 times
    # faster than it sorts numbers with others attached.
    rank = jnp.where(place < present, live.astype(jnp.int32), 2)
    order = jnp.sort(rank * width + place) % width
    over = present - alive
    filed = jax.tree.map(
        lambda all, new: jax.lax.dynamic_update_slice_in_dim(
            all, jnp.take(new, order, -1), ended, -1
        ),
        filed,
        batch,
    )
    forward = jnp.take(order, jnp.minimum(place + over, width - 1))
    batch = jax.tree.map(lambda x: jnp.take(x, forward, -1), batch)
    return batch, alive, filed, ended + over
