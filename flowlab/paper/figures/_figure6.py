"""Figure 6: spontaneous symmetry breaking. The field is symmetric, a solution is not."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure

from ..._checks import require_float64
from ..._types import Key
from ...fields import GradientFlow, theorem7_plane
from ...flow import integrate
from ...plot._palette import BLUE, KINDS, ORANGE, VERMILLION
from ._settings import require_counts, the_key
from ._style import GHOST, directions, dress, note, page

_WIDE = 1.32


@dataclasses.dataclass(frozen=True, eq=False)
class Figure6Data:
    """What Figure 6 shows.

    Attributes:
        grid: (n,), coordinates of the vectors along each axis.
        velocity: (n, n, 2), the field of two students at (x, y) = (grid[j], grid[i]).
        asymmetry: how much reflected velocities differ from velocities at reflected points.
        paths: two trajectories (m, 2) from starts that are reflections of each other.
        hat_paths: trajectories (m, 2) on the hat, from starts close to its top.
        rotation: how much rotated velocities of the hat differ from those at rotated points.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure6_data(grid=6, balls=1)
        >>> data.asymmetry < 1e-15, [path[-1].round(3).tolist() for path in data.paths]
        (True, [[1.0, -0.0], [-0.0, 1.0]])
    """

    grid: np.ndarray
    velocity: np.ndarray
    asymmetry: float
    paths: tuple[np.ndarray, ...]
    hat_paths: tuple[np.ndarray, ...]
    rotation: float


def mexican_hat() -> GradientFlow:
    r"""Return the flow down :math:`J(w) = \tfrac14(|w|^2-1)^2`: minima are the unit circle.

    Returns:
        A gradient flow of shape (2,).

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> hat = fl.paper.figures.mexican_hat()
        >>> float(hat.loss(jnp.zeros(2))), float(hat.loss(jnp.array([0.6, 0.8])))
        (0.25, 0.0)
    """
    return GradientFlow(_hat_loss, (2,), coordinates=("x", "y"))


def _hat_loss(w: jax.Array) -> jax.Array:
    return 0.25 * (jnp.sum(w**2) - 1) ** 2


def figure6_data(
    *, key: Key | None = None, grid: int = 14, offset: float = 1e-2, balls: int = 3
) -> Figure6Data:
    """Compute what Figure 6 shows.

    Args:
        key: random key of the directions in which balls leave the top of the hat;
            `jax.random.key(0)` if not given.
        grid: vectors along each axis.
        offset: how far the two starts of panel (a) are from the line of reflection.
        balls: how many start near the top of the hat.

    Returns:
        The data of both panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Section 6.2.

    Example:
        >>> import flowlab as fl
        >>> len(fl.paper.figures.figure6_data(grid=6, balls=1).hat_paths)
        1
    """
    require_float64("figure6_data")
    require_counts(balls=balls)
    require_counts(2, grid=grid)
    if not 0 < offset < 0.1:
        raise ValueError(f"offset is {offset!r}; needed: a number between 0 and 0.1.")
    plane, hat = theorem7_plane(2), mexican_hat()
    places = np.linspace(0, 1.15, grid + 1)[1:] - 0.575 / grid
    z = np.stack(np.meshgrid(places, places), -1)
    velocity = _velocities(plane, z)
    mirrored = _velocities(plane, z[..., ::-1])[..., ::-1]
    start = np.array([0.06 + offset, 0.06 - offset])
    moments = np.concatenate([[0.0], np.geomspace(1e-2, 200.0, 400)])
    paths = tuple(integrate(plane, w, saveat=moments).states for w in (start, start[::-1]))
    # One of them for each sector, so that they do not roll down side by side.
    turns = np.asarray(jax.random.uniform(the_key(key), (balls,)))
    angles = 2 * np.pi * (np.arange(balls) + 0.8 * turns) / balls
    tops = 1e-3 * np.stack([np.cos(angles), np.sin(angles)], -1)
    hat_paths = tuple(integrate(hat, top, saveat=moments[moments < 60]).states for top in tops)
    return Figure6Data(
        grid=places,
        velocity=velocity,
        asymmetry=float(np.abs(velocity - mirrored).max()),
        paths=paths,
        hat_paths=hat_paths,
        rotation=_turned_difference(hat, z),
    )


def _velocities(field: Any, z: np.ndarray) -> np.ndarray:
    return np.asarray(jax.jit(jax.vmap(jax.vmap(lambda w: field(0.0, w))))(jnp.asarray(z)))


def _turned_difference(hat: GradientFlow, z: np.ndarray, angle: float = 0.7) -> float:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return float(np.abs(_velocities(hat, z @ turn.T) - _velocities(hat, z) @ turn.T).max())


def figure6(
    data: Figure6Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    """Draw Figure 6: symmetric fields, solutions that are not.

    (a) The flow of two students on the plane of Theorem 7. Reflection at the dashed line keeps the
    field and takes one teacher (1) to the other (2): two starts on either side of the line part at
    the saddle. (b) The Mexican hat: rotation keeps the loss, and takes each minimum of the circle
    to another; balls that start next to the top roll down to different ones.

    Args:
        data: from `figure6_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure6_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 6.

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure6(grid=6, balls=1)
        >>> len(figure.axes)
        2
    """
    data = figure6_data(**settings) if data is None else data
    sheet = page(figure, 1.85)
    grid = sheet.add_gridspec(1, 2)
    _draw_reflection(sheet.add_subplot(grid[0]), data)
    _draw_hat(sheet.add_subplot(grid[1], projection="3d"), data)
    return sheet


def _draw_reflection(ax: Any, data: Figure6Data) -> None:
    directions(ax, data.grid, data.velocity, "0.6")
    ax.plot([0, 1.15], [0, 1.15], **{**GHOST, "color": "0.2"}, zorder=2)
    mark = KINDS["global minimum"]
    for number, (path, colour) in enumerate(zip(data.paths, (BLUE, ORANGE), strict=True)):
        ax.plot(*path.T, color=colour, lw=1.5, zorder=3)
        ax.scatter(*path[-1], s=26, color=mark.face, edgecolors="white", lw=0.6, zorder=4,
                   clip_on=False)  # fmt: skip
        note(ax, path[-1] + (0.09, 0.09), str(number + 1))
    ax.set(xlim=(0, 1.15), ylim=(0, 1.15), xlabel="$x$", ylabel="$y$", aspect="equal")
    ax.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    dress(ax, "a")


def _draw_hat(ax: Any, data: Figure6Data) -> None:
    hat = mexican_hat()
    r, angle = np.meshgrid(np.linspace(0, _WIDE, 40), np.linspace(0, 2 * np.pi, 73))
    x, y = r * np.cos(angle), r * np.sin(angle)
    z = np.asarray(jax.vmap(jax.vmap(hat.loss))(jnp.stack([jnp.asarray(x), jnp.asarray(y)], -1)))
    ax.computed_zorder = False
    ax.plot_surface(
        x, y, z, color="0.88", rstride=1, cstride=1, linewidth=0, antialiased=False, alpha=1.0,
        zorder=1, rasterized=True,
    )  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(turn), np.sin(turn), 0 * turn + 0.004, color="0.35", lw=0.7, ls="--", zorder=2)
    for path in data.hat_paths:
        height = np.asarray(jax.vmap(hat.loss)(jnp.asarray(path)))
        ax.plot(*path.T, height + 0.006, color=BLUE, lw=1.3, zorder=3)
        ax.scatter(*path[-1], 0.006, s=16, color=BLUE, edgecolors="white", lw=0.5, zorder=4)
    ax.scatter(
        0, 0, 0.256, s=18, marker="X", color=VERMILLION, edgecolors="white", lw=0.5, zorder=5
    )
    ax.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), zlim=(0, 0.25))
    ax.set_box_aspect((1, 1, 0.5), zoom=1.18)
    ax.view_init(elev=42, azim=-60)
    ax.set_axis_off()
    dress(ax, "b")
