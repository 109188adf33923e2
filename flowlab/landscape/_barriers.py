"""Barriers between minima: the lowest chain of saddles from one to the other."""

import itertools
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx

from .._names import natural
from ._levels import TIE, attractors, heights, is_quotient, levels

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("saddle_loss", "barrier", "barrier_back")

COLUMNS = ("minimum", "other", "saddle", "saddle_loss", "barrier", "barrier_back", "chain")


def barriers(graph: nx.MultiDiGraph, *, by: Literal["node", "orbit"] = "node") -> "pd.DataFrame":
    r"""Return the barrier between each pair of minima: their minimax path over the saddles.

    Whatever flows from a saddle :math:`s` lies in the component of :math:`\{J \le J(s)\}` that
    holds :math:`s`, so a chain of saddles is a path whose height is that of its highest saddle, and
    the lowest chain bounds the barrier from above. It is the barrier if the graph holds every
    saddle of index 1. Saddles of any index take part; at a lowest chain one of index 1 is met.

    Args:
        graph: from `unfold` (minima are symmetric images), `quotient` (minima are orbits) or
            `connect` (images, but only as far as saddles were followed).
        by: `"node"`: a row for each pair of minima; `"orbit"`: for each pair of orbits the lowest
            of the barriers between images of one and of the other (or other images of the same).

    Returns:
        A data frame with a row for each pair: `minimum` and `other`; the highest `saddle` of the
        lowest chain and its loss, `saddle_loss`; the `barrier` from `minimum` and `barrier_back`
        from `other`; and the `chain` of all nodes. A pair without a chain has NaN, and `None` for
        the saddle. In a quotient, a minimum paired with itself stands for two of its images and the
        lowest single saddle that joins two of them; `unfold` also sees chains through others.

    Raises:
        ValueError: if a node has no loss, or for another `by`.

    Source: the minimum spanning tree holds a minimax path between any two nodes, T. C. Hu, *The
    Maximum Capacity Route Problem*, Operations Research 9, 1961.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.muller_brown()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=100)
        >>> table = fl.barriers(fl.connect(field, catalog))
        >>> table[["minimum", "other", "barrier", "chain"]].round(3).values.tolist()[0]
        ['p1', 'p2', 106.035, 'p1 - p5 - p3 - p4 - p2']
    """
    import pandas as pd

    if by not in ("node", "orbit"):
        raise ValueError(f"by is {by!r}; needed: 'node' or 'orbit'.")
    height = heights(graph, "barriers")
    forest = _spanning_forest(graph, height)
    rows = [
        _row(height, one, other, chain)
        for one, chains in _chains(forest, attractors(graph)).items()
        for other, chain in chains.items()
    ]
    if is_quotient(graph):
        rows += _between_images(graph, height)
    elif by == "orbit":
        rows = _lowest_by_orbit(graph, rows)
    rows.sort(key=lambda row: (natural(row["minimum"]), natural(row["other"])))
    # Columns of text as objects: where there is no chain it is `None`, not what pandas makes of it.
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=float if name in NUMBERS else object)
            for name, values in columns.items()
        }
    )


def _spanning_forest(graph: nx.MultiDiGraph, height: dict[str, float]) -> nx.Graph:
    """A minimum spanning forest; an edge is as high as the saddle it comes from."""
    forest = nx.Graph()
    forest.add_nodes_from(graph)
    united = nx.utils.UnionFind(graph)
    for source in itertools.chain.from_iterable(levels(graph, height)):
        for target in sorted(set(graph.successors(source)), key=natural):
            if united[source] != united[target]:
                united.union(source, target)
                forest.add_edge(source, target)
    return forest


def _chains(forest: nx.Graph, minima: list[str]) -> dict[str, dict[str, list[str] | None]]:
    """The path in the forest from each minimum to each later one."""
    found: dict[str, dict[str, list[str] | None]] = {}
    for number, one in enumerate(minima):
        paths = nx.single_source_shortest_path(forest, one)
        found[one] = {other: paths.get(other) for other in minima[number + 1 :]}
    return found


def _row(height: dict[str, float], one: str, other: str, chain: list[str] | None) -> dict[str, Any]:
    saddle = None if chain is None else max(chain, key=lambda name: height[name])
    top = float("nan") if saddle is None else height[saddle]
    return {
        "minimum": one,
        "other": other,
        "saddle": saddle,
        "saddle_loss": top,
        "barrier": top - height[one],
        "barrier_back": top - height[other],
        "chain": None if chain is None else " - ".join(chain),
    }


def _between_images(graph: nx.MultiDiGraph, height: dict[str, float]) -> list[dict[str, Any]]:
    """In a quotient: the lowest saddle that flows into two images of one minimum."""
    rows = []
    for minimum in attractors(graph):
        images: dict[str, set[str]] = {}
        for source, _, data in graph.in_edges(minimum, data=True):
            images.setdefault(source, set()).add(data.get("image", ""))
        joining = [source for source, found in images.items() if len(found) > 1]
        if joining:
            lowest = min(joining, key=lambda name: (height[name], natural(name)))
            rows.append(_row(height, minimum, minimum, [minimum, lowest, minimum]))
    return rows


def _lowest_by_orbit(graph: nx.MultiDiGraph, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each pair of orbits the row of the lowest chain, with the names of the orbits."""
    lowest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        points = [graph.nodes[row[end]]["point"] for end in ("minimum", "other")]
        if natural(points[0]) > natural(points[1]):
            points.reverse()
            row = {**row, "barrier": row["barrier_back"], "barrier_back": row["barrier"]}
        row = {**row, "minimum": points[0], "other": points[1]}
        known = lowest.setdefault((points[0], points[1]), row)
        # The comparison is false for NaN: any chain is better than none.
        if known["chain"] is None or row["saddle_loss"] < known["saddle_loss"] - _rounding(known):
            lowest[points[0], points[1]] = row
    return list(lowest.values())


def _rounding(row: dict[str, Any]) -> float:
    return TIE * max(1.0, abs(row["saddle_loss"]))
