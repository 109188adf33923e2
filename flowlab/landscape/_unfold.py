"""The landscape graph of all symmetric images: what the quotient merges, laid out."""

import dataclasses
from typing import Any

import networkx as nx
import numpy as np

from ..catalog import Catalog, Connection
from ..fields import AbstractField
from ..symmetry import AbstractGroup
from ._directions import directions_of
from ._graph import (
    IDENTITY,
    add_connection,
    count_directions,
    mark_barriers,
    node_attributes,
    node_name,
)
from ._trace import trace_record

SAME_PLACE = 1e-6
"""Two images closer than this (max norm) are one."""

SAME_DIRECTION = 1e-4
"""Two unit vectors closer than this (max norm) are one direction."""


def unfold(field: AbstractField, catalog: Catalog, *, limit: int = 2_000) -> nx.MultiDiGraph:
    r"""Return the landscape graph with one node for each symmetric image of each critical point.

    `landscape_graph` has the connections from each saddle's own location. A symmetry :math:`g`
    takes a connection from :math:`s` to :math:`t` to one from :math:`gs` to :math:`gt`, so these
    determine all others: those that the isotropy group of :math:`s` makes, and those of its images.
    Barriers and trees between *images* need this graph; between orbits `quotient` will do.

    Args:
        field: the field.
        catalog: critical points with `connections` from `trace_connections`.
        limit: largest number of images to lay out.

    Returns:
        A `networkx.MultiDiGraph` with the names and attributes of `landscape_graph`. An edge has
        the `side`, `direction` and `time` of the traced connection that it is an image of.

    Raises:
        ValueError: if there are more than `limit` images, or if the catalog does not say in which
            directions its connections were traced.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.double_wells(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> graph = fl.unfold(field, fl.trace_connections(field, catalog, samples=0))
        >>> len(graph), sorted(graph.nodes[name]["index"] for name in graph)
        (9, [0, 0, 0, 0, 1, 1, 1, 1, 2])
    """
    total = sum(point.orbit_size for point in catalog)
    if total > limit:
        raise ValueError(
            f"the points have {total} images together, more than the limit of {limit}. Use "
            "`quotient`, or raise `limit`."
        )
    group = field.symmetry
    sheets = {point.id: _Sheet(group, point.location) for point in catalog}
    graph = nx.MultiDiGraph()
    for point in catalog:
        for image in sheets[point.id].elements:
            graph.add_node(node_name(point.id, image), **node_attributes(point, image))
    for source, edges in _edges_at_own_location(field, catalog, sheets).items():
        for image, element in sheets[source].elements.items():
            for edge in edges:
                sheet = sheets[edge.link.target]
                moved = sheet.name(group.act(element, edge.place))
                add_connection(
                    graph,
                    node_name(source, image),
                    node_name(edge.link.target, moved),
                    edge.link.replace(image=moved),
                    edge.count,
                )
    count_directions(graph, catalog)
    mark_barriers(graph)
    return graph


class _Sheet:
    """The images of one point: by name, an element that leads there; by place, the name."""

    def __init__(self, group: AbstractGroup, location: np.ndarray):
        self.group, self.location = group, np.asarray(location, float)
        self.elements: dict[str, Any] = {IDENTITY: group.identity()}
        self._places = [self.location]
        self._names = [IDENTITY]
        generators = group.generators()
        queue = [group.identity()]
        for element in queue:
            for generator in generators:
                further = generator.compose(element)
                name = self.name(group.act(further, self.location))
                if name not in self.elements:
                    self.elements[name] = further
                    queue.append(further)

    def name(self, place: np.ndarray) -> str:
        """The name of the image at a place."""
        gaps = np.abs(np.stack(self._places) - place).reshape(len(self._places), -1).max(axis=1)
        nearest = int(gaps.argmin())
        if gaps[nearest] <= SAME_PLACE:
            return self._names[nearest]
        element = self.group.match(self.location, place)
        assert element is not None, "an image of a point is on its orbit"
        self._places.append(np.asarray(place))
        self._names.append(self.group.image_name(element, self.location))
        return self._names[-1]


@dataclasses.dataclass(frozen=True, eq=False)
class _Edge:
    """Connections from a saddle's own location that agree: where they end, and how many."""

    link: Connection
    place: np.ndarray
    count: int


def _edges_at_own_location(
    field: AbstractField, catalog: Catalog, sheets: dict[str, _Sheet]
) -> dict[str, list[_Edge]]:
    """The traced connections of each saddle and those that its isotropy group makes of them."""
    record = trace_record(catalog)
    edges = {}
    for point in catalog:
        links = [link for link in catalog.connections if link.source == point.id]
        if not links:
            continue
        vectors = {
            (direction.side, direction.number): direction.vector
            for direction in directions_of(field, point, record["key"], record["samples"])
        }
        isotropy = field.symmetry.isotropy(point.location)
        generators = (*isotropy.generators, *isotropy.reflections)
        edges[point.id] = _closed(field.symmetry, generators, links, vectors, sheets)
    return edges


def _closed(
    group: AbstractGroup,
    generators: tuple[Any, ...],
    links: list[Connection],
    vectors: dict[tuple[int, int], np.ndarray],
    sheets: dict[str, _Sheet],
) -> list[_Edge]:
    """Add the images of connections under the isotropy group of where they start."""
    found = [
        (vectors[link.side, link.direction], _place(group, sheets[link.target], link), link)
        for link in links
    ]
    known = [vector for vector, *_ in found]
    for vector, place, link in found:
        for generator in generators:
            moved = np.asarray(group.act(generator, vector))
            gaps = np.abs(np.stack(known) - moved).reshape(len(known), -1).max(axis=1)
            if gaps.min() > SAME_DIRECTION:
                known.append(moved)
                found.append((moved, np.asarray(group.act(generator, place)), link))
    merged: dict[tuple[str, str, int, int], _Edge] = {}
    for _, place, link in found:
        number = link.direction if link.side else 0
        key = link.target, sheets[link.target].name(place), link.side, number
        count = merged[key].count + 1 if key in merged else 1
        merged[key] = _Edge(merged[key].link if key in merged else link, place, count)
    return list(merged.values())


def _place(group: AbstractGroup, sheet: _Sheet, link: Connection) -> np.ndarray:
    """Where a connection ends."""
    if link.image not in sheet.elements:
        raise ValueError(
            f"{link!r} leads to an image that the symmetry of the field does not make. Trace the "
            "connections anew with `trace_connections`."
        )
    return np.asarray(group.act(sheet.elements[link.image], sheet.location))
