"""Which minima each saddle decides between, and from which saddles a minimum is reached."""

import dataclasses
from collections.abc import Mapping

import networkx as nx

from .._names import natural
from ._graph import quotient
from ._levels import attractors, is_quotient

LISTED = 4
"""So many names are printed in a row of the table."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Reachability:
    """What `reachability` returns; it prints as a table.

    Attributes:
        attractors: for every node that flows anywhere, the minima that descending chains of edges
            lead to, in natural order.
        orbits: the same for orbits: for each point of the catalog the minima, images together.
        sources: for every minimum, the nodes from which it is reached.
        orbit_sources: the same for orbits.

    Example:
        >>> import networkx as nx, flowlab as fl
        >>> graph = nx.MultiDiGraph()
        >>> graph.add_node("p1", kind="minimum", index=0, point="p1")
        >>> graph.add_node("p2", kind="saddle", index=1, point="p2")
        >>> _ = graph.add_edge("p2", "p1", image="identity", side=1)
        >>> fl.reachability(graph).attractors
        {'p2': ('p1',)}
    """

    attractors: dict[str, tuple[str, ...]]
    orbits: dict[str, tuple[str, ...]]
    sources: dict[str, tuple[str, ...]]
    orbit_sources: dict[str, tuple[str, ...]]

    def __repr__(self) -> str:
        rows = [(name, "decides between", found) for name, found in self.orbits.items()]
        rows += [(name, "is reached from", found) for name, found in self.orbit_sources.items()]
        width = max((len(name) for name, *_ in rows), default=0)
        head = f"Reachability of {len(self.sources)} minima from {len(self.attractors)} points"
        return "\n".join([head, *(f"{a.ljust(width)}  {b} {_listed(c)}" for a, b, c in rows)])


def reachability(graph: nx.MultiDiGraph) -> Reachability:
    """Return which minima each saddle can decide between, and from where each minimum is reached.

    From a node every chain of edges is followed down to minima (sinks, for fields without a loss).
    A saddle decides between several if it has several: states beside it end in one or another.

    Args:
        graph: from `unfold`, where images are complete; from `quotient`, for orbits alone; or from
            `connect`, whose images of saddles are not followed on, so that `attractors` and
            `sources` hold what is seen there and `orbits` all.

    Returns:
        A `Reachability`.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.muller_brown()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=100)
        >>> reach = fl.reachability(fl.connect(field, catalog))
        >>> reach.attractors
        {'p4': ('p2', 'p3'), 'p5': ('p1', 'p3')}
        >>> reach.sources["p3"]
        ('p4', 'p5')
    """
    merged = graph if is_quotient(graph) else quotient(graph)
    down, orbits = _descending(graph), _descending(merged)
    return Reachability(
        down, orbits, _reversed(down, attractors(graph)), _reversed(orbits, attractors(merged))
    )


def _descending(graph: nx.MultiDiGraph) -> dict[str, tuple[str, ...]]:
    ends = set(attractors(graph))
    starts = sorted((name for name in graph if graph.out_degree(name)), key=natural)
    return {name: tuple(sorted(ends & nx.descendants(graph, name), key=natural)) for name in starts}


def _reversed(down: Mapping[str, tuple[str, ...]], minima: list[str]) -> dict[str, tuple[str, ...]]:
    return {
        minimum: tuple(name for name, found in down.items() if minimum in found)
        for minimum in minima
    }


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
