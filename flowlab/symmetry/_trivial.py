"""No symmetry at all: the group of a general field."""

import dataclasses

import numpy as np

from ._group import AbstractGroup, Isotropy, checked_state


@dataclasses.dataclass(frozen=True)
class Identity:
    """The only element of the trivial group."""

    @property
    def is_identity(self) -> bool:
        """Always true."""
        return True

    def apply(self, w: np.ndarray) -> np.ndarray:
        """A copy of `w`."""
        return np.array(w, dtype=np.float64)

    def compose(self, other: "Identity") -> "Identity":
        """The identity again."""
        del other
        return self

    def inverse(self) -> "Identity":
        """The identity again."""
        return self

    def __str__(self) -> str:
        return "identity"


class TrivialGroup(AbstractGroup[Identity]):
    """The group with one element, acting on arrays of any shape.

    Args:
        shape: The shape of the states.

    Example:
        >>> TrivialGroup((2,)).orbit_size(np.zeros(2))
        1
    """

    def __init__(self, shape: tuple[int, ...]):
        self._shape = tuple(shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the states."""
        return self._shape

    @property
    def order(self) -> int:
        """One."""
        return 1

    def generators(self) -> list[Identity]:
        """None are needed."""
        return []

    def identity(self) -> Identity:
        """The only element."""
        return Identity()

    def act(self, element: Identity, w: np.ndarray) -> np.ndarray:
        """A copy of `w`."""
        return element.apply(w)

    def random_element(self, rng: np.random.Generator) -> Identity:
        """The only element."""
        del rng
        return Identity()

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> Identity | None:
        """The identity if the points are equal to `tol`, else None."""
        source = checked_state(self.shape, source, "source")
        target = checked_state(self.shape, target, "target")
        return Identity() if np.abs(source - target).max(initial=0.0) <= tol else None

    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[Identity]:
        """The whole group, which is trivial."""
        del tol
        checked_state(self.shape, w)
        return Isotropy(order=1, generators=(), name="trivial")

    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        """One: the point itself."""
        del tol
        checked_state(self.shape, w)
        return 1

    def canonical_image(self, w: np.ndarray, *, tol: float = 1e-6) -> tuple[np.ndarray, Identity]:
        """The point itself."""
        del tol
        return checked_state(self.shape, w).copy(), Identity()

    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        """An empty basis, (0, *shape)."""
        del w, tol
        return np.zeros((0, *self.shape))

    def fixed_subspace(self, isotropy: Isotropy[Identity]) -> np.ndarray:
        """The standard basis of the whole space, (size, *shape)."""
        del isotropy
        size = int(np.prod(self.shape))
        return np.eye(size).reshape(size, *self.shape)

    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[Identity]) -> np.ndarray:
        """A copy of `w`."""
        del isotropy
        return checked_state(self.shape, w).copy()

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """True for every state."""
        return np.ones(len(states), dtype=bool)

    def __repr__(self) -> str:
        return f"TrivialGroup({self.shape})"
