"""Label arrays, from basin maps or given as they are."""

import json
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from .._outcome import Outcome


def as_labels(labels: Any) -> np.ndarray:
    """Return a map as an integer array, -1 where a cell belongs to no basin.

    Args:
        labels: what `basin_map` returned, or an array of integers of any dimension in which
            negative numbers mean "no basin". In a dataset, a basin is one symmetric image of one
            point without unstable directions; cells that escape are a basin of their own; cells
            that settled on a saddle or not at all belong to none.

    Returns:
        int64 array; the numbers 0, 1, ... in the order of the first cells.

    Raises:
        ValueError: if it is something else.
    """
    array = _from_dataset(labels) if hasattr(labels, "data_vars") else np.asarray(labels)
    if array.dtype.kind not in "iu" or array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"the map is {type(labels).__name__} of dtype {array.dtype} and shape {array.shape}; "
            "needed: what `basin_map` returned, or an array of integers."
        )
    values, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(np.where(values < 0, array.size, first), kind="stable"))
    return np.where(values < 0, -1, rank)[inverse].reshape(array.shape)


def _from_dataset(basins: Any) -> np.ndarray:
    missing = {"label", "image", "outcome"} - set(basins.data_vars)
    if missing:
        raise ValueError(f"the dataset lacks {sorted(missing)}; needed: what `basin_map` returned.")
    label, image, outcome = (
        np.asarray(basins[name].values, np.int64) for name in ("label", "image", "outcome")
    )
    indices = np.array([*(point["index"] for point in json.loads(basins.attrs["points"])), 1])
    attracted = (label >= 0) & (indices[label] == 0)
    names = np.where(attracted, 1 + label * (image.max() + 2) + image + 1, -1)
    return np.where(outcome == Outcome.escaped, 0, names)


def fill(labels: np.ndarray) -> np.ndarray:
    """Return the labels with each cell of no basin given to the basin of the nearest other cell.

    Cells on a boundary itself are neither side's; filled, they leave one boundary instead of two.
    """
    if not (labels < 0).any():
        return labels
    if (labels < 0).all():
        raise ValueError("no cell of the map belongs to a basin.")
    nearest = distance_transform_edt(labels < 0, return_distances=False, return_indices=True)
    return labels[tuple(np.asarray(nearest))]


def crop(array: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return the array without the cells at the upper ends that fill no whole box of `size`."""
    kept = tuple(slice(0, n // s * s) for n, s in zip(array.shape, size, strict=True))
    return array[kept]


def blocks(array: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return the boxes of an array whose shape is a multiple of `size`, (boxes, cells in a box)."""
    pairs = [(n // s, s) for n, s in zip(array.shape, size, strict=True)]
    split = array.reshape([part for pair in pairs for part in pair])
    order = [*range(0, 2 * array.ndim, 2), *range(1, 2 * array.ndim, 2)]
    return split.transpose(order).reshape(-1, int(np.prod(size)))
