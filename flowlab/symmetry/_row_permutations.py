"""The permutations of weighted rows: what a relabeling group needs to know of its students."""

import functools as ft
import math

import numpy as np
import scipy

from . import _permutation as permutation
from ._weights import checked_weights, weight_classes


class RowPermutations:
    """The permutations of K rows that keep the rows' weights.

    Args:
        weights: One for each row, (K,).

    Raises:
        ValueError: If `weights` is not a non-empty vector of finite numbers.
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
        allowed = scipy.spatial.distance.cdist(source, target, "chebyshev") <= tol
        allowed &= self.classes[:, None] == self.classes
        if not (allowed.any(axis=0).all() and allowed.any(axis=1).all()):
            return None
        k = len(source)
        cost = np.where(allowed, 1.0 - np.eye(k), 2.0 * k)
        rows, places = scipy.optimize.linear_sum_assignment(cost)
        return tuple(places.tolist()) if allowed[rows, places].all() else None
