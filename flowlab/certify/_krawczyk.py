r"""Existence and uniqueness of a critical point in a box: the Krawczyk operator.

The box is :math:`X = \{w : |w - m|_\infty \le r\}`. With any matrix :math:`C`, here the inverse of
the approximate Hessian in floats,

.. math:: K(X) = m - C\,\nabla J(m) + (I - C\,\mathcal{H}(X))(X - m).

If :math:`K(X)` lies in the interior of :math:`X`, then :math:`X` holds exactly one critical point
(Krawczyk 1969, Moore 1977; Neumaier 1990, Theorem 5.1.8). What this needs of
:math:`\mathcal{H}(X)` is that it contains a matrix :math:`A` with
:math:`\nabla J(x) - \nabla J(y) = A(x - y)` for all :math:`x, y \in X`. J is twice continuously
differentiable wherever no student is zero, aligned and opposite pairs included, and the box is
convex, so :math:`A = \int_0^1 H(y + t(x - y))\,dt` is one; its entries are means of the entries of
Hessians over the box, which their balls contain. That third derivatives jump at aligned pairs does
not matter.

Across a manifold of critical points :math:`\mathcal{H}` is singular, and is bordered by floats
:math:`T` that are close to an orthonormal basis of its tangents. The operator is that of

.. math:: G(w, \lambda) = \bigl(\nabla J(w) + T\lambda,\; T^\top(w - m)\bigr)

on the box :math:`|w - m|_\infty \le r, |\lambda|_\infty \le r`: one zero of G. That it has
:math:`\lambda = 0` is shown elsewhere (`_splitting`). As G is injective on the box, no two critical
points of the box differ by a vector orthogonal to T.
"""

import dataclasses

import numpy as np
from flint import arb, arb_mat

from ._balls import BallArray, balls, largest, matrix, total
from ._field import BallField
from ._refusal import Inconclusive

FINEST = 2.0**-50
"""The smallest half-width tried, relative to the point's size: a few roundings of its floats."""

WIDENING = 16
"""From one box that is tried to the next."""


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """A box that is proved to hold exactly one critical point, and the Hessians over it."""

    centre: np.ndarray
    radius: float
    gradient: BallArray
    """At the centre, flattened."""
    hessian: BallArray
    """Without a border."""


@dataclasses.dataclass(frozen=True, eq=False)
class Newton:
    """One Newton step from the centre: the approximate inverse and the step's enclosure."""

    field: BallField
    centre: np.ndarray
    border: np.ndarray
    """(n, m), the tangents of a manifold of critical points; m is 0 at isolated ones."""
    inverse: arb_mat
    gradient: BallArray
    step: list[arb]
    """Upper bounds of its entries' absolute values."""

    @property
    def length(self) -> arb:
        """Upper bound of the largest entry."""
        return largest(self.step)


def newton(field: BallField, centre: np.ndarray, border: np.ndarray | None = None) -> Newton:
    """Return the Newton step at `centre` at the present precision.

    Args:
        field: the field on balls.
        centre: the state.
        border: tangents of a manifold of critical points, (n, m); none if not given.
    """
    point = balls(centre)
    border = np.zeros((centre.size, 0)) if border is None else border
    field.require_regular(point)
    try:
        bordered = _floats_bordered(field.approximate_hessian(centre), border)
        inverse = matrix(balls(np.linalg.inv(bordered)))
    except np.linalg.LinAlgError as error:
        raise Inconclusive("the Hessian cannot be inverted in floats") from error
    gradient = field.gradient(point)
    right = np.concatenate([gradient, balls(np.zeros(border.shape[1]))])
    step = (inverse * matrix(right[:, None])).entries()
    return Newton(field, centre, border, inverse, gradient, [entry.abs_upper() for entry in step])


def _floats_bordered(square: np.ndarray, border: np.ndarray) -> np.ndarray:
    corner = np.zeros((border.shape[1],) * 2)
    return np.block([[square, border], [border.T, corner]])


def _bordered(square: BallArray, border: np.ndarray) -> BallArray:
    if border.shape[1] == 0:
        return square
    frame = balls(_floats_bordered(np.zeros(square.shape), border))
    frame[: len(square), : len(square)] = square
    return frame


def inclusion(start: Newton, radius: float) -> Box:
    """Prove that the box of `radius` around the centre holds exactly one critical point.

    Raises:
        Inconclusive: if the Krawczyk operator does not map the box into its interior.
        CertificationError: if a student may be zero in the box.
    """
    box = balls(start.centre, radius)
    start.field.require_regular(box)
    hessian = start.field.hessian(box)
    size = len(start.step)
    whole = matrix(_bordered(hessian, start.border))
    remainder = matrix(balls(np.eye(size))) - start.inverse * whole
    width = arb(radius)
    for row, moved in enumerate(start.step):
        spread = total(remainder[row, column].abs_upper() for column in range(size))
        # Certain or false: a ball that is undefined fails as well.
        if not moved + spread * width < width:
            raise Inconclusive(
                "the box is too wide: the Krawczyk operator does not map the box of radius "
                f"{radius:.3g} into itself (Newton step {float(moved):.2g}, contraction factor "
                f"{float(spread):.2g}; needed: "
                "step + factor * radius < radius)"
            )
    return Box(start.centre, radius, start.gradient, hessian)


def smallest_box(start: Newton, limit: float) -> Box:
    """Return the first box that can be proved, from the smallest worth trying up to `limit`."""
    scale = max(1.0, float(np.abs(start.centre).max()))
    if not start.length < limit:
        raise Inconclusive(
            f"a Newton step from the point is {float(start.length):.2g} long, which leaves the "
            f"box of radius {limit:.2g}"
        )
    radius = max(FINEST * scale, 4 * float(start.length))
    while radius < limit:
        try:
            return inclusion(start, radius)
        except Inconclusive:
            radius *= WIDENING
    return inclusion(start, limit)
