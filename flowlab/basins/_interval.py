"""Exact confidence intervals of a probability from counts."""

import numpy as np
from scipy.special import betainccinv, betaincinv


def clopper_pearson(
    hits: int | np.ndarray, trials: int, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the Clopper-Pearson interval of a probability: exact, at 0 and at `trials` too.

    With `k` hits in `n` independent trials and :math:`\alpha = 1 - \mathrm{confidence}`,

    .. math:: \mathrm{lower} = B^{-1}(\alpha/2;\, k,\, n-k+1), \qquad
              \mathrm{upper} = B^{-1}(1-\alpha/2;\, k+1,\, n-k),

    quantiles of beta laws; the lower end is 0 for k = 0, the upper end 1 for k = n. Whatever the
    probability, the interval misses it with probability at most :math:`\alpha/2` on either side.

    Args:
        hits: number of hits, or an array of such numbers.
        trials: number of trials, fixed before they were made.
        confidence: probability with which the interval holds, at least.

    Returns:
        The lower and the upper ends, float arrays of the shape of `hits`.

    Raises:
        ValueError: if the counts are no counts or the confidence is not in (0, 1).

    Source: Clopper and Pearson, Biometrika 26 (1934), 404-413.

    Example:
        >>> from flowlab.basins import clopper_pearson
        >>> lower, upper = clopper_pearson(0, 1_000)
        >>> float(lower), round(float(upper), 6)
        (0.0, 0.003682)
    """
    tail = (1 - checked_confidence(confidence)) / 2
    return lower_limit(hits, trials, tail), upper_limit(hits, trials, tail)


def lower_limit(hits: int | np.ndarray, trials: int, tail: float) -> np.ndarray:
    """Return what a probability is below with chance `tail` at most, given the hits."""
    k = _counts(hits, trials)
    return np.where(k > 0, betaincinv(np.maximum(k, 1), trials - k + 1, tail), 0.0)


def upper_limit(hits: int | np.ndarray, trials: int, tail: float) -> np.ndarray:
    """Return what a probability is above with chance `tail` at most, given the hits."""
    k = _counts(hits, trials)
    return np.where(k < trials, betainccinv(k + 1, np.maximum(trials - k, 1), tail), 1.0)


def checked_confidence(confidence: float) -> float:
    """Return the confidence as a float, checked to lie strictly between 0 and 1."""
    value = float(confidence)
    if not 0 < value < 1:
        raise ValueError(
            f"confidence is {confidence!r}; needed: a probability between 0 and 1, such as 0.95."
        )
    return value


def _counts(hits: int | np.ndarray, trials: int) -> np.ndarray:
    k = np.asarray(hits, float)
    if trials < 1 or np.any((k < 0) | (k > trials) | (k != np.floor(k))):
        raise ValueError(
            f"hits are {hits!r} of {trials!r} trials; needed: whole numbers from 0 to the number "
            "of trials, which is 1 or more."
        )
    return k
