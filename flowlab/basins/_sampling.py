"""Following a growing sample of starts, counting, and looking when to stop."""

from typing import Any

import diffrax as dfx
import numpy as np

from .._store import JobStore
from ..catalog import Catalog
from ..fields import AbstractField
from ..flow import settle
from ._progress import Progress
from ._schedule import Look, widest
from ._shares import Fractions
from ._starts import Take
from ._tally import Tally
from ._unseen import UnseenMass

PILOT = 256
"""Starts of the first batch when no catalog is given: few, so that most trajectories may end early
in the neighbourhood of what it finds."""


class Sampling:
    """The starts of one job and what became of them.

    Args:
        field: the field.
        take: the sequence of starts.
        catalog: critical points known beforehand.
        made: how the result is made.
        batch: starts followed at a time.
        progress_meter: a diffrax progress meter, or `None`.
        store: where finished batches are kept, or `None`.
        options: what `settle` takes.
    """

    def __init__(
        self,
        field: AbstractField,
        take: Take,
        catalog: Catalog | None,
        made: dict[str, Any],
        batch: int,
        progress_meter: dfx.AbstractProgressMeter | None,
        store: JobStore | None,
        options: dict[str, Any],
    ):
        self.field, self.take, self.given, self.made = field, take, catalog, made
        self.batch, self.store, self.options = batch, store, options
        self.tally = Tally(field, catalog)
        self.progress = Progress(progress_meter)
        self.done = self.chunks = 0

    def run(
        self, plan: tuple[Look, ...], confidence: float, half_width: float | None, by_image: bool
    ) -> Fractions:
        """Follow starts until the last look, or the first at which all intervals are narrow.

        Args:
            plan: the looks.
            confidence: confidence asked for.
            half_width: half-width asked for, `None` for no stop before the last look.
            by_image: whether it is asked of each symmetric image too.
        """
        look = plan[0]
        for look in plan:
            while self.done < look.starts:
                pilot = self.done == 0 and self.given is None
                size = min(PILOT, self.batch) if pilot else self.batch
                self._follow(min(size, look.starts - self.done), plan[-1].starts)
            if half_width is not None and self._widest(look, by_image) <= half_width:
                break
        self.progress.close()
        return self._result(look, plan, confidence, half_width)

    def _follow(self, count: int, total: int) -> None:
        """Follow the next starts, or read from the store how they ended."""
        place, number = self.done, self.chunks
        self.done, self.chunks = place + count, number + 1
        chunk = None if self.store is None else self.store.read(number)
        if chunk is not None:
            self.tally.learn(chunk[1])
            codes = chunk[0]["code"]
            self.progress.report(self.done / total)
        else:
            codes = self._settle(place, count, number, total)
        self.tally.count(codes, place)

    def _settle(self, place: int, count: int, number: int, total: int) -> np.ndarray:
        mark = self.tally.mark()
        ensemble = settle(
            self.field,
            self.take(place, count),
            catalog=self._catalog(),
            progress_meter=self.progress.part(place / total, self.done / total),
            **self.options,
        )
        codes = self.tally.encode(ensemble)
        if self.store is not None:
            self.store.write(number, {"code": codes}, self.tally.since(mark, self._catalog()))
        return codes

    def _catalog(self) -> Catalog:
        # Without the provenance, whose date would be in the store.
        return Catalog(tuple(self.tally.collector.points), self.field.spec(), {})

    def _widest(self, look: Look, by_image: bool) -> float:
        counts = [*self.tally.hits, *self.tally.unsettled.values()]
        counts += self.tally.images.values() if by_image else ()
        return widest(np.array(counts, int), look)

    def _result(
        self, look: Look, plan: tuple[Look, ...], confidence: float, half_width: float | None
    ) -> Fractions:
        tally, hits = self.tally, np.array(self.tally.hits, int)
        given = tally.collector.points
        points = tuple(p.replace(hits=p.hits + int(h)) for p, h in zip(given, hits, strict=True))
        connections = () if self.given is None else self.given.connections
        names = {(points[i].id, image): count for (i, image), count in tally.images.items()}
        return Fractions(
            starts=self.done,
            catalog=Catalog(points, self.field.spec(), self.made, connections),
            hits=hits,
            unsettled=dict(sorted(tally.unsettled.items())),
            image_hits=names,
            confidence=confidence,
            level=look.confidence,
            half_width=half_width,
            looks=plan,
            unseen=UnseenMass.of(tally.hits, tally.first, self.done, look.confidence),
            provenance=self.made,
        )
