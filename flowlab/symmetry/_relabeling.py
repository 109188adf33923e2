"""One element of the symmetry group of a teacher-student network."""

import dataclasses

import numpy as np

from . import _permutation as permutation

_ROTATION_TOLERANCE = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Relabeling:
    r"""A permutation of the students together with a rotation of the input space.

    It takes a state :math:`W` to :math:`gW` with rows
    :math:`(gW)_{\sigma(j)} = O\, w_j`.

    Args:
        students: ``students[j]`` is the place that student ``j`` goes to (0-based), (K,).
        rotation: The orthogonal matrix :math:`O`, (d, d). It takes teacher ``k`` to teacher
            ``teachers[k]``.
        teachers: The permutation of the distinct teachers, (m,).
        turn: The part of `rotation` that turns the directions no teacher uses, (d, d), identity
            on the span of the teachers; None if it turns nothing.

    Example:
        >>> g = Relabeling(students=(1, 0), rotation=np.eye(2), teachers=(0, 1))
        >>> str(g), str(g.compose(g))
        ('students (1 2)', 'identity')
    """

    students: tuple[int, ...]
    rotation: np.ndarray
    teachers: tuple[int, ...]
    turn: np.ndarray | None = None

    @property
    def is_identity(self) -> bool:
        """Whether it moves no student and no direction."""
        return permutation.is_identity(self.students) and is_near_identity(self.rotation)

    def apply(self, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., K, d); exact when `rotation` permutes coordinates."""
        w = np.asarray(w, dtype=np.float64)
        moved = np.empty_like(w)
        moved[..., list(self.students), :] = w @ self.rotation.T
        return moved

    def entry_moves(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(places, signs): entry i of the flattened state goes to places[i], times signs[i].

        Returns:
            Two arrays (K d,), or None when the rotation mixes entries.
        """
        if not is_signed_permutation(self.rotation):
            return None
        d = len(self.rotation)
        columns = np.argmax(np.abs(self.rotation), axis=0)
        places = np.array(self.students)[:, None] * d + columns
        signs = self.rotation[columns, np.arange(d)]
        return places.ravel(), np.tile(signs, len(self.students))

    def compose(self, other: "Relabeling") -> "Relabeling":
        """First `other`, then this."""
        turns = [g.turn for g in (self, other) if g.turn is not None]
        return Relabeling(
            students=permutation.compose(self.students, other.students),
            rotation=self.rotation @ other.rotation,
            teachers=permutation.compose(self.teachers, other.teachers),
            turn=_simplified(turns[0] if len(turns) == 1 else turns[0] @ turns[1])
            if turns
            else None,
        )

    def inverse(self) -> "Relabeling":
        """The element that undoes this one."""
        return Relabeling(
            students=permutation.inverse(self.students),
            rotation=self.rotation.T,
            teachers=permutation.inverse(self.teachers),
            turn=None if self.turn is None else self.turn.T,
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Relabeling)
            and self.students == other.students
            and self.teachers == other.teachers
            and np.abs(self.rotation - other.rotation).max() <= _ROTATION_TOLERANCE
        )

    def __hash__(self) -> int:
        return hash((self.students, self.teachers))

    def name(self, turn: str) -> str:
        """Its permutations in cycle notation, then the word `turn`, if any; or "identity"."""
        pairs = ("students", self.students), ("teachers", self.teachers)
        parts = [
            f"{name} {permutation.cycle_notation(p)}"
            for name, p in pairs
            if not permutation.is_identity(p)
        ]
        return " ".join([*parts, turn] if turn else parts) or "identity"

    def __str__(self) -> str:
        turns = self.turn is not None and not is_near_identity(self.turn)
        return self.name("rotation" if turns else "")


def is_near_identity(matrix: np.ndarray) -> bool:
    """Whether a square matrix is the identity up to rounding."""
    return bool(np.abs(matrix - np.eye(len(matrix))).max(initial=0.0) <= _ROTATION_TOLERANCE)


def snapped(matrix: np.ndarray, tol: float) -> np.ndarray:
    """The signed permutation matrix within `tol` of `matrix` if there is one, else `matrix`.

    Signed permutations move floats without rounding, so a matrix that is one up to noise is
    worth having exactly.
    """
    rounded = np.round(matrix)
    if np.abs(matrix - rounded).max(initial=0.0) > tol or not is_signed_permutation(rounded):
        return matrix
    return rounded + 0.0


def is_signed_permutation(matrix: np.ndarray) -> bool:
    """Whether each row and column has exactly one entry other than 0, and that is 1 or -1."""
    size = np.abs(matrix)
    return bool(
        ((size == 0) | (size == 1)).all()
        and (size.sum(axis=0) == 1).all()
        and (size.sum(axis=1) == 1).all()
    )


def _simplified(turn: np.ndarray) -> np.ndarray | None:
    return None if is_near_identity(turn) else turn
