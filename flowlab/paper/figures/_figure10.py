"""Figure 10: the quantities of Conjecture 1 and the map of their signs."""

import dataclasses
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from ..._checks import require_float64
from ...plot._palette import BLUE, ORANGE, mixed
from ._separability import pair_separability
from ._settings import require_counts
from ._style import dress, legend, note, page

_TURN = 2 * np.pi
POSITIVE, NEGATIVE = mixed(BLUE, 0.4), mixed(ORANGE, 0.4)

LEVELS = (-1.0, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6)
"""Values of L12 whose lines the map shows."""


@dataclasses.dataclass(frozen=True, eq=False)
class Figure10Data:
    """What Figure 10 shows.

    Attributes:
        theta: (2,), angles between the two students in panels (a) and (b).
        phi: (n,), angles of the teacher from the first student, in [0, 2 pi].
        curves: (2, 2, n), L12 and L21 for each of `theta`.
        thetas: (m,), angles between the students in panel (c), midpoints of cells of (0, pi).
        phis: (2 m,), angles of the teacher there, midpoints of cells of (0, 2 pi).
        map: (m, 2 m), L12 at `thetas` and `phis`.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> data = fl.paper.figures.figure10_data(points=9, cells=8)
        >>> inside = data.phis < data.thetas[:, None]
        >>> bool(np.all((data.map > 0) == inside))
        True
    """

    theta: tuple[float, float]
    phi: np.ndarray
    curves: np.ndarray
    thetas: np.ndarray
    phis: np.ndarray
    map: np.ndarray


def figure10_data(
    *,
    theta: tuple[float, float] = (3 * np.pi / 8, 7 * np.pi / 8),
    points: int = 721,
    cells: int = 200,
) -> Figure10Data:
    """Compute what Figure 10 shows.

    Args:
        theta: angles between the two students in panels (a) and (b), in (0, pi).
        points: angles of the teacher on the curves.
        cells: cells of the map along theta; twice as many along phi.

    Returns:
        The data of the three panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Eqn 14 and Conjecture 1, which `prove_conjecture1` proves.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure10_data(points=9, cells=8)
        >>> data.curves.shape, data.map.shape
        ((2, 2, 9), (8, 16))
    """
    require_float64("figure10_data")
    require_counts(points=points, cells=cells)
    if len(theta) != 2 or not all(0 < angle < np.pi for angle in theta):
        raise ValueError(f"theta is {theta!r}; needed: two angles between 0 and pi.")
    phi = np.linspace(0, _TURN, points)
    thetas = np.pi * (np.arange(cells) + 0.5) / cells
    # Off the lines phi = 0 and phi = theta of exact zeros: where theta is a midpoint, phi is none.
    phis = np.pi * (np.arange(2 * cells) + 0.25) / cells
    return Figure10Data(
        theta=(float(theta[0]), float(theta[1])),
        phi=phi,
        curves=np.array([pair_separability(angle, phi) for angle in theta]),
        thetas=thetas,
        phis=phis,
        map=pair_separability(thetas[:, None], phis[None])[0],
    )


def figure10(
    data: Figure10Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    r"""Draw Figure 10: :math:`L_{12}` and :math:`L_{21}` of two students and one teacher.

    (a), (b) Both against the angle of the teacher, for two angles between the students; the band is
    their cone, :math:`0<\varphi<\theta`. (c) The sign of :math:`L_{12}` over all angles: blue
    where it is positive, which is the triangle of the cone, orange elsewhere, with lines of equal
    value.

    Args:
        data: from `figure10_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure10_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 10. The conjecture is a theorem: see `prove_conjecture1`.

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure10(points=9, cells=8)
        >>> len(figure.axes)
        3
    """
    data = figure10_data(**settings) if data is None else data
    sheet = page(figure, 3.4)
    axes = sheet.subplot_mosaic([["a", "b"], ["map", "map"]], height_ratios=(1, 0.95))
    for number, letter in enumerate("ab"):
        _draw_curves(axes[letter], data, number, letter)
    axes["a"].set_ylabel("$L$")
    _draw_map(axes["map"], data)
    return sheet


def _draw_curves(ax: Any, data: Figure10Data, number: int, letter: str) -> None:
    theta = data.theta[number]
    ax.axvspan(0, theta / np.pi, color=mixed(BLUE, 0.85), lw=0)
    ax.axhline(0, color="0.4", lw=0.6)
    for values, name, colour, dashes in zip(
        data.curves[number], ("$L_{12}$", "$L_{21}$"), (BLUE, ORANGE), ("-", (0, (5, 1.2))),
        strict=True,
    ):  # fmt: skip
        ax.plot(data.phi / np.pi, values, color=colour, ls=dashes, lw=1.2, label=name)
    ax.set(xlim=(0, 2), xticks=(0, 0.5, 1, 1.5, 2), xlabel=r"$\varphi/\pi$")
    legend(ax, loc="upper right")
    dress(ax, letter, rf"$\theta = {theta / np.pi:.4g}\,\pi$")


def _draw_map(ax: Any, data: Figure10Data) -> None:
    signs = ListedColormap([NEGATIVE, "white", POSITIVE])
    edges = [0.0, 2.0, 0.0, 1.0]
    ax.imshow(
        np.sign(data.map), cmap=signs, vmin=-1, vmax=1, origin="lower", extent=edges,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    levels = ax.contour(
        data.phis / np.pi, data.thetas / np.pi, data.map, levels=LEVELS, colors="0.2",
        linewidths=0.4, linestyles="solid",
    )  # fmt: skip
    ax.clabel(levels, [-1.0, -0.6, -0.3, 0.3, 0.6], fontsize=5.5, inline_spacing=2, fmt="%g")
    ax.plot([0, 1], [0, 1], color="black", lw=1.0)
    # A frame of its own: the image covers half of the axes' lines.
    ax.add_patch(Rectangle((0, 0), 2, 1, fill=False, lw=0.5))
    note(ax, (0.33, 0.66), "$L_{12} > 0$", path_effects=_halo(POSITIVE))
    note(ax, (1.1, 0.6), "$L_{12} < 0$", path_effects=_halo(NEGATIVE))
    ax.set(xlim=(0, 2), ylim=(0, 1), xlabel=r"$\varphi/\pi$", ylabel=r"$\theta/\pi$")
    cells = f"${len(data.thetas)} \\times {len(data.phis)}$"
    dress(ax, "c", f"sign of $L_{{12}}$ at {cells} points")


def _halo(colour: str) -> list[Any]:
    return [withStroke(linewidth=2.5, foreground=colour)]
