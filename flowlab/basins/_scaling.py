"""Slopes of power laws fitted to counts, with intervals."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit


class Slope(NamedTuple):
    """A slope in a doubly logarithmic plot, and its interval.

    `dispersion` is the variance of the numbers about the line, relative to what chance gives.
    """

    value: float
    lower: float
    upper: float
    dispersion: float


def local_slopes(scales: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the slopes between neighbouring scales, infinite or NaN where a value is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.diff(np.log(values)) / np.diff(np.log(scales))


def fit_binomial(scales: np.ndarray, hits: np.ndarray, trials: np.ndarray, level: float) -> Slope:
    r"""Fit :math:`f(\varepsilon) = C\varepsilon^\alpha` to independent binomial counts.

    By maximum likelihood with a logarithmic link, so that scales at which nothing was hit count
    too. If the counts scatter more than binomial ones do, the variance is inflated by the ratio.

    Args:
        scales: (m,), the radii.
        hits: (m,).
        trials: (m,).
        level: confidence level of the interval.

    Returns:
        The slope :math:`\alpha`.

    Raises:
        ValueError: if no slope can be fitted.
    """
    if (hits > 0).sum() < 2 or (hits == trials).all():
        raise ValueError(
            f"{hits.tolist()} of {trials.tolist()} starts were uncertain at the radii "
            f"{np.array2string(scales, precision=3)}: no slope can be fitted. Choose a region that "
            "contains a boundary, more starts, or other radii."
        )
    x = np.log(scales)
    design = np.stack([np.ones_like(x), x - x.mean()], -1)
    beta = _maximise(design, hits, trials)
    fitted = np.exp(design @ beta)
    information = (design.T * (trials * fitted / (1 - fitted))) @ design
    pearson = ((hits - trials * fitted) ** 2 / (trials * fitted * (1 - fitted))).sum()
    dispersion = float(pearson / max(len(x) - 2, 1))
    error = math.sqrt(np.linalg.inv(information)[1, 1] * max(1.0, dispersion))
    half = float(ndtri((1 + level) / 2)) * error
    alpha = float(beta[1])
    return Slope(alpha, alpha - half, alpha + half, dispersion)


def _likelihood(
    design: np.ndarray, hits: np.ndarray, trials: np.ndarray, beta: np.ndarray
) -> float:
    log_f = design @ beta
    if np.any(log_f >= 0):
        return -math.inf
    return float((hits * log_f + (trials - hits) * np.log(-np.expm1(log_f))).sum())


def _maximise(design: np.ndarray, hits: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Fisher scoring from a flat start, halving steps that do not climb or reach f = 1."""
    beta = np.array([math.log(hits.sum() / trials.sum()), 0.0])
    best = _likelihood(design, hits, trials, beta)
    for _ in range(200):
        f = np.exp(design @ beta)
        score = design.T @ ((hits - trials * f) / (1 - f))
        information = (design.T * (trials * f / (1 - f))) @ design
        step = np.linalg.solve(information, score)
        while (new := _likelihood(design, hits, trials, beta + step)) < best:
            step = step / 2
            if np.abs(step).max() < 1e-13:
                return beta
        beta, best = beta + step, new
        if np.abs(step).max() < 1e-12:
            break
    return beta


def fit_tiles(scales: np.ndarray, hits: np.ndarray, trials: np.ndarray, level: float) -> Slope:
    """Fit a power law to what was counted on the tiles of one map.

    A line through the logarithms of the shares. The variance of its slope adds that of the scatter
    about the line (with Student's quantile) and the jackknife's over tiles: the numbers of one map
    are no independent draws, and a true fractal scatters about its line.

    Args:
        scales: (m,).
        hits: (tiles, m).
        trials: (tiles, m).
        level: confidence level of the interval.

    Returns:
        The slope.

    Raises:
        ValueError: if nothing was counted at some scale, so that there is no logarithm.
    """
    total = hits.sum(0)
    if np.any(total == 0):
        raise ValueError(
            f"nothing was found at the scales {scales[total == 0].tolist()}: the map shows no "
            "boundary there."
        )
    x = np.log(scales)
    x = x - x.mean()
    weights = x / (x @ x)
    y = np.log(total / trials.sum(0))
    slope = float(weights @ y)
    freedom = max(len(x) - 2, 1)
    residuals = y - y.mean() - slope * x
    scatter = float(residuals @ residuals) / freedom * float(weights @ weights)
    left, possible = total - hits, trials.sum(0) - trials
    left = left[np.all(left > 0, axis=1)], possible[np.all(left > 0, axis=1)]
    variation = _jackknife(np.log(left[0] / left[1]) @ weights)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(scatter + variation)
    dispersion = scatter / variation if variation > 0 else math.inf
    return Slope(slope, slope - half, slope + half, dispersion)


def _jackknife(values: np.ndarray) -> float:
    """Variance of an estimate, from its values with one part left out at a time."""
    if len(values) < 2:
        return 0.0
    return float((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum())
