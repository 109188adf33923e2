"""One student and one teacher in any dimension: two variables."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._base import AbstractField
from ._namespace import JAX
from ._samplers import Box
from ._teacher_student import TeacherStudent


class OneStudentFlow(AbstractField):
    """Norm and angle of one student that learns one teacher; made by `one_student_flow`."""

    teacher: tuple[float, ...] = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int]:
        """`(2,)`."""
        return (2,)

    @property
    def coordinates(self) -> tuple[str, str]:
        """`("r", "theta")`."""
        return ("r", "theta")

    @property
    def norm(self) -> float:
        """The norm of the teacher."""
        return float(np.linalg.norm(self.teacher))

    @property
    def field(self) -> TeacherStudent:
        """The full flow in the teacher's dimension."""
        return TeacherStudent(jnp.asarray([self.teacher]))

    @property
    def sampler(self) -> Box:
        """Uniform on norms up to twice the teacher's and all angles, less a margin of 1e-3."""
        return Box([1e-3 * self.norm, 1e-3], [2 * self.norm, np.pi - 1e-3])

    def velocity(self, xp: Any, z: Any) -> Any:
        """Return `(dr/dt, dtheta/dt)` with the operations of the namespace `xp`."""
        r, theta = z[0], z[1]
        sine = xp.sin(theta)
        gated = (xp.pi - theta) * xp.cos(theta) + sine
        radial = self.norm * gated / (2 * xp.pi) - r / 2
        return xp.stack([radial, -self.norm * (xp.pi - theta) * sine / (2 * xp.pi * r)])

    def potential(self, xp: Any, z: Any) -> Any:
        """Return the loss with the operations of the namespace `xp`."""
        r, theta, s = z[0], z[1], self.norm
        gated = (xp.pi - theta) * xp.cos(theta) + xp.sin(theta)
        return (r * r + s * s) / 4 - r * s * gated / (2 * xp.pi)

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `(dr/dt, dtheta/dt)`."""
        del t, args
        return self.velocity(JAX, w)

    def lift(self, z: jax.Array) -> jax.Array:
        """Return the student (1, d) of norm `r` at the angle `theta`, in a fixed plane."""
        along = jnp.asarray(self.teacher) / self.norm
        return z[0] * (jnp.cos(z[1]) * along + jnp.sin(z[1]) * self._across())[None]

    def project(self, w: jax.Array) -> jax.Array:
        """Return `(r, theta)` of a student (1, d)."""
        along = jnp.asarray(self.teacher) / self.norm
        r = jnp.sqrt(jnp.sum(w[0] ** 2))
        e = w[0] / r
        near, far = (jnp.sqrt(jnp.sum((e - s * along) ** 2)) for s in (1.0, -1.0))
        return jnp.stack([r, 2 * JAX.angle(near, far)])

    @property
    def has_loss(self) -> bool:
        """True: the loss of the full flow."""
        return True

    def loss(self, z: jax.Array) -> jax.Array:
        """Return the population loss at `lift(z)`."""
        return self.potential(JAX, z)

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the norm of the student, relative to the teacher's."""
        return jnp.abs(w[0]) / self.norm

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again."""
        return {"type": "OneStudentFlow", "shape": [2], "teacher": list(self.teacher)}

    def _across(self) -> np.ndarray:
        """A unit vector orthogonal to the teacher: of the axis that is least along it."""
        along = np.asarray(self.teacher) / self.norm
        axis = np.eye(len(along))[np.argmin(np.abs(along))]
        across = axis - (axis @ along) * along
        return across / np.linalg.norm(across)


def one_student_flow(teacher: Any = (1.0, 0.0)) -> OneStudentFlow:
    r"""Return the flow of one student and one teacher :math:`w^*` in norm and angle.

    For :math:`K = 1` the flow stays in the plane of the student and the teacher, so that in any
    dimension two variables tell everything: :math:`r = |w|` and
    :math:`\theta = \angle(w, w^*) \in [0, \pi]`. With :math:`h(\theta) = (\pi-\theta)\cos\theta +
    \sin\theta`,

    .. math:: \dot r = \frac{|w^*| h(\theta) - \pi r}{2\pi}, \qquad
              \dot\theta = -\frac{|w^*|(\pi-\theta)\sin\theta}{2\pi r}.

    It is the flow in polar coordinates, not the Euclidean gradient flow of :math:`J(r, \theta)`.

    Args:
        teacher: the teacher, (d,) with `d >= 2`, nonzero.

    Returns:
        A field of shape `(2,)`, coordinates `r`, `theta`, with `lift` to students (1, d) and
        `project` from them.

    Raises:
        ValueError: if the teacher is not a nonzero vector of two or more entries.

    Source: Tian 2017, Eqn 10 and Section 6.1.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> flow = fl.one_student_flow()
        >>> [abs(round(float(x), 12)) for x in flow(0.0, jnp.array([1.0, 0.0]))]
        [0.0, 0.0]
    """
    vector = np.asarray(teacher, float)
    if vector.ndim != 1 or len(vector) < 2 or not np.all(np.isfinite(vector)) or not vector.any():
        raise ValueError(
            f"teacher is {teacher!r}; needed: a vector (d,), d >= 2, finite and nonzero."
        )
    # Equinox types its abstract variables as plain ones: `shape` would be an argument.
    return OneStudentFlow(tuple(vector.tolist()))  # pyright: ignore[reportCallIssue]
