"""The disconnectivity tree: minima as leaves, joined at the loss at which they come together."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from .._names import natural
from ._axes import LegendPlace, current_axes, figure_of, inches, place_legend, small_size
from ._labels import node_text
from ._palette import KINDS, mark_of

if TYPE_CHECKING:
    import networkx as nx

SHOULDER = 0.035
"""Height of the slanted piece below a merger, as a share of the axis."""

LETTER = 0.62
"""Width of a letter relative to the font size, about."""

_SIZE = 34.0
_TRUNK = 0.05
_MARGIN = 0.05


def disconnectivity(
    tree: "nx.DiGraph",
    *,
    labels: bool | None = None,
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **lines: Any,
) -> Axes:
    """Draw a disconnectivity tree: each minimum hangs at its loss, branches join where it says.

    A branch rises from its minimum and leans over just below the merger it belongs to, so that
    both ends can be read off the axis. Groups are ordered with the lowest minimum in the middle;
    lines never cross.

    Args:
        tree: from `flowlab.disconnectivity`.
        labels: whether to write the names of the minima below them, with orbit sizes (`p1 ×6`)
            where leaves are orbits; if not given, where there is room, upright if need be.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given. Their final size matters: labels are placed
            for it.
        **lines: passed to `matplotlib.collections.LineCollection`.

    Returns:
        The axes.

    Raises:
        ValueError: if the tree is empty.

    Source: O. M. Becker and M. Karplus, *The topology of multidimensional potential energy
    surfaces*, Journal of Chemical Physics 106, 1997.

    Example:
        >>> import networkx as nx, flowlab as fl
        >>> tree = nx.DiGraph([("p3", "p1"), ("p3", "p2")])
        >>> tree.add_node("p3", kind="merge", energy=0.25)
        >>> tree.add_node("p1", kind="minimum", energy=0.0)
        >>> tree.add_node("p2", kind="minimum", energy=0.1)
        >>> ax = fl.plot.disconnectivity(tree)
        >>> len(ax.collections[0].get_segments()), [text.get_text() for text in ax.texts]
        (3, ['p1', 'p2'])
    """
    if not len(tree):
        raise ValueError("the tree has no nodes.")
    ax = current_axes(ax)
    place = _places(tree)
    low, high = _prepare_axis(ax, tree)
    segments = _segments(tree, place, SHOULDER * (high - low), _TRUNK * (high - low))
    style = {"colors": "0.25", "linewidths": 1.1, "capstyle": "round", "zorder": 2, **lines}
    ax.add_collection(LineCollection(segments, **style))
    _draw_leaves(ax, tree, place)
    place_legend(ax, legend)
    figure_of(ax).draw_without_rendering()
    if labels is not False:
        _write(ax, tree, place, must=bool(labels))
    _end_axis(ax, low, high)
    return ax


def _places(tree: "nx.DiGraph") -> dict[str, float]:
    """The horizontal place of every node: leaves at 0, 1, ..., mergers amid their children."""
    lowest: dict[str, tuple[float, Any]] = {}
    order = [name for root in _roots(tree) for name in _below(tree, root)]
    for name in reversed(order):
        own = [(float(tree.nodes[name]["energy"]), natural(name))] if not tree[name] else []
        lowest[name] = min([*own, *(lowest[child] for child in tree[name])])
    place: dict[str, float] = {}
    stack = list(reversed(_middle_out(_roots(tree), lowest)))
    while stack:
        name = stack.pop()
        if tree[name]:
            stack += reversed(_middle_out(list(tree[name]), lowest))
        else:
            place[name] = float(len(place))
    for name in reversed(order):
        if tree[name]:
            place[name] = float(np.mean([place[child] for child in tree[name]]))
    return place


def _below(tree: "nx.DiGraph", root: str) -> list[str]:
    """All nodes of a tree, each after its parent."""
    found = [root]
    for name in found:
        found += list(tree[name])
    return found


def _roots(tree: "nx.DiGraph") -> list[str]:
    return [name for name in tree if not tree.in_degree(name)]


def _middle_out(names: list[str], lowest: dict[str, tuple[float, Any]]) -> list[str]:
    """Names with the lowest in the middle, and further ones alternating to its sides."""
    ranked = sorted(names, key=lambda name: lowest[name])
    return [*reversed(ranked[1::2]), *ranked[::2]]


def _prepare_axis(ax: Axes, tree: "nx.DiGraph") -> tuple[float, float]:
    energies = np.array([data["energy"] for _, data in tree.nodes(data=True)], float)
    low, high = float(energies.min()), float(energies.max())
    span = (high - low) or max(1.0, abs(high))
    ax.set_ylabel("loss $J$")
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    leaves = sum(not tree[name] for name in tree)
    ax.set_xlim(-0.7, leaves - 0.3)
    ax.set_ylim(low - _MARGIN * span, high + (_TRUNK + _MARGIN) * span)
    return low, low + span


def _end_axis(ax: Axes, low: float, high: float) -> None:
    """End the axis where the tree ends: room for names is no part of the scale."""
    slack = 0.01 * (high - low)
    limits = ax.get_ylim()
    ax.set_yticks([tick for tick in ax.get_yticks() if low - slack <= tick <= limits[1]])
    ax.set_ylim(limits)
    ax.spines["left"].set_bounds(low - slack, limits[1])


def _segments(
    tree: "nx.DiGraph", place: dict[str, float], shoulder: float, trunk: float
) -> list[np.ndarray]:
    """The line of every node up to its merger, and the trunk above each root."""
    energy = {name: float(data["energy"]) for name, data in tree.nodes(data=True)}
    # One height for all that a merger joins, above all that hangs there: lines cannot cross.
    bend = {
        name: energy[name] - min(shoulder, (energy[name] - max(energy[c] for c in tree[name])) / 2)
        for name in tree
        if tree[name]
    }
    segments = []
    for name in tree:
        x, y = place[name], energy[name]
        line = [(x, y), (x, y + trunk)]
        for merger in tree.predecessors(name):
            line = [(x, y), (x, bend[merger]), (place[merger], energy[merger])]
        segments.append(np.array(line))
    return segments


def _draw_leaves(ax: Axes, tree: "nx.DiGraph", place: dict[str, float]) -> None:
    leaves = [name for name in tree if not tree[name]]
    kinds = [str(tree.nodes[name].get("kind", "minimum")) for name in leaves]
    size = _SIZE * min(1.0, 14.0 / len(leaves))
    for kind in [*KINDS, *sorted(set(kinds) - set(KINDS))]:
        chosen = [name for name, other in zip(leaves, kinds, strict=True) if other == kind]
        if not chosen:
            continue
        mark = mark_of(kind)
        ax.scatter(
            [place[name] for name in chosen],
            [tree.nodes[name]["energy"] for name in chosen],
            s=size * mark.scale,
            marker=mark.marker,
            facecolors=mark.face,
            edgecolors=mark.edge,
            linewidths=1.2 if mark.hollow else 0.6,
            label=kind,
            zorder=4,
            clip_on=False,
        )


def _write(ax: Axes, tree: "nx.DiGraph", place: dict[str, float], must: bool) -> None:
    """Write the names below the leaves: level if they fit, else upright, else (unless must) not."""
    leaves = [name for name in tree if not tree[name]]
    texts = [node_text(str(name), tree.nodes[name], with_image=True) for name in leaves]
    size = small_size(ax)
    room = inches(ax)[0] * 72 / (len(leaves) + 0.4)
    longest = max(len(line) for text in texts for line in text.split("\n"))
    level = LETTER * size * longest < room
    lines = 1 + max(text.count("\n") for text in texts)
    if not level and 1.15 * size * lines > room and not must:
        return
    for name, text in zip(leaves, texts, strict=True):
        ax.annotate(
            text,
            (place[name], float(tree.nodes[name]["energy"])),
            (0, -0.5 * math.sqrt(_SIZE) - 2),
            textcoords="offset points",
            ha="center",
            va="top",
            rotation=0 if level else 90,
            fontsize=size,
            linespacing=1.05,
        )
    _make_room(ax)


def _make_room(ax: Axes) -> None:
    """Lower the bottom of the axis until the names are inside."""
    for _ in range(3):
        figure_of(ax).draw_without_rendering()
        frame = ax.get_window_extent()
        lowest = min(text.get_window_extent().y0 for text in ax.texts)
        if lowest >= frame.y0:
            return
        low, high = ax.get_ylim()
        share = (frame.y0 - lowest) / frame.height
        ax.set_ylim(low - 1.02 * share / max(0.2, 1 - share) * (high - low), high)
