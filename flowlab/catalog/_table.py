"""A catalog as a table: a data frame, or plain text to look at."""

import dataclasses
import decimal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..critical import CriticalPoint

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(entry.name for entry in dataclasses.fields(CriticalPoint))

LONGEST = 40
"""A catalog with more points than this is shown in part."""


def frame(points: Sequence[CriticalPoint]) -> "pd.DataFrame":
    """Return one row for each point, one column for each entry of the record.

    Args:
        points: the records.

    Returns:
        A data frame with the ids as row labels. `loss` is NaN for fields without one; `location`,
        `eigenvalues`, `certificate` and `capture` are columns of objects.
    """
    import pandas as pd

    ids = [point.id for point in points]
    columns = {name: _column(points, name) for name in COLUMNS}
    return pd.DataFrame(columns, index=pd.Index(ids, dtype=object), columns=list(COLUMNS))


def _column(points: Sequence[CriticalPoint], name: str) -> Any:
    values = [getattr(point, name) for point in points]
    if name in ("loss", "residual"):
        return np.array([np.nan if value is None else value for value in values], float)
    if name not in ("location", "eigenvalues", "certificate", "capture"):
        return values
    column = np.empty(len(values), object)
    for row, value in enumerate(values):
        column[row] = value
    return column


def text(points: Sequence[CriticalPoint], field_spec: dict[str, Any], edges: int) -> str:
    """Return a catalog as a compact table in plain text.

    Args:
        points: the records.
        field_spec: description of the field, for the headline.
        edges: number of connections.

    Returns:
        A headline and one line for each point; of a long catalog, the first and the last points.
    """
    headline = _headline(points, field_spec, edges)
    if len(points) <= LONGEST:
        return "\n".join([headline, *_lines(points)])
    lines = _lines([*points[: LONGEST - 5], *points[-4:]])
    hidden = len(points) - LONGEST + 1
    lines.insert(-4, f"...  {hidden} more; `to_frame()` has them all")
    return "\n".join([headline, *lines])


def _headline(points: Sequence[CriticalPoint], field_spec: dict[str, Any], edges: int) -> str:
    # A restriction of a gradient flow has a loss, and equilibria: its Jacobian is not symmetric.
    gradient = any(np.isrealobj(point.eigenvalues) for point in points)
    one, many = ("critical point", "critical points") if gradient else ("equilibrium", "equilibria")
    kind = field_spec.get("name") or field_spec.get("type") or "unnamed field"
    shape = field_spec.get("shape")
    where = kind if shape is None else f"{kind}, shape {tuple(shape)}"
    joined = f", {edges} connection{'s' * (edges != 1)}" if edges else ""
    return f"Catalog of {len(points)} {one if len(points) == 1 else many} ({where}){joined}"


def _lines(points: Sequence[CriticalPoint]) -> list[str]:
    if not points:
        return []
    heads = ["id", "kind", "index", "nullity", "loss", "isotropy", "images", "hits"]
    rows = [heads, *([*map(str, _row(point))] for point in points)]
    if all(point.loss is None for point in points):
        rows = [row[:4] + row[5:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = {"id", "kind", "nullity", "loss", "isotropy"}
    return [
        "  ".join(
            entry.ljust(width) if head in words else entry.rjust(width)
            for entry, width, head in zip(row, widths, rows[0], strict=True)
        ).rstrip()
        for row in rows
    ]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are aligned on the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(point: CriticalPoint) -> tuple[Any, ...]:
    explained = f" ({point.explained_nullity} explained)" if point.nullity else ""
    loss = "-" if point.loss is None else "0" if abs(point.loss) < 1e-14 else f"{point.loss:.8g}"
    return (
        point.id,
        point.kind,
        point.index,
        f"{point.nullity}{explained}",
        loss,
        point.isotropy_name,
        _count(point.orbit_size),
        point.hits,
    )


def _count(number: int) -> str:
    # Orbit sizes grow like factorials; a float would overflow.
    return str(number) if number < 10**9 else f"{decimal.Decimal(int(number)):.2e}"
