"""The permutations of the students of a two-layer network."""

import functools as ft
import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from . import _permutation as permutation
from ._clusters import cluster

if TYPE_CHECKING:
    from ._relabeling_group import RelabelingGroup
    from ._stabilizer import TeacherStabilizer

_EQUAL_WEIGHTS = 1e-10


class StudentPermutations:
    r"""The permutations of K students that keep their output weights.

    The network :math:`\sum_j a_j \sigma(w_j \cdot x)` does not change when students of equal
    weight change places. Combine it with what the teacher allows: ``students * stabilizer``, or,
    when nothing else survives (data instead of a law of inputs), ``students.rigid(d)``.

    Args:
        weights: Output weights a, (K,).

    Raises:
        ValueError: If `weights` is not a non-empty vector of finite numbers.

    Example:
        >>> StudentPermutations(np.ones(4)).order
        24
    """

    def __init__(self, weights: np.ndarray):
        self.weights = checked_weights(weights, "weights", "students")

    @ft.cached_property
    def classes(self) -> np.ndarray:
        """(K,) integers: students of equal weight have equal class."""
        return weight_classes(self.weights)

    @property
    def order(self) -> int:
        """The number of permutations: a product of factorials."""
        return math.prod(math.factorial(int(n)) for n in np.bincount(self.classes))

    def generators(self) -> list[tuple[int, ...]]:
        """Swaps of neighbours of equal weight, as tuples of places."""
        return permutation.transpositions(self.classes)

    def random(self, rng: np.random.Generator) -> tuple[int, ...]:
        """A uniformly random permutation."""
        return permutation.random_within(self.classes, rng)

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> tuple[int, ...] | None:
        """The permutation taking the rows of `source` to those of `target` that moves fewest.

        Args:
            source: (K, d).
            target: (K, d).
            tol: Largest difference of an entry.

        Returns:
            Places of the students, found as an assignment; None if there is no such permutation.
        """
        allowed = cdist(source, target, "chebyshev") <= tol
        allowed &= self.classes[:, None] == self.classes
        if not (allowed.any(axis=0).all() and allowed.any(axis=1).all()):
            return None
        k = len(source)
        cost = np.where(allowed, 1.0 - np.eye(k), 2.0 * k)
        rows, places = linear_sum_assignment(cost)
        return tuple(places.tolist()) if allowed[rows, places].all() else None

    def rigid(self, d: int) -> "RelabelingGroup":
        """The group that permutes the rows of (K, d) arrays and does nothing else."""
        from ._stabilizer import TeacherStabilizer

        return self * TeacherStabilizer.trivial(d)

    def __mul__(self, stabilizer: "TeacherStabilizer") -> "RelabelingGroup":
        # The product knows its factors; this import is inside so that they need not know it.
        from ._relabeling_group import RelabelingGroup

        return RelabelingGroup(self, stabilizer)

    def __repr__(self) -> str:
        return f"StudentPermutations(K={len(self.weights)}, order={self.order})"


def checked_weights(weights: np.ndarray, name: str, whose: str) -> np.ndarray:
    """`weights` as a non-empty float64 vector of finite numbers.

    Raises:
        ValueError: If it is something else.
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` has shape {array.shape}; needed is a vector of finite numbers, one for "
            f"each of the {whose}. For equal weights pass np.ones(n)."
        )
    return array


def weight_classes(weights: np.ndarray) -> np.ndarray:
    """Weights that differ only by rounding get one class; classes ascend with the weight."""
    return cluster(weights, _EQUAL_WEIGHTS * np.abs(weights).max(initial=0.0))
