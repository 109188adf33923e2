"""Figure 8: the plane of Theorem 7, its vector fields, trajectories and training curves."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure

from ..._checks import require_float64
from ...fields import theorem7_plane
from ...flow import Trajectory, integrate
from ...plot._palette import BLUE, GREEN, KINDS, ORANGE, PURPLE, SKY
from ._settings import require_counts
from ._style import GHOST, directions, dress, legend, page

START = (1e-3, 0.0)
"""Where the trajectories start: aligned with the teacher."""

DIAGONAL = (0.9, 0.9)
"""A start from which the flow leads to the saddle."""

AT_REST = 20
"""The last point of a trajectory, at so many times t1, is where it ends."""

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_DASHES = ("-", (0, (5, 1.2)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (6, 2)))


@dataclasses.dataclass(frozen=True, eq=False)
class Figure8Data:
    """What Figure 8 shows.

    Attributes:
        fields: the numbers of students whose vector fields are drawn.
        grid: (n,), the coordinates of the arrows along each axis.
        velocity: (k, n, n, 2), the velocity for each of `fields` at (x, y) = (grid[j], grid[i]).
        saddles: (k, 2), the saddle for each of `fields`, the end of a flow along the diagonal.
        runs: a trajectory from (1e-3, 0) by number of students, at `times`, with its loss.
        times: (m,), times of the trajectories; the last one long after `t1`.
        t1: last time of the training curves.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure8_data(grid=5, fields=(2,), students=(2,))
        >>> data.velocity.shape, (data.runs[2].states[-1].round(6) + 0.0).tolist()
        ((1, 5, 5, 2), [1.0, 0.0])
    """

    fields: tuple[int, ...]
    grid: np.ndarray
    velocity: np.ndarray
    saddles: np.ndarray
    runs: dict[int, Trajectory]
    times: np.ndarray
    t1: float


def figure8_data(
    *,
    fields: tuple[int, ...] = (2, 5),
    students: tuple[int, ...] = (2, 5, 10),
    grid: int = 15,
    t1: float = 25.0,
    times: int = 600,
) -> Figure8Data:
    """Compute what Figure 8 shows.

    Args:
        fields: one or two numbers of students, whose vector fields are drawn.
        students: numbers of students whose trajectories are followed.
        grid: arrows along each axis.
        t1: last time of the training curves; the time of the flow is per sample (N = 1).
        times: points of a trajectory.

    Returns:
        The data of all panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorem 7; supplement, Eqns 69-70.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure8_data(grid=5, fields=(2,), students=(2,))
        >>> data.saddles.round(9).tolist()
        [[0.534154943, 0.534154943]]
    """
    require_float64("figure8_data")
    require_counts(2, grid=grid, times=times)
    if len(fields) not in (1, 2):
        raise ValueError(f"fields is {fields!r}; needed: one or two numbers of students.")
    places = np.linspace(0, 1.1, grid + 1)[1:] - 0.55 / grid
    z = jnp.asarray(np.stack(np.meshgrid(places, places), -1))
    moments = np.concatenate([[0.0], np.geomspace(1e-3, t1, times - 1), [AT_REST * t1]])
    velocity = []
    for K in fields:
        plane = theorem7_plane(K)
        velocity.append(np.asarray(jax.jit(jax.vmap(jax.vmap(lambda w, f=plane: f(0.0, w))))(z)))
    return Figure8Data(
        fields=tuple(fields),
        grid=places,
        velocity=np.array(velocity),
        saddles=np.array([integrate(theorem7_plane(K), DIAGONAL).limit for K in fields]),
        runs={K: integrate(theorem7_plane(K), START, saveat=moments) for K in students},
        times=moments,
        t1=float(t1),
    )


def figure8(
    data: Figure8Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    """Draw Figure 8: the dynamics on the plane of Theorem 7.

    (a), (b) The direction of the flow, the darker the faster, with the teacher at (1, 0), the
    saddle, and the line x = y that separates the basins. (c) Trajectories from (1e-3, 0): although
    the start is aligned with the teacher, y grows first. (d) Their loss: the more students, the
    faster.

    Args:
        data: from `figure8_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure8_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 8.

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure8(grid=5, fields=(2,), students=(2,))
        >>> len(figure.axes)
        4
    """
    data = figure8_data(**settings) if data is None else data
    sheet = page(figure, 3.35)
    axes = sheet.subplots(2, 2)
    axes[0, 1].set_axis_off()
    for number, K in enumerate(data.fields):
        axes[0, number].set_axis_on()
        _draw_field(axes[0, number], data, number)
        dress(axes[0, number], "ab"[number], f"$K = {K}$")
    axes[0, 1].set_ylabel("")
    _draw_trajectories(axes[1, 0], data)
    _draw_training(axes[1, 1], data)
    return sheet


def _draw_field(ax: Any, data: Figure8Data, number: int) -> None:
    directions(ax, data.grid, data.velocity[number])
    ax.plot([0, 1.1], [0, 1.1], **GHOST, zorder=1)
    for place, kind in (((1.0, 0.0), "global minimum"), (data.saddles[number], "saddle")):
        mark = KINDS[kind]
        ax.scatter(
            *place, s=26 * mark.scale, marker=mark.marker, facecolors=mark.face,
            edgecolors=mark.edge, linewidths=0.6, zorder=4, clip_on=False,
        )  # fmt: skip
    ax.set(xlim=(0, 1.1), ylim=(0, 1.1), xlabel="$x$", ylabel="$y$", aspect="equal")
    ax.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _draw_trajectories(ax: Any, data: Figure8Data) -> None:
    for number, run in enumerate(data.runs.values()):
        ax.plot(*run.states.T, color=_colour(number), ls=_dashes(number), lw=1.2)
    mark = KINDS["global minimum"]
    ax.scatter([1], [0], s=26, color=mark.face, edgecolors="white", lw=0.6, zorder=4, clip_on=False)
    ax.scatter(*START, s=9, facecolors="white", edgecolors="black", lw=0.7, zorder=4, clip_on=False)
    ax.set(xlim=(0, 1.02), ylim=(0, None), xlabel="$x$", ylabel="$y$", xticks=(0, 0.5, 1))
    dress(ax, "c")


def _draw_training(ax: Any, data: Figure8Data) -> None:
    for number, (K, run) in enumerate(data.runs.items()):
        loss = np.ma.masked_less_equal(np.asarray(run.loss), 1e-12)
        style = {"color": _colour(number), "ls": _dashes(number), "lw": 1.2}
        ax.plot(run.times, loss, label=f"$K = {K}$", **style)
    ax.set(yscale="log", xlim=(0, data.t1), xlabel="time $t$", ylabel="loss $J$")
    ax.set_ylim(bottom=1e-7)
    legend(ax, loc="upper right")
    dress(ax, "d")


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _dashes(number: int) -> Any:
    return _DASHES[number % len(_DASHES)]
