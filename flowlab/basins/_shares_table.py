"""Basin fractions as a table in plain text."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._shares import Fraction, Fractions

LONGEST = 30
"""A result with more rows than this is shown in part."""


def text(shares: "Fractions") -> str:
    """Return a headline, a line for each row, and what the intervals mean.

    Args:
        shares: the result.

    Returns:
        The lines, joined.
    """
    return "\n".join([headline(shares), *_lines(shares), *footnotes(shares)])


def headline(shares: "Fractions") -> str:
    """Say what flowed from where."""
    spec = shares.catalog.field_spec
    kind = spec.get("name") or spec.get("type") or "unnamed field"
    where = f"{kind}, shape {tuple(spec['shape'])}" if "shape" in spec else kind
    law = shares.provenance["settings"]["sampler"]
    return f"Basin fractions of {where}: {shares.starts:,} starts {_law(law)}"


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


def columns(shares: "Fractions") -> list[str]:
    """Name the columns of the table."""
    has_loss = any(row.loss is not None for row in shares)
    return ["point", "kind", *(["loss"] * has_loss), "fraction", "interval", "hits", "images"]


def cells(shares: "Fractions") -> list[list[str]]:
    """Return the entries of the table, a list for each row.

    The ends of the intervals are rounded outward, to two digits of the half-width.
    """
    reached: dict[str | None, int] = {}
    for point, _ in shares.image_hits:
        reached[point] = reached.get(point, 0) + 1
    sizes = {point.id: point.orbit_size for point in shares.catalog}
    has_loss = "loss" in columns(shares)
    return [
        [
            row.point or "-",
            row.kind,
            *([_loss(row.loss)] * has_loss),
            f"{row.fraction:.{_decimals(row)}f}",
            _interval(row),
            f"{row.hits:,}",
            "" if row.point is None else f"{reached.get(row.point, 0)} of {sizes[row.point]:.6g}",
        ]
        for row in shares
    ]


def _loss(value: float | None) -> str:
    return "-" if value is None else "0" if abs(value) < 1e-14 else f"{value:.8g}"


def _decimals(row: "Fraction") -> int:
    return max(2, 1 - math.floor(math.log10(row.half_width)))


def _interval(row: "Fraction") -> str:
    places = _decimals(row)
    unit = 10.0**places
    lower, upper = math.floor(row.lower * unit) / unit, math.ceil(row.upper * unit) / unit
    return f"[{lower:.{places}f}, {upper:.{places}f}]"


def _lines(shares: "Fractions") -> list[str]:
    table = [columns(shares), *cells(shares)]
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


def footnotes(shares: "Fractions") -> list[str]:
    """Say what the intervals and the bound on the rest mean."""
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
