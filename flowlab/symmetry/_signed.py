"""The hyperoctahedral group: permutations and sign flips of the coordinates."""

import dataclasses
import math

import numpy as np
import scipy

from . import _fixed as fixed, _permutation as permutation
from ._clusters import cluster
from ._group import AbstractGroup, Isotropy, checked_state
from ._names import symmetric


@dataclasses.dataclass(frozen=True)
class SignedPermutation:
    r"""It takes :math:`u` to :math:`gu` with :math:`(gu)_{p(i)} = s_i u_i`.

    Args:
        places: ``places[i]`` is the place p(i) that coordinate ``i`` goes to (0-based), (n,).
        signs: The signs s, each 1 or -1, (n,).

    Example:
        >>> str(SignedPermutation((1, 0, 2), (1, 1, -1)))
        'coordinates (1 2) flip 3'
    """

    places: tuple[int, ...]
    signs: tuple[int, ...]

    @property
    def is_identity(self) -> bool:
        """Whether it moves and flips nothing."""
        return permutation.is_identity(self.places) and all(s == 1 for s in self.signs)

    def apply(self, u: np.ndarray) -> np.ndarray:
        """The image of `u`, (..., n)."""
        u = np.asarray(u, dtype=np.float64)
        moved = np.empty_like(u)
        moved[..., list(self.places)] = u * self.signs
        return moved

    def entry_moves(self) -> tuple[np.ndarray, np.ndarray]:
        """(places, signs) as arrays, (n,)."""
        return np.array(self.places), np.array(self.signs)

    def compose(self, other: "SignedPermutation") -> "SignedPermutation":
        """First `other`, then this."""
        return SignedPermutation(
            permutation.compose(self.places, other.places),
            tuple(s * self.signs[p] for p, s in zip(other.places, other.signs, strict=True)),
        )

    def inverse(self) -> "SignedPermutation":
        """The element that undoes this one."""
        back = permutation.inverse(self.places)
        return SignedPermutation(back, tuple(self.signs[i] for i in back))

    def __str__(self) -> str:
        parts = []
        if not permutation.is_identity(self.places):
            parts.append(f"coordinates {permutation.cycle_notation(self.places)}")
        flipped = [str(i + 1) for i, s in enumerate(self.signs) if s < 0]
        if flipped:
            parts.append("flip " + " ".join(flipped))
        return " ".join(parts) or "identity"


class SignedPermutations(AbstractGroup[SignedPermutation]):
    r"""The group :math:`B_n` of order :math:`2^n n!` on vectors of n coordinates.

    Args:
        n: The number of coordinates, at least 1.
        signs: Whether signs may flip; if not, it is the group :math:`S_n` of permutations.

    Raises:
        ValueError: If `n` is less than 1.

    Example:
        >>> SignedPermutations(3).orbit_size(np.array([1.0, 0.0, -1.0]))
        12
    """

    def __init__(self, n: int, *, signs: bool = True):
        if n < 1:
            raise ValueError(f"n is {n}; a vector needs at least one coordinate.")
        self.n = n
        self.signs = signs

    @property
    def shape(self) -> tuple[int]:
        """(n,)."""
        return (self.n,)

    @property
    def order(self) -> int:
        """2^n n!, or n! without signs."""
        return _hyperoctahedral_order(self.n) if self.signs else math.factorial(self.n)

    def identity(self) -> SignedPermutation:
        """The element that moves nothing."""
        return SignedPermutation(tuple(range(self.n)), (1,) * self.n)

    def generators(self) -> list[SignedPermutation]:
        """Swaps of neighbours and, with signs, the flip of the first coordinate."""
        ones = (1,) * self.n
        swaps = permutation.transpositions(np.zeros(self.n, dtype=np.int64))
        flip = SignedPermutation(self.identity().places, (-1, *ones[1:]))
        return [*(SignedPermutation(p, ones) for p in swaps), *([flip] if self.signs else [])]

    def act(self, element: SignedPermutation, w: np.ndarray) -> np.ndarray:
        """The image of `w`, (..., n)."""
        return element.apply(w)

    def random_element(self, rng: np.random.Generator) -> SignedPermutation:
        """A uniformly random element."""
        places = permutation.random_within(np.zeros(self.n), rng)
        choices = [-1, 1] if self.signs else [1]
        return SignedPermutation(places, tuple(rng.choice(choices, self.n).tolist()))

    def match(
        self, source: np.ndarray, target: np.ndarray, *, tol: float = 1e-6
    ) -> SignedPermutation | None:
        """The element taking `source` to `target` that moves fewest coordinates, or None.

        Args:
            source: A point, (n,).
            target: A point, (n,).
            tol: Largest difference of a coordinate.

        Returns:
            The element; flips alone if they do, then flips of fewest coordinates.
        """
        source = checked_state(self.shape, source, "source")
        target = checked_state(self.shape, target, "target")
        same = np.abs(source[:, None] - target) <= tol
        opposite = self.signs & (np.abs(source[:, None] + target) <= tol)
        n = self.n
        cost = np.where(same, 0.0, np.where(opposite, 1.0, np.inf))
        cost = np.where(np.isinf(cost), 4.0 * n * n, cost + 2.0 * n * (1.0 - np.eye(n)))
        rows, places = scipy.optimize.linear_sum_assignment(cost)
        if not (same | opposite)[rows, places].all():
            return None
        signs = np.where(same[rows, places], 1, -1)
        return SignedPermutation(tuple(places.tolist()), tuple(signs.tolist()))

    def isotropy(self, w: np.ndarray, *, tol: float = 1e-6) -> Isotropy[SignedPermutation]:
        """The subgroup fixing `w`: B_z on z zeros times S_m on each m equal absolute values.

        Args:
            w: A point, (n,).
            tol: Absolute values closer than this are taken as equal.

        Returns:
            Order, generators and name.
        """
        w = checked_state(self.shape, w)
        zeros, blocks = self._blocks(w, tol)
        signs = np.where((w < 0) & self.signs, -1, 1)
        generators = []
        for block in [zeros, *blocks]:
            for i, j in zip(block[:-1], block[1:], strict=True):
                places = list(range(self.n))
                places[i], places[j] = int(j), int(i)
                flips = np.ones(self.n, dtype=int)
                flips[[i, j]] = 1 if block is zeros else signs[i] * signs[j]
                generators.append(SignedPermutation(tuple(places), tuple(flips.tolist())))
        if len(zeros):
            flips = np.where(np.arange(self.n) == zeros[0], -1, 1)
            generators.append(SignedPermutation(self.identity().places, tuple(flips.tolist())))
        sizes = sorted((len(b) for b in blocks if len(b) > 1), reverse=True)
        names = [f"B_{len(zeros)}"] if len(zeros) else []
        names += [symmetric(sizes)] if sizes else []
        return Isotropy(
            order=_hyperoctahedral_order(len(zeros)) * math.prod(map(math.factorial, sizes)),
            generators=tuple(generators),
            name="×".join(names) or "trivial",
        )

    def _blocks(self, w: np.ndarray, tol: float) -> tuple[np.ndarray, list[np.ndarray]]:
        """The places of the zeros, and those of each other absolute value.

        Without signs a zero is a value like any other, and values count with their signs.
        """
        if not self.signs:
            ids = cluster(w, tol)
            return np.array([], int), [np.flatnonzero(ids == i) for i in range(ids.max() + 1)]
        # The zero is put in front, so that its cluster is number 0.
        ids = cluster(np.concatenate([[0.0], np.abs(w)]), tol)[1:]
        return np.flatnonzero(ids == 0), [np.flatnonzero(ids == i) for i in range(1, ids.max() + 1)]

    def orbit_size(self, w: np.ndarray, *, tol: float = 1e-6) -> int:
        """The number of images of `w`, exact."""
        return self.order // self.isotropy(w, tol=tol).order

    def canonical_image(
        self, w: np.ndarray, *, tol: float = 1e-6
    ) -> tuple[np.ndarray, SignedPermutation]:
        """The (absolute) values in descending order, and the element that takes `w` there."""
        del tol
        w = checked_state(self.shape, w)
        flips = np.where((w < 0) & self.signs, -1, 1)
        places = permutation.inverse(tuple(np.argsort(-w * flips, kind="stable")))
        element = SignedPermutation(places, tuple(flips.tolist()))
        return element.apply(w), element

    def tangents(self, w: np.ndarray, *, tol: float = 1e-6) -> np.ndarray:
        """An empty basis, (0, n): the group is finite."""
        del w, tol
        return np.zeros((0, self.n))

    def fixed_subspace(self, isotropy: Isotropy[SignedPermutation]) -> np.ndarray:
        """Orthonormal basis (m, n) of the vectors that `isotropy` fixes."""
        return fixed.basis(self.shape, isotropy.generators)

    def symmetrize(self, w: np.ndarray, isotropy: Isotropy[SignedPermutation]) -> np.ndarray:
        """The nearest fixed vector: equal absolute values bitwise equal, zeros exactly zero."""
        return fixed.projection(checked_state(self.shape, w), isotropy.generators)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """True where the (absolute) values are all different (and not zero), (n_states,)."""
        states = np.asarray(states, dtype=np.float64)
        sizes = np.sort(np.abs(states) if self.signs else states, axis=1)
        distinct = np.all(np.diff(sizes, axis=1) > 0, axis=1)
        return distinct & (sizes[:, 0] > 0) if self.signs else distinct

    def __repr__(self) -> str:
        return f"SignedPermutations({self.n}{'' if self.signs else ', signs=False'})"


def _hyperoctahedral_order(n: int) -> int:
    return 2**n * math.factorial(n)
