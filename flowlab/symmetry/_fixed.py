"""Fixed subspaces: the arrays that a set of group elements leaves in place."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

EntryMoves = tuple[np.ndarray, np.ndarray]


class Orthogonal(Protocol):
    """An element that acts on arrays by an orthogonal map."""

    def apply(self, w: np.ndarray, /) -> np.ndarray:
        """The image of `w`, (..., *shape)."""
        ...

    def entry_moves(self) -> EntryMoves | None:
        """(places, signs) of the flattened entries, or None when entries mix."""
        ...


def basis(shape: tuple[int, ...], elements: Sequence[Orthogonal]) -> np.ndarray:
    """Orthonormal basis of the arrays that all `elements` leave in place.

    Args:
        shape: The shape of the arrays.
        elements: Generators of a group.

    Returns:
        (m, *shape); exactly constant (up to sign) on orbits of entries when no element mixes
        entries.
    """
    moves = _all_moves(elements)
    if moves is None:
        return _null_space(shape, elements)
    labels, signs = entry_orbits(int(np.prod(shape)), moves)
    free = np.unique(labels[signs != 0])
    vectors = np.where(labels == free[:, None], signs, 0.0)
    vectors /= np.sqrt(np.abs(vectors).sum(axis=1, keepdims=True))
    return vectors.reshape(len(free), *shape)


def projection(w: np.ndarray, elements: Sequence[Orthogonal]) -> np.ndarray:
    """The nearest array to `w` that all `elements` leave in place.

    Args:
        w: Any array of the shape they act on.
        elements: Generators of a group.

    Returns:
        The array. When no element mixes entries, those of one orbit are bitwise equal (up to
        sign), and an array that is fixed already comes back unchanged.
    """
    moves = _all_moves(elements)
    if moves is None:
        vectors = _null_space(w.shape, elements)
        return np.tensordot(np.tensordot(vectors, w, axes=w.ndim), vectors, axes=1)
    labels, signs = entry_orbits(w.size, moves)
    values = signs * w.ravel()
    first = values[np.unique(labels, return_index=True)[1]]
    # Averaging the deviations from one member: equal entries come back unchanged to the last bit.
    deviations = values - first[labels]
    means = first + np.bincount(labels, weights=deviations) / np.bincount(labels)
    return (signs * means[labels]).reshape(w.shape) + 0.0


def entry_orbits(size: int, moves: Sequence[EntryMoves]) -> tuple[np.ndarray, np.ndarray]:
    """Orbits of the entries of an array under signed permutations of its entries.

    Args:
        size: The number of entries.
        moves: The generators.

    Returns:
        (labels, signs), both (size,): an array is fixed exactly when within each label
        ``signs * entries`` is constant; sign 0 marks entries that must vanish, because some
        element takes them to their own negative.
    """
    # Places i and i + size stand for an entry and its negative; orbits are named by their first.
    names, before = np.arange(2 * size), None
    turns = []
    for places, signs in moves:
        flip = size * (signs < 0)
        turns.append(np.concatenate([places + flip, places + size - flip]))
    while before is None or not np.array_equal(names, before):
        before = names
        for turn in turns:
            names = np.minimum(names, names[turn])
        # Each name is a place of the same orbit: its own name may be an earlier one.
        names = names[names]
    positive, negative = names[:size], names[size:]
    signs = np.where(positive == negative, 0.0, np.where(positive < negative, 1.0, -1.0))
    labels = np.unique(np.minimum(positive, negative), return_inverse=True)[1]
    return labels, signs


def _all_moves(elements: Sequence[Orthogonal]) -> list[EntryMoves] | None:
    moves = [m for g in elements if (m := g.entry_moves()) is not None]
    return moves if len(moves) == len(elements) else None


def _null_space(shape: tuple[int, ...], elements: Sequence[Orthogonal]) -> np.ndarray:
    r"""The null space of :math:`\sum_g (g - 1)^\top (g - 1) = \sum_g (2 - g - g^\top)`."""
    size = int(np.prod(shape))
    units = np.eye(size).reshape(size, *shape)
    total = np.zeros((size, size))
    for g in elements:
        matrix = g.apply(units).reshape(size, size)
        total += 2 * np.eye(size) - matrix - matrix.T
    values, vectors = np.linalg.eigh(total)
    # The nonzero eigenvalues for a cycle of n entries are at least (2 / n)^2: far above.
    return vectors[:, values < 1e-6].T.reshape(-1, *shape)
