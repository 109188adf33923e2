r"""Manifolds of critical points: rotations around the teachers, and students that divide their
weight.

**Rotations.** With an antisymmetric :math:`B` and :math:`VB = 0` for the teachers V, the maps
:math:`W \mapsto We^{tB}` leave J as it is. Hence :math:`\langle\nabla J(W), WB\rangle = 0` at every
W, and at a critical point :math:`WB` is in the kernel of the Hessian. If the bordered operator has
a zero with :math:`\nabla J = -T\lambda`, then :math:`\lambda^\top T^\top[WB_1, ..., WB_m] = 0`;
where this m by m matrix is nonsingular, :math:`\lambda = 0`, and the orbit has m dimensions.

**Splitting.** For students of one direction :math:`u` the gradients :math:`\nabla_j J/a_j` are all
the same, and depend on the lengths only by :math:`\sum a_j|w_j|`. So the students
:math:`w_j = t_jz` with :math:`t_j>0`, :math:`\sum a_jt_j = \pm1` are critical exactly if the
network is in which one student z of weight :math:`\pm1` stands for the group. They are m - 1
further dimensions for a group of m, whose tangents keep :math:`\sum a_jw_j`, and rotations move
that sum: the dimensions add.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from ..fields._flat import aligned_groups
from ._balls import BallArray, as_floats, balls, matrix, total
from ._refusal import CertificationError, Inconclusive

if TYPE_CHECKING:
    from ._field import StudentBalls

RANK = 1e-7
"""Below this a singular value counts as 0 in choices of tangents."""


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """Aligned students, and the student that stands for them."""

    members: np.ndarray
    shares: BallArray
    """The :math:`t_j`, whose sum with the weights is `sign`, 1 or -1."""
    sign: float


@dataclasses.dataclass(frozen=True, eq=False)
class Manifold:
    """The manifold of critical points that is expected through a state.

    Attributes:
        reduced: the field in which one student stands for each group of aligned ones.
        centre: its state.
        border: orthonormal floats close to the tangents of the rotations there, (n', m').
        groups: aligned students.
        kept: which students are in no group.
        tangents: orthonormal floats close to all tangents at the full state, (n, m).
    """

    reduced: "StudentBalls"
    centre: np.ndarray
    border: np.ndarray
    planes: list[tuple[np.ndarray, np.ndarray]]
    groups: list[Group]
    kept: np.ndarray
    tangents: np.ndarray

    @property
    def dimension(self) -> int:
        """Of the manifold."""
        return self.tangents.shape[1]

    def require_critical(self, box: BallArray) -> None:
        """Prove that a zero of the bordered operator in the box is critical, and the dimension.

        Raises:
            Inconclusive: if the tangents of the rotations cannot be told apart there.
        """
        if self.border.shape[1] == 0:
            return
        rotated = [tangent.ravel() for tangent in _rotated(self.reduced, box, self.planes)]
        square = balls(self.border.T) @ np.stack(rotated, axis=1)
        try:
            inverse = matrix(balls(np.linalg.inv(as_floats(square))))
        except np.linalg.LinAlgError as error:
            raise Inconclusive("the tangents of the rotations are dependent in floats") from error
        defect = matrix(balls(np.eye(len(square)))) - inverse * matrix(square)
        if not all(
            total(defect[i, j].abs_upper() for j in range(len(square))) < 1
            for i in range(len(square))
        ):
            raise Inconclusive("the tangents of the rotations are not proved to be independent")

    def lift(self, box: BallArray) -> BallArray:
        """Return the full state whose groups divide the reduced one's students."""
        full = np.empty((sum(len(g.members) for g in self.groups) + len(self.kept), box.shape[1]),
                        dtype=object)  # fmt: skip
        full[self.kept] = box[: len(self.kept)]
        for student, group in zip(box[len(self.kept) :], self.groups, strict=True):
            full[group.members] = group.shares[:, None] * student[None]
        return full


def manifold_of(field: "StudentBalls", centre: np.ndarray) -> Manifold | None:
    """Return the manifold that symmetry and splitting make of a critical point, if any."""
    groups = [_group(field, centre, members) for members in aligned_groups(centre)]
    used = [group.members for group in groups]
    kept = np.setdiff1d(np.arange(len(centre)), np.concatenate(used) if used else [])
    weights = field.output_weights
    heavy = [g.sign * weights[g.members] @ centre[g.members] for g in groups]
    reduced_centre = np.array([*centre[kept], *heavy])
    signs = np.array([group.sign for group in groups])
    reduced = dataclasses.replace(field, output_weights=np.concatenate([weights[kept], signs]))
    planes = _planes(field, reduced_centre)
    border = _orthonormal(_floats_rotated(reduced_centre, planes), reduced_centre.size)
    splits = [_splits(centre, weights, group) for group in groups]
    tangents = np.concatenate([_floats_rotated(centre, planes), *splits])
    full = _orthonormal(tangents, centre.size)
    if full.shape[1] == 0:
        return None
    return Manifold(reduced, reduced_centre, border, planes, groups, kept, full)


def _group(field: "StudentBalls", centre: np.ndarray, members: np.ndarray) -> Group:
    a, lengths = field.output_weights[members], np.linalg.norm(centre[members], axis=1)
    mass = float(a @ lengths)
    if not abs(mass) > RANK * float(np.abs(a) @ lengths):
        raise CertificationError(
            "The point is degenerate: aligned students whose output weights cancel. No student can "
            "stand for them, and of this nothing can be proved this way."
        )
    sign, weights = float(np.sign(mass)), balls(a)
    shares = balls(lengths / abs(mass))
    # The last share makes the sum exact.
    shares[-1] = (sign - total(weights[:-1] * shares[:-1])) / weights[-1]
    return Group(members, shares, sign)


def _splits(centre: np.ndarray, weights: np.ndarray, group: Group) -> np.ndarray:
    """Tangents along which students of a group exchange length, (m - 1, K, d)."""
    members = group.members
    unit = centre[members[0]] / np.linalg.norm(centre[members[0]])
    shifts = np.linalg.svd(weights[members][None])[2][1:]
    tangents = np.zeros((len(shifts), *centre.shape))
    tangents[:, members] = shifts[:, :, None] * unit
    return tangents


def _planes(field: "StudentBalls", centre: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of vectors whose rotations move the state, each in a way of its own."""
    free = _free_axes(field.teacher)
    if free.shape[1] == 0:
        return []
    right, sizes, _ = np.linalg.svd((centre @ free).T)
    axes, reached = free @ right, int(np.sum(sizes > RANK * max(1.0, np.abs(centre).max())))
    return [(axes[:, a], axes[:, b]) for a in range(reached) for b in range(a + 1, axes.shape[1])]


def _free_axes(teacher: np.ndarray) -> np.ndarray:
    """Floats close to an orthonormal basis of what is orthogonal to the teachers, (d, c)."""
    _, sizes, right = np.linalg.svd(teacher)
    return right[int(np.sum(sizes > RANK)) :].T


def _floats_rotated(centre: np.ndarray, planes: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    found = [np.outer(centre @ x, y) - np.outer(centre @ y, x) for x, y in planes]
    return np.array(found).reshape(len(planes), *centre.shape)


def _rotated(
    field: "StudentBalls", box: BallArray, planes: list[tuple[np.ndarray, np.ndarray]]
) -> list[BallArray]:
    """The tangents `W B` of exact rotations, `V B = 0`, over a box."""
    project = _projector(field.teacher)
    found = []
    for x, y in planes:
        u, v = project @ balls(x), project @ balls(y)
        found.append(np.outer(box @ u, v) - np.outer(box @ v, u))
    return found


def _projector(teacher: np.ndarray) -> BallArray:
    r"""The projector :math:`I - V^+V` along the teachers, exact up to its balls."""
    reached = np.flatnonzero(np.any(teacher != 0, axis=0))
    project = balls(np.eye(teacher.shape[1]))
    if np.linalg.matrix_rank(teacher, RANK) == len(reached):
        # They span these axes, or less: what leaves the others in place leaves the teachers.
        project[reached, reached] = arb(0)
        return project
    rows = balls(teacher)
    try:
        inverse = matrix(rows @ rows.T).inv()
    except ZeroDivisionError as error:
        raise Inconclusive("the teachers are not proved to be independent") from error
    gram = np.array(inverse.entries(), dtype=object).reshape(inverse.nrows(), inverse.ncols())
    return project - rows.T @ gram @ rows


def _orthonormal(tangents: np.ndarray, size: int) -> np.ndarray:
    rows = tangents.reshape(len(tangents), size)
    return np.linalg.qr(rows.T)[0] if len(rows) else np.zeros((size, 0))
