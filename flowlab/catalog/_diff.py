"""What two catalogs do not have in common."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ..fields import AbstractField
from ..symmetry import AbstractGroup
from ._catalog import Catalog
from ._fields import shared_field, symmetry_of
from ._merge import Entries
from ._orbits import Orbits
from ._table import aligned

TOLERANCE = 1e-9
"""Losses that differ by less (relative to 1) are equal."""

SAME_SPECTRUM = 1e-6
"""Eigenvalues that differ by less, relative to the largest one or to 1, are equal."""

EXACT = (
    "kind index nullity explained_nullity isotropy_order isotropy_name orbit_size hits"
).split()


@dataclasses.dataclass(frozen=True, eq=False)
class PointChange:
    """One point as two catalogs have it.

    Attributes:
        first: the record of the first catalog.
        second: the record of the second one, whose location may be another symmetric image.
        entries: names of the entries that differ.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> from flowlab.catalog import PointChange
        >>> point = fl.classify(fl.zoo.double_well(), jnp.array([1.0, 0.0]), hits=3)
        >>> PointChange(point, point.replace(hits=5), ("hits",))
        <PointChange p1 = p1: hits 3 -> 5>
    """

    first: CriticalPoint
    second: CriticalPoint
    entries: tuple[str, ...]

    def __repr__(self) -> str:
        said = (f"{name} {old} -> {new}" for name, old, new in self.values())
        return f"<PointChange {self.first.id} = {self.second.id}: {', '.join(said)}>"

    def values(self) -> Iterator[tuple[str, str, str]]:
        """Return name, first value and second value of each entry that differs, as text."""
        for name in self.entries:
            old, new = (said(name, getattr(p, name)) for p in (self.first, self.second))
            yield name, old, new


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CatalogDiff:
    """The difference of two catalogs modulo symmetry; false if there is none. Prints as a table.

    Attributes:
        only_first: points of the first catalog that the second one lacks.
        only_second: points of the second catalog that the first one lacks.
        changed: points of both whose numbers differ.
        connections_only_first: pairs of ids (of the first catalog), where some connection leads
            from an image of one to an image of the other in the first catalog only.
        connections_only_second: the same for the second catalog, with its ids.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.double_well()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=40)
        >>> bool(catalog.diff(catalog)), len(catalog.diff(catalog.search(index=0)))
        (False, 1)
    """

    only_first: tuple[CriticalPoint, ...]
    only_second: tuple[CriticalPoint, ...]
    changed: tuple[PointChange, ...]
    connections_only_first: tuple[tuple[str, str], ...]
    connections_only_second: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return sum(len(getattr(self, entry.name)) for entry in dataclasses.fields(self))

    def __bool__(self) -> bool:
        return len(self) > 0

    def __repr__(self) -> str:
        if not self:
            return "The catalogs agree."
        heads = ("", "first", "second", "entry", "in the first", "in the second")
        return "\n".join(aligned([heads, *self.rows()]))

    def rows(self) -> Iterator[tuple[str, str, str, str, str, str]]:
        """Return a row for each difference: sign, ids in both, entry, values in both."""
        for point in self.only_first:
            yield "-", point.id, "", "point", _described(point), ""
        for point in self.only_second:
            yield "+", "", point.id, "point", "", _described(point)
        for change in self.changed:
            for name, old, new in change.values():
                yield "~", change.first.id, change.second.id, name, old, new
        for source, target in self.connections_only_first:
            yield "-", source, "", "connection", f"to {target}", ""
        for source, target in self.connections_only_second:
            yield "+", "", source, "connection", "", f"to {target}"


def diff(
    first: Catalog,
    second: Catalog,
    *,
    field: AbstractField | None = None,
    hits: bool = True,
    tolerance: float = TOLERANCE,
) -> CatalogDiff:
    """Compare two catalogs of one field modulo symmetry.

    Points are the same if one is an image of the other, as in `merge`; points at one place with
    different losses are the same and changed. Compared are kind, index, nullities, isotropy, orbit
    size and hits exactly, the loss to `tolerance` relative to 1, and the spectrum (of points whose
    null directions are explained) to 1e-6; of connections, which points they join. Ids, images,
    residuals and provenance are not compared.

    Args:
        first: a catalog.
        second: another one of the same field.
        field: the field, needed if it was made from a user's function and has a symmetry.
        hits: whether a different number of hits is a difference.
        tolerance: how far losses may differ.

    Returns:
        A `CatalogDiff`, which is false if the catalogs agree.

    Raises:
        ValueError: if they are not of one field.
        RuntimeError: if the field has to be built and JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> from flowlab.catalog import diff
        >>> field = fl.zoo.double_well()
        >>> one, two = (fl.find_critical_points(field, key=jax.random.key(n), starts=40)
        ...             for n in (0, 1))
        >>> diff(one, two, hits=False)
        The catalogs agree.
    """
    field = shared_field((first, second), field, "compare")
    pairs = _pairs(symmetry_of(field, (first, second)), first, second)
    names = [name for name in [*EXACT, "loss", "eigenvalues"] if hits or name != "hits"]
    changes = [
        PointChange(one, two, tuple(n for n in names if differ(n, one, two, tolerance)))
        for two in second
        if (one := pairs.get(two.id)) is not None
    ]
    met = {change.first.id for change in changes}
    order = {point.id: number for number, point in enumerate(first)}
    one_way, other_way = _connections(first, second, pairs)
    return CatalogDiff(
        tuple(point for point in first if point.id not in met),
        tuple(point for point in second if point.id not in pairs),
        tuple(sorted((c for c in changes if c.entries), key=lambda c: order[c.first.id])),
        one_way,
        other_way,
    )


def _pairs(group: AbstractGroup, first: Catalog, second: Catalog) -> dict[str, CriticalPoint]:
    """The point of the first catalog for each of the second that has one, by id."""
    entries = Entries(group, (first, second), compare=True)
    entries.add(first)
    found: dict[str, CriticalPoint] = {}
    for point in second:
        known = entries.find(point)
        if known is not None:
            found[point.id] = entries.points[known[0]]
    # What has another loss at the same place is the same point, changed.
    met = {point.id for point in found.values()}
    rest = [point for point in first if point.id not in met]
    places = Orbits(group, with_loss=False)
    for point in rest:
        places.add(point.location, group.norm(point.location))
    for point in second:
        if point.id not in found:
            known = places.find(point.location, group.norm(point.location))
            if known is not None:
                found[point.id] = rest[known[0]]
    return found


def differ(name: str, one: CriticalPoint, two: CriticalPoint, tolerance: float) -> bool:
    """Return whether an entry differs between two records of one point."""
    old, new = getattr(one, name), getattr(two, name)
    if name == "loss" and old is not None and new is not None:
        return abs(old - new) > tolerance * max(1.0, abs(old))
    if name == "eigenvalues":
        if one.unexplained_nullity or two.unexplained_nullity:
            return False
        pair = [np.sort_complex(np.asarray(values)) for values in (old, new)]
        scale = max(1.0, float(np.abs(pair[0]).max(initial=0.0)))
        return bool(np.abs(pair[0] - pair[1]).max(initial=0.0) > SAME_SPECTRUM * scale)
    return old != new


def _connections(
    first: Catalog, second: Catalog, pairs: dict[str, CriticalPoint]
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    ours = _joined(first)
    theirs = _joined(second)
    told = {pair: tuple(pairs[id].id if id in pairs else None for id in pair) for pair in theirs}
    common = set(told.values())
    return (
        tuple(pair for pair in ours if pair not in common),
        tuple(pair for pair in theirs if told[pair] not in ours),
    )


def _joined(catalog: Catalog) -> dict[tuple[str, str], None]:
    """The pairs of points that connections join, in order, each once."""
    return dict.fromkeys((edge.source, edge.target) for edge in catalog.connections)


def _described(point: CriticalPoint) -> str:
    loss = "" if point.loss is None else f", loss {point.loss:.9g}"
    return f"{point.kind}, index {point.index}{loss}"


def said(name: str, value: Any) -> str:
    """Return the value of an entry as text, of a long spectrum the beginning."""
    if name == "eigenvalues":
        values: Iterable[str] = (f"{number:.6g}" for number in np.asarray(value)[:4])
        return ", ".join(values) + (", ..." if len(value) > 4 else "")
    return f"{value!r}" if isinstance(value, float) else str(value)
