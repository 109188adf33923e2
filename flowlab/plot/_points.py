"""Critical points in a two-dimensional picture."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ._palette import KINDS, mark_of

SIZE = 34.0
"""Area of a marker in square points."""


@dataclasses.dataclass(frozen=True)
class Spot:
    """A critical point and its place in the picture."""

    place: tuple[float, float]
    kind: str


def spots_of(points: Any, locate: Callable[[Any], np.ndarray | None]) -> list[Spot]:
    """Return where critical points are in a picture; those outside its plane are left out.

    Args:
        points: an array (n, 2), or a catalog, or an iterable of critical points and of pairs
            (location, kind); or `None`.
        locate: from a location to coordinates in the picture, `None` if it is not there.

    Returns:
        The spots, in the given order.

    Raises:
        ValueError: if an item is neither a record nor a pair nor a point.
    """
    if points is None:
        return []
    if isinstance(points, np.ndarray) and points.ndim != 2:
        raise ValueError(f"points has shape {points.shape}; needed: (n, 2).")
    found = []
    for location, kind in map(_parts, getattr(points, "points", points)):
        place = locate(location)
        if place is not None:
            found.append(Spot((float(place[0]), float(place[1])), kind))
    return found


def _parts(item: Any) -> tuple[Any, str]:
    if hasattr(item, "location"):
        return item.location, str(item.kind)
    if isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[1], str):
        return item[0], item[1]
    return item, "critical point"


def draw_spots(
    ax: Axes, spots: Iterable[Spot], x: tuple[float, float], y: tuple[float, float]
) -> None:
    """Draw the spots inside a window, one collection and one legend entry per kind."""
    places: dict[str, dict[tuple[float, float], None]] = {}
    for spot in spots:
        if x[0] <= spot.place[0] <= x[1] and y[0] <= spot.place[1] <= y[1]:
            places.setdefault(spot.kind, {})[spot.place] = None
    order = [*KINDS, *sorted(set(places) - set(KINDS))]
    for kind in (kind for kind in order if kind in places):
        mark = mark_of(kind)
        ax.scatter(
            *np.array(list(places[kind])).T,
            s=SIZE * mark.scale,
            marker=mark.marker,
            facecolors=mark.face,
            edgecolors=mark.edge,
            linewidths=1.2 if mark.hollow else 0.7,
            label=kind,
            zorder=4,
            clip_on=False,
        )
