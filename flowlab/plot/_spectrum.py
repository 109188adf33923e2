"""Eigenvalues of critical points."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes

from ._axes import LegendPlace, current_axes, decade, inches, place_legend, small_size
from ._palette import BLUE, GREY, PURPLE, VERMILLION, categorical

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..critical import CriticalPoint

EQUAL = 1e-6
"""Eigenvalues closer than this (relative to the largest, or to 1) are one line with a count."""

_LEFT, _RIGHT = -0.3, 0.1
_FEW = 5
_NARROW = 20.0
_SHAPES = "osD^vPX"
_CLASSES = {
    "stable": BLUE,
    "unstable": VERMILLION,
    "null, explained": GREY,
    "null, unexplained": PURPLE,
}


def spectrum(
    points: "CriticalPoint | Catalog | Sequence[CriticalPoint]",
    *,
    scale: Literal["linear", "symlog"] = "linear",
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **marks: Any,
) -> Axes:
    r"""Draw the eigenvalues of critical points.

    For gradient flows: the eigenvalues :math:`\lambda` of the Hessian, one column a point, a line
    for each value with its multiplicity; the flow is unstable where :math:`\lambda < 0`. The shaded
    band is as wide as the null eigenvalues recorded, but never too thin to be seen; null
    eigenvalues that symmetry or splitting explains carry a circle, others a diamond. For other
    fields: the eigenvalues of the Jacobian in the complex plane, null ones (real part 0) hollow;
    the flow is unstable to the right of the axis.

    Args:
        points: a critical point, a catalog, or several critical points.
        scale: `"symlog"` for Hessians whose eigenvalues differ by orders of magnitude: linear up to
            a power of ten below a tenth of their median modulus, logarithmic beyond.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **marks: passed to `Axes.hlines` (gradient flows) or `Axes.scatter` (others).

    Returns:
        The axes.

    Raises:
        ValueError: if there are no points, or for another scale.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> point = fl.classify(fl.TeacherStudent(jnp.eye(2)), jnp.eye(2))
        >>> ax = fl.plot.spectrum(point)
        >>> [text.get_text().split()[0] for text in ax.get_xticklabels()]
        ['p1']
    """
    given: Any = getattr(points, "points", points)
    records: list[CriticalPoint] = [given] if hasattr(given, "eigenvalues") else list(given)
    if not records:
        raise ValueError("there are no critical points to draw.")
    if scale not in ("linear", "symlog"):
        raise ValueError(f'scale is {scale!r}; needed: "linear" or "symlog".')
    ax = current_axes(ax)
    if any(np.iscomplexobj(record.eigenvalues) for record in records):
        _draw_complex(ax, records, marks)
    else:
        _draw_columns(ax, records, scale, marks)
    place_legend(ax, legend)
    return ax


def _null_places(record: "CriticalPoint") -> np.ndarray:
    """Which eigenvalues the record counts as null: its `nullity` smallest ones."""
    null = np.zeros(len(record.eigenvalues), bool)
    null[np.argsort(np.abs(np.real(record.eigenvalues)), kind="stable")[: record.nullity]] = True
    return null


def _band(records: Sequence["CriticalPoint"], span: float) -> float:
    null = [np.abs(np.real(r.eigenvalues))[_null_places(r)].max(initial=0.0) for r in records]
    return max(max(null), 0.006 * span)


def _draw_columns(
    ax: Axes, records: Sequence["CriticalPoint"], scale: str, marks: dict[str, Any]
) -> None:
    span = _prepare_axis(ax, np.concatenate([record.eigenvalues for record in records]), scale)
    band = _band(records, span)
    ax.axhspan(-band, band, color="0.88", lw=0, zorder=0)
    ax.axhline(0, color="0.5", lw=0.5, zorder=0.5)
    ax.set_xlim(-0.6, len(records) - 0.4)
    lines: dict[str, list[tuple[float, float, float]]] = {name: [] for name in _CLASSES}
    for column, record in enumerate(records):
        _collect(ax, column, record, lines)
    for name, colour in _CLASSES.items():
        if not lines[name]:
            continue
        y, left, right = np.array(lines[name]).T
        null = name.startswith("null")
        text = "_nolegend_" if null else name
        ax.hlines(y, left, right, **{"colors": colour, "linewidth": 1.6, "label": text, **marks})
        if null:
            _mark_null(ax, name, colour, (left + right) / 2, y)
    names = [
        "\n".join([record.id, *record.kind.split()]) if len(records) <= _FEW else record.id
        for record in records
    ]
    longest = max(len(line) for name in names for line in name.split("\n"))
    turn = 0 if 0.62 * longest * small_size(ax) + 2 < _column_width(ax) else 90
    ax.set_xticks(range(len(records)), names, fontsize=small_size(ax), rotation=turn)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(r"eigenvalue $\lambda$ of the Hessian")


def _prepare_axis(ax: Axes, values: np.ndarray, scale: str) -> float:
    """Set up the vertical axis; return the span it would have if it were linear as it is at 0."""
    low, high = min(0.0, values.min()), max(0.0, values.max())
    threshold = decade(0.1 * float(np.median(np.abs(values))) or 1e-3 * ((high - low) or 1.0))
    if scale == "symlog":
        ax.set_yscale("symlog", linthresh=threshold)
    transform = ax.yaxis.get_transform()
    bottom, top, unit = transform.transform(np.array([low, high, threshold]))
    height = (top - bottom) or 1.0
    limits = np.array([bottom - 0.07 * height, top + 0.07 * height])
    ax.set_ylim(*transform.inverted().transform(limits))
    return float(height / unit * threshold)


def _column_width(ax: Axes) -> float:
    """Width in points that one critical point has for itself."""
    left, right = ax.get_xlim()
    return inches(ax)[0] * 72 / (right - left)


def _mark_null(ax: Axes, name: str, colour: str, x: np.ndarray, y: np.ndarray) -> None:
    marker = "o" if name == "null, explained" else "D"
    ax.scatter(
        x, y, s=14, marker=marker, facecolors="white", edgecolors=colour, lw=1, label=name, zorder=3
    )


def _collect(
    ax: Axes,
    column: int,
    record: "CriticalPoint",
    lines: dict[str, list[tuple[float, float, float]]],
) -> None:
    """Add the lines of one point, and write the multiplicities."""
    values, null = np.asarray(record.eigenvalues), _null_places(record)
    rows = []
    if record.nullity:
        explained = min(record.explained_nullity, record.nullity)
        parts = [("null, explained", explained), ("null, unexplained", record.nullity - explained)]
        parts = [(name, count) for name, count in parts if count]
        left, width = column + _LEFT, (_RIGHT - _LEFT) / len(parts)
        centre = float(values[null].mean())
        for place, (name, _) in enumerate(parts):
            lines[name].append((centre, left + place * width, left + (place + 1) * width))
        rows.append((centre, "+".join(str(count) for _, count in parts)))
    rest = np.sort(values[~null])
    gap = EQUAL * max(1.0, np.abs(values).max(initial=0.0))
    for group in np.split(rest, np.flatnonzero(np.diff(rest) > gap) + 1):
        if len(group):
            centre = float(group.mean())
            name = "unstable" if centre < 0 else "stable"
            lines[name].append((centre, column + _LEFT, column + _RIGHT))
            rows.append((centre, str(len(group))))
    rows = sorted(row for row in rows if row[1] != "1")
    narrow = _column_width(ax) < _NARROW
    size = (0.7 if narrow else 0.9) * small_size(ax)
    heights = _apart_on_axis(ax, np.array([row[0] for row in rows]), size)
    for height, (_, count) in zip(heights, rows, strict=True):
        ax.text(
            column + _RIGHT + 0.04,
            height,
            count if narrow else f"×{count}",
            fontsize=size,
            va="center",
            ha="left",
        )


def _apart_on_axis(ax: Axes, values: np.ndarray, size: float) -> np.ndarray:
    """Move values apart by the height of a line, with some room for a smaller final layout."""
    if not len(values):
        return values
    points = inches(ax)[1] * 72
    transform = ax.yaxis.get_transform()
    low, high = transform.transform(np.array(ax.get_ylim()))
    gap = 1.2 * size / points * (high - low)
    return transform.inverted().transform(apart(transform.transform(values), gap))


def apart(targets: np.ndarray, gap: float) -> np.ndarray:
    """Return the ascending numbers nearest to ascending `targets` that are `gap` or more apart.

    Least squares under the constraint, by pooling adjacent violators.
    """
    blocks: list[tuple[float, int]] = []
    for place, target in enumerate(targets):
        mean, count = float(target) - place * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        blocks.append((mean, count))
    flat = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    return flat + gap * np.arange(len(targets))


def _draw_complex(ax: Axes, records: Sequence["CriticalPoint"], marks: dict[str, Any]) -> None:
    values = np.concatenate([np.asarray(record.eigenvalues, complex) for record in records])
    span = max(float(np.ptp(np.append(np.real(values), 0.0))), 1e-300)
    band = _band(records, span)
    ax.axvspan(-band, band, color="0.88", lw=0, zorder=0)
    ax.axvline(0, color="0.5", lw=0.5, zorder=0.5)
    ax.axhline(0, color="0.5", lw=0.5, zorder=0.5)
    for number, (record, names) in enumerate(_alike(records)):
        points = np.asarray(record.eigenvalues, complex)
        colour = categorical(number)
        faces = ["white" if null else colour for null in _null_places(record)]
        text = f"{names} {record.kind}"
        if record.nullity:
            text += f" ({record.nullity} null, {record.explained_nullity} explained)"
        style = {
            "s": 30,
            "marker": _SHAPES[number % len(_SHAPES)],
            "facecolors": faces,
            "edgecolors": colour,
            "linewidths": 1.0,
            "label": text,
            "zorder": 3,
            **marks,
        }
        ax.scatter(np.real(points), np.imag(points), **style)
    ax.margins(0.12)
    ax.set(xlabel=r"$\mathrm{Re}\,\lambda$", ylabel=r"$\mathrm{Im}\,\lambda$")


def _alike(records: Sequence["CriticalPoint"]) -> list[tuple["CriticalPoint", str]]:
    """Points with the same kind and spectrum as one, with all their names: they would cover it."""
    groups: list[tuple[CriticalPoint, list[str]]] = []
    for record in records:
        values = np.sort_complex(record.eigenvalues)
        for other, names in groups:
            known = np.sort_complex(other.eigenvalues)
            if (
                other.kind == record.kind
                and values.shape == known.shape
                and np.allclose(values, known, rtol=EQUAL, atol=EQUAL)
            ):
                names.append(record.id)
                break
        else:
            groups.append((record, [record.id]))
    return [(record, ", ".join(names)) for record, names in groups]
