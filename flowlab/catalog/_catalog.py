"""The collection of the critical points of one field."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import write_atomically
from ..critical import CriticalPoint
from ..fields import AbstractField, field_from_spec
from ._connection import Connection
from ._error import CatalogError
from ._files import from_bytes, require_size, to_bytes
from ._table import frame, text

if TYPE_CHECKING:
    import pandas as pd

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
        _require_consistent(self)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    def __getitem__(self, which: int | str) -> CriticalPoint:
        if isinstance(which, str):
            if which in self._places:
                return self.points[self._places[which]]
            raise KeyError(f"no point {which!r} in this catalog; there is {self._ids()}.")
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

    def _ids(self) -> str:
        ids = [point.id for point in self.points]
        return ", ".join(ids if len(ids) <= 12 else [*ids[:6], "...", *ids[-3:]]) or "none"

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
            connections=tuple(
                edge.replace(source=new[edge.source], target=new[edge.target])
                for edge in self.connections
            ),
        )

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
        return to_bytes(self.points, self.field_spec, self.provenance, self.connections)

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
        parts = from_bytes(data, name, verify_checksum=verify_checksum)
        try:
            return cls(**parts)
        except ValueError as error:
            raise CatalogError(f"{name} is not a valid catalog: {error}") from error


def _require_consistent(catalog: Catalog) -> None:
    shape = catalog.field_spec.get("shape")
    shape = None if shape is None else tuple(shape)
    ids: set[str] = set()
    for number, point in enumerate(catalog.points):
        found, count = np.shape(point.location), np.size(point.eigenvalues)
        shape = found if shape is None else shape
        if point.id not in ids and found == shape and count == np.size(point.location):
            ids.add(point.id)
            continue
        where = f"points[{number}] ({point.id})"
        if point.id in ids:
            raise ValueError(f"{where}: another point has the id {point.id!r} too.")
        if found != shape:
            raise ValueError(f"{where}: its location has shape {found}; the field has shape {shape}.")
        raise ValueError(
            f"{where}: it has {count} eigenvalues; needed: one for each of the "
            f"{np.size(point.location)} coordinates."
        )
    for number, edge in enumerate(catalog.connections):
        for end, name in (("source", edge.source), ("target", edge.target)):
            if name not in ids:
                raise ValueError(
                    f"connections[{number}]: its {end} {name!r} is no point of the catalog; there "
                    f"is {catalog._ids()}."
                )
