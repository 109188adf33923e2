"""Which plane of a field `flowlab basins` maps, and which part of it."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._errors import UserError

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..fields import AbstractField, Plane, Theorem7Plane
    from ..landscape import View

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Window:
    """A part of a plane.

    Attributes:
        title: what plane it is, for people.
        field: the field that is followed: a planar one, or any with `plane`.
        plane: the plane through its states, or `None`.
        full: whether `field` is a restriction whose points are named in the full field.
        x: range of the first coordinate, `None` if nothing suggests one.
        y: range of the second coordinate, the same.
        catalog: critical points known from the choice of the plane.
        points: critical points to draw, (coordinates, kind); `None` for those that the map meets.
    """

    title: str
    field: "AbstractField"
    plane: "Plane | None" = None
    full: bool = False
    x: Range | None = None
    y: Range | None = None
    catalog: "Catalog | None" = None
    points: tuple[Any, ...] | None = None


def chosen_window(
    field: "AbstractField",
    plane: str | None,
    key: Any,
    starts: int,
    search_meter: Callable[[], Any],
) -> Window:
    """Return the window that `--plane` describes, or the field's own.

    Args:
        field: the field.
        plane: `--plane`.
        key: random key of the search.
        starts: starts of the search for the saddle of `--plane saddle`.
        search_meter: makes the progress meter of a search, if there is one.

    Raises:
        UserError: if there is no such plane, or if nothing says which.
    """
    from ..landscape import plane_of_theorem7

    restricted = plane_of_theorem7(field)
    if plane == "theorem7" or (plane is None and restricted is not None):
        if restricted is None:
            raise UserError(
                "--plane theorem7: that plane needs K students, at least 2, and as many "
                "orthonormal teachers along the axes."
            )
        return _theorem7(field, restricted, key, search_meter())
    if plane == "saddle":
        return _saddle(field, key, starts, search_meter())
    names = tuple(field.coordinates) if plane is None else tuple(plane.split(","))
    return _coordinates(field, names, plane)


def _theorem7(
    field: "AbstractField", plane: "Theorem7Plane", key: Any, search_meter: Any
) -> Window:
    from ..catalog import Catalog
    from ..landscape import theorem7_view

    nothing = Catalog((), field.spec(), {})
    catalog, view = theorem7_view(field, plane, nothing, key, search_meter)
    title = "The plane of Theorem 7: student j is x along teacher j and y along every other."
    return _of_view(title, view, catalog, full=True)


def _saddle(field: "AbstractField", key: Any, starts: int, search_meter: Any) -> Window:
    from ..landscape import saddle_view
    from ..search import find_critical_points

    if field.size < 2:
        raise UserError("--plane saddle: a state of one coordinate lies in no plane.")
    catalog = find_critical_points(field, key=key, starts=starts, progress_meter=search_meter)
    centre = next((point for point in catalog if point.index > 0), None)
    if centre is None:
        raise RuntimeError(f"no saddle was found from {starts:,} starts; try more --starts.")
    title = (
        f"The plane through the {centre.kind} {centre.id}, along its most unstable and its softest "
        "stable direction."
    )
    return _of_view(title, saddle_view(field, catalog), catalog, full=False)


def _of_view(title: str, view: "View", catalog: "Catalog", full: bool) -> Window:
    return Window(title, view.field, view.plane, full, view.x, view.y, catalog, view.points)


def _coordinates(field: "AbstractField", names: tuple[str, ...], plane: str | None) -> Window:
    """Return the plane of two coordinates, the others at 0."""
    import numpy as np

    from ..fields import Plane

    known = tuple(field.coordinates)
    if plane is None and len(known) != 2:
        raise UserError(
            f"the state has {_counted(known)}, so a map needs a plane. Name two of them, such as "
            f"--plane {','.join(known[:2])} (the others at 0), or take --plane saddle (through the "
            "lowest saddle that a search finds)."
            if len(known) > 2
            else "the state has one coordinate: there is no plane to map."
        )
    if len(names) != 2 or len(set(names)) != 2 or not set(names) <= set(known):
        raise UserError(
            f"--plane {plane}: needed: theorem7, saddle, or two coordinates such as "
            f"{','.join(known[:2])}; there are {', '.join(known[:12])}"
            f"{', ...' if len(known) > 12 else ''}."
        )
    places = [known.index(name) for name in names]
    x, y = (_suggested(field, place) for place in places)
    if names == known:
        return Window(f"The plane of {names[0]} and {names[1]}.", field, x=x, y=y)
    origin = np.zeros(field.shape)
    u, v = (np.eye(field.size)[place].reshape(field.shape) for place in places)
    title = f"The plane of {names[0]} and {names[1]}, the other coordinates 0."
    return Window(title, field, Plane(origin, u, v, coordinates=(names[0], names[1])), x=x, y=y)


def _counted(names: tuple[str, ...]) -> str:
    return f"{len(names)} coordinates ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"


def _suggested(field: "AbstractField", place: int) -> Range | None:
    """Return the range of a coordinate in the box that starts come from, if that is a box."""
    import numpy as np

    from ..fields import Box

    if not isinstance(field.sampler, Box):
        return None
    low, high = (
        np.broadcast_to(corner, field.shape).reshape(-1)[place]
        for corner in (field.sampler.lower, field.sampler.upper)
    )
    return float(low), float(high)
