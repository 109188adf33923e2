"""Arrangements of n atoms in space: seen from the centroid, by distances, laid on one another.

A state is (n, d), one row for each atom.
"""

import numpy as np

from . import _complement as complement
from ._clusters import cluster
from ._coloured_graph import Table
from ._isometry import Isometry


def centred(w: np.ndarray) -> np.ndarray:
    """States (..., n, d) seen from their centroids."""
    return w - w.mean(axis=-2, keepdims=True)


def distances(w: np.ndarray) -> np.ndarray:
    """The distances (..., n, n) between the atoms of states (..., n, d)."""
    return np.linalg.norm(w[..., :, None, :] - w[..., None, :, :], axis=-1)


def spread(tol: float, dim: int) -> float:
    """What an error `tol` in each entry may change a distance by."""
    return 2 * dim**0.5 * tol


def rounding(w: np.ndarray) -> float:
    """What a rotation of the state may be off by."""
    return 32 * np.finfo(float).eps * (1.0 + float(np.abs(w).max()))


def distance_tables(classes: np.ndarray, points: list[np.ndarray], tol: float) -> list[Table]:
    """The complete graphs of states, their edges coloured jointly by distance.

    Args:
        classes: Colours of the atoms, (n,).
        points: States, each (n, d).
        tol: Errors of the entries.

    Returns:
        One table, without columns, for each state.
    """
    stack = np.stack(points)
    colours = cluster(distances(stack), spread(tol, stack.shape[-1]))
    none = np.zeros((len(classes), 0), dtype=np.int64)
    return [Table(classes, none[0], none, pairs) for pairs in colours]


def aligned(
    places: tuple[int, ...], source: np.ndarray, target: np.ndarray, tol: float
) -> Isometry:
    """The permutation with the motion that then brings `source` nearest to `target`.

    Args:
        places: The permutation.
        source: A state.
        target: A state.
        tol: Singular values below it count as zero; where there are such, the motion is proper.

    Returns:
        The element.
    """
    before, after = centred(source), centred(target)[list(places)]
    rotation = complement.aligning_rotation(before, after, tol)
    unused = complement.unused_projector(after, tol)
    if np.linalg.det(rotation) < 0 and np.trace(unused) > 0.5:
        normal = np.linalg.eigh(unused)[1][:, -1]
        rotation = rotation - 2 * np.outer(normal, normal @ rotation)
    return Isometry(places, rotation, target.mean(axis=0) - source.mean(axis=0))
