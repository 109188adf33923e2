"""Eigenvalues of critical points."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from ._axes import LegendPlace, current_axes, place_legend, small_size
from ._palette import BLUE, GREY, PURPLE, VERMILLION, categorical

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..critical import CriticalPoint

EQUAL = 1e-6
"""Eigenvalues closer than this (relative to the largest, or to 1) are one line with a count."""

_HALF = 0.22
_FEW = 5
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
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **marks: passed to `Axes.hlines` (gradient flows) or `Axes.scatter` (others).

    Returns:
        The axes.

    Raises:
        ValueError: if there are no points.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> point = fl.classify(fl.TeacherStudent(jnp.eye(2)), jnp.eye(2))
        >>> ax = fl.plot.spectrum(point)
        >>> [text.get_text().split()[0] for text in ax.get_xticklabels()]
        ['p1']
    """
    one = hasattr(points, "eigenvalues")
    records = [points] if one else list(getattr(points, "points", points))
    if not records:
        raise ValueError("there are no critical points to draw.")
    ax = current_axes(ax)
    if any(np.iscomplexobj(record.eigenvalues) for record in records):
        _draw_complex(ax, records, marks)
    else:
        _draw_columns(ax, records, marks)
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
    ax: Axes, records: Sequence["CriticalPoint"], marks: dict[str, Any]
) -> None:
    values = np.concatenate([record.eigenvalues for record in records])
    low, high = min(0.0, values.min()), max(0.0, values.max())
    span = (high - low) or 1.0
    band = _band(records, span)
    ax.axhspan(-band, band, color="0.88", lw=0, zorder=0)
    ax.axhline(0, color="0.5", lw=0.5, zorder=0.5)
    ax.set_ylim(low - 0.07 * span, high + 0.07 * span)
    ax.set_xlim(-0.6, len(records) - 0.4)
    lines: dict[str, list[tuple[float, float, float]]] = {name: [] for name in _CLASSES}
    for column, record in enumerate(records):
        _collect(ax, column, record, lines)
    for name, colour in _CLASSES.items():
        if not lines[name]:
            continue
        y, left, right = np.array(lines[name]).T
        ax.hlines(y, left, right, **{"colors": colour, "lw": 1.6, "label": name, **marks})
        if name.startswith("null"):
            _mark_null(ax, name, colour, (left + right) / 2, y)
    names = [
        "\n".join([record.id, *record.kind.split()]) if len(records) <= _FEW else record.id
        for record in records
    ]
    ax.set_xticks(range(len(records)), names, fontsize=small_size(ax))
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(r"eigenvalue $\lambda$ of the Hessian")


def _mark_null(ax: Axes, name: str, colour: str, x: np.ndarray, y: np.ndarray) -> None:
    marker = "o" if name == "null, explained" else "D"
    ax.scatter(x, y, s=14, marker=marker, facecolors="white", edgecolors=colour, lw=1, zorder=3)


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
        left, width = column - _HALF, 2 * _HALF / len(parts)
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
            lines[name].append((centre, column - _HALF, column + _HALF))
            rows.append((centre, str(len(group))))
    rows = sorted(row for row in rows if row[1] != "1")
    heights = apart(np.array([row[0] for row in rows]), _text_height(ax))
    for height, (_, count) in zip(heights, rows, strict=True):
        ax.text(
            column + _HALF + 0.03, height, rf"$\times${count}", fontsize=0.9 * small_size(ax),
            va="center", ha="left", clip_on=True,
        )


def _text_height(ax: Axes) -> float:
    """Height of a line of text in data units, with some room for a smaller final layout."""
    points = ax.get_window_extent().height / ax.get_figure(root=True).dpi * 72
    low, high = ax.get_ylim()
    return 1.2 * small_size(ax) / points * (high - low)


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


def _draw_complex(
    ax: Axes, records: Sequence["CriticalPoint"], marks: dict[str, Any]
) -> None:
    values = np.concatenate([np.asarray(record.eigenvalues, complex) for record in records])
    span = max(float(np.ptp(np.append(values.real, 0.0))), 1e-300)
    band = _band(records, span)
    ax.axvspan(-band, band, color="0.88", lw=0, zorder=0)
    ax.axvline(0, color="0.5", lw=0.5, zorder=0.5)
    ax.axhline(0, color="0.5", lw=0.5, zorder=0.5)
    for number, record in enumerate(records):
        points = np.asarray(record.eigenvalues, complex)
        colour = categorical(number)
        faces = ["white" if null else colour for null in _null_places(record)]
        text = f"{record.id} {record.kind}"
        if record.nullity:
            text += f" ({record.nullity} null, {record.explained_nullity} explained)"
        style = {
            "s": 30, "marker": _SHAPES[number % len(_SHAPES)], "facecolors": faces,
            "edgecolors": colour, "linewidths": 1.0, "label": text, "zorder": 3, **marks,
        }
        ax.scatter(points.real, points.imag, **style)
    ax.margins(0.12)
    ax.set(xlabel=r"$\mathrm{Re}\,\lambda$", ylabel=r"$\mathrm{Im}\,\lambda$")
