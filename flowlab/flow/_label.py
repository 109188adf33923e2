"""Labelling where trajectories went: recognise, polish, collect, and doubt."""

import dataclasses
import threading

import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..critical import newton_batches, outcome_of, unstable_projector
from ..fields import AbstractField
from ._anchors import SAME, Anchor, Anchors, Assign, sizes
from ._images import Images
from ._known import KnownSinks
from ._lanes import NEAR, RESTING, Lanes
from ._method import Method

MOVED = 1e-3
"""A polish that moves further than this (relative) has found something else."""

NOISE = 10.0
"""A trajectory that came this many step errors away from a saddle's stable set will leave it."""

PASSES = 6
"""How often a lane may be sent on after a rest that was none."""

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
        self._anchors = Anchors(collector, self.images, method.rtol)
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

    def _assigner(self, labels: Labels, lanes: np.ndarray) -> Assign:
        """Return what labels some of the lanes with a sink at whose image they rest."""

        def assign(members: np.ndarray, anchor: Anchor) -> None:
            state, point, image = anchor.state, anchor.point, anchor.image
            self._assign(labels, lanes[members], Outcome.settled, state, point, image)

        return assign

    def _resting(self, labels: Labels, lanes: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Label lanes that rest; return the mask of those that must go on."""
        again = np.zeros(len(lanes), bool)
        if len(lanes) == 0:
            return again
        assign = self._assigner(labels, lanes)
        left = self._anchors.recognise(ends, np.arange(len(lanes)), assign)
        trial = self._trial(ends, left)
        if 0 < len(trial) < len(left):
            again[trial] = self._polish(labels, lanes[trial], ends[trial])
            left = self._anchors.recognise(ends, left[~np.isin(left, trial)], assign)
        if len(left):
            again[left] = self._polish(labels, lanes[left], ends[left])
        return again

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
        size = sizes(ends)
        moved = np.abs(states - ends).reshape(len(ends), -1).max(-1)
        near = np.isfinite(moved) & (moved <= MOVED * size)
        again[~near] = True
        assign = self._assigner(labels, lanes)
        near = self._anchors.recognise(states, np.flatnonzero(near), assign, SAME)
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
            self._anchors.keep(states[best], point, image)
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
