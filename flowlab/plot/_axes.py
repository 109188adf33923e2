"""What every picture needs: the axes, labels in mathematics, a legend that covers nothing."""

import math
import re
from collections.abc import Sequence
from typing import Any, Literal, cast

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.transforms import offset_copy

LegendPlace = Literal["below", "right"] | bool

SMALL = 0.85
"""Size of legends and labels inside a picture, relative to the labels of its axes."""

_GREEK = {
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "phi",
    "chi",
    "psi",
    "omega",
}
_NAME = re.compile(r"^([A-Za-z]+?)_?(\d+(?:_\d+)*)?$")


def current_axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the current axes if it is `None`."""
    return plt.gca() if ax is None else ax


def figure_of(ax: Axes) -> Figure:
    """Return the outermost figure, also of axes in a subfigure."""
    return cast(Any, ax.figure).canvas.figure


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of the axes as they are now."""
    extent, dpi = ax.get_window_extent(), figure_of(ax).dpi
    return extent.width / dpi, extent.height / dpi


def symbol(name: str, accent: str = "{}") -> str:
    r"""Return a coordinate's name as mathematics: `w1_2` as :math:`w_{1,2}`, `x` as :math:`x`.

    Args:
        name: the name.
        accent: what to put around the letter, with `{}` for it, such as `\dot{{{}}}`.

    Returns:
        Text for matplotlib; a name that is a word or an expression stays as it is.
    """
    found = _NAME.match(name)
    letter = found.group(1) if found else ""
    if letter not in _GREEK and len(letter) != 1:
        plain = name.replace("$", r"\$")
        return plain if accent == "{}" else f"d({plain})/dt"
    letter = f"\\{letter}" if letter in _GREEK else letter
    below = f"_{{{found.group(2).replace('_', ',')}}}" if found and found.group(2) else ""
    return f"${accent.format(letter)}{below}$"


def small_size(ax: Axes) -> float:
    """Font size in points of what is written inside the axes."""
    return SMALL * float(ax.xaxis.label.get_fontsize())


def as_range(ends: Any, name: str) -> tuple[float, float]:
    """Return (lower, upper), or raise `ValueError`."""
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not (low < high and abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError(f"{name} is {ends!r}; needed: (lower, upper), finite, lower < upper.")
    return low, high


def decade(value: float) -> float:
    """The power of ten at or below a positive number."""
    return float(10.0 ** math.floor(math.log10(value)))


def place_legend(ax: Axes, place: LegendPlace) -> Legend | None:
    """Put a legend of everything labelled in the axes below or to the right of them.

    A second call replaces the first legend by one of all that is drawn by then, each text once.

    Args:
        ax: the axes.
        place: `"below"` or `True`, `"right"`, or `False` for none.

    Returns:
        The legend, or `None` if there is nothing to explain.

    Raises:
        ValueError: for another place.
    """
    if place not in (True, False, "below", "right"):
        raise ValueError(f'legend is {place!r}; needed: "below", "right", True or False.')
    entries = {}
    for handle, text in zip(*ax.get_legend_handles_labels(), strict=True):
        entries.setdefault(text, handle)
    if not entries or place is False:
        return None
    size = small_size(ax)
    style: dict[str, Any] = {
        "fontsize": size,
        "frameon": False,
        "handlelength": 1.6,
        "handletextpad": 0.5,
        "columnspacing": 1.2,
        "labelspacing": 0.35,
        "borderpad": 0.2,
        "borderaxespad": 0.0,
    }
    handles, texts = list(entries.values()), list(entries)
    if place == "right":
        anchor = offset_copy(ax.transAxes, figure_of(ax), x=0.7 * size, units="points")
        return ax.legend(
            handles, texts, loc="upper left", bbox_to_anchor=(1, 1), bbox_transform=anchor, **style
        )
    anchor = offset_copy(ax.transAxes, figure_of(ax), y=-_depth(ax), units="points")
    return ax.legend(
        handles,
        texts,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=anchor,
        ncols=_columns(ax, texts, size),
        **style,
    )


def _depth(ax: Axes) -> float:
    """Points taken below the axes by ticks, their labels and the axis label."""
    taken = ax.xaxis.get_tightbbox()
    depth = 0.0 if taken is None else ax.get_window_extent().y0 - taken.y0
    return 4 + max(0.0, float(depth)) / figure_of(ax).dpi * 72


def _columns(ax: Axes, texts: Sequence[str], size: float) -> int:
    """As many columns as fit the width of the axes, a letter taken as half as wide as high."""
    width = inches(ax)[0] * 72
    longest = max(len(re.sub(r"[${}\\]|dot|log", "", text)) for text in texts)
    fitting = int(1.15 * width // (0.5 * size * longest + 3.4 * size))
    columns = max(1, min(len(texts), fitting))
    rows = -(-len(texts) // columns)
    return -(-len(texts) // rows)
