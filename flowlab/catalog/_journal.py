"""Catalogs that grow on the disk while a search runs: one line for each thing that was found."""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ..critical import CriticalPoint
from ._catalog import Catalog
from ._connection import Connection
from ._document import (
    connection_entry,
    from_document,
    plain,
    point_entry,
    require_version,
)
from ._error import CatalogError
from ._files import parsed, require_size
from ._migrate import SCHEMA_VERSION

_HEAD = len('{"crc32": "00000000", ')


class Journal:
    """A file that keeps critical points as they are found; a killed search loses none.

    Each point, hit and connection is one line of JSON with a checksum of its own, written in one
    step at the end of the file, so that adding one costs the same however many there are. A line
    that a kill cut short is dropped when the journal is opened again; any other damage is refused.
    `compact` makes a catalog file of it. One process at a time writes to a journal.

    Args:
        path: the file; one that is there is continued.
        field_spec: what `field.spec()` returned.
        provenance: what `flowlab.catalog.provenance` returned; of a journal that is continued, the
            old one stays.
        flush: whether every line goes to the disk at once and survives a power cut, not only a
            kill; slower.

    Raises:
        CatalogError: a `ValueError`, if the file is damaged or not a journal.
        ValueError: if it is of another field, or another process has it open.
        OSError: if it cannot be written.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> from flowlab.catalog import Journal, provenance
        >>> field = fl.zoo.double_well()
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "search.jsonl"
        >>> with Journal(path, field.spec(), provenance(field)) as journal:
        ...     journal.add(fl.classify(field, jnp.array([1.0, 0.0])))
        ...     journal.hit("p1", 5)
        >>> fl.Catalog.from_journal(path)["p1"].hits
        5
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        field_spec: Mapping[str, Any],
        provenance: Mapping[str, Any],
        *,
        flush: bool = False,
    ):
        self.path = Path(path)
        self._flush = flush
        self._stream = open(self.path, "ab")
        try:
            _lock(self._stream, self.path)
            self._ids = self._continue(field_spec)
            if self._stream.tell() == 0:
                head = {
                    "schema_version": SCHEMA_VERSION,
                    "field": plain(field_spec, "field"),
                    "provenance": plain(provenance, "provenance"),
                }
                self._write(head)
        except BaseException:
            self._stream.close()
            raise

    def _continue(self, field_spec: Mapping[str, Any]) -> set[str]:
        """Take up what is there, cut off a line that is not whole, and return the known ids."""
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self._stream.truncate(whole)
            self._stream.seek(0, os.SEEK_END)
        if whole == 0:
            return set()
        catalog = _catalog(data[:whole], str(self.path))
        if plain(catalog.field_spec, "field") != plain(field_spec, "field"):
            raise ValueError(
                f"{self.path} is a journal of another field; name a new file, or remove it."
            )
        return {point.id for point in catalog}

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def add(self, point: CriticalPoint) -> None:
        """Keep a new point.

        Args:
            point: its record; no point of the journal has its id.

        Raises:
            ValueError: if one has, or the record cannot be written.
            OSError: if it cannot be written.
        """
        if point.id in self._ids:
            raise ValueError(f"a point with the id {point.id!r} is in {self.path} already.")
        self._write({"point": point_entry(point, point.id)})
        self._ids.add(point.id)

    def hit(self, id: str, hits: int) -> None:
        """Keep that further starts led to a point.

        Args:
            id: the point's.
            hits: how many.

        Raises:
            ValueError: if there is no such point, or `hits` is not a whole number.
            OSError: if it cannot be written.
        """
        self._require(id)
        self._write({"id": id, "hits": plain(int(hits), "hits")})

    def connect(self, connection: Connection) -> None:
        """Keep a connection between points of the journal.

        Args:
            connection: its record.

        Raises:
            ValueError: if one of its ends is not there.
            OSError: if it cannot be written.
        """
        self._require(connection.source)
        self._require(connection.target)
        self._write({"connection": connection_entry(connection, "connection")})

    def catalog(self) -> Catalog:
        """Return what the journal holds so far."""
        return read_journal(self.path)

    def compact(self, path: str | os.PathLike[str]) -> Catalog:
        """Write the catalog to a JSON file, whole or not at all, and remove the journal.

        Args:
            path: where to.

        Returns:
            The catalog.

        Raises:
            OSError: if it cannot be written; the journal is then untouched.
        """
        catalog = self.catalog()
        catalog.to_json(path)
        self.close()
        self.path.unlink()
        return catalog

    def close(self) -> None:
        """Flush the journal to the disk and close it."""
        if not self._stream.closed:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require(self, id: str) -> None:
        if id not in self._ids:
            raise ValueError(f"there is no point {id!r} in {self.path}.")

    def _write(self, entry: dict[str, Any]) -> None:
        self._stream.write(_line(entry))
        self._stream.flush()
        if self._flush:
            os.fsync(self._stream.fileno())


def _line(entry: dict[str, Any]) -> bytes:
    body = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode()
    return b'{"crc32": "%08x", ' % zlib.crc32(body) + body[1:] + b"\n"


def _lock(stream: IO[bytes], path: Path) -> None:
    """Hold the file for this process until it is closed or the process ends, where that exists."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ValueError(f"{path} is written by another process.") from error


def read_journal(path: str | os.PathLike[str]) -> Catalog:
    """Return the catalog in a journal, which may still be written to.

    Raises:
        CatalogError: if it is damaged otherwise than at the end of its last line.
        OSError: if it cannot be read.
    """
    require_size(Path(path).stat().st_size, str(path))
    data = Path(path).read_bytes()
    return _catalog(data[: data.rfind(b"\n") + 1], str(path))


def _catalog(data: bytes, name: str) -> Catalog:
    lines = data.split(b"\n")[:-1]
    head = _entry(lines[0] if lines else b"", f"{name}, line 1")
    require_version(head.get("schema_version"), name, "JSON")
    points: dict[str, dict[str, Any]] = {}
    connections = []
    for number, line in enumerate(lines[1:], 2):
        entry = _entry(line, f"{name}, line {number}")
        try:
            if "point" in entry:
                points[entry["point"]["id"]] = entry["point"]
            elif "connection" in entry:
                connections.append(entry["connection"])
            else:
                points[entry["id"]]["hits"] += entry["hits"]
        except (KeyError, TypeError) as error:
            raise CatalogError(f"{name}, line {number} is no entry of a journal.") from error
    document = {
        "checksum": "sha256:" + 64 * "0", **head, "points": [*points.values()],
        "connections": connections,
    }  # fmt: skip
    try:
        return Catalog(**from_document(document, name))
    except CatalogError:
        raise
    except ValueError as error:
        raise CatalogError(f"{name} is not a valid journal: {error}") from error


def _entry(line: bytes, name: str) -> dict[str, Any]:
    body = b"{" + line[_HEAD:]
    if line[:_HEAD] != b'{"crc32": "%08x", ' % zlib.crc32(body):
        raise CatalogError(
            f"{name} is damaged, edited, or not of a journal: it does not match its checksum. The "
            "file was not changed."
        )
    return parsed(body, name)
