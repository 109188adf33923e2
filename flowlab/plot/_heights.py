"""The vertical axis of a landscape: losses to scale where that can be read, by rank otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ._axes import decade, inches

SCALES = ("linear", "symlog", "rank")

CROWDED = 0.03
"""Two losses closer than this share of the axis cannot be told apart."""

EQUAL = 1e-9
"""Losses closer than this (relative to the largest) are one level."""

_MARGIN = 0.09
_TICKS_PER_INCH = 5


def prepare_axis(
    ax: Axes, nodes: Sequence[Mapping[str, Any]], scale: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Set up the axis and return each node's height in data units and as a share of the axis.

    Args:
        ax: the axes.
        nodes: attributes of the nodes; `loss` of all of them is drawn, or else `index`.
        scale: one of `SCALES`; if `None`, the first that is not crowded.

    Returns:
        Two arrays (n,).
    """
    losses = [node.get("loss") for node in nodes]
    by_loss = all(loss is not None for loss in losses)
    values = np.array(losses if by_loss else [node.get("index", 0) for node in nodes], float)
    levels, ranks = _levels(values)
    threshold = _threshold(levels)
    if not by_loss:
        scale = "linear"
    elif scale is None:
        scale = _readable(levels, threshold)
    name = "loss $J$" if by_loss else "Morse index"
    if scale == "rank":
        ax.set_ylabel(f"{name} (ranked)")
        _label_ranks(ax, levels)
        values = ranks.astype(float)
    else:
        ax.set_ylabel(name)
        if scale == "symlog":
            ax.set_yscale("symlog", linthresh=decade(threshold))
        elif not by_loss:
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return values, _fit(ax, values)


def _levels(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values, ascending, and the number of each value's level."""
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order]) > EQUAL * max(1.0, np.abs(values).max(initial=0.0))
    ranks = np.empty(len(values), int)
    ranks[order] = np.append(0, np.cumsum(gaps))
    levels = values[order][np.append(True, gaps)]
    return levels, ranks


def _threshold(levels: np.ndarray) -> float:
    """Smallest modulus that is more than rounding: a logarithmic axis is linear below it."""
    sizes = np.abs(levels)
    sizes = sizes[sizes > EQUAL * max(1.0, sizes.max(initial=0.0))]
    return float(sizes.min(initial=1.0))


def _readable(levels: np.ndarray, threshold: float) -> str:
    spread = {
        "linear": levels,
        "symlog": np.sign(levels) * np.log10(1 + 9 * np.abs(levels) / threshold),
    }
    for scale, places in spread.items():
        gaps = np.diff(places)
        if (gaps < CROWDED * np.ptp(places)).sum() * 3 <= len(gaps):
            return scale
    return "rank"


def _label_ranks(ax: Axes, levels: np.ndarray) -> None:
    """Write the losses at equal distances, as many as there is room for."""
    step = -(-len(levels) // max(2, int(_TICKS_PER_INCH * inches(ax)[1])))
    shown = np.arange(0, len(levels), step)
    tiny = EQUAL * max(1.0, np.abs(levels).max())
    texts = ["0" if abs(level) <= tiny else f"{level:.4g}" for level in levels[shown]]
    ax.set_yticks(shown, texts)


def _fit(ax: Axes, values: np.ndarray) -> np.ndarray:
    """Set the limits with a margin on the axis's own scale; return the shares of the height."""
    transform = ax.yaxis.get_transform()
    places = transform.transform(values)
    margin = _MARGIN * float(np.ptp(places)) or 0.5
    low, high = places.min() - margin, places.max() + margin
    ax.set_ylim(*transform.inverted().transform(np.array([low, high])))
    return (places - low) / (high - low)
