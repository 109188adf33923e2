"""The host's part of integrating many lanes: which go into the compiled program, and when."""

import threading
from collections.abc import Callable

import jax
import numpy as np

from ..fields import AbstractField
from ._lanes import LIVE, Packed
from ._method import FEW, Method
from ._rounds import advance, filled
from ._step import Balls

COORDINATES, WIDEST, LEAST = 8_192, 1_024, 64
"""Most scalar coordinates in a batch, which should stay in the cache; most and fewest lanes."""

SHARE = 4
"""Batches in what is handed to the compiled program at a time."""


def batch_sizes(size: int, count: int, wanted: int | None = None) -> tuple[int, int]:
    """Return a small and a large size of batches; what is used is compiled for.

    The last lanes of a job go on in a small batch, where a step costs less.

    Args:
        size: number of coordinates of a state.
        count: number of trajectories of the job; few are not worth a second compilation.
        wanted: the large size, if somebody knows better.
    """
    fitting = 1 << (COORDINATES // max(size, 1)).bit_length() - 1 if size < COORDINATES else 1
    wide = wanted or min(WIDEST, max(LEAST, fitting))
    if size <= FEW:
        return -(-wide // 4), wide
    return (-(-wide // 8) if count >= 8 * wide else wide), wide


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
    paths: Packed,
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
        paths: all of the job; those taken from the queue are advanced in place.
        queue: the lanes to integrate.
        on_end: called with lanes and their statuses when they stop being live; returns the mask of
            those that must go on.
        sizes: of the small and the large batch.
    """
    narrow, wide = sizes
    chosen = queue.take(SHARE * wide)
    while len(chosen):
        # A small job compiles for small batches only; the last of a large one go on in one.
        width = narrow if len(chosen) <= SHARE * narrow else wide
        last = 1 if width == narrow else narrow
        quota = filled(field.size, width) if len(queue) else last
        results = advance(
            field, method, paths.some(chosen, SHARE * width), balls,
            np.int32(len(chosen)), np.int32(max_steps), np.int32(quota), width,
        )  # fmt: skip
        filed, count, given = jax.device_get(results)
        filed = Packed(*(None if x is None else x[..., :count] for x in filed))
        paths.put(filed)
        numbers, status = filed.lanes.number, filed.lanes.status
        ended = status != LIVE
        again = on_end(numbers[ended], status[ended])
        left = [numbers[~ended], numbers[ended][again], chosen[given:]]
        left.append(queue.take(SHARE * wide - sum(map(len, left))))
        chosen = np.concatenate(left)
