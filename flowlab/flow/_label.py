"""Labelling where trajectories went: recognise, polish, collect, and doubt."""

import dataclasses
import threading

import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..critical import newton_batches, outcome_of, unstable_projector
from ..fields import AbstractField
from ._images import Images
from ._known import KnownSinks
from ._lanes import NEAR, RESTING, Lanes
from ._method import Method

SAME, NEARBY, LINEAR = 1e-6, 1e-4, 1e-2
"""An end lies at a known sink if it is closer (relative) than `LINEAR` times the ratio of its
smallest to its largest rate, at least `SAME`, at most `NEARBY`: slow directions keep ends away from
a sink, and other critical points farther still."""

MOVED = 1e-3
"""A polish that moves further than this (relative) has found something else."""

NOISE = 10.0
"""A trajectory that came this many step errors away from a saddle's stable set will leave it."""

PASSES = 6
"""How often a lane may be sent on after a rest that was none."""

ANCHORS = 64
"""Most images of sinks that are kept at hand; of longer orbits each end is matched by itself."""

CELLS = 32
"""Most ends that are polished on trial, to see whether the others lie where they lead."""


@dataclasses.dataclass
class Labels:
    """Labels of trajectories; `point` and `image` are -1 and `state` the raw end until found."""

    outcome: np.ndarray
    state: np.ndarray
    point: np.ndarray
    image: np.ndarray
    passes: np.ndarray

    @classmethod
    def blank(cls, states: np.ndarray) -> "Labels":
        """Return the labels of trajectories of which nothing is known."""
        none = np.full(len(states), -1)
        exhausted = np.full(len(states), Outcome.exhausted, np.int8)
        return cls(exhausted, np.array(states), none, none.copy(), np.zeros(len(states), int))


@dataclasses.dataclass(frozen=True)
class Anchor:
    """An image of an isolated sink at which ends are recognised."""

    state: np.ndarray
    point: int
    image: int
    reach: float
    """How close an end must be, relative to its size."""


class Labeller:
    """Turns ends of trajectories into points of a collection and elements of the symmetry group.

    It may be shared by threads. Points are numbered in the order in which they are met, which
    depends on the order of the work; whoever reports them numbers them anew.
    """

    def __init__(
        self,
        field: AbstractField,
        method: Method,
        collector: Collector,
        known: KnownSinks,
        found_by: str,
    ):
        self.field, self.method, self.collector = field, method, collector
        self.known, self.found_by, self.group = known, found_by, collector.group
        self.images = Images()
        self.passed: dict[int, np.ndarray] = {}
        """Saddles at which lanes rested, by point, whether or not one stayed."""
        self._anchors: list[Anchor] = []
        self._lock = threading.Lock()
        listed = [(image.point, self.images.number(image.element)) for image in known.images]
        self._listed = np.array(listed, int).reshape(-1, 2)

    def label(
        self, labels: Labels, paths: Lanes, lanes: np.ndarray, status: np.ndarray
    ) -> np.ndarray:
        """Label lanes that stopped being live, in place.

        Args:
            labels: where the labels go.
            paths: the trajectories.
            lanes: which of them stopped.
            status: with what status, (len(lanes),).

        Returns:
            Mask over `lanes` of those that must go on: what they rested at is none, or a saddle
            that they are bound to leave, or no capture ball is where they are slow.
        """
        again = np.zeros(len(lanes), bool)
        ended = status >= 0
        labels.outcome[lanes[ended]] = status[ended]
        ends = paths.w[:, lanes].T.reshape(-1, *self.field.shape)
        labels.state[lanes[ended]] = ends[ended]
        with self._lock:
            self._captured(labels, lanes, ends, status == Outcome.captured)
            again |= self._near(labels, paths, lanes, ends, status == NEAR)
            resting = np.flatnonzero(status == RESTING)
            again[resting] = self._resting(labels, lanes[resting], ends[resting])
        sent = lanes[resting][again[resting]]
        paths.armed[sent] = False
        labels.passes[sent] += 1
        spent = again & (labels.passes[lanes] >= PASSES)
        labels.state[lanes[spent]] = ends[spent]
        return again & ~spent

    def _captured(self, labels: Labels, lanes, ends, mask) -> None:
        """Label the lanes that the kernel found in a listed ball."""
        chosen = np.flatnonzero(mask)
        if len(chosen) == 0:
            return
        inside = np.stack([image.ball.contains(ends[chosen]) for image in self.known.images])
        which = inside.argmax(0)
        states = np.stack([image.state for image in self.known.images])
        labels.state[lanes[chosen]] = states[which]
        labels.point[lanes[chosen]] = self._listed[which, 0]
        labels.image[lanes[chosen]] = self._listed[which, 1]

    def _near(self, labels: Labels, paths: Lanes, lanes, ends, mask) -> np.ndarray:
        """Label the slow lanes that are in an unlisted ball; the others get a lower gate."""
        again = np.zeros(len(lanes), bool)
        for place in np.flatnonzero(mask):
            lane = lanes[place]
            image = self.known.find(ends[place], float(paths.gate[lane]))
            if image is None:
                again[place] = True
                paths.gate[lane] /= 4
            else:
                number = self.images.number(image.element)
                self._assign(labels, lane, Outcome.captured, image.state, image.point, number)
        return again

    def _assign(self, labels: Labels, lanes, outcome, state, point: int, image: int) -> None:
        labels.outcome[lanes], labels.state[lanes] = outcome, state
        labels.point[lanes], labels.image[lanes] = point, image

    def _resting(self, labels: Labels, lanes: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Label lanes that rest; return the mask of those that must go on."""
        again = np.zeros(len(lanes), bool)
        if len(lanes) == 0:
            return again
        left = self._by_anchor(labels, lanes, ends, np.arange(len(lanes)))
        left = self._by_symmetry(labels, lanes, ends, left)
        trial = self._trial(ends, left)
        if 0 < len(trial) < len(left):
            again[trial] = self._polish(labels, lanes[trial], ends[trial])
            left = self._by_anchor(labels, lanes, ends, left[~np.isin(left, trial)])
            left = self._by_symmetry(labels, lanes, ends, left)
        if len(left):
            again[left] = self._polish(labels, lanes[left], ends[left])
        return again

    def _reach(self, point: int) -> float:
        """How close to a sink an end must be to lie at it, relative to its size."""
        eigenvalues = self.collector.points[point].eigenvalues
        rates = LINEAR * np.abs(eigenvalues.real).min() / np.abs(eigenvalues).max()
        return max(100 * self.method.rtol, float(np.clip(rates, SAME, NEARBY)))

    def _keep(self, state: np.ndarray, point: int, image: int) -> Anchor:
        """Return an anchor, kept for later ends unless its orbit is too long for that."""
        anchor = Anchor(state, point, image, self._reach(point))
        if self.collector.points[point].orbit_size == 1 or len(self._anchors) < ANCHORS:
            self._anchors.append(anchor)
        return anchor

    def _by_anchor(
        self, labels: Labels, lanes, ends, left: np.ndarray, most: float = NEARBY
    ) -> np.ndarray:
        """Label those of `left` that lie at a sink met before; return the others.

        Nothing farther than `most` (relative) is recognised.
        """
        if len(left) == 0 or not self._anchors:
            return left
        flat, size = ends[left].reshape(len(left), -1), _sizes(ends[left])
        rows = np.arange(len(left))
        best, nearest = np.full(len(left), np.inf), np.zeros(len(left), int)
        for number, anchor in enumerate(self._anchors):
            gap = np.abs(flat - anchor.state.reshape(-1)).max(-1)
            gap[gap > min(anchor.reach, most) * size] = np.inf
            closer = gap < best
            best[closer], nearest[closer] = gap[closer], number
        found = np.isfinite(best)
        for number in np.unique(nearest[found]):
            members = lanes[left[rows[found & (nearest == number)]]]
            self._assign_anchor(labels, members, self._anchors[number])
        return left[~found]

    def _assign_anchor(self, labels: Labels, lanes, anchor: Anchor) -> None:
        self._assign(labels, lanes, Outcome.settled, anchor.state, anchor.point, anchor.image)

    def _by_symmetry(
        self, labels: Labels, lanes, ends, left: np.ndarray, most: float = NEARBY
    ) -> np.ndarray:
        """Label those of `left` that lie at an image of a sink met before; return the others."""
        missed: list[int] = []
        sinks, size = self._sinks_with_images(most), _sizes(ends)
        while len(left) and sinks:
            place, left = left[0], left[1:]
            anchor = self._image_of(sinks, ends[place], float(size[place]))
            if anchor is None:
                missed.append(place)
                continue
            self._assign_anchor(labels, lanes[place], anchor)
            if anchor is self._anchors[-1]:
                # Others that went to the same image are recognised all at once.
                left = self._by_anchor(labels, lanes, ends, left, most)
        return np.concatenate([np.array(missed, int), left])

    def _sinks_with_images(self, most: float) -> list[tuple[int, np.ndarray, float, float]]:
        """Number, location, norm and reach of each isolated sink of more than one image."""
        return [
            (number, p.location, float(np.linalg.norm(p.location)), min(self._reach(number), most))
            for number, p in enumerate(self.collector.points)
            if p.is_isolated_sink and p.orbit_size > 1
        ]

    def _image_of(self, sinks, end: np.ndarray, size: float) -> Anchor | None:
        """Return the image of a sink within whose reach an end lies."""
        norm = float(np.linalg.norm(end))
        for point, location, length, reach in sinks:
            tol = reach * size
            if abs(norm - length) > tol * end.size**0.5:
                continue
            element = self.group.match(location, end, tol=tol)
            if element is not None:
                state = np.asarray(self.group.act(element, location))
                return self._keep(state, point, self.images.number(element))
        return None

    def _trial(self, ends: np.ndarray, left: np.ndarray) -> np.ndarray:
        """Return a few of `left`, one for each place where ends gather."""
        rounded = np.round(ends[left].reshape(len(left), self.field.size) / MOVED)
        _, first = np.unique(rounded, axis=0, return_index=True)
        return left[np.sort(first)[:CELLS]]

    def _polish(self, labels: Labels, lanes: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Polish ends by Newton steps, and label those that lie at the zero it finds."""
        again = np.zeros(len(lanes), bool)
        polished = newton_batches(self.field, ends)
        states, residuals = np.asarray(polished.state), np.asarray(polished.residual)
        size = _sizes(ends)
        moved = np.abs(states - ends).reshape(len(ends), -1).max(-1)
        near = np.isfinite(moved) & (moved <= MOVED * size)
        again[~near] = True
        near = self._by_anchor(labels, lanes, states, np.flatnonzero(near), SAME)
        near = self._by_symmetry(labels, lanes, states, near, SAME)
        for members in _clusters(self.field, states, near):
            best = members[np.argmin(residuals[members])]
            outcome = outcome_of(self.field, states[best])
            if outcome is Outcome.settled:
                again[members] = self._collect(labels, lanes, ends, states, members, best)
            elif outcome is Outcome.singular:
                labels.outcome[lanes[members]] = outcome
                labels.state[lanes[members]] = ends[members]
            else:
                again[members] = True
        return again

    def _collect(self, labels: Labels, lanes, ends, states, members, best: int) -> np.ndarray:
        """Label lanes that rest at one critical point; return the mask of those that leave it."""
        point, element = self.collector.add(states[best], found_by=self.found_by, hits=0)
        image, record = self.images.number(element), self.collector.points[point]
        leaving = np.zeros(len(members), bool)
        if record.is_isolated_sink:
            self._keep(states[best], point, image)
        if not record.is_sink:
            # The saddle is real, and listed, even if all of them are only passing by.
            self.passed.setdefault(point, states[best])
            leaving = self._leaving(ends[members], states[members])
        staying = members[~leaving]
        self._assign(labels, lanes[staying], Outcome.settled, states[staying], point, image)
        return leaving

    def _leaving(self, ends: np.ndarray, states: np.ndarray) -> np.ndarray:
        noise = self.method.atol + self.method.rtol * float(np.abs(states).max(initial=0.0))
        gaps = (ends - states).reshape(len(ends), -1)
        rounded = np.round(states.reshape(len(states), -1) / SAME)
        _, first, inverse = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        leaving = np.zeros(len(ends), bool)
        for number, place in enumerate(first):
            members = inverse.reshape(-1) == number
            parts = gaps[members] @ unstable_projector(self.field, states[place]).T
            leaving[members] = np.linalg.norm(parts, axis=-1) > NOISE * noise
        return leaving


def _sizes(states: np.ndarray) -> np.ndarray:
    """One more than the largest entry of each state, (n,)."""
    return 1 + np.abs(states).reshape(len(states), -1).max(-1)


def _clusters(field: AbstractField, states: np.ndarray, chosen: np.ndarray) -> list[np.ndarray]:
    """Group indices of states that are one point, or one flat family, up to rounding."""
    if len(chosen) == 0:
        return []
    rounded = np.round(states[chosen].reshape(len(chosen), -1) / SAME)
    first, inverse = np.unique(rounded, axis=0, return_index=True, return_inverse=True)[1:]
    groups: dict[bytes, list[np.ndarray]] = {}
    for number, index in enumerate(first):
        merged = field.representative(states[chosen[index]])
        key = (np.round(merged / SAME) + 0.0).tobytes()
        groups.setdefault(key, []).append(chosen[inverse.reshape(-1) == number])
    return [np.concatenate(parts) for parts in groups.values()]
