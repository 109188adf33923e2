"""How an isotropy group acts on a kernel, and the directions it singles out."""

from typing import Any

import numpy as np

from ...symmetry import AbstractGroup, Isotropy, MatrixGroup

SAME = 1e-6
"""Vectors and subspaces closer than this are one."""

MOST_SPACES = 400
"""More fixed subspaces than this are not intersected with one another."""

MOST_IMAGES = 10_000
"""Longer orbits are not counted."""


def action(group: AbstractGroup[Any], isotropy: Isotropy[Any], kernel: np.ndarray) -> np.ndarray:
    """Matrices (g, k, k) by which generators of an isotropy group act on a kernel (k, *shape)."""
    rows = kernel.reshape(len(kernel), -1)
    elements = (*isotropy.generators, *isotropy.reflections)
    moved = [np.asarray(group.act(g, kernel)).reshape(len(kernel), -1) for g in elements]
    matrices = [rows @ images.T for images in moved]
    return np.array(matrices).reshape(-1, len(kernel), len(kernel))


def axes(matrices: np.ndarray, dimension: int) -> np.ndarray:
    """Return the axes of a group: unit vectors (n, k) that span the fixed line of a subgroup.

    By the equivariant branching lemma a branch leaves along each of them. They are the lines among
    the intersections of fixed subspaces of single elements, one for each orbit of lines. A group of
    more than 2,000 elements is not listed, and no axes are returned.

    Args:
        matrices: generators, (g, k, k).
        dimension: k.

    Returns:
        The axes; n may be 0.
    """
    if dimension == 1:
        return np.ones((1, 1))
    if len(matrices) == 0:
        return np.zeros((0, dimension))
    try:
        elements = MatrixGroup(list(matrices)).elements()
    except ValueError:
        return np.zeros((0, dimension))
    spaces = _intersections([_fixed(element.matrix) for element in elements])
    lines = [_signed(space[0]) for space in spaces if len(space) == 1]
    found: list[np.ndarray] = []
    for line in lines:
        if not any(_contains(orbit_of_line(matrices, other), line) for other in found):
            found.append(line)
    return np.array(found).reshape(-1, dimension)


def orbit_of_line(matrices: np.ndarray, vector: np.ndarray) -> list[np.ndarray]:
    """The images of the line through `vector`, as unit vectors of a chosen sign, itself first."""
    found = [_signed(vector)]
    for line in found:
        for matrix in matrices:
            image = _signed(matrix @ line)
            if not _contains(found, image):
                found.append(image)
        if len(found) > MOST_IMAGES:
            break
    return found


def _contains(lines: list[np.ndarray], line: np.ndarray) -> bool:
    return bool(np.abs(np.array(lines) - line).max(axis=1).min() < 1e2 * SAME)


def _signed(vector: np.ndarray) -> np.ndarray:
    """The unit vector along the line whose first entry that is not small is positive."""
    unit = vector / np.linalg.norm(vector)
    return unit * np.sign(unit[np.flatnonzero(np.abs(unit) > 1e-3)[0]])


def _fixed(matrix: np.ndarray) -> np.ndarray:
    """An orthonormal basis (m, k) of what an orthogonal matrix leaves in place."""
    values, vectors = np.linalg.eigh(2 * np.eye(len(matrix)) - matrix - matrix.T)
    return vectors[:, values < SAME].T


def _intersections(spaces: list[np.ndarray]) -> list[np.ndarray]:
    """All intersections of subspaces that are not 0, each once."""
    found: list[np.ndarray] = []
    projectors: list[np.ndarray] = []

    def add(space: np.ndarray) -> None:
        projector = space.T @ space
        if len(space) and not any(np.abs(projector - p).max() < SAME for p in projectors):
            found.append(space)
            projectors.append(projector)

    for space in spaces:
        add(space)
    single = len(found)
    for space in found:
        if len(space) == 1 or len(found) > MOST_SPACES:
            continue
        for other in found[:single]:
            add(_intersection(space, other))
    return found


def _intersection(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    left, singular, _ = np.linalg.svd(one @ other.T)
    shared = np.zeros(len(one), bool)
    shared[: len(singular)] = singular > 1 - SAME
    return left[:, shared].T @ one
