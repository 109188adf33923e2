"""Figure 5: starts in a small ball, and how small it must be (Theorems 5 and 6)."""

import dataclasses
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Circle

from ..._checks import require_float64
from ..._types import Key
from ...basins import clopper_pearson
from ...fields import Ball, draw, one_student_flow
from ...flow import settle
from ...plot._palette import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, mixed
from .._theorem6 import omega_probability, theorem6_radius
from ._settings import require_counts, the_key
from ._style import GHOST, arrow, dress, legend, note, page

_COLOURS, _MARKERS = (BLUE, ORANGE, GREEN, PURPLE), "osD^"


@dataclasses.dataclass(frozen=True)
class Measured:
    """Starts uniform on the ball of Theorem 6: how many lie in Ω, and how many converge.

    Attributes:
        dim: input dimension.
        epsilon: the theorem's epsilon.
        starts: number of starts.
        inside: how many of them lie in Ω.
        inside_interval: Clopper-Pearson interval of that probability.
        followed: how many of the starts, the first ones, the flow was followed from.
        converged: how many of these reached the teacher.
        converged_interval: the interval of that probability.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure5_data(dims=(3,), measured=(0.5,), starts=50, followed=9)
        >>> data.measured[0].converged
        9
    """

    dim: int
    epsilon: float
    starts: int
    inside: int
    inside_interval: tuple[float, float]
    followed: int
    converged: int
    converged_interval: tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Figure5Data:
    """What Figure 5 shows, for a teacher of norm 1.

    Attributes:
        shown: the epsilon of the drawing, in two dimensions.
        starts: (n, 2), starts uniform on its ball.
        inside: (n,), whether they lie in Ω, the unit ball around the teacher.
        dims: (k,), input dimensions.
        epsilon: (m,), the theorem's epsilon.
        radius: (k, m), the radius of Theorem 6.
        exact: (k, m), the exact probability of Ω at that radius.
        largest: (k, j), radii of balls around 0, from small to large.
        needed: (k, j), the epsilon for which the probability of Ω is exactly (1 - epsilon)/2.
        measured: Theorem 6 measured, for each of `dims` at a few epsilon.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure5_data(
        ...     dims=(2,), measured=(0.5,), starts=100, followed=20)
        >>> data.measured[0].converged
        20
    """

    shown: float
    starts: np.ndarray
    inside: np.ndarray
    dims: tuple[int, ...]
    epsilon: np.ndarray
    radius: np.ndarray
    exact: np.ndarray
    largest: np.ndarray
    needed: np.ndarray
    measured: tuple[Measured, ...]


def figure5_data(
    *,
    key: Key | None = None,
    shown: float = 0.35,
    points: int = 240,
    dims: tuple[int, ...] = (2, 10, 100),
    measured: tuple[float, ...] = (0.1, 0.5, 0.9),
    starts: int = 10_000,
    followed: int = 100,
    confidence: float = 0.95,
) -> Figure5Data:
    """Compute what Figure 5 shows.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        shown: the epsilon of the drawing, in two dimensions.
        points: starts shown in it.
        dims: input dimensions.
        measured: values of epsilon at which the theorem is measured.
        starts: starts drawn for each, to see how many lie in Ω.
        followed: how many of them are followed by the flow.
        confidence: of the intervals.

    Returns:
        The data of all panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorems 5 and 6.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure5_data(dims=(2,), measured=(), points=50)
        >>> data.starts.shape, bool(0 < data.inside.mean() < 1)
        ((50, 2), True)
    """
    require_float64("figure5_data")
    require_counts(points=points, starts=starts, followed=followed)
    if followed > starts:
        raise ValueError(f"followed is {followed} of {starts} starts; needed: no more than those.")
    keys = jax.random.split(the_key(key), 2)
    drawn = _starts(2, shown, keys[0], points)
    epsilon = np.linspace(0.01, 0.99, 29)
    radius = np.array([[theorem6_radius(d, float(e)) for e in epsilon] for d in dims])
    largest = np.tile(np.geomspace(1e-2, 2.0, 40), (len(dims), 1))
    found = _measure(dims, measured, keys[1], starts, followed, confidence)
    return Figure5Data(
        shown=shown,
        starts=drawn,
        inside=_in_omega(drawn),
        dims=tuple(dims),
        epsilon=epsilon,
        radius=radius,
        exact=_probabilities(dims, radius),
        largest=largest,
        needed=1 - 2 * _probabilities(dims, largest),
        measured=found,
    )


def _starts(dim: int, epsilon: float, key: Key, count: int) -> np.ndarray:
    """Starts (n, d), uniform on the ball of Theorem 6."""
    law = Ball(theorem6_radius(dim, epsilon))
    return np.asarray(draw(law, key, (1, dim), 0, count))[:, 0]


def _in_omega(starts: np.ndarray) -> np.ndarray:
    """Which starts are nearer than 1 to the teacher, the first unit vector."""
    return np.linalg.norm(starts - np.eye(1, starts.shape[1]), axis=1) < 1


def _measure(
    dims: tuple[int, ...],
    epsilons: tuple[float, ...],
    key: Key,
    starts: int,
    followed: int,
    confidence: float,
) -> tuple[Measured, ...]:
    """Draw starts in every dimension; follow them all in norm and angle, where d does not enter."""
    settings = [(d, e) for d in dims for e in epsilons]
    if not settings:
        return ()
    drawn = [_starts(d, e, key, starts) for d, e in settings]
    polar = np.concatenate([_norms_and_angles(w[:followed]) for w in drawn])
    ends = settle(one_student_flow(), polar).state
    arrived = np.abs(ends - np.array([1.0, 0.0])).max(-1) < 1e-6
    converged = arrived.reshape(len(settings), followed).sum(-1)
    found = []
    for (d, e), w, reached in zip(settings, drawn, converged, strict=True):
        inside = int(_in_omega(w).sum())
        ends_of = [
            tuple(float(end) for end in clopper_pearson(hits, trials, confidence))
            for hits, trials in ((inside, starts), (int(reached), followed))
        ]
        found.append(
            Measured(
                d, e, starts, inside, (ends_of[0][0], ends_of[0][1]),
                followed, int(reached), (ends_of[1][0], ends_of[1][1]),
            )
        )  # fmt: skip
    return tuple(found)


def _norms_and_angles(w: np.ndarray) -> np.ndarray:
    """Norm and angle with the first unit vector of students (n, d), (n, 2)."""
    across = np.linalg.norm(w[:, 1:], axis=1)
    return np.stack([np.linalg.norm(w, axis=1), np.arctan2(across, w[:, 0])], -1)


def _probabilities(dims: tuple[int, ...], radii: np.ndarray) -> np.ndarray:
    """The exact probabilities of Ω, (k, n), for a row of radii in each dimension."""
    rows = zip(dims, radii, strict=True)
    return np.array([[omega_probability(d, float(r)) for r in row] for d, row in rows])


def figure5(
    data: Figure5Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    r"""Draw Figure 5: how to sample starts, and the radius of Theorem 6.

    (a) Starts uniform on a small ball around 0: near it, Ω looks like a half-space, so that almost
    half of them (blue) lie in it, wherever the teacher is. (b) The radius
    :math:`r = \epsilon\sqrt{2\pi/(d+1)}` that the theorem allows, and, dashed, the largest one for
    which Ω still has the probability :math:`(1-\epsilon)/2`. (c) That bound, the exact probability
    of Ω at the theorem's radius (lines), and what starts gave, with intervals (points, by d); the
    stars are the starts that converged: all of them.

    Args:
        data: from `figure5_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure5_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 5; the true probability of convergence is 1 (see the errata).

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure5(dims=(2,), measured=(0.5,), starts=100, followed=20)
        >>> len(figure.axes)
        3
    """
    data = figure5_data(**settings) if data is None else data
    sheet = page(figure, 3.3)
    axes = sheet.subplot_mosaic([["ball", "radius"], ["chance", "chance"]], height_ratios=(1, 0.9))
    _draw_ball(axes["ball"], data)
    _draw_radius(axes["radius"], data)
    _draw_chance(axes["chance"], data)
    return sheet


def _draw_ball(ax: Any, data: Figure5Data) -> None:
    radius = theorem6_radius(2, data.shown)
    omega = Circle((1, 0), 1, facecolor=mixed(BLUE, 0.85), edgecolor=BLUE, lw=0.7)
    ax.add_patch(omega)
    ball = Circle((0, 0), radius, facecolor="white", edgecolor="none")
    ax.add_patch(ball)
    lens = Circle((1, 0), 1, facecolor=mixed(BLUE, 0.6), edgecolor=BLUE, lw=0.7)
    ax.add_patch(lens)
    lens.set_clip_path(ball)
    ax.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor="0.2", lw=0.7))
    for chosen, colour in ((data.inside, BLUE), (~data.inside, VERMILLION)):
        ax.scatter(*data.starts[chosen].T, s=2, color=colour, linewidths=0, zorder=3)
    arrow(ax, (0, 0), (1, 0), "0.2", 1.0)
    note(ax, (1.08, 0.14), "$w^*$")
    note(ax, (1.3, -0.5), r"$\Omega$", BLUE)
    away = radius * np.array([-np.sin(0.6), np.cos(0.6)])
    arrow(ax, (0, 0), away, "0.2", 0.7)
    note(ax, 1.3 * away, "$r$")
    ax.set(xlim=(-0.65, 2.05), ylim=(-1.35, 1.35), aspect="equal")
    ax.set_axis_off()
    dress(ax, "a", rf"$d = 2$, $\epsilon = {data.shown:g}$")


def _draw_radius(ax: Any, data: Figure5Data) -> None:
    for number, d in enumerate(data.dims):
        colour = _COLOURS[number % len(_COLOURS)]
        ax.plot(data.epsilon, data.radius[number], color=colour, lw=1.2, label=f"$d = {d}$")
        chosen = data.needed[number] <= 1
        style = {**GHOST, "color": mixed(colour, -0.2)}
        ax.plot(data.needed[number][chosen], data.largest[number][chosen], **style)
    ax.set(xlim=(0, 1), ylim=(0, 2), xlabel=r"$\epsilon$", ylabel="radius $r$")
    legend(ax, loc="upper left", bbox_to_anchor=(0.42, 1.0))
    dress(ax, "b")


def _draw_chance(ax: Any, data: Figure5Data) -> None:
    ax.plot(data.epsilon, (1 - data.epsilon) / 2, color="black", lw=1.2)
    note(ax, (0.3, 0.16), r"bound $(1-\epsilon)/2$")
    for number, d in enumerate(data.dims):
        colour = _COLOURS[number % len(_COLOURS)]
        marker = _MARKERS[number % len(_MARKERS)]
        ax.plot(data.epsilon, data.exact[number], color=colour, lw=0.9)
        for found in (found for found in data.measured if found.dim == d):
            place = found.epsilon + 0.012 * (number - (len(data.dims) - 1) / 2)
            for hits, trials, interval, sign in (
                (found.inside, found.starts, found.inside_interval, marker),
                (found.converged, found.followed, found.converged_interval, "*"),
            ):
                share = hits / trials
                bar = [[share - interval[0]], [interval[1] - share]]
                ax.errorbar(
                    place, share, bar, fmt=sign, color=colour, ms=4.5 if sign == "*" else 2.8,
                    lw=0.7,
                )  # fmt: skip
    note(ax, (0.3, 0.9), "converged")
    note(ax, (0.3, 0.545), r"start in $\Omega$")
    ax.set(xlim=(0, 1), ylim=(0, 1.05), xlabel=r"$\epsilon$", ylabel="probability")
    dress(ax, "c")
