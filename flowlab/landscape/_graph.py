"""The graph of critical points and the connections between them."""

from pathlib import Path
from typing import Any

import diffrax as dfx
import networkx as nx

from .._files import write_atomically
from .._types import Key
from ..catalog import Catalog
from ..critical import CriticalPoint
from ..fields import AbstractField
from ._trace import trace_connections

IDENTITY = "identity"


def connect(
    field: AbstractField,
    catalog: Catalog,
    *,
    key: Key | None = None,
    samples: int = 16,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> nx.MultiDiGraph:
    """Follow the unstable directions of every saddle and return the graph of what they reach.

    This is `landscape_graph(trace_connections(field, catalog, ...))`.

    Args:
        field: the field.
        catalog: its critical points.
        key: random key for sampled directions at index 2 and more.
        samples: how many directions to sample there.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `networkx.MultiDiGraph`, see `landscape_graph`.

    Raises:
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.double_well()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> graph = fl.connect(field, catalog)
        >>> [round(data["loss_drop"], 9) for *_, data in graph.edges(data=True)]
        [0.25, 0.25]
    """
    traced = trace_connections(
        field, catalog, key=key, samples=samples, progress_meter=progress_meter
    )
    return landscape_graph(traced)


def landscape_graph(catalog: Catalog) -> nx.MultiDiGraph:
    """Return the graph of a catalog with connections: one node per symmetric image reached.

    Nodes are named `"p1"` for a point's own location and `"p1 students (1 2)"` for its image under
    that relabelling; attributes `point`, `image`, `kind`, `index`, `nullity`, `loss`, `orbit_size`.
    An edge is a heteroclinic connection from a saddle's own location; attributes `image`, `side`
    (+1 and -1 along an eigenvector, 0 sampled), `direction`, `loss_drop`, `time` and
    `multiplicity`: sampled directions that reach the same image are one edge. All attributes are
    scalars; one that does not apply is left out.

    Args:
        catalog: critical points with `connections` (see `trace_connections`).

    Returns:
        A `networkx.MultiDiGraph`.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> sorted(fl.landscape_graph(catalog)) == sorted(point.id for point in catalog)
        True
    """
    graph = nx.MultiDiGraph()
    for point in catalog:
        graph.add_node(point.id, **_node(point, IDENTITY))
    for link in catalog.connections:
        name = link.target if link.image == IDENTITY else f"{link.target} {link.image}"
        if name not in graph:
            graph.add_node(name, **_node(catalog[link.target], link.image))
        attributes: dict[str, Any] = {
            "image": link.image,
            "side": link.side,
            "direction": link.direction,
            "time": link.time,
        }
        if link.loss_drop is not None:
            attributes["loss_drop"] = link.loss_drop
        # Every eigenvector side is an edge of its own; sampled directions that agree are one.
        label = f"side {link.side} direction {link.direction}" if link.side else "sampled"
        _add_or_count(graph, link.source, name, label, attributes)
    return graph


def quotient(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Merge the images of each point: the landscape modulo symmetry.

    Edges keep the image they lead to. Edges that agree in source, target, image and side are one
    edge with a `multiplicity`; their times are those of the first.

    Args:
        graph: a graph from `connect` or `landscape_graph`.

    Returns:
        A `networkx.MultiDiGraph` with one node per orbit, named by the point's id.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> sorted(fl.quotient(fl.connect(field, catalog))) == sorted(p.id for p in catalog)
        True
    """
    merged = nx.MultiDiGraph()
    for _, data in graph.nodes(data=True):
        merged.add_node(data["point"], **{k: v for k, v in data.items() if k != "image"})
    for source, target, data in graph.edges(data=True):
        ends = graph.nodes[source]["point"], graph.nodes[target]["point"]
        _add_or_count(merged, *ends, f"{data['image']} side {data['side']}", data)
    return merged


def _add_or_count(
    graph: nx.MultiDiGraph, source: str, target: str, key: str, attributes: dict[str, Any]
) -> None:
    """Add an edge, or add to the multiplicity of the one that is there."""
    count = attributes.get("multiplicity", 1)
    if graph.has_edge(source, target, key=key):
        graph.edges[source, target, key]["multiplicity"] += count
    else:
        graph.add_edge(source, target, key=key, **{**attributes, "multiplicity": count})


def to_graphml(graph: nx.MultiDiGraph, path: str | Path) -> None:
    """Write a graph as GraphML, which networkx, Gephi and Cytoscape open.

    Args:
        graph: a graph from `connect` or `quotient`.
        path: file to write; replaced atomically.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile, pathlib, networkx as nx, flowlab as fl
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "landscape.graphml"
        >>> fl.to_graphml(nx.MultiDiGraph([("p2", "p1")]), path)
        >>> nx.read_graphml(path).number_of_edges()
        1
    """
    write_atomically(Path(path), "\n".join(nx.generate_graphml(graph)) + "\n")


def _node(point: CriticalPoint, image: str) -> dict[str, str | int | float]:
    attributes: dict[str, str | int | float] = {
        "point": point.id,
        "image": image,
        "kind": point.kind,
        "index": point.index,
        "nullity": point.nullity,
        "orbit_size": point.orbit_size,
    }
    if point.loss is not None:
        attributes["loss"] = point.loss
    return attributes
