"""Putting pieces of a job together: one catalog, one numbering of points and images."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..catalog import Catalog, Collector
from ..fields import AbstractField
from ._chunk import Piece
from ._images import Images


class Merger:
    """Numbers what pieces reached, in the order of the trajectories, whoever followed them.

    Args:
        field: the field.
        catalog: critical points already known; they keep their places, ids and hits.
        found_by: name of the method, for new records.
    """

    def __init__(self, field: AbstractField, catalog: Catalog | None, found_by: str):
        self.field, self.found_by = field, found_by
        self.collector = Collector(field, () if catalog is None else catalog.points)
        self.images = Images()

    def add(self, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
        """Return the point and the image that each trajectory of a piece reached, (n,) each."""
        label = piece.arrays["label"]
        counts = np.bincount(label[label >= 0], minlength=len(piece.ends))
        table = np.full((len(piece.ends) + 1, 2), -1)
        added = self.collector.add_all(piece.ends, found_by=self.found_by, hits=counts.tolist())
        for number, (point, element) in enumerate(added):
            table[number] = point, self.images.number(element) if counts[number] else -1
        return table[label, 0], table[label, 1]

    def catalog(self, balls: dict[int, Any], provenance: dict[str, Any]) -> Catalog:
        """Return the catalog; `balls` are capture balls by point that records may lack."""
        points = list(self.collector.points)
        for number, ball in balls.items():
            if points[number].capture is None:
                points[number] = points[number].replace(capture=ball.to_dict())
        return Catalog(tuple(points), self.field.spec(), provenance)


def concatenate(parts: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all parts, joined by name."""
    listed = list(parts)
    return {name: np.concatenate([part[name] for part in listed]) for name in listed[0]}
