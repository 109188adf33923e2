"""Trajectories, in a plane or against time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D
from scipy.interpolate import CubicHermiteSpline

from .._outcome import Outcome
from ._axes import LegendPlace, current_axes, place_legend, symbol
from ._chart import batched
from ._palette import categorical

if TYPE_CHECKING:
    from ..fields import AbstractField, Plane
    from ..flow import Trajectory

DECADES = 3
"""A loss that falls by more decades than this is drawn on a logarithmic axis."""

_FEW = 7
_FINE = 8
_ENDS = {
    Outcome.settled: "o",
    Outcome.captured: "s",
    Outcome.escaped: "^",
    Outcome.singular: "X",
    Outcome.exhausted: "D",
    Outcome.nonfinite: "P",
    Outcome.finished: ">",
}


def trajectories(
    runs: "Trajectory | Sequence[Trajectory]",
    *,
    field: "AbstractField | None" = None,
    plane: "Plane | None" = None,
    components: tuple[int, int] | Literal["time"] = (0, 1),
    y: Literal["loss"] | int = "loss",
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **line: Any,
) -> Axes:
    """Draw trajectories in a plane, or their loss or a component against time.

    Starts are small hollow circles; the marker at an end says how the trajectory ended.

    Args:
        runs: a trajectory or several.
        field: the field, for the names of the coordinates and for smooth curves: the steps of a
            method of high order are long, and with the field's velocities they are joined by
            cubics rather than by straight lines. The loss is drawn as it was recorded.
        plane: a plane on which the states are projected, as in `portrait`; then `components` is
            not used.
        components: the two entries of the flattened state to draw, or `"time"`.
        y: with `components="time"`: `"loss"` or the number of an entry. A loss that stays positive
            up to rounding and falls by more than 3 decades is drawn on a logarithmic axis, up to
            where it first is 0 or less.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **line: passed to `Axes.plot`.

    Returns:
        The axes.

    Raises:
        ValueError: if a trajectory has no loss, an entry does not exist, or there is no trajectory.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> run = fl.integrate(field, jnp.array([0.3, 0.1]))
        >>> ax = fl.plot.trajectories(run, field=field, components="time")
        >>> ax.get_yscale()
        'log'
    """
    given: Any = runs
    chosen: list[Trajectory] = [given] if hasattr(given, "states") else list(given)
    if not chosen:
        raise ValueError("there are no trajectories to draw.")
    in_time = plane is None and isinstance(components, str)
    if in_time and components != "time":
        raise ValueError(f'components is {components!r}; needed: two numbers, or "time".')
    curves, names = _curves(chosen, field, plane, components, y)
    ax = current_axes(ax)
    if in_time and y == "loss" and _is_steep(curves):
        ax.set_yscale("log")
        curves = [_positive(curve) for curve in curves]
    for number, curve in enumerate(curves):
        few = len(curves) <= _FEW
        style = {
            "color": categorical(number) if few else "0.25",
            "linewidth": 1.2 if few else 0.7,
            "alpha": 1.0 if few else 0.5,
            "zorder": 3,
            **normalize_kwargs(line, Line2D),
        }
        ax.plot(*curve, **style)
    _mark_ends(ax, chosen, curves)
    # On top of a portrait the axes are named already.
    ax.set(xlabel=ax.get_xlabel() or names[0], ylabel=ax.get_ylabel() or names[1])
    place_legend(ax, legend)
    return ax


def _curves(
    runs: Sequence["Trajectory"],
    field: "AbstractField | None",
    plane: "Plane | None",
    components: Any,
    y: Any,
) -> tuple[list[np.ndarray], tuple[str, str]]:
    """Return what to draw of each trajectory, (2, n), and the names of the axes."""
    if plane is not None:
        paths = [_path(run, field)[1] for run in runs]
        curves = [np.array([plane.project(state) for state in path]).T for path in paths]
        return curves, (symbol(plane.coordinates[0]), symbol(plane.coordinates[1]))
    if components != "time":
        first, second = components
        paths = [_path(run, field)[1] for run in runs]
        curves = [np.stack([_entry(path, first), _entry(path, second)]) for path in paths]
        return curves, (_name(runs[0], field, first), _name(runs[0], field, second))
    if y != "loss":
        timed = [_path(run, field) for run in runs]
        curves = [np.stack([times, _entry(path, y)]) for times, path in timed]
        return curves, ("time $t$", _name(runs[0], field, y))
    curves = [np.stack([run.times, run.loss]) for run in runs if run.loss is not None]
    if len(curves) < len(runs):
        raise ValueError("a trajectory has no loss; pass the number of an entry as y.")
    return curves, ("time $t$", "loss $J$")


def _path(run: "Trajectory", field: "AbstractField | None") -> tuple[np.ndarray, np.ndarray]:
    """Return times and states, with cubic pieces between the steps if the field is known."""
    times, states = np.asarray(run.times, float), np.asarray(run.states, float)
    if field is None or len(times) < 2:
        return times, states
    if states.shape[1:] != tuple(field.shape):
        raise ValueError(
            f"the states have shape {states.shape[1:]}; the field has shape {tuple(field.shape)}."
        )
    speeds = batched(lambda w: field(0.0, w), states)
    if not np.isfinite(speeds).all() or not (np.diff(times) > 0).all():
        return times, states
    pieces = CubicHermiteSpline(times, states, speeds)
    shares = np.arange(_FINE) / _FINE
    fine = np.append((times[:-1, None] + np.diff(times)[:, None] * shares).ravel(), times[-1])
    path = pieces(fine)
    path[::_FINE] = states
    return fine, path


def _entry(states: np.ndarray, number: int) -> np.ndarray:
    flat = states.reshape(len(states), -1)
    if not 0 <= number < flat.shape[1]:
        raise ValueError(f"entry {number} was asked for; the states have {flat.shape[1]} entries.")
    return flat[:, number]


def _name(run: "Trajectory", field: "AbstractField | None", number: int) -> str:
    if field is not None:
        return symbol(field.coordinates[number])
    place = np.unravel_index(number, np.shape(run.states)[1:])
    return symbol("w" + "_".join(str(int(i) + 1) for i in place))


def _is_steep(curves: Sequence[np.ndarray]) -> bool:
    """Whether losses are positive, up to rounding at their end, and span many decades."""
    losses = np.concatenate([curve[1] for curve in curves])
    losses = losses[np.isfinite(losses)]
    positive = losses[losses > 0]
    if not len(positive) or losses.min() < -1e-12 * positive.max():
        return False
    return bool(positive.max() > 10.0**DECADES * positive.min())


def _positive(curve: np.ndarray) -> np.ndarray:
    stop = np.append(np.flatnonzero(curve[1] <= 0), curve.shape[1])[0]
    return curve[:, : max(int(stop), 1)]


def _mark_ends(ax: Axes, runs: Sequence["Trajectory"], curves: Sequence[np.ndarray]) -> None:
    ax.scatter(
        *np.array([curve[:, 0] for curve in curves]).T,
        s=12,
        facecolors="white",
        edgecolors="black",
        linewidths=0.8,
        label="start",
        zorder=3.5,
    )
    for outcome, marker in _ENDS.items():
        ended = [curve for run, curve in zip(runs, curves, strict=True) if run.outcome == outcome]
        last = [curve[:, np.isfinite(curve).all(0)][:, -1] for curve in ended]
        if last:
            ax.scatter(
                *np.array(last).T,
                s=16,
                marker=marker,
                facecolors="black",
                edgecolors="white",
                linewidths=0.5,
                label=outcome.name,
                zorder=3.6,
            )
