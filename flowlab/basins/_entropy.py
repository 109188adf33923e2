"""Basin entropy: how uncertain the destination is when the start is known up to a box."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np

from .._types import Key
from ._labelled import as_labels, blocks, crop

RESAMPLES = 2_000
"""Bootstrap resamples: the ends of a 95% interval then vary by a few percent of its width."""


@dataclasses.dataclass(frozen=True, eq=False)
class BasinEntropy:
    """What `basin_entropy` returns.

    Attributes:
        entropy: mean entropy of the boxes, in nats.
        lower: lower end of its interval.
        upper: upper end of its interval.
        boundary_entropy: mean entropy of the boxes that hold more than one basin; NaN if none does.
        boundary_lower: lower end of its interval.
        boundary_upper: upper end of its interval.
        level: confidence level of the intervals.
        boxes: number of boxes.
        boundary_boxes: number of those that hold more than one basin.
        box: cells along each side of a box.
        undecided: cells that belong to no basin and were left out.
        ignored: cells at the upper ends of the map that fill no whole box.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> halves = np.repeat([[0, 1]], 10, axis=0).repeat([7, 3], axis=1)
        >>> found = fl.basin_entropy(halves)
        >>> bool(0 < found.entropy < found.boundary_entropy <= np.log(2))
        True
    """

    entropy: float
    lower: float
    upper: float
    boundary_entropy: float
    boundary_lower: float
    boundary_upper: float
    level: float
    boxes: int
    boundary_boxes: int
    box: tuple[int, ...]
    undecided: int
    ignored: int

    @property
    def fractal(self) -> bool:
        """Whether the boundary entropy exceeds log 2, interval included.

        A smooth boundary has two basins in almost every box that it crosses, so its boundary
        entropy is at most log 2: more means a fractal boundary. Less means nothing.
        """
        return self.boundary_lower > math.log(2) + 1e-9

    def __repr__(self) -> str:
        return (
            f"<BasinEntropy {self.entropy:.4f} [{self.lower:.4f}, {self.upper:.4f}], of the "
            f"boundary {self.boundary_entropy:.4f} [{self.boundary_lower:.4f}, "
            f"{self.boundary_upper:.4f}] (log 2 = {math.log(2):.4f})>"
        )


def basin_entropy(
    basins: Any, *, box: int | tuple[int, ...] = 5, level: float = 0.95, key: Key | None = None
) -> BasinEntropy:
    r"""Return the basin entropy and the boundary basin entropy of a labelled map.

    .. math:: S_b = \frac1N \sum_{i=1}^N S_i, \qquad S_{bb} = \frac1{N_b} \sum_{i=1}^N S_i, \qquad
        S_i = -\sum_j p_{ij}\log p_{ij}

    over the N boxes of the map, of which :math:`N_b` hold more than one basin; :math:`p_{ij}` is
    the share of basin j in box i. :math:`S_{bb} > \log 2` is sufficient for a fractal boundary (not
    necessary): a smooth one rarely meets a third basin in a box. The intervals are percentiles of
    a bootstrap over boxes; they say how far boxes differ, not how the numbers depend on the size of
    the box, which they do. Compare maps at the same box and resolution.

    Args:
        basins: what `basin_map` returned, or an array of integer labels of any dimension (negative:
            no basin).
        box: cells along each side of a box, or one number for each axis.
        level: confidence level of the intervals.
        key: random key of the bootstrap; `jax.random.key(0)` if not given.

    Returns:
        A `BasinEntropy`.

    Raises:
        ValueError: on bad input, or if the map has no whole box.

    Source: Daza, Wagemakers, Georgeot, Guéry-Odelin and Sanjuán, Scientific Reports 6, 31416
    (2016).

    Example:
        >>> import numpy as np, flowlab as fl
        >>> halves = np.repeat([[0, 1]], 10, axis=0).repeat([7, 3], axis=1)
        >>> fl.basin_entropy(halves).boundary_boxes
        2
    """
    labels = as_labels(basins)
    size = _sides(box, labels.shape)
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; needed: a number between 0 and 1.")
    used = crop(labels, size)
    entropies, crossed = _box_entropies(blocks(used, size))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(_key(key))))
    lower, upper = _interval(entropies, level, rng)
    boundary = entropies[crossed]
    boundary_lower, boundary_upper = _interval(boundary, level, rng)
    return BasinEntropy(
        entropy=float(entropies.mean()),
        lower=lower,
        upper=upper,
        boundary_entropy=float(boundary.mean()) if len(boundary) else math.nan,
        boundary_lower=boundary_lower,
        boundary_upper=boundary_upper,
        level=level,
        boxes=len(entropies),
        boundary_boxes=len(boundary),
        box=size,
        undecided=int((used < 0).sum()),
        ignored=labels.size - used.size,
    )


def _sides(box: int | tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    size = (box,) * len(shape) if isinstance(box, int | np.integer) else tuple(box)
    fits = len(size) == len(shape) and all(1 <= s <= n for s, n in zip(size, shape, strict=False))
    if not fits or any(int(s) != s for s in size):
        raise ValueError(
            f"box is {box!r}; needed: whole numbers of cells along each side, from 1 to the shape "
            f"of the map, {shape}."
        )
    return tuple(int(s) for s in size)


def _key(key: Key | None) -> Key:
    return jax.random.key(0) if key is None else key


def _box_entropies(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropy of each box (boxes, cells), and whether it holds more than one basin.

    Boxes without a decided cell are left out.
    """
    cells = cells[(cells >= 0).any(axis=1)]
    if len(cells) == 0:
        raise ValueError("no cell of the map belongs to a basin.")
    known = (cells >= 0).sum(axis=1)
    entropies, basins = np.zeros(len(cells)), np.zeros(len(cells), int)
    for label in range(cells.max() + 1):
        shares = (cells == label).sum(axis=1) / known
        basins += shares > 0
        entropies -= shares * np.log(np.where(shares > 0, shares, 1.0))
    return entropies, basins > 1


def _interval(values: np.ndarray, level: float, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of the mean, by resampling."""
    if len(values) == 0:
        return math.nan, math.nan
    # Small boxes have few possible entropies: drawing how often each occurs is drawing boxes.
    distinct, counts = np.unique(values, return_counts=True)
    draws = rng.multinomial(len(values), counts / len(values), size=RESAMPLES)
    lower, upper = np.quantile(draws @ distinct / len(values), [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)
