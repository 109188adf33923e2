"""Catalogs for other tools: flat tables as CSV, and SQLite."""

import csv
import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ..fields._base import default_names
from ._document import CONNECTION, POINT
from ._files import layout

LARGEST_WHOLE = 2**63 - 1
"""SQLite's largest whole number; larger ones are written as text."""


def flat_columns(document: dict[str, Any]) -> dict[str, list[Any]]:
    """Return a catalog as columns of plain values.

    Args:
        document: what `to_document` returns.

    Returns:
        The columns of the record, but for `location`, which is a column `location_NAME` for each
        coordinate, and `eigenvalues`, which is `eigenvalue_1, ...` (and `eigenvalue_1_imag, ...`
        where some spectrum is complex). Certificates and capture balls are JSON text.
    """
    entries = document["points"]
    columns: dict[str, list[Any]] = {}
    for name in POINT:
        values = [entry[name] for entry in entries]
        if name in ("location", "eigenvalues") and not entries:
            continue
        if name == "location":
            columns |= _location(values, document["field"])
        elif name == "eigenvalues":
            columns |= _eigenvalues(values)
        elif name in ("certificate", "capture"):
            columns[name] = [
                None if v is None else json.dumps(v, ensure_ascii=False) for v in values
            ]
        else:
            columns[name] = values
    return columns


def _location(values: Sequence[Any], field: dict[str, Any]) -> dict[str, list[float]]:
    places = np.array(values, float)
    names = field.get("coordinates")
    flat = places.reshape(len(places), -1)
    if not isinstance(names, list) or len(set(map(str, names))) != flat.shape[1]:
        names = default_names(places.shape[1:])
    return {f"location_{name}": flat[:, i].tolist() for i, name in enumerate(names)}


def _eigenvalues(values: Sequence[Any]) -> dict[str, list[float]]:
    spectra = [np.array(value, float) for value in values]
    parts = np.array(
        [s if s.ndim == 2 else np.stack([s, np.zeros_like(s)], axis=-1) for s in spectra]
    )
    real = {f"eigenvalue_{i + 1}": parts[:, i, 0].tolist() for i in range(parts.shape[1])}
    if all(spectrum.ndim == 1 for spectrum in spectra):
        return real
    return real | {
        f"eigenvalue_{i + 1}_imag": parts[:, i, 1].tolist() for i in range(parts.shape[1])
    }


def to_csv(document: dict[str, Any]) -> str:
    """Return the flat columns as CSV with a head; floats are written so that they read exactly."""
    columns = flat_columns(document)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue()


def to_sqlite(document: dict[str, Any], path: Path) -> None:
    """Write an SQLite database: tables `points` (flat), `connections`, `catalog` (name, value)."""
    points = flat_columns(document)
    edges = document["connections"]
    connections = {name: [edge[name] for edge in edges] for name in CONNECTION}
    about = ("schema_version", "field", "provenance")
    catalog = {"name": list(about), "value": [layout(document[name]) for name in about]}
    with closing(sqlite3.connect(path)) as database, database:
        for name, columns in (
            ("catalog", catalog), ("points", points), ("connections", connections)
        ):  # fmt: skip
            _write_table(database, name, columns)


def _write_table(database: sqlite3.Connection, table: str, columns: dict[str, list[Any]]) -> None:
    # SQLite takes names of columns as equal whatever their case.
    names, seen = [], set()
    for name in columns:
        while name.lower() in seen:
            name += "_"
        seen.add(name.lower())
        names.append('"' + name.replace('"', '""') + '"')
    database.execute(f"CREATE TABLE {table} ({', '.join(names)})")
    places = ", ".join("?" * len(names))
    rows = (tuple(map(_cell, row)) for row in zip(*columns.values(), strict=True))
    database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, int) and abs(value) > LARGEST_WHOLE else value
