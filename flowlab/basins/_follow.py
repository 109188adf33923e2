"""Following cells of a grid, chunk by chunk, with everything that was found before."""

import hashlib
from typing import Any

import diffrax as dfx
import numpy as np

from .._store import JobStore
from ..catalog import Catalog
from ..fields import AbstractField
from ..flow import Ensemble, settle
from ._codes import Codes
from ._grid import Grid
from ._progress import Progress
from ._quadtree import coarsest, lattice

CHUNK = 16_384
"""Cells that are followed together, and kept together in a store."""

SCOUTS = 256
"""So many cells go ahead of a map to find the sinks near which the others may stop."""

Ends = dict[str, np.ndarray]
"""`code`, `outcome` and `time` of cells that were followed."""


class Follower:
    """Follows cells in chunks; a chunk that is in the store is read from there.

    What a chunk finds, the next one knows. The sequence of chunks depends on nothing but the job,
    so that a store can be used without asking.

    Attributes:
        catalog: the critical points known so far.
        codes: the images reached so far.
        chunks: number of chunks followed so far.
        followed: number of cells followed so far.
    """

    def __init__(
        self,
        field: AbstractField,
        grid: Grid,
        catalog: Catalog | None,
        store: JobStore | None,
        **options: Any,
    ):
        self.field, self.grid, self.store, self.options = field, grid, store, options
        self.codes = Codes()
        self.catalog = Catalog((), field.spec(), {}) if catalog is None else catalog
        self.chunks = self.followed = 0

    def follow(self, cells: np.ndarray, progress: Progress, reached: float) -> Ends:
        """Follow cells, given by number.

        Args:
            cells: (n,), their numbers, at least one.
            progress: what to report to.
            reached: the fraction of the whole job that is done afterwards.
        """
        pieces = [cells[first : first + CHUNK] for first in range(0, len(cells), CHUNK)]
        shares = np.linspace(progress.fraction, reached, len(pieces) + 1)
        parts = [
            self.follow_chunk(piece, progress.part(float(low), float(high)))
            for piece, low, high in zip(pieces, shares[:-1], shares[1:], strict=True)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def follow_chunk(
        self, cells: np.ndarray, meter: dfx.AbstractProgressMeter, *, scout: bool = False
    ) -> Ends:
        """Follow the cells of one chunk, or read how they ended.

        Args:
            cells: (n,), their numbers.
            meter: progress meter of the chunk.
                scout: whether some cells of the whole grid go ahead of the first chunk.
        """
        number, self.chunks = self.chunks, self.chunks + 1
        self.followed += len(cells)
        name = hashlib.sha256(cells.astype(np.int64).tobytes()).hexdigest()
        chunk = None if self.store is None else self.store.read(number)
        if chunk is not None:
            self._learn(name, chunk[1])
            meter.close(meter.step(meter.init(), 1.0))
            return chunk[0]
        before = None if self.store is None else self._mark()
        if scout and number == 0:
            level = coarsest(self.grid.shape, SCOUTS)
            self._settle(lattice(self.grid.shape, level), dfx.NoProgressMeter())
        ensemble = self._settle(cells, meter)
        code = self.codes.of(ensemble)
        ends = {"code": code, "outcome": ensemble.outcome, "time": ensemble.time}
        if self.store is not None and before is not None:
            self.store.write(number, ends, {"cells": name, **self._found(before)})
        return ends

    def _settle(self, cells: np.ndarray, meter: dfx.AbstractProgressMeter) -> Ensemble:
        starts = self.grid.starts(cells)
        ensemble = settle(
            self.field, starts, catalog=self.catalog, progress_meter=meter, **self.options
        )
        self.catalog = ensemble.catalog
        return ensemble

    def _mark(self) -> tuple[str, int, int]:
        return self._points(), len(self.codes.images), len(self.codes.kinds)

    def _found(self, before: tuple[str, int, int]) -> dict[str, Any]:
        points = self._points()
        new = {} if points == before[0] else {"points": points}
        return {**new, **self.codes.since(*before[1:])}

    def _points(self) -> str:
        """The critical points as text; how often each was hit changes all the time."""
        points = tuple(point.replace(hits=0) for point in self.catalog)
        return self.catalog.replace(points=points, provenance={}).to_bytes().decode()

    def _learn(self, name: str, info: dict[str, Any]) -> None:
        if info["cells"] != name:
            assert self.store is not None
            raise ValueError(
                f"{self.store.directory} was made by versions of flowlab or JAX that do not agree "
                "with those here on which cells to follow. Take another directory."
            )
        if "points" in info:
            self.catalog = Catalog.from_bytes(info["points"].encode(), "the store")
        self.codes.extend(info)
