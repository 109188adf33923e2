"""The collection of the critical points of one field."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..critical import CriticalPoint
from ..fields import AbstractField, field_from_spec
from ._connection import Connection
from ._consistent import listed, require_consistent
from ._formats import FileFormats
from ._runs import as_data, renamed, runs_of
from ._search import selected
from ._table import frame, text

if TYPE_CHECKING:
    import pandas as pd

    from ._diff import CatalogDiff

_TIE = 10
"""`sorted` takes losses as equal that agree to this many digits of the largest one."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Catalog(FileFormats):
    """The critical points of one field, one record per orbit, and the connections between them.

    It prints as a table. It is data: `to_json` writes it to a file that needs neither the script
    that made it nor this version of flowlab, and `from_json` reads it back exactly.

    Args:
        points: the records, with different ids.
        field_spec: what `field.spec()` returned.
        provenance: what `flowlab.catalog.provenance` returned.
        connections: which point flows into which.

    Raises:
        ValueError: if an id occurs twice, a location has another shape than the field, its
            eigenvalues are not one for each coordinate, or a connection refers to an id that is
            not there.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> from flowlab.catalog import Catalog, provenance
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> point = fl.classify(field, jnp.eye(2), hits=12)
        >>> catalog = Catalog((point,), field.spec(), provenance(field))
        >>> len(catalog), catalog["p1"].kind, catalog[0].hits
        (1, 'global minimum', 12)
    """

    points: tuple[CriticalPoint, ...]
    field_spec: dict[str, Any]
    provenance: dict[str, Any]
    connections: tuple[Connection, ...] = ()
    _places: dict[str, int] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(self.points))
        object.__setattr__(self, "connections", tuple(self.connections))
        object.__setattr__(self, "_places", {p.id: n for n, p in enumerate(self.points)})
        require_consistent(self.points, self.field_spec, self.connections)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    def __getitem__(self, which: int | str) -> CriticalPoint:
        if isinstance(which, str):
            if which in self._places:
                return self.points[self._places[which]]
            raise KeyError(f"no point {which!r} in this catalog; there is {listed(self._places)}.")
        if not isinstance(which, int | np.integer):
            raise TypeError(
                f"a catalog is asked with a number or an id such as 'p1', not {which!r}; for a "
                "selection, use `catalog.points[...]`."
            )
        if not -len(self) <= which < len(self):
            raise IndexError(f"no point number {which}: the catalog holds {len(self)}, from 0.")
        return self.points[which]

    def __contains__(self, which: object) -> bool:
        if isinstance(which, CriticalPoint):
            return which.id in self._places and self[which.id] is which
        return isinstance(which, str) and which in self._places

    def __repr__(self) -> str:
        return text(self.points, self.field_spec, len(self.connections))

    def replace(self, **changes: Any) -> "Catalog":
        """Return a copy with some of its parts changed.

        Args:
            **changes: `points`, `field_spec`, `provenance` or `connections`.
        """
        return dataclasses.replace(self, **changes)

    def sorted(self) -> "Catalog":
        """Return the catalog by loss, then by index, with the ids renumbered `p1, p2, ...`.

        Losses that agree to 10 digits of the largest one count as equal. Connections follow their
        points.
        """
        largest = max((abs(p.loss) for p in self.points if p.loss is not None), default=0.0)

        def rank(point: CriticalPoint) -> tuple[bool, float, int, float]:
            loss = 0.0 if point.loss is None else point.loss
            digits = round(loss / largest, _TIE) if largest else 0.0
            return point.loss is None, digits, point.index, loss

        ordered = sorted(self.points, key=rank)
        new = {point.id: f"p{number}" for number, point in enumerate(ordered, 1)}
        return self.replace(
            points=tuple(point.replace(id=new[point.id]) for point in ordered),
            provenance=renamed(self.provenance, new),
            connections=tuple(
                edge.replace(source=new[edge.source], target=new[edge.target])
                for edge in self.connections
            ),
        )

    def search(self, **criteria: Any) -> "Catalog":
        """Return the catalog of the points that meet all criteria, with the connections among them.

        Args:
            **criteria: a value for each entry that matters; `None` is no criterion.
                Numbers: `index`, `nullity`, `explained_nullity`, `unexplained_nullity`,
                `isotropy_order`, `orbit_size`, `hits` (a number, or a list of them), `loss` and
                `residual` (a number, met to 1e-9 relative to 1); each may be a range
                `(low, high)`, both ends included, `None` for no end. Texts: `id`, `kind`,
                `found_by` and `isotropy` (a text, or a list of them; `"DS_4"` is `"ΔS_4"` too).
                Flags: `spurious` (sinks whose loss is above the floor, or, if the floor is not
                known, above the lowest loss in the catalog), `certified`, `hyperbolic` (no null
                direction), `sink`.

        Returns:
            A catalog whose points keep their order, ids and hits. `provenance["selection"]` says
            how it was chosen.

        Raises:
            ValueError: if a criterion is unknown, or its value is none of these.

        Example:
            >>> import jax, flowlab as fl
            >>> catalog = fl.find_critical_points(
            ...     fl.TeacherStudent(jnp.eye(2)), key=jax.random.key(0), starts=100)
            >>> [point.kind for point in catalog.search(index=0)]
            ['global minimum']
            >>> len(catalog.search(index=(1, None), loss=(0.0, 0.5), isotropy="S_2"))
            1
        """
        points = selected(self.points, criteria)
        kept = {point.id for point in points}
        runs = [run.restricted(kept) for run in runs_of(self.points, self.provenance)]
        chosen = {name: _as_text(value) for name, value in criteria.items() if value is not None}
        before = self.provenance.get("selection", {})
        return self.replace(
            points=tuple(points),
            provenance={**self.provenance, "selection": before | chosen, "runs": as_data(runs)},
            connections=tuple(
                edge for edge in self.connections if {edge.source, edge.target} <= kept
            ),
        )

    def merge(self, *others: "Catalog", field: AbstractField | None = None) -> "Catalog":
        """Return this catalog and others of the same field as one; see `flowlab.catalog.merge`.

        Args:
            *others: the other catalogs.
            field: the field, needed if it was made from a user's function and has a symmetry.

        Returns:
            The catalog; the points of this one keep their ids.

        Raises:
            ValueError: if they are not of one field.
        """
        from ._merge import merge

        return merge(self, *others, field=field)

    def diff(self, other: "Catalog", **options: Any) -> "CatalogDiff":
        """Compare with another catalog of the same field; see `flowlab.catalog.diff`.

        Args:
            other: the other catalog.
            **options: `field`, `hits`, `tolerance`.

        Returns:
            A `CatalogDiff`, which is false if they agree.

        Raises:
            ValueError: if they are not of one field.
        """
        from ._diff import diff

        return diff(self, other, **options)

    def field(self) -> AbstractField:
        """Build the field that the points belong to.

        Returns:
            The field.

        Raises:
            ValueError: if it was made from a user's function, which no file can hold.
        """
        return field_from_spec(self.field_spec)

    def to_frame(self) -> "pd.DataFrame":
        """Return the catalog as a data frame: a row for each point, labelled by its id.

        Returns:
            A data frame with the columns of the record; `location`, `eigenvalues` and
            `certificate` are columns of objects, and a loss that does not exist is NaN.
        """
        return frame(self.points)


def _as_text(value: Any) -> Any:
    """A criterion in JSON's words."""
    return value if isinstance(value, str | bool | int | float) else str(value)
