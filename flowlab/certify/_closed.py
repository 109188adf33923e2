"""Velocities and losses on balls, for the fields that have closed forms."""

from typing import Any

from ..fields import (
    AbstractField,
    ClosedForm,
    GradientFlow,
    OneStudentFlow,
    TeacherStudent,
    VectorField,
    _relu,
)
from ..fields._namespace import JAX
from ._balls import balls
from ._field import student_balls
from ._refusal import CertificationError


def closed_velocity(field: AbstractField) -> ClosedForm:
    """Return the field as a closed form for balls.

    Raises:
        CertificationError: if the field has none.
    """
    match field:
        case TeacherStudent():
            return _student_velocity(field)
        case OneStudentFlow():
            return ClosedForm(field.velocity, name="OneStudentFlow")
        case VectorField() if hasattr(field.fn, "on"):
            return ClosedForm(field.fn.on, name="VectorField")  # type: ignore[attr-defined]
        case GradientFlow() if hasattr(field.fn, "on"):
            loss: Any = field.fn
            return ClosedForm(lambda xp, w: -loss.gradient(xp, w), name="GradientFlow")
    raise CertificationError(
        f"{type(field).__name__} has no closed form that balls can evaluate. There is one for "
        "TeacherStudent with inputs Gaussian() or Isotropic(...), one_student_flow, and every "
        "VectorField or GradientFlow that is made from a `ClosedForm`."
    )


def _student_velocity(field: TeacherStudent) -> ClosedForm:
    numbers = student_balls(field)

    def velocity(xp: Any, w: Any) -> Any:
        teacher, students, teachers = (
            balls(data)
            for data in (numbers.teacher, numbers.output_weights, numbers.teacher_weights)
        )
        slope = _relu.gradient(xp, w, teacher, students, teachers, _relu.sharp_angles)
        return -slope * numbers.second_moment

    return ClosedForm(velocity, name="TeacherStudent")


def loss_candidate(field: AbstractField) -> ClosedForm:
    r"""Return the loss of a gradient flow as a closed form: :math:`\dot J = -|\nabla J|^2`.

    It decreases everywhere except at critical points; as a candidate it tells how fast, and its
    sublevel sets are forward invariant.

    Args:
        field: a `TeacherStudent`, or a `GradientFlow` made from a `ClosedForm`.

    Returns:
        The candidate, for `check_lyapunov`, `prove_lyapunov` and `Sublevel`.

    Raises:
        CertificationError: (a `ValueError`) if the field has no loss in closed form.

    Source: Tian 2017, Eqn 16.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> V = fl.loss_candidate(fl.zoo.double_well())
        >>> float(V(jnp.array([0.0, 0.0])))
        0.25
    """
    match field:
        case TeacherStudent():
            numbers, velocity = student_balls(field), _student_velocity(field)

            def loss(xp: Any, w: Any) -> Any:
                return field.loss(w) if xp is JAX else numbers.loss(w)

            def slope(xp: Any, w: Any) -> Any:
                return field.gradient(w) if xp is JAX else -velocity.on(xp, w)

            return ClosedForm(loss, slope, name="loss")
        case GradientFlow() if isinstance(field.fn, ClosedForm):
            return ClosedForm(field.fn.function, field.fn.slope, name="loss")
    raise CertificationError(
        f"{type(field).__name__} has no loss in closed form. TeacherStudent has one, and every "
        "GradientFlow that is made from a `ClosedForm`; `field.loss` serves for `check_lyapunov`."
    )
