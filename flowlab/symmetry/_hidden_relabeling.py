"""One relabeling of the hidden units of a network."""

import dataclasses
import functools as ft

import numpy as np

from . import _permutation as permutation


@dataclasses.dataclass(frozen=True)
class HiddenRelabeling:
    """A permutation of the units of each hidden layer: of rows below and columns above.

    Args:
        layers: for each hidden layer the place that each unit goes to (0-based).
        widths: input dimension, hidden widths, and the number of outputs if they are trained.

    Example:
        >>> str(HiddenRelabeling(((1, 0), (0, 2, 1)), (3, 2, 3, 1)))
        'layer 1 (1 2) layer 2 (2 3)'
    """

    layers: tuple[tuple[int, ...], ...]
    widths: tuple[int, ...]

    @property
    def is_identity(self) -> bool:
        """Whether it moves nothing."""
        return all(map(permutation.is_identity, self.layers))

    @ft.cached_property
    def places(self) -> np.ndarray:
        """The place that each weight of a flat state goes to, (size,)."""
        ends = [range(self.widths[0]), *self.layers, range(self.widths[-1])]
        moves, offset = [], 0
        for below, above, columns, rows in zip(
            ends, ends[1:], self.widths, self.widths[1:], strict=False
        ):
            moves.append(offset + np.add.outer(np.array(above) * columns, np.array(below)).ravel())
            offset += rows * columns
        return np.concatenate(moves)

    def apply(self, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., size)."""
        w = np.asarray(w)
        moved = np.empty_like(w)
        moved[..., self.places] = w
        return moved

    def entry_moves(self) -> tuple[np.ndarray, np.ndarray]:
        """(places, signs) of the entries, (size,)."""
        return self.places, np.ones(len(self.places), dtype=np.int64)

    def compose(self, other: "HiddenRelabeling") -> "HiddenRelabeling":
        """First `other`, then this."""
        pairs = zip(self.layers, other.layers, strict=True)
        layers = tuple(permutation.compose(mine, theirs) for mine, theirs in pairs)
        return HiddenRelabeling(layers, self.widths)

    def inverse(self) -> "HiddenRelabeling":
        """The element that undoes this one."""
        return HiddenRelabeling(tuple(map(permutation.inverse, self.layers)), self.widths)

    def __str__(self) -> str:
        parts = [
            f"layer {number} {permutation.cycle_notation(places)}"
            for number, places in enumerate(self.layers, 1)
            if not permutation.is_identity(places)
        ]
        return " ".join(parts) or "identity"
