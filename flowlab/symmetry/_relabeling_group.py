"""The symmetry group of the population gradient of a two-layer network."""

import numpy as np

from . import _complement as complement, _fixed as fixed, _permutation as permutation
from ._coloured_graph import CanonicalForm, Table, automorphism_order, canonical_form
from ._group import AbstractGroup, Isotropy, checked_state
from ._names import isotropy_name
from ._relabeling import Relabeling
from ._row_permutations import RowPermutations
from ._stabilizer import TeacherStabilizer
from ._tables import point_tables

# Values that cluster into a chain can hide the right relabeling; a finer tolerance separates them.
_FINER = (1.0, 1e-2)


class RelabelingGroup(AbstractGroup[Relabeling]):
    r"""Permutations of the students times rotations that keep the teacher and the inputs.

    It acts on states :math:`W` (K, d) by :math:`W \mapsto P_\sigma W O^\top`. A point is known, up
    to rotations of the complement N that no teacher uses, from its overlaps with the teachers
    :math:`W V^\top` and from the Gram matrix :math:`W_N W_N^\top`, in each eigenspace of the
    covariance; the remaining finite group permutes the rows and columns of these tables, so all
    questions become questions about a coloured graph, and none needs an enumeration.

    Args:
        students: The permutations of the rows.
        stabilizer: The rotations of the input space.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> group = fl.StudentPermutations(np.ones(3)) * fl.TeacherStabilizer(np.eye(3))
        >>> group.isotropy(np.eye(3)).name, group.orbit_size(np.eye(3))
        ('ΔS_3', 6)
    """

    def __init__(self, students: RowPermutations, stabilizer: TeacherStabilizer):
        self.students = students
        self.stabilizer = stabilizer
        # Of the last point that was asked about: its isotropy and its orbit are one question.
        self._last: tuple[tuple[bytes, float], tuple[Table, CanonicalForm, int]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(K, d)."""
        return (len(self.students.weights), self.stabilizer.dimension)

    @property
    def order(self) -> int:
        """The order of the finite part: student permutations times teacher permutations."""
        return self.students.order * self.stabilizer.order

    def generators(self) -> list[Relabeling]:
        """Swaps of students, then generators of the teacher permutations."""
        here, there = tuple(range(self.shape[0])), tuple(range(len(self.stabilizer.distinct)))
        moves = [(p, there) for p in self.students.generators()]
        moves += [(here, p) for p in self.stabilizer.generators()]
        return [self.element(*move) for move in moves]

    def identity(self) -> Relabeling:
        """The element that moves nothing."""
        return self.element(
            tuple(range(self.shape[0])), tuple(range(len(self.stabilizer.distinct)))
        )

    def element(
        self,
        students: tuple[int, ...],
        teachers: tuple[int, ...],
        rotations: list[np.ndarray] | None = None,
    ) -> Relabeling:
        """The element with the given permutations and rotations of the complements.

        Args:
            students: ``students[j]`` is the place student ``j`` goes to.
            teachers: The same for the distinct teachers.
            rotations: One orthogonal matrix (n, n) for each sector, in the coordinates of its
                complement; None for no rotation.

        Returns:
            The element.
        """
        rotation = self.stabilizer.rotation(teachers)
        turn = None if rotations is None else self.stabilizer.turn(rotations)
        return Relabeling(students, rotation if turn is None else turn @ rotation, teachers, turn)

    def act(self, element: Relabeling, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., K, d)."""
        return element.apply(w)

    def random_element(self, rng: np.random.Generator) -> Relabeling:
        """Random permutations and Haar random rotations of the complements."""
        rotations = [
            complement.random_rotation(n, rng) for n in self.stabilizer.continuous_dimensions
        ]
        return self.element(self.students.random(rng), self.stabilizer.random(rng), rotations)

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> Relabeling | None:
        """An element taking `source` to `target`: a relabeling of students alone if there is one.

        Args:
            source: A point, (K, d).
            target: A point, (K, d).
            tol: Largest difference of an entry.

        Returns:
            The element, checked numerically, or None.
        """
        source = checked_state(self.shape, source, "source")
        target = checked_state(self.shape, target, "target")
        places = self.students.match(source, target, tol=tol)
        if places is not None:
            return self.element(places, self.identity().teachers)
        for fineness in _FINER:
            first, second = self._tables([source, target], tol * fineness)
            if first.histogram() != second.histogram():
                continue
            forms = canonical_form(first), canonical_form(second)
            if forms[0].key != forms[1].key:
                continue
            students = permutation.through(forms[0].rows, forms[1].rows)
            teachers = permutation.through(forms[0].columns, forms[1].columns)
            found = self._completed(students, teachers, source, target, tol)
            if np.abs(found.apply(source) - target).max() <= tol:
                return found
        return None

    def _completed(
        self,
        students: tuple[int, ...],
        teachers: tuple[int, ...],
        source: np.ndarray,
        target: np.ndarray,
        tol: float,
    ) -> Relabeling:
        """The permutations with the rotations that bring `source` nearest to `target`."""
        rotations = [
            complement.aligning_rotation(
                source @ s.complement, target[list(students)] @ s.complement, tol
            )
            for s in self.stabilizer.sectors
        ]
        return self.element(students, teachers, rotations)

    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[Relabeling]:
        """The subgroup that fixes `w`.

        Args:
            w: A point, (K, d).
            tol: Values closer than this are taken as equal.

        Returns:
            Order, generators and name.
        """
        w = checked_state(self.shape, w)
        table, form, order = self._automorphisms(w, tol)
        generators = tuple(self._completed(*g, w, w, tol) for g in form.generators)
        return Isotropy(
            order, generators, isotropy_name(table, form, order), self._reflections(w, tol)
        )

    def _automorphisms(self, w: np.ndarray, tol: float) -> tuple[Table, CanonicalForm, int]:
        key, last = (w.tobytes(), tol), self._last
        if last is not None and last[0] == key:
            return last[1]
        (table,) = self._tables([w], tol)
        form = canonical_form(table, generators=True)
        found = table, form, automorphism_order(table, form)
        self._last = key, found
        return found

    def _reflections(self, w: np.ndarray, tol: float) -> tuple[Relabeling, ...]:
        blocks = [w @ s.complement for s in self.stabilizer.sectors]
        unused = [complement.unused_projector(block, tol) for block in blocks]
        if not any(np.trace(p) > 0.5 for p in unused):
            return ()
        one = self.identity()
        return (self.element(one.students, one.teachers, [np.eye(len(p)) - 2 * p for p in unused]),)

    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        r"""The number of connected components of the orbit, by orbit-stabiliser.

        :math:`|\Gamma| \prod_i c_i / |H|` with :math:`H` the isotropy group, :math:`\Gamma` the
        finite part and :math:`c_i = 2` where the students span a whole complement: O(n) has two
        components, which then give different points.

        Args:
            w: A point, (K, d).
            tol: Values closer than this are taken as equal.

        Returns:
            The exact number.
        """
        w = checked_state(self.shape, w)
        spanned = (complement.is_spanned(w @ s.complement, tol) for s in self.stabilizer.sectors)
        return self.order * 2 ** sum(spanned) // self._automorphisms(w, tol)[2]

    def image_name(self, element: Relabeling, w: np.ndarray, *, tol: float = 1e-6) -> str:
        """The permutations, and "reflection" where one leads to another component."""
        blocks = [s.complement for s in self.stabilizer.sectors]
        spanned = [N for N in blocks if complement.is_spanned(np.asarray(w) @ N, tol)]
        turn = np.eye(self.shape[1]) if element.turn is None else element.turn
        mirrored = any(np.linalg.det(N.T @ turn @ N) < 0 for N in spanned)
        return element.name("reflection" if mirrored else "")

    def canonical_image(self, w: np.ndarray, *, tol: float = 1e-6) -> tuple[np.ndarray, Relabeling]:
        """One chosen point of the orbit of `w`, and the element that takes `w` there.

        Args:
            w: A point, (K, d).
            tol: Values closer than this are taken as equal.

        Returns:
            The image and the element.
        """
        w = checked_state(self.shape, w)
        form = canonical_form(self._tables([w], tol)[0])
        students = np.empty(len(w), dtype=np.int64)
        for value in np.unique(self.students.classes):
            members = np.flatnonzero(self.students.classes == value)
            students[members[np.argsort(form.rows[members])]] = members
        ranked = w[np.argsort(students)]
        rotations = [
            complement.canonical_rotation(ranked @ s.complement, tol)
            if np.abs(ranked @ s.complement).max(initial=0.0) > tol
            else np.eye(s.complement.shape[1])
            for s in self.stabilizer.sectors
        ]
        teachers = self.stabilizer.relabelling(form.columns)
        element = self.element(tuple(students.tolist()), teachers, rotations)
        return element.apply(w), element

    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        r"""Orthonormal basis (m, K, d) of :math:`\{W N A N^\top : A \text{ skew}\}`.

        For each complement of dimension n in which the students span r dimensions it has
        :math:`rn - r(r+1)/2` members.

        Args:
            w: A point, (K, d).
            tol: Singular values up to this count as zero.

        Returns:
            The basis; m may be 0.
        """
        w = checked_state(self.shape, w)
        parts = [
            complement.rotation_tangents(w @ s.complement, tol) @ s.complement.T
            for s in self.stabilizer.sectors
        ]
        return np.concatenate(parts)

    def fixed_subspace(self, isotropy: Isotropy[Relabeling]) -> np.ndarray:
        """Orthonormal basis (m, K, d) of the states fixed by an isotropy group.

        Args:
            isotropy: From `isotropy`. Its `reflections` take part: no direction outside what the
                point uses is left free.

        Returns:
            The basis. When all elements permute entries (up to sign), its members are constant on
            orbits of entries, exactly.
        """
        return fixed.basis(self.shape, isotropy.generators + isotropy.reflections)

    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[Relabeling]) -> np.ndarray:
        """The orthogonal projection of `w` on the fixed subspace of an isotropy group.

        Args:
            w: A point, (K, d).
            isotropy: From `isotropy`.

        Returns:
            (K, d); entries of one orbit are bitwise equal when the elements permute entries.
        """
        w = checked_state(self.shape, w)
        return fixed.projection(w, isotropy.generators + isotropy.reflections)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """True where all overlaps with teachers differ: no relabeling but the identity fixes it.

        Args:
            states: (n, K, d).

        Returns:
            (n,) booleans; False means "not known".
        """
        states = np.asarray(states, dtype=np.float64)
        unit = self.stabilizer.unit
        if len(unit) == 0 or self.order == 1:
            return np.full(len(states), self.order == 1)
        overlaps = np.sort((states @ unit.T).reshape(len(states), -1), axis=1)
        # Overlaps with teachers along the axes are copies of entries; others carry rounding.
        exact = (np.count_nonzero(unit, axis=1) == 1).all()
        margin = 0.0 if exact else 1e-12 * np.abs(overlaps).max(axis=1, initial=0.0, keepdims=True)
        return np.all(np.diff(overlaps, axis=1) > margin, axis=1)

    def _tables(self, points: list[np.ndarray], tol: float) -> list[Table]:
        return point_tables(self.students, self.stabilizer, points, tol)

    def __repr__(self) -> str:
        return f"RelabelingGroup({self.students!r} * {self.stabilizer!r})"
