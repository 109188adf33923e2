"""From states of a network to coloured tables: overlaps and Gram matrices become colours."""

import numpy as np

from ._clusters import cluster, combine
from ._coloured_graph import Table
from ._row_permutations import RowPermutations
from ._stabilizer import TeacherStabilizer


def point_tables(
    students: RowPermutations,
    stabilizer: TeacherStabilizer,
    points: list[np.ndarray],
    tol: float,
) -> list[Table]:
    """The coloured tables of states, with colours given to all of them jointly.

    Entry (j, k) is coloured by the overlaps of student j with unit teacher k in all sectors, the
    pair (i, j) of students by the inner products of their parts in the complements.

    Args:
        students: Gives the classes of the rows.
        stabilizer: Gives the sectors, and the classes of columns and pairs of columns.
        points: States, each (K, d).
        tol: Overlaps closer than this get one colour.

    Returns:
        One table for each state.
    """
    stack = np.stack(points)
    n, k = len(stack), len(students.classes)
    entries = np.zeros((n, k, len(stabilizer.unit)), dtype=np.int64)
    pairs = np.zeros((n, k, k), dtype=np.int64)
    for sector in stabilizer.sectors:
        entries = combine(entries, cluster(stack @ sector.teacher.T, tol))
        block = stack @ sector.complement
        longest = np.linalg.norm(block, axis=-1).max(initial=0.0)
        if longest > tol:
            # An error tol in a row changes its inner products by up to about tol times a length.
            gram = block @ np.swapaxes(block, -1, -2)
            pairs = combine(pairs, cluster(gram, 2 * tol * longest))
    own = np.diagonal(pairs, axis1=-2, axis2=-1)
    rows = combine(np.broadcast_to(students.classes, (n, k)), own)
    coloured = pairs.max() > 0
    return [
        Table(
            rows[i],
            stabilizer.classes,
            entries[i],
            pairs[i] if coloured else None,
            stabilizer.pair_classes,
        )
        for i in range(n)
    ]
