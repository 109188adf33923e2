"""The permutations of the hidden units of a network of several layers."""

import functools as ft
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _fixed as fixed, _permutation as permutation
from ._clusters import cluster
from ._coloured_graph import CanonicalForm, Table, automorphism_order, canonical_form
from ._group import AbstractGroup, Isotropy, checked_state
from ._hidden_relabeling import HiddenRelabeling
from ._names import isotropy_name

# Values that cluster into a chain can hide the right relabeling; a finer tolerance separates them.
_FINER = (1.0, 1e-2)


class HiddenUnitPermutations(AbstractGroup[HiddenRelabeling]):
    r"""The permutations of the hidden units of a network, layer by layer.

    A network :math:`W_L\sigma(W_{L-1}\cdots\sigma(W_1x))` does not change when the units of a
    hidden layer change places: :math:`W_l \mapsto P_lW_lP_{l-1}^\top` with :math:`P_0 = P_L = 1`.
    The group acts on flat states that hold the matrices one after the other, each row by row. What
    a relabeling does to the weights is what it does to the graph of units with coloured edges, so
    no question needs an enumeration.

    The positive rescaling of a unit's incoming weights against its outgoing ones does not change a
    ReLU network either, but it is no isometry, and no element of this group.

    Args:
        widths: input dimension, hidden widths, number of outputs: :math:`(n_0, \dots, n_L)`.
        output_weights: the matrix :math:`W_L`, (n_L, n_{L-1}), if it is fixed and no part of the
            state; then only units with equal output weights change places in the last hidden layer.

    Raises:
        ValueError: if there are less than two widths, one is less than 1, or `output_weights` does
            not fit them.

    Example:
        >>> group = HiddenUnitPermutations((3, 2, 4, 1))
        >>> group.shape, group.order
        ((18,), 48)
        >>> group.orbit_size(np.arange(18.0)), group.isotropy(np.ones(18)).name
        (48, 'S_4×S_2')
    """

    def __init__(self, widths: Sequence[int], *, output_weights: Any = None):
        self.all_widths = tuple(int(width) for width in widths)
        if len(self.all_widths) < 2 or min(self.all_widths) < 1:
            raise ValueError(
                f"widths is {widths!r}; needed: input dimension, hidden widths and number of "
                "outputs, each at least 1."
            )
        self.hidden = self.all_widths[1:-1]
        self._classes = [np.full(width, number) for number, width in enumerate(self.hidden)]
        self.widths = self.all_widths
        if output_weights is not None:
            fixed_weights = np.asarray(output_weights, float)
            if not self.hidden or fixed_weights.shape != (self.widths[-1], self.widths[-2]):
                raise ValueError(
                    f"output_weights has shape {fixed_weights.shape}; needed: "
                    f"{(self.widths[-1], self.widths[-2])}, above at least one hidden layer."
                )
            kinds = np.unique(fixed_weights, axis=1, return_inverse=True)[1]
            self._classes[-1] = len(self.hidden) - 1 + kinds.ravel()
            self.widths = self.widths[:-1]

    @property
    def shape(self) -> tuple[int]:
        """The number of weights, as a shape."""
        return (sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False)),)

    @property
    def order(self) -> int:
        """The number of relabelings: a product of factorials."""
        counts = np.bincount(self._rows) if self.hidden else []
        return math.prod(math.factorial(int(count)) for count in counts)

    def matrices(self, w: np.ndarray) -> list[np.ndarray]:
        """The weight matrices of flat states (..., size), each (..., n_l, n_{l-1})."""
        w, found, offset = np.asarray(w), [], 0
        for columns, rows in zip(self.widths, self.widths[1:], strict=False):
            part = w[..., offset : offset + rows * columns]
            found.append(part.reshape(*w.shape[:-1], rows, columns))
            offset += rows * columns
        return found

    def identity(self) -> HiddenRelabeling:
        """The element that moves nothing."""
        return self._element(np.arange(sum(self.hidden)))

    def generators(self) -> list[HiddenRelabeling]:
        """Swaps of neighbouring units that may change places."""
        return [self._element(np.array(p)) for p in permutation.transpositions(self._rows)]

    def act(self, element: HiddenRelabeling, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., size)."""
        return element.apply(w)

    def random_element(self, rng: np.random.Generator) -> HiddenRelabeling:
        """A uniformly random element."""
        return self._element(np.array(permutation.random_within(self._rows, rng), dtype=np.int64))

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> HiddenRelabeling | None:
        """An element that takes `source` to `target`: the identity if it does.

        Args:
            source: A point, (size,).
            target: A point, (size,).
            tol: Largest difference of an entry.

        Returns:
            The element, checked numerically, or None.
        """
        source = checked_state(self.shape, source, "source")
        target = checked_state(self.shape, target, "target")
        if np.abs(source - target).max() <= tol:
            return self.identity()
        for fineness in _FINER if self.hidden else ():
            first, second = self._tables([source, target], tol * fineness)
            if first.histogram() != second.histogram():
                continue
            forms = canonical_form(first), canonical_form(second)
            if forms[0].key != forms[1].key:
                continue
            found = self._element(np.array(permutation.through(forms[0].rows, forms[1].rows)))
            if np.abs(found.apply(source) - target).max() <= tol:
                return found
        return None

    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[HiddenRelabeling]:
        """The subgroup that fixes `w`: units of equal incoming and outgoing weights, and the like.

        Args:
            w: A point, (size,).
            tol: Weights closer than this are taken as equal.

        Returns:
            Order, generators and name.
        """
        w = checked_state(self.shape, w)
        if not self.hidden:
            return Isotropy(1, (), "trivial")
        table, form, order = self._automorphisms(w, tol)
        generators = tuple(self._element(np.array(rows)) for rows, _ in form.generators)
        return Isotropy(order, generators, isotropy_name(table, form, order))

    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        """The number of images of `w`, by orbit and stabiliser."""
        return self.order // self.isotropy(w, tol=tol).order

    def canonical_image(
        self, w: np.ndarray, *, tol: float = 1e-6
    ) -> tuple[np.ndarray, HiddenRelabeling]:
        """One chosen point of the orbit of `w`, and the element that takes `w` there.

        Args:
            w: A point, (size,).
            tol: Weights closer than this are taken as equal.

        Returns:
            The image and the element.
        """
        w = checked_state(self.shape, w)
        if not self.hidden:
            return w.copy(), self.identity()
        form = canonical_form(self._tables([w], tol)[0])
        places = np.arange(len(self._rows))
        for value in np.unique(self._rows):
            members = np.flatnonzero(self._rows == value)
            places[members[np.argsort(form.rows[members])]] = members
        element = self._element(places)
        return element.apply(w), element

    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        """An empty basis, (0, size): the group is finite."""
        del w, tol
        return np.zeros((0, *self.shape))

    def fixed_subspace(self, isotropy: Isotropy[HiddenRelabeling]) -> np.ndarray:
        """Orthonormal basis (m, size) of the states that `isotropy` fixes."""
        return fixed.basis(self.shape, isotropy.generators)

    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[HiddenRelabeling]) -> np.ndarray:
        """The nearest fixed state; weights of one orbit become bitwise equal."""
        return fixed.projection(checked_state(self.shape, w), isotropy.generators)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """True where the first incoming weights of all units of each layer differ, (n,).

        What fixes a state moves, in the lowest layer in which it moves anything, units of equal
        incoming weights.
        """
        states = np.asarray(states, dtype=np.float64)
        generic = np.ones(len(states), dtype=bool)
        for matrix in self.matrices(states)[: len(self.hidden)]:
            generic &= np.all(np.diff(np.sort(matrix[..., 0], axis=-1), axis=-1) > 0, axis=-1)
        return generic

    @ft.cached_property
    def _rows(self) -> np.ndarray:
        """Units with equal numbers may change places, (units,)."""
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *self._classes])

    @ft.cached_property
    def _ends(self) -> np.ndarray:
        """Where the units of each hidden layer begin, and where the last of them ends."""
        return np.cumsum([0, *self.hidden])

    def _element(self, places: np.ndarray) -> HiddenRelabeling:
        """The element that takes each hidden unit to its place among all of them."""
        layers = [
            tuple((places[first:last] - first).tolist())
            for first, last in zip(self._ends, self._ends[1:], strict=False)
        ]
        return HiddenRelabeling(tuple(layers), self.widths)

    def _automorphisms(self, w: np.ndarray, tol: float) -> tuple[Table, CanonicalForm, int]:
        (table,) = self._tables([w], tol)
        form = canonical_form(table, generators=True)
        return table, form, automorphism_order(table, form)

    def _tables(self, points: list[np.ndarray], tol: float) -> list[Table]:
        """Hidden units as rows, what stays in place (inputs, outputs) as columns, and weights.

        Colours are given to all points together; 0 is no weight at all.
        """
        ids = cluster(np.stack(points), tol) + 1
        units, inputs = len(self._rows), self.widths[0]
        outputs = self.widths[-1] if len(self.widths) > len(self.hidden) + 1 else 0
        columns = np.arange(inputs + outputs)
        tables = []
        for matrices in zip(*self.matrices(ids), strict=True):
            entries = np.zeros((units, len(columns)), dtype=np.int64)
            pairs = np.zeros((units, units), dtype=np.int64)
            for number, colours in enumerate(matrices):
                here = (
                    slice(*self._ends[number : number + 2]) if number < len(self.hidden) else None
                )
                below = slice(*self._ends[number - 1 : number + 1]) if number else None
                if here is not None and below is None:
                    entries[here, :inputs] = colours
                elif here is not None and below is not None:
                    pairs[here, below], pairs[below, here] = colours, colours.T
                elif below is not None:
                    entries[below, inputs:] = colours.T
            linked = pairs if pairs.any() else None
            tables.append(Table(self._rows, columns, entries, linked))
        return tables

    def __repr__(self) -> str:
        return f"<HiddenUnitPermutations of widths {self.all_widths}, order {self.order}>"
