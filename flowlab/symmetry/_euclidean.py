"""The symmetry group of n interacting points: permutations times the Euclidean group."""

from collections.abc import Sequence

import numpy as np

from . import _complement as complement, _fixed as fixed, _permutation as permutation
from ._coloured_graph import CanonicalForm, Table, automorphism_order, canonical_form
from ._configuration import aligned, centred, distance_tables, distances, rounding, spread
from ._group import AbstractGroup, Isotropy, checked_state
from ._isometry import Isometry
from ._point_group import stabilizer_name
from ._row_permutations import RowPermutations

# Distances that cluster into a chain hide what the points are; a finer tolerance separates them.
_FINER = (1.0, 1e-2, 1e-4)


class EuclideanGroup(AbstractGroup[Isometry]):
    r"""Permutations of n identical atoms times translations, rotations and reflections of space.

    It acts on states (n, d), one row for each atom, as :class:`Isometry` says. The distances
    between the atoms determine a state up to a rigid motion, so what permutations do to a state is
    what they do to the complete graph whose edges are coloured by distance: no question needs an
    enumeration.

    The group is that of the fields that keep the centroid at rest: of interaction energies that
    depend on distances alone. The isotropy group of a state is its *point group*. Its order is the
    number of its components: that of the group itself for states that span a plane of space or
    more; 4 for ``D_∞h`` and 2 for ``C_∞v``, the groups of linear molecules in three dimensions, in
    which the rotations about the axis are one component and the mirrors through it another.

    Args:
        n: The number of atoms.
        dim: The dimension d of space.
        kinds: A number for each atom, (n,); only atoms of equal number change places. All may if
            not given.

    Raises:
        ValueError: If a number is less than 1, or `kinds` does not have n finite entries.

    Source: Longuet-Higgins, Molecular Physics 6 (1963) 445-460, for permutations and inversion of
    molecules that are not rigid.

    Example:
        >>> triangle = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> group = EuclideanGroup(3)
        >>> str(group.isotropy(triangle)), group.orbit_size(triangle)
        ('D_3h (order 12)', 1)
        >>> len(group.tangents(triangle))  # three translations and three rotations
        6
    """

    def __init__(self, n: int, dim: int = 3, *, kinds: Sequence[float] | None = None):
        for name, value in (("n", n), ("dim", dim)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; needed: a whole number, 1 or more.")
        if kinds is not None and len(kinds) != n:
            raise ValueError(f"kinds has {len(kinds)} entries; needed: one for each of {n} atoms.")
        self.n, self.dim = n, dim
        self._permutations = RowPermutations(np.asarray(np.zeros(n) if kinds is None else kinds))

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return (self.n, self.dim)

    @property
    def order(self) -> int:
        """The number of components: twice that of the permutations, for the reflections."""
        return 2 * self._permutations.order

    def identity(self) -> Isometry:
        """The element that moves nothing."""
        return self._motion(np.eye(self.dim))

    def generators(self) -> list[Isometry]:
        """Swaps of atoms, and the reflection of the first coordinate: one in each component."""
        swaps = [
            Isometry(p, np.eye(self.dim), np.zeros(self.dim))
            for p in self._permutations.generators()
        ]
        return [*swaps, self._motion(np.diag([-1.0, *[1.0] * (self.dim - 1)]))]

    def _motion(self, rotation: np.ndarray) -> Isometry:
        """The element that turns space about the centroid and permutes nothing."""
        return Isometry(tuple(range(self.n)), rotation, np.zeros(self.dim))

    def act(self, element: Isometry, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., n, d)."""
        return element.apply(w)

    def random_element(self, rng: np.random.Generator) -> Isometry:
        """A random permutation, a Haar random rotation or reflection, and a normal translation."""
        rotation = complement.random_rotation(self.dim, rng)
        return Isometry(self._permutations.random(rng), rotation, rng.standard_normal(self.dim))

    def norm(self, w: np.ndarray) -> float:
        """The norm of the state seen from its centroid: translations keep it too."""
        return float(np.linalg.norm(centred(np.asarray(w))))

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> Isometry | None:
        """An element taking `source` to `target`: a motion without permutation if there is one.

        The permutation depends on the distances of the two points only, and where the atoms do not
        span space the motion is proper, so that each component of an orbit has one name.

        Args:
            source: A point, (n, d).
            target: A point, (n, d).
            tol: Largest difference of an entry.

        Returns:
            The element, checked numerically, or None.
        """
        source = checked_state(self.shape, source, "source")
        target = checked_state(self.shape, target, "target")
        for fineness in _FINER:
            places = self._places(source, target, tol * fineness)
            if places is None:
                continue
            found = aligned(places, source, target, tol * fineness)
            if np.abs(found.apply(source) - target).max() <= tol:
                return found
        return None

    def _places(self, source: np.ndarray, target: np.ndarray, tol: float) -> tuple[int, ...] | None:
        """The permutation under which the distances of two points agree, or None."""
        if np.abs(distances(source) - distances(target)).max() <= spread(tol, self.dim):
            return tuple(range(self.n))
        first, second = distance_tables(self._permutations.classes, [source, target], tol)
        if first.histogram() != second.histogram():
            return None
        forms = canonical_form(first), canonical_form(second)
        if forms[0].key != forms[1].key:
            return None
        return permutation.through(forms[0].rows, forms[1].rows)

    def image_name(self, element: Isometry, w: np.ndarray) -> str:
        """The permutation, and "reflection" where a mirror image is no motion of the point."""
        w = np.asarray(w)
        found = self.match(w, element.apply(w))
        return (element if found is None else found).name()

    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[Isometry]:
        """The point group of `w`: the motions that only permute its atoms.

        Args:
            w: A point, (n, d).
            tol: Largest difference of an entry; rounding is allowed for.

        Returns:
            The order (the number of components), generators of what permutes atoms, -1 on the
            directions that the atoms do not span as `reflections`, and the Schoenflies symbol.
        """
        w = checked_state(self.shape, w)
        tol = max(tol, rounding(w))
        table, form, found = self._symmetries(w, tol)
        unused = complement.unused_projector(centred(w), tol)
        flat = np.trace(unused) > 0.5
        mirror = self._motion(np.eye(self.dim) - 2 * unused)
        mirrors = (mirror,) if flat else ()
        order = automorphism_order(table, form) * (2 if flat else 1)
        return Isotropy(order, found, stabilizer_name(w, found, mirrors, order, tol), mirrors)

    def _symmetries(
        self, w: np.ndarray, tol: float
    ) -> tuple[Table, CanonicalForm, tuple[Isometry, ...]]:
        """The coloured graph, its canonical form and isometries that generate its symmetries."""
        for fineness in _FINER:
            (table,) = distance_tables(self._permutations.classes, [w], tol * fineness)
            form = canonical_form(table, generators=True)
            found = tuple(aligned(rows, w, w, tol) for rows, _ in form.generators)
            if all(np.abs(g.apply(w) - w).max() <= 4 * tol for g in found):
                break
        return table, form, found

    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        r"""The number of connected components of the orbit, by orbit-stabiliser.

        :math:`2\,n!/|H|` with :math:`|H|` the number of components of the point group (products of
        factorials for atoms of several kinds): the labelled arrangements that no motion takes to
        one another, the two mirror images of a chiral one counted both. An equilateral triangle in
        space has one, a tetrahedron two, a square three, a linear molecule of n atoms n!/2.

        Args:
            w: A point, (n, d).
            tol: Largest difference of an entry.

        Returns:
            The exact number.
        """
        return self.order // self.isotropy(w, tol=tol).order

    def canonical_image(self, w: np.ndarray, *, tol: float = 1e-6) -> tuple[np.ndarray, Isometry]:
        """One chosen point of the orbit of `w`, its centroid at 0, and what takes `w` there.

        Args:
            w: A point, (n, d).
            tol: Largest difference of an entry.

        Returns:
            The image and the element.
        """
        w = checked_state(self.shape, w)
        form = canonical_form(distance_tables(self._permutations.classes, [w], tol)[0])
        places = np.empty(self.n, dtype=np.int64)
        classes = self._permutations.classes
        for kind in np.unique(classes):
            members = np.flatnonzero(classes == kind)
            places[members[np.argsort(form.rows[members])]] = members
        ranked = centred(w)[np.argsort(places)]
        rotation = np.eye(self.dim)
        if np.abs(ranked).max() > tol:
            rotation = complement.canonical_rotation(ranked, tol)
        element = Isometry(tuple(places.tolist()), rotation, -w.mean(axis=0))
        return element.apply(w), element

    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        r"""Orthonormal basis (m, n, d) of translations and infinitesimal rotations.

        With r the dimension that the atoms span there are :math:`d + rd - r(r+1)/2`: in space 6, 5
        for linear states.

        Args:
            w: A point, (n, d).
            tol: Singular values up to this count as zero.

        Returns:
            The basis, translations first.
        """
        w = checked_state(self.shape, w)
        directions = np.eye(self.dim)[:, None] / np.sqrt(self.n)
        translations = np.broadcast_to(directions, (self.dim, *self.shape))
        return np.concatenate([translations, complement.rotation_tangents(centred(w), tol)])

    def fixed_subspace(self, isotropy: Isotropy[Isometry]) -> np.ndarray:
        """Orthonormal basis (m, n, d) of the states of this point group, wherever their centroid.

        Args:
            isotropy: From `isotropy`; its `reflections` take part.

        Returns:
            The basis.
        """
        return fixed.basis(self.shape, isotropy.generators + isotropy.reflections)

    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[Isometry]) -> np.ndarray:
        """The nearest state to `w` that `isotropy` fixes, up to rounding."""
        w = checked_state(self.shape, w)
        return fixed.projection(w, isotropy.generators + isotropy.reflections)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """True where all distances differ and the atoms span as much of space as n points can.

        Such a state has no more symmetry than every state has (three atoms always have a mirror),
        and only more would confine a flow.

        Args:
            states: (m, n, d).

        Returns:
            (m,) booleans; False means "not known".
        """
        states = np.asarray(states, dtype=np.float64)
        most = min(self.n - 1, self.dim)
        if most == 0:
            return np.ones(len(states), dtype=bool)
        widths = np.linalg.svd(centred(states), compute_uv=False)
        generic = widths[:, most - 1] > 1e-12 * widths[:, 0]
        pairs = np.triu_indices(self.n, 1)
        lengths = np.sort(distances(states)[:, pairs[0], pairs[1]], axis=1)
        gaps = np.diff(lengths, axis=1).min(axis=1, initial=np.inf)
        return generic & (gaps > 1e-12 * lengths[:, -1])

    def __repr__(self) -> str:
        return f"EuclideanGroup({self.n}, {self.dim})"
