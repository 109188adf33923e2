"""Section of segments of starts until two that go different ways are close together."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from ._sides import UNDECIDED

LEVELS = 200
"""More levels than any tolerance needs: floats cannot be divided so often."""

LANES = 64
"""With few segments, starts a level: integrating some more together costs little."""


@dataclasses.dataclass(frozen=True)
class Bracket:
    """Two parameters on each of n segments, and what the starts there flow to.

    Attributes:
        low: (n,), a start in the basin of the segment's first end.
        high: (n,), the next one known to flow elsewhere.
        far: (n,), the label at `high`.
        first: (n,), the lowest parameter between them without a label; NaN if there is none.
        last: (n,), the highest one.
        met: (n,), a set for each segment: the labels seen on it.
    """

    low: np.ndarray
    high: np.ndarray
    far: np.ndarray
    first: np.ndarray
    last: np.ndarray
    met: list[set[int]]

    @property
    def open_width(self) -> np.ndarray:
        """What is left to divide: all but the stretch whose starts reach no attractor."""
        width = self.high - self.low
        return np.where(np.isnan(self.first), width, width - (self.last - self.first))

    @property
    def middle(self) -> np.ndarray:
        """(n,), the best single parameter."""
        found = ~np.isnan(self.first)
        return np.where(found, self.first + self.last, self.low + self.high) / 2


def section(
    follow: Callable[[np.ndarray], np.ndarray],
    a: np.ndarray,
    b: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    tol: np.ndarray,
) -> Bracket:
    """Divide segments until a start that goes with the first end lies within `tol` of one that not.

    All segments advance together: k starts are followed on each at every level, so the brackets
    shrink by k + 1. A start that reaches no attractor (it lies on the stable manifold of a saddle,
    as far as the integrator can tell) decides nothing: what lies on either side of it is divided.

    Args:
        follow: labels of starts (m, *shape).
        a: first ends, (n, *shape).
        b: second ends, (n, *shape).
        near: labels of the first ends, (n,).
        far: labels of the second ends, (n,), others.
        tol: widths wanted, (n,), in units of the segments.

    Returns:
        A `Bracket`; wider than `tol` where labels could not be told apart.
    """
    count = len(a)
    none = np.full(count, np.nan)
    met = [{int(one), int(other)} for one, other in zip(near, far, strict=True)]
    bracket = Bracket(np.zeros(count), np.ones(count), far.copy(), none, none.copy(), met)
    for _ in range(LEVELS):
        active = np.flatnonzero(bracket.open_width > tol)
        # Not more than it takes to finish at this level.
        wanted = math.ceil((bracket.open_width / tol).max(initial=1.0))
        if len(active) == 0:
            break
        points = min(wanted, max(2, LANES // (2 * len(active)))) // 2 * 2 or 2
        samples = np.stack([_samples(bracket, i, points) for i in active.tolist()])
        inside = (samples > bracket.low[active, None]) & (samples < bracket.high[active, None])
        if not inside.any():
            break
        labels = follow(_along(a[active], b[active], samples))
        for row, i in enumerate(active.tolist()):
            _narrow(bracket, i, near[i], samples[row], labels.reshape(samples.shape)[row])
    return bracket


def _along(a: np.ndarray, b: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The starts at parameters (n, k) of n segments, (n k, *shape)."""
    s = samples.reshape(*samples.shape, *(1,) * (a.ndim - 1))
    return (a[:, None] + s * (b - a)[:, None]).reshape(-1, *a.shape[1:])


def _samples(bracket: Bracket, i: int, points: int) -> np.ndarray:
    """Where to look next on segment `i`: an even number of points, so never just the middle."""
    low, high, first, last = (
        float(values[i]) for values in (bracket.low, bracket.high, bracket.first, bracket.last)
    )
    if math.isnan(first):
        return np.linspace(low, high, points + 2)[1:-1]
    half = points // 2 + 2
    sides = np.linspace(low, first, half)[1:-1], np.linspace(last, high, half)[1:-1]
    return np.concatenate(sides)


def _narrow(bracket: Bracket, i: int, near: int, samples: np.ndarray, labels: np.ndarray) -> None:
    """Move the ends of bracket `i` to the first change of label among its samples."""
    places = np.concatenate([[bracket.low[i]], samples, [bracket.high[i]]])
    found = np.concatenate([[near], labels, [bracket.far[i]]])
    bracket.met[i].update(labels[labels != UNDECIDED].tolist())
    change = np.flatnonzero((found != near) & (found != UNDECIDED))[0]
    same = np.flatnonzero(found[:change] == near)[-1]
    bracket.low[i], bracket.high[i], bracket.far[i] = places[same], places[change], found[change]
    silent = [*places[same + 1 : change], bracket.first[i], bracket.last[i]]
    silent = [s for s in silent if bracket.low[i] < s < bracket.high[i]]
    bracket.first[i] = min(silent, default=np.nan)
    bracket.last[i] = max(silent, default=np.nan)
