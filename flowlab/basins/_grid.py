"""The cells of a map, and the states at their centres."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..fields import AbstractField, Plane


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """A rectangular grid of cells on a plane, numbered row by row.

    Attributes:
        names: of the first and the second coordinate.
        xs: (columns,), first coordinate of the centres.
        ys: (rows,), second coordinate of the centres.
        plane: the plane in the field's state space, `None` if the states have two coordinates.
    """

    names: tuple[str, str]
    xs: np.ndarray
    ys: np.ndarray
    plane: Plane | None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.ys), len(self.xs)

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.ys) * len(self.xs)

    def starts(self, cells: np.ndarray) -> np.ndarray:
        """Return the states (n, *shape) at the centres of cells, given by number."""
        row, column = np.divmod(cells, len(self.xs))
        centres = np.stack([self.xs[column], self.ys[row]], -1)
        return centres if self.plane is None else self.plane.lift(centres)

    def probes(self) -> np.ndarray:
        """Return a few states (n, *shape) of the grid, far apart."""
        return self.starts(np.linspace(0, self.size - 1, 3).astype(int))


def make_grid(field: AbstractField, plane: Plane | None, x: Any, y: Any, resolution: Any) -> Grid:
    """Return the grid that `basin_map` is asked for.

    Raises:
        ValueError: if the field needs a plane and has none, or on bad ranges or numbers of cells.
    """
    names = _names(field, plane)
    cells = resolution if isinstance(resolution, Iterable) else (resolution, resolution)
    columns, rows = cells
    return Grid(names, _centres(x, columns, "x"), _centres(y, rows, "y"), plane)


def _names(field: AbstractField, plane: Plane | None) -> tuple[str, str]:
    if plane is not None:
        if plane.origin.shape != field.shape:
            raise ValueError(
                f"plane lies in states of shape {plane.origin.shape}; the field has shape "
                f"{field.shape}."
            )
        return plane.coordinates[0], plane.coordinates[1]
    if field.shape != (2,):
        raise ValueError(
            f"the field has shape {field.shape}, so a map needs to know which plane: pass "
            "`plane=Plane(origin, u, v)`, or restrict the field to an invariant plane "
            "(`restrict`, `theorem7_plane`)."
        )
    return field.coordinates[0], field.coordinates[1]


def _centres(ends: tuple[float, float], count: Any, name: str) -> np.ndarray:
    low, high = (float(end) for end in ends)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(f"{name} is {ends!r}; needed: (lower, upper), finite, lower < upper.")
    if int(count) != count or count < 1:
        raise ValueError(f"resolution is {count!r}; needed: a positive whole number of cells.")
    return low + (np.arange(int(count)) + 0.5) / int(count) * (high - low)
