"""Seeing a square matrix as one of blocks, up to permutations of its rows and columns."""

from typing import NamedTuple

import numpy as np

from ._clusters import cluster


class BlockForm(NamedTuple):
    """Orders of rows and columns in which a matrix is constant on blocks, up to its diagonal.

    Attributes:
        rows: the row that comes to each place, (K,).
        columns: the column that comes to each place, (K,).
        sizes: the sizes of the blocks.
    """

    rows: np.ndarray
    columns: np.ndarray
    sizes: tuple[int, ...]


def block_form(matrix: np.ndarray, *, tol: float = 1e-9) -> BlockForm | None:
    r"""Find orders in which simultaneous permutations within few blocks fix a matrix.

    Rows and columns are sorted into classes by their values, refined until nothing changes. A class
    of rows goes with the class of columns in which each of its rows has one value of its own; where
    there is none the rows are all alike, and any columns will do.

    Args:
        matrix: (K, K).
        tol: values closer than this are equal.

    Returns:
        The orders and sizes, larger blocks first; None if there is no such form.

    Example:
        >>> from flowlab.symmetry import block_form
        >>> block_form(np.eye(4)[[2, 0, 3, 1]]).sizes, block_form(np.ones((3, 3))).sizes
        ((4,), (3,))
    """
    values = cluster(matrix, tol)
    row_classes, column_classes = _refined(values)
    rows = [np.flatnonzero(row_classes == c) for c in range(row_classes.max() + 1)]
    columns = [np.flatnonzero(column_classes == c) for c in range(column_classes.max() + 1)]
    blocks = _matched(values, rows, columns)
    blocks.sort(key=lambda block: -len(block[0]))
    form = BlockForm(
        np.concatenate([block[0] for block in blocks]),
        np.concatenate([block[1] for block in blocks]),
        tuple(len(block[0]) for block in blocks),
    )
    return form if _fits(values[np.ix_(form.rows, form.columns)], form.sizes) else None


def _refined(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The coarsest classes of rows and columns that tell what the entries can tell."""
    rows, columns = np.zeros(len(values), int), np.zeros(values.shape[1], int)
    while True:
        counts = rows.max(), columns.max()
        rows = _classes(rows, values * (columns.max() + 1) + columns)
        columns = _classes(columns, values.T * (rows.max() + 1) + rows)
        if (rows.max(), columns.max()) == counts:
            return rows, columns


def _classes(old: np.ndarray, seen: np.ndarray) -> np.ndarray:
    keys = np.concatenate([old[:, None], np.sort(seen, axis=1)], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def _matched(
    values: np.ndarray, rows: list[np.ndarray], columns: list[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Blocks of rows and columns that go together."""
    blocks, free_rows, free_columns = [], [], list(columns)
    for members in rows:
        for place, others in enumerate(free_columns):
            partners = _partners(values[np.ix_(members, others)])
            if partners is not None:
                blocks.append((members, others[partners]))
                del free_columns[place]
                break
        else:
            free_rows.append(members)
    # Rows that are alike may be divided as the columns want them, and columns as the rows do.
    while free_rows:
        free_rows.sort(key=len)
        free_columns.sort(key=len)
        equal = [len(c) for c in free_columns if len(c) == len(free_rows[-1])]
        members = free_rows.pop()
        others = free_columns.pop(
            [len(c) for c in free_columns].index(equal[0]) if equal else len(free_columns) - 1
        )
        size = min(len(members), len(others))
        blocks.append((members[:size], others[:size]))
        free_rows += [members[size:]] if size < len(members) else []
        free_columns += [others[size:]] if size < len(others) else []
    return blocks


def _partners(values: np.ndarray) -> np.ndarray | None:
    """The column in which each row has a value of its own, if the rest is one value."""
    size = len(values)
    if values.shape != (size, size) or size == 1:
        return None
    kinds, counts = np.unique(values, return_counts=True)
    if len(kinds) != 2 or size not in counts:
        return None
    marked = values == kinds[np.flatnonzero(counts == size)[0]]
    alone = (marked.sum(axis=0) == 1).all() and (marked.sum(axis=1) == 1).all()
    return np.argmax(marked, axis=1) if alone else None


def _fits(values: np.ndarray, sizes: tuple[int, ...]) -> bool:
    """Whether each block is constant, on and off the diagonal."""
    ends = np.cumsum(sizes)
    for a, end_a in enumerate(ends):
        for b, end_b in enumerate(ends):
            block = values[end_a - sizes[a] : end_a, end_b - sizes[b] : end_b]
            off = block if a != b else block[~np.eye(len(block), dtype=bool)]
            if np.unique(off).size > 1 or (a == b and np.unique(np.diag(block)).size > 1):
                return False
    return True
