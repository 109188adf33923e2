r"""When to look at a growing sample, and how sure each look must be.

An interval that is valid for a number of starts fixed in advance is not valid when the data decide
the number. So the looks are fixed in advance, and each has its own small share of the error
probability :math:`\alpha`. With chance at least :math:`1-\alpha` the intervals of *all* looks hold,
so the one at which the sampling stops holds, whatever made it stop.
"""

import dataclasses

import numpy as np

from ._interval import lower_limit, upper_limit

LAST_SHARE = 0.8
"""Share of the error probability kept for the last look; each earlier look gets half of the rest.
The last look then needs 5 to 10% more starts than an interval of fixed size would, and fractions
near 0 or 1 stop much earlier."""

GROWTH = 2
"""Each look has this many times the starts of the one before."""


@dataclasses.dataclass(frozen=True)
class Look:
    """A moment at which the sampling may stop.

    Attributes:
        starts: number of starts at this look.
        confidence: confidence of each interval computed at this look.

    Example:
        >>> from flowlab.basins import Look
        >>> Look(starts=1_000, confidence=0.75).error
        0.25
    """

    starts: int
    confidence: float

    @property
    def error(self) -> float:
        """The probability that is spent here."""
        return 1 - self.confidence


def looks(half_width: float, confidence: float, most: int | None = None) -> tuple[Look, ...]:
    r"""Plan the looks after which every half-width is at most the one asked for.

    Look j of m spends :math:`\alpha_j`, with :math:`\sum_j\alpha_j = \alpha` and
    :math:`\alpha_{m-1} = \alpha/10, \alpha_{m-2} = \alpha/20, \dots`. The last look has so many
    starts that a fraction of 1/2, the worst case, is known well enough; a look at which not even a
    fraction of 0 would be is left out.

    Args:
        half_width: half the width of an interval, at most.
        confidence: probability with which each interval must hold.
        most: the most starts that may be spent; the last look is then the largest allowed.

    Returns:
        The looks, in order.

    Example:
        >>> from flowlab.basins._schedule import looks
        >>> [look.starts for look in looks(half_width=0.01, confidence=0.95)]
        [662, 1323, 2645, 5289, 10577]
    """
    plan = longer = _plan(half_width, 1 - confidence, 1)
    # A single start is no look at anything; it also ends the loop for half-widths near 1/2.
    while longer[0].starts > 1 and widest(0, longer[0]) <= half_width:
        plan = longer
        longer = _plan(half_width, 1 - confidence, len(plan) + 1)
    if most is None or plan[-1].starts <= most:
        return plan
    kept = [look for look in plan[:-1] if look.starts < most]
    return (*kept, Look(most, plan[-1].confidence))


def _plan(half_width: float, alpha: float, count: int) -> tuple[Look, ...]:
    earlier = [alpha * (1 - LAST_SHARE) / 2**i for i in range(1, count)]
    last = alpha - sum(earlier)
    most = enough_starts(half_width, 1 - last)
    sizes = [-(-most // GROWTH**i) for i in range(count)]
    plan = [Look(n, 1 - error) for n, error in zip(sizes, [last, *earlier], strict=True)]
    return tuple(reversed(plan))


def enough_starts(half_width: float, confidence: float) -> int:
    """Return the smallest number of starts that makes every interval narrow enough.

    The Clopper-Pearson interval is widest for as many hits as misses.

    Args:
        half_width: half the width of an interval, at most.
        confidence: confidence of the interval.

    Returns:
        The number of starts, whatever the fractions are.
    """
    error = 1 - confidence

    def narrow(n: int) -> bool:
        return all(_half_width(m // 2, m, error) <= half_width for m in (n, n + 1))

    high = 1
    while not narrow(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if narrow(middle) else (middle, high)
    return high


def widest(hits: int | np.ndarray, look: Look) -> float:
    """Return the largest half-width of the intervals for these hits at a look."""
    return _half_width(hits, look.starts, look.error)


def _half_width(hits: int | np.ndarray, trials: int, error: float) -> float:
    lower, upper = (limit(hits, trials, error / 2) for limit in (lower_limit, upper_limit))
    return float(np.max(upper - lower)) / 2
