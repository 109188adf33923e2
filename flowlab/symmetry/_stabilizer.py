"""The rotations of the input space that keep the teacher and the law of the inputs."""

import dataclasses
import functools as ft

import numpy as np

from . import _permutation as permutation
from ._clusters import cluster, combine
from ._coloured_graph import (
    CanonicalForm,
    Table,
    automorphism_order,
    canonical_form,
    factorials,
    orbit_sizes,
)
from ._complement import random_rotation
from ._relabeling import snapped
from ._weights import checked_weights, weight_classes

_ROUNDING = 1e-10


@dataclasses.dataclass(frozen=True, eq=False)
class Sector:
    """One eigenspace of the covariance.

    Args:
        teacher: The unit teachers projected on it, (m, d).
        complement: Orthonormal basis of its directions that no teacher uses, (d, n).
    """

    teacher: np.ndarray
    complement: np.ndarray


class TeacherStabilizer:
    r"""The orthogonal maps that permute the teachers and commute with the covariance.

    In each eigenspace of the covariance the directions orthogonal to all teachers turn freely:
    that is the continuous part, a product of groups O(n). The finite part consists of the
    permutations of the teachers that keep their weights b and the Gram matrix of their
    projections on every eigenspace. Equal teachers are merged (their weights add) and teachers
    that do nothing (zero rows, weights that cancel) are dropped: "teacher k" is the k-th row of
    `distinct`.

    Args:
        teacher: Rows V, (M, d).
        weights: Output weights b, (M,); 1 unless given.
        covariance: Of the inputs, (d, d), symmetric and positive semidefinite; None for the
            identity.

    Raises:
        ValueError: If shapes do not fit, entries are not finite or the covariance is not
            symmetric.

    Example:
        >>> TeacherStabilizer(np.eye(3)).order
        6
    """

    def __init__(
        self,
        teacher: np.ndarray,
        weights: np.ndarray | None = None,
        covariance: np.ndarray | None = None,
    ):
        v = np.asarray(teacher, dtype=np.float64)
        if v.ndim != 2 or v.size == 0 or not np.isfinite(v).all():
            raise ValueError(
                f"`teacher` has shape {v.shape}; needed are finite rows, one for each teacher, "
                "shape (M, d). For a single teacher pass teacher[None, :]."
            )
        b = np.ones(len(v)) if weights is None else checked_weights(weights, "weights", "teachers")
        if len(b) != len(v):
            raise ValueError(f"{len(b)} weights given for {len(v)} teachers; one each is needed.")
        self.dimension = v.shape[1]
        self.distinct, self.weights = _merged(v, b)
        self.covariance = _checked_covariance(covariance, self.dimension)

    @classmethod
    def trivial(cls, d: int) -> "TeacherStabilizer":
        """The stabilizer with the identity only: every coordinate its own teacher."""
        return cls(np.eye(d), weights=np.arange(1.0, d + 1.0))

    @ft.cached_property
    def unit(self) -> np.ndarray:
        """The distinct teachers at length 1, (m, d)."""
        return self.distinct / np.linalg.norm(self.distinct, axis=1, keepdims=True)

    @ft.cached_property
    def sectors(self) -> tuple[Sector, ...]:
        """One sector for each eigenspace of the covariance."""
        found = []
        for projector in _eigenprojectors(self.covariance, self.dimension):
            part = self.unit @ projector
            used = _pseudo_inverse(part) @ part
            found.append(Sector(part, _orthonormal_basis(projector - used)))
        return tuple(found)

    @ft.cached_property
    def classes(self) -> np.ndarray:
        """(m,) colours of the teachers: weight, length, lengths of the projections."""
        lengths = np.linalg.norm(self.distinct, axis=1)
        colours = combine(weight_classes(self.weights), weight_classes(lengths))
        return combine(colours, np.diag(self._gram_classes))

    @ft.cached_property
    def _gram_classes(self) -> np.ndarray:
        colours = np.zeros((len(self.unit), len(self.unit)), dtype=np.int64)
        for sector in self.sectors:
            # All unit vectors: rounding is absolute.
            colours = combine(colours, cluster(sector.teacher @ sector.teacher.T, _ROUNDING))
        return colours

    @ft.cached_property
    def pair_classes(self) -> np.ndarray | None:
        """(m, m) colours of pairs of teachers; None when all pairs are alike."""
        off_diagonal = self._gram_classes[~np.eye(len(self.unit), dtype=bool)]
        return self._gram_classes if np.unique(off_diagonal).size > 1 else None

    @property
    def table(self) -> Table:
        """The teachers alone, as a table without rows."""
        none = np.zeros(0, dtype=np.int64)
        return Table(none, self.classes, none.reshape(0, len(self.unit)), None, self.pair_classes)

    @ft.cached_property
    def _form(self) -> CanonicalForm:
        return canonical_form(self.table, generators=True)

    @ft.cached_property
    def order(self) -> int:
        """The number of admissible permutations of the distinct teachers."""
        return automorphism_order(self.table, self._form)

    def generators(self) -> list[tuple[int, ...]]:
        """Generators of the admissible permutations."""
        return [columns for _, columns in self._form.generators]

    def relabelling(self, canonical_numbers: np.ndarray) -> tuple[int, ...]:
        """An admissible permutation made from a canonical numbering of the teachers of a table.

        It depends on the numbering only through the colours it puts in each place, hence is the
        same for every table of one orbit.
        """
        order = np.argsort(canonical_numbers)
        pairs = self.pair_classes
        renumbered = Table(
            self.table.rows,
            self.classes[order],
            self.table.entries,
            None,
            None if pairs is None else pairs[np.ix_(order, order)],
        )
        places = np.argsort(self._form.columns)[canonical_form(renumbered).columns]
        return tuple(int(k) for k in places[np.argsort(order)])

    def rotation(self, teachers: tuple[int, ...]) -> np.ndarray:
        """The orthogonal map that takes teacher k to teacher ``teachers[k]``, (d, d).

        It is the identity on the complement, and an exact signed permutation when it is one.
        """
        if permutation.is_identity(teachers):
            return np.eye(self.dimension)
        if self._axes is not None:
            # Teachers along the axes: no arithmetic, a signed permutation of the coordinates.
            places, signs = self._axes
            exact = np.eye(self.dimension)
            exact[places, places] = 0.0
            exact[places[list(teachers)], places] = signs * signs[list(teachers)]
            return exact
        total = np.zeros((self.dimension, self.dimension))
        for sector, inverse in zip(self.sectors, self._inverses, strict=True):
            total += sector.teacher[list(teachers)].T @ inverse
            total += sector.complement @ sector.complement.T
        exact = snapped(total, 1e-9)
        if exact is not total:
            return exact
        left, _, right = np.linalg.svd(total)
        return left @ right

    @ft.cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(axis, sign) of each teacher when each lies along an axis of its own, else None."""
        places = np.argmax(np.abs(self.unit), axis=1)
        signs = np.sign(self.unit[np.arange(len(places)), places])
        alone = (np.count_nonzero(self.unit, axis=1) == 1).all()
        return (places, signs) if alone and len(np.unique(places)) == len(places) else None

    @ft.cached_property
    def _inverses(self) -> list[np.ndarray]:
        return [_pseudo_inverse(s.teacher.T) for s in self.sectors]

    def random(self, rng: np.random.Generator) -> tuple[int, ...]:
        """A random admissible permutation: uniform if all permutations within the orbits are.

        Otherwise a long random word in the generators, close to uniform.
        """
        generators, orbits = self.generators(), self._form.column_orbits
        if self.order == factorials(orbit_sizes(orbits)):
            return permutation.random_within(orbits, rng)
        p = tuple(range(len(self.unit)))
        for i in rng.integers(len(generators), size=20 * len(generators)):
            if rng.random() < 0.5:
                p = permutation.compose(generators[i], p)
        return p

    def random_turn(self, rng: np.random.Generator) -> np.ndarray | None:
        """A Haar random rotation of the complements, identity on the teachers; None if none."""
        return self.turn([random_rotation(s.complement.shape[1], rng) for s in self.sectors])

    def turn(self, rotations: list[np.ndarray]) -> np.ndarray | None:
        """The map of the input space that turns each complement by its rotation, (d, d)."""
        total, turned = np.eye(self.dimension), False
        for sector, rotation in zip(self.sectors, rotations, strict=True):
            change = rotation - np.eye(len(rotation))
            if change.any():
                turned = True
                total += sector.complement @ change @ sector.complement.T
        return total if turned else None

    @property
    def continuous_dimensions(self) -> tuple[int, ...]:
        """The dimensions n of the complements that turn freely, one for each sector."""
        return tuple(s.complement.shape[1] for s in self.sectors)

    def __repr__(self) -> str:
        free = "×".join(f"O({n})" for n in self.continuous_dimensions if n) or "none"
        return (
            f"TeacherStabilizer(teachers={len(self.distinct)}, d={self.dimension}, "
            f"order={self.order}, continuous={free})"
        )


def _merged(teacher: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in order of first appearance, weights added, idle rows dropped."""
    _, first, labels = np.unique(teacher, axis=0, return_index=True, return_inverse=True)
    totals = np.bincount(labels.ravel(), weights=weights)
    order = np.argsort(first)
    rows, totals = teacher[first[order]], totals[order]
    kept = (np.linalg.norm(rows, axis=1) > 0) & (np.abs(totals) > _ROUNDING * np.abs(weights).max())
    return rows[kept], totals[kept]


def _checked_covariance(covariance: np.ndarray | None, d: int) -> np.ndarray | None:
    if covariance is None:
        return None
    s = np.asarray(covariance, dtype=np.float64)
    if s.shape != (d, d) or not np.isfinite(s).all():
        raise ValueError(
            f"`covariance` has shape {s.shape}; needed is a finite ({d}, {d}) matrix to go with "
            f"teachers in {d} dimensions. For variances pass np.diag(variances)."
        )
    if np.abs(s - s.T).max() > _ROUNDING * np.abs(s).max():
        raise ValueError("`covariance` is not symmetric; pass (S + S.T) / 2 if that is rounding.")
    if np.linalg.eigvalsh(s)[0] < -_ROUNDING * np.abs(s).max():
        raise ValueError("`covariance` has a negative eigenvalue; a covariance has none.")
    return s


def _eigenprojectors(covariance: np.ndarray | None, d: int) -> list[np.ndarray]:
    if covariance is None:
        return [np.eye(d)]
    if np.array_equal(covariance, np.diag(np.diag(covariance))):
        values, vectors = np.diag(covariance), np.eye(d)
    else:
        values, vectors = np.linalg.eigh(covariance)
    groups = cluster(values, _ROUNDING * np.abs(values).max())
    return [vectors[:, groups == g] @ vectors[:, groups == g].T for g in range(groups.max() + 1)]


def _pseudo_inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of projected unit vectors, of which some may be nothing but rounding."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    kept = values > 1e-8
    return (right[kept].T / values[kept]) @ left[:, kept].T


def _orthonormal_basis(projector: np.ndarray) -> np.ndarray:
    """Orthonormal columns spanning the range; coordinate axes when the range is made of them."""
    diagonal = np.round(np.diag(projector))
    if np.abs(projector - np.diag(diagonal)).max(initial=0.0) < 1e-12:
        return np.eye(len(projector))[:, diagonal > 0.5]
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    return vectors[:, values > 0.5]
