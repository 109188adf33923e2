"""Catalogs as Parquet: a row for each point, in columns that SQL and data frames read.

The columns are those of the record. Lists are lists; a complex spectrum has its imaginary parts in
`eigenvalues_imag`; `location` is flat, in the order of the coordinates; certificates and capture
balls are JSON text; the connections that leave a point are a list of structs in its row. Whole
numbers beyond 64 bits are decimals, or text where they have more than 38 digits. Field, provenance,
schema version, shape and checksum are in the file's metadata.
"""

import decimal
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._document import POINT, from_document, require_version
from ._error import CatalogError
from ._files import LARGEST, checksum, parsed, require_checksum, require_size

_PREFIX = "flowlab."
_CHECKSUM = b"flowlab.checksum"
_BLANK = b"sha256:" + 64 * b"0"
_TEXTS = {"certificate", "capture"}
_REALS = {"loss", "residual"}
_STRINGS = {"id", "kind", "isotropy_name", "found_by", *_TEXTS}
_LISTS = ("eigenvalues", "eigenvalues_imag", "location")
_ENDS = ("number", "target", "image", "side", "direction", "loss_drop", "time")


def require_pyarrow() -> None:
    """Raise a `ModuleNotFoundError` that says what to install unless pyarrow is there."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Parquet needs pyarrow, which is not installed: pip install 'flowlab[parquet]'.",
            name=error.name,
        ) from error


def to_parquet(document: dict[str, Any]) -> bytes:
    """Return the content of a Parquet file for a document as `to_document` returns it."""
    require_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    entries = document["points"]
    columns = {name: _column(name, [entry[name] for entry in entries]) for name in POINT}
    parts = [np.array(entry["eigenvalues"], float) for entry in entries]
    doubles = pa.list_(pa.float64())
    columns["eigenvalues"] = pa.array([p[:, 0] if p.ndim == 2 else p for p in parts], doubles)
    imaginary = [p[:, 1] if p.ndim == 2 else None for p in parts]
    places = [np.ravel(np.array(entry["location"], float)) for entry in entries]
    columns["location"] = pa.array(places, doubles)
    at = list(columns).index("eigenvalues") + 1
    listed = [*columns.items()]
    listed.insert(at, ("eigenvalues_imag", pa.array(imaginary, doubles)))
    listed.append(("connections", _connections(document)))
    shape = np.shape(entries[0]["location"]) if entries else ()
    metadata = {
        "schema_version": str(document["schema_version"]),
        "checksum": _BLANK.decode(),
        "field": json.dumps(document["field"], ensure_ascii=False),
        "provenance": json.dumps(document["provenance"], ensure_ascii=False),
        "shape": json.dumps(list(shape)),
    }
    table = pa.table(dict(listed))
    table = table.replace_schema_metadata({_PREFIX + k: v for k, v in metadata.items()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue()
    start = _seal_position(data)
    assert start is not None, "the metadata were just written"
    return data[:start] + checksum(data).encode() + data[start + len(_BLANK) :]


def _column(name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    if name in _TEXTS:
        texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
        return pa.array(texts, pa.string())
    if name in _STRINGS:
        return pa.array(values, pa.string())
    if name in _REALS:
        return pa.array(values, pa.float64())
    if name in _LISTS:
        return None
    return _whole(values)


def _whole(values: Sequence[int]) -> Any:
    """Whole numbers in the smallest of the types that hold them exactly."""
    import pyarrow as pa

    largest = max(map(abs, values), default=0)
    if largest < 2**63:
        return pa.array(values, pa.int64())
    if largest < 10**38:
        return pa.array([decimal.Decimal(value) for value in values], pa.decimal128(38, 0))
    return pa.array(list(map(str, values)), pa.string())


def _connections(document: dict[str, Any]) -> Any:
    import pyarrow as pa

    leaving: dict[str, list[dict[str, Any]]] = {entry["id"]: [] for entry in document["points"]}
    for number, edge in enumerate(document["connections"]):
        leaving[edge["source"]].append({"number": number} | edge)
    kinds = [pa.int64(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.float64()]
    struct = pa.struct(list(zip(_ENDS, [*kinds, pa.float64()], strict=True)))
    rows = [[{n: edge[n] for n in _ENDS} for edge in edges] for edges in leaving.values()]
    return pa.array(rows, pa.list_(struct))


def _seal_position(data: bytes) -> int | None:
    """Where the checksum begins, whose name comes last in the file's footer."""
    name = data.rfind(_CHECKSUM)
    start = data.find(b"sha256:", name) if name >= 0 else -1
    return start if start >= 0 else None


def from_parquet(data: bytes, name: str, *, verify_checksum: bool = True) -> dict[str, Any]:
    """Return what a Parquet file called `name` holds, as `from_document` does.

    Raises:
        CatalogError: if it is damaged, foreign, from a newer version, or not as the schema says.
    """
    require_pyarrow()
    require_size(len(data), name)
    if not (data[:4] == b"PAR1" == data[-4:]):
        raise CatalogError(f"{name} is damaged, truncated, or not Parquet. It was not changed.")
    start = _seal_position(data)
    if start is None:
        require_version(None, name, "Parquet")
        raise AssertionError("a missing version is refused")
    if verify_checksum:
        # Before anything is unpacked: what is damaged need not be understood.
        seal = data[start : start + len(_BLANK)].decode("ascii", "replace")
        blank = data[:start] + _BLANK + data[start + len(_BLANK) :]
        require_checksum(seal, blank, name, blanked=True)
    return from_document(_document(data, name), name)


def _document(data: bytes, name: str) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _require_modest(file.metadata)
        found = {
            key.decode().removeprefix(_PREFIX): value.decode()
            for key, value in (file.metadata.metadata or {}).items()
            if key.startswith(_PREFIX.encode())
        }
        version = found.get("schema_version", "")
        require_version(int(version) if version.isdecimal() else None, name, "Parquet")
        columns = file.read().to_pydict()
        shape = [int(length) for length in json.loads(found["shape"])]
        points, connections = _entries(columns, shape)
        return {
            "schema_version": int(version),
            "checksum": _BLANK.decode(),
            "field": parsed(found["field"].encode(), f"{name}, field"),
            "provenance": parsed(found["provenance"].encode(), f"{name}, provenance"),
            "points": points,
            "connections": connections,
        }
    except CatalogError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CatalogError(
            f"{name} is damaged or not a valid catalog: {error}. The file was not changed."
        ) from error


def _require_modest(metadata: Any) -> None:
    """Raise if what is packed would not fit into a file that may be read."""
    size = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            size += max(chunk.total_uncompressed_size, chunk.num_values)
    if size > LARGEST:
        raise ValueError(f"unpacked it has {size:,} bytes; at most {LARGEST:,} are read")


def _entries(
    columns: dict[str, list[Any]], shape: list[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The points and connections in the columns, in JSON's words."""
    columns = dict(columns)
    imaginary, leaving = columns.pop("eigenvalues_imag"), columns.pop("connections")
    reals = columns["eigenvalues"]
    columns["eigenvalues"] = list(map(_spectrum, reals, imaginary))
    columns["location"] = [
        _numbers(values).reshape(shape).tolist() for values in columns["location"]
    ]
    for name in _TEXTS:
        columns[name] = [v if v is None else parsed(v.encode(), name) for v in columns[name]]
    for name, values in columns.items():
        if name in _REALS:
            _numbers([value for value in values if value is not None])
        elif values and isinstance(values[0], str | decimal.Decimal) and name not in _STRINGS:
            columns[name] = list(map(int, values))
    names = list(columns)
    points = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    edges = [
        {"source": point["id"]} | edge
        for point, edges in zip(points, leaving, strict=True)
        for edge in edges
    ]
    edges.sort(key=lambda edge: edge["number"])
    if [edge.pop("number") for edge in edges] != list(range(len(edges))):
        raise ValueError("its connections are not numbered from 0")
    _numbers([e[n] for e in edges for n in ("loss_drop", "time") if e[n] is not None])
    return points, edges


def _spectrum(real: list[float], imaginary: list[float] | None) -> list[Any]:
    if imaginary is None:
        return _numbers(real).tolist()
    return np.stack([_numbers(real), _numbers(imaginary)], axis=-1).tolist()


def _numbers(values: list[float]) -> np.ndarray:
    array = np.array(values, float)
    if not np.isfinite(array).all():
        raise ValueError("it holds numbers that are not finite")
    return array
