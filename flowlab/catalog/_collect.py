"""Collecting critical points into one entry per orbit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..critical import CriticalPoint, classify, losses
from ..fields import AbstractField
from ._orbits import Orbits, same_manifold

if TYPE_CHECKING:
    from ._journal import Journal


class Collector:
    """A growing list of critical points of one field, one entry per orbit.

    Symmetric images and points of one flat family (aligned students split differently) are
    recognised; of a critical manifold that neither explains, the points of equal loss, index and
    nullity count as one entry, since a continuum cannot be listed.

    Args:
        field: the field.
        points: records to start with; they keep their ids.
        journal: where everything that is added is kept at once, points to start with included.
    """

    def __init__(
        self,
        field: AbstractField,
        points: Iterable[CriticalPoint] = (),
        *,
        journal: "Journal | None" = None,
    ):
        self._journal = journal
        self.field = field
        self.group = field.symmetry
        self.points: list[CriticalPoint] = []
        self._taken: set[str] = set()
        self._orbits = Orbits(self.group, with_loss=field.has_loss)
        known = list(points)
        stated = [point.loss for point in known]
        if not field.has_loss or None in stated:
            stated = self._invariants_of([point.location for point in known])
        for point, invariant in zip(known, stated, strict=True):
            assert invariant is not None
            self._append(point, invariant)

    def add(self, location: np.ndarray, *, found_by: str, hits: int = 1) -> tuple[int, Any]:
        """Add a critical point, or a hit to the entry whose orbit it lies on.

        Args:
            location: the point, refined to machine precision.
            found_by: the method that found it.
            hits: how many starts led to it.

        Returns:
            The index of the entry and the group element that maps the entry's location to the point
            (to its flat family, where there is one).
        """
        return self.add_all([location], found_by=found_by, hits=[hits])[0]

    def add_all(
        self, locations: Iterable[np.ndarray], *, found_by: str, hits: Iterable[int]
    ) -> list[tuple[int, Any]]:
        """Add many critical points, or hits, in order; what `add` returns for each."""
        merged = [self.field.representative(np.asarray(location)) for location in locations]
        invariants = self._invariants_of(merged)
        return [
            self._add(location, invariant, found_by, count)
            for location, invariant, count in zip(merged, invariants, hits, strict=True)
        ]

    def _add(
        self, location: np.ndarray, invariant: float, found_by: str, hits: int
    ) -> tuple[int, Any]:
        found = self._orbits.find(location, invariant)
        if found is None:
            return self._add_new(location, invariant, found_by, hits)
        self.hit(found[0], hits)
        return found

    def _invariants_of(self, locations: list[np.ndarray]) -> list[float]:
        if not locations:
            return []
        if self.field.has_loss:
            return losses(self.field, np.stack(locations)).tolist()
        return [self.group.norm(location) for location in locations]

    def hit(self, index: int, hits: int) -> None:
        """Count further starts that led to an entry."""
        point = self.points[index]
        self.points[index] = point.replace(hits=point.hits + hits)
        if self._journal is not None and hits:
            self._journal.hit(point.id, hits)

    def _add_new(
        self, location: np.ndarray, invariant: float, found_by: str, hits: int
    ) -> tuple[int, Any]:
        given, location = location, self.field.preferred_image(location)
        isotropy = self.group.isotropy(location)
        if isotropy.order > 1 or isotropy.reflections:
            # Entries that symmetry makes equal become equal to the bit: flows that start from the
            # point in a symmetric direction then stay in the fixed subspace exactly.
            location = np.asarray(self.group.symmetrize(location, isotropy))
        record = classify(self.field, location, id=self._free_id(), hits=hits, found_by=found_by)
        if record.unexplained_nullity and self.field.has_loss:
            for index in self._orbits.manifolds(invariant):
                if same_manifold(self.points[index], record):
                    self.hit(index, hits)
                    return index, self.group.identity()
        self._append(record, invariant)
        element = self.group.match(record.location, given)
        assert element is not None, "an image of a point is on its orbit"
        return len(self.points) - 1, element

    def _append(self, point: CriticalPoint, invariant: float) -> None:
        self.points.append(point)
        if self._journal is not None and point.id not in self._journal:
            self._journal.add(point)
        self._taken.add(point.id)
        manifold = point.unexplained_nullity > 0
        self._orbits.add(point.location, invariant, on_manifold=manifold)

    def _free_id(self) -> str:
        number = len(self.points) + 1
        while f"p{number}" in self._taken:
            number += 1
        return f"p{number}"
