"""The whole way from a field to its landscape: critical points, connections, basins on a plane."""

import dataclasses
from typing import TYPE_CHECKING

import diffrax as dfx
import networkx as nx

from .._types import Key
from ..basins import basin_map
from ..catalog import Catalog
from ..fields import AbstractField
from ..search import find_critical_points
from ._graph import landscape_graph
from ._trace import trace_connections
from ._view import View, own_view, plane_of_theorem7, saddle_view, theorem7_view

if TYPE_CHECKING:
    import xarray as xr


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
    plane = plane_of_theorem7(field)
    if plane is not None:
        catalog, view = theorem7_view(field, plane, catalog, key)
    catalog = trace_connections(field, catalog, key=key, progress_meter=trace_meter)
    if plane is None:
        view = own_view(field, catalog) if field.shape == (2,) else saddle_view(field, catalog)
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
