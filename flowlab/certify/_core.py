r"""That a candidate decreases on a cube around a sink, everywhere but at the sink itself.

At the sink :math:`\dot V` and its gradient vanish, so that no enclosure of :math:`\dot V` decides
there. On a convex set X that holds the sink c,

.. math:: \nabla V(w) = B\,(w-c), \quad f(w) = A\,(w-c), \qquad
          \dot V(w) = (w-c)^\top B^\top A\,(w-c)

with means A and B of the Jacobians of f and of the Hessians of V on the segment from c to w, which
their balls over X contain. If the symmetric part of :math:`B^\top A` is negative definite for all
of them, :math:`\dot V < 0` on X less c. This needs :math:`f(c) = 0` and :math:`\nabla V(c) = 0`
exactly, and no more of f than that it is continuously differentiable.
"""

import dataclasses
from typing import Any

import numpy as np

from .._checks import as_state
from ..critical import CriticalPoint
from ..fields import AbstractField, TeacherStudent
from ._balls import BALLS, BallArray, balls, middles
from ._duals import jacobian
from ._field import student_balls
from ._inertia import inertia
from ._rate import Rate, box_of
from ._refusal import CertificationError, Inconclusive

HALVINGS = 40
"""How often the cube is halved before the proof is given up."""


@dataclasses.dataclass(frozen=True, eq=False)
class Core:
    """A cube around a sink on which a candidate is proved to decrease, except at the sink."""

    sink: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def holds(self, lower: np.ndarray, upper: np.ndarray) -> bool:
        """Whether a box lies in the cube."""
        return bool(np.all(self.lower <= lower) and np.all(upper <= self.upper))


def core_of(
    field: AbstractField, rate: Rate, sink: CriticalPoint | Any, widest: np.ndarray
) -> Core:
    """Prove that the candidate decreases on a cube around the sink.

    Args:
        field: the field.
        rate: of the candidate along it.
        sink: an equilibrium whose floats are exact.
        widest: half-widths of the first cube that is tried, of the field's shape.

    Raises:
        CertificationError: if the point is not an equilibrium and critical for V exactly, or no
            cube can be proved.
    """
    location = sink.location if isinstance(sink, CriticalPoint) else sink
    centre = np.asarray(as_state(tuple(field.shape), location, "sink"), float)
    _require_exact(field, rate, centre)
    reason: Exception | None = None
    for halvings in range(HALVINGS):
        half = widest * 0.5**halvings
        # Rounded, as the corners are; what counts is that the floats hold the sink.
        lower, upper = centre - half, centre + half
        try:
            _require_negative(field, rate, box_of(lower, upper))
            return Core(centre, lower, upper)
        except Inconclusive as error:
            reason = error
    raise CertificationError(
        f"V is not proved to decrease on any cube around the sink: {reason}. At the sink the "
        "symmetric part of V'' f' has to be negative definite; `quadratic_candidate` has it so."
    ) from reason


def _require_exact(field: AbstractField, rate: Rate, centre: np.ndarray) -> None:
    point = balls(centre)
    for name, vector in (
        ("the field", None if _copies(field, centre) else rate.velocity.on(BALLS, point)),
        ("the gradient of V", rate.V.gradient(BALLS, point)),
    ):
        if vector is not None and not all(entry.is_zero() for entry in vector.ravel()):
            raise CertificationError(
                f"{name} is not exactly 0 at {centre.tolist()}; needed: a sink whose coordinates "
                "are floats. Leave out a ball around it instead, and no `sink`."
            )


def _copies(field: AbstractField, centre: np.ndarray) -> bool:
    """Whether the students are the teachers, where the gradient is 0 term by term."""
    if not isinstance(field, TeacherStudent):
        return False
    numbers = student_balls(field)
    students = np.column_stack([numbers.output_weights, centre])
    teachers = np.column_stack([numbers.teacher_weights, numbers.teacher])
    if students.shape != teachers.shape:
        return False
    return bool(np.array_equal(_sorted(students), _sorted(teachers)))


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def _require_negative(field: AbstractField, rate: Rate, box: BallArray) -> None:
    curvature = jacobian(rate.V.gradient, box)
    if isinstance(field, TeacherStudent):
        numbers = student_balls(field)
        if not all((student * student).sum() > 0 for student in box):
            raise Inconclusive("a student may be zero there")
        slopes = -numbers.hessian(box)
    else:
        slopes = jacobian(rate.velocity.on, box)
    form = -(curvature.T @ slopes)
    form = (form + form.T) / 2
    if not all(entry.is_finite() for entry in form.ravel()):
        raise Inconclusive("a derivative is not bounded near the sink")
    centres = np.array([float(entry) for entry in middles(form).ravel()]).reshape(form.shape)
    if inertia(form, centres).index:
        raise Inconclusive("V increases in a direction near the sink")
