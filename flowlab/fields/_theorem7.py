"""The two-dimensional dynamics of Theorem 7."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._kernel import once
from ..symmetry import AbstractGroup, SignedPermutations, TrivialGroup
from ._base import AbstractField
from ._namespace import JAX
from ._samplers import Box
from ._teacher_student import TeacherStudent


class Theorem7Plane(AbstractField):
    """The plane `w_j = x e_j + y sum_{k != j} e_k` of the flow; made by `theorem7_plane`."""

    students: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int]:
        """`(2,)`."""
        return (2,)

    @property
    def coordinates(self) -> tuple[str, str]:
        """`("x", "y")`."""
        return ("x", "y")

    @property
    def field(self) -> TeacherStudent:
        """The full flow: K students, orthonormal teacher in d dimensions."""
        return TeacherStudent(jnp.eye(self.students, self.dim))

    @property
    def symmetry(self) -> AbstractGroup:
        """For K = 2 the exchange of x and y (that of the two students); for K > 2 none."""
        if self.students == 2:
            return SignedPermutations(2, signs=False)
        return TrivialGroup((2,))

    @property
    def sampler(self) -> Box:
        """Uniform on the unit square of Theorem 7, less a margin of 1e-3 around 0."""
        return Box([1e-3, 1e-3], [1.0, 1.0])

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `(dx/dt, dy/dt)` (Tian 2017 supplement, Eqns 69-70, N = 1)."""
        del t, args
        velocity = _velocity(self.students, w)
        return jnp.stack([velocity.real, velocity.imag])

    def batch(self, w: jax.Array) -> jax.Array:
        """Return `(dx/dt, dy/dt)` at many states (2, n)."""
        # Both components as one complex number: stacked in the same kernel, each would compute
        # what they share again.
        velocity = once(_velocity, self.students, w)
        return jnp.stack([velocity.real, velocity.imag])

    def lift(self, z: jax.Array) -> jax.Array:
        """Return the students `W` (K, d) with `x` on the diagonal, `y` elsewhere in K columns."""
        identity = jnp.eye(self.students)
        square = z[0] * identity + z[1] * (1 - identity)
        return jnp.pad(square, ((0, 0), (0, self.dim - self.students)))

    def project(self, w: jax.Array) -> jax.Array:
        """Return the means of the diagonal and of the other entries: the nearest `(x, y)`."""
        square = w[:, : self.students]
        diagonal = jnp.trace(square)
        count = self.students * (self.students - 1)
        return jnp.stack([diagonal / self.students, (jnp.sum(square) - diagonal) / count])

    @property
    def has_loss(self) -> bool:
        """True: the loss of the full flow."""
        return True

    def loss(self, z: jax.Array) -> jax.Array:
        """Return the population loss at `lift(z)`."""
        return self.field.loss(self.lift(z))

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the norm of a student."""
        return jnp.sqrt(w[0] ** 2 + (self.students - 1) * w[1] ** 2)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """Return which of `states` (n, 2) are off the diagonal."""
        return states[:, 0] != states[:, 1]

    def invariant_basis(self, w: np.ndarray) -> np.ndarray | None:
        """Return the diagonal for a point with `x = y`: all students equal stay equal."""
        return np.full((1, 2), 0.5**0.5) if w[0] == w[1] else None

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again."""
        return {"type": "Theorem7Plane", "shape": [2], "students": self.students, "dim": self.dim}


def _velocity(students: int, w: jax.Array) -> jax.Array:
    """Return `dx/dt + i dy/dt`."""
    x, y = w[0], w[1]
    others = students - 1
    square = x * x + others * y * y
    # Sines and cosines of the angles with the own and with another teacher, and between two
    # students, up to a positive factor; |x - y| makes the last sine exact at x = y.
    along = np.sqrt(others) * jnp.abs(y)
    across = JAX.root(x * x + (others - 1) * y * y)
    gap = jnp.abs(x - y)
    apart = gap * JAX.root((x + y) * (x + y) + 2 * (others - 1) * y * y)
    theta, star = JAX.angle(along, x), JAX.angle(across, y)
    phi = JAX.angle(apart, 2 * x * y + (others - 1) * y * y)
    shared = -(np.pi - phi) * (x - 1 + others * y)
    radial = (others * (across - apart) + along) * JAX.inverse(square)
    dx = shared - theta - phi * (x - 1) + radial * x
    dy = shared - (star - phi) - phi * y + radial * y
    return jax.lax.complex(dx, dy) / (2 * np.pi)


def theorem7_plane(K: int, dim: int | None = None) -> Theorem7Plane:
    r"""Return the flow on the plane :math:`w_j = x e_j + y\sum_{k\ne j} e_k`, orthonormal teacher.

    The teacher is at (1, 0). For :math:`x > y` everything flows to it; the diagonal
    :math:`x = y` is the stable set of the saddle
    :math:`x^* = (\sqrt{K-1} - \arccos(1/\sqrt K) + \pi)/(\pi K)`. It is a restriction of the
    flow, not the Euclidean gradient flow of :math:`J(x, y)`.

    Args:
        K: number of students and of teachers, at least 2.
        dim: input dimension of the full flow that `lift` leads to; K if not given. The plane's own
            dynamics do not depend on it.

    Returns:
        A field of shape `(2,)`, coordinates `x`, `y`, with `lift` and `project`.

    Raises:
        ValueError: if `K < 2` or `dim < K`.

    Source: Tian 2017, Theorem 7; supplement, Eqns 69-70.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> plane = fl.theorem7_plane(5)
        >>> plane(0.0, jnp.array([1.0, 0.0])).tolist()
        [0.0, 0.0]
    """
    if int(K) != K or K < 2:
        raise ValueError(f"K is {K!r}; needed: a whole number of students, at least 2.")
    if dim is not None and dim < K:
        raise ValueError(f"dim is {dim}; needed: at least K = {K}, the teachers are orthonormal.")
    # Equinox types its abstract variables as plain ones: `shape` would be an argument.
    return Theorem7Plane(int(K), int(K if dim is None else dim))  # pyright: ignore[reportCallIssue]
