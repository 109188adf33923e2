"""The collection of the critical points of one field."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import replacing, write_atomically
from ..critical import CriticalPoint
from ..fields import AbstractField, field_from_spec
from ._connection import Connection
from ._consistent import listed, require_consistent
from ._document import to_document
from ._error import CatalogError
from ._export import to_csv, to_sqlite
from ._files import from_bytes, require_size, to_bytes
from ._parquet import from_parquet, to_parquet
from ._runs import as_data, renamed, runs_of
from ._search import selected
from ._table import frame, text

if TYPE_CHECKING:
    import pandas as pd

    from ._diff import CatalogDiff

_TIE = 10
"""`sorted` takes losses as equal that agree to this many digits of the largest one."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Catalog:
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

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the catalog to a JSON file, whole or not at all.

        Numbers are written so that they are read back exactly; the same catalog gives the same
        bytes. An existing file is replaced.

        Args:
            path: where to.

        Raises:
            ValueError: if an entry is not finite or is not data, naming it.
            OSError: if the file cannot be written; what was there is untouched.
        """
        write_atomically(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the file that `to_json` writes.

        Raises:
            ValueError: if an entry is not finite or is not data, naming it.
        """
        return to_bytes(self._document())

    def _document(self) -> dict[str, Any]:
        return to_document(self.points, self.field_spec, self.provenance, self.connections)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the catalog to a Parquet file, a row for each point, whole or not at all.

        Nothing is lost: `from_parquet` returns the same catalog. The columns are those of the
        record, with lists for `location` (flat) and `eigenvalues` (`eigenvalues_imag` where they
        are complex) and a list of structs for the connections that leave a point; what any tool
        that reads Parquet can ask.

        Args:
            path: where to.

        Raises:
            ModuleNotFoundError: if pyarrow is not installed (extra `parquet`).
            ValueError: if an entry is not finite or is not data, naming it.
            OSError: if the file cannot be written; what was there is untouched.
        """
        write_atomically(path, to_parquet(self._document()))

    @classmethod
    def from_parquet(
        cls, path: str | os.PathLike[str], *, verify_checksum: bool = True
    ) -> "Catalog":
        """Read a catalog that `to_parquet` wrote. The file is data: nothing in it is executed.

        Args:
            path: the file.
            verify_checksum: whether to refuse a file in which any byte has changed.

        Returns:
            The catalog.

        Raises:
            CatalogError: as `from_json`.
            ModuleNotFoundError: if pyarrow is not installed (extra `parquet`).
            OSError: if it cannot be opened.
        """
        require_size(Path(path).stat().st_size, str(path))
        data, name = Path(path).read_bytes(), str(path)
        return cls._checked(from_parquet(data, name, verify_checksum=verify_checksum), name)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the points as CSV, a row for each, a column for each number.

        The columns are those of the record, but for `location_NAME` for each coordinate and
        `eigenvalue_1`, ... (and `eigenvalue_1_imag`, ...). There is no way back: provenance and
        connections are left out.

        Args:
            path: where to.

        Raises:
            ValueError: if an entry is not finite or is not data, naming it.
            OSError: if the file cannot be written; what was there is untouched.
        """
        write_atomically(path, to_csv(self._document()))

    def to_sqlite(self, path: str | os.PathLike[str]) -> None:
        """Write an SQLite database: tables `points` (as `to_csv`), `connections`, `catalog`.

        Args:
            path: where to; an existing file is replaced.

        Raises:
            ValueError: if an entry is not finite or is not data, naming it.
            OSError: if the file cannot be written; what was there is untouched.
        """
        document = self._document()
        with replacing(path) as temporary:
            to_sqlite(document, temporary)

    @classmethod
    def from_journal(cls, path: str | os.PathLike[str]) -> "Catalog":
        """Read the catalog in a journal, which may still be written to; see `Journal`.

        Args:
            path: the file.

        Returns:
            The catalog; a last line that was cut short is left out.

        Raises:
            CatalogError: if it is damaged in another way, or no journal.
            OSError: if it cannot be opened.
        """
        from ._journal import read_journal

        return read_journal(path)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str], *, verify_checksum: bool = True) -> "Catalog":
        """Read a catalog that `to_json` wrote. The file is data: nothing in it is executed.

        Args:
            path: the file.
            verify_checksum: whether to refuse a file in which any byte has changed. `False` reads
                a file that was edited by hand; everything else is still checked.

        Returns:
            The catalog.

        Raises:
            CatalogError: a `ValueError`, if the file is damaged, from a newer flowlab, not a
                catalog, or not consistent; the file is never changed.
            OSError: if it cannot be opened.
        """
        require_size(Path(path).stat().st_size, str(path))
        return cls.from_bytes(Path(path).read_bytes(), str(path), verify_checksum=verify_checksum)

    @classmethod
    def from_bytes(
        cls, data: bytes, name: str = "the data", *, verify_checksum: bool = True
    ) -> "Catalog":
        """Read the content of a file that `to_json` wrote.

        Args:
            data: the content.
            name: what messages call it.
            verify_checksum: whether to refuse data in which any byte has changed.

        Returns:
            The catalog.

        Raises:
            CatalogError: as `from_json`.
        """
        return cls._checked(from_bytes(data, name, verify_checksum=verify_checksum), name)

    @classmethod
    def _checked(cls, parts: dict[str, Any], name: str) -> "Catalog":
        try:
            return cls(**parts)
        except ValueError as error:
            raise CatalogError(f"{name} is not a valid catalog: {error}") from error


def _as_text(value: Any) -> Any:
    """A criterion in JSON's words."""
    return value if isinstance(value, str | bool | int | float) else str(value)
