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
        store: where finished batches are kept, or `None`. A store may come from a run that looked
            at other numbers of starts: its batches are taken as they are.
        given: whether the starts were given, not drawn, so that the store has to recognise them.
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
        given: bool,
        options: dict[str, Any],
    ):
        self.field, self.take, self.known, self.made = field, take, catalog, made
        self.batch, self.store, self.given, self.options = batch, store, given, options
        self.tally = Tally(field, catalog)
        self.progress = Progress(progress_meter)
        self.done = self.chunks = 0
        # How those starts of the last batch ended that no look has asked for yet.
        self.ahead = np.zeros(0, np.int32)

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
                self._advance(look.starts, plan[-1].starts)
            if half_width is not None and self._widest(look, by_image) <= half_width:
                break
        self.progress.close()
        return self._result(look, plan, confidence, half_width)

    def _advance(self, until: int, total: int) -> None:
        """Count the next starts, of one batch, up to number `until`."""
        if len(self.ahead) == 0:
            pilot = self.done == 0 and self.known is None
            size = min(PILOT, self.batch) if pilot else self.batch
            self.ahead = self._next(min(size, until - self.done), total)
        codes, self.ahead = np.split(self.ahead, [until - self.done])
        self.tally.count(codes, self.done)
        self.done += len(codes)
        self.progress.report(self.done / total)

    def _next(self, count: int, total: int) -> np.ndarray:
        """Return how the next batch ended: read it from the store, or follow so many starts."""
        number, self.chunks = self.chunks, self.chunks + 1
        chunk = None if self.store is None else self.store.read(number)
        if chunk is None:
            return self._settle(self._fitting(number, count), number, total)
        codes, found = chunk[0]["code"], chunk[1]
        if found["first"] != self.done:
            raise self._mixed(number)
        if self.given:
            self._require_same(chunk[0]["start"])
        self.tally.learn(found)
        return codes

    def _fitting(self, number: int, count: int) -> int:
        """Return how many starts a batch takes, so that it ends where a stored one begins."""
        while self.store is not None and (later := [n for n in self.store.done if n > number]):
            following = min(later)
            chunk = self.store.read(following)
            if chunk is not None:
                gap, batches = chunk[1]["first"] - self.done, following - number
                if gap < batches:
                    raise self._mixed(following)
                return -(-gap // batches)
        return count

    def _settle(self, count: int, number: int, total: int) -> np.ndarray:
        place, mark = self.done, self.tally.mark()
        starts = self.take(place, count)
        ensemble = settle(
            self.field,
            starts,
            catalog=self._catalog(),
            progress_meter=self.progress.part(place / total, min((place + count) / total, 1.0)),
            **self.options,
        )
        codes = self.tally.encode(ensemble)
        # Starts that were given may end before a gap in the store does: it stays open then.
        if self.store is not None and len(starts) == count:
            learned = self.tally.since(mark, self._catalog())
            arrays = {"code": codes, **({"start": starts} if self.given else {})}
            self.store.write(number, arrays, {"first": place, **learned})
        return codes

    def _require_same(self, kept: np.ndarray) -> None:
        """Raise unless the starts of a stored batch are the next ones, as far as there are any."""
        here = self.take(self.done, len(kept))
        if not np.array_equal(here, kept[: len(here)]):
            raise ValueError(
                f"{self._directory} holds another job: its starts from number {self.done} on are "
                "others. Nothing was touched. Take another directory."
            )

    @property
    def _directory(self) -> Any:
        assert self.store is not None
        return self.store.directory

    def _mixed(self, number: int) -> ValueError:
        return ValueError(
            f"{self._directory} mixes batches of runs that wrote at the same time: number {number} "
            f"does not begin at start {self.done}. Take another directory."
        )

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
        tally, met = self.tally, self.tally.met
        hits, first = tally.hits[:met], tally.first[:met]
        listed = zip(tally.collector.points[:met], hits, strict=True)
        points = tuple(point.replace(hits=point.hits + count) for point, count in listed)
        connections = () if self.known is None else self.known.connections
        names = {(points[i].id, image): count for (i, image), count in tally.images.items()}
        return Fractions(
            starts=self.done,
            catalog=Catalog(points, self.field.spec(), self.made, connections),
            hits=np.array(hits, int),
            unsettled=dict(sorted(tally.unsettled.items())),
            image_hits=names,
            confidence=confidence,
            level=look.confidence,
            half_width=half_width,
            looks=plan,
            unseen=UnseenMass.of(hits, first, self.done, look.confidence),
            provenance=self.made,
        )
