"""The population-gradient flow of a two-layer ReLU student trained on a teacher."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from .._checks import as_state, is_traced
from ..symmetry import AbstractGroup, StudentPermutations
from . import _relu_jax as relu
from ._base import AbstractGradientFlow
from ._flat import flat_directions, merge_collinear
from ._inputs import AbstractInputs, Gaussian, Sample
from ._samplers import Normal


class TeacherStudent(AbstractGradientFlow):
    r"""Gradient flow :math:`\dot w = -E[\nabla J]` of a ReLU student trained on a teacher.

    .. math:: J(W) = \tfrac12 E_x\Big(\sum_{j=1}^K a_j\sigma(w_j\cdot x)
              - \sum_{k=1}^M b_k\sigma(v_k\cdot x)\Big)^2, \qquad
              \nabla_j J = a_j\Big[\sum_i a_i F(e_j, w_i) - \sum_k b_k F(e_j, v_k)\Big]

    with the population gating :math:`F` of Theorem 1. The loss is per sample (the paper's N is 1).
    It is twice continuously differentiable wherever no student is zero, aligned and opposite pairs
    included; at :math:`w_j = 0` the gradient depends on the direction of approach.

    Args:
        teacher: teacher weights `V`, (M, d), rows nonzero.
        students: number of students K; M if not given.
        output_weights: `a`, a nonzero scalar or (K,): fixed, any signs.
        teacher_weights: `b`, a nonzero scalar or (M,).
        inputs: the input law; standard Gaussian if not given.

    Raises:
        ValueError: on shapes that do not fit, entries that are not finite, or zero rows or weights.

    Source: Tian 2017, Eqns 1-8.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(teacher=jnp.eye(2))
        >>> field.shape, float(field.loss(jnp.eye(2)))
        ((2, 2), 0.0)
        >>> round(float(jnp.linalg.eigvalsh(field.hessian(jnp.eye(2)).reshape(4, 4))[0]), 13)
        0.0908450569081
    """

    teacher: jax.Array
    output_weights: jax.Array
    teacher_weights: jax.Array
    inputs: AbstractInputs

    def __init__(
        self,
        teacher: Any,
        *,
        students: int | None = None,
        output_weights: Any = 1.0,
        teacher_weights: Any = 1.0,
        inputs: AbstractInputs | None = None,
    ):
        if np.iscomplexobj(teacher):
            raise ValueError(f"teacher is complex ({jnp.result_type(teacher)}); needed: reals.")
        V = jnp.asarray(teacher, float)
        if V.ndim != 2 or V.size == 0:
            raise ValueError(
                f"teacher has shape {V.shape}; needed: (M, d), at least 1, one row per teacher. "
                "For a single teacher write `teacher[None]`."
            )
        require_rows(V, "teacher")
        self.teacher = V
        count = np.shape(output_weights)[0] if np.ndim(output_weights) else V.shape[0]
        count = count if students is None else students
        if count < 1:
            raise ValueError(f"students is {count}; needed: a whole number, at least 1.")
        self.output_weights = weights_of(output_weights, count, "output_weights")
        self.teacher_weights = weights_of(teacher_weights, V.shape[0], "teacher_weights")
        self.inputs = Gaussian() if inputs is None else inputs
        self.inputs.check(V.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """`(K, d)`: students by input dimensions."""
        return self.output_weights.shape[0], self.teacher.shape[1]

    @property
    def symmetry(self) -> AbstractGroup:
        """Permutations of equal students times the orthogonal maps that keep teacher and inputs."""
        stabilizer = self.inputs.stabilizer(
            np.asarray(self.teacher), np.asarray(self.teacher_weights)
        )
        return StudentPermutations(np.asarray(self.output_weights)) * stabilizer

    @property
    def sampler(self) -> Normal:
        """`w_ij ~ N(0, s^2/d)` with `s` the root mean square norm of the teachers."""
        scale = float(np.sqrt(np.mean(np.sum(np.asarray(self.teacher) ** 2, -1))))
        return Normal(scale / self.teacher.shape[1] ** 0.5)

    @property
    def loss_floor(self) -> float | None:
        """0 if the students can copy the teacher: enough of them of each sign of output weight."""
        for sign in (1, -1):
            students = np.sum(np.sign(np.asarray(self.output_weights)) == sign)
            if students < np.sum(np.sign(np.asarray(self.teacher_weights)) == sign):
                return None
        return 0.0

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dw/dt = -E[∇J]` (NaN at a zero student)."""
        del t, args
        return -self.inputs.gradient(w, *self._parameters())

    def batch(self, w: jax.Array) -> jax.Array:
        """Return `dw/dt` of many states, the last axis counting them: (K, d, n)."""
        return -self.inputs.gradients(w, *self._parameters())

    def loss(self, w: jax.Array) -> jax.Array:
        """Return the loss `J(w)`, a scalar; raises `ValueError` at a zero student."""
        return self.inputs.loss(self._check(w), *self._parameters())

    def gradient(self, w: jax.Array) -> jax.Array:
        """Return `E[∇J]`, (K, d); raises `ValueError` at a zero student."""
        return self.inputs.gradient(self._check(w), *self._parameters())

    def hessian(self, w: jax.Array) -> jax.Array:
        """Return the Hessian, (K, d, K, d); raises `ValueError` at a zero student."""
        return self.inputs.hessian(self._check(w), *self._parameters())

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the norm of the shortest student, relative to the longest teacher."""
        longest = jnp.sqrt(jnp.max(jnp.sum(self.teacher**2, -1)))
        return jnp.sqrt(jnp.min(jnp.sum(w**2, -1))) / longest

    def flat_directions(self, w: np.ndarray) -> np.ndarray:
        """Return the tangents that shift weight between aligned students, `(m, K, d)`."""
        return flat_directions(np.asarray(w), np.asarray(self.output_weights))

    def representative(self, w: np.ndarray) -> np.ndarray:
        """Return the point of the flat family through `w` at which aligned students are equal."""
        return merge_collinear(np.asarray(w), np.asarray(self.output_weights))

    def preferred_image(self, w: np.ndarray) -> np.ndarray:
        """Return `w` with its students reordered to go with the teachers as well as they can."""
        image, weights = np.array(w), np.asarray(self.output_weights)
        overlap = image @ np.asarray(self.teacher).T
        for weight in np.unique(weights):
            # Only students of one output weight may change places, and only among those places.
            rows = np.flatnonzero(weights == weight)
            places = rows[rows < overlap.shape[1]]
            chosen, taken = scipy.optimize.linear_sum_assignment(-overlap[np.ix_(rows, places)])
            order = np.full(len(rows), -1)
            order[taken] = rows[chosen]
            order[order < 0] = np.setdiff1d(rows, rows[chosen])
            image[rows] = np.asarray(w)[order]
        return image

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again."""
        return {
            "type": "TeacherStudent",
            "shape": list(self.shape),
            "teacher": np.asarray(self.teacher).tolist(),
            "output_weights": np.asarray(self.output_weights).tolist(),
            "teacher_weights": np.asarray(self.teacher_weights).tolist(),
            "inputs": self.inputs.spec(),
        }

    def _parameters(self) -> tuple[jax.Array, jax.Array, jax.Array]:
        return self.teacher, self.output_weights, self.teacher_weights

    def _check(self, w: Any) -> jax.Array:
        state = as_state(self.shape, w)
        if not isinstance(self.inputs, Sample):
            require_rows(state, "w")
        return state


def population_gating(e: Any, w: Any) -> jax.Array:
    r"""Return :math:`E[F(e,w)] = \frac{1}{2\pi}[(\pi-\theta)w + |w|\sin\theta\,e]`, per sample.

    This is :math:`E[x\,[e\cdot x>0]\,[w\cdot x>0]\,(w\cdot x)]` for standard Gaussian `x`, with
    :math:`\theta` the angle between `e` and `w`; `e` enters by its direction only.

    Args:
        e: the control vector, (d,), nonzero (normalised here).
        w: the gated vector, (d,), nonzero.

    Returns:
        Array (d,).

    Raises:
        ValueError: if the shapes differ or a vector is zero.

    Source: Tian 2017, Theorem 1 (Eqn 5).

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> fl.population_gating(jnp.array([1.0, 0.0]), jnp.array([2.0, 0.0])).tolist()
        [1.0, 0.0]
    """
    control = as_state(np.shape(e), e, "e")
    gated = as_state(control.shape, w, "w")
    for value, name in ((control, "e"), (gated, "w")):
        if value.ndim != 1:
            raise ValueError(f"{name} has shape {value.shape}; needed: one vector (d,).")
        require_rows(value[None], name)
    return relu.gated_sum(control[None], gated[None], jnp.ones(1, gated.dtype), False)[0]


def weights_of(value: Any, count: int, name: str) -> jax.Array:
    """Return fixed weights as `count` checked floats."""
    weights = jnp.asarray(value, float)
    if weights.shape not in ((), (count,)):
        raise ValueError(f"{name} has shape {weights.shape}; needed: a scalar or ({count},).")
    if not is_traced(weights) and not np.all(np.isfinite(weights) & (np.asarray(weights) != 0)):
        raise ValueError(
            f"{name} is {weights.tolist()}; needed: finite and nonzero. A unit of weight 0 takes "
            "no part in the loss and never moves: leave it out."
        )
    return jnp.broadcast_to(weights, (count,))


def require_rows(rows: jax.Array, name: str) -> None:
    """Raise `ValueError` if a row is zero or not finite."""
    if is_traced(rows):
        return
    norms = np.linalg.norm(np.asarray(rows), axis=-1)
    if not np.all(np.isfinite(norms)):
        raise ValueError(f"{name} has entries that are NaN or infinite.")
    if np.any(norms == 0):
        index = int(np.argmin(norms))
        raise ValueError(
            f"{name} has a zero row (number {index + 1}). The population gradient is not "
            "continuous there: it depends on the direction of approach. Leave the row out or "
            "perturb it."
        )
