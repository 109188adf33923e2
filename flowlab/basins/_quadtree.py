"""Which cells of a grid have to be followed, and what the others are inferred to be.

A block of level l spans 2^l cells along each axis and the first ones of the next block, so that
neighbouring blocks share an edge. A block is mixed if cells that were followed in it, edges
included, differ. The rule is: of a mixed block the corners of its four parts are followed. When it
is fulfilled everywhere, every other cell lies in a block that is not mixed and is inferred to be
like it, and two neighbouring cells with different codes have both been followed: where the boundary
of a basin is met at all, it is followed along its whole length. What can be missed lies wholly
between the followed cells of one block.
"""

import itertools

import numpy as np

UNKNOWN = np.iinfo(np.int32).max
"""Code of a cell that was not followed."""

COARSE = 1_024
"""The coarse grid has at least so many cells: the coarsest that does is taken."""


class Quadtree:
    """The cells of a grid that were followed so far.

    Args:
        shape: (rows, columns) of the grid.
        levels: of blocks; if not given, as many as leave `COARSE` cells on the coarse grid.

    Attributes:
        code: (rows, columns) int32, how each cell ended, `UNKNOWN` if it was not followed.
        levels: the coarse grid has every 2^levels-th cell and the last one along each axis.
    """

    def __init__(self, shape: tuple[int, int], levels: int | None = None):
        self.code = np.full(shape, UNKNOWN, np.int32)
        self.levels = coarsest(shape, COARSE) if levels is None else levels
        # The lowest and the highest code in each block, by level: level 0 has 2 x 2 cells.
        blocks = [max(count - 1, 1) for count in shape]
        self._low, self._high = [], []
        for level in range(self.levels + 1):
            size = tuple(-(-count >> level) for count in blocks)
            self._low.append(np.full(size, UNKNOWN, np.int32))
            self._high.append(np.full(size, -UNKNOWN, np.int32))

    @property
    def known(self) -> np.ndarray:
        """(rows, columns), which cells were followed."""
        return self.code != UNKNOWN

    def learn(self, cells: np.ndarray, codes: np.ndarray) -> None:
        """Take in how cells ended."""
        codes = codes.astype(np.int32)
        self.code.reshape(-1)[cells] = codes
        places = zip(np.divmod(cells, self.code.shape[1]), self.code.shape, strict=True)
        # Along each axis a cell lies in the blocks that start with it and with the one before.
        sides = [
            [np.clip(index + step, 0, max(count - 2, 0)) for step in (-1, 0)]
            for index, count in places
        ]
        for level, (low, high) in enumerate(zip(self._low, self._high, strict=True)):
            for row, column in itertools.product(*sides):
                block = (row >> level) * low.shape[1] + (column >> level)
                np.minimum.at(low.reshape(-1), block, codes)
                np.maximum.at(high.reshape(-1), block, codes)

    def needed(self) -> np.ndarray:
        """Return the numbers of the cells that the rule asks for and that were not followed."""
        found = [
            _corners(self._low[level] < self._high[level], level, self.code.shape)
            for level in range(1, self.levels + 1)
        ]
        cells = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
        return cells[self.code.reshape(-1)[cells] == UNKNOWN]

    def filled(self) -> np.ndarray:
        """Return the codes of all cells, inferred ones included, once nothing is `needed`."""
        inherited = None
        for low in reversed(self._low):
            if inherited is not None:
                parents = inherited.repeat(2, 0).repeat(2, 1)[: low.shape[0], : low.shape[1]]
                low = np.where(low == UNKNOWN, parents, low)
            inherited = low
        assert inherited is not None
        rows, columns = (n - m for n, m in zip(self.code.shape, inherited.shape, strict=True))
        inferred = np.pad(inherited, ((0, rows), (0, columns)), mode="edge")
        return np.where(self.known, self.code, inferred)


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
