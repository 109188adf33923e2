"""The graph of critical points and connections, drawn by loss."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path

from .._names import natural
from ._axes import LegendPlace, current_axes, figure_of, inches, place_legend, small_size
from ._heights import SCALES, prepare_axis
from ._labels import IDENTITY, LabelPlacer, Place, broken, node_text
from ._layout import bends, curve, sideways
from ._palette import KINDS, mark_of

if TYPE_CHECKING:
    import networkx as nx

BUNDLE = 4
"""Up to this many edges between two nodes are arrows of their own; more are one thick arrow."""

MANY_NODES = 20
"""With more nodes than this, labels do not name images, and give way to each other."""

_LABELS_PER_INCH = 3
_ALONG = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74)
_SIZE = 62.0
_RADIUS = 4.5


def landscape(
    graph: "nx.MultiDiGraph",
    *,
    labels: bool = True,
    edge_labels: bool | None = None,
    scale: Literal["linear", "symlog", "rank"] | None = None,
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **arrows: Any,
) -> Axes:
    """Draw the graph of a landscape: heights are losses, arrows are connections.

    Nodes are placed sideways so that edges cross little; shape and colour give the kind. Parallel
    edges are arrows of their own, bent apart; more than 4 from one node to another are one arrow,
    thicker the more there are.

    Args:
        graph: from `connect`, `landscape_graph` or `quotient`. If a node has no loss, the Morse
            index is the height.
        labels: whether to write names and, in a quotient, orbit sizes (`p2 ×20`). With more than 20
            nodes, names that would cover each other are left out.
        edge_labels: whether to write the symmetric image an edge leads to, where it is not the
            identity and its node is not named after it, and how many connections it stands for; if
            not given, where there is room.
        scale: of the loss axis: `"linear"`, `"symlog"`, or `"rank"`, where the losses are written
            at equal distances. If not given, the first of these in which at most a third of the
            neighbouring losses are too close to tell apart.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given. Their final size matters: labels are placed
            for it.
        **arrows: passed to `matplotlib.patches.FancyArrowPatch`.

    Returns:
        The axes.

    Raises:
        ValueError: if the graph is empty, or for another scale.

    Example:
        >>> import networkx as nx, flowlab as fl
        >>> graph = nx.MultiDiGraph()
        >>> graph.add_node("p1", kind="global minimum", index=0, loss=0.0, orbit_size=2)
        >>> graph.add_node("p2", kind="saddle", index=1, loss=0.1, orbit_size=1)
        >>> _ = graph.add_edges_from([("p2", "p1", {"side": 1}), ("p2", "p1", {"side": -1})])
        >>> ax = fl.plot.landscape(graph)
        >>> len(ax.patches), [text.get_text() for text in ax.texts]
        (2, ['p1 ×2', 'p2'])
    """
    if not len(graph):
        raise ValueError("the graph has no nodes.")
    if scale not in (None, *SCALES):
        raise ValueError(f"scale is {scale!r}; needed: None or one of {', '.join(SCALES)}.")
    ax = current_axes(ax)
    nodes = sorted(graph.nodes, key=lambda name: natural(str(name)))
    data = [graph.nodes[name] for name in nodes]
    edges = _bundled(graph, {name: place for place, name in enumerate(nodes)})
    pairs = [edge.ends for edge in edges]
    heights, shares = prepare_axis(ax, data, scale)
    places = np.stack([sideways(shares, pairs, inches(ax)), heights], -1)
    ax.set_xlim(-0.1, 1.1)
    _draw_nodes(ax, [str(node.get("kind", "critical point")) for node in data], places)
    place_legend(ax, legend)
    # Bends and labels are laid out in pixels, so the layout has to be final.
    figure_of(ax).draw_without_rendering()
    size = inches(ax)
    bent = bends(
        ax.transAxes.inverted().transform(ax.transData.transform(places)) * size, pairs, size
    )
    for edge, bend in zip(edges, bent, strict=True):
        ax.add_patch(_arrow(ax, edge, places, bend, arrows))
    if labels:
        if edge_labels is None:
            edge_labels = len(edges) <= _LABELS_PER_INCH * inches(ax)[0]
        names = [
            node_text(str(name), node, len(nodes) <= MANY_NODES)
            for name, node in zip(nodes, data, strict=True)
        ]
        _write(ax, places, names, edges, bent, edge_labels)
    return ax


@dataclasses.dataclass(frozen=True)
class Edge:
    """An arrow: the numbers of its nodes, its label, and how many connections it stands for."""

    ends: tuple[int, int]
    text: str
    count: int


def _bundled(graph: "nx.MultiDiGraph", number: dict[Any, int]) -> list[Edge]:
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for source, target, data in graph.edges(data=True):
        groups.setdefault((number[source], number[target]), []).append(data)
    named = {number[name]: data.get("image", IDENTITY) for name, data in graph.nodes(data=True)}
    edges = []
    for ends, members in groups.items():
        counts = [int(data.get("multiplicity", 1)) for data in members]
        if len(members) > BUNDLE:
            edges.append(Edge(ends, f"×{sum(counts)}", sum(counts)))
            continue
        for data, count in zip(members, counts, strict=True):
            edges.append(Edge(ends, _edge_text(data, count, named[ends[1]]), count))
    return edges


def _draw_nodes(ax: Axes, kinds: list[str], places: np.ndarray) -> None:
    for kind in [*KINDS, *sorted(set(kinds) - set(KINDS))]:
        chosen = [place for place, other in enumerate(kinds) if other == kind]
        if not chosen:
            continue
        mark = mark_of(kind)
        ax.scatter(
            *places[chosen].T,
            s=_SIZE * mark.scale,
            marker=mark.marker,
            facecolors=mark.face,
            edgecolors=mark.edge,
            linewidths=1.4 if mark.hollow else 0.7,
            label=kind,
            zorder=4,
            clip_on=False,
        )


def _arrow(
    ax: Axes, edge: Edge, places: np.ndarray, bend: float, options: dict[str, Any]
) -> FancyArrowPatch:
    start, end = places[list(edge.ends)]
    style: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 8,
        "zorder": 2,
        "color": "0.55" if edge.count > 1 else "0.4",
        "linewidth": 0.7 + 0.25 * math.log2(edge.count),
        "shrinkA": _RADIUS,
        "shrinkB": _RADIUS + 0.5,
        **options,
    }
    if edge.ends[0] == edge.ends[1]:
        # A homoclinic loop: from the node's upper left around to its upper right.
        offsets = np.array([(-3, 3), (-22, 26), (22, 26), (4, 4)], float)
        dots = ax.transData.transform(start) + offsets * figure_of(ax).dpi / 72
        loop = Path(ax.transData.inverted().transform(dots), [1, 4, 4, 4])
        return FancyArrowPatch(path=loop, **style)
    return FancyArrowPatch(tuple(start), tuple(end), connectionstyle=f"arc3,rad={bend}", **style)


def _edge_text(data: dict[str, Any], count: int, named: Any) -> str:
    image = str(data.get("image", IDENTITY))
    parts = [] if image in (IDENTITY, named) else [broken(image)]
    return "\n".join(parts + ([f"×{count}"] if count > 1 else []))


def _write(
    ax: Axes,
    places: np.ndarray,
    names: list[str],
    edges: list[Edge],
    bent: list[float],
    edge_labels: bool,
) -> None:
    """Write the names of nodes beside them, then those of edges along them."""
    pixel = figure_of(ax).dpi / 72
    dots = ax.transData.transform(places)
    curves = [
        curve(dots[edge.ends[0]], dots[edge.ends[1]], bend)
        for edge, bend in zip(edges, bent, strict=True)
    ]
    placer = LabelPlacer(ax, small_size(ax), np.concatenate([np.zeros((0, 2)), *curves]))
    for x, y in dots:
        placer.reserve(x, y, _RADIUS * pixel)
    away, slant = 1.5 * _RADIUS * pixel, 1.1 * _RADIUS * pixel
    for (x, y), name in zip(dots, names, strict=True):
        around = [
            Place(x + away, y, "left"),
            Place(x - away, y, "right"),
            Place(x, y + away, va="bottom"),
            Place(x, y - away, va="top"),
            Place(x + slant, y + slant, "left", "bottom"),
            Place(x - slant, y + slant, "right", "bottom"),
            Place(x + slant, y - slant, "left", "top"),
            Place(x - slant, y - slant, "right", "top"),
        ]
        placer.put(name, around, must=len(names) <= MANY_NODES)
    for points, edge in zip(curves, edges, strict=True):
        if edge_labels and edge.text:
            along = [points[round(t * (len(points) - 1))] for t in _ALONG]
            placer.put(edge.text, [Place(*point) for point in along], ground=True)
