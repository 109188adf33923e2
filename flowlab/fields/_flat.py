"""Flat families of aligned students: the same function, computed by different splittings.

If `w_j = s_j u` with all `s_j > 0` for the students of a group, only `sum_j a_j s_j` matters
(Theorem 7's saddle at `s_j = x*` is one point of such a simplex).
"""

import numpy as np

ALIGNED = 1e-7
"""Two students count as aligned when their unit vectors differ by less than this."""


def aligned_groups(W: np.ndarray) -> list[np.ndarray]:
    """Return the groups of two or more aligned rows of `W`, as index arrays."""
    norms = np.linalg.norm(W, axis=-1, keepdims=True)
    if np.any(norms == 0):
        return []
    units = W / norms
    # Most states have no aligned pair, and one product shows it.
    if not np.any(np.triu(units @ units.T, 1) > 1 - 1e-10):
        return []
    groups, free = [], list(range(len(W)))
    while free:
        first = free[0]
        members = [j for j in free if np.linalg.norm(units[j] - units[first]) < ALIGNED]
        free = [j for j in free if j not in members]
        if len(members) > 1:
            groups.append(np.array(members))
    return groups


def flat_directions(W: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the splitting tangents at `W`, `(m, K, d)`."""
    tangents = []
    for group in aligned_groups(W):
        unit = W[group[0]] / np.linalg.norm(W[group[0]])
        # Shifts t with sum_j a_j t_j = 0: the orthogonal complement of the weights.
        shifts = np.linalg.svd(weights[group][None])[2][1:]
        for shift in shifts:
            tangent = np.zeros_like(W)
            tangent[group] = shift[:, None] * unit
            tangents.append(tangent)
    return np.array(tangents).reshape(-1, *W.shape)


def merge_collinear(W: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the point of the flat family through `W` at which aligned students are equal.

    Students of a group with output weights of both signs form an unbounded family; there those of
    the sign that has less weight keep the length of the mean row, and the others balance them.
    """
    merged = np.array(W, float)
    for group in aligned_groups(W):
        a = weights[group]
        total = a @ W[group]
        if np.all(a > 0) or np.all(a < 0):
            merged[group] = total / a.sum()
            continue
        unit = W[group[0]] / np.linalg.norm(W[group[0]])
        mass, sign = float(total @ unit), (1.0 if total @ unit >= 0 else -1.0)
        minor = a * sign < 0
        length = np.linalg.norm(W[group], axis=-1).mean()
        merged[group[minor]] = length * unit
        merged[group[~minor]] = unit * (mass - a[minor].sum() * length) / a[~minor].sum()
    return merged
