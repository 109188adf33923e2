"""Counting where starts end, batch by batch, in an order that no batch size can change."""

from collections import Counter

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog, Collector
from ..fields import AbstractField
from ..flow import Ensemble

GIVEN = -1
"""The place in the sequence of starts at which points that were given were first seen."""


class Tally:
    """Hits of critical points, of their symmetric images, and of outcomes without a point.

    The points of the catalog that was given keep their order; new ones follow in the order of the
    first start that reached them, each represented by what that start reached.

    Args:
        field: the field.
        catalog: critical points known beforehand.
    """

    def __init__(self, field: AbstractField, catalog: Catalog | None):
        self.collector = Collector(field, () if catalog is None else catalog.points)
        self.hits = [0] * len(self.collector.points)
        self.first = [GIVEN] * len(self.hits)
        self.images: Counter[tuple[int, str]] = Counter()
        self.unsettled: Counter[str] = Counter()

    def add(self, ensemble: Ensemble, first: int) -> None:
        """Count the ends of a batch.

        Args:
            ensemble: what `settle` returned, given the points of the collector as its catalog.
            first: place of the batch's first start in the sequence of all starts.
        """
        known = len(self.hits)
        reached = np.flatnonzero(ensemble.point >= 0)
        pairs = np.stack([ensemble.point, ensemble.image], -1)[reached]
        kinds, places, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
        for which in np.argsort(places):
            (number, image), lane = kinds[which].tolist(), int(reached[places[which]])
            name = str(ensemble.images[image]) if image >= 0 else "unknown"
            if number >= known:
                number, name = self._new(_end(ensemble, lane), first + lane)
            self.hits[number] += int(counts[which])
            self.images[number, name] += int(counts[which])
        self.unsettled.update(Outcome.count(ensemble.outcome[ensemble.point < 0]))

    def _new(self, location: np.ndarray, place: int) -> tuple[int, str]:
        number, element = self.collector.add(location, found_by="flow", hits=0)
        if number == len(self.hits):
            self.hits.append(0)
            self.first.append(place)
        return number, str(element)


def _end(ensemble: Ensemble, lane: int) -> np.ndarray:
    """Return the critical point that a trajectory reached, or is bound for."""
    if ensemble.outcome[lane] == Outcome.settled:
        return ensemble.state[lane]
    location = ensemble.catalog[int(ensemble.point[lane])].location
    image = int(ensemble.image[lane])
    return ensemble.images[image].apply(location) if image >= 0 else location
