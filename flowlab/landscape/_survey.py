"""The whole way from a field to its landscape: critical points, connections, basins on a plane."""

import dataclasses
from typing import TYPE_CHECKING

import diffrax as dfx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np

from .._types import Key
from ..basins import basin_map
from ..catalog import Catalog, Collector
from ..critical import spectrum
from ..fields import AbstractField, Box, Plane, TeacherStudent, Theorem7Plane, theorem7_plane
from ..search import find_critical_points
from ..symmetry import enumerate_orbit
from ._graph import landscape_graph
from ._trace import trace_connections

if TYPE_CHECKING:
    import xarray as xr

PLANE_STARTS = 200
"""Newton starts for the equilibria in the plane of Theorem 7."""

MARGIN = 0.15
"""What the window on that plane shows beyond its points."""


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


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What `survey` returns.

    Attributes:
        catalog: critical points, one entry per orbit, with connections.
        graph: the landscape graph, one node per image reached.
        basins: the basin map on `view`, labelled with the catalog's points.
        view: the plane that was mapped.

    Example:
        >>> import jax, flowlab as fl
        >>> landscape = fl.survey(
        ...     fl.zoo.double_well(), key=jax.random.key(0), starts=30, resolution=10)
        >>> landscape.graph.number_of_edges(), landscape.view.field.coordinates
        (2, ('x', 'y'))
    """

    catalog: Catalog
    graph: nx.MultiDiGraph
    basins: "xr.Dataset"
    view: View


def survey(
    field: AbstractField,
    *,
    key: Key,
    starts: int = 1_000,
    resolution: int = 200,
    search_meter: dfx.AbstractProgressMeter | None = None,
    trace_meter: dfx.AbstractProgressMeter | None = None,
    basin_meter: dfx.AbstractProgressMeter | None = None,
) -> Survey:
    """Map a landscape: find its critical points, connect them, and map basins on a plane.

    The plane is that of Theorem 7 if the field has it (K students, orthonormal axis-parallel
    teacher, equal weights, isotropic inputs); the field's own if it has two coordinates; else the
    plane through the lowest saddle along its most unstable and its softest stable direction.

    Args:
        field: the field.
        key: random key.
        starts: starts of the search.
        resolution: cells of the basin map along each axis.
        search_meter: diffrax progress meter for the search; none if not given.
        trace_meter: the same for the connections.
        basin_meter: the same for the basin map.

    Returns:
        A `Survey`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits, or if no critical point is found.

    Example:
        >>> import jax, flowlab as fl
        >>> landscape = fl.survey(
        ...     fl.zoo.double_well(), key=jax.random.key(0), starts=30, resolution=10)
        >>> len(landscape.catalog), landscape.basins.sizes["x"]
        (3, 10)
    """
    if field.size < 2:
        raise ValueError(
            f"the field has shape {field.shape}: one coordinate has no plane to map. Use "
            "`find_critical_points` and `connect`, or more dimensions."
        )
    catalog = find_critical_points(field, key=key, starts=starts, progress_meter=search_meter)
    if len(catalog) == 0:
        raise RuntimeError(
            f"no critical point was found from {starts} starts: there may be none (see "
            "`catalog.provenance` of `find_critical_points`), or they need more starts."
        )
    plane = _theorem7(field)
    if plane is not None:
        catalog, view = _plane_view(field, plane, catalog, key)
    catalog = trace_connections(field, catalog, key=key, progress_meter=trace_meter)
    if plane is None:
        view = _own_view(field, catalog) if field.shape == (2,) else _saddle_view(field, catalog)
    basins = basin_map(
        view.field,
        x=view.x,
        y=view.y,
        plane=view.plane,
        full=plane is not None,
        resolution=resolution,
        catalog=catalog,
        progress_meter=basin_meter,
    )
    return Survey(catalog, landscape_graph(catalog), basins, view)


def _theorem7(field: AbstractField) -> Theorem7Plane | None:
    """Return the plane of Theorem 7, if the field's flow has it."""
    if not isinstance(field, TeacherStudent) or field.shape[0] < 2:
        return None
    count, dim = field.shape
    spec = field.spec()
    axes = TeacherStudent(jnp.eye(count, dim)).spec() if count <= dim else {}
    return theorem7_plane(count, dim) if spec == axes else None


def _plane_view(
    field: AbstractField, plane: Theorem7Plane, catalog: Catalog, key: Key
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


def _own_view(field: AbstractField, catalog: Catalog) -> View:
    """The window of a planar field: around its critical points, with a margin."""
    points = [
        (image, point.kind)
        for point in catalog
        for image in enumerate_orbit(field.symmetry, point.location)
    ]
    places = np.array([place for place, _ in points]).reshape(-1, 2)
    if len(places) == 0:
        places = np.array([[-1.0, -1.0], [1.0, 1.0]])
    low, high = places.min(0), places.max(0)
    margin = 0.4 * max(float((high - low).max()), 1.0)
    x, y = ((float(low[i] - margin), float(high[i] + margin)) for i in range(2))
    return View(field, None, x, y, tuple(points))


def _saddle_view(field: AbstractField, catalog: Catalog) -> View:
    """The window on a plane through the lowest saddle, or the first point if there is none."""
    centre = next((point for point in catalog if point.index > 0), catalog[0])
    vectors = spectrum(field, centre.location).eigenvectors.real
    second = centre.index + centre.nullity if centre.index else 1
    scale = float(np.linalg.norm(centre.location))
    u, v = scale * vectors[0], scale * vectors[min(second, len(vectors) - 1)]
    plane = Plane(centre.location, u, v, coordinates=("unstable", "stable"))
    points = []
    for point in catalog:
        if point.orbit_size <= 1_000:
            images = enumerate_orbit(field.symmetry, point.location)
            points += [(plane.project(w), point.kind) for w in images if plane.distance(w) < 1e-6]
    return View(field, plane, (-1.5, 1.5), (-1.5, 1.5), tuple(points))
