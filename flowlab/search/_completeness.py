"""How complete a catalog is: orbits not seen yet, and what topology demands of the list."""

import dataclasses
import math
from collections.abc import Iterable

from ..catalog import Catalog

NORMAL = 1.959963984540054
"""Quantile of the normal law for intervals of 95%."""


@dataclasses.dataclass(frozen=True)
class Completeness:
    r"""How many orbits a search by random starts has probably missed.

    With :math:`f_1, f_2` the numbers of orbits that were reached once and twice in n starts,

    .. math:: \hat S = S + \frac{n-1}{n}\frac{f_1(f_1-1)}{2(f_2+1)}

    estimates a *lower* bound of the number of orbits that such starts can reach, whatever their
    probabilities are (Chao 1984, bias-corrected); the interval is that of its logarithm (Chao
    1987), and no narrower than what equal probabilities would leave unseen.
    :math:`f_1/n` estimates the probability that one more start reaches an orbit not seen
    (Good and Turing). An orbit that a start reaches with probability `visible` or more would have
    been seen with confidence 0.95.

    None of this counts orbits that random starts never reach, such as saddles of high symmetry in
    many dimensions: for those there is `search_fixed_subspace`.

    Attributes:
        starts: number of starts that reached some orbit.
        observed: number of orbits reached.
        once: how many of them by one start.
        twice: how many of them by two.
        estimate: of the number of orbits, at least.
        lower: lower end of its 95% interval.
        upper: upper end.
        unseen: estimate of the probability that the next start reaches an orbit not seen.
        visible: 0.05 is the chance that an orbit of this probability has been missed.

    Source: Chao, Scand. J. Statist. 11 (1984), 265-270; Biometrics 43 (1987), 783-791. Good,
    Biometrika 40 (1953), 237-264.

    Example:
        >>> from flowlab import Completeness
        >>> seen = Completeness.of([120, 40, 7, 2, 1, 1])
        >>> seen.observed, seen.once, round(seen.estimate, 1), round(seen.upper, 1)
        (6, 2, 6.5, 14.2)
        >>> print(Completeness.of([120, 40, 7]))
        3 orbits in 167 starts, 0 of them once: at least 3.0 can be reached (3.0 to 3.0 with 95%)
    """

    starts: int
    observed: int
    once: int
    twice: int
    estimate: float
    lower: float
    upper: float
    unseen: float
    visible: float

    @classmethod
    def of(cls, hits: Iterable[int]) -> "Completeness":
        """Estimate from how many starts reached each orbit.

        Args:
            hits: one number for each orbit; orbits that no start reached do not count.
        """
        counts = [int(count) for count in hits if count > 0]
        starts, observed = sum(counts), len(counts)
        once, twice = counts.count(1), counts.count(2)
        share = (starts - 1) / starts if starts else 0.0
        missed = share * once * (once - 1) / (2 * (twice + 1))
        lower, upper = _interval(observed, starts, missed, once, twice, share)
        return cls(
            starts,
            observed,
            once,
            twice,
            observed + missed,
            lower,
            upper,
            once / starts if starts else 1.0,
            1 - 0.05 ** (1 / starts) if starts else 1.0,
        )

    def __str__(self) -> str:
        return (
            f"{self.observed} orbits in {self.starts:,} starts, {self.once} of them once: at least "
            f"{self.estimate:.1f} can be reached ({self.lower:.1f} to {self.upper:.1f} with 95%)"
        )


def _interval(
    observed: int, starts: int, missed: float, once: int, twice: int, share: float
) -> tuple[float, float]:
    """The wider of Chao's interval and of what equal probabilities would leave unseen.

    Chao's alone is too narrow where few orbits are missing: it has no width at all where at most
    one orbit was reached once.
    """
    if not starts:
        return 0.0, math.inf
    left = math.exp(-starts / observed)
    spread = math.sqrt(observed * left * (1 - left)) / (1 - left)
    upper = observed / (1 - left) + NORMAL * spread
    if missed == 0:
        return float(observed), upper
    variance = (
        share * once * (once - 1) / (2 * (twice + 1))
        + share**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + share**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    factor = math.exp(NORMAL * math.sqrt(math.log(1 + variance / missed**2)))
    return observed + missed / factor, max(upper, observed + missed * factor)


def completeness(catalog: Catalog) -> Completeness:
    """Estimate how many orbits are missing in a catalog, from the hits of its points.

    Args:
        catalog: what `find_critical_points` returned for random starts.

    Returns:
        A `Completeness`.

    Example:
        >>> import jax, flowlab as fl
        >>> catalog = fl.find_critical_points(
        ...     fl.zoo.double_wells(2), key=jax.random.key(0), starts=50)
        >>> seen = fl.completeness(catalog)
        >>> seen.observed, seen.once, seen.estimate
        (3, 0, 3.0)
    """
    return Completeness.of(point.hits for point in catalog)


@dataclasses.dataclass(frozen=True)
class MorseCheck:
    r"""Whether the points of a catalog can be all critical points of a function.

    If a smooth function on :math:`R^n` grows without bound and all its critical points are
    nondegenerate, with :math:`c_k` of them of index k, then (Morse inequalities)

    .. math:: \sum_k (-1)^k c_k = 1, \qquad
              c_k - c_{k-1} + \dots \pm c_0 \ge (-1)^k, \quad k = 0, 1, \dots

    A list that violates them is not complete. One that fulfils them need not be.

    Attributes:
        counts: number of critical points of each index, images counted.
        euler: their alternating sum.
        holds: whether it is 1 and all inequalities hold.
        reason: why the check does not apply, empty if it does.

    Example:
        >>> from flowlab import MorseCheck
        >>> bool(MorseCheck(counts=(2, 1), euler=1, holds=True))
        True
    """

    counts: tuple[int, ...]
    euler: int
    holds: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.holds


def morse_check(catalog: Catalog) -> MorseCheck:
    """Test the points of a catalog, all images counted, against the Morse inequalities.

    The caller vouches for the function: smooth on the whole space, unbounded above at infinity and
    bounded below. The loss of a ReLU network is not smooth where a student vanishes, so nothing
    follows for it.

    Args:
        catalog: critical points of a gradient flow.

    Returns:
        A `MorseCheck`; false, with a reason, if some point is degenerate or has no loss.

    Source: Milnor, Morse Theory (1963), section 5.

    Example:
        >>> import jax, flowlab as fl
        >>> catalog = fl.find_critical_points(
        ...     fl.zoo.double_wells(2), key=jax.random.key(0), starts=50)
        >>> check = fl.morse_check(catalog)
        >>> check.counts, check.euler, bool(check)
        ((4, 4, 1), 1, True)
    """
    size = max((point.index for point in catalog), default=-1) + 1
    counts = [0] * size
    for point in catalog:
        counts[point.index] += point.orbit_size
    euler = sum(count if k % 2 == 0 else -count for k, count in enumerate(counts))
    for point in catalog:
        if point.loss is None:
            return MorseCheck(tuple(counts), euler, False, "the field has no loss")
        if point.nullity:
            return MorseCheck(tuple(counts), euler, False, f"{point.id} is degenerate")
    partial, fine = 0, bool(counts) and euler == 1
    for k, count in enumerate(counts):
        partial = count - partial
        fine = fine and partial >= (-1) ** k
    return MorseCheck(tuple(counts), euler, fine)
