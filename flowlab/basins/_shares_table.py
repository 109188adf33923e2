"""Basin fractions as a table in plain text."""

import math
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._shares import Fraction, Fractions

LONGEST = 30
"""A result with more rows than this is shown in part."""

WIDTH = 79
"""Footnotes are wrapped at so many columns."""


def text(shares: "Fractions") -> str:
    """Return a headline, a line for each row, and what the intervals mean.

    Args:
        shares: the result.

    Returns:
        The lines, joined.
    """
    notes = [textwrap.fill(note, WIDTH) for note in _footnotes(shares)]
    return "\n".join([_headline(shares), *_lines(shares), *notes])


def _headline(shares: "Fractions") -> str:
    spec = shares.catalog.field_spec
    kind = spec.get("name") or spec.get("type") or "unnamed field"
    where = f"{kind}, shape {tuple(spec['shape'])}" if "shape" in spec else kind
    law = shares.provenance["settings"]["sampler"]
    count = f"{shares.starts:,} start{'s' * (shares.starts != 1)}"
    return f"Basin fractions of {where}: {count} {_law(law)}"


def _law(spec: Any) -> str:
    if spec is None:
        return "that were given"
    if spec["type"] == "function":
        return f"from {spec['name']}"
    inner = [f"{name}={_short(value)}" for name, value in spec.items() if name != "type"]
    return f"from {spec['type']}({', '.join(inner)})"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "..." if "type" not in value else _law(value).removeprefix("from ")
    said = f"{value:.6g}" if isinstance(value, float) else str(value)
    return said if len(said) <= 24 else "..."


def _columns(shares: "Fractions") -> list[str]:
    has_loss = any(row.loss is not None for row in shares)
    return ["point", "kind", *(["loss"] * has_loss), "fraction", "interval", "hits", "images"]


def _cells(shares: "Fractions") -> list[list[str]]:
    """The entries of the table; of `images`, those reached and all there are."""
    reached: dict[str | None, int] = {}
    for point, _ in shares.image_hits:
        reached[point] = reached.get(point, 0) + 1
    sizes = {point.id: point.orbit_size for point in shares.catalog}
    has_loss = "loss" in _columns(shares)
    return [
        [
            row.point or "-",
            row.kind,
            *([_loss(row.loss)] * has_loss),
            f"{row.fraction:.{_decimals(row)}f}",
            _interval(row),
            f"{row.hits:,}",
            "" if row.point is None else f"{reached.get(row.point, 0)}/{sizes[row.point]:.6g}",
        ]
        for row in shares
    ]


def _loss(value: float | None) -> str:
    return "-" if value is None else "0" if abs(value) < 1e-14 else f"{value:.8g}"


def _decimals(row: "Fraction") -> int:
    return max(2, 1 - math.floor(math.log10(row.half_width)))


def _interval(row: "Fraction") -> str:
    """The ends rounded outward, to two digits of the half-width."""
    places = _decimals(row)
    unit = 10.0**places
    lower, upper = math.floor(row.lower * unit) / unit, math.ceil(row.upper * unit) / unit
    return f"[{lower:.{places}f}, {upper:.{places}f}]"


def _lines(shares: "Fractions") -> list[str]:
    table = [_columns(shares), *_cells(shares)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = {"hits"}
    lines = [
        "  ".join(
            entry.rjust(width) if head in right else entry.ljust(width)
            for entry, width, head in zip(row, widths, table[0], strict=True)
        ).rstrip()
        for row in table
    ]
    if len(lines) <= LONGEST + 1:
        return lines
    hidden = len(lines) - LONGEST
    return [*lines[: LONGEST - 3], f"...  {hidden} more; `to_frame()` has them all", *lines[-3:]]


def _footnotes(shares: "Fractions") -> list[str]:
    sure, rest = _percent(shares.confidence), shares.unseen
    lines = [
        f"Points that no start reached attract at most {_upward(rest.upper)} of the starts "
        f"({sure}): {rest.new:,} of the last {rest.later:,} starts reached a point that the first "
        f"{rest.earlier:,} had not."
    ]
    holds = "all of them hold at once" if shares.together else "each holds"
    said = f"Intervals: Clopper-Pearson at {_percent(shares.level)}"
    if shares.half_width is None:
        return [f"{said}; {holds} with {sure}." if shares.together else f"{said}.", *lines]
    number = [look.starts for look in shares.looks].index(shares.starts) + 1
    said += (
        f"; {holds} with {sure}, at whichever of {len(shares.looks)} looks the sampling stops. "
        f"Half-width {shares.half_width:g} {'' if shares.reached else 'not '}reached at look "
        f"{number}."
    )
    return [said, *lines]


def _upward(value: float) -> str:
    """Two digits, rounded up."""
    if value >= 1:
        return "1"
    unit = 10.0 ** (1 - math.floor(math.log10(value)))
    return f"{math.ceil(value * unit) / unit:.2g}"


def _percent(probability: float) -> str:
    return f"{100 * probability:.6g}%"
