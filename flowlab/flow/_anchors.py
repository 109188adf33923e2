"""Recognising ends of trajectories at images of sinks met before."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..catalog import Collector
from ._images import Images

SAME, NEARBY, LINEAR = 1e-6, 1e-4, 1e-2
"""An end lies at a known sink if it is closer (relative) than `LINEAR` times the ratio of its
smallest to its largest rate, at least `SAME`, at most `NEARBY`: slow directions keep ends away from
a sink, and other critical points farther still."""

ANCHORS = 64
"""Most images of sinks that are kept at hand; of longer orbits each end is matched by itself."""


@dataclasses.dataclass(frozen=True)
class Anchor:
    """An image of an isolated sink at which ends are recognised."""

    state: np.ndarray
    point: int
    image: int
    reach: float
    """How close an end must be, relative to its size."""


Assign = Callable[[np.ndarray, Anchor], None]
"""Told which ends lie at an anchor."""


class Anchors:
    """The images of isolated sinks that ends were found at, and what else is on their orbits.

    Args:
        collector: the points; sinks that come in later are recognised too.
        images: numbers of the group elements.
        rtol: relative tolerance of the integration, below which ends scatter.
    """

    def __init__(self, collector: Collector, images: Images, rtol: float):
        self._collector, self._images, self._rtol = collector, images, rtol
        self._anchors: list[Anchor] = []
        for number, point in enumerate(collector.points):
            if point.is_isolated_sink and point.orbit_size == 1:
                same = images.number(collector.group.identity())
                self.keep(np.asarray(point.location), number, same)

    def keep(self, state: np.ndarray, point: int, image: int) -> Anchor:
        """Return an anchor, kept for later ends unless its orbit is too long for that."""
        anchor = Anchor(state, point, image, self._reach(point))
        if self._collector.points[point].orbit_size == 1 or len(self._anchors) < ANCHORS:
            self._anchors.append(anchor)
        return anchor

    def recognise(
        self, ends: np.ndarray, left: np.ndarray, assign: Assign, most: float = NEARBY
    ) -> np.ndarray:
        """Assign those ends that lie at an image of a sink met before; return the others.

        Args:
            ends: (n, *shape).
            left: which of them to look at.
            assign: called with members of `left` and their anchor.
            most: nothing farther than this (relative) is recognised.
        """
        left = self._at_anchors(ends, left, assign, most)
        if len(left) == 0:
            return left
        missed: list[int] = []
        sinks, size = self._sinks_with_images(most), sizes(ends)
        while len(left) and sinks:
            place, left = left[0], left[1:]
            anchor = self._image_of(sinks, ends[place], float(size[place]))
            if anchor is None:
                missed.append(place)
                continue
            assign(np.array([place]), anchor)
            if anchor is self._anchors[-1]:
                # Others that went to the same image are recognised all at once.
                left = self._at_anchors(ends, left, assign, most)
        return np.concatenate([np.array(missed, int), left])

    def _at_anchors(
        self, ends: np.ndarray, left: np.ndarray, assign: Assign, most: float
    ) -> np.ndarray:
        if len(left) == 0 or not self._anchors:
            return left
        flat, size = ends[left].reshape(len(left), -1), sizes(ends[left])
        best, nearest = np.full(len(left), np.inf), np.zeros(len(left), int)
        for number, anchor in enumerate(self._anchors):
            gap = np.abs(flat - anchor.state.reshape(-1)).max(-1)
            gap[gap > min(anchor.reach, most) * size] = np.inf
            closer = gap < best
            best[closer], nearest[closer] = gap[closer], number
        found = np.isfinite(best)
        for number in np.unique(nearest[found]):
            assign(left[found & (nearest == number)], self._anchors[number])
        return left[~found]

    def _reach(self, point: int) -> float:
        """How close to a sink an end must be to lie at it, relative to its size."""
        eigenvalues = self._collector.points[point].eigenvalues
        rates = LINEAR * np.abs(eigenvalues.real).min() / np.abs(eigenvalues).max()
        return max(100 * self._rtol, float(np.clip(rates, SAME, NEARBY)))

    def _sinks_with_images(self, most: float) -> list[tuple[int, np.ndarray, float, float]]:
        """Number, location, norm and reach of each isolated sink of more than one image."""
        return [
            (number, p.location, float(np.linalg.norm(p.location)), min(self._reach(number), most))
            for number, p in enumerate(self._collector.points)
            if p.is_isolated_sink and p.orbit_size > 1
        ]

    def _image_of(self, sinks, end: np.ndarray, size: float) -> Anchor | None:
        """Return the image of a sink within whose reach an end lies."""
        norm = float(np.linalg.norm(end))
        for point, location, length, reach in sinks:
            tol = reach * size
            if abs(norm - length) > tol * end.size**0.5:
                continue
            element = self._collector.group.match(location, end, tol=tol)
            if element is not None:
                state = np.asarray(self._collector.group.act(element, location))
                return self.keep(state, point, self._images.number(element))
        return None


def sizes(states: np.ndarray) -> np.ndarray:
    """One more than the largest entry of each state, (n,)."""
    return 1 + np.abs(states).reshape(len(states), -1).max(-1)
