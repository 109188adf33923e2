"""The permutations of the students of a two-layer network."""

from ._relabeling_group import RelabelingGroup
from ._row_permutations import RowPermutations
from ._stabilizer import TeacherStabilizer


class StudentPermutations(RowPermutations):
    r"""The permutations of K students that keep their output weights.

    The network :math:`\sum_j a_j \sigma(w_j \cdot x)` does not change when students of equal
    weight change places. Combine it with what the teacher allows: ``students * stabilizer``, or,
    when nothing else survives (data instead of a law of inputs), ``students.rigid(d)``.

    Args:
        weights: Output weights a, (K,).

    Raises:
        ValueError: If `weights` is not a non-empty vector of finite numbers.

    Example:
        >>> StudentPermutations(np.ones(4)).order
        24
    """

    def rigid(self, d: int) -> RelabelingGroup:
        """The group that permutes the rows of (K, d) arrays and does nothing else."""
        return self * TeacherStabilizer.trivial(d)

    def __mul__(self, stabilizer: TeacherStabilizer) -> RelabelingGroup:
        return RelabelingGroup(self, stabilizer)

    def __repr__(self) -> str:
        return f"StudentPermutations(K={len(self.weights)}, order={self.order})"
