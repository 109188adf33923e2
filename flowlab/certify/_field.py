"""A teacher-student field on balls: its own closed forms, its data taken as exact."""

import dataclasses
from typing import Any

import numpy as np
from flint import arb

from ..fields import AbstractField, Gaussian, Isotropic, TeacherStudent, _relu
from ..fields._namespace import NUMPY
from ._balls import BALLS, BallArray, balls
from ._refusal import CertificationError


@dataclasses.dataclass(frozen=True, eq=False)
class BallField:
    """The data of a field, and its loss, gradient and Hessian on boxes of students."""

    teacher: np.ndarray
    output_weights: np.ndarray
    teacher_weights: np.ndarray
    second_moment: float
    loss_floor: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """Students by input dimensions."""
        return len(self.output_weights), self.teacher.shape[1]

    def require_nonzero(self, box: BallArray) -> None:
        """Raise `CertificationError` unless no student of the box can be zero."""
        for number, student in enumerate(box, 1):
            if not (student * student).sum() > 0:
                raise CertificationError(
                    f"The box touches a singularity: student {number} may be zero in it, where "
                    "the gradient is not continuous. Use a smaller radius or another point."
                )

    def loss(self, box: BallArray) -> arb:
        """Return a ball that contains the losses over the box."""
        return _relu.loss(BALLS, box, *self._data()) * self._scale()

    def gradient(self, box: BallArray) -> BallArray:
        """Return balls that contain the gradients over the box, flattened."""
        return _relu.gradient(BALLS, box, *self._data()).ravel() * self._scale()

    def hessian(self, box: BallArray) -> BallArray:
        """Return balls that contain the Hessians over the box, (K d, K d)."""
        size = self.shape[0] * self.shape[1]
        return _relu.hessian(BALLS, box, *self._data()).reshape(size, size) * self._scale()

    def approximate_hessian(self, w: np.ndarray) -> np.ndarray:
        """Return the Hessian in floats: for choices only, never for proofs."""
        data = self.teacher, self.output_weights, self.teacher_weights
        with np.errstate(all="ignore"):
            matrix = self.second_moment * _relu.hessian(NUMPY, w, *data).reshape(w.size, w.size)
        return (matrix + matrix.T) / 2

    def _data(self) -> tuple[BallArray, BallArray, BallArray]:
        return balls(self.teacher), balls(self.output_weights), balls(self.teacher_weights)

    def _scale(self) -> arb:
        return arb(self.second_moment)


def ball_field(field: AbstractField) -> BallField:
    """Return the field on balls, or raise `CertificationError` if it has no closed forms there."""
    if not isinstance(field, TeacherStudent):
        raise CertificationError(
            f"Proofs are available for TeacherStudent fields; given: {type(field).__name__}."
        )
    return BallField(
        teacher=np.asarray(field.teacher, float),
        output_weights=np.asarray(field.output_weights, float),
        teacher_weights=np.asarray(field.teacher_weights, float),
        second_moment=_second_moment(field.inputs),
        loss_floor=field.loss_floor,
    )


def _second_moment(inputs: Any) -> float:
    # A subclass could change the formulas, so the exact type is asked for.
    if type(inputs) is Gaussian and inputs.covariance is None:
        return 1.0
    if type(inputs) is Isotropic:
        return float(inputs.second_moment)
    covariance = " with a covariance" if isinstance(inputs, Gaussian) else ""
    raise CertificationError(
        "Proofs are available for inputs Gaussian() and Isotropic(second_moment); given: "
        f"{type(inputs).__name__}{covariance}."
    )
