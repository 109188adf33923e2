r"""The spectrum at a point of a block family, one irreducible representation at a time.

The Hessian at a point that :math:`H = \Delta(S_{p_1}\times...\times S_{p_r})` fixes commutes with
H, and the matrices of r by r blocks decompose into few representations: the trivial one, the
standard one of each block, its exterior square, the representation (p-2, 2) of symmetric matrices,
and the tensor products of two standard ones. By Schur's lemma the Hessian acts on each as a matrix
that is as large as the representation occurs often, and each eigenvalue of it occurs as often as
the representation has dimensions. One vector of each copy is enough to know that matrix; all these
vectors are fixed by the permutations that leave four members of each block in place, so they lie
in a block family themselves, and nothing of the full size is ever formed.
"""

import dataclasses
import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_state, require_float64
from ..fields import AbstractField, BlockFamily, _blocks as blocks, as_blocks
from ..fields._namespace import JAX
from ._spectrum import NULL

MARKED = 4
"""Members of each block that the vectors tell apart."""


@dataclasses.dataclass(frozen=True, eq=False)
class IsotypicComponent:
    """One irreducible representation and the eigenvalues that belong to it.

    Attributes:
        name: `"trivial"`, `"standard 1"`, `"exterior 1"`, `"symmetric 1"`, `"standard 1⊗2"`, with
            the numbers of the blocks; `"transverse ..."` where students leave the span of the
            teacher.
        dimension: its dimension, the multiplicity of each eigenvalue (not whole if a block's size
            is not).
        eigenvalues: one for each copy, ascending.
    """

    name: str
    dimension: float
    eigenvalues: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class IsotypicSpectrum:
    """The eigenvalues of the Hessian by irreducible representation, with exact multiplicities.

    Attributes:
        components: the representations that occur.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> s = fl.isotypic_spectrum(fl.TeacherStudent(jnp.eye(100)), jnp.eye(100))
        >>> s.index, s.nullity, len(s.eigenvalues), round(float(s.eigenvalues[0]), 10)
        (0, 0, 10000, 0.0908450569)
        >>> [(c.name, c.dimension, len(c.eigenvalues)) for c in s.components][-2:]
        [('exterior 1', 4851, 1), ('symmetric 1', 4850, 1)]
    """

    components: tuple[IsotypicComponent, ...]

    @property
    def eigenvalues(self) -> np.ndarray:
        """All eigenvalues, each as often as it occurs, ascending; needs whole multiplicities."""
        if any(c.dimension != int(c.dimension) for c in self.components):
            raise ValueError(
                "the sizes of the blocks are not whole, so eigenvalues have no multiplicities: "
                "look at `components`."
            )
        parts = [np.repeat(c.eigenvalues, int(c.dimension)) for c in self.components]
        return np.sort(np.concatenate(parts))

    @property
    def index(self) -> int:
        """Dimension of the unstable space."""
        return int(self._count(lambda values: values < -self._null))

    @property
    def nullity(self) -> int:
        """Dimension of the null space."""
        return int(self._count(lambda values: np.abs(values) <= self._null))

    @property
    def _null(self) -> float:
        return NULL * max(1.0, *(np.abs(c.eigenvalues).max() for c in self.components))

    def _count(self, chosen: Any) -> float:
        return sum(c.dimension * np.sum(chosen(c.eigenvalues)) for c in self.components)

    def __repr__(self) -> str:
        lines = [f"{c.name} (dimension {c.dimension:g}): {c.eigenvalues}" for c in self.components]
        return "\n".join(lines)


def isotypic_spectrum(field: AbstractField, w: Any) -> IsotypicSpectrum:
    r"""Return the spectrum of the Hessian by isotypic components, without forming the Hessian.

    For K students it needs a fixed number of derivatives of a field with a fixed number of
    coordinates, where `spectrum` needs the eigenvalues of a matrix of :math:`K^2` rows: at K = 100
    that is a fraction of a second against 800 megabytes.

    Args:
        field: a `BlockFamily`, or a `TeacherStudent` field with an orthonormal teacher along the
            axes, standard Gaussian inputs and weights 1.
        w: a point of the family, or a state of the field that simultaneous permutations within at
            most four blocks fix (up to a relabeling of the students); float64.

    Returns:
        An `IsotypicSpectrum`: of the Hessian of the full flow, in both cases.

    Raises:
        ValueError: on bad input, or if the field or the state is none of these.
        RuntimeError: if JAX runs in 32 bits.

    Source: Arjevani and Field, Analytic characterization of the Hessian in shallow ReLU models
        (2020), who use the same decomposition to count eigenvalues.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = fl.block_family((4, 1))
        >>> z = family.project(jnp.eye(5))
        >>> for c in fl.isotypic_spectrum(family, z).components:
        ...     print(c.name, c.dimension, c.eigenvalues.round(4).tolist())
        trivial 1 [0.0908, 0.295, 0.7547, 1.455, 1.7911]
        standard 1 3 [0.0908, 0.0908, 0.295, 0.4092, 1.455]
        exterior 1 3 [0.0908]
        symmetric 1 2 [0.4092]
    """
    require_float64("isotypic_spectrum")
    state = as_state(field.shape, w)
    found = (field, state) if isinstance(field, BlockFamily) else as_blocks(field, state)
    if found is None:
        raise ValueError(
            "isotypic components are known for states that simultaneous permutations within at "
            "most four blocks of students and axes fix, of a teacher along the axes with weights "
            "1 and standard Gaussian inputs; this is another state or field. Use `spectrum`."
        )
    return spectrum_of_family(*found)


def spectrum_of_family(family: BlockFamily, z: Any) -> IsotypicSpectrum:
    """Return the spectrum of the full flow's Hessian at the point `z` of a family."""
    sizes = np.asarray(family.sizes)
    vectors = representatives(family.single)
    fine, fine_sizes = refined(family.single, sizes)
    weights = blocks.counts(fine, fine_sizes)
    tangents = np.concatenate(list(vectors.values()))
    images = np.asarray(_images(family.single, family.sizes, jnp.asarray(z), jnp.asarray(tangents)))
    components = [
        IsotypicComponent(
            title_of(name), dimension, _eigenvalues(tangents[rows], images[rows], weights)
        )
        for name, rows, dimension in occurring(vectors, sizes)
    ]
    if family.extra:
        components += _transverse(family, jnp.asarray(z))
    return IsotypicSpectrum(tuple(components))


def occurring(
    vectors: dict[tuple[Any, ...], np.ndarray], sizes: np.ndarray
) -> list[tuple[tuple[Any, ...], slice, float]]:
    """Return name, rows among all vectors, and dimension of each representation that occurs."""
    found, first = [], 0
    for name, copies in vectors.items():
        dimension = dimension_of(name, sizes)
        rows = slice(first, first + len(copies))
        first += len(copies)
        if name[0] == "standard" and len(name) == 2 and sizes[name[1]] == 2:
            # With two members the diagonal copy is a combination of the others.
            rows = slice(rows.start + 1, rows.stop)
        if dimension > 0:
            found.append((name, rows, _whole(dimension)))
    return found


def _eigenvalues(tangents: np.ndarray, images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    root = np.linalg.cholesky(tangents * weights @ tangents.T)
    block = np.linalg.solve(root, np.linalg.solve(root, tangents * weights @ images.T).T)
    return np.linalg.eigvalsh((block + block.T) / 2)


@ft.partial(jax.jit, static_argnums=0)
def _images(single: tuple[bool, ...], sizes: Any, z: Any, tangents: Any) -> Any:
    """What the Hessian makes of the tangents, in the coordinates of the refined blocks."""
    fine, fine_sizes = refined(single, sizes)
    point = z[coarse_places(single)]
    teacher = jnp.asarray(fine.teacher)

    def gradient(w):
        return -blocks.velocity(JAX, fine, fine_sizes, w, teacher)

    return jax.vmap(lambda t: jax.jvp(gradient, (point,), (t,))[1])(tangents)


def coarse_places(single: tuple[bool, ...]) -> np.ndarray:
    """The coordinate of the blocks that each coordinate of the refined blocks is a copy of."""
    coarse, labels = blocks.layout(single), labels_of(single)
    fine = refined(single, np.zeros(len(single)))[0]
    places = coarse.between[labels[fine.row], labels[fine.column]]
    return np.where(fine.diagonal, coarse.own[labels[fine.row]], places)


def labels_of(single: tuple[bool, ...]) -> np.ndarray:
    """The block that each refined block is a part of."""
    return np.repeat(np.arange(len(single)), [1 if one else MARKED + 1 for one in single])


def refined(single: tuple[bool, ...], sizes: Any) -> tuple[blocks.Layout, Any]:
    """Blocks of one for the marked members, and one block for the others of each.

    A block of fewer members leaves others of negative number: sums over the block are right all
    the same, since at the point and on the vectors used the others are like the last marked one.
    """
    labels = labels_of(single)
    rest = np.append(labels[1:] != labels[:-1], True) & ~np.array(single)[labels]
    fine = blocks.layout(tuple((~rest).tolist()))
    return fine, np.where(rest, 1.0, 0.0) * (sizes[labels] - MARKED) + np.where(rest, 0.0, 1.0)


def representatives(single: tuple[bool, ...]) -> dict[tuple[Any, ...], np.ndarray]:
    """One vector of each copy of each representation, in the coordinates of refined blocks."""
    labels = labels_of(single)
    fine = refined(single, np.zeros(len(single)))[0]

    def outer(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return u[fine.row] * v[fine.column]

    def marked(a: int, *values: float) -> np.ndarray:
        vector = np.zeros(len(labels))
        vector[np.flatnonzero(labels == a)[: len(values)]] = values
        return vector

    r = range(len(single))
    ones = [1.0 * (labels == a) for a in r]
    many = [a for a in r if not single[a]]
    delta = {a: marked(a, 1, -1) for a in many}
    diagonals = [ones[a][fine.row] * fine.diagonal for a in many]
    found: dict[tuple[Any, ...], list[np.ndarray]] = {}
    found["trivial",] = diagonals + [outer(ones[a], ones[b]) for a in r for b in r]
    for a in many:
        diagonal = delta[a][fine.row] * fine.diagonal
        rows, columns = (
            [outer(delta[a], ones[b]) for b in r],
            [outer(ones[b], delta[a]) for b in r],
        )
        found["standard", a] = [diagonal, *rows, *columns]
    for a, b in [(a, b) for a in many for b in many if a < b]:
        found["standard", a, b] = [outer(delta[a], delta[b]), outer(delta[b], delta[a])]
    for a in many:
        e = np.array([marked(a, *row) for row in np.eye(3)])
        cycle = sum(outer(e[i], e[i - 1]) - outer(e[i - 1], e[i]) for i in range(3))
        found["exterior", a] = [np.asarray(cycle)]
    for a in many:
        other = marked(a, 0, 0, 1, -1)
        found["symmetric", a] = [outer(delta[a], other) + outer(other, delta[a])]
    return {name: np.array(copies) for name, copies in found.items()}


def dimension_of(name: tuple[Any, ...], sizes: np.ndarray) -> float:
    kind, members = name[0], sizes[list(name[1:])]
    if kind == "trivial":
        return 1
    if kind == "standard":
        return float(np.prod(members - 1))
    p = float(members[0])
    dimension = (p - 1) * (p - 2) / 2 if kind == "exterior" else p * (p - 3) / 2
    return dimension if p > (2 if kind == "exterior" else 3) else 0


def title_of(name: tuple[Any, ...]) -> str:
    return " ".join([name[0], "⊗".join(str(a + 1) for a in name[1:])]).strip()


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


@jax.jit
def _transverse_matrix(family: BlockFamily, z: Any) -> Any:
    where = family.layout
    return blocks.transverse(JAX, where, family.sizes, z, jnp.asarray(where.teacher))


def _transverse(family: BlockFamily, z: Any) -> list[IsotypicComponent]:
    sizes, (own, other) = np.asarray(family.sizes), jax.device_get(_transverse_matrix(family, z))
    alone = own - np.diag(other)
    matrix = np.diag(alone) + np.sqrt(np.outer(sizes, sizes)) * other
    found = [
        IsotypicComponent("transverse trivial", family.extra, np.linalg.eigvalsh(matrix)),
    ]
    for a in np.flatnonzero(~np.array(family.single)):
        dimension = _whole(float((sizes[a] - 1) * family.extra))
        found.append(IsotypicComponent(f"transverse standard {a + 1}", dimension, alone[a : a + 1]))
    return found
