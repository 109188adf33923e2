"""How much of the mass can belong to critical points that no start has reached."""

import dataclasses
import math

import numpy as np

from ._interval import upper_limit


@dataclasses.dataclass(frozen=True)
class UnseenMass:
    r"""A bound on the probability that a start ends at a critical point not seen yet.

    `upper` is exact and free of assumptions. The starts are cut in two halves before anything is
    counted. Given the first half, the second consists of independent trials of the event "reaches
    a point that the first half has not reached", and the one-sided Clopper-Pearson limit of their
    number bounds its probability; what *all* starts have not seen is no more than that. If the
    second half has brought nothing new, the limit is :math:`1-\alpha^{1/m}`, about
    :math:`-\ln\alpha/m`, for m later starts.

    `estimate` is the Good-Turing estimate, the share of starts that reached a point reached once.
    It is no bound; the bound that goes with it,

    .. math:: \frac{N_1}{n} + (1+\sqrt2)\sqrt{\frac{\ln(2/\alpha)}{n}},

    is `good_turing_upper`. It follows from the deviation inequality for the missing mass of
    McAllester and Ortiz and of Berend and Kontorovich, and from McDiarmid's for :math:`N_1/n`. It
    falls like :math:`n^{-1/2}`: it is the better one only where many points are reached a few
    times each. A start that does not settle is counted by its outcome, not here.

    Attributes:
        upper: the bound.
        confidence: probability with which `upper` holds; that of `good_turing_upper` too, taken
            alone.
        earlier: number of starts in the first half.
        later: number of starts in the second half.
        new: how many of the later ones reached a point that no earlier one had.
        estimate: the Good-Turing estimate of the same mass.
        good_turing_upper: the bound that goes with the estimate.

    Source: Good, Biometrika 40 (1953), 237-264; McAllester and Ortiz, JMLR 4 (2003), 895-911;
    Berend and Kontorovich, Electron. Commun. Probab. 18 (2013), no. 3.

    Example:
        >>> from flowlab.basins import UnseenMass
        >>> unseen = UnseenMass.of(hits=[600, 400], first=[0, 3], starts=1_000, confidence=0.95)
        >>> unseen.new, round(unseen.upper, 6), round(1 - 0.05 ** (1 / 500), 6)
        (0, 0.005974, 0.005974)
    """

    upper: float
    confidence: float
    earlier: int
    later: int
    new: int
    estimate: float
    good_turing_upper: float

    @classmethod
    def of(cls, hits, first, starts: int, confidence: float) -> "UnseenMass":
        """Compute the bounds.

        Args:
            hits: how many starts reached each point.
            first: number of the start that reached it first, negative for points known beforehand.
            starts: number of all starts.
            confidence: probability with which each bound must hold.
        """
        counts, places = np.asarray(hits, int), np.asarray(first, int)
        earlier, alpha = starts // 2, 1 - confidence
        later, new = starts - earlier, int(counts[places >= earlier].sum())
        estimate = float(np.sum((counts == 1) & (places >= 0))) / starts
        slack = (1 + math.sqrt(2)) * math.sqrt(math.log(2 / alpha) / starts)
        return cls(
            upper=float(upper_limit(new, later, alpha)),
            confidence=confidence,
            earlier=earlier,
            later=later,
            new=new,
            estimate=estimate,
            good_turing_upper=min(1.0, estimate + slack),
        )
