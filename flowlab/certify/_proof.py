"""What is proved about one critical point, from its box and the data of the field alone."""

import dataclasses

import numpy as np
from flint import arb

from ._balls import balls, largest, total, working_precision
from ._field import BallField
from ._inertia import Inertia
from ._krawczyk import WIDENING, Box, Newton, inclusion, newton, smallest_box
from ._refusal import Inconclusive
from ._splitting import Manifold

METHOD = (
    "Krawczyk operator; Gershgorin discs of the Hessian in approximate eigenvectors, or Arb's "
    "eigenvalues of a Jacobian; ball arithmetic on the closed forms"
)

SPARE = 4.0
"""A lifted point is stated to lie within so many times what was proved, for other machines."""

SHARE = 0.9
"""Of the capture ball that is proved this much is stated, for other machines."""


@dataclasses.dataclass(frozen=True, eq=False)
class Proof:
    """Facts about the one critical point in a box, or the one in a slice across a manifold."""

    radius: float
    """The box of this half-width holds no other critical point."""
    error: float
    """The point lies within this of the centre, in every entry."""
    index: int
    nullity: int
    loss: arb | None
    lambda_min: arb
    spurious: bool
    capture: float
    """Radius of a ball around the centre from which all converges; 0 if none."""


def search(field: BallField, centre: np.ndarray, radius: float | None, near: float) -> Proof:
    """Find a box that can be proved, at the present precision.

    Args:
        field: the field on balls.
        centre: the state.
        radius: half-width within which uniqueness is asked for; the box found if `None`.
        near: how far off the point may be at most where no radius is asked for.
    """
    limit = near if radius is None else radius
    manifold = field.manifold(centre)
    if manifold is None or not manifold.groups:
        start = newton(field, field.state(centre), _border(manifold))
        box = smallest_box(start, limit)
    else:
        start = newton(field, centre, manifold.tangents)
        box = _box_of(start, SPARE * _lifted_error(manifold, centre, limit), limit)
    widest = box if radius is None or radius == box.radius else inclusion(start, radius)
    return _conclude(start, box, widest.radius, manifold, centre)


def repeat(field: BallField, centre: np.ndarray, radius: float, error: float, bits: int) -> Proof:
    """Prove everything again for given boxes; nothing of an earlier proof is used."""
    with working_precision(bits):
        manifold = field.manifold(centre)
        if manifold is None or not manifold.groups:
            start = newton(field, field.state(centre), _border(manifold))
        else:
            start = newton(field, centre, manifold.tangents)
            if not _lifted_error(manifold, centre, error) <= error:
                raise Inconclusive("the point is not proved to lie within `error` of the centre")
        box = inclusion(start, error)
        widest = box if radius == error else inclusion(start, radius)
        return _conclude(start, box, widest.radius, manifold, centre)


def _border(manifold: Manifold | None) -> np.ndarray | None:
    return None if manifold is None else manifold.tangents


def _box_of(start: Newton, radius: float, limit: float) -> Box:
    """The first box from a radius on, and up to a limit, that can be proved."""
    while radius < limit:
        try:
            return inclusion(start, radius)
        except Inconclusive:
            radius *= WIDENING
    return inclusion(start, limit)


def _lifted_error(manifold: Manifold, centre: np.ndarray, limit: float) -> float:
    """Prove that the reduced network has its point, and how far the lifted one is from `centre`."""
    start = newton(manifold.reduced, manifold.centre, manifold.border)
    box = smallest_box(start, limit)
    region = balls(manifold.centre, box.radius)
    manifold.require_critical(region)
    gap = manifold.lift(region) - balls(centre)
    return float(np.nextafter(float(largest(x.abs_upper() for x in gap.ravel())), np.inf))


def _conclude(
    start: Newton, box: Box, radius: float, manifold: Manifold | None, centre: np.ndarray
) -> Proof:
    field, region = start.field, balls(box.centre, box.radius)
    if manifold is not None and not manifold.groups:
        manifold.require_critical(region)
    kernel = 0 if manifold is None else manifold.dimension
    found = field.inertia(region, box.hessian, box.centre, kernel)
    loss = _loss(field, box) if field.has_loss else None
    if loss is not None and not loss.is_finite():
        raise Inconclusive("the enclosure of the loss is not finite")
    floor = field.loss_floor
    above = floor is not None and loss is not None and bool(loss > floor)
    return Proof(
        radius=radius,
        error=box.radius,
        index=found.index,
        nullity=found.nullity,
        loss=loss,
        lambda_min=found.smallest,
        spurious=above and found.index == 0,
        capture=SHARE * _capture(field, centre, box, found),
    )


def _capture(field: BallField, centre: np.ndarray, box: Box, found: Inertia) -> float:
    if found.index or found.nullity:
        return 0.0
    error = (arb(box.radius) * arb(centre.size).sqrt()).upper()
    return field.capture(centre, error, found.smallest)


def _loss(field: BallField, box: Box) -> arb:
    r"""Taylor's formula :math:`J(m) + g\cdot h + h^THh/2`, for the loss over a box is not sharp."""
    width, weights = arb(box.radius), balls(np.ones(box.centre.size) * field.loss_weights())
    slope = total(entry.abs_upper() for entry in weights * box.gradient)
    curvature = total(entry.abs_upper() for entry in (weights[:, None] * box.hessian).ravel())
    change = slope * width + curvature * width * width / 2
    return field.loss(balls(box.centre)) + arb(0, change)
