"""Counting where starts end, batch by batch, in an order that no batch size can change."""

from collections import Counter
from typing import Any

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog, Collector
from ..fields import AbstractField
from ..flow import Ensemble

GIVEN = -1
"""The place in the sequence of starts at which points that were given were first seen."""

NEVER = int(np.iinfo(np.int64).max)
"""The same of points that no start counted so far has reached."""


class Tally:
    """Hits of critical points, of their symmetric images, and of outcomes without a point.

    The points of the catalog that was given keep their order; new ones follow in the order of the
    first start that reached them, each represented by what that start reached.

    Args:
        field: the field.
        catalog: critical points known beforehand.

    Attributes:
        collector: the points.
        kinds: what the codes from 0 up mean: (index of the point, name of the image).
        hits: starts by index of the point.
        first: for each point the start that reached it first.
        images: starts by kind.
        unsettled: starts by outcome, of those that reached no point.
    """

    def __init__(self, field: AbstractField, catalog: Catalog | None):
        self.collector = Collector(field, () if catalog is None else catalog.points)
        self.kinds: list[tuple[int, str]] = []
        self._codes: dict[tuple[int, str], int] = {}
        self.hits = [0] * len(self.collector.points)
        self.first = [GIVEN] * len(self.hits)
        self.images: Counter[tuple[int, str]] = Counter()
        self.unsettled: Counter[str] = Counter()

    def encode(self, ensemble: Ensemble) -> np.ndarray:
        """Return a code for the end of each start of a batch, and learn what is new.

        Args:
            ensemble: what `settle` returned, given the points of the collector as its catalog.

        Returns:
            Array (n,) int32: the number of the kind reached, `-1 - outcome` if there is none.
        """
        known = len(self.collector.points)
        codes = -1 - ensemble.outcome.astype(np.int32)
        reached = np.flatnonzero(ensemble.point >= 0)
        pairs = np.stack([ensemble.point, ensemble.image], -1)[reached]
        found, places, inverse = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        numbers = np.zeros(len(found), np.int32)
        for which in np.argsort(places):
            number, image = found[which].tolist()
            name = str(ensemble.images[image]) if image >= 0 else "unknown"
            if number >= known:
                end = _end(ensemble, int(reached[places[which]]))
                number, element = self.collector.add(end, found_by="flow", hits=0)
                name = str(element)
            numbers[which] = self._code((number, name))
        codes[reached] = numbers[inverse.reshape(-1)]
        return codes

    def _code(self, kind: tuple[int, str]) -> int:
        if kind not in self._codes:
            self._codes[kind] = len(self.kinds)
            self.kinds.append(kind)
        return self._codes[kind]

    def count(self, codes: np.ndarray, place: int) -> None:
        """Count the ends of a batch.

        Args:
            codes: what `encode` returned.
            place: place of the batch's first start in the sequence of all starts.
        """
        new = len(self.collector.points) - len(self.hits)
        self.hits += [0] * new
        self.first += [NEVER] * new
        found, places, counts = np.unique(codes, return_index=True, return_counts=True)
        for code, lane, hits in zip(found.tolist(), places.tolist(), counts.tolist(), strict=True):
            if code < 0:
                self.unsettled[Outcome(-1 - code).name] += hits
                continue
            number, _ = self.kinds[code]
            self.images[self.kinds[code]] += hits
            self.hits[number] += hits
            self.first[number] = min(self.first[number], place + lane)

    @property
    def met(self) -> int:
        """Number of points that were given or that starts counted so far have reached."""
        # In the order of the first starts, those that later starts of a batch reached come last.
        return sum(place < NEVER for place in self.first)

    def mark(self) -> tuple[int, int]:
        """Return how much is known now."""
        return len(self.collector.points), len(self.kinds)

    def since(self, mark: tuple[int, int], catalog: Catalog) -> dict[str, Any]:
        """Return, in JSON's words, what has been learned since a mark."""
        points, kinds = mark
        grown = {"points": catalog.to_bytes().decode()} if len(catalog) > points else {}
        return {**grown, "kinds": [list(kind) for kind in self.kinds[kinds:]]}

    def learn(self, found: dict[str, Any]) -> None:
        """Take in what `since` returned."""
        if "points" in found:
            points = Catalog.from_bytes(found["points"].encode(), "the store").points
            self.collector = Collector(self.collector.field, points)
        for number, name in found["kinds"]:
            self._code((number, name))


def _end(ensemble: Ensemble, lane: int) -> np.ndarray:
    """Return the critical point that a trajectory reached, or is bound for."""
    if ensemble.outcome[lane] == Outcome.settled:
        return ensemble.state[lane]
    location = ensemble.catalog[int(ensemble.point[lane])].location
    image = int(ensemble.image[lane])
    return ensemble.images[image].apply(location) if image >= 0 else location
