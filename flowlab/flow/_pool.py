"""Many lanes through one batch of fixed size: whatever ends makes room for the next."""

import dataclasses
import threading
from collections.abc import Callable

import jax
import numpy as np

from ..fields import AbstractField
from ._method import Method
from ._rounds import LIVE, Balls, Bounds, Lanes, advance

WIDE, NARROW = 8_192, 256
"""Most scalar coordinates in a batch, which should stay in the cache; lanes in a small batch."""

FILLED = 0.55
"""A round ends when fewer lanes of the batch than this share are live, and others wait."""


def batch_sizes(size: int, wanted: int | None = None) -> tuple[int, int]:
    """Return the two sizes of batches of fields of `size` coordinates; each is compiled for.

    Args:
        size: number of coordinates of a state.
        wanted: the size of the larger one, if somebody knows better.
    """
    wide = wanted or 1 << max(5, (WIDE // max(size, 2)).bit_length() - 1)
    return min(NARROW, wide), wide


@dataclasses.dataclass
class Trajectories:
    """What is known of every trajectory of a job, on the host; leading axis n."""

    w: np.ndarray
    """(n, size)"""
    dt: np.ndarray
    time: np.ndarray
    rest: np.ndarray
    steps: np.ndarray
    failures: np.ndarray
    armed: np.ndarray
    gate: np.ndarray
    escape: np.ndarray
    projector: np.ndarray | None = None
    """(n, size, size): the invariant subspace that each is kept in."""

    @classmethod
    def fresh(cls, w: np.ndarray, escape: np.ndarray) -> "Trajectories":
        """Return trajectories that have not begun."""
        count = len(w)
        zeros, whole = np.zeros(count), np.zeros(count, int)
        armed = np.ones(count, bool)
        return cls(
            np.array(w), zeros, zeros.copy(), zeros.copy(), whole, whole.copy(), armed,
            zeros.copy(), escape,
        )  # fmt: skip


class Queue:
    """Numbers of lanes that wait for a place, shared by threads."""

    def __init__(self, lanes: np.ndarray):
        self._lanes, self._next, self._lock = lanes, 0, threading.Lock()

    def take(self, count: int) -> np.ndarray:
        """Return up to `count` lanes that nobody else gets."""
        with self._lock:
            taken = self._lanes[self._next : self._next + count]
            self._next += len(taken)
        return taken

    def __len__(self) -> int:
        return len(self._lanes) - self._next


def drain(
    field: AbstractField,
    method: Method,
    balls: Balls | None,
    max_steps: int,
    trajectories: Trajectories,
    queue: Queue,
    on_end: Callable[[np.ndarray, np.ndarray], np.ndarray],
    sizes: tuple[int, int],
) -> None:
    """Integrate lanes from a queue until it is empty and all of them have ended.

    Args:
        field: the field.
        method: solver and tolerances.
        balls: capture balls for the kernel.
        max_steps: step budget of a lane.
        trajectories: all of the job; those taken from the queue are advanced in place.
        queue: the lanes to integrate.
        on_end: called with lanes and their statuses when they stop being live; returns the mask of
            those that must go on.
        sizes: of the small and the large batch.
    """
    narrow, wide = sizes
    slots = queue.take(wide)
    budget = np.asarray(max_steps)
    while len(slots):
        size = narrow if len(slots) <= narrow else wide
        waiting = len(queue) > 0
        quota = max(1, int(FILLED * size) if waiting else len(slots) // 2)
        lanes, bounds, projector = _gather(trajectories, slots, size, max_steps)
        after, status = jax.device_get(
            advance(field, method, lanes, bounds, projector, balls, budget, np.asarray(quota))
        )
        _scatter(trajectories, slots, after)
        ended = np.flatnonzero(status[: len(slots)] != LIVE)
        again = on_end(slots[ended], status[ended])
        staying = np.ones(len(slots), bool)
        staying[ended] = again
        slots = slots[staying]
        slots = np.concatenate([slots, queue.take(wide - len(slots))])


def _gather(
    trajectories: Trajectories, slots: np.ndarray, size: int, max_steps: int
) -> tuple[Lanes, Bounds, np.ndarray | None]:
    padded = np.concatenate([slots, np.repeat(slots[-1:], size - len(slots))])
    lanes = Lanes(*(getattr(trajectories, name)[padded] for name in Lanes._fields))
    # Padding has no step left, so that no round waits for it.
    lanes.steps[len(slots) :] = max_steps
    lanes = lanes._replace(w=np.ascontiguousarray(lanes.w.T))
    bounds = Bounds(*(getattr(trajectories, name)[padded] for name in Bounds._fields))
    projector = trajectories.projector
    return lanes, bounds, None if projector is None else projector[padded]


def _scatter(trajectories: Trajectories, slots: np.ndarray, after: Lanes) -> None:
    count = len(slots)
    for name in Lanes._fields:
        value = getattr(after, name)
        getattr(trajectories, name)[slots] = (value.T if name == "w" else value)[:count]
