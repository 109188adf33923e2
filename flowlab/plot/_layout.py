"""Where the nodes of a graph go sideways when their heights are given."""

import numpy as np

NODE = (0.55, 0.26)
"""Width and height in inches that a node with its label wants for itself."""

CLEAR = 0.16
"""Distance in inches that an edge keeps from nodes it does not belong to."""

_CENTRES = (0.0, 0.2, -0.2, 0.4, -0.4)
_SWEEPS = 12
_MOST = 150
_CROSSING, _TOUCHING, _OVERLAP, _LENGTH, _OFF_CENTRE = 1.0, 2.0, 4.0, 0.3, 0.02


def sideways(
    heights: np.ndarray, edges: list[tuple[int, int]], size: tuple[float, float]
) -> np.ndarray:
    """Return horizontal positions in which edges cross little and avoid other nodes.

    The order starts from barycentres: each node goes to the mean place of its neighbours. Then one
    node after the other moves to the best of a row of slots (overlaps of nodes, edges through
    nodes, crossings, lengths), until nothing improves. There is no chance in it.

    Args:
        heights: (n,), between 0 and 1.
        edges: pairs of node numbers.
        size: width and height of the picture in inches.

    Returns:
        (n,), between 0 and 1.
    """
    count = len(heights)
    if count == 1:
        return np.array([0.5])
    pairs = np.array(sorted({(min(e), max(e)) for e in edges if e[0] != e[1]}), int).reshape(-1, 2)
    start = _barycentres(count, pairs)
    if count > _MOST or len(pairs) > 4 * _MOST:
        return start
    slots = int(min(2 * count - 1, max(3, size[0] / 0.25, count)))
    row = np.linspace(0, size[0], slots + 1 - slots % 2)
    places = np.stack([start * size[0], np.asarray(heights) * size[1]], -1)
    for _ in range(_SWEEPS):
        before = places.copy()
        for node in range(count):
            costs = _costs(node, row, places, pairs, size[0])
            current = _costs(node, places[node, :1], places, pairs, size[0])[0]
            best = int(np.argmin(costs))
            if costs[best] < current - 1e-9:
                places[node, 0] = row[best]
        if np.array_equal(before, places):
            break
    used = places[:, 0]
    span = float(np.ptp(used))
    return (used - used.min()) / span if span else np.full(count, 0.5)


def _barycentres(count: int, pairs: np.ndarray) -> np.ndarray:
    x = np.linspace(0, 1, count)
    for _ in range(_SWEEPS):
        total, degree = x.copy(), np.ones(count)
        for a, b in ((0, 1), (1, 0)):
            np.add.at(total, pairs[:, a], x[pairs[:, b]])
            np.add.at(degree, pairs[:, a], 1)
        order = np.argsort(total / degree, kind="stable")
        x[order] = np.linspace(0, 1, count)
    return x


def _costs(
    node: int, row: np.ndarray, places: np.ndarray, pairs: np.ndarray, width: float
) -> np.ndarray:
    """Cost of each position in `row` for one node, as far as it depends on that node."""
    here = np.stack([row, np.full(len(row), places[node, 1])], -1)
    others = np.delete(places, node, axis=0)
    gap = np.abs(here[:, None] - others) / NODE
    cost = _OVERLAP * np.prod(np.maximum(0, 1 - gap), -1).sum(-1)
    own = (pairs == node).any(-1)
    far = places[pairs[own].sum(-1) - node]
    a, b = places[pairs[~own, 0]], places[pairs[~own, 1]]
    cost = cost + _TOUCHING * _near(here[:, None], a, b).sum(-1)
    neighbours = pairs[own].sum(-1) - node
    for end, neighbour in zip(far, neighbours, strict=True):
        rest = np.delete(places, [node, neighbour], axis=0)
        cost = cost + _TOUCHING * _near(rest, here[:, None], end).sum(-1)
        apart = (pairs[~own] != neighbour).all(-1)
        cost = cost + _CROSSING * _cross(here[:, None], end, a[apart], b[apart]).sum(-1)
        cost = cost + _LENGTH * np.abs(row - end[0]) / width
    return cost + _OFF_CENTRE * np.abs(row / width - 0.5)


def _near(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 for points on the segments a-b, falling to 0 at the distance `CLEAR`."""
    along = b - a
    length = np.maximum((along**2).sum(-1), 1e-12)
    share = np.clip(((points - a) * along).sum(-1) / length, 0, 1)
    gap = points - a - share[..., None] * along
    return np.maximum(0, 1 - np.sqrt((gap**2).sum(-1)) / CLEAR)


def _cross(p: np.ndarray, q: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether the segments p-q and a-b cross inside."""

    def side(u: np.ndarray, v: np.ndarray, w: np.ndarray) -> np.ndarray:
        first, second = v - u, w - u
        return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]

    return (side(p, q, a) * side(p, q, b) < 0) & (side(a, b, p) * side(a, b, q) < 0)


def curve(start: np.ndarray, end: np.ndarray, bend: float, count: int = 61) -> np.ndarray:
    """Return points (count, 2) of matplotlib's arc of curvature `bend` between two points."""
    along = end - start
    control = (start + end) / 2 + bend * np.array([along[1], -along[0]])
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def bends(
    places: np.ndarray, edges: list[tuple[int, int]], size: tuple[float, float]
) -> list[float]:
    """Return a curvature for each edge: edges between the same nodes apart, none through a node.

    Args:
        places: (n, 2) in inches.
        edges: pairs of node numbers; a pair may occur several times.
        size: width and height of the picture in inches, which edges should not leave.

    Returns:
        Curvatures for matplotlib's `arc3`, in the order of the edges.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for number, (a, b) in enumerate(edges):
        groups.setdefault((min(a, b), max(a, b)), []).append(number)
    result = [0.0] * len(edges)
    for (a, b), members in groups.items():
        if a == b:
            continue
        step = min(0.22, 1.1 / max(1, len(members) - 1))
        fan = step * (np.arange(len(members)) - (len(members) - 1) / 2)
        rest = np.delete(places, [a, b], axis=0)
        hits = [_hits(places[[a, b]], centre + fan, rest, size) for centre in _CENTRES]
        centre = _CENTRES[int(np.argmin(hits))]
        for number, bend in zip(members, centre + fan, strict=True):
            result[number] = float(bend if edges[number][0] == a else -bend)
    return result


def _hits(
    ends: np.ndarray, bent: np.ndarray, others: np.ndarray, size: tuple[float, float]
) -> float:
    """How much edges between two nodes touch other nodes or leave the picture."""
    total = 0.0
    for bend in bent:
        points = curve(ends[0], ends[1], bend)
        total += 5 * float(((points < 0) | (points > size)).any(-1).mean())
        if len(others):
            gap = np.linalg.norm(points[:, None] - others, axis=-1).min(0)
            total += float(np.maximum(0, 1 - gap / CLEAR).sum())
    return round(total, 6)
