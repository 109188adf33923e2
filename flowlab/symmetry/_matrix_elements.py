"""The elements of a finite matrix group, listed."""

import dataclasses

import numpy as np

from . import _fixed as fixed

LARGEST = 2_000
"""More elements than this are not listed: large groups have classes of their own."""

SAME = 1e-6
"""Matrices whose entries differ by less are one element."""


@dataclasses.dataclass(frozen=True, eq=False)
class ElementList:
    """The elements of a group: their matrices, and the words in the generators that make them."""

    shape: tuple[int, ...]
    matrices: np.ndarray
    words: tuple[str, ...]
    exact: np.ndarray
    """Which matrices are signed permutations, so that floats are moved without rounding."""

    def number(self, matrix: np.ndarray) -> int:
        """The number of the element with this matrix."""
        return int(np.abs(self.matrices - matrix).max(axis=(1, 2)).argmin())


@dataclasses.dataclass(frozen=True)
class MatrixElement:
    """An element of a `MatrixGroup`, printed as a word whose last letter acts first.

    Args:
        elements: The list of all elements of its group.
        number: Its place there; 0 is the identity.
    """

    elements: ElementList
    number: int

    @property
    def matrix(self) -> np.ndarray:
        """The matrix that acts on flattened states, (size, size)."""
        return self.elements.matrices[self.number]

    @property
    def is_identity(self) -> bool:
        """Whether it moves nothing."""
        return self.number == 0

    def apply(self, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., *shape)."""
        w = np.asarray(w, dtype=np.float64)
        moves = self.entry_moves()
        flat = w.reshape(*w.shape[: w.ndim - len(self.elements.shape)], -1)
        if moves is None:
            return (flat @ self.matrix.T).reshape(w.shape)
        moved = np.empty_like(flat)
        moved[..., moves[0]] = flat * moves[1]
        return moved.reshape(w.shape)

    def entry_moves(self) -> fixed.EntryMoves | None:
        """(places, signs) of the flattened entries, or None when the matrix mixes entries."""
        if not self.elements.exact[self.number]:
            return None
        places = np.abs(self.matrix).argmax(axis=0)
        return places, self.matrix[places, np.arange(len(places))]

    def compose(self, other: "MatrixElement") -> "MatrixElement":
        """First `other`, then this."""
        product = self.matrix @ other.matrix
        return MatrixElement(self.elements, self.elements.number(product))

    def inverse(self) -> "MatrixElement":
        """The element that undoes this one."""
        return MatrixElement(self.elements, self.elements.number(self.matrix.T))

    def __str__(self) -> str:
        return self.elements.words[self.number]

    def __repr__(self) -> str:
        return f"<MatrixElement {self}>"


def list_elements(
    shape: tuple[int, ...], generators: list[np.ndarray], names: list[str]
) -> ElementList:
    """List the group, breadth first, so that each element has a shortest word."""
    size = len(generators[0])
    matrices = [np.eye(size)]
    words: list[tuple[str, ...]] = [()]
    # Elements are told apart by what they do to one vector that no small group fixes.
    probe = np.random.default_rng(0).standard_normal((size, 2))
    images = np.empty((LARGEST, size, 2))
    images[0] = probe
    for matrix, word in zip(matrices, words, strict=False):
        for generator, name in zip(generators, names, strict=True):
            product = generator @ matrix
            image = product @ probe
            known = images[: len(matrices)]
            if np.abs(known - image).max(axis=(1, 2)).min() > SAME:
                if len(matrices) == LARGEST:
                    raise ValueError(
                        f"the matrices generate more than {LARGEST:,} elements. If a rotation is "
                        "meant to have a finite order, give its matrix to full precision; for "
                        "permutations of many coordinates use SignedPermutations."
                    )
                images[len(matrices)] = image
                matrices.append(product)
                words.append((name, *word))
    exact = np.array([np.isin(np.abs(matrix), (0.0, 1.0)).all() for matrix in matrices])
    return ElementList(shape, np.array(matrices), tuple(map(_spell, words)), exact)


def _spell(word: tuple[str, ...]) -> str:
    """`r^2 s` for ("r", "r", "s")."""
    runs: list[tuple[str, int]] = []
    for letter in word:
        if runs and runs[-1][0] == letter:
            runs[-1] = (letter, runs[-1][1] + 1)
        else:
            runs.append((letter, 1))
    return " ".join(f"{name}^{count}" if count > 1 else name for name, count in runs) or "identity"


def group_name(matrices: np.ndarray) -> str:
    """`Z_n`, `D_n` or `order n` for the group with these elements."""
    order = len(matrices)
    if order == 1:
        return "trivial"
    orders = np.array([_order(matrix) for matrix in matrices])
    if orders.max() == order:
        return f"Z_{order}"
    half = order // 2
    # Dihedral: a cyclic half, and everything outside it an involution.
    if order % 2 == 0 and half > 2 and orders.max() == half and (orders == 2).sum() >= half:
        return f"D_{half}"
    return "Z_2×Z_2" if order == 4 else f"order {order}"


def _order(matrix: np.ndarray) -> int:
    power, count = matrix, 1
    while np.abs(power - np.eye(len(matrix))).max() > SAME:
        power, count = power @ matrix, count + 1
    return count
