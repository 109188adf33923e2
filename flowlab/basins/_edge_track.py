"""Following the boundary between two basins: a pair of trajectories that straddles it."""

import dataclasses

import numpy as np

from ..critical import probe
from ..fields import AbstractField
from ..flow import integrate
from ._bracket import section
from ._sides import UNDECIDED, Sides

SAVED = 64
"""States kept of each flight of the pair."""

EXTENSIONS = 60
"""How often the time of a flight is changed before the pair counts as one that never parts."""


@dataclasses.dataclass
class Track:
    """A pair of starts on the two sides of a boundary, and the way it has come.

    Attributes:
        pair: (2, *shape).
        labels: what the two flow to.
        width: largest distance of a pair that counts as on the boundary.
        divergence: distance at which it is brought back.
        times: times along the way.
        states: the middle of the pair then.
        returns: how many states there were each time it was brought back.
        trouble: why it cannot go on, empty if it can.
    """

    pair: np.ndarray
    labels: tuple[int, int]
    width: float
    divergence: float
    times: list[float]
    states: list[np.ndarray]
    returns: list[int] = dataclasses.field(default_factory=list)
    trouble: str = ""
    duration: float = 0.0

    @property
    def middle(self) -> np.ndarray:
        """The point half-way between the two."""
        return self.pair.mean(0)

    def bring_back(self, follow: Sides) -> bool:
        """Divide the segment between the two until they are close again; say if that worked."""
        if self.labels[0] == self.labels[1] or UNDECIDED in self.labels:
            ends = " and ".join(follow.describe(label) for label in self.labels)
            self.trouble = f"the pair no longer straddles a boundary: it flows to {ends}"
            return False
        a, b = self.pair
        tol = self.width / max(np.linalg.norm(b - a), self.width)
        near, far = (np.array([label]) for label in self.labels)
        bracket = section(follow, a[None], b[None], near, far, np.array([tol]))
        if bracket.high[0] - bracket.low[0] > 0.1 * self.divergence / self.width * tol:
            self.trouble = (
                "the sides of the boundary cannot be told apart as closely as is needed; tighten "
                "`rtol` and `atol`"
            )
            return False
        ends = np.array([bracket.low[0], bracket.high[0]]).reshape(2, *(1,) * a.ndim)
        self.pair = a + ends * (b - a)
        self.labels = self.labels[0], int(bracket.far[0])
        if not self.states:
            self.times.append(0.0)
            self.states.append(self.middle)
        self.returns.append(len(self.states))
        return True

    def fly(self, field: AbstractField, follow: Sides) -> bool:
        """Let the pair go until it has diverged, and see where the two now flow to."""
        if not self.duration:
            rate = float(np.linalg.norm(probe(field, self.middle).jacobian))
            self.duration = 1.0 / max(rate, 1e-9)
        gone = 0.0
        for _ in range(EXTENSIONS):
            times = np.linspace(0.0, self.duration, SAVED + 1)[1:]
            flight = self._flight(field, follow, times)
            gaps = (flight[1] - flight[0]).reshape(-1, field.size)
            apart = np.linalg.norm(gaps, axis=-1)
            over = np.flatnonzero(apart >= self.divergence)
            kept = int(over[0]) + 1 if len(over) else len(apart)
            if kept:
                self.times += (self.times[-1] + times[:kept]).tolist()
                self.states += list(flight.mean(0)[:kept])
                self.pair, gone = flight[:, kept - 1], gone + times[kept - 1]
            if len(over):
                # The next flight takes about as long, if it starts as close and as near.
                self.duration = gone
                near, far = follow(self.pair).tolist()
                self.labels = near, far
                return True
            # One of the two may blow up in finite time, once it is on its own.
            self.duration *= 2 if len(apart) == SAVED else 0.25
        self.trouble = "the pair cannot be followed until it parts"
        return False

    def _flight(self, field: AbstractField, follow: Sides, times: np.ndarray) -> np.ndarray:
        """States of both at `times`, (2, SAVED, *shape); fewer where one cannot be followed."""
        options = {k: follow.options[k] for k in ("solver", "rtol", "atol", "max_steps")}
        flights = [
            integrate(field, start, saveat=times, throw=False, **options) for start in self.pair
        ]
        follow.evaluations += sum(flight.evaluations for flight in flights)
        common = min(len(flight.states) for flight in flights)
        return np.stack([flight.states[:common] for flight in flights])


def recurrence(times: np.ndarray, states: np.ndarray, velocity: np.ndarray) -> float | None:
    """Return the period with which the end of a track comes back, or `None`.

    Crossings of the plane through the last state across the flow are compared: the last two loops
    must have taken equally long (to 2%) and come back to the same place (to 2% of their size).

    Args:
        times: (m,), increasing.
        states: (m, *shape).
        velocity: the field at the last state, of `shape`.

    Returns:
        The time of the last loop.
    """
    flat = states.reshape(len(states), -1)
    height = (flat - flat[-1]) @ velocity.reshape(-1)
    before = np.flatnonzero((height[:-1] < 0) & (height[1:] >= 0))
    weight = (height[before] / (height[before] - height[before + 1]))[:, None]
    places = flat[before] + weight * (flat[before + 1] - flat[before])
    moments = times[before] + weight[:, 0] * (times[before + 1] - times[before])
    size = np.linalg.norm(flat[times >= times[-1] / 2] - flat[-1], axis=-1).max()
    near = np.linalg.norm(places - flat[-1], axis=-1) <= 0.02 * size
    loops = np.diff(moments[near][-3:])
    if len(loops) < 2 or abs(loops[1] - loops[0]) > 0.02 * loops[1]:
        return None
    return float(loops[1])
