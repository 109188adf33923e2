"""Fields made of closed forms of a user's own, on balls."""

import dataclasses

import numpy as np
from flint import arb

from ..fields import AbstractField, AbstractGradientFlow, BlockFamily, ClosedForm, TeacherStudent
from ._balls import BallArray, as_floats, balls
from ._block_field import FamilyBalls, block_balls
from ._closed import closed_velocity
from ._duals import jacobian, values
from ._field import BallField, student_balls
from ._inertia import Inertia, inertia, spectral_inertia
from ._refusal import CertificationError, Inconclusive

WIDEST, RATIO, TRIES = 4.0, 1.25, 120
"""Half-widths of the boxes in which a capture ball is tried: the first, relative to the size of
the state, their ratio, and how many."""

PIECES = 64
"""A box is divided into no more than about so many, on each of which the Hessian is enclosed."""


@dataclasses.dataclass(frozen=True, eq=False)
class FormBalls(BallField):
    """A field that is a closed form: derivatives by dual numbers on balls."""

    form: ClosedForm
    form_loss: ClosedForm | None
    form_shape: tuple[int, ...]
    loss_floor: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the field."""
        return self.form_shape

    @property
    def has_loss(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether it is a gradient flow."""
        return self.form_loss is not None

    def gradient(self, box: BallArray) -> BallArray:
        """Return balls that contain minus the field over the box, flattened."""
        return -values(self.form.on, box)

    def hessian(self, box: BallArray) -> BallArray:
        """Return balls that contain minus the Jacobian over the box."""
        return -jacobian(self.form.on, box)

    def loss(self, box: BallArray) -> arb:
        """Return a ball that contains the losses over the box."""
        if self.form_loss is None:
            raise TypeError("the field has no loss")
        return values(self.form_loss.on, box).item()

    def require_regular(self, box: BallArray) -> None:
        """Raise where the field or a derivative is not defined on all of the box."""
        entries = [*self.gradient(box), *self.hessian(box).ravel()]
        if not all(entry.is_finite() for entry in entries):
            raise CertificationError(
                "The box touches a singularity: the field or a derivative of it is not bounded "
                "there. Use a smaller radius or another point."
            )

    def inertia(self, box: BallArray, hessian: BallArray, w: np.ndarray, kernel: int) -> Inertia:
        """Of the Hessian of a gradient flow, or of minus the Jacobian of another field."""
        if self.has_loss:
            return super().inertia(box, hessian, w, kernel)
        return spectral_inertia(hessian)

    def capture(self, centre: np.ndarray, error: arb, smallest: arb) -> float:
        """From the symmetric part of the Hessians over a box that holds the ball."""
        del smallest
        radius = WIDEST * max(1.0, float(np.abs(centre).max()))
        for _ in range(TRIES):
            if self._contracts(centre, radius):
                # The corners of the box are rounded.
                rounding = 2.0**-50 * (radius + float(np.abs(centre).max()))
                inside = arb(radius) - arb(rounding) - 2 * error
                return max(0.0, float(np.nextafter(float(inside.lower()), 0)))
            radius /= RATIO
        return 0.0

    def _contracts(self, centre: np.ndarray, radius: float) -> bool:
        """Whether the symmetric part of the Hessian is positive definite on a box."""
        queue, pieces = [(centre - radius, centre + radius)], 1
        while queue:
            lower, upper = queue.pop()
            if self._convex_on(np.frompyfunc(arb.union, 2, 1)(balls(lower), balls(upper))):
                continue
            if pieces >= PIECES or not self._convex_on(balls((lower + upper) / 2)):
                return False
            place = np.unravel_index(int(np.argmax(upper - lower)), centre.shape)
            low, high = lower.copy(), upper.copy()
            low[place] = high[place] = (lower[place] + upper[place]) / 2
            queue += [(low, upper), (lower, high)]
            pieces += 1
        return True

    def _convex_on(self, box: BallArray) -> bool:
        hessian = self.hessian(box)
        symmetric = (hessian + hessian.T) / 2
        if not all(entry.is_finite() for entry in symmetric.ravel()):
            return False
        try:
            return inertia(symmetric, as_floats(symmetric)).index == 0
        except Inconclusive:
            return False


def ball_field(
    field: AbstractField, centre: np.ndarray | None = None, in_subspace: bool = False
) -> BallField:
    """Return the field on balls.

    Args:
        field: the field.
        centre: the state that a proof is about.
        in_subspace: whether to work in the fixed subspace of the state's blocks.

    Raises:
        CertificationError: if balls cannot evaluate the field.
    """
    if isinstance(field, BlockFamily):
        return FamilyBalls(field.layout, np.asarray(field.sizes, float))
    if in_subspace and centre is not None:
        return block_balls(field, centre)
    if isinstance(field, TeacherStudent):
        return student_balls(field)
    form = closed_velocity(field)
    loss = None
    if isinstance(field, AbstractGradientFlow):
        loss = ClosedForm(field.fn.on)  # type: ignore[attr-defined]
    floor = field.loss_floor if isinstance(field, AbstractGradientFlow) else None
    numbers = FormBalls(form, loss, tuple(field.shape), floor)
    _try(numbers, np.ones(field.shape) if centre is None else centre, field)
    return numbers


def _try(numbers: FormBalls, w: np.ndarray, field: AbstractField) -> None:
    """Evaluate everything once, so that what balls cannot evaluate is refused in plain words."""
    try:
        size = len(numbers.gradient(balls(w)))
        numbers.hessian(balls(w))
    except (TypeError, AttributeError, ValueError) as error:
        raise CertificationError(
            f"The {type(field).__name__} cannot be evaluated on balls: {error}. Closed forms use "
            "the operations of `xp` (see `ClosedForm`) and NumPy constants, not jax.numpy."
        ) from error
    if size != w.size:
        raise CertificationError(f"The closed form gives {size} numbers at a state of {w.size}.")
