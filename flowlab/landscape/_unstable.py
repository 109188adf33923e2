"""The unstable space of a critical point: a basis that rounding cannot turn, and symmetric axes."""

import numpy as np

from ..critical import spectrum
from ..fields import AbstractField, AbstractGradientFlow

SAME_EIGENVALUE = 1e-6
"""Eigenvalues this close (relative to the largest, or to 1) have one eigenspace."""

SAME = 1e-6
"""Two unit vectors, or two projectors, that differ by no more than this in an entry are one."""

ELEMENTS = 1_000
"""Of a larger isotropy group this many elements are looked at."""

SUBSPACES = 200
"""Of more fixed subspaces this many are looked at."""


def unstable_basis(field: AbstractField, w: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis (index, *shape) of the unstable space, one for each eigenspace.

    An eigenspace of dimension two and more has no basis of its own: a numerical one turns with the
    machine. Here each gets the basis of a pivoted Cholesky factorisation of its projector, whose
    pivots are entries that no rounding can exchange, so that direction number `n`, and its sign,
    mean the same everywhere.
    """
    at = spectrum(field, w)
    groups = _eigenspaces(field, at.eigenvalues[: at.index], at.eigenvectors[: at.index])
    if sum(map(len, groups)) != at.index:
        # Defective, or nearly: the whole unstable space is one.
        groups = [at.unstable.reshape(at.index, -1)]
    bases = [settled_basis(group.T @ group, len(group)) for group in groups]
    return np.concatenate([np.zeros((0, field.size)), *bases]).reshape(-1, *field.shape)


def _eigenspaces(field: AbstractField, values: np.ndarray, vectors: np.ndarray) -> list[np.ndarray]:
    """Orthonormal bases (m, size) of the real spaces that eigenvalues and their conjugates span."""
    scale = SAME_EIGENVALUE * max(1.0, np.abs(values).max(initial=0.0))
    keys: list[complex] = []
    members: list[list[int]] = []
    for number, value in enumerate(values):
        key = complex(np.real(value), abs(np.imag(value)))
        near = [place for place, other in enumerate(keys) if abs(key - other) <= scale]
        if near:
            members[near[0]].append(number)
        else:
            keys.append(key)
            members.append([number])
    flat = vectors.reshape(len(vectors), -1)
    if isinstance(field, AbstractGradientFlow):
        return [np.real(flat[group]) for group in members]
    spaces = []
    for group in members:
        stacked = np.concatenate([np.real(flat[group]), np.imag(flat[group])])
        _, sizes, right = np.linalg.svd(stacked, full_matrices=False)
        spaces.append(right[sizes > SAME * sizes.max()])
    return spaces


def settled_basis(projector: np.ndarray, rank: int) -> np.ndarray:
    """Return an orthonormal basis (rank, n) of the range of a projector (n, n), to rounding unique.

    Each vector is positive in its pivot: the first entry of the largest left on the diagonal.
    """
    left, basis = np.array(projector, float), []
    for _ in range(rank):
        diagonal = np.diag(left)
        pivot = int(np.argmax(diagonal >= diagonal.max() - SAME))
        vector = left[pivot] / np.sqrt(left[pivot, pivot])
        basis.append(vector / np.linalg.norm(vector))
        left -= np.outer(basis[-1], basis[-1])
    return np.array(basis).reshape(rank, len(projector))


def isotropy_on(field: AbstractField, w: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the isotropy group of `w` as matrices (n, m, m) on an invariant space with `basis`."""
    isotropy = field.symmetry.isotropy(w)
    flat = basis.reshape(len(basis), -1)
    generators = [
        flat @ np.asarray(field.symmetry.act(element, basis)).reshape(len(basis), -1).T
        for element in (*isotropy.generators, *isotropy.reflections)
    ]
    found = [np.eye(len(basis))]
    for matrix in found:
        for generator in generators:
            product = generator @ matrix
            if len(found) < ELEMENTS and not _among(product, found):
                found.append(product)
    return np.array(found)


def fixed_subspaces(elements: np.ndarray) -> list[np.ndarray]:
    """Return the proper fixed subspaces of subgroups, one of each class, as projectors (m, m).

    They are the intersections of the fixed subspaces of single elements. Two that an element takes
    into each other are of one class.

    Args:
        elements: orthogonal matrices (n, m, m), a group.

    Returns:
        Projectors of rank 1 to m - 1.
    """
    size = elements.shape[1]
    single: list[np.ndarray] = []
    for matrix in elements:
        _add(single, _null_projector(2 * np.eye(size) - matrix - matrix.T))
    found = list(single)
    for one in found:
        for other in single:
            if len(found) < SUBSPACES:
                _add(found, _null_projector(2 * np.eye(size) - one - other))
    classes: list[np.ndarray] = []
    for space in found:
        images = elements @ space @ elements.transpose(0, 2, 1)
        if 0 < round(np.trace(space)) < size and not any(
            _among(other, images) for other in classes
        ):
            classes.append(space)
    return classes


def equivalent(elements: np.ndarray, vector: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether an element takes a vector (m,) to one of the others."""
    images = elements @ vector
    return any(_among(other, images) for other in others)


def _null_projector(matrix: np.ndarray) -> np.ndarray:
    """The projector on the null space of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    null = vectors[:, values < SAME]
    return null @ null.T


def _add(found: list[np.ndarray], projector: np.ndarray) -> None:
    if round(np.trace(projector)) and not _among(projector, found):
        found.append(projector)


def _among(one: np.ndarray, others: list[np.ndarray] | np.ndarray) -> bool:
    if len(others) == 0:
        return False
    distance = np.abs(np.asarray(others) - one).reshape(len(others), -1).max(axis=1)
    return bool(distance.min() <= SAME)
