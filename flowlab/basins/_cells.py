"""How the cells of a map end: all of them followed, or most of them inferred and audited."""

import dataclasses
from typing import Any

import numpy as np

from .._types import Key
from ._audit import Audit, audit_size, doubt_of, draw_cells
from ._follow import CHUNK, SCOUTS, Follower
from ._progress import Progress
from ._quadtree import Quadtree, lattice

IN_MEMORY = 20_000_000
"""A map of more cells whose ends are in a store is left there and read piece by piece."""

_COARSE, _REFINED, _AUDITED = 0.1, 0.85, 0.99
"""Where the progress of a refined map stands after the coarse grid, and before and after an audit.
"""


@dataclasses.dataclass(frozen=True)
class Cells:
    """How each cell of a grid ends, row by row; arrays in memory or in a store.

    Attributes:
        code: (n,) int32, what it reached (see `Codes`).
        outcome: (n,) int8, how.
        time: (n,), when; NaN for inferred cells.
        integrated: (n,) whether it was followed, `None` if all were.
        audits: the audits of the inferred cells.
    """

    code: Any
    outcome: Any
    time: Any
    integrated: np.ndarray | None = None
    audits: tuple[Audit, ...] = ()


def follow_all(follower: Follower, progress: Progress) -> Cells:
    """Follow every cell, chunk by chunk in the order of the grid."""
    size = follower.grid.size
    # Smaller maps are done before the scouts have paid for themselves.
    scout = size >= 16 * SCOUTS
    whole = size <= IN_MEMORY or follower.store is None
    code = np.empty(size if whole else 0, np.int32)
    outcome, time = np.empty(len(code), np.int8), np.empty(len(code))
    for first in range(0, size, CHUNK):
        cells = np.arange(first, min(first + CHUNK, size))
        meter = progress.part(first / size, (first + len(cells)) / size)
        ends = follower.follow_chunk(cells, meter, scout=scout)
        if whole:
            code[cells], outcome[cells], time[cells] = ends["code"], ends["outcome"], ends["time"]
    if whole or follower.store is None:
        return Cells(code, outcome, time)
    array = follower.store.array
    return Cells(array("code"), array("outcome"), array("time"))


def chunks_of_all(size: int) -> int:
    """Return the number of chunks in which `follow_all` follows so many cells."""
    return -(-size // CHUNK)


class Refiner:
    """Follows a coarse grid, then what differs from its neighbours, then audits the rest.

    Args:
        follower: follows cells.
        key: random key of the audits.
        audit: cells in an audit, or the bound that it has to prove (below 1); 0 for none.
        confidence: with which the bound holds.
        progress: what to report to.
    """

    def __init__(
        self, follower: Follower, key: Key, audit: float, confidence: float, progress: Progress
    ):
        self.follower, self.progress = follower, progress
        self.key, self.audit, self.confidence = key, audit, confidence
        size = follower.grid.size
        self.tree = Quadtree(follower.grid.shape)
        self.outcome, self.time = np.zeros(size, np.int8), np.full(size, np.nan)
        self.audits: list[Audit] = []
        self.batches = 0

    def run(self) -> Cells:
        """Follow cells until an audit passes or none is left to be inferred."""
        cells = lattice(self.tree.code.shape, self.tree.levels)
        while True:
            self._close(cells)
            code = self.tree.filled().reshape(-1)
            inferred = np.flatnonzero(~self.tree.known.reshape(-1))
            if len(inferred) == 0 or not self.audit:
                break
            if self._passes(code, inferred):
                break
            cells = self.tree.needed()
        known = self.tree.known.reshape(-1)
        examples = code[known], self.outcome[known]
        self.outcome[~known] = self.follower.codes.outcomes(code[~known], examples)
        return Cells(code, self.outcome, self.time, known, tuple(self.audits))

    def _close(self, cells: np.ndarray) -> None:
        """Follow cells, and what they make necessary."""
        while len(cells):
            # The number of cells about doubles from level to level.
            left = max(self.tree.levels - self.batches, 0)
            self._follow(cells, _COARSE + (_REFINED - _COARSE) * 0.5**left)
            self.batches += 1
            cells = self.tree.needed()

    def _follow(self, cells: np.ndarray, reached: float) -> np.ndarray:
        ends = self.follower.follow(cells, self.progress, reached)
        self.tree.learn(cells, ends["code"])
        self.outcome[cells], self.time[cells] = ends["outcome"], ends["time"]
        return ends["code"]

    def _passes(self, code: np.ndarray, inferred: np.ndarray) -> bool:
        """Follow a sample of the inferred cells; whether all end as inferred."""
        number = len(self.audits) + 1
        doubt = doubt_of(number, self.confidence)
        wanted = int(self.audit) if self.audit >= 1 else audit_size(self.audit, doubt)
        cells = draw_cells(self.key, number, inferred, min(wanted, len(inferred)))
        mismatched = int(np.sum(self._follow(cells, _AUDITED) != code[cells]))
        self.audits.append(Audit(len(inferred), len(cells), mismatched, doubt))
        return mismatched == 0
