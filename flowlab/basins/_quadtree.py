"""Which cells of a grid have to be followed, and what the others are inferred to be.

A block of level l spans 2^l cells along each axis and the first ones of the next block, so that
neighbouring blocks share an edge. A block is mixed if cells that were followed in it, edges
included, differ. The rule is: of a mixed block the corners of its four parts are followed. When it
is fulfilled everywhere, every other cell lies in a block that is not mixed and is inferred to be
like it, and two neighbouring cells with different codes have both been followed: where the boundary
of a basin is met at all, it is followed along its whole length. What can be missed lies wholly
between the followed cells of one block.
"""

from collections.abc import Callable

import numpy as np

UNKNOWN = np.iinfo(np.int32).max
"""Code of a cell that was not followed."""

COARSE = 1_024
"""The coarse grid has at least so many cells: the coarsest that does is taken."""

Operation = Callable[..., np.ndarray]


class Quadtree:
    """The cells of a grid that were followed so far.

    Args:
        shape: (rows, columns) of the grid.

    Attributes:
        code: (rows, columns) int32, how each cell ended, `UNKNOWN` if it was not followed.
        levels: the coarse grid has every 2^levels-th cell and the last one along each axis.
    """

    def __init__(self, shape: tuple[int, int]):
        self.code = np.full(shape, UNKNOWN, np.int32)
        self.levels = coarsest(shape, COARSE)

    @property
    def known(self) -> np.ndarray:
        """(rows, columns), which cells were followed."""
        return self.code != UNKNOWN

    def learn(self, cells: np.ndarray, codes: np.ndarray) -> None:
        """Take in how cells ended."""
        self.code.reshape(-1)[cells] = codes

    def needed(self) -> np.ndarray:
        """Return the numbers of the cells that the rule asks for and that were not followed."""
        blocks = self._blocks()
        found = [_corners(low < high, level, self.code.shape) for level, (low, high) in blocks[1:]]
        cells = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
        return cells[self.code.reshape(-1)[cells] == UNKNOWN]

    def filled(self) -> np.ndarray:
        """Return the codes of all cells, inferred ones included, once nothing is `needed`."""
        inherited = None
        for _, (low, _) in reversed(self._blocks()):
            if inherited is not None:
                parents = inherited.repeat(2, 0).repeat(2, 1)[: low.shape[0], : low.shape[1]]
                low = np.where(low == UNKNOWN, parents, low)
            inherited = low
        assert inherited is not None
        rows, columns = (n - m for n, m in zip(self.code.shape, inherited.shape, strict=True))
        inferred = np.pad(inherited, ((0, rows), (0, columns)), mode="edge")
        return np.where(self.known, self.code, inferred)

    def _blocks(self) -> list[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Return the lowest and the highest code in each block, from level 0 (2 x 2 cells) up."""
        low, high = self.code, np.where(self.known, self.code, -UNKNOWN)
        low, high = _neighbours(low, np.minimum), _neighbours(high, np.maximum)
        blocks = [(0, (low, high))]
        for level in range(1, self.levels + 1):
            low, high = _pairs(low, np.minimum), _pairs(high, np.maximum)
            blocks.append((level, (low, high)))
        return blocks


def coarsest(shape: tuple[int, int], least: int) -> int:
    """Return the highest level whose lattice has at least so many cells, 0 if none has."""
    level = 0
    while 2 << level < max(shape):
        if np.prod([((count - 2) >> (level + 1)) + 2 for count in shape]) < least:
            break
        level += 1
    return level


def lattice(shape: tuple[int, int], level: int) -> np.ndarray:
    """Return the numbers of every 2^level-th cell and the last one along each axis."""
    rows, columns = (
        np.unique(np.append(np.arange(0, count, 1 << level), count - 1)) for count in shape
    )
    return (rows[:, None] * shape[1] + columns).reshape(-1)


def _corners(mixed: np.ndarray, level: int, shape: tuple[int, int]) -> np.ndarray:
    """Return the numbers of the corners of the four parts of each mixed block."""
    steps = np.array([0, 1 << (level - 1), 1 << level])
    rows, columns = (
        np.minimum((index[:, None] << level) + steps, count - 1)
        for index, count in zip(np.nonzero(mixed), shape, strict=True)
    )
    return (rows[:, :, None] * shape[1] + columns[:, None, :]).reshape(-1)


def _neighbours(values: np.ndarray, operation: Operation) -> np.ndarray:
    """Combine each cell with the next along both axes; an axis of one cell stays."""
    if values.shape[0] > 1:
        values = operation(values[:-1], values[1:])
    return operation(values[:, :-1], values[:, 1:]) if values.shape[1] > 1 else values


def _pairs(values: np.ndarray, operation: Operation) -> np.ndarray:
    """Combine blocks two by two along both axes; a last one without partner stays."""
    for _ in range(2):
        first, second = values[0::2].copy(), values[1::2]
        operation(first[: len(second)], second, out=first[: len(second)])
        values = first.T
    return values
