"""What a symmetry group must be able to say about the points it acts on."""

import abc
import dataclasses
from typing import Generic, Protocol, Self, TypeVar

import numpy as np


class Element(Protocol):
    """A group element: printed in cycle notation, 1-based."""

    @property
    def is_identity(self) -> bool:
        """Whether it leaves every point where it is."""
        ...

    def compose(self, other: Self) -> Self:
        """First `other`, then this."""
        ...

    def inverse(self) -> Self:
        """The element that undoes this one."""
        ...

    def apply(self, w: np.ndarray, /) -> np.ndarray:
        """The image of `w`, (..., *shape)."""
        ...


E = TypeVar("E", bound=Element)


@dataclasses.dataclass(frozen=True)
class Isotropy(Generic[E]):
    r"""The elements that leave a point where it is.

    Args:
        order: The number of components. In a relabeling group: of the pairs (permutation of
            students, permutation of teachers) for which *some* rotation of the complement completes
            the pair to an element that fixes the point. A connected part (rotations of directions
            that the point does not use) is not counted.
        generators: Elements that generate it, one rotation chosen for each pair.
        name: For people: ``"ΔS_4"``, ``"S_2×S_2"``, ``"Z_3"``, ``"order 72"``, ``"trivial"``.
        reflections: Further elements that fix the point without permuting anything (:math:`-1` on
            the directions of the complement that the point does not use). With them a fixed
            subspace is that of the whole isotropy group, connected part included.
    """

    order: int
    generators: tuple[E, ...]
    name: str
    reflections: tuple[E, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (order {self.order})"


class AbstractGroup(abc.ABC, Generic[E]):
    """A group acting isometrically on arrays of one shape.

    It is a finite group, possibly times continuous groups of rotations and of translations. What
    fixes a point acts linearly. Everything runs on the host, in numpy and float64. Two points are
    equal when no entry differs by more than `tol`.
    """

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the arrays it acts on."""

    @property
    @abc.abstractmethod
    def order(self) -> int:
        """The exact order of the finite part."""

    @abc.abstractmethod
    def generators(self) -> list[E]:
        """Elements that generate the finite part."""

    @abc.abstractmethod
    def identity(self) -> E:
        """The element that moves nothing."""

    @abc.abstractmethod
    def act(self, element: E, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., *shape), under `element`."""

    @abc.abstractmethod
    def random_element(self, rng: np.random.Generator) -> E:
        """A random element of the whole group, continuous part included."""

    @abc.abstractmethod
    def match(self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6) -> E | None:
        """An element that takes `source` to `target`, the simplest kind there is.

        Where `source` has symmetry of its own, several do. Which of them is returned depends on the
        two points up to rounding, on nothing else, so that it names the image: one place, one name.

        Args:
            source: A point, `shape`.
            target: A point, `shape`.
            tol: Largest difference of an entry.

        Returns:
            The element, checked numerically, or None when the orbits differ.
        """

    def image_name(self, element: E, w: np.ndarray) -> str:
        """The name of the connected component of the orbit of `w` that `element` takes it to."""
        del w
        return str(element)

    def norm(self, w: np.ndarray) -> float:
        """A length of `w` that no element changes: the Euclidean norm, as far as it is one."""
        return float(np.linalg.norm(w))

    def same_orbit(self, a: np.ndarray, b: np.ndarray, *, tol: float = 1e-6) -> bool:
        """Whether `a` and `b` are symmetric images of one another, to `tol`."""
        return self.match(a, b, tol=tol) is not None

    @abc.abstractmethod
    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[E]:
        """The subgroup that fixes `w`, to `tol`."""

    @abc.abstractmethod
    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        """The number of connected components of the orbit of `w`, exact, never enumerated."""

    @abc.abstractmethod
    def canonical_image(self, w: np.ndarray, *, tol: float = 1e-6) -> tuple[np.ndarray, E]:
        """One chosen point of the orbit of `w`, the same (to `tol`) for the whole orbit.

        Args:
            w: A point, `shape`.
            tol: Values closer than this are taken as equal.

        Returns:
            The image and the element that takes `w` there.
        """

    @abc.abstractmethod
    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        """An orthonormal basis (m, *shape) of the tangent space of the continuous orbit."""

    @abc.abstractmethod
    def fixed_subspace(self, isotropy: Isotropy[E]) -> np.ndarray:
        """An orthonormal basis (m, *shape) of the points that `isotropy` leaves in place."""

    @abc.abstractmethod
    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[E]) -> np.ndarray:
        """The nearest point to `w` that `isotropy` fixes, entries of one orbit bitwise equal."""

    @abc.abstractmethod
    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """For states (n, *shape): True where a cheap test proves that no relabeling fixes it."""


def checked_state(shape: tuple[int, ...], w: np.ndarray, name: str = "w") -> np.ndarray:
    """`w` as a float64 array of `shape` (leading axes not allowed), all finite.

    Args:
        shape: What the group acts on.
        w: What was given.
        name: The argument's name, for the message.

    Returns:
        The array.

    Raises:
        ValueError: If the shape is another or an entry is not finite.
    """
    array = np.asarray(w, dtype=np.float64)
    if array.shape != tuple(shape):
        raise ValueError(
            f"`{name}` has shape {array.shape}, but the group acts on arrays of shape "
            f"{tuple(shape)}. Pass one point; for many points call the group once for each."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` has entries that are not finite; a point needs finite entries.")
    return array
