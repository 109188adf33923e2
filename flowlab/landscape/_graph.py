"""The graph of critical points and the connections between them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffrax as dfx
import networkx as nx

from .._files import write_atomically
from .._types import Key
from ..catalog import Catalog, Connection
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
        ValueError: if `samples` is negative.
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
    (+1 and -1 along an eigenvector, 0 otherwise), `direction`, `loss_drop`, `time` and
    `multiplicity`: directions of side 0 that reach the same image are one edge. All attributes are
    scalars; one that does not apply is left out.

    Where a saddle of index 1 flows into a minimum, the edge has the height of the `barrier`: the
    loss at the saddle minus the loss at the minimum. The node of a minimum has the lowest of the
    barriers that lead to it, and the graph the lowest and the highest of all (`lowest_barrier`,
    `highest_barrier`). `directions` of the graph says how many directions were followed, and
    `directions_settled`, `directions_escaped`, ... how they ended.

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
        graph.add_node(point.id, **node_attributes(point, IDENTITY))
    for link in catalog.connections:
        name = node_name(link.target, link.image)
        if name not in graph:
            graph.add_node(name, **node_attributes(catalog[link.target], link.image))
        add_connection(graph, link.source, name, link)
    count_directions(graph, catalog)
    mark_barriers(graph)
    return graph


def node_name(point: str, image: str) -> str:
    """The name of a node: the point's id, and the image unless it is the point's own location."""
    return point if image == IDENTITY else f"{point} {image}"


def add_connection(
    graph: nx.MultiDiGraph, source: str, target: str, link: Connection, count: int = 1
) -> None:
    """Add the edge of a connection between two nodes."""
    attributes: dict[str, Any] = {
        "image": link.image,
        "side": link.side,
        "direction": link.direction,
        "time": link.time,
        "multiplicity": count,
    }
    if link.loss_drop is not None:
        attributes["loss_drop"] = link.loss_drop
    # Every eigenvector side is an edge of its own; other directions that agree are one.
    label = f"side {link.side} direction {link.direction}" if link.side else "sampled"
    _add_or_count(graph, source, target, label, attributes)


def count_directions(graph: nx.MultiDiGraph, catalog: Catalog) -> None:
    """Write on the graph how many directions were followed and how they ended."""
    record = catalog.provenance.get("connections")
    if isinstance(record, dict) and isinstance(record.get("outcomes"), dict):
        outcomes = record["outcomes"]
        graph.graph["directions"] = sum(outcomes.values())
        graph.graph.update({f"directions_{name}": count for name, count in outcomes.items()})


def mark_barriers(graph: nx.MultiDiGraph) -> None:
    """Write the barriers on edges, minima and the graph."""
    heights: dict[str, list[float]] = {}
    for source, target, data in graph.edges(data=True):
        into_minimum = graph.nodes[source]["index"] == 1 and is_attractor(graph.nodes[target])
        if into_minimum and "loss_drop" in data:
            data["barrier"] = data["loss_drop"]
            heights.setdefault(target, []).append(data["barrier"])
    for node, found in heights.items():
        graph.nodes[node]["barrier"] = min(found)
    if heights:
        every = [height for found in heights.values() for height in found]
        graph.graph.update(lowest_barrier=min(every), highest_barrier=max(every))


def is_attractor(node: Mapping[str, Any]) -> bool:
    """Whether a node is a minimum, or a sink of a field that is no gradient."""
    kind = str(node.get("kind", ""))
    return node.get("index") == 0 and (kind.endswith("minimum") or kind.startswith("sink"))


def quotient(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Merge the images of each point: the landscape modulo symmetry.

    Edges keep the image they lead to. Edges that agree in source, target, image and side are one
    edge with a `multiplicity`; their times are those of the first.

    The edges are those from each saddle's own location, which those from its images repeat.

    Args:
        graph: a graph from `connect`, `landscape_graph` or `unfold`.

    Returns:
        A `networkx.MultiDiGraph` with one node per orbit, named by the point's id.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> sorted(fl.quotient(fl.connect(field, catalog))) == sorted(p.id for p in catalog)
        True
    """
    merged = nx.MultiDiGraph(**graph.graph)
    for _, data in graph.nodes(data=True):
        merged.add_node(data["point"], **_without(data, "image", "barrier"))
    for source, target, data in graph.edges(data=True):
        if graph.nodes[source].get("image", IDENTITY) != IDENTITY:
            continue
        ends = graph.nodes[source]["point"], graph.nodes[target]["point"]
        _add_or_count(merged, *ends, f"{data['image']} side {data['side']}", data)
    mark_barriers(merged)
    return merged


def _without(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


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


def node_attributes(point: CriticalPoint, image: str) -> dict[str, str | int | float]:
    """The attributes of a point's node, all scalars."""
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
