"""Which basin starts lie in, with one numbering over many calls of `settle`."""

import dataclasses
from typing import Any

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog
from ..fields import AbstractField
from ..flow import Ensemble, settle

ESCAPED = -1
"""The label of starts that leave to infinity: a side of a boundary like any basin."""

UNDECIDED = -2
"""The label of starts that end at a point with unstable directions, or nowhere."""

SAME = 1e-6
"""Ends closer than this (max norm) are one point."""


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where the starts of one basin end: the image under `element` of an entry of the catalog."""

    point: int
    element: Any
    location: np.ndarray


class Sides:
    """Follows starts and labels them by the number of their destination.

    The critical points met so far are handed to the next call, so that labels agree between calls
    and what is known need not be found again.

    Args:
        field: the field.
        catalog: critical points already known.
        **options: for `settle`.
    """

    def __init__(self, field: AbstractField, catalog: Catalog | None = None, **options: Any):
        self.field, self.catalog, self.options = field, catalog, options
        self.destinations: list[Destination] = []
        self.evaluations = 0

    def __call__(self, starts: np.ndarray) -> np.ndarray:
        """Return the labels of starts (n, *shape): a number of `destinations`, or one above."""
        return self.label(self.settle(starts))

    def settle(self, starts: np.ndarray) -> Ensemble:
        """Follow starts (n, *shape), and keep what critical points are met."""
        ensemble = settle(self.field, starts, catalog=self.catalog, capture=False, **self.options)
        self.catalog = ensemble.catalog
        self.evaluations += int(ensemble.evaluations.sum())
        return ensemble

    def label(self, ensemble: Ensemble) -> np.ndarray:
        """Return the labels of an ensemble that `settle` of this object returned."""
        labels = np.full(len(ensemble), UNDECIDED)
        labels[ensemble.outcome == Outcome.escaped] = ESCAPED
        pairs = np.stack([ensemble.point, ensemble.image], -1)
        for point, image in np.unique(pairs[ensemble.point >= 0], axis=0).tolist():
            if ensemble.catalog[point].index == 0:
                members = (pairs == (point, image)).all(-1)
                labels[members] = self._number(point, ensemble.images[image], ensemble.catalog)
        return labels

    def _number(self, point: int, element: Any, catalog: Catalog) -> int:
        """By place: several elements can take a symmetric point to the same image."""
        location = self.field.symmetry.act(element, catalog[point].location)
        for number, known in enumerate(self.destinations):
            near = np.abs(known.location - location).max() <= SAME
            if known.point == point and near:
                return number
        self.destinations.append(Destination(point, element, location))
        return len(self.destinations) - 1

    def describe(self, label: int) -> str:
        """Say for a person what a label means."""
        if label == ESCAPED:
            return "infinity"
        if label == UNDECIDED:
            return "no attractor"
        destination = self.destinations[label]
        assert self.catalog is not None
        point = self.catalog[destination.point]
        where = np.array2string(destination.location.reshape(-1)[:6], precision=4, separator=", ")
        return f"{point.id}, a {point.kind} (image: {destination.element}) at {where}"
