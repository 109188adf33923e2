"""What a catalog is written to and read from: JSON, Parquet, CSV, SQLite, journals."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .._files import replacing, write_atomically
from ..critical import CriticalPoint
from ._connection import Connection
from ._document import to_document
from ._error import CatalogError
from ._export import to_csv, to_sqlite
from ._files import from_bytes, require_size, to_bytes
from ._parquet import from_parquet, to_parquet

if TYPE_CHECKING:
    from ._catalog import Catalog


class FileFormats:
    """The part of a `Catalog` that concerns files.

    All formats hold the same document; JSON and Parquet give it back, a journal grows. Files are
    data: nothing in them is executed. A catalog that is read is checked like one that is made.
    """

    points: tuple[CriticalPoint, ...]
    field_spec: dict[str, Any]
    provenance: dict[str, Any]
    connections: tuple[Connection, ...]

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
    def from_parquet(cls, path: str | os.PathLike[str], *, verify_checksum: bool = True) -> Self:
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
    def from_json(cls, path: str | os.PathLike[str], *, verify_checksum: bool = True) -> Self:
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
    ) -> Self:
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
    def _checked(cls, parts: dict[str, Any], name: str) -> Self:
        try:
            return cls(**parts)
        except ValueError as error:
            raise CatalogError(f"{name} is not a valid catalog: {error}") from error
