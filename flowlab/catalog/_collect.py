"""Collecting critical points into one entry per orbit."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..critical import CriticalPoint, Symmetry, classify_all, losses
from ..fields import AbstractField
from ._orbits import Orbits, same_manifold

if TYPE_CHECKING:
    from ._journal import Journal


class _Fresh(NamedTuple):
    """A point of an orbit that is not in the list yet."""

    location: np.ndarray
    invariant: float
    symmetry: Symmetry


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
        representative = self.field.representative  # Equinox makes a new object at each access.
        merged = [representative(np.asarray(location)) for location in locations]
        places, fresh = self._sorted_out(merged, self._invariants_of(merged))
        entries = self._append_all(fresh, found_by)
        found = [place if place[0] >= 0 else self._of_fresh(place, entries) for place in places]
        for (index, _), count in zip(found, hits, strict=True):
            self.hit(index, count)
        return found

    def _sorted_out(
        self, merged: list[np.ndarray], invariants: list[float]
    ) -> tuple[list[tuple[int, Any]], "list[_Fresh]"]:
        """The entry and element of each point, or (-1 - number of a new orbit, element)."""
        fresh: list[_Fresh] = []
        new = Orbits(self.group, with_loss=self.field.has_loss)
        places = []
        for location, invariant in zip(merged, invariants, strict=True):
            place = self._orbits.find(location, invariant)
            if place is None:
                among = new.find(location, invariant)
                if among is None:
                    fresh.append(self._preferred(location, invariant))
                    new.add(fresh[-1].location, invariant)
                    element = self.group.match(fresh[-1].location, location)
                    assert element is not None, "an image of a point is on its orbit"
                    among = len(fresh) - 1, element
                place = -1 - among[0], among[1]
            places.append(place)
        return places, fresh

    def _preferred(self, location: np.ndarray, invariant: float) -> "_Fresh":
        """The image that stands for a new orbit, fixed to the bit by its isotropy group."""
        location = self.field.preferred_image(location)
        symmetry = Symmetry.at(self.group, location)
        isotropy = symmetry.isotropy
        if isotropy.order > 1 or isotropy.reflections:
            # Entries that symmetry makes equal become equal to the bit: flows that start from the
            # point in a symmetric direction then stay in the fixed subspace exactly.
            location = np.asarray(self.group.symmetrize(location, isotropy))
        return _Fresh(location, invariant, symmetry)

    def _append_all(self, fresh: "list[_Fresh]", found_by: str) -> list[tuple[int, bool]]:
        """Append new orbits; the entry of each, and whether it is one of its own."""
        if not fresh:
            return []
        states = np.stack([one.location for one in fresh])
        records = classify_all(
            self.field, states, [one.symmetry for one in fresh], found_by=found_by
        )
        entries = []
        for record, one in zip(records, fresh, strict=True):
            known = self._on_manifold(record, one.invariant)
            if known is None:
                self._append(record.replace(id=self._free_id()), one.invariant)
            entries.append((len(self.points) - 1, True) if known is None else (known, False))
        return entries

    def _of_fresh(self, place: tuple[int, Any], entries: list[tuple[int, bool]]) -> tuple[int, Any]:
        entry, own = entries[-1 - place[0]]
        return entry, place[1] if own else self.group.identity()

    def _on_manifold(self, record: CriticalPoint, invariant: float) -> int | None:
        if record.unexplained_nullity and self.field.has_loss:
            for index in self._orbits.manifolds(invariant):
                if same_manifold(self.points[index], record):
                    return index
        return None

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
