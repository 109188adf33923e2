"""The dimension of a basin boundary, by counting boxes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._labelled import as_labels, blocks, crop, fill
from ._scaling import fit_tiles, local_slopes


@dataclasses.dataclass(frozen=True, eq=False)
class BoundaryDimension:
    """What `boundary_dimension` returns.

    Attributes:
        dimension: box-counting dimension over the sizes used.
        lower: lower end of its interval.
        upper: upper end of its interval.
        level: confidence level of the interval.
        sizes: (m,), sides of the boxes, in cells.
        counts: (m,), boxes that contain a piece of the boundary.
        undecided: cells that belong to no basin; they were given to the nearest.
        ignored: cells at the upper ends of the map that fill no whole box of the largest size.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> found = fl.boundary_dimension(np.tri(256, dtype=int))
        >>> found.lower <= found.dimension <= found.upper
        True
    """

    dimension: float
    lower: float
    upper: float
    level: float
    sizes: np.ndarray
    counts: np.ndarray
    undecided: int
    ignored: int

    @property
    def local_dimensions(self) -> np.ndarray:
        """(m - 1,), dimensions between neighbouring sizes: equal for a true fractal."""
        return -local_slopes(self.sizes, self.counts)

    def __repr__(self) -> str:
        return (
            f"<BoundaryDimension {self.dimension:.4f} [{self.lower:.4f}, {self.upper:.4f}] over "
            f"boxes of {self.sizes[0]} to {self.sizes[-1]} cells>"
        )


def boundary_dimension(
    basins: Any, *, sizes: Sequence[int] | None = None, level: float = 0.95
) -> BoundaryDimension:
    r"""Estimate the box-counting dimension of the boundaries in a labelled map.

    .. math:: N(s) \propto s^{-d}

    for the number of boxes of side s in which two neighbouring cells have different labels. The
    interval covers the scatter about the line and the variation over the map; `local_dimensions`
    shows whether there is one dimension at all (in systems without driving there often is not:
    their boundaries get smoother at smaller scales).

    Args:
        basins: what `basin_map` returned, or an array of integer labels of any dimension (negative:
            no basin).
        sizes: sides of the boxes in cells, ascending, each a multiple of the one before; powers of
            2 up to an eighth of the shortest side if not given.
        level: confidence level of the interval.

    Returns:
        A `BoundaryDimension`.

    Raises:
        ValueError: on bad input, or if the map has no boundary.

    Source: Grebogi, McDonald, Ott and Yorke, Physics Letters A 99, 415-418 (1983).

    Example:
        >>> import numpy as np, flowlab as fl
        >>> x, y = np.meshgrid(*2 * [np.linspace(-1, 1, 256)])
        >>> estimate = fl.boundary_dimension((y > x**2).astype(int))
        >>> estimate.lower < 1 < estimate.upper, estimate.upper < 1.1
        (True, True)
    """
    labels = as_labels(basins)
    sizes_ = _sizes(sizes, labels.shape)
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; needed: a number between 0 and 1.")
    largest = (int(sizes_[-1]),) * labels.ndim
    boundary = crop(_boundary(fill(labels)), largest)
    counts = np.stack([_counts(boundary, int(size), largest) for size in sizes_], -1)
    slope = fit_tiles(sizes_, counts, np.ones_like(counts), level)
    return BoundaryDimension(
        dimension=-slope.value,
        lower=-slope.upper,
        upper=-slope.lower,
        level=level,
        sizes=sizes_,
        counts=counts.sum(0),
        undecided=int((labels < 0).sum()),
        ignored=labels.size - boundary.size,
    )


def _sizes(sizes: Sequence[int] | None, shape: tuple[int, ...]) -> np.ndarray:
    if sizes is None:
        most = int(np.log2(max(min(shape) // 8, 1)))
        given = 2 ** np.arange(most + 1)
    else:
        given = np.asarray(sizes)
    whole = given.ndim == 1 and len(given) >= 3 and given.dtype.kind in "iu" and given[0] >= 1
    nested = whole and np.all(given[1:] > given[:-1]) and not np.any(given[1:] % given[:-1])
    if not nested or given[-1] > min(shape):
        raise ValueError(
            f"sizes is {given.tolist()} for a map of shape {shape}; needed: three or more whole "
            "numbers of cells, each a multiple of the one before, none larger than the map. A map "
            "needs at least 32 cells along each side."
        )
    return given


def _boundary(labels: np.ndarray) -> np.ndarray:
    """Cells whose next neighbour along some axis has another label."""
    found = np.zeros(labels.shape, bool)
    for axis in range(labels.ndim):
        differs = np.diff(labels, axis=axis) != 0
        found[tuple(slice(0, n) for n in differs.shape)] |= differs
    return found


def _counts(boundary: np.ndarray, size: int, largest: tuple[int, ...]) -> np.ndarray:
    """Boxes of `size` with a boundary cell, in each tile of the largest size."""
    ndim = boundary.ndim
    boxes = np.asarray(blocks(boundary, (size,) * ndim).any(axis=1))
    grid = boxes.reshape([n // size for n in boundary.shape])
    return blocks(grid, tuple(n // size for n in largest)).sum(axis=1)
