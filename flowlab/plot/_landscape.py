"""The graph of critical points and connections, drawn by loss."""

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from ._axes import LegendPlace, current_axes, place_legend, small_size
from ._labels import LabelPlacer, Place
from ._layout import bends, curve, sideways
from ._palette import KINDS, mark_of

if TYPE_CHECKING:
    import networkx as nx

MANY_EDGES = 14
"""Edges are labelled by default only if there are no more than this."""

DECADES = 3
"""Losses that span more decades than this are drawn on a symmetric logarithmic axis."""

_SIZE = 62.0
_RADIUS = 4.5
_IDENTITY = "identity"


def landscape(
    graph: "nx.MultiDiGraph",
    *,
    labels: bool = True,
    edge_labels: bool | None = None,
    scale: Literal["linear", "symlog"] | None = None,
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **arrows: Any,
) -> Axes:
    """Draw the graph of a landscape: heights are losses, arrows are connections.

    Nodes are placed sideways so that edges cross little; shape and colour give the kind. Each edge
    of the graph is an arrow of its own, parallel ones bent apart.

    Args:
        graph: from `connect`, `landscape_graph` or `quotient`. If a node has no loss, the Morse
            index is the height.
        labels: whether to write names and, in a quotient, orbit sizes (`p2 ×20`).
        edge_labels: whether to write the symmetric image an edge leads to, where it is not the
            identity, and how many edges it stands for; if not given, for up to 14 edges.
        scale: of the loss axis; if not given, linear unless positive losses span more than 3
            decades.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given. Their final size matters: labels are placed
            for it.
        **arrows: passed to `matplotlib.patches.FancyArrowPatch`.

    Returns:
        The axes.

    Raises:
        ValueError: if the graph is empty.

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
    if scale not in (None, "linear", "symlog"):
        raise ValueError(f'scale is {scale!r}; needed: None, "linear" or "symlog".')
    ax = current_axes(ax)
    nodes = sorted(graph.nodes, key=lambda name: _natural(str(name)))
    number = {name: place for place, name in enumerate(nodes)}
    edges = [(number[a], number[b], data) for a, b, data in graph.edges(data=True)]
    values = _prepare_axes(ax, [graph.nodes[name] for name in nodes], scale)
    pairs = [(a, b) for a, b, _ in edges]
    x = sideways(_shares(ax, values), pairs, _inches(ax))
    ax.set_xlim(-0.09, 1.09)
    places = np.stack([x, values], -1)
    kinds = [str(graph.nodes[name].get("kind", "critical point")) for name in nodes]
    _draw_nodes(ax, kinds, places)
    place_legend(ax, legend)
    # Bends and labels are laid out in pixels, so the layout has to be final.
    ax.get_figure(root=True).draw_without_rendering()
    bent = bends(ax.transData.transform(places) / ax.get_figure(root=True).dpi, pairs)
    for (a, b), bend in zip(pairs, bent, strict=True):
        ax.add_patch(_arrow(ax, places[a], places[b], bend, arrows))
    if labels:
        if edge_labels is None:
            edge_labels = len(edges) <= MANY_EDGES
        names = [_node_text(str(name), graph.nodes[name]) for name in nodes]
        texts = [_edge_text(data) if edge_labels else "" for _, _, data in edges]
        _write(ax, places, names, pairs, bent, texts)
    return ax


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts p2 before p10."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _prepare_axes(ax: Axes, nodes: list[dict[str, Any]], scale: str | None) -> np.ndarray:
    """Set up the vertical axis and return the heights."""
    losses = [node.get("loss") for node in nodes]
    by_loss = all(loss is not None for loss in losses)
    values = np.array(losses if by_loss else [node.get("index", 0) for node in nodes], float)
    positive = values[values > 1e-9 * np.abs(values).max(initial=0.0)]
    wide = len(positive) > 0 and positive.max() > 10.0**DECADES * positive.min()
    if by_loss and (scale or ("symlog" if wide and values.min() > -1e-9 else "linear")) == "symlog":
        smallest = float(np.abs(values[values != 0]).min(initial=np.inf))
        threshold = float(positive.min()) if len(positive) else min(smallest, 1.0)
        ax.set_yscale("symlog", linthresh=threshold)
    low, high = ax.yaxis.get_transform().transform(np.array([values.min(), values.max()]))
    margin = 0.09 * (high - low) or 0.5
    back = ax.yaxis.get_transform().inverted()
    ax.set_ylim(*back.transform(np.array([low - margin, high + margin])))
    ax.set_ylabel("loss $J$" if by_loss else "Morse index")
    if not by_loss:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return values


def _shares(ax: Axes, values: np.ndarray) -> np.ndarray:
    """Heights as shares of the picture's height."""
    transform = ax.yaxis.get_transform()
    low, high = transform.transform(np.array(ax.get_ylim()))
    return (transform.transform(values) - low) / (high - low)


def _inches(ax: Axes) -> tuple[float, float]:
    extent = ax.get_window_extent()
    dpi = ax.get_figure(root=True).dpi
    return extent.width / dpi, extent.height / dpi


def _draw_nodes(ax: Axes, kinds: list[str], places: np.ndarray) -> None:
    for kind in [*KINDS, *sorted(set(kinds) - set(KINDS))]:
        chosen = [place for place, other in enumerate(kinds) if other == kind]
        if not chosen:
            continue
        mark = mark_of(kind)
        ax.scatter(
            *places[chosen].T, s=_SIZE * mark.scale, marker=mark.marker, facecolors=mark.face,
            edgecolors=mark.edge, linewidths=1.4 if mark.hollow else 0.7, label=kind, zorder=4,
            clip_on=False,
        )


def _arrow(
    ax: Axes, start: np.ndarray, end: np.ndarray, bend: float, options: dict[str, Any]
) -> FancyArrowPatch:
    style: dict[str, Any] = {
        "arrowstyle": "-|>", "mutation_scale": 8, "color": "0.4", "linewidth": 0.8, "zorder": 2,
        "shrinkA": _RADIUS, "shrinkB": _RADIUS + 0.5, **options,
    }
    if np.array_equal(start, end):
        # A homoclinic loop: from the node's upper left around to its upper right.
        offsets = np.array([(-3, 3), (-22, 26), (22, 26), (4, 4)], float)
        dots = ax.transData.transform(start) + offsets * ax.get_figure(root=True).dpi / 72
        loop = Path(ax.transData.inverted().transform(dots), [1, 4, 4, 4])
        return FancyArrowPatch(path=loop, **style)
    return FancyArrowPatch(tuple(start), tuple(end), connectionstyle=f"arc3,rad={bend}", **style)


def _node_text(name: str, data: dict[str, Any]) -> str:
    image = data.get("image")
    if image is None:
        orbit = int(data.get("orbit_size", 1))
        return f"{name} ×{orbit}" if orbit > 1 else name
    point = str(data.get("point", name))
    return point if image == _IDENTITY else f"{point}\n{_broken(str(image))}"


def _broken(image: str) -> str:
    """The name of an image in two short lines rather than a long one."""
    return image.replace(" teachers", "\nteachers")


def _edge_text(data: dict[str, Any]) -> str:
    image, count = str(data.get("image", _IDENTITY)), int(data.get("multiplicity", 1))
    parts = [] if image == _IDENTITY else [_broken(image)]
    return "\n".join(parts + ([f"×{count}"] if count > 1 else []))


def _write(
    ax: Axes,
    places: np.ndarray,
    names: list[str],
    pairs: list[tuple[int, int]],
    bent: list[float],
    texts: list[str],
) -> None:
    """Write the names of nodes beside them, then those of edges along them."""
    pixel = ax.get_figure(root=True).dpi / 72
    dots = ax.transData.transform(places)
    curves = [curve(dots[a], dots[b], bend) for (a, b), bend in zip(pairs, bent, strict=True)]
    placer = LabelPlacer(ax, small_size(ax), np.concatenate([np.zeros((0, 2)), *curves]))
    for dot in dots:
        placer.reserve(*dot, _RADIUS * pixel)
    away, slant = 1.5 * _RADIUS * pixel, 1.1 * _RADIUS * pixel
    for (x, y), name in zip(dots, names, strict=True):
        placer.put(name, [
            Place(x + away, y, "left"), Place(x - away, y, "right"),
            Place(x, y + away, va="bottom"), Place(x, y - away, va="top"),
            Place(x + slant, y + slant, "left", "bottom"),
            Place(x - slant, y + slant, "right", "bottom"),
            Place(x + slant, y - slant, "left", "top"), Place(x - slant, y - slant, "right", "top"),
        ])
    for points, text in zip(curves, texts, strict=True):
        if text:
            along = [12, 10, 14, 8, 16, 6, 18]
            placer.put(text, [Place(*points[place]) for place in along], ground=True)
