"""The flow on matrices of blocks: any number of students for the price of a few."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import is_traced
from .._kernel import once
from ..symmetry import AbstractGroup, MatrixGroup, TrivialGroup, block_form
from . import _blocks as blocks
from ._base import AbstractField
from ._flat import merge_collinear
from ._inputs import Gaussian
from ._namespace import JAX
from ._samplers import Normal
from ._teacher_student import TeacherStudent


class BlockFamily(AbstractField):
    """The fixed subspace of simultaneous permutations within blocks; made by `block_family`.

    Attributes:
        sizes: the sizes of the blocks, whole or not, (r,).
        single: which blocks have one member.
        extra: number of input dimensions beyond the span of the teacher.

    Example:
        >>> import flowlab as fl
        >>> family = fl.block_family((4, 2), dim=8)
        >>> family.coordinates, family.extra, family.students
        (('x1', 'y11', 'y12', 'x2', 'y21', 'y22'), 2, 6)
    """

    sizes: jax.Array
    single: tuple[bool, ...] = eqx.field(static=True)
    extra: int = eqx.field(static=True)

    @property
    def layout(self) -> blocks.Layout:
        """Where the coordinates of the blocks are found."""
        return blocks.layout(self.single)

    @property
    def shape(self) -> tuple[int]:
        """`(m,)`: one for each pair of blocks, and one more for each block of two or more."""
        return (self.layout.size,)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """`x1` for the diagonal of block 1, `y12` for the entries of block (1, 2) off it."""
        where = self.layout
        names = zip(where.row + 1, where.column + 1, where.diagonal, strict=True)
        return tuple(f"x{a}" if diagonal else f"y{a}{b}" for a, b, diagonal in names)

    @property
    def students(self) -> int:
        """The number K of students; raises `ValueError` if a size is not whole."""
        return int(sum(self._whole_sizes()))

    @property
    def field(self) -> TeacherStudent:
        """The full flow: K students, orthonormal teacher in K + `extra` dimensions."""
        return TeacherStudent(jnp.eye(self.students, self.students + self.extra))

    @property
    def symmetry(self) -> AbstractGroup:
        """The exchanges of blocks of equal size."""
        return _exchanges(self.layout, np.asarray(self.sizes))

    @property
    def sampler(self) -> Normal:
        """Coordinates of order 1, the size of a teacher's."""
        return Normal(1.0)

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dz/dt`."""
        del t, args
        return blocks.velocity(JAX, self.layout, self.sizes, w, jnp.asarray(self.layout.teacher))

    def batch(self, w: jax.Array) -> jax.Array:
        """Return `dz/dt` at many states (m, n)."""
        return once(_velocities, self.single, self.sizes[:, None], w)

    def lift(self, z: jax.Array) -> jax.Array:
        """Return the students `W` (K, K + extra); raises `ValueError` if a size is not whole."""
        return jnp.pad(jnp.asarray(z)[self._places()], ((0, 0), (0, self.extra)))

    def project(self, w: jax.Array) -> jax.Array:
        """Return the means of the entries that are equal in the family: the nearest point of it."""
        places = self._places().ravel()
        square = jnp.asarray(w)[:, : self.students].reshape(-1)
        totals = jax.ops.segment_sum(square, places, num_segments=self.layout.size)
        return totals / np.bincount(places, minlength=self.layout.size)

    @property
    def has_loss(self) -> bool:
        """True: the loss of the full flow."""
        return True

    def loss(self, z: jax.Array) -> jax.Array:
        """Return the population loss at `lift(z)`, from the blocks alone."""
        return blocks.loss(JAX, self.layout, self.sizes, z, jnp.asarray(self.layout.teacher))

    def multiplicities(self) -> jax.Array:
        """Return how many entries of the matrix each coordinate stands for, (m,)."""
        return blocks.counts(self.layout, self.sizes)

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the norm of the shortest student."""
        teacher = jnp.asarray(self.layout.teacher)
        return jnp.min(blocks.pairs(JAX, self.layout, self.sizes, w, teacher).norms)

    def representative(self, w: np.ndarray) -> np.ndarray:
        """Return the point of the flat family through `w` at which aligned students are equal."""
        where = self.layout
        rows = merge_collinear(np.asarray(w)[where.first], np.asarray(self.sizes))
        merged = np.empty(where.size)
        merged[where.first] = rows
        return merged

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again."""
        sizes = np.asarray(self.sizes).tolist()
        dim = int(sum(sizes)) + self.extra if self.extra else None
        return {"type": "BlockFamily", "shape": list(self.shape), "sizes": sizes, "dim": dim}

    def _whole_sizes(self) -> np.ndarray:
        if is_traced(self.sizes):
            raise ValueError(
                "the sizes are traced, so the full states have no shape here: use `lift`, "
                "`project` and `field` outside of transformations of the family itself."
            )
        sizes = np.asarray(self.sizes)
        if np.any(sizes != np.round(sizes)):
            raise ValueError(
                f"the blocks have sizes {sizes.tolist()}: no matrix has such blocks. `lift`, "
                "`project` and `field` need whole sizes; the flow itself does not."
            )
        return sizes.astype(int)

    def _places(self) -> np.ndarray:
        """The coordinate of each entry of the full matrix, (K, K)."""
        where, labels = self.layout, np.repeat(np.arange(len(self.single)), self._whole_sizes())
        places = where.between[np.ix_(labels, labels)]
        np.fill_diagonal(places, where.own[labels])
        return places


def _velocities(single: tuple[bool, ...], sizes: jax.Array, w: jax.Array) -> jax.Array:
    where = blocks.layout(single)
    return blocks.velocity(JAX, where, sizes, w, jnp.asarray(where.teacher)[:, None])


def _exchanges(where: blocks.Layout, sizes: np.ndarray) -> AbstractGroup:
    matrices = []
    for a in range(where.blocks):
        for b in range(a + 1, where.blocks):
            if sizes[a] == sizes[b]:
                order = np.arange(where.blocks)
                order[[a, b]] = b, a
                places = where.between[order[where.row], order[where.column]]
                places = np.where(where.diagonal, where.own[order[where.row]], places)
                matrices.append(np.eye(where.size)[places])
    return MatrixGroup(matrices) if matrices else TrivialGroup((where.size,))


def block_family(sizes: Sequence[float], *, dim: int | None = None) -> BlockFamily:
    r"""Return the flow on matrices of blocks, :math:`\mathrm{Fix}\,\Delta(S_p\times S_q\times...)`.

    The simultaneous permutations of students and axes within blocks of sizes :math:`p_a` leave
    those `W` in place that have one value :math:`x_a` on the diagonal of block a, one value
    :math:`y_{aa}` on the rest of block (a, a), and one value :math:`y_{ab}` on each block (a, b).
    The teacher is the identity. The angles of K students are those of r, so the flow costs the same
    for every K, and the sizes need not be whole: branches continue in real K.

    It is a restriction of the flow, not the Euclidean gradient flow of :math:`J(z)`.

    JAX can trace the sizes, so that `lambda K: block_family((K - 1, 1))` is a family in real K that
    is compiled once. A size that is traced counts as one of more than 1: the shape of the states
    must not depend on it.

    Args:
        sizes: the sizes :math:`p_a`, each at least 1; a block of exactly 1 has no :math:`y_{aa}`.
        dim: input dimension of the full flow that `lift` leads to; K if not given.

    Returns:
        A field of shape `(m,)` with `lift` and `project`, `m` being :math:`r^2` and one more for
        each block of more than one.

    Raises:
        ValueError: if a size is less than 1 or not finite, or `dim` is less than K.

    Source: Arjevani and Field, Symmetry and critical points for a model shallow neural network
        (2021); the closed form of the field is that of Tian 2017, Eqn 8, equal rows grouped.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = fl.block_family((99, 1))
        >>> family.coordinates, family.lift(family.project(jnp.eye(100))).shape
        (('x1', 'y11', 'y12', 'x2', 'y21'), (100, 100))
        >>> float(jnp.abs(family(0.0, family.project(jnp.eye(100)))).max()) < 1e-13
        True
    """
    if is_traced(sizes, *sizes):
        return _traced_family(sizes, dim)
    given = np.asarray(sizes, float)
    if given.ndim != 1 or given.size == 0 or not np.all(np.isfinite(given) & (given >= 1)):
        raise ValueError(f"sizes is {sizes!r}; needed: numbers, at least 1, one for each block.")
    total = float(given.sum())
    if dim is not None and (dim < total or dim != int(dim) or total != int(total)):
        raise ValueError(
            f"dim is {dim} for blocks of together {total:g} axes; needed: a whole number that is "
            "at least that, and whole sizes. For sizes that are not whole leave `dim` out."
        )
    extra = 0 if dim is None else int(dim - total)
    single = tuple(bool(size == 1) for size in given)
    # Equinox types its abstract variables as plain ones: `shape` would be an argument.
    return BlockFamily(jnp.asarray(given), single, extra)  # pyright: ignore[reportCallIssue]


def _traced_family(sizes: Any, dim: int | None) -> BlockFamily:
    if dim is not None:
        raise ValueError(f"dim is {dim} for sizes that are traced; leave it out: K is not known.")
    known = [size for size in sizes if not is_traced(size)]
    if not all(np.ndim(size) == 0 and np.isfinite(size) and size >= 1 for size in known):
        raise ValueError(f"sizes holds {known!r}; needed: numbers, at least 1, for each block.")
    single = tuple(not is_traced(size) and bool(size == 1) for size in sizes)
    stacked = jnp.stack([jnp.asarray(size, float) for size in sizes])
    return BlockFamily(stacked, single, 0)  # pyright: ignore[reportCallIssue]


MOST_BLOCKS = 4
"""More blocks have so many coordinates that they save nothing."""

EQUAL = 1e-12
"""Entries of a state are those of one block up to this: rounding, and nothing but rounding."""


def as_blocks(field: AbstractField, w: Any) -> tuple[BlockFamily, jax.Array] | None:
    """Return a block family that holds the state `w`, up to relabeling, and `w` in it.

    What is asked about `w` can then be asked of the family, at a cost that does not grow with K.

    Args:
        field: any field.
        w: a state, of `field.shape`.

    Returns:
        The family, of at most four blocks, and the coordinates of `w`. `None` if the closed form of
        families is not that of the field (it is for `TeacherStudent` with standard Gaussian inputs,
        weights 1, as many students as teachers, these along the axes), if `w` leaves the span of
        the teacher, or if no such family holds it.
    """
    K = field.shape[0]
    if not has_block_families(field) or np.any(np.asarray(w)[:, K:]):
        return None
    square = np.asarray(w)[:, :K]
    form = block_form(square, tol=EQUAL)
    if form is None or len(form.sizes) > MOST_BLOCKS:
        return None
    family = block_family(form.sizes, dim=field.shape[1])
    values, places = square[np.ix_(form.rows, form.columns)].ravel(), family._places().ravel()
    first = values[np.unique(places, return_index=True)[1]]
    # Averaging the deviations: equal entries come back unchanged to the last bit.
    means = np.bincount(places, weights=values - first[places]) / np.bincount(places)
    return family, jnp.asarray(first + means)


def has_block_families(field: AbstractField) -> bool:
    """Return whether `block_family` is the restriction of this field to its fixed subspaces."""
    if not isinstance(field, TeacherStudent):
        return False
    weights = np.concatenate([field.output_weights, field.teacher_weights])
    gaussian = type(field.inputs) is Gaussian and field.inputs.covariance is None
    axes = np.array_equal(field.teacher, np.eye(*field.shape))
    return bool(gaussian and axes and np.all(weights == 1))
