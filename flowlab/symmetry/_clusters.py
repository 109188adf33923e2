"""Turning measured numbers into colours: values closer than a tolerance are one colour."""

import numpy as np


def cluster(values: np.ndarray, tol: float) -> np.ndarray:
    """Number the clusters of `values` in ascending order.

    The sorted values are cut wherever two neighbours are more than `tol` apart, so noise far
    below `tol` never changes the answer. Single linkage: a chain of close values is one cluster.

    Args:
        values: Any shape, float64.
        tol: The largest gap inside a cluster, in the units of `values`.

    Returns:
        Integers of the same shape, 0 for the cluster of the smallest value.

    Example:
        >>> cluster(np.array([2.0, 1.0, 2.0 + 1e-9]), 1e-6).tolist()
        [1, 0, 1]
    """
    values = np.asarray(values)
    flat = values.ravel()
    order = np.argsort(flat, kind="stable")
    ids = np.zeros(flat.size, dtype=np.int64)
    ids[order[1:]] = np.cumsum(np.diff(flat[order]) > tol)
    return ids.reshape(values.shape)


def combine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One colour for each distinct pair (first, second), numbered lexicographically."""
    if first.size == 0:
        return first
    pairs = first * (second.max() + 1) + second
    return np.unique(pairs, return_inverse=True)[1].reshape(first.shape)
