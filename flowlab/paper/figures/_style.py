"""What all figures share: the width of a column, small type, letters of panels, arrows."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.legend import Legend
from matplotlib.patheffects import withStroke

COLUMN = 3.25
"""Width of a column of the paper, in inches."""

LABEL, TICK = 7.5, 6.5
"""Sizes of type in points, those of a printed column."""

GHOST = {"color": "0.55", "linewidth": 0.7, "linestyle": (0, (4, 2))}


def page(figure: Figure | SubFigure | None, height: float) -> Any:
    """Return the figure to draw in: the one given, or a new one as wide as a column."""
    if figure is not None:
        return figure
    return plt.figure(figsize=(COLUMN, height), layout="constrained")


def dress(ax: Axes, letter: str, title: str = "") -> None:
    """Give axes small type, thin lines and the letter of their panel."""
    ax.tick_params(labelsize=TICK, width=0.5, length=2.5, pad=2)
    ax.tick_params(which="minor", width=0.4, length=1.5)
    for spine in ax.spines.values():
        spine.set_linewidth(0.5)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(LABEL)
    ax.xaxis.labelpad = ax.yaxis.labelpad = 2
    ax.set_title(rf"$\mathbf{{({letter})}}$ {title}".rstrip(), loc="left", fontsize=LABEL, pad=3)


def legend(ax: Axes, **options: Any) -> Legend:
    """Place a legend of what is labelled, in small type and without a frame."""
    chosen = {
        "fontsize": TICK,
        "frameon": False,
        "handlelength": 1.4,
        "handletextpad": 0.4,
        "columnspacing": 1.0,
        "labelspacing": 0.25,
        "borderpad": 0.1,
        "borderaxespad": 0.3,
        **options,
    }
    return ax.legend(**chosen)


def arrow(ax: Axes, start: Any, end: Any, colour: str, width: float = 1.3, **options: Any) -> None:
    """Draw an arrow in the coordinates of the axes."""
    style = {
        "arrowstyle": "-|>,head_length=0.35,head_width=0.16",
        "color": colour,
        "lw": width,
        "shrinkA": 0,
        "shrinkB": 0,
        **options,
    }
    ax.annotate("", xy=tuple(end), xytext=tuple(start), arrowprops=style, zorder=4)


def directions(ax: Axes, grid: np.ndarray, velocity: np.ndarray, colour: str | None = None) -> None:
    """Draw the directions of velocities (n, n, 2) on a square grid, the darker the faster.

    With a colour, all of them have that one. Where the velocity is zero there is no arrow.
    """
    speed = np.linalg.norm(velocity, axis=-1)
    unit = velocity / np.where(speed > 0, speed, 1.0)[..., None]
    arrows = 0.75 * (grid[1] - grid[0]) * unit
    shades = [] if colour else [np.log10(np.maximum(speed, 1e-12))]
    style: dict[str, Any] = {"color": colour} if colour else {"cmap": "cividis_r"}
    ax.quiver(
        *np.meshgrid(grid, grid), arrows[..., 0], arrows[..., 1], *shades, **style, angles="xy",
        scale_units="xy", scale=1, pivot="mid", width=0.008, headwidth=3.6, headlength=4,
        headaxislength=3.6, zorder=1.5,
    )  # fmt: skip


def note(ax: Axes, place: Any, text: str, colour: str = "black", **options: Any) -> None:
    """Write in small type at a place of the axes."""
    style = {
        "ha": "center",
        "va": "center",
        "fontsize": LABEL,
        "zorder": 5,
        "path_effects": [withStroke(linewidth=1.8, foreground="white")],
        **options,
    }
    x, y = np.asarray(place, float)
    ax.text(x, y, text, color=colour, **style)


def bare(ax: Axes, reach: float) -> None:
    """Make axes of a drawing: square, without ticks and frame, from -reach to reach."""
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_axis_off()
