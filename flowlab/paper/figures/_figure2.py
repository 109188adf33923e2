"""Figure 2: the population gating is a mass term along w and an asymmetric term along e."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Wedge

from ..._checks import require_float64
from ..._types import Key
from ...fields import Isotropic, empirical_gating, population_gating
from ...plot._palette import BLUE, GREY, ORANGE, VERMILLION, mixed
from ._settings import require_counts, the_key
from ._style import arrow, bare, dress, legend, note, page

BATCHES = 20
_LONG, _REACH, _ENLARGED = 1.5, 1.72, 2.2


@dataclasses.dataclass(frozen=True, eq=False)
class Figure2Data:
    """What Figure 2 shows.

    Attributes:
        e: (2,), the control, a unit vector.
        w: (2,), the gated vector.
        mass: (2,), the mass term of the gating.
        asymmetry: (2,), its asymmetric term.
        gating: (2,), the gating itself, from `population_gating`.
        points: (n, 2), inputs.
        on: (n,), whether both gates are open for them.
        angles: (m,), angles between e and w.
        measured: (m, 2), the coefficients of w and of e (for w of norm 1), measured.
        errors: (m, 2), their standard errors.
        samples: inputs at each angle.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure2_data(samples=400)
        >>> bool(abs(data.mass + data.asymmetry - data.gating).max() < 1e-15)
        True
    """

    e: np.ndarray
    w: np.ndarray
    mass: np.ndarray
    asymmetry: np.ndarray
    gating: np.ndarray
    points: np.ndarray
    on: np.ndarray
    angles: np.ndarray
    measured: np.ndarray
    errors: np.ndarray
    samples: int


def figure2_data(
    *,
    key: Key | None = None,
    theta: float = 1.25,
    points: int = 320,
    angles: int = 9,
    samples: int = 20_000,
) -> Figure2Data:
    """Compute what Figure 2 shows.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        theta: angle between e and w in the drawing, in radians.
        points: inputs shown.
        angles: how many angles are measured.
        samples: inputs at each of them, a multiple of 20.

    Returns:
        The data of both panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorem 1.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure2_data(samples=400, angles=3)
        >>> data.measured.shape
        (3, 2)
    """
    require_float64("figure2_data")
    require_counts(points=points, angles=angles, samples=samples // BATCHES)
    if not 0 < theta < np.pi:
        raise ValueError(f"theta is {theta!r}; needed: an angle between 0 and pi.")
    shown, measuring = jax.random.split(the_key(key))
    towards = 0.25  # of w, so that neither vector lies on an axis of the page
    w, e = (np.array([np.cos(t), np.sin(t)]) for t in (towards, towards + theta))
    w, law = _LONG * w, Isotropic(1.0)
    x = np.asarray(jax.random.normal(shown, (points, 2)))
    grid = np.pi * (np.arange(angles) + 0.5) / angles
    found = np.asarray(_measure(measuring, jnp.asarray(grid), samples // BATCHES))
    return Figure2Data(
        e=e,
        w=w,
        mass=float(law.mass(theta)) * w,
        asymmetry=float(law.asymmetry(theta)) * _LONG * e,
        gating=np.asarray(population_gating(e, w)),
        points=x,
        on=(x @ e > 0) & (x @ w > 0),
        angles=grid,
        measured=found.mean(1),
        errors=found.std(1, ddof=1) / np.sqrt(BATCHES),
        samples=BATCHES * (samples // BATCHES),
    )


def _measure(key: Key, angles: jax.Array, size: int) -> jax.Array:
    """The coefficients of w and of e at each angle, from each batch of inputs, (m, BATCHES, 2)."""

    def one(key: Key, theta: jax.Array) -> jax.Array:
        w, e = jnp.array([1.0, 0.0]), jnp.stack([jnp.cos(theta), jnp.sin(theta)])
        gating = empirical_gating(jax.random.normal(key, (size, 2)), e, w)
        return jnp.linalg.solve(jnp.stack([w, e], -1), gating)

    keys = jax.random.split(key, (len(angles), BATCHES))
    return jax.jit(jax.vmap(jax.vmap(one, (0, None))))(keys, angles)


def figure2(
    data: Figure2Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    r"""Draw Figure 2: the two terms of the population gating.

    (a) The inputs for which both gates are open, and
    :math:`F(e,w) = \frac{1}{2\pi}[(\pi-\theta)w + |w|\sin\theta\,e]` as the sum of its mass term
    along w and its asymmetric term along e, drawn 2.2 times as long. (b) Both coefficients against
    the angle: Eqn 5 as lines, sampled inputs as points with two standard errors.

    Args:
        data: from `figure2_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure2_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 2 and Theorem 1.

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure2(samples=400)
        >>> len(figure.axes)
        2
    """
    data = figure2_data(**settings) if data is None else data
    sheet = page(figure, 1.75)
    left, right = sheet.subplots(1, 2, width_ratios=(1.1, 1))
    _draw_geometry(left, data)
    _draw_terms(right, data)
    return sheet


def _draw_geometry(ax: Any, data: Figure2Data) -> None:
    bare(ax, _REACH)
    ends = np.degrees([np.arctan2(*data.e[::-1]), np.arctan2(*data.w[::-1])]) + [-90, 90]
    ax.add_patch(Wedge((0, 0), _REACH, *ends, facecolor=mixed(BLUE, 0.85), edgecolor="none"))
    for vector in (data.e, data.w):
        across = np.array([-vector[1], vector[0]]) / np.linalg.norm(vector) * _REACH
        ax.plot(*np.stack([-across, across]).T, color="0.55", lw=0.6, ls=(0, (4, 2)), zorder=1)
    near = np.linalg.norm(data.points, axis=1) < _REACH
    for chosen, colour in ((near & ~data.on, "0.8"), (near & data.on, mixed(BLUE, 0.45))):
        ax.scatter(*data.points[chosen].T, s=2.5, color=colour, linewidths=0, zorder=2)
    mass, asymmetry, total = (
        _ENLARGED * v for v in (data.mass, data.asymmetry, data.mass + data.asymmetry)
    )
    arrow(ax, (0, 0), data.w, "0.25", 0.9)
    arrow(ax, (0, 0), data.e, "0.25", 0.9)
    for end in (mass, asymmetry):
        ax.plot(*np.stack([end, total]).T, color="0.3", lw=0.6, ls=":", zorder=3)
    arrow(ax, (0, 0), mass, BLUE, 1.8)
    arrow(ax, (0, 0), asymmetry, ORANGE, 1.8)
    arrow(ax, (0, 0), total, VERMILLION, 1.8)
    note(ax, 1.1 * data.w, "$w$")
    note(ax, 1.2 * data.e, "$e$")
    note(ax, total + [0.05, 0.22], "$F(e,w)$", VERMILLION)
    note(ax, mass + [-0.1, -0.3], "mass", BLUE)
    note(ax, asymmetry + [-0.72, -0.12], "asymmetric", mixed(ORANGE, -0.2))
    dress(ax, "a")


def _draw_terms(ax: Any, data: Figure2Data) -> None:
    law, theta = Isotropic(1.0), np.linspace(0, np.pi, 200)
    curves = (
        ("mass $A$", np.asarray(law.mass(theta)), BLUE, "o"),
        ("asymmetric $B$", np.asarray(law.asymmetry(theta)), ORANGE, "s"),
    )
    for number, (name, values, colour, marker) in enumerate(curves):
        ax.plot(theta / np.pi, values, color=colour, lw=1.1, label=name)
        ax.errorbar(
            data.angles / np.pi,
            data.measured[:, number],
            2 * data.errors[:, number],
            fmt=marker,
            ms=2.6,
            color=mixed(colour, -0.25),
            lw=0.7,
            zorder=3,
        )
    ax.axvline(float(np.arccos(data.e @ data.w / _LONG)) / np.pi, color=GREY, lw=0.5, ls=":")
    ax.set(xlim=(0, 1), ylim=(-0.01, 0.53), xlabel=r"$\theta/\pi$", ylabel="coefficient")
    legend(ax, loc="upper right")
    dress(ax, "b")
