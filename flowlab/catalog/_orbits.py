"""Which orbit a point lies on, among so many that not all can be compared."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ..symmetry import AbstractGroup, TrivialGroup

SAME_LOSS = 1e-9
"""Two points whose losses differ by more (relative to 1) are not images of each other."""

SAME_NORM = 1e-6
"""The same for norms, which every symmetry preserves; used where there is no loss."""

SAME_PLACE = 1e-6
"""Entries of images that match differ by at most this."""


class Cells:
    """Tuples of numbers in a grid, so that those near a tuple are found without a search.

    Args:
        slacks: how far apart two tuples may be in each place and still count as near.
    """

    def __init__(self, slacks: Sequence[float]):
        self._slacks = slacks
        self._cells: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)

    def add(self, values: Sequence[float], number: int) -> None:
        """Put a number at a place."""
        sides = zip(values, self._slacks, strict=True)
        self._cells[tuple([math.floor(v / (4 * slack)) for v, slack in sides])].append(number)

    def near(self, values: Sequence[float]) -> list[int]:
        """Return, in order, all numbers near a place, and perhaps some a little farther away."""
        ranges = [
            range(math.floor(v / (4 * slack) - 0.26), math.floor(v / (4 * slack) + 0.26) + 1)
            for v, slack in zip(values, self._slacks, strict=True)
        ]
        found = [self._cells[key] for key in itertools.product(*ranges) if key in self._cells]
        return found[0] if len(found) == 1 else sorted(itertools.chain(*found))


class Orbits:
    """Points of different orbits, found again from any of their images.

    Points are compared by `AbstractGroup.match`, but only with those that agree with them in what
    every symmetry preserves: the loss and the group's norm. Without symmetry everything is
    preserved; a fixed linear form then tells points apart.

    Args:
        group: the symmetry.
        with_loss: whether the invariant that comes with each point is its loss, or its norm.
    """

    def __init__(self, group: AbstractGroup, *, with_loss: bool):
        self.group = group
        self.with_loss = with_loss
        self.locations: list[np.ndarray] = []
        self.invariants: list[float] = []
        self._slack = SAME_LOSS if with_loss else SAME_NORM
        size = math.prod(group.shape)
        self._form = None
        if isinstance(group, TrivialGroup):
            self._form = np.cos(np.arange(1.0, size + 1.0))
        scale = math.sqrt(size) if self._form is None else size
        self._cells = Cells((self._slack, SAME_PLACE * max(scale, 1.0)))
        self._manifolds = Cells((self._slack,))

    def __len__(self) -> int:
        return len(self.locations)

    def add(self, location: np.ndarray, invariant: float, *, on_manifold: bool = False) -> int:
        """Add a point, and return its number.

        Args:
            location: the point.
            invariant: its loss or norm.
            on_manifold: whether it stands for a critical manifold that no symmetry explains.
        """
        number = len(self.locations)
        self._cells.add(self._place(location, invariant), number)
        if on_manifold:
            self._manifolds.add((_scaled(invariant),), number)
        self.locations.append(location)
        self.invariants.append(invariant)
        return number

    def find(self, location: np.ndarray, invariant: float) -> tuple[int, Any] | None:
        """Return the first point whose orbit holds `location`, and the element that leads there."""
        for number in self._cells.near(self._place(location, invariant)):
            if not self._alike(number, invariant):
                continue
            if np.array_equal(self.locations[number], location):
                return number, self.group.identity()
            element = self.group.match(self.locations[number], location, tol=SAME_PLACE)
            if element is not None:
                return number, element
        return None

    def manifolds(self, invariant: float) -> Iterator[int]:
        """Return the points that stand for critical manifolds of that loss."""
        for number in self._manifolds.near((_scaled(invariant),)):
            if self._alike(number, invariant):
                yield number

    def _alike(self, number: int, invariant: float) -> bool:
        known = self.invariants[number]
        # Written so that what is not a number counts as alike: the locations then decide.
        return not abs(invariant - known) > self._slack * max(1.0, abs(known))

    def _place(self, location: np.ndarray, invariant: float) -> tuple[float, float]:
        flat = np.asarray(location, float).reshape(-1)
        second = self.group.norm(location) if self._form is None else float(self._form @ flat)
        return _scaled(invariant), second if math.isfinite(second) else 0.0


def _scaled(invariant: float) -> float:
    # Differences that are small relative to max(1, |x|) are small differences of asinh(x).
    return math.asinh(invariant) if math.isfinite(invariant) else 0.0


def same_manifold(one: CriticalPoint, other: CriticalPoint) -> bool:
    """Whether two points of equal loss count as one entry: of a continuum no list can be made."""
    counts = [(p.index, p.nullity, p.explained_nullity) for p in (one, other)]
    return one.unexplained_nullity > 0 and counts[0] == counts[1]
