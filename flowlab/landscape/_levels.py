"""What barriers and trees share: the nodes of a landscape graph by height."""

from collections.abc import Iterator

import networkx as nx

from .._names import natural
from ._graph import is_attractor

TIE = 1e-9
"""Losses closer than this (relative to the largest, or to 1) are one level."""


def attractors(graph: nx.MultiDiGraph) -> list[str]:
    """The minima (sinks) of a graph, in natural order."""
    found = (name for name, data in graph.nodes(data=True) if is_attractor(data))
    return sorted(found, key=natural)


def heights(graph: nx.MultiDiGraph, what: str) -> dict[str, float]:
    """The loss of every node.

    Args:
        graph: a landscape graph.
        what: the name of the function that needs them, for the message.

    Raises:
        ValueError: if a node has none.
    """
    missing = [name for name, data in graph.nodes(data=True) if data.get("loss") is None]
    if missing:
        raise ValueError(
            f"{what} needs a loss at every node, and {sorted(missing, key=natural)[0]!r} has none: "
            "the field has no loss, or the graph is not one of `landscape_graph`."
        )
    return {name: float(data["loss"]) for name, data in graph.nodes(data=True)}


def levels(graph: nx.MultiDiGraph, height: dict[str, float]) -> Iterator[list[str]]:
    """The nodes that flow anywhere, lowest first; those of one level together."""
    sources = [name for name in graph if graph.out_degree(name)]
    sources.sort(key=lambda name: (height[name], natural(name)))
    slack = TIE * max(1.0, max((abs(value) for value in height.values()), default=0.0))
    level: list[str] = []
    for name in sources:
        if level and height[name] - height[level[0]] > slack:
            yield sorted(level, key=natural)
            level = []
        level.append(name)
    if level:
        yield sorted(level, key=natural)


def is_quotient(graph: nx.MultiDiGraph) -> bool:
    """Whether nodes stand for orbits: they do not say which image they are."""
    return not any("image" in data for _, data in graph.nodes(data=True))
