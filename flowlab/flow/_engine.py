"""Many lanes in rounds: finished ones are retired, the rest repacked into buckets."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from .._outcome import Outcome
from ..fields import AbstractField
from ._method import Method
from ._rounds import Lanes, Verdict, advance

CANDIDATE = -1
"""Status of a lane that seems to have settled; the polish decides."""

REARM = 10.0
"""A released lane may settle again once it moves by this multiple of the threshold."""

PATIENCE = 4
"""Rounds of stragglers after which a smaller bucket pays for its compilation. Counted, not timed:
the same call gives the same bits."""


def buckets(size: int) -> tuple[int, int]:
    """Return the sizes that batches of fields of `size` coordinates are padded to.

    There are two only, because each is compiled for.
    """
    return (256, 2048) if size <= 24 else (32, 256)


@dataclasses.dataclass
class Pool:
    """All lanes of a job, on the host."""

    w: np.ndarray
    dt: np.ndarray
    time: np.ndarray
    rest: np.ndarray
    steps: np.ndarray
    armed: np.ndarray
    """Whether the lane may be called settled; a lane released from a saddle must first leave it."""
    projector: np.ndarray | None = None
    bucket: int = 0
    """Size of the last bucket, 0 before the first."""
    waiting: int = 0
    """Rounds for which a smaller bucket would have done."""

    @classmethod
    def fresh(cls, starts: np.ndarray, projector: np.ndarray | None = None) -> "Pool":
        """Return the pool of lanes that start at `starts`."""
        count = len(starts)
        return cls(
            np.array(starts),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count, int),
            np.ones(count, bool),
            projector,
        )


def run(
    field: AbstractField,
    method: Method,
    pool: Pool,
    live: np.ndarray,
    *,
    max_steps: int,
    radius: np.ndarray,
    on_round: Callable[[int], None],
) -> np.ndarray:
    """Integrate the lanes `live` of a pool, in place, until each is a candidate or has ended.

    Args:
        field: the field.
        method: solver and tolerances.
        pool: the lanes.
        live: indices of the lanes to integrate.
        max_steps: step budget of a lane, over its whole life.
        radius: escape radius of each lane of the pool.
        on_round: called after each round with the number of lanes still live.

    Returns:
        Status of each lane of the pool: `CANDIDATE` or an `Outcome` for lanes that were live, 0
        elsewhere.
    """
    status = np.zeros(len(pool.w), np.int8)
    small, large = buckets(field.size)
    while len(live):
        fitting = small if len(live) <= small else large
        pool.waiting = pool.waiting + 1 if fitting < pool.bucket else 0
        if fitting > pool.bucket or pool.waiting > PATIENCE:
            pool.bucket = fitting
        for first in range(0, len(live), pool.bucket):
            index = live[first : first + pool.bucket]
            verdict = _advance_bucket(field, method, pool, index)
            status[index] = _decide(pool, index, verdict, max_steps, radius)
        live = live[status[live] == _LIVE]
        on_round(len(live))
    return status


_LIVE = -2


def _advance_bucket(field: AbstractField, method: Method, pool: Pool, index: np.ndarray) -> Verdict:
    count = len(index)
    padded = np.concatenate([index, np.repeat(index[-1:], pool.bucket - count)])
    lanes = Lanes(*(jnp.asarray(getattr(pool, name)[padded]) for name in Lanes._fields))
    projector = None if pool.projector is None else jnp.asarray(pool.projector[padded])
    after, verdict = jax.device_get(advance(field, method, lanes, projector))
    for name in Lanes._fields:
        getattr(pool, name)[index] = getattr(after, name)[:count]
    return jax.tree.map(lambda leaf: leaf[:count], verdict)


def _decide(
    pool: Pool, index: np.ndarray, verdict: Verdict, max_steps: int, radius: np.ndarray
) -> np.ndarray:
    pool.armed[index] |= verdict.movement > REARM
    status = np.full(len(index), _LIVE, np.int8)
    status[pool.steps[index] >= max_steps] = Outcome.exhausted
    status[(verdict.movement <= 1) & pool.armed[index]] = CANDIDATE
    status[verdict.norm > radius[index]] = Outcome.escaped
    status[~verdict.finite] = Outcome.nonfinite
    status[verdict.singular] = Outcome.singular
    return status
