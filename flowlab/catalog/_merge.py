"""Catalogs of several runs as one."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ..fields import AbstractField
from ..symmetry import AbstractGroup, TrivialGroup
from ._catalog import Catalog
from ._connection import Connection
from ._fields import shared_field, symmetry_of
from ._moves import Move, Mover
from ._orbits import Orbits, same_manifold
from ._provenance import circumstances
from ._runs import as_data, joined, runs_of, total_hits


def merge(*catalogs: Catalog, field: AbstractField | None = None) -> Catalog:
    r"""Put catalogs of one field, from several runs, together: one entry for each orbit.

    Symmetric images are recognised as in a search: by group elements that are checked numerically,
    among points of equal loss and norm. The entries of the first catalog keep their ids and come
    first. Hits add, and no run counts twice: merging a catalog with itself, or with one that
    extends it, adds nothing. So the result is the same for any order and any grouping, but for
    ids and for which image of an orbit is held. A certificate or a capture ball that only a later
    catalog has is taken over if it is for the same location to the bit.

    Connections follow their points: one from :math:`a s` to the image :math:`g` of :math:`b t`
    leads from :math:`s` to the image :math:`a^{-1} g b` of :math:`t`. Its side and direction are
    those of the eigenvector it follows there; where several share an eigenvalue, it becomes a
    sampled direction (side 0).

    Args:
        *catalogs: the catalogs, at least one.
        field: the field, needed if it was made from a user's function and has a symmetry: without
            it such points match only where they are equal.

    Returns:
        The catalog, with `provenance["runs"]`: each run's provenance, and its hits by id.

    Raises:
        ValueError: if no catalog is given, they are not of one field, points at one place have
            different losses, or an image of a connection is no element of the symmetry.
        RuntimeError: if the field has to be built and JAX runs in 32 bits.

    Source: hits are a grow-only counter (Shapiro, Preguiça, Baquero and Zawirski, 2011).

    Example:
        >>> import jax, flowlab as fl
        >>> from flowlab.catalog import merge
        >>> field = fl.zoo.double_well()
        >>> runs = [fl.find_critical_points(field, key=jax.random.key(n), starts=40)
        ...         for n in (0, 1)]
        >>> both = merge(*runs)
        >>> counted = [sum(point.hits for point in run) for run in (both, *runs)]
        >>> len(both), counted[0] == counted[1] + counted[2], len(merge(both, *runs))
        (3, True, 3)
    """
    if not catalogs:
        raise ValueError("nothing to merge; needed: at least one catalog.")
    field = shared_field(catalogs, field, "merge")
    entries = Entries(symmetry_of(field, catalogs), catalogs)
    moves = [entries.add(catalog) for catalog in catalogs]
    ids = [{id: move.entry.id for id, move in part.items()} for part in moves]
    runs = joined(
        (runs_of(catalog.points, catalog.provenance), new)
        for catalog, new in zip(catalogs, ids, strict=True)
    )
    hits = total_hits(runs)
    points = [point.replace(hits=hits.get(point.id, 0)) for point in entries.points]
    name = catalogs[0].provenance.get("field") or catalogs[0].field_spec.get("type")
    made = {**circumstances(name), "merged": len(catalogs), "runs": as_data(runs)}
    connections = _connections(catalogs, moves, entries.group, field)
    return Catalog(tuple(points), catalogs[0].field_spec, made, connections)


class Entries:
    """The entries that stand for the points of several catalogs.

    Args:
        group: the symmetry.
        catalogs: all catalogs that will be added.
        compare: whether points at one place may have different losses.
    """

    def __init__(self, group: AbstractGroup, catalogs: Iterable[Catalog], *, compare: bool = False):
        self.group = group
        self.points: list[CriticalPoint] = []
        catalogs = tuple(catalogs)
        self._with_loss = all(p.loss is not None for catalog in catalogs for p in catalog)
        self._orbits = Orbits(group, with_loss=self._with_loss)
        self._numbers: dict[str, int] = {}
        # Without a symmetry a place has one loss; two say that the fields differ after all.
        self._places = None
        if self._with_loss and isinstance(group, TrivialGroup) and not compare:
            self._places = Orbits(group, with_loss=False)

    def add(self, catalog: Catalog) -> dict[str, Move]:
        """Add the points of a catalog, and return the entry that stands for each, by id."""
        found = []
        for point in catalog:
            number, element = self.find(point) or (self._append(point), self.group.identity())
            self._complete(number, point)
            found.append((point, number, element))
        return {p.id: Move(p, self.points[number], element) for p, number, element in found}

    def find(self, point: CriticalPoint) -> tuple[int, Any] | None:
        """Return the number of the entry for a point, and the element that leads to the point."""
        invariant = self._invariant(point)
        found = self._orbits.find(point.location, invariant)
        if found is None and point.unexplained_nullity and self._with_loss:
            for number in self._orbits.manifolds(invariant):
                if same_manifold(self.points[number], point):
                    return number, self.group.identity()
        return found

    def _invariant(self, point: CriticalPoint) -> float:
        if self._with_loss and point.loss is not None:
            return point.loss
        return self.group.norm(point.location)

    def _append(self, point: CriticalPoint) -> int:
        self._require_new_place(point)
        number, id = len(self.points), point.id
        spare = number + 1
        while id in self._numbers:
            id, spare = f"p{spare}", spare + 1
        self._numbers[id] = number
        self.points.append(point.replace(id=id))
        manifold = point.unexplained_nullity > 0
        return self._orbits.add(point.location, self._invariant(point), on_manifold=manifold)

    def _require_new_place(self, point: CriticalPoint) -> None:
        if self._places is None:
            return
        norm = self.group.norm(point.location)
        known = self._places.find(point.location, norm)
        if known is not None:
            entry = self.points[known[0]]
            raise ValueError(
                f"cannot merge: {point.id} of one catalog lies where {entry.id} of another does, "
                f"and their losses are {point.loss!r} and {entry.loss!r}: they are of different "
                "fields, or of different versions of one."
            )
        self._places.add(point.location, norm)

    def _complete(self, number: int, point: CriticalPoint) -> None:
        """Take over what the entry lacks and the point knows of the same location."""
        entry = self.points[number]
        lacking = [
            name
            for name in ("certificate", "capture")
            if getattr(entry, name) is None and getattr(point, name) is not None
        ]
        if lacking and np.array_equal(entry.location, point.location):
            known = {name: getattr(point, name) for name in lacking}
            self.points[number] = entry.replace(**known)


def _connections(
    catalogs: Iterable[Catalog],
    moves: list[dict[str, Move]],
    group: AbstractGroup,
    field: AbstractField | None,
) -> tuple[Connection, ...]:
    """The connections of all catalogs between entries, each trajectory once."""
    kept: list[Connection] = []
    known: set[tuple[Any, ...]] = set()
    for catalog, part in zip(catalogs, moves, strict=True):
        mover = Mover(group, field, part)
        for number, edge in enumerate(catalog.connections):
            try:
                moved = mover.moved(edge)
            except ValueError as error:
                raise ValueError(f"cannot merge: connections[{number}]: {error}.") from error
            ends = moved.source, moved.target, moved.image
            # What lost its side says nothing new where the same ends are joined already.
            new = (ends not in known) if edge.side and not moved.side else True
            if new and _trajectory(moved) not in known:
                kept.append(moved)
                known |= {ends, _trajectory(moved)}
    return tuple(kept)


def _trajectory(edge: Connection) -> tuple[Any, ...]:
    """What tells connections apart: along an eigenvector, not how long it took to measure."""
    ends = edge.source, edge.target, edge.image, edge.side, edge.direction
    return ends if edge.side else (*ends, edge.loss_drop, edge.time)
