"""The disconnectivity tree: at which loss the minima of a landscape come together."""

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from .._names import natural
from ._levels import attractors, heights, levels as by_level

MERGE = "merge"


def disconnectivity(
    graph: nx.MultiDiGraph, *, levels: int | Sequence[float] | None = None
) -> nx.DiGraph:
    r"""Return the disconnectivity tree of a landscape.

    Below a level :math:`E` the minima fall into groups that can reach each other without rising
    above :math:`E` (the components of :math:`\{J \le E\}`). As :math:`E` rises the groups merge,
    each merger at the loss of the lowest saddle that joins them, which makes a tree with the minima
    as leaves. Saddles are taken lowest first and groups joined by union-find; saddles of one height
    (symmetric images, say) join all they join in one merger.

    Args:
        graph: from `unfold` (a leaf for each symmetric image), `quotient` (a leaf for each orbit,
            with `orbit_size`) or `connect` (images, but only as far as saddles were followed).
        levels: at which energies mergers are looked for: a number of evenly spaced ones from the
            lowest minimum to the highest merger, or the energies; if not given, exactly where they
            happen. Mergers above the last of given energies are left out.

    Returns:
        A `networkx.DiGraph` with edges from each merger to the groups it joins. A leaf is named
        like its minimum and has its attributes; a merger like the first of the lowest saddles that
        join it, with `kind` `"merge"`, `saddles` (how many saddles of that level take part),
        `leaves` and `images` (how many minima are below it, counted as leaves and with the
        multiplicity of orbits) and `loss` of that saddle. Every node has an `energy`: where the
        tree has it. Minima that nothing joins are trees of their own.

    Raises:
        ValueError: if there is no minimum, a node has no loss, or the levels are none.

    Source: O. M. Becker and M. Karplus, *The topology of multidimensional potential energy
    surfaces*, Journal of Chemical Physics 106, 1997; D. J. Wales, *Energy Landscapes*, 2003, 5.1.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.muller_brown()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=100)
        >>> tree = fl.disconnectivity(fl.connect(field, catalog))
        >>> [(name, round(tree.nodes[name]["energy"], 3), sorted(tree[name]))
        ...  for name in tree if tree.nodes[name]["kind"] == "merge"]
        [('p4', -72.249, ['p2', 'p3']), ('p5', -40.665, ['p1', 'p4'])]
    """
    height = heights(graph, "disconnectivity")
    minima = attractors(graph)
    if not minima:
        raise ValueError("the graph has no minimum: there is nothing to join.")
    tree = nx.DiGraph()
    for name in minima:
        tree.add_node(name, **{**graph.nodes[name], "energy": height[name]})
    exact = list(by_level(graph, height))
    steps = [(height[level[0]], level) for level in exact]
    if levels is not None:
        steps = _gathered(steps, _thresholds(graph, height, levels))
    roots: dict[Any, list[str]] = {name: [name] for name in minima}
    united = nx.utils.UnionFind(graph)
    for energy, level in steps:
        _join(graph, tree, height, united, roots, energy, level)
    return tree


def _join(
    graph: nx.MultiDiGraph,
    tree: nx.DiGraph,
    height: dict[str, float],
    united: Any,
    roots: dict[Any, list[str]],
    energy: float,
    level: list[str],
) -> None:
    """Join what the saddles of one level join; `roots` holds the trees of each group so far."""
    for saddle in level:
        for target in graph.successors(saddle):
            groups = {united[saddle], united[target]}
            joined = [root for group in groups for root in roots.pop(group, [])]
            united.union(saddle, target)
            if joined:
                roots[united[saddle]] = joined
    takes_part: dict[Any, list[str]] = {}
    for saddle in level:
        takes_part.setdefault(united[saddle], []).append(saddle)
    for group, saddles in takes_part.items():
        below = roots.get(group, [])
        if len(below) > 1:
            roots[group] = [_merger(tree, height, energy, saddles, sorted(below, key=natural))]


def _merger(
    tree: nx.DiGraph, height: dict[str, float], energy: float, saddles: list[str], below: list[str]
) -> str:
    lowest = min(saddles, key=lambda name: (height[name], natural(name)))
    data = [tree.nodes[name] for name in below]
    tree.add_node(
        lowest,
        kind=MERGE,
        energy=energy,
        loss=height[lowest],
        saddles=len(saddles),
        leaves=sum(node.get("leaves", 1) for node in data),
        images=sum(_images(node) for node in data),
    )
    tree.add_edges_from((lowest, name) for name in below)
    return lowest


def _images(node: dict[str, Any]) -> int:
    """How many minima a node of the tree stands for; a node with an image of its own is one."""
    if node["kind"] == MERGE:
        return int(node["images"])
    return 1 if "image" in node else int(node.get("orbit_size", 1))


def _thresholds(
    graph: nx.MultiDiGraph, height: dict[str, float], levels: int | Sequence[float]
) -> np.ndarray:
    if isinstance(levels, int) and not isinstance(levels, bool):
        if levels < 2:
            raise ValueError(f"levels is {levels}; needed: 2 or more, or the energies.")
        mergers = [d["energy"] for _, d in disconnectivity(graph).nodes(data=True)]
        return np.linspace(min(mergers), max(mergers), levels)
    found = np.asarray(levels, float)
    proper = found.ndim == 1 and len(found) and np.isfinite(found).all()
    if not proper or (np.diff(found) <= 0).any():
        raise ValueError("levels must be a number, or energies (n,), finite and increasing.")
    return found


def _gathered(
    steps: list[tuple[float, list[str]]], thresholds: np.ndarray
) -> list[tuple[float, list[str]]]:
    """The levels of nodes at the first threshold at or above each."""
    slack = 1e-9 * max(1.0, float(np.abs(thresholds).max()))
    gathered: dict[float, list[str]] = {}
    for energy, level in steps:
        place = int(np.searchsorted(thresholds, energy - slack))
        if place < len(thresholds):
            gathered.setdefault(float(thresholds[place]), []).extend(level)
    return list(gathered.items())
