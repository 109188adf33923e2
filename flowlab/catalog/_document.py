"""Records as JSON's words, and back: what every file format of a catalog is made of."""

import dataclasses
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from ..critical import CriticalPoint
from ._connection import Connection
from ._error import CatalogError
from ._migrate import SCHEMA_VERSION, migrated, oldest
from ._schema import require_schema, shortened

_WHOLE = set("index nullity explained_nullity isotropy_order orbit_size hits".split())
_WHOLE |= {"side", "direction"}
_REAL = {"loss", "residual", "loss_drop", "time"}
POINT = tuple(entry.name for entry in dataclasses.fields(CriticalPoint))
CONNECTION = tuple(entry.name for entry in dataclasses.fields(Connection))


def to_document(
    points: Iterable[CriticalPoint],
    field_spec: Mapping[str, Any],
    provenance: Mapping[str, Any],
    connections: Iterable[Connection],
) -> dict[str, Any]:
    """Return a catalog in JSON's words, as the schema says but for the `checksum`.

    Raises:
        ValueError: if an entry has no place in a file (a NaN, an object), naming it.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "checksum": "sha256:" + 64 * "0",
        "field": plain(field_spec, "field"),
        "provenance": plain(provenance, "provenance"),
        "points": [point_entry(p, f"points[{i}] ({p.id})") for i, p in enumerate(points)],
        "connections": [
            connection_entry(c, f"connections[{i}]") for i, c in enumerate(connections)
        ],
    }
    require_schema(document)
    return document


def from_document(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a document holds: `points`, `field_spec`, `provenance`, `connections`.

    Args:
        document: what was read, of any version that `require_version` accepts.
        name: what messages call the file.

    Raises:
        CatalogError: if it is not as the schema says.
    """
    try:
        document = migrated(document)
        require_schema(document)
        return {
            "points": tuple(map(read_point, document["points"], _places("points"))),
            "field_spec": document["field"],
            "provenance": document["provenance"],
            "connections": tuple(
                map(read_connection, document["connections"], _places("connections"))
            ),
        }
    except (ValueError, RecursionError) as error:
        raise CatalogError(
            f"{name} is not a valid catalog: {error}. The file was not changed."
        ) from error


def require_version(version: Any, name: str, form: str) -> None:
    """Raise a `CatalogError` unless this flowlab can read a schema version found in some form."""
    if type(version) is not int or version < oldest():
        found = "missing" if version is None else shortened(repr(version))
        raise CatalogError(
            f"{name} is {form} but not a flowlab catalog, or damaged: its schema_version is "
            f"{found}; needed: a whole number from {oldest()} to {SCHEMA_VERSION}."
        )
    if version > SCHEMA_VERSION:
        raise CatalogError(
            f"{name} was written by a newer flowlab (schema {version}; this one reads up to "
            f"{SCHEMA_VERSION}): upgrade flowlab."
        )


def point_entry(point: CriticalPoint, where: str) -> dict[str, Any]:
    """Return a record in JSON's words; errors name `where`."""
    return {name: _value(name, getattr(point, name), where) for name in POINT}


def connection_entry(connection: Connection, where: str) -> dict[str, Any]:
    """Return a connection in JSON's words; errors name `where`."""
    return {name: _value(name, getattr(connection, name), where) for name in CONNECTION}


def _value(name: str, value: Any, where: str) -> Any:
    """One entry of a record in JSON's words, numbers in the type they will be read as."""
    where = f"{where}.{name}"
    if value is None:
        return None
    try:
        if name in _WHOLE:
            return int(operator.index(value))
        if name in _REAL:
            value = float(value)
        elif name == "eigenvalues" and np.iscomplexobj(value):
            value = np.array(value, complex).view(float).reshape(-1, 2)
        elif name in ("location", "eigenvalues") and not np.iscomplexobj(value):
            value = np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} is {value!r}; needed: a number or numbers.") from error
    return plain(value, where)


def plain(value: Any, where: str) -> Any:
    """The value in JSON's words; an error that names the entry if it has none."""
    match value:
        case None | bool():
            return value
        case str():
            if value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value):
                return str(value)
        case np.ndarray() | np.generic() | jax.Array():
            array = np.asarray(value)
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
                return plain(float(array[place]), where + "".join(f"[{i}]" for i in place))
            if array.dtype.kind in "biuf":
                return array.tolist()
        case int():
            return int(value)
        case float():
            if math.isfinite(value):
                return float(value)
        case Mapping() if all(isinstance(name, str) for name in value):
            plain("".join(value), f"the names in {where}")
            return {str(name): plain(entry, f"{where}.{name}") for name, entry in value.items()}
        case list() | tuple():
            return [plain(entry, f"{where}[{i}]") for i, entry in enumerate(value)]
    raise ValueError(
        f"{where} is {shortened(repr(value))}, which a catalog file cannot hold; needed: finite "
        "numbers, text, true, false, None, and lists and dictionaries (with text keys) of these."
    )


def _places(name: str) -> Iterable[str]:
    number = 0
    while True:
        yield f"{name}[{number}]"
        number += 1


def read_point(entry: dict[str, Any], where: str) -> CriticalPoint:
    """Return the record that an entry describes, which is as the schema says."""
    values = _numbers(entry, where)
    try:
        location = np.array(entry["location"], float)
        eigenvalues = np.array(entry["eigenvalues"], float)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where} has no proper arrays ({shortened(str(error))})") from error
    if eigenvalues.ndim == 2:
        eigenvalues = eigenvalues.view(complex).reshape(-1)
    return CriticalPoint(**values | {"location": location, "eigenvalues": eigenvalues})


def read_connection(entry: dict[str, Any], where: str) -> Connection:
    """Return the connection that an entry describes, which is as the schema says."""
    return Connection(**_numbers(entry, where))


def _numbers(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The entry with its numbers in the types of the record: JSON's 1 and 1.0 are one number."""
    values = dict(entry)
    name = ""
    try:
        for name in entry.keys() & _WHOLE:
            values[name] = int(entry[name])
        for name in entry.keys() & _REAL:
            values[name] = None if entry[name] is None else float(entry[name])
    except OverflowError as error:
        raise ValueError(f"{where}.{name} is too large for a float") from error
    return values
