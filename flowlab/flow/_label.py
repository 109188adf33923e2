"""Labelling what trajectories settled on: polish, collect, and doubt."""

import dataclasses
from typing import Any

import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..critical import newton_batches, outcome_of, unstable_component
from ..fields import AbstractField
from ._method import Method

SAME = 1e-6
"""Polished ends closer than this are one point."""

MOVED = 1e-3
"""A polish that moves further than this (relative) has found something else."""

NOISE = 10.0
"""A trajectory that came this many step errors away from a saddle's stable set will leave it."""


@dataclasses.dataclass
class Labels:
    """Labels for the lanes of a pool; `point` is -1 and `state` the raw end until one is found."""

    outcome: np.ndarray
    state: np.ndarray
    point: np.ndarray
    image: np.ndarray


class Labeller:
    """Turns ends of trajectories into points of a catalog and elements of the symmetry group."""

    def __init__(self, field: AbstractField, method: Method, collector: Collector, found_by: str):
        self.field = field
        self.method = method
        self.collector = collector
        self.found_by = found_by
        self.images: list[Any] = []
        self._numbers: dict[str, int] = {}

    def label(self, labels: Labels, lanes: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Label candidate lanes, in place.

        Args:
            labels: where the labels go.
            lanes: indices of the candidates.
            ends: their states, (len(lanes), *shape).

        Returns:
            Mask over `lanes` of those that must go on: the polish found no zero near by, or a
            saddle that the trajectory is bound to leave.
        """
        again = np.zeros(len(lanes), bool)
        if len(lanes) == 0:
            return again
        polished = newton_batches(self.field, ends)
        states, residuals = np.asarray(polished.state), np.asarray(polished.residual)
        size = 1 + np.abs(ends).reshape(len(ends), -1).max(-1)
        moved = np.abs(states - ends).reshape(len(ends), -1).max(-1)
        near = np.isfinite(moved) & (moved <= MOVED * size)
        again[~near] = True
        for members in _clusters(self.field, states, np.flatnonzero(near)):
            self._label_cluster(labels, lanes, ends, states, residuals, members, again)
        return again

    def _label_cluster(self, labels, lanes, ends, states, residuals, members, again) -> None:
        best = members[np.argmin(residuals[members])]
        outcome = outcome_of(self.field, states[best])
        if outcome is not Outcome.settled:
            if outcome is Outcome.singular:
                labels.outcome[lanes[members]] = outcome
            else:
                again[members] = True
            return
        point, element = self.collector.add(states[best], found_by=self.found_by, hits=0)
        staying = members
        if not self.collector.points[point].is_sink:
            # The saddle is real, and listed, even if all of them are only passing by.
            leaving = members[self._leaving(ends[members], states[members])]
            again[leaving] = True
            staying = np.setdiff1d(members, leaving)
        self.collector.hit(point, len(staying))
        chosen = lanes[staying]
        labels.outcome[chosen] = Outcome.settled
        labels.state[chosen] = states[staying]
        labels.point[chosen] = point
        labels.image[chosen] = self._number(element)

    def _leaving(self, ends: np.ndarray, states: np.ndarray) -> np.ndarray:
        noise = self.method.atol + self.method.rtol * float(np.abs(states).max(initial=0.0))
        components = [
            unstable_component(self.field, state, end)
            for end, state in zip(ends, states, strict=True)
        ]
        return np.array(components, float) > NOISE * noise

    def _number(self, element: Any) -> int:
        name = str(element)
        if name not in self._numbers:
            self._numbers[name] = len(self.images)
            self.images.append(element)
        return self._numbers[name]


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
