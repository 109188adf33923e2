"""The two-dimensional windows through which a flow is looked at."""

import dataclasses
from collections.abc import Iterable

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..catalog import Catalog, Collector
from ..critical import spectrum
from ..fields import AbstractField, Box, Plane, TeacherStudent, Theorem7Plane, theorem7_plane
from ..search import find_critical_points
from ..symmetry import enumerate_orbit

PLANE_STARTS = 200
"""Newton starts for the equilibria in the plane of Theorem 7."""

MARGIN = 0.15
"""What the window on that plane shows beyond its points."""

LISTED = 1_000
"""Of longer orbits no images are shown."""

ON_PLANE = 1e-6
"""A point this close to a plane lies in it."""


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A two-dimensional window on a flow.

    Attributes:
        field: what is drawn: a field of shape (2,), or the full field with `plane`.
        plane: the plane through the full field's states, or `None`.
        x: range of the first coordinate.
        y: range of the second coordinate.
        points: critical points in the window, as (coordinates (2,), kind in the full field).

    Example:
        >>> import flowlab as fl
        >>> from flowlab.landscape import View
        >>> View(fl.zoo.double_well(), None, (-2.0, 2.0), (-1.0, 1.0), ()).field.coordinates
        ('x', 'y')
    """

    field: AbstractField
    plane: Plane | None
    x: tuple[float, float]
    y: tuple[float, float]
    points: tuple[tuple[np.ndarray, str], ...]


def plane_of_theorem7(field: AbstractField) -> Theorem7Plane | None:
    """Return the plane of Theorem 7, if the field's flow has it."""
    if not isinstance(field, TeacherStudent) or field.shape[0] < 2:
        return None
    count, dim = field.shape
    spec = field.spec()
    axes = TeacherStudent(jnp.eye(count, dim)).spec() if count <= dim else {}
    return theorem7_plane(count, dim) if spec == axes else None


def theorem7_view(
    field: AbstractField,
    plane: Theorem7Plane,
    catalog: Catalog,
    key: Key,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> tuple[Catalog, View]:
    """Find the plane's equilibria, add those that the full search missed, and frame them.

    The window shows the unit square of Theorem 7 and every sink of the plane, with one range for
    both axes, so that the diagonal runs through cell centres.
    """
    inside = find_critical_points(
        plane,
        key=jax.random.fold_in(key, 1),
        starts=PLANE_STARTS,
        methods=("newton",),
        sampler=Box([-1.0, -1.0], [1.2, 1.2]),
        progress_meter=progress_meter,
    )
    collector = Collector(field, catalog.points)
    points, ends = [], [0.0, 1.0]
    for point in inside:
        lifted = np.asarray(plane.lift(jnp.asarray(point.location)))
        number, _ = collector.add(lifted, found_by="plane", hits=0)
        kind = collector.points[number].kind
        points += [(image, kind) for image in enumerate_orbit(plane.symmetry, point.location)]
        ends += point.location.tolist() if point.is_sink else []
    found = catalog.replace(points=tuple(collector.points))
    window = min(ends) - MARGIN, max(ends) + MARGIN
    view = View(plane, None, window, window, tuple(points))
    return (found if len(found) == len(catalog) else found.sorted()), view


def own_view(field: AbstractField, catalog: Catalog) -> View:
    """The window of a planar field: around its critical points, with a margin."""
    points = points_in(field, None, ((point.location, point.kind) for point in catalog))
    places = np.array([place for place, _ in points]).reshape(-1, 2)
    if len(places) == 0:
        places = np.array([[-1.0, -1.0], [1.0, 1.0]])
    low, high = places.min(0), places.max(0)
    margin = 0.4 * max(float((high - low).max()), 1.0)
    x, y = ((float(low[i] - margin), float(high[i] + margin)) for i in range(2))
    return View(field, None, x, y, points)


def saddle_view(field: AbstractField, catalog: Catalog) -> View:
    """The window on a plane through the lowest saddle, or the first point if there is none."""
    centre = next((point for point in catalog if point.index > 0), catalog[0])
    vectors = spectrum(field, centre.location).eigenvectors.real
    second = centre.index + centre.nullity if centre.index else 1
    scale = float(np.linalg.norm(centre.location)) or 1.0
    u, v = scale * vectors[0], scale * vectors[min(second, len(vectors) - 1)]
    plane = Plane(centre.location, u, v, coordinates=("unstable", "stable"))
    points = points_in(field, plane, ((point.location, point.kind) for point in catalog))
    return View(field, plane, (-1.5, 1.5), (-1.5, 1.5), points)


def points_in(
    field: AbstractField, plane: Plane | None, points: Iterable[tuple[np.ndarray, str]]
) -> tuple[tuple[np.ndarray, str], ...]:
    """Return the images of points that lie in a plane, by their coordinates there.

    Args:
        field: the field, of shape (2,) without `plane`.
        plane: the plane.
        points: (location, kind) of one image of each point.

    Returns:
        (coordinates (2,), kind) of each image; of orbits too long to be listed none.
    """
    found = []
    for location, kind in points:
        place = np.asarray(location, float)
        if field.symmetry.orbit_size(place) > LISTED:
            continue
        for image in enumerate_orbit(field.symmetry, place, limit=LISTED):
            if plane is None:
                found.append((image, kind))
            elif plane.distance(image) < ON_PLANE:
                found.append((plane.project(image), kind))
    return tuple(found)
