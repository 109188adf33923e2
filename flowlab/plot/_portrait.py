"""Phase portraits."""

from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ._axes import LegendPlace, as_range, current_axes, place_legend, small_size, symbol
from ._chart import Chart, chart_of
from ._palette import GREEN, PURPLE, mixed, pale
from ._points import draw_spots, spots_of

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..fields import AbstractField, Plane

INVARIANT = 1e-6
"""A plane is called invariant if no more than this share of the speed leaves it."""

_NULLCLINES = ((GREEN, (0, (4, 1.5))), (mixed(PURPLE, -0.15), (0, (4, 1.2, 1, 1.2))))


def portrait(
    field: "AbstractField",
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    plane: "Plane | None" = None,
    catalog: "Catalog | None" = None,
    points: Any = None,
    density: float = 1.0,
    nullclines: bool = True,
    background: Literal["speed", "loss"] | None = None,
    resolution: int = 200,
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **streamplot: Any,
) -> Axes:
    r"""Draw a phase portrait: streamlines, nullclines and critical points.

    The width of a streamline grows with the logarithm of the speed. On a plane that is not
    invariant the lines are those of the velocity's component in the plane,
    :math:`\dot z = B^+ f(o + Bz)`; the picture then says "projected", and what looks like a
    trajectory is none.

    Args:
        field: a field of shape (2,), or of any shape with `plane`.
        x: lower and upper end of the first coordinate.
        y: the same for the second.
        plane: a plane through the state space.
        catalog: critical points of the field (or of the full field that it is a restriction of);
            those within 1e-6 of the plane and inside the window are marked.
        points: further critical points: an array (n, 2), or a list of records and of pairs
            (location, kind), for example symmetric images of a catalog's entries.
        density: of the streamlines.
        nullclines: whether to draw the lines where a component of the velocity vanishes.
        background: `"speed"` (decimal logarithm) or `"loss"` as a pale ground with a colour bar.
        resolution: number of grid points along each axis.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **streamplot: passed to `Axes.streamplot`.

    Returns:
        The axes.

    Raises:
        ValueError: on bad input.

    Example:
        >>> import flowlab as fl
        >>> ax = fl.plot.portrait(
        ...     fl.theorem7_plane(2), x=(0, 1.2), y=(0, 1.2), resolution=30,
        ...     points=[([1.0, 0.0], "global minimum")])
        >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().texts]
        ('$x$', ['$\\dot{x} = 0$', '$\\dot{y} = 0$', 'global minimum'])
    """
    chart = chart_of(field, plane)
    x, y = as_range(x, "x"), as_range(y, "y")
    if background not in (None, "speed", "loss"):
        raise ValueError(f'background is {background!r}; needed: None, "speed" or "loss".')
    spots = [*spots_of(catalog, chart.locate), *spots_of(points, chart.locate)]
    ax = current_axes(ax)
    xs, ys = np.linspace(*x, resolution), np.linspace(*y, resolution)
    grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    flat, leaving = chart.velocity(grid)
    velocity = np.ma.masked_invalid(flat.T.reshape(2, resolution, resolution))
    if background is not None:
        _draw_ground(ax, chart, xs, ys, velocity, background)
    _draw_streamlines(ax, xs, ys, velocity, density, streamplot)
    if nullclines:
        _draw_nullclines(ax, chart, xs, ys, velocity)
    ax.set(xlim=x, ylim=y, xlabel=symbol(chart.names[0]), ylabel=symbol(chart.names[1]))
    draw_spots(ax, spots, x, y)
    if leaving > INVARIANT:
        ax.set_title("projected", loc="right", fontsize=small_size(ax), style="italic", pad=3)
    place_legend(ax, legend)
    return ax


def _log_speed(velocity: np.ma.MaskedArray) -> np.ma.MaskedArray:
    """Decimal logarithm of the speed, at most 4 decades below its largest value."""
    speed = np.ma.sqrt((velocity**2).sum(axis=0))
    largest = float(speed.max()) if speed.count() and speed.max() > 0 else 1.0
    return np.ma.log10(np.ma.maximum(speed, 1e-4 * largest))


def _draw_ground(
    ax: Axes, chart: Chart, xs: np.ndarray, ys: np.ndarray, velocity: np.ma.MaskedArray, what: str
) -> None:
    if what == "speed":
        values, text = _log_speed(velocity), r"$\log_{10}$ speed"
    else:
        if not hasattr(chart.field, "loss"):
            raise ValueError('the field has no loss; use background="speed".')
        grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
        values = np.ma.masked_invalid(chart.loss(grid).reshape(velocity.shape[1:]))
        text = "loss $J$"
    mesh = ax.pcolormesh(
        xs, ys, values, cmap=pale("cividis"), shading="nearest", rasterized=True, zorder=0
    )
    bar = cast(Any, ax.figure).colorbar(mesh, ax=ax, pad=0.02, fraction=0.06, aspect=25)
    bar.set_label(text)
    bar.outline.set_linewidth(0.5)


def _draw_streamlines(
    ax: Axes,
    xs: np.ndarray,
    ys: np.ndarray,
    velocity: np.ma.MaskedArray,
    density: float,
    options: dict[str, Any],
) -> None:
    speed = _log_speed(velocity)
    span = float(np.ma.ptp(speed)) or 1.0
    width = 0.3 + 0.7 * ((speed - speed.min()) / span).filled(0.0)
    chosen = {
        "density": density,
        "color": "0.5",
        "linewidth": width,
        "arrowsize": 0.6,
        "minlength": 0.2,
        "maxlength": 8.0,
        "zorder": 1.5,
        **options,
    }
    ax.streamplot(xs, ys, *velocity, **chosen)


def _draw_nullclines(
    ax: Axes, chart: Chart, xs: np.ndarray, ys: np.ndarray, velocity: np.ma.MaskedArray
) -> None:
    for name, component, (colour, dashes) in zip(chart.names, velocity, _NULLCLINES, strict=True):
        if not (component.count() and component.min() < 0 < component.max()):
            continue
        style = {"linewidths": 1.2, "colors": colour, "linestyles": [dashes], "zorder": 2.5}
        ax.contour(xs, ys, component, levels=[0.0], **style)
        text = symbol(name, r"\dot{{{}}}")
        text = f"{text[:-1]} = 0$" if text.endswith("$") else f"{text} = 0"
        ax.add_line(Line2D([], [], color=colour, lw=1.2, ls=dashes, label=text))
