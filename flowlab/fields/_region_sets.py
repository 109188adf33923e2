"""Regions made of functions and of other regions."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ._closed_form import evaluate, name_of
from ._regions import AbstractRegion, BallRegion, BoxRegion, largest


class Sublevel(AbstractRegion):
    r"""The closed sublevel set :math:`V(w) \le c`, or the part of it in a bounded region.

    Args:
        V: a function of the state, such as a `ClosedForm` (which proofs need).
        c: the level.
        within: a bounded region to which the set is confined.

    Raises:
        ValueError: if the level is not finite.

    Example:
        >>> import flowlab as fl
        >>> bowl = fl.ClosedForm(lambda xp, w: xp.square(w).sum())
        >>> fl.Sublevel(bowl, 1.0).contains([[0.5, 0.5], [1.0, 1.0]]).tolist()
        [True, False]
    """

    V: Callable[[Any], Any]
    c: float
    within: AbstractRegion | None = None

    def __check_init__(self) -> None:
        if not np.isfinite(self.c):
            raise ValueError(f"c is {self.c!r}; needed: a finite level.")

    def level(self, xp: Any, w: Any) -> Any:
        """Return the value less the level."""
        level = evaluate(self.V, xp, w) - self.c
        return level if self.within is None else xp.maximum(level, self.within.level(xp, w))

    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return those of the region to which the set is confined."""
        return None if self.within is None else self.within.bounds()

    def source(self) -> BallRegion | BoxRegion:
        """Return that of the region to which the set is confined."""
        return super().source() if self.within is None else self.within.source()

    def __repr__(self) -> str:
        confined = "" if self.within is None else f", within={self.within!r}"
        return f"Sublevel({name_of(self.V)}, {self.c:.6g}{confined})"


class Intersection(AbstractRegion):
    """The points that lie in all of several regions.

    Args:
        *regions: two or more regions, at least one of them bounded. Draws come from the bounded one
            whose bounding box is smallest.

    Raises:
        ValueError: if no region is given.

    Example:
        >>> import flowlab as fl
        >>> half = fl.Intersection(fl.BallRegion([0, 0], 1), fl.HalfSpace([1, 0]))
        >>> half.contains([[-0.5, 0.0], [0.5, 0.0]]).tolist()
        [True, False]
    """

    regions: tuple[AbstractRegion, ...]

    def __init__(self, *regions: AbstractRegion):
        if not regions:
            raise ValueError("Intersection() of nothing; needed: one region or more.")
        self.regions = regions

    def level(self, xp: Any, w: Any) -> Any:
        """Return the largest of the levels."""
        return largest(xp, [region.level(xp, w) for region in self.regions])

    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the intersection of the bounding boxes (empty sets keep a point)."""
        known = [box for region in self.regions if (box := region.bounds()) is not None]
        if not known:
            return None
        lower = functools.reduce(np.maximum, [box[0] for box in known])
        return lower, np.maximum(lower, functools.reduce(np.minimum, [box[1] for box in known]))

    def source(self) -> BallRegion | BoxRegion:
        """Return that of the smallest region that is bounded."""
        self.require_bounds()
        sizes = [_volume(region.bounds()) for region in self.regions]
        return self.regions[int(np.argmin(sizes))].source()

    def __repr__(self) -> str:
        return f"Intersection({', '.join(map(repr, self.regions))})"


class Difference(AbstractRegion):
    """The points of one region that lie in the inside of no other, boundary included.

    Args:
        region: where the points lie.
        *holes: the regions whose inside is taken out.

    Example:
        >>> import flowlab as fl
        >>> ring = fl.Difference(fl.BallRegion([0, 0], 2), fl.BallRegion([0, 0], 1))
        >>> ring.contains([[1.5, 0.0], [0.5, 0.0]]).tolist()
        [True, False]
    """

    region: AbstractRegion
    holes: tuple[AbstractRegion, ...]

    def __init__(self, region: AbstractRegion, *holes: AbstractRegion):
        self.region, self.holes = region, holes

    def level(self, xp: Any, w: Any) -> Any:
        """Return the largest of the region's level and the holes' negative levels."""
        return largest(xp, [self.region.level(xp, w), *(-hole.level(xp, w) for hole in self.holes)])

    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return those of the region."""
        return self.region.bounds()

    def source(self) -> BallRegion | BoxRegion:
        """Return that of the region."""
        return self.region.source()

    def __repr__(self) -> str:
        return f"Difference({', '.join(map(repr, (self.region, *self.holes)))})"


def _volume(bounds: tuple[np.ndarray, np.ndarray] | None) -> float:
    return np.inf if bounds is None else float(np.prod(bounds[1] - bounds[0]))
