"""Pictures of where a Lyapunov function decreases."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, SymLogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ._axes import LegendPlace, as_range, current_axes, decade, place_legend, symbol
from ._chart import Chart, batched, chart_of
from ._palette import BLACK, BLUE, ORANGE, VERMILLION, mixed
from ._points import draw_spots, spots_of

if TYPE_CHECKING:
    from ..fields import AbstractField, AbstractRegion, Plane

DECADES = 3
"""How many powers of ten the colours show on each side of 0."""


def lyapunov(
    field: "AbstractField",
    V: Callable[[Any], Any],
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    region: "AbstractRegion | None" = None,
    plane: "Plane | None" = None,
    worst: Any = None,
    points: Any = None,
    levels: int = 8,
    resolution: int = 300,
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **pcolormesh: Any,
) -> Axes:
    r"""Draw the sign and the size of :math:`\dot V = \langle\nabla V, f\rangle` on a plane.

    Blue where V decreases, orange and hatched where it does not, on a logarithmic scale on both
    sides of 0; a black line where :math:`\dot V = 0`; grey lines are level sets of V. A star marks
    the worst point: of those in the region and the picture, the one with the largest cosine between
    :math:`\nabla V` and the velocity (see `check_lyapunov`), or the one that is given.

    Args:
        field: a field of shape (2,), or of any shape with `plane`.
        V: the candidate, a JAX function of the state.
        x: lower and upper end of the first coordinate.
        y: the same for the second.
        region: where V should decrease; its boundary is drawn and what lies outside is pale.
        plane: a plane through the state space. The derivative is the one along the full flow, also
            where that leaves the plane.
        worst: a point to mark: a state or plane coordinates, or a result of `check_lyapunov` or
            `prove_lyapunov`; the worst grid point if not given, `False` for none.
        points: critical points to mark, as for `portrait`.
        levels: how many level sets of V to draw; 0 for none.
        resolution: number of grid points along each axis.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **pcolormesh: passed to `Axes.pcolormesh`.

    Returns:
        The axes.

    Raises:
        ValueError: on bad input.

    Example:
        >>> import flowlab as fl
        >>> V = fl.distance_candidate([1.0, 0.0])
        >>> ax = fl.plot.lyapunov(
        ...     fl.zoo.double_well(), V, x=(-1.5, 2), y=(-1, 1), resolution=40,
        ...     region=fl.BallRegion([1.0, 0.0], 0.9))
        >>> [text.get_text() for text in ax.get_legend().texts][:2]
        ['$\\dot{V} < 0$', '$\\dot{V} \\geq 0$']
    """
    chart = chart_of(field, plane)
    x, y = as_range(x, "x"), as_range(y, "y")
    xs, ys = np.linspace(*x, resolution), np.linspace(*y, resolution)
    grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    values, rates, cosines = (
        column.reshape(resolution, resolution) for column in _evaluated(chart, V, grid)
    )
    inside = np.ones(rates.shape, bool)
    if region is not None:
        inside = region.contains(chart.states(grid)).reshape(rates.shape)
    spots = spots_of(points, chart.locate)
    ax = current_axes(ax)
    _draw_rates(ax, xs, ys, rates, pcolormesh)
    if levels:
        _draw_levels(ax, xs, ys, values, levels)
    if region is not None:
        _draw_region(ax, xs, ys, inside)
    ax.set(xlim=x, ylim=y, xlabel=symbol(chart.names[0]), ylabel=symbol(chart.names[1]))
    draw_spots(ax, spots, x, y)
    if worst is not False:
        place = _worst(chart, grid, cosines, inside) if worst is None else _place(chart, worst)
        _draw_worst(ax, place, x, y)
    place_legend(ax, legend)
    return ax


def _evaluated(chart: Chart, V: Callable[[Any], Any], grid: np.ndarray) -> np.ndarray:
    """Values, rates and cosines at the points of the grid, (3, n)."""

    def at(w: jax.Array) -> jax.Array:
        slope, velocity = jax.grad(V)(w), chart.field(0.0, w)
        rate = jnp.sum(slope * velocity)
        size = jnp.sqrt(jnp.sum(slope**2) * jnp.sum(velocity**2))
        return jnp.stack([V(w), rate, rate / size])

    return batched(at, chart.states(grid)).T


def _draw_rates(
    ax: Axes, xs: np.ndarray, ys: np.ndarray, rates: np.ndarray, options: dict[str, Any]
) -> None:
    shown = np.ma.masked_invalid(rates)
    # The largest values are often those at a corner far off: a quantile keeps the rest visible.
    top = float(np.quantile(np.abs(shown.compressed()), 0.98)) if shown.count() else 1.0
    top = decade(top) * np.ceil(top / decade(top)) if top > 0 else 1.0
    norm = SymLogNorm(top / 10**DECADES, vmin=-top, vmax=top, base=10)
    chosen = {
        "cmap": _signed(),
        "norm": norm,
        "shading": "nearest",
        "rasterized": True,
        "zorder": 0,
        **options,
    }
    mesh = ax.pcolormesh(xs, ys, shown, **chosen)
    bar = cast(Any, ax.figure).colorbar(mesh, ax=ax, pad=0.02, fraction=0.06, aspect=25)
    bar.set_label(r"$\dot{V}$")
    bar.outline.set_linewidth(0.5)
    ticks = [-top, -top / 10 ** (DECADES - 1), 0.0, top / 10 ** (DECADES - 1), top]
    bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks])
    bar.minorticks_off()
    if shown.count() and shown.max() >= 0:
        style: dict[str, Any] = {"colors": "none", "hatches": ["////"], "zorder": 0.5}
        high = 2 * max(float(shown.max()), 1e-300)
        hatched = ax.contourf(xs, ys, shown, levels=[0.0, high], **style)
        hatched.set_edgecolor(mixed(VERMILLION, 0.25))
        hatched.set_linewidth(0.0)
    if shown.count() and shown.min() < 0 < shown.max():
        ax.contour(xs, ys, shown, levels=[0.0], colors=BLACK, linewidths=1.2, zorder=2.5)
    ax.add_patch(_key(mixed(BLUE, 0.3), r"$\dot{V} < 0$"))
    if shown.count() and shown.max() >= 0:
        ax.add_patch(_key(mixed(ORANGE, 0.3), r"$\dot{V} \geq 0$", hatch="////"))


def _key(colour: str, text: str, hatch: str | None = None) -> Rectangle:
    """A patch that is nowhere in the picture and explains a colour in the legend."""
    edge = mixed(VERMILLION, 0.25) if hatch else "none"
    return Rectangle(
        (np.nan, np.nan), 0, 0, facecolor=colour, edgecolor=edge, hatch=hatch, lw=0, label=text
    )


def _signed() -> ListedColormap:
    """Blue below 0, orange above, both paler towards it: told apart by every kind of eye."""
    below = [mixed(BLUE, shift) for shift in np.linspace(0.0, 0.85, 128)]
    above = [mixed(ORANGE, shift) for shift in np.linspace(0.75, 0.0, 128)]
    return ListedColormap([*below, *above], name="signed")


def _draw_levels(ax: Axes, xs: np.ndarray, ys: np.ndarray, values: np.ndarray, count: int) -> None:
    shown = np.ma.masked_invalid(values)
    if not shown.count() or shown.min() == shown.max():
        return
    # By quantiles, so that the lines spread over the picture whatever the growth of V.
    chosen = np.unique(np.quantile(shown.compressed(), (np.arange(count) + 0.5) / count))
    ax.contour(xs, ys, shown, levels=chosen, colors="0.35", linewidths=0.5, zorder=1.5)
    ax.add_line(Line2D([], [], color="0.35", lw=0.5, label="level sets of $V$"))


def _draw_region(ax: Axes, xs: np.ndarray, ys: np.ndarray, inside: np.ndarray) -> None:
    if inside.all() or not inside.any():
        return
    veil = np.ones((*inside.shape, 4))
    veil[..., 3] = np.where(inside, 0.0, 0.55)
    steps = (xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2
    extent = (xs[0] - steps[0], xs[-1] + steps[0], ys[0] - steps[1], ys[-1] + steps[1])
    options: dict[str, Any] = {"interpolation": "nearest", "zorder": 2}
    ax.imshow(veil, origin="lower", extent=extent, aspect=ax.get_aspect(), **options)
    style = {"colors": BLACK, "linewidths": 1.2, "linestyles": [(0, (4, 1.5))], "zorder": 2.6}
    ax.contour(xs, ys, inside.astype(float), levels=[0.5], **style)
    ax.add_line(Line2D([], [], color=BLACK, lw=1.2, ls=(0, (4, 1.5)), label="region"))


def _worst(
    chart: Chart, grid: np.ndarray, cosines: np.ndarray, inside: np.ndarray
) -> np.ndarray | None:
    shown = np.where(inside & np.isfinite(cosines), cosines, -np.inf).ravel()
    place = int(np.argmax(shown))
    return grid[place] if np.isfinite(shown[place]) else None


def _place(chart: Chart, worst: Any) -> np.ndarray | None:
    """The place in the picture of a point or of the point in a result; `None` if off the plane."""
    for name in ("point", "counterexample"):
        if hasattr(worst, name):
            worst = getattr(worst, name)
            break
    return None if worst is None else chart.locate(worst)


def _draw_worst(
    ax: Axes, place: np.ndarray | None, x: tuple[float, float], y: tuple[float, float]
) -> None:
    if place is None or not (x[0] <= place[0] <= x[1] and y[0] <= place[1] <= y[1]):
        return
    ax.scatter(
        [place[0]],
        [place[1]],
        marker="*",
        s=130,
        facecolors=BLACK,
        edgecolors="white",
        linewidths=0.8,
        zorder=5,
        clip_on=False,
        label="worst point",
    )
