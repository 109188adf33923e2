"""Catalogs as JSON: writing, and reading files that nobody vouches for."""

import dataclasses
import functools
import hashlib
import importlib.resources
import json
import math
import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from ..critical import CriticalPoint
from ._connection import Connection

SCHEMA_VERSION = 1

_NO_CHECKSUM = "sha256:" + 64 * "0"
_WHOLE = set("index nullity explained_nullity isotropy_order orbit_size hits".split())
_WHOLE |= {"side", "direction"}
_REAL = {"loss", "residual", "loss_drop", "time"}

_atom = functools.partial(json.dumps, ensure_ascii=False, allow_nan=False)


class CatalogError(ValueError):
    """A file cannot be read as a catalog; the message says why and what to do.

    Example:
        >>> import pathlib, tempfile
        >>> from flowlab.catalog import Catalog, CatalogError
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "catalog.json")
        ...     _ = path.write_text('{"schema_version": 7}')
        ...     try:
        ...         Catalog.from_json(path)
        ...     except CatalogError as error:
        ...         str(error).endswith("(schema 7; this one reads up to 1): upgrade flowlab.")
        True
    """


def to_bytes(
    points: Iterable[CriticalPoint],
    field_spec: Mapping[str, Any],
    provenance: Mapping[str, Any],
    connections: Iterable[Connection],
) -> bytes:
    """Return the content of a catalog file, the same bytes for the same records.

    Raises:
        ValueError: if an entry has no place in the file (a NaN, an object), naming it.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "checksum": _NO_CHECKSUM,
        "field": _plain(field_spec, "field"),
        "provenance": _plain(provenance, "provenance"),
        "points": [_entry(p, f"points[{i}] ({p.id})") for i, p in enumerate(points)],
        "connections": [_entry(c, f"connections[{i}]") for i, c in enumerate(connections)],
    }
    _require_schema(document)
    text = _layout(document) + "\n"
    seal = _checksum(text.encode())
    # The first occurrence is the entry itself: only the version comes before it.
    return text.replace(_NO_CHECKSUM, seal, 1).encode()


def _entry(record: CriticalPoint | Connection, where: str) -> dict[str, Any]:
    names = [entry.name for entry in dataclasses.fields(record)]
    return {name: _value(name, getattr(record, name), f"{where}.{name}") for name in names}


def _value(name: str, value: Any, where: str) -> Any:
    """One entry of a record in JSON's words, numbers in the type they will be read as."""
    if name == "eigenvalues" and np.iscomplexobj(value):
        return _plain(np.array(value, complex).view(float).reshape(-1, 2), where)
    try:
        if name in ("location", "eigenvalues") and not np.iscomplexobj(value):
            value = np.asarray(value, float)
        elif name in _WHOLE:
            value = operator.index(value)
        elif name in _REAL and value is not None:
            value = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} is {value!r}; needed: a number or numbers.") from error
    return _plain(value, where)


def _plain(value: Any, where: str) -> Any:
    """The value in JSON's words; an error that names the entry if it has none."""
    match value:
        case None | bool():
            return value
        case str():
            if not any("\ud800" <= character <= "\udfff" for character in value):
                return str(value)
        case np.ndarray() | np.generic() | jax.Array():
            array = np.asarray(value)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
                return _plain(float(array[place]), where + "".join(f"[{i}]" for i in place))
            if array.dtype.kind in "biuf":
                return array.tolist()
        case int():
            return int(value)
        case float():
            if math.isfinite(value):
                return float(value)
        case Mapping() if all(isinstance(name, str) for name in value):
            _plain("".join(value), f"the names in {where}")
            return {str(name): _plain(entry, f"{where}.{name}") for name, entry in value.items()}
        case list() | tuple():
            return [_plain(entry, f"{where}[{i}]") for i, entry in enumerate(value)]
    raise ValueError(
        f"{where} is {_short(repr(value))}, which a catalog file cannot hold; needed: finite "
        "numbers, text, true, false, None, and lists and dictionaries (with text keys) of these."
    )


def _layout(value: Any, depth: int = 0) -> str:
    """JSON with one entry a line, except that a list of plain values stays on one line."""
    items: list[str] = []
    if isinstance(value, dict):
        items = [f"{_atom(name)}: {_layout(entry, depth + 1)}" for name, entry in value.items()]
        ends = "{}"
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        items = [_layout(entry, depth + 1) for entry in value]
        ends = "[]"
    if not items:
        return _atom(value)
    pad = "\n" + " " * depth
    return ends[0] + ",".join(f"{pad} {item}" for item in items) + pad + ends[1]


def _checksum(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def from_bytes(data: bytes, name: str, *, verify_checksum: bool = True) -> dict[str, Any]:
    """Return what a file called `name` holds: `points`, `field_spec`, `provenance`, `connections`.

    What is checked first is what explains most: that it is JSON at all, that this version can know
    the format, that no byte has changed, that every entry is what the schema says.

    Raises:
        CatalogError: if it is damaged, foreign, from a newer version, or not as the schema says.
    """
    document = _parse(data, name)
    _require_version(document, name)
    if verify_checksum:
        _require_checksum(document, data, name)
    try:
        _require_schema(document)
        points, edges = document["points"], document["connections"]
        return {
            "points": tuple(_point(entry, f"points[{i}]") for i, entry in enumerate(points)),
            "field_spec": document["field"],
            "provenance": document["provenance"],
            "connections": tuple(
                Connection(**_numbers(entry, f"connections[{i}]")) for i, entry in enumerate(edges)
            ),
        }
    except (ValueError, RecursionError) as error:
        raise CatalogError(
            f"{name} is not a valid catalog: {error}. The file was not changed."
        ) from error


def _parse(data: bytes, name: str) -> Any:
    if not data.strip():
        raise CatalogError(f"{name} is empty: it was truncated, or never written.")
    try:
        text = data.decode()
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
        )
        if "\\u" in text:  # half a surrogate pair can be written so, and is no text
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogError(
            f"{name} is damaged: line {line} is not UTF-8 text. The file was not changed."
        ) from error
    except json.JSONDecodeError as error:
        raise CatalogError(
            f"{name} is damaged or truncated: it stops being JSON at line {error.lineno}, column "
            f"{error.colno} ({error.msg}). The file was not changed."
        ) from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(
            f"{name} is damaged or not a catalog: {error}. The file was not changed."
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the entry {twice!r} occurs twice in one place")
    return result


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"it holds {literal}, and every number must be finite")
    return value


def _require_version(document: Any, name: str) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        found = "missing" if version is None else _short(repr(version))
        raise CatalogError(
            f"{name} is JSON but not a flowlab catalog, or damaged: its schema_version is {found}; "
            f"needed: a whole number from 1 to {SCHEMA_VERSION}."
        )
    if version > SCHEMA_VERSION:
        raise CatalogError(
            f"{name} was written by a newer flowlab (schema {version}; this one reads up to "
            f"{SCHEMA_VERSION}): upgrade flowlab."
        )


def _require_checksum(document: dict[str, Any], data: bytes, name: str) -> None:
    value = document.get("checksum")
    if isinstance(value, str) and re.fullmatch("sha256:[0-9a-f]{64}", value):
        unsealed = data.replace(value.encode(), _NO_CHECKSUM.encode(), 1)
        if _checksum(unsealed) == value:
            return
    raise CatalogError(
        f"{name} is damaged or was edited by hand: its content does not match its checksum. The "
        "file was not changed. If the edit was meant, read it with `verify_checksum=False` and "
        "write it again."
    )


@functools.cache
def _validator() -> Any:
    import jsonschema

    source = importlib.resources.files("flowlab.catalog") / "catalog.schema.json"
    return jsonschema.Draft202012Validator(json.loads(source.read_text("utf-8")))


def _require_schema(document: Any) -> None:
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(_thinned(document)))
    if error is not None:
        where = error.json_path.replace("$.", "").replace("$", "the top level")
        raise ValueError(f"{where}: {_short(error.message)}")


def _thinned(value: Any) -> Any:
    """The document with runs of floats cut to 3: to the schema the same, and much faster."""
    if isinstance(value, dict):
        return {name: _thinned(entry) for name, entry in value.items()}
    if isinstance(value, list):
        if all(type(entry) is float for entry in value):
            return value[:3]
        return [_thinned(entry) for entry in value]
    return value


def _point(entry: dict[str, Any], where: str) -> CriticalPoint:
    values = _numbers(entry, where)
    try:
        location = np.array(entry["location"], float)
        eigenvalues = np.array(entry["eigenvalues"], float)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where} has no proper arrays ({_short(str(error))})") from error
    if eigenvalues.ndim == 2:
        eigenvalues = eigenvalues.view(complex).reshape(-1)
    return CriticalPoint(**values | {"location": location, "eigenvalues": eigenvalues})


def _numbers(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The entry with its numbers in the types of the record: JSON's 1 and 1.0 are one number."""
    values = dict(entry)
    try:
        for name in entry.keys() & _WHOLE:
            values[name] = int(entry[name])
        for name in entry.keys() & _REAL:
            values[name] = None if entry[name] is None else float(entry[name])
    except OverflowError as error:
        raise ValueError(f"{where}.{name} is too large for a float") from error
    return values


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"
