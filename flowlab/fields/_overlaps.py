"""The flow of the overlaps of students and teachers: any input dimension at the price of none."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..symmetry import AbstractGroup, MatrixGroup, StudentPermutations, TrivialGroup
from . import _relu
from ._base import AbstractField
from ._namespace import JAX
from ._random_overlaps import RandomOverlaps, teacher_root

LARGEST = 720
"""The permutations of more students than these make no symmetry: the group would be listed."""

POSITIVE = 1e-8
"""Overlaps may miss being those of vectors by this much, relative to the largest."""


class OverlapFlow(AbstractField):
    r"""The flow of :math:`Q = WW^\top` and :math:`R = WV^\top`: Gaussian inputs of any dimension.

    The population gradient of a student is a combination of students and teachers whose
    coefficients depend on norms and angles alone, so the overlaps flow by themselves. With
    :math:`X = (Q\; R)` and :math:`Y = (R^\top\; T)`, :math:`T = VV^\top`, and F as in Theorem 1,

    .. math:: \dot X = -G - (G_Q^\top\; 0), \qquad
              G_j = a_j\Big[\sum_i a_i F(e_j, w_i) - \sum_k b_k F(e_j, v_k)\Big],

    where rows of X and Y stand for the vectors in F. The input dimension does not occur.

    A state holds the K(K+1)/2 entries of Q on and above the diagonal, row by row, and then the KM
    entries of R, row by row. Not every state belongs to weights: :math:`Q - R T^+ R^\top` must be
    positive semidefinite (and of rank at most :math:`d - \mathrm{rank}\,T` for weights in d
    dimensions); the flow keeps it so. Pairs that are aligned, and weights that span fewer
    dimensions than there are students, lie on the border of this set, where the Jacobian is that of
    changes that stay inside.

    Args:
        students: number of students K.
        teachers: number of teachers M; K if not given.
        teacher_overlaps: T, (M, M), positive semidefinite; the identity if not given.
        output_weights: `a`, a nonzero scalar or (K,).
        teacher_weights: `b`, a nonzero scalar or (M,).

    Raises:
        ValueError: on shapes that do not fit, weights that are zero or not finite, or overlaps that
            are those of no vectors.

    Source: Saad and Solla, On-line learning in soft committee machines (1995), who follow the same
        overlaps; the closed form for ReLU is Tian 2017, Theorem 1.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> flow = fl.OverlapFlow(3)
        >>> law = fl.RandomOverlaps(jnp.eye(3), dim=10**6, std=1e-3)
        >>> start = law(jax.random.key(0), flow.shape)
        >>> flow.shape, flow(0.0, start).shape, flow.lift(start, 10**6).shape
        ((15,), (15,), (3, 1000000))
    """

    students: int = eqx.field(static=True)
    teachers: int = eqx.field(static=True)
    teacher_overlaps: jax.Array
    output_weights: jax.Array
    teacher_weights: jax.Array

    def __init__(
        self,
        students: int,
        teachers: int | None = None,
        *,
        teacher_overlaps: Any = None,
        output_weights: Any = 1.0,
        teacher_weights: Any = 1.0,
    ):
        self.students = int(students)
        self.teachers = self.students if teachers is None else int(teachers)
        if self.students < 1 or self.teachers < 1:
            raise ValueError(
                f"students is {students!r}, teachers {teachers!r}; needed: at least 1 of each."
            )
        count = self.teachers
        given = np.eye(count) if teacher_overlaps is None else np.asarray(teacher_overlaps, float)
        if given.shape != (count, count):
            raise ValueError(f"teacher_overlaps has shape {given.shape}; needed: {(count, count)}.")
        teacher_root(given)
        self.teacher_overlaps = jnp.asarray(given)
        self.output_weights = _weights(output_weights, self.students, "output_weights")
        self.teacher_weights = _weights(teacher_weights, count, "teacher_weights")

    @property
    def shape(self) -> tuple[int]:
        """`(K(K+1)/2 + KM,)`."""
        K, M = self.students, self.teachers
        return (K * (K + 1) // 2 + K * M,)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """`q1_2` for the overlap of students 1 and 2, `r1_2` for student 1 and teacher 2."""
        rows, columns = np.triu_indices(self.students)
        within = [f"q{i + 1}_{j + 1}" for i, j in zip(rows, columns, strict=True)]
        return (
            *within,
            *(f"r{i + 1}_{k + 1}" for i, k in np.ndindex(self.students, self.teachers)),
        )

    @property
    def symmetry(self) -> AbstractGroup:
        """The permutations of equal students, as long as there are at most 720."""
        return _permutations(tuple(np.asarray(self.output_weights).tolist()), self.teachers)

    @property
    def sampler(self) -> RandomOverlaps:
        """The overlaps of random weights of the size of the teachers in K + M dimensions."""
        norms = np.diag(np.asarray(self.teacher_overlaps))
        dim = self.students + self.teachers
        return RandomOverlaps(self.teacher_overlaps, dim, float(np.sqrt(norms.mean() / dim)))

    @property
    def has_loss(self) -> bool:
        """True: the population loss."""
        return True

    def unpack(self, z: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return `Q` (K, K) and `R` (K, M)."""
        K = self.students
        within = K * (K + 1) // 2
        return z[:within][_places(K)], z[within:].reshape(K, self.teachers)

    def pack(self, Q: jax.Array, R: jax.Array) -> jax.Array:
        """Return the state with these overlaps; `Q` (K, K) must be symmetric."""
        rows, columns = np.triu_indices(self.students)
        return jnp.concatenate([jnp.asarray(Q)[rows, columns], jnp.asarray(R).reshape(-1)])

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return the time derivative of the overlaps (NaN at a zero student)."""
        del t, args
        Q, R = self.unpack(w)
        a, b = self.output_weights, self.teacher_weights
        ours = jnp.concatenate([Q, R], axis=1)
        theirs = jnp.concatenate([R.T, self.teacher_overlaps], axis=1)
        among, across = self._angles(Q, R)
        gated = _relu.gates(JAX, among, ours, ours, a) - _relu.gates(JAX, across, ours, theirs, b)
        G = a[:, None] * gated
        inner = G[:, : self.students]
        return -self.pack(inner + inner.T, G[:, self.students :])

    def loss(self, z: jax.Array) -> jax.Array:
        """Return the population loss, a scalar; it decreases along the flow."""
        among, across = self._angles(*self.unpack(jnp.asarray(z)))
        norms, T = self._teacher_norms(), self.teacher_overlaps
        teachers = _relu.angles_of(JAX, norms, norms, T, True)
        within, mixed = _relu.kernels_of(JAX, among), _relu.kernels_of(JAX, across)
        theirs = _relu.kernels_of(JAX, teachers)
        return _relu.loss_of(within, mixed, theirs, self.output_weights, self.teacher_weights)

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the norm of the shortest student, relative to the longest teacher."""
        norms = JAX.root(jnp.diagonal(self.unpack(w)[0]))
        return jnp.min(norms) / jnp.max(self._teacher_norms())

    def teacher(self, dim: int) -> jax.Array:
        """Return teacher weights (M, dim) with the overlaps T, in the first rank(T) coordinates."""
        root = teacher_root(np.asarray(self.teacher_overlaps))
        if dim < root.shape[1]:
            raise ValueError(f"dim is {dim}; the teachers span {root.shape[1]} dimensions.")
        return jnp.asarray(np.pad(root, ((0, 0), (0, dim - root.shape[1]))))

    def project(self, w: Any, teacher: Any = None) -> jax.Array:
        """Return the overlaps of weights `w` (K, d) with a teacher (M, d), `teacher(d)` if none."""
        W = jnp.asarray(w)
        V = self.teacher(W.shape[1]) if teacher is None else jnp.asarray(teacher)
        return self.pack(W @ W.T, W @ V.T)

    def lift(self, z: Any, dim: int) -> jax.Array:
        """Return weights (K, dim) with the overlaps `z` with each other and with `teacher(dim)`.

        Raises:
            ValueError: if there are no such weights in so many dimensions.
        """
        Q, R = (np.asarray(part) for part in self.unpack(jnp.asarray(z)))
        root = teacher_root(np.asarray(self.teacher_overlaps))
        rank = root.shape[1]
        inside = R @ np.linalg.pinv(root).T
        values, vectors = np.linalg.eigh(Q - inside @ inside.T)
        slack = POSITIVE * max(1.0, float(np.abs(Q).max()))
        free = max(0, min(dim - rank, self.students))
        off = np.abs(inside @ root.T - R).max(initial=0.0)
        left_out = np.abs(values[: self.students - free]).max(initial=0.0)
        if dim < rank or max(off, left_out, -values.min()) > slack:
            raise ValueError(
                f"no weights in {dim} dimensions have these overlaps: Q - R T^+ R^T has the "
                f"eigenvalues {values}. They must be at least 0, and at most {free} of them not 0. "
                "Take more dimensions, or a state that the flow reaches from weights."
            )
        kept = np.sqrt(np.clip(values, 0, None))[self.students - free :]
        outside = vectors[:, self.students - free :] * kept
        W = np.concatenate([inside, outside], axis=1)
        return jnp.asarray(np.pad(W, ((0, 0), (0, dim - W.shape[1]))))

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again."""
        return {
            "type": "OverlapFlow",
            "shape": list(self.shape),
            "students": self.students,
            "teacher_overlaps": np.asarray(self.teacher_overlaps).tolist(),
            "output_weights": np.asarray(self.output_weights).tolist(),
            "teacher_weights": np.asarray(self.teacher_weights).tolist(),
        }

    def _teacher_norms(self) -> jax.Array:
        return JAX.root(jnp.diagonal(self.teacher_overlaps))

    def _angles(self, Q: jax.Array, R: jax.Array) -> tuple[_relu.Angles, _relu.Angles]:
        norms = JAX.root(jnp.diagonal(Q))
        across = _relu.angles_of(JAX, norms, self._teacher_norms(), R, False)
        return _relu.angles_of(JAX, norms, norms, Q, True), across


def _places(K: int) -> np.ndarray:
    """Where the entries of the full matrix Q stand in the packed state, (K, K)."""
    rows, columns = np.triu_indices(K)
    places = np.zeros((K, K), int)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return places


@ft.cache
def _permutations(weights: tuple[float, ...], teachers: int) -> AbstractGroup:
    K = len(weights)
    within = K * (K + 1) // 2
    size = within + K * teachers
    students = StudentPermutations(np.array(weights))
    if not 1 < students.order <= LARGEST:
        return TrivialGroup((size,))
    matrices = []
    overlaps = within + np.arange(K * teachers).reshape(K, teachers)
    for p in students.generators():
        rows, columns = np.triu_indices(K)
        moved = np.asarray(p)
        target = np.concatenate([_places(K)[moved[rows], moved[columns]], overlaps[moved].ravel()])
        matrices.append(np.eye(size)[:, target])
    names = [f"s{number + 1}" for number in range(len(matrices))]
    return MatrixGroup(matrices, names=names)


def _weights(value: Any, count: int, name: str) -> jax.Array:
    weights = np.asarray(value, float)
    if weights.shape not in ((), (count,)) or not np.all(np.isfinite(weights) & (weights != 0)):
        raise ValueError(
            f"{name} is {weights.tolist()}; needed: a scalar or {count} numbers, finite and not 0."
        )
    return jnp.broadcast_to(jnp.asarray(weights), (count,))
