"""Figure 4: cones of two students, and pairs that are no critical points (Theorem 4)."""

import dataclasses
from typing import Any

import jax
import numpy as np
import scipy
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Wedge

from ..._checks import require_float64
from ...fields import population_gating
from ...plot._palette import BLUE, ORANGE, VERMILLION, mixed
from ._separability import pair_separability
from ._settings import require_counts
from ._style import arrow, bare, dress, note, page

INSIDE, OUTSIDE = (0.27, 0.73), (0.24, 0.76)
"""Where the teachers of the cases are: shares of the cone, and of what lies outside it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Figure4Data:
    """What Figure 4 shows.

    Attributes:
        theta: angle between the two students; the first one lies at angle 0.
        phi: (n,), angles of a teacher.
        L12: (n,), the quantity of Conjecture 1 at these angles.
        teachers: (3, 2), angles of two teachers: both in the students' cone, both outside, one
            inside.
        signs: (3, 2), L12 for each of these.
        smallest: (3,), the smallest norm of the gradient that any magnitudes of the students give
            in these directions, for teachers of norm 1.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure4_data(points=9)
        >>> (data.signs > 0).tolist()
        [[True, True], [False, False], [True, False]]
    """

    theta: float
    phi: np.ndarray
    L12: np.ndarray
    teachers: np.ndarray
    signs: np.ndarray
    smallest: np.ndarray


def figure4_data(*, theta: float = 1.9, points: int = 361) -> Figure4Data:
    """Compute what Figure 4 shows.

    Args:
        theta: angle between the two students, in (0, pi), in radians.
        points: angles of a teacher on the curve of panel (a).

    Returns:
        The data of both panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorems 3 and 4.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure4_data(points=9)
        >>> bool((data.smallest[:2] > 0.01).all())
        True
    """
    require_float64("figure4_data")
    require_counts(points=points)
    if not 0 < theta < np.pi:
        raise ValueError(f"theta is {theta!r}; needed: an angle between 0 and pi.")
    phi = np.linspace(0, 2 * np.pi, points)
    inside = theta * np.array(INSIDE)
    outside = theta + (2 * np.pi - theta) * np.array(OUTSIDE)
    teachers = np.array([inside, outside, (inside[0], outside[0])])
    return Figure4Data(
        theta=float(theta),
        phi=phi,
        L12=pair_separability(theta, phi)[0],
        teachers=teachers,
        signs=pair_separability(theta, teachers)[0],
        smallest=np.array([_smallest_gradient(theta, pair) for pair in teachers]),
    )


@jax.jit
def _gatings(e: jax.Array, w: jax.Array) -> jax.Array:
    """F of every pair of a row of `e` and one of `w`, (n, m, d)."""
    return jax.vmap(jax.vmap(population_gating, (None, 0)), (0, None))(e, w)


def _smallest_gradient(theta: float, teachers: np.ndarray) -> float:
    """The smallest norm of the gradient over all magnitudes: it is linear in them."""
    at = np.array([0.0, theta])
    students, taught = (np.stack([np.cos(t), np.sin(t)], -1) for t in (at, teachers))
    own, other = (np.asarray(_gatings(students, vectors)) for vectors in (students, taught))
    _, norm = scipy.optimize.nnls(own.transpose(0, 2, 1).reshape(4, 2), other.sum(1).reshape(4))
    return float(norm)


def figure4(
    data: Figure4Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    r"""Draw Figure 4: the cone of two students, and when they cannot be critical.

    (a) :math:`L_{12}` as the distance of a curve from a circle, against the direction of the
    teacher: outside it (blue) in the cone of the students, inside it (orange) elsewhere. (b), (c)
    Both teachers in that cone, or both outside: :math:`L_{12}` has one sign for both of them, and
    no magnitudes of the students make the gradient vanish; its smallest norm is written below. With
    one teacher inside and one outside, the criterion says nothing.

    Args:
        data: from `figure4_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure4_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 4 and Theorem 4, with the roles of teachers and students as in its
    proof (see the errata).

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure4(points=37)
        >>> len(figure.axes)
        3
    """
    data = figure4_data(**settings) if data is None else data
    sheet = page(figure, 2.15)
    axes = sheet.subplot_mosaic([["ring", "inside"], ["ring", "outside"]], width_ratios=(1.2, 1))
    _draw_ring(axes["ring"], data)
    _draw_case(axes["inside"], data, 0, "b", "both inside")
    _draw_case(axes["outside"], data, 1, "c", "both outside")
    return sheet


def _draw_ring(ax: Any, data: Figure4Data) -> None:
    turn = 0.5 * np.pi - data.theta / 2  # the cone points up
    bare(ax, 1.4)
    ax.set_ylim(-1.1, 1.45)
    ax.set_anchor("N")
    _draw_cone(ax, turn, data.theta, 1.42)
    at = turn + data.phi
    radius = 1 + 0.35 * data.L12 / np.abs(data.L12).max()
    ring, curve = (np.stack([r * np.cos(at), r * np.sin(at)]) for r in (1 + 0 * at, radius))
    for positive, colour in ((True, BLUE), (False, ORANGE)):
        chosen = (data.L12 > 0) == positive
        ends = np.where(chosen, curve, ring)
        area = np.concatenate([ends, ring[:, ::-1]], axis=1)
        ax.fill(*area, color=mixed(colour, 0.35), lw=0, zorder=2)
        ax.plot(*np.where(chosen, curve, np.nan), color=mixed(colour, -0.2), lw=0.9, zorder=3)
    ax.plot(*ring, color="0.3", lw=0.6, zorder=3)
    for number, angle in enumerate((turn, turn + data.theta)):
        tip = np.array([np.cos(angle), np.sin(angle)])
        arrow(ax, (0, 0), tip, "0.15", 1.1)
        note(ax, 0.62 * tip + 0.17 * np.array([tip[1], -tip[0]]) * (1 - 2 * number),
             f"$w_{number + 1}$")  # fmt: skip
    note(ax, (0, 0.72), "$L_{12} > 0$", mixed(BLUE, -0.3), fontsize=6.5)
    note(ax, (0, -0.55), "$L_{12} < 0$", mixed(ORANGE, -0.4), fontsize=6.5)
    dress(ax, "a")


def _draw_cone(ax: Any, turn: float, theta: float, reach: float) -> None:
    ends = np.degrees([turn, turn + theta])
    ax.add_patch(Wedge((0, 0), reach, *ends, facecolor=mixed(BLUE, 0.85), edgecolor="none"))


def _draw_case(ax: Any, data: Figure4Data, case: int, letter: str, title: str) -> None:
    turn = 0.5 * np.pi - data.theta / 2
    bare(ax, 1.3)
    ax.set_ylim(-1.2, 1.1)
    _draw_cone(ax, turn, data.theta, 1.05)
    for number, angle in enumerate((0.0, data.theta)):
        tip = np.array([np.cos(turn + angle), np.sin(turn + angle)])
        arrow(ax, (0, 0), 0.95 * tip, "0.15", 1.1)
        note(ax, 1.15 * tip, f"$w_{number + 1}$", fontsize=6.5)
    for number, angle in enumerate(data.teachers[case]):
        tip = np.array([np.cos(turn + angle), np.sin(turn + angle)])
        arrow(ax, (0, 0), 0.7 * tip, VERMILLION, 1.1)
        sign = "+" if data.signs[case, number] > 0 else "-"
        note(ax, 0.93 * tip, f"$w^*_{number + 1}\\,{sign}$", VERMILLION, fontsize=6.5)
    text = rf"$|\nabla J| \geq {data.smallest[case]:.3f}$"
    note(ax, (0, -1.1), text, fontsize=6.5)
    dress(ax, letter, title)
