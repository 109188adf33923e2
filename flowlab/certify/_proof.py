"""What is proved about one critical point, from its box and the data of the field alone."""

import dataclasses

import numpy as np
from flint import arb

from ._balls import balls, working_precision
from ._field import BallField
from ._inertia import inertia
from ._krawczyk import Box, Newton, inclusion, newton, smallest_box, total
from ._refusal import Inconclusive

METHOD = (
    "Krawczyk operator; Gershgorin discs of the Hessian in approximate eigenvectors; "
    "ball arithmetic on the closed forms"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Proof:
    """Facts about the one critical point in a box."""

    radius: float
    """The box of this half-width holds no other critical point."""
    error: float
    """The point lies within this of the centre, in every entry."""
    index: int
    loss: arb
    lambda_min: arb
    spurious: bool


def search(field: BallField, centre: np.ndarray, radius: float | None, near: float) -> Proof:
    """Find a box that can be proved, at the present precision.

    Args:
        field: the field on balls.
        centre: the centre of the box.
        radius: half-width within which uniqueness is asked for; the box found if `None`.
        near: how far off the point may be at most where no radius is asked for.
    """
    start = newton(field, centre)
    box = smallest_box(start, near if radius is None else radius)
    if radius is None or radius == box.radius:
        return _conclude(start, box, box.radius)
    return _conclude(start, box, inclusion(start, radius).radius)


def repeat(field: BallField, centre: np.ndarray, radius: float, error: float, bits: int) -> Proof:
    """Prove everything again for given boxes; nothing of an earlier proof is used."""
    with working_precision(bits):
        start = newton(field, centre)
        box = inclusion(start, error)
        return _conclude(start, box, inclusion(start, radius).radius)


def _conclude(start: Newton, box: Box, radius: float) -> Proof:
    field = start.field
    eigenvalues = inertia(box.hessian, field.approximate_hessian(box.centre))
    loss = _loss(field, box)
    if not loss.is_finite():
        raise Inconclusive("the enclosure of the loss is not finite")
    floor = field.loss_floor
    above = floor is not None and bool(loss > floor)
    return Proof(
        radius=radius,
        error=box.radius,
        index=eigenvalues.index,
        loss=loss,
        lambda_min=eigenvalues.smallest,
        spurious=above and eigenvalues.index == 0,
    )


def _loss(field: BallField, box: Box) -> arb:
    r"""Taylor's formula :math:`J(m) + g\cdot h + h^THh/2`, for the loss over a box is not sharp."""
    width = arb(box.radius)
    slope = total(entry.abs_upper() for entry in box.gradient)
    curvature = total(entry.abs_upper() for entry in box.hessian.ravel())
    change = slope * width + curvature * width * width / 2
    return field.loss(balls(box.centre)) + arb(0, change)
