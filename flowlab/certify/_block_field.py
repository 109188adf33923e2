"""A teacher-student field in the fixed subspace of simultaneous permutations within blocks.

A critical point of the restriction is one of the full flow (the gradient at a point that a group
fixes is fixed as well), and Schur's lemma gives its full spectrum, one irreducible representation
at a time (`critical.isotypic_spectrum`). Nothing of the full size is formed, whatever K is.
"""

import dataclasses

import numpy as np
from flint import arb

from ..critical import _isotypic as isotypic
from ..fields import AbstractField, _blocks as blocks, as_blocks
from ..fields._block_derivative import velocity_along
from ..fields._block_family import EQUAL
from ..symmetry import block_form
from ._balls import BALLS, BallArray, as_floats, balls, interval, largest
from ._capture import student_ball
from ._field import BallField, StudentBalls
from ._inertia import Inertia, inertia, pencil_inertia, spectral_inertia
from ._refusal import CertificationError, Inconclusive


@dataclasses.dataclass(frozen=True, eq=False)
class FamilyBalls(BallField):
    """The flow on a block family for its own sake: sizes need not be whole."""

    layout: blocks.Layout
    sizes: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the family."""
        return (self.layout.size,)

    def gradient(self, box: BallArray) -> BallArray:
        """Return balls that contain the gradient over the box, in the family's coordinates."""
        return -blocks.velocity(BALLS, self.layout, self.sizes, box, self._teacher())

    def hessian(self, box: BallArray) -> BallArray:
        """Return balls that contain the derivative of `gradient` over the box."""
        return derivatives(self.layout, self.sizes, box, np.eye(self.layout.size)).T

    def loss(self, box: BallArray) -> arb:
        """Return a ball that contains the losses over the box."""
        return blocks.loss(BALLS, self.layout, self.sizes, box, self._teacher())

    def loss_weights(self) -> np.ndarray:
        """How many entries of the matrix each coordinate stands for."""
        return blocks.counts(self.layout, self.sizes)

    def require_regular(self, box: BallArray) -> None:
        """Raise unless no student of the box can be zero."""
        norms = blocks.pairs(BALLS, self.layout, self.sizes, box, self._teacher()).norms
        for number, norm in enumerate(norms, 1):
            if not norm > 0:
                raise CertificationError(
                    f"The box touches a singularity: the students of block {number} may be zero "
                    "in it, where the gradient is not continuous. Use a smaller radius or another "
                    "point."
                )

    def inertia(self, box: BallArray, hessian: BallArray, w: np.ndarray, kernel: int) -> Inertia:
        """Of minus the Jacobian: in the family's coordinates the flow is no Euclidean gradient."""
        del box, w, kernel
        return spectral_inertia(hessian)

    def _teacher(self) -> BallArray:
        return balls(self.layout.teacher)


@dataclasses.dataclass(frozen=True, eq=False)
class BlockBalls(FamilyBalls):
    """The full flow at a state that a block family holds; boxes are in the family's coordinates."""

    scope = "fixed subspace"

    even: np.ndarray
    """The state, its entries equal to the last bit where the blocks ask for it."""
    coordinates: np.ndarray
    """Those of the state in the family."""
    extra: int
    loss_floor: float | None = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the full flow."""
        return self.even.shape

    def state(self, centre: np.ndarray) -> np.ndarray:
        """Return the coordinates of the state in the family."""
        del centre
        return self.coordinates

    def holds(self, centre: np.ndarray) -> bool:
        """Return whether a state has coordinates here, exactly."""
        return np.array_equal(self.even, centre)

    def inertia(self, box: BallArray, hessian: BallArray, w: np.ndarray, kernel: int) -> Inertia:
        """Prove the inertia of the Hessian of the full flow, by isotypic components."""
        del hessian, w, kernel
        found = self._components(box) + (self._transverse(box) if self.extra else [])
        smallest = interval(
            -largest(-part.smallest.lower() for _, part in found),
            -largest(-part.smallest.upper() for _, part in found),
        )
        return Inertia(sum(times * part.index for times, part in found), smallest)

    def capture(self, centre: np.ndarray, error: arb, smallest: arb) -> float:
        """In the full space, from the norms of students and teachers."""
        K, d = centre.shape
        full = StudentBalls(np.eye(K, d), np.ones(K), np.ones(K), 1.0)
        return student_ball(full, centre, error, smallest)

    def _components(self, box: BallArray) -> list[tuple[int, Inertia]]:
        """Multiplicity and inertia of each representation."""
        single, found, covered = self.layout.single, [], 0
        vectors = isotypic.representatives(single)
        tangents = np.concatenate(list(vectors.values()))
        images = self._images(box, tangents)
        fine, fine_sizes = isotypic.refined(single, self.sizes)
        weights = blocks.counts(fine, fine_sizes)
        for name, rows, dimension in isotypic.occurring(vectors, self.sizes):
            copies = balls(tangents[rows] * weights)
            form, gram = copies @ images[rows].T, copies @ balls(tangents[rows]).T
            form = (form + form.T) / 2
            try:
                part = pencil_inertia(form, gram, as_floats(form), as_floats(gram))
            except Inconclusive as reason:
                raise Inconclusive(
                    f"in the representation {isotypic.title_of(name)!r} {reason}; if the point is "
                    "one of a manifold, `in_subspace=False` may prove it"
                ) from reason
            found.append((int(dimension), part))
            covered += int(dimension) * len(form)
        if covered != int(self.sizes.sum()) ** 2:
            raise Inconclusive("the representations do not make up the whole space")
        return found

    def _images(self, box: BallArray, tangents: np.ndarray) -> BallArray:
        """What the Hessians over the box make of tangents, in coordinates of refined blocks."""
        fine, fine_sizes = isotypic.refined(self.layout.single, self.sizes)
        return derivatives(
            fine, fine_sizes, box[isotypic.coarse_places(self.layout.single)], tangents
        )

    def _transverse(self, box: BallArray) -> list[tuple[int, Inertia]]:
        """The part of the spectrum in which students leave the span of the teacher."""
        own, other = blocks.transverse(BALLS, self.layout, self.sizes, box, self._teacher())
        alone = own - np.diag(other)
        products = np.outer(self.sizes, self.sizes)
        roots = np.frompyfunc(lambda x: arb(float(x)).sqrt(), 1, 1)(products)
        square = roots * other + balls(np.eye(len(own))) * alone
        square = (square + square.T) / 2
        found = [(self.extra, inertia(square, as_floats(square)))]
        for a in np.flatnonzero(~np.array(self.layout.single)):
            one = alone[a : a + 1, None]
            found.append((int(self.sizes[a] - 1) * self.extra, inertia(one, as_floats(one))))
        return found


def derivatives(
    where: blocks.Layout, sizes: np.ndarray, box: BallArray, tangents: np.ndarray
) -> BallArray:
    """Return balls that contain the derivatives of the gradient along tangents (n, m), (n, m)."""
    teacher = balls(where.teacher)
    along = [velocity_along(BALLS, where, sizes, box, teacher, balls(t)) for t in tangents]
    return -np.stack(along)


def block_balls(field: AbstractField, centre: np.ndarray) -> BlockBalls:
    """Return the field in the fixed subspace of the blocks of a state.

    Raises:
        CertificationError: if the field or the state has no such blocks.
    """
    found = as_blocks(field, centre)
    if found is None:
        raise CertificationError(
            "The point lies in no fixed subspace of simultaneous permutations within at most four "
            "blocks, of a teacher along the axes with weights 1 and standard Gaussian inputs."
        )
    family, z = found
    K = centre.shape[0]
    form = block_form(centre[:, :K], tol=EQUAL)
    assert form is not None  # `as_blocks` found the same one.
    even = np.zeros(centre.shape)
    even[np.ix_(form.rows, form.columns)] = np.asarray(family.lift(z))[:, :K]
    sizes = np.asarray(family.sizes, float)
    return BlockBalls(family.layout, sizes, even, np.asarray(z), family.extra)
