"""What a proof needs of a field on balls, and the teacher-student field: its own closed forms."""

import abc
import dataclasses
from typing import Any

import numpy as np
from flint import arb

from ..fields import Gaussian, Isotropic, TeacherStudent, _relu
from ..fields._namespace import NUMPY
from ._balls import BALLS, BallArray, as_floats, balls
from ._capture import student_ball
from ._inertia import Inertia, inertia
from ._refusal import CertificationError
from ._splitting import Manifold, manifold_of


class BallField(abc.ABC):
    """A field on balls. Its zeros are those of `gradient`, of which `hessian` is the derivative."""

    scope = "all states"
    """Where the critical point is unique in its box."""

    loss_floor: float | None = None
    has_loss: bool = True

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the states that are given."""

    def state(self, centre: np.ndarray) -> np.ndarray:
        """Return the coordinates, in which boxes are, of a state that is given."""
        return centre

    def holds(self, centre: np.ndarray) -> bool:
        """Return whether a state has coordinates here, exactly."""
        return centre.shape == self.shape

    @abc.abstractmethod
    def gradient(self, box: BallArray) -> BallArray:
        """Return balls that contain minus the field over the box, flattened."""

    @abc.abstractmethod
    def hessian(self, box: BallArray) -> BallArray:
        """Return balls that contain the derivative of `gradient` over the box, (n, n)."""

    @abc.abstractmethod
    def loss(self, box: BallArray) -> arb:
        """Return a ball that contains the losses over the box."""

    def loss_weights(self) -> np.ndarray | float:
        """Return by what `gradient` is multiplied to give that of the loss, (n,) or a number."""
        return 1.0

    def require_regular(self, box: BallArray) -> None:
        """Raise `CertificationError` if the box may touch a singularity."""
        del box

    def approximate_hessian(self, w: np.ndarray) -> np.ndarray:
        """Return the Hessian in floats: for choices only, never for proofs."""
        return as_floats(self.hessian(balls(w)))

    def inertia(self, box: BallArray, hessian: BallArray, w: np.ndarray, kernel: int) -> Inertia:
        """Prove the signs of the eigenvalues, `hessian` being that over the box around `w`."""
        del box
        return inertia(hessian, self.approximate_hessian(w), kernel)

    def manifold(self, centre: np.ndarray) -> Manifold | None:
        """Return the manifold of critical points that is expected through a state, if any."""
        del centre
        return None

    def capture(self, centre: np.ndarray, error: arb, smallest: arb) -> float:
        """Return the radius of a ball around `centre` from which all converges; 0 if none.

        Args:
            centre: a state, of `shape`.
            error: how far the sink may lie from it, in the Euclidean norm.
            smallest: contains the smallest eigenvalue of the Hessian at the sink.
        """
        del centre, error, smallest
        return 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class StudentBalls(BallField):
    """The data of a field, and its loss, gradient and Hessian on boxes of students."""

    teacher: np.ndarray
    output_weights: np.ndarray
    teacher_weights: np.ndarray
    second_moment: float
    loss_floor: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Students by input dimensions."""
        return len(self.output_weights), self.teacher.shape[1]

    def require_regular(self, box: BallArray) -> None:
        """Raise `CertificationError` unless no student of the box can be zero."""
        for number, student in enumerate(box, 1):
            if not (student * student).sum() > 0:
                raise CertificationError(
                    f"The box touches a singularity: student {number} may be zero in it, where "
                    "the gradient is not continuous. Use a smaller radius or another point."
                )

    def loss(self, box: BallArray) -> arb:
        """Return a ball that contains the losses over the box."""
        return _relu.loss(BALLS, box, *self._data()) * self.scale

    def gradient(self, box: BallArray) -> BallArray:
        """Return balls that contain the gradients over the box, flattened."""
        return _relu.gradient(BALLS, box, *self._data()).ravel() * self.scale

    def hessian(self, box: BallArray) -> BallArray:
        """Return balls that contain the Hessians over the box, (K d, K d)."""
        size = self.shape[0] * self.shape[1]
        return _relu.hessian(BALLS, box, *self._data()).reshape(size, size) * self.scale

    def approximate_hessian(self, w: np.ndarray) -> np.ndarray:
        """Return the Hessian in floats: for choices only, never for proofs."""
        data = self.teacher, self.output_weights, self.teacher_weights
        with np.errstate(all="ignore"):
            matrix = self.second_moment * _relu.hessian(NUMPY, w, *data).reshape(w.size, w.size)
        return (matrix + matrix.T) / 2

    def manifold(self, centre: np.ndarray) -> Manifold | None:
        """Rotations that leave the teachers in place, and the splitting of aligned students."""
        return manifold_of(self, centre)

    def capture(self, centre: np.ndarray, error: arb, smallest: arb) -> float:
        """From a Lipschitz constant of the Hessian in closed form."""
        return student_ball(self, centre, error, smallest)

    def _data(self) -> tuple[BallArray, BallArray, BallArray]:
        return balls(self.teacher), balls(self.output_weights), balls(self.teacher_weights)

    @property
    def scale(self) -> arb:
        """The second moment of the inputs, by which the loss is multiplied."""
        return arb(self.second_moment)


def student_balls(field: TeacherStudent) -> StudentBalls:
    """Return the field on balls, or raise `CertificationError` for inputs without closed forms."""
    return StudentBalls(
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
