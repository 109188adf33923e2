"""One element of the symmetry group of n points in Euclidean space."""

import dataclasses

import numpy as np

from . import _permutation as permutation
from ._relabeling import is_near_identity

_SAME = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Isometry:
    r"""A permutation of n atoms, a rotation about their centroid, and a translation.

    It takes a state with rows :math:`x_i` and centroid :math:`\bar x` to the one with rows

    .. math:: (gx)_{\sigma(i)} = \bar x + t + O\,(x_i - \bar x).

    Rotations about the *own* centroid commute with translations and act linearly, so that what a
    group of them fixes is a linear subspace, wherever the centroid is. Every rigid motion of one
    state is of this form.

    Args:
        places: ``places[i]`` is the place that atom ``i`` goes to (0-based), (n,).
        rotation: The orthogonal matrix :math:`O`, (d, d); its determinant may be -1.
        shift: The translation :math:`t`, (d,).

    Example:
        >>> g = Isometry((1, 0), np.diag([1.0, -1.0]), np.zeros(2))
        >>> str(g), str(g.compose(g))
        ('atoms (1 2) reflection', 'identity')
    """

    places: tuple[int, ...]
    rotation: np.ndarray
    shift: np.ndarray

    @property
    def is_identity(self) -> bool:
        """Whether it moves no state."""
        return permutation.is_identity(self.places) and not self._moves

    @property
    def is_reflection(self) -> bool:
        """Whether the determinant of the rotation is -1."""
        return bool(np.linalg.det(self.rotation) < 0)

    @property
    def _moves(self) -> bool:
        return not is_near_identity(self.rotation) or bool(np.abs(self.shift).max() > _SAME)

    def apply(self, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., n, d); exact when atoms only change places."""
        w = np.asarray(w, dtype=np.float64)
        turned = w
        if (self.rotation != np.eye(len(self.rotation))).any():
            centroid = w.mean(axis=-2, keepdims=True)
            turned = (w - centroid) @ self.rotation.T + centroid
        moved = np.empty_like(w)
        moved[..., list(self.places), :] = turned + self.shift if self.shift.any() else turned
        return moved

    def entry_moves(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(places, signs) of the flattened entries of an element without translation.

        Returns:
            Two arrays (n d,), or None when the rotation mixes entries through the centroid.
        """
        d = len(self.rotation)
        if (self.rotation != np.eye(d)).any():
            return None
        places = np.array(self.places)[:, None] * d + np.arange(d)
        return places.ravel(), np.ones(places.size)

    def compose(self, other: "Isometry") -> "Isometry":
        """First `other`, then this."""
        return Isometry(
            permutation.compose(self.places, other.places),
            self.rotation @ other.rotation,
            self.shift + other.shift,
        )

    def inverse(self) -> "Isometry":
        """The element that undoes this one."""
        return Isometry(permutation.inverse(self.places), self.rotation.T, -self.shift)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Isometry)
            and self.places == other.places
            and np.abs(self.rotation - other.rotation).max() <= _SAME
            and np.abs(self.shift - other.shift).max() <= _SAME
        )

    def __hash__(self) -> int:
        return hash(self.places)

    def name(self, motion: str = "") -> str:
        """Its permutation in cycle notation, then "reflection" or the word `motion`."""
        parts = []
        if not permutation.is_identity(self.places):
            parts.append(f"atoms {permutation.cycle_notation(self.places)}")
        if word := "reflection" if self.is_reflection else motion:
            parts.append(word)
        return " ".join(parts) or "identity"

    def __str__(self) -> str:
        return self.name("motion" if self._moves else "")

    def __repr__(self) -> str:
        return f"<Isometry {self}>"
