"""Many lanes in rounds: finished ones are retired, the rest repacked into buckets."""

import dataclasses
import time
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

BUCKETS = (32, 256, 2048)
"""Sizes that batches are padded to: few, because each is compiled for."""

WORTHWHILE = 0.03
"""Seconds that a round must take before a smaller bucket pays for its compilation."""


@dataclasses.dataclass
class Pool:
    """All lanes of a job, on the host."""

    w: np.ndarray
    dt: np.ndarray
    time: np.ndarray
    steps: np.ndarray
    armed: np.ndarray
    """Whether the lane may be called settled; a lane released from a saddle must first leave it."""
    projector: np.ndarray | None = None

    @classmethod
    def fresh(cls, starts: np.ndarray, projector: np.ndarray | None = None) -> "Pool":
        """Return the pool of lanes that start at `starts`."""
        count = len(starts)
        return cls(
            np.array(starts), np.zeros(count), np.zeros(count), np.zeros(count, int),
            np.ones(count, bool), projector,
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
    size, cost = BUCKETS[-1], np.inf
    while len(live):
        fitting = next((bucket for bucket in BUCKETS if bucket >= len(live)), BUCKETS[-1])
        if cost > WORTHWHILE or fitting > size:
            size = fitting
        began = time.perf_counter()
        for first in range(0, len(live), size):
            index = live[first : first + size]
            verdict = _advance_bucket(field, method, pool, index, size)
            status[index] = _decide(pool, index, verdict, max_steps, radius)
        cost = time.perf_counter() - began
        live = live[status[live] == _LIVE]
        on_round(len(live))
    return status


_LIVE = -2


def _advance_bucket(
    field: AbstractField, method: Method, pool: Pool, index: np.ndarray, size: int
) -> Verdict:
    count = len(index)
    padded = np.concatenate([index, np.repeat(index[-1:], size - count)])
    lanes = Lanes(pool.w[padded], pool.dt[padded], pool.time[padded], pool.steps[padded])
    projector = None if pool.projector is None else jnp.asarray(pool.projector[padded])
    after, verdict = jax.device_get(
        advance(field, method, jax.tree.map(jnp.asarray, lanes), projector)
    )
    pool.w[index], pool.dt[index] = after.w[:count], after.dt[:count]
    pool.time[index], pool.steps[index] = after.time[:count], after.steps[:count]
    return jax.tree.map(lambda leaf: leaf[:count], verdict)


def _decide(
    pool: Pool, index: np.ndarray, verdict: Verdict, max_steps: int, radius: np.ndarray
) -> np.ndarray:
    pool.armed[index] |= verdict.movement > REARM
    status = np.full(len(index), _LIVE, np.int8)
    status[pool.steps[index] >= max_steps] = Outcome.exhausted
    status[(verdict.movement <= 1) & pool.armed[index]] = CANDIDATE
    status[verdict.norm > radius[index]] = Outcome.escaped
    status[verdict.singular] = Outcome.singular
    status[~verdict.finite] = Outcome.nonfinite
    return status
