r"""Flat families of deep networks: weights that differ and compute the same of the data.

The data see a network through its gates. Units j of one layer that are active on the same data form
a linear bundle: with C their outgoing and R their incoming weights, only :math:`CR` matters, and of
R only what it does to what these units receive. Of every network, whatever its gates, a unit's
incoming weights can be scaled by :math:`c > 0` against its outgoing ones.
"""

from collections.abc import Sequence

import numpy as np

from ._layers import signals

NULL = 1e-9
"""Singular values below this, relative to the largest, belong to a kernel."""

BALANCED, SWEEPS = 1e-15, 10_000
"""When scaling ends: changes of scale of rounding size, or after so many sweeps."""


def flat_directions(matrices: Sequence[np.ndarray], X: np.ndarray, trained: int) -> np.ndarray:
    """Return unit tangents (m, size) along which a network computes the same of the data.

    Args:
        matrices: those of the network from the inputs up.
        X: data, (N, n_0).
        trained: how many of the matrices, from below, are part of the state.

    Returns:
        The tangents, not orthogonal to each other: scalings and mixings of units with equal gates;
        changes of a unit's incoming weights that no data point on which it is active sees; changes
        of the incoming weights of several units that cancel above.
    """
    layers = signals(np, matrices, X)
    found: list[list[np.ndarray]] = []
    for number in range(trained):
        inputs, gates = np.asarray(layers[number].inputs), np.asarray(layers[number].gates)
        found += _unseen(matrices, number, inputs, gates)
        if number + 1 < len(matrices):
            above = layers[number + 1]
            used = np.any(above.gates[..., None] * above.factors, axis=(0, 2))
            for group in _equal_columns(gates):
                found += _cancelling(matrices, number, group, used)
                if number + 1 < trained:
                    found += _mixing(matrices, number, group)
    flat = [np.concatenate([part.ravel() for part in parts[:trained]]) for parts in found]
    size = sum(W.size for W in matrices[:trained])
    tangents = np.array(flat).reshape(-1, size)
    lengths = np.linalg.norm(tangents, axis=1)
    return tangents[lengths > 0] / lengths[lengths > 0, None]


def balanced(matrices: Sequence[np.ndarray], trained: int) -> list[np.ndarray]:
    """Return the network of the scaling family whose units have incoming and outgoing norms equal.

    It is the one of least norm. Units without incoming or outgoing weights stay as they are.

    Args:
        matrices: those of the network from the inputs up.
        trained: how many of the matrices, from below, may change.

    Returns:
        The matrices.
    """
    parts = [np.array(W, float) for W in matrices]
    for _ in range(SWEEPS):
        largest = 0.0
        for low, high in zip(parts[: trained - 1], parts[1:trained], strict=True):
            incoming, outgoing = np.linalg.norm(low, axis=1), np.linalg.norm(high, axis=0)
            alive = (incoming > 0) & (outgoing > 0)
            scale = np.ones(len(low))
            scale[alive] = np.sqrt(outgoing[alive] / incoming[alive])
            low *= scale[:, None]
            high /= scale
            largest = max(largest, float(np.abs(scale - 1).max()))
        if largest <= BALANCED:
            break
    return parts


def without_inactive(
    matrices: Sequence[np.ndarray], X: np.ndarray, trained: int
) -> list[np.ndarray]:
    """Return the network in which units that no data point activates hold chosen weights.

    What they hold makes no difference as long as they stay inactive, nor does what feeds nothing
    but them. Their incoming weights become equal and negative, which keeps them inactive above
    nonnegative inputs, and their outgoing ones 0. In the first layer, where that would not do, they
    keep their direction.

    Args:
        matrices: those of the network from the inputs up.
        X: data, (N, n_0).
        trained: how many of the matrices, from below, may change.

    Returns:
        The matrices.
    """
    parts = [np.array(W, float) for W in matrices]
    active = [np.any(layer.gates > 0, axis=0) for layer in signals(np, matrices, X)]
    feeds_nothing = False
    for number in range(trained - 1, -1, -1):
        low = parts[number]
        if feeds_nothing:
            low[:] = -(low.shape[1] ** -0.5)
        elif number:
            low[~active[number]] = -(low.shape[1] ** -0.5)
        else:
            low[~active[0]] /= np.linalg.norm(low[~active[0]], axis=1, keepdims=True)
        if number:
            low[np.ix_(active[number], ~active[number - 1])] = 0.0
        feeds_nothing = feeds_nothing or not active[number].any()
    return parts


def _unseen(
    matrices: Sequence[np.ndarray], number: int, inputs: np.ndarray, gates: np.ndarray
) -> list[list[np.ndarray]]:
    """Changes of one unit's incoming weights that no data on which it is active see."""
    found = []
    for unit in range(len(matrices[number])):
        for direction in _kernel(inputs[gates[:, unit] > 0]):
            parts = [np.zeros_like(W) for W in matrices]
            parts[number][unit] = direction
            found.append(parts)
    return found


def _cancelling(
    matrices: Sequence[np.ndarray], number: int, group: np.ndarray, used: np.ndarray
) -> list[list[np.ndarray]]:
    """Changes of the incoming weights of units with equal gates that cancel in all units above."""
    found = []
    for shift in _kernel(matrices[number + 1][used][:, group]):
        for column in range(matrices[number].shape[1]):
            parts = [np.zeros_like(W) for W in matrices]
            parts[number][group, column] = shift
            found.append(parts)
    return found


def _mixing(matrices: Sequence[np.ndarray], number: int, group: np.ndarray) -> list:
    """Mixings of units with equal gates (i, j), among them the scalings (i, i)."""
    found = []
    for i in group:
        for j in group:
            parts = [np.zeros_like(W) for W in matrices]
            parts[number][i] = matrices[number][j]
            parts[number + 1][:, j] = -matrices[number + 1][:, i]
            found.append(parts)
    return found


def _equal_columns(gates: np.ndarray) -> list[np.ndarray]:
    """The groups of columns that are equal, as index arrays."""
    labels = np.unique(gates, axis=1, return_inverse=True)[1].ravel()
    return [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]


def _kernel(matrix: np.ndarray) -> np.ndarray:
    """An orthonormal basis (k, n) of what a matrix (m, n) takes to 0."""
    if len(matrix) == 0:
        return np.eye(matrix.shape[1])
    # A triangular factor has the same kernel, and no more rows than columns.
    small = np.linalg.qr(matrix, mode="r") if len(matrix) > matrix.shape[1] else matrix
    _, singular, right = np.linalg.svd(small, full_matrices=True)
    rank = int(np.sum(singular > NULL * max(singular.max(initial=0.0), 1e-300)))
    return right[rank:]
