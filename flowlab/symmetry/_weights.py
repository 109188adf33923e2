"""Output weights: checked, and sorted into classes of equal ones."""

import numpy as np

from ._clusters import cluster

_EQUAL_WEIGHTS = 1e-10


def checked_weights(weights: np.ndarray, name: str, whose: str) -> np.ndarray:
    """`weights` as a non-empty float64 vector of finite numbers.

    Raises:
        ValueError: If it is something else.
    """
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` has shape {array.shape}; needed is a vector of finite numbers, one for "
            f"each of the {whose}. For equal weights pass np.ones(n)."
        )
    return array


def weight_classes(weights: np.ndarray) -> np.ndarray:
    """Weights that differ only by rounding get one class; classes ascend with the weight."""
    return cluster(weights, _EQUAL_WEIGHTS * np.abs(weights).max(initial=0.0))
