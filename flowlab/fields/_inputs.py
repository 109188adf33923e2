"""Input laws: the distribution of `x` under which the loss is averaged."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..symmetry import TeacherStabilizer
from . import _relu_jax as relu

Weights = jax.Array


class AbstractInputs(eqx.Module):
    """An input law: the loss of students `W`, `a` on teachers `V`, `b`, and its derivatives."""

    @abc.abstractmethod
    def loss(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the averaged loss, a scalar."""

    @abc.abstractmethod
    def gradient(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return its gradient by `W`, (K, d)."""

    def gradients(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return its gradients at many `W`, the last axis counting them: (K, d, n)."""
        return jax.vmap(lambda w: self.gradient(w, V, a, b), in_axes=-1, out_axes=-1)(W)

    @abc.abstractmethod
    def hessian(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return its Hessian by `W`, (K, d, K, d)."""

    @abc.abstractmethod
    def stabilizer(self, V: np.ndarray, b: np.ndarray) -> TeacherStabilizer:
        """Return the orthogonal maps that keep both the law and the teacher."""

    @abc.abstractmethod
    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description."""

    def check(self, dim: int) -> None:
        """Raise `ValueError` if the law does not fit inputs of dimension `dim`."""
        del dim


class Gaussian(AbstractInputs):
    r"""Centred Gaussian inputs :math:`x \sim N(0, S)`.

    For a covariance other than the identity, :math:`J_S(W; V) = J(WS^{1/2}; VS^{1/2})`: the
    critical points and their indices are those of whitened coordinates, trajectories and basins
    are not.

    Args:
        covariance: symmetric positive definite (d, d), or `None` for the identity.

    Raises:
        ValueError: if the covariance is not symmetric positive definite.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> inputs = fl.Gaussian(jnp.diag(jnp.array([1.0, 4.0])))
        >>> field = fl.TeacherStudent(jnp.eye(2), inputs=inputs)
        >>> float(abs(field.gradient(jnp.eye(2))).max()) < 1e-15
        True
    """

    covariance: jax.Array | None
    root: jax.Array | None

    def __init__(self, covariance: Any = None):
        if covariance is None:
            self.covariance, self.root = None, None
            return
        matrix = np.asarray(covariance, float)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"covariance has shape {matrix.shape}; needed: (d, d).")
        values, vectors = np.linalg.eigh(matrix)
        asymmetry = np.abs(matrix - matrix.T).max()
        if values[0] <= 0 or asymmetry > 1e-12 * np.abs(matrix).max():
            raise ValueError(
                "covariance is not symmetric positive definite: smallest eigenvalue "
                f"{values[0]:.3g}, asymmetry {asymmetry:.3g}. A degenerate law lives on a "
                "subspace: reduce the inputs to it."
            )
        self.covariance = jnp.asarray(matrix)
        self.root = jnp.asarray((vectors * np.sqrt(values)) @ vectors.T)

    def loss(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population loss."""
        return relu.loss(self._whiten(W), self._whiten(V), a, b)

    def gradient(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population gradient."""
        return self._whiten(relu.gradient(self._whiten(W), self._whiten(V), a, b))

    def gradients(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population gradients at many states."""
        if self.root is None:
            return relu.gradients(W, V, a, b)
        white = relu.gradients(self._whiten_lanes(W), self._whiten(V), a, b)
        return self._whiten_lanes(white)

    def hessian(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population Hessian."""
        white = relu.hessian(self._whiten(W), self._whiten(V), a, b)
        if self.root is None:
            return white
        return jnp.einsum("ab,ibjc,cd->iajd", self.root, white, self.root)

    def stabilizer(self, V: np.ndarray, b: np.ndarray) -> TeacherStabilizer:
        """Return the orthogonal maps that commute with the covariance and keep the teacher."""
        covariance = None if self.covariance is None else np.asarray(self.covariance)
        return TeacherStabilizer(V, b, covariance=covariance)

    def check(self, dim: int) -> None:
        """Raise `ValueError` if the covariance is not `(dim, dim)`."""
        if self.covariance is not None and self.covariance.shape != (dim, dim):
            raise ValueError(
                f"covariance has shape {self.covariance.shape}; the teacher needs ({dim}, {dim})."
            )

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description."""
        value = None if self.covariance is None else np.asarray(self.covariance).tolist()
        return {"type": "Gaussian", "covariance": value}

    def _whiten(self, W: jax.Array) -> jax.Array:
        return W if self.root is None else W @ self.root

    def _whiten_lanes(self, W: jax.Array) -> jax.Array:
        return jnp.einsum("jan,ab->jbn", W, self.root)


class Isotropic(AbstractInputs):
    r"""Any rotation-invariant law, which is the Gaussian one rescaled.

    Write :math:`x = ru` with :math:`u` uniform on the sphere. The gates :math:`[w\cdot x > 0]`
    depend on :math:`u` only, so :math:`r` enters as :math:`E[r^2]` alone, and Eqn 7 of Tian 2017,
    :math:`E[F(e,w)] = A(\theta)w + |w|B(\theta)e`, has

    .. math:: A(\theta) = \kappa\frac{\pi-\theta}{2\pi}, \qquad
              B(\theta) = \kappa\frac{\sin\theta}{2\pi}, \qquad \kappa = E|x|^2/d.

    Hence :math:`J = \kappa J_{Gauss}`: the same critical points and basins, time divided by
    :math:`\kappa`. (With biases this would not hold.)

    Args:
        second_moment: :math:`\kappa = E|x|^2/d`; 1 for the standard Gaussian.

    Raises:
        ValueError: if it is not positive.

    Example:
        >>> import math, flowlab as fl
        >>> law = fl.Isotropic(second_moment=2.0)
        >>> float(law.mass(0.0)), abs(float(law.asymmetry(math.pi))) < 1e-15
        (1.0, True)
    """

    second_moment: float

    def __init__(self, second_moment: float):
        if not second_moment > 0:
            raise ValueError(f"second_moment is {second_moment!r}; needed: E|x|^2/d > 0.")
        self.second_moment = second_moment

    def mass(self, theta: Any) -> Any:
        """Return `A(theta)`, the coefficient of `w` in Eqn 7."""
        return self.second_moment * (jnp.pi - jnp.asarray(theta)) / (2 * jnp.pi)

    def asymmetry(self, theta: Any) -> Any:
        """Return `B(theta)`, the coefficient of `|w| e` in Eqn 7."""
        return self.second_moment * jnp.sin(jnp.asarray(theta)) / (2 * jnp.pi)

    def loss(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population loss."""
        return self.second_moment * relu.loss(W, V, a, b)

    def gradient(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population gradient."""
        return self.second_moment * relu.gradient(W, V, a, b)

    def gradients(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population gradients at many states."""
        return self.second_moment * relu.gradients(W, V, a, b)

    def hessian(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the population Hessian."""
        return self.second_moment * relu.hessian(W, V, a, b)

    def stabilizer(self, V: np.ndarray, b: np.ndarray) -> TeacherStabilizer:
        """Return the orthogonal maps that keep the teacher."""
        return TeacherStabilizer(V, b)

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description."""
        return {"type": "Isotropic", "second_moment": float(self.second_moment)}


class Sample(AbstractInputs):
    r"""The empirical law of given data: the average over the rows of `X`, whatever they come from.

    .. math:: J = \frac{1}{2N}\Big|\sum_j a_j\sigma(Xw_j) - \sum_k b_k\sigma(Xv_k)\Big|^2, \qquad
              \nabla_j J = \frac{a_j}{N} X^T D(w_j)\Big(\sum_i a_i\sigma(Xw_i) -
              \sum_k b_k\sigma(Xv_k)\Big)

    (Tian 2017, Eqn 3). The loss is piecewise quadratic: its gradient jumps where a data point
    crosses `w_j x = 0`, and the Hessian is that of the piece.

    Args:
        X: data, (N, d).

    Raises:
        ValueError: if `X` is not a finite matrix.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> X = jax.random.normal(jax.random.key(0), (1000, 3))
        >>> field = fl.TeacherStudent(jnp.eye(3), inputs=fl.Sample(X))
        >>> float(field.loss(jnp.eye(3)))
        0.0
    """

    X: jax.Array

    def __init__(self, X: Any):
        data = jnp.asarray(X, float)
        if data.ndim != 2 or data.shape[0] == 0 or not bool(jnp.all(jnp.isfinite(data))):
            raise ValueError(f"X has shape {data.shape}; needed: a finite matrix (N, d), N >= 1.")
        self.X = data

    def loss(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the empirical loss."""
        return jnp.mean(self._residual(W, V, a, b) ** 2) / 2

    def gradient(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the empirical gradient by the gating formula."""
        gates = self.X @ W.T > 0
        residual = self._residual(W, V, a, b)[:, None]
        return a[:, None] * (jnp.where(gates, residual, 0.0).T @ self.X) / self.X.shape[0]

    def hessian(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        """Return the Hessian of the quadratic piece that holds `W`."""
        del V, b
        gates = (self.X @ W.T > 0).astype(self.X.dtype) * a
        return jnp.einsum("ni,na,nj,nb->iajb", gates, self.X, gates, self.X) / self.X.shape[0]

    def stabilizer(self, V: np.ndarray, b: np.ndarray) -> TeacherStabilizer:
        """Return the trivial stabiliser: data has no rotation symmetry to rely on."""
        del b
        return TeacherStabilizer.trivial(np.shape(V)[1])

    def check(self, dim: int) -> None:
        """Raise `ValueError` if the data are not of dimension `dim`."""
        if self.X.shape[1] != dim:
            raise ValueError(f"X has {self.X.shape[1]} columns; the teacher needs {dim}.")

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description, with the data themselves."""
        return {"type": "Sample", "X": np.asarray(self.X).tolist()}

    def _residual(self, W: jax.Array, V: jax.Array, a: Weights, b: Weights) -> jax.Array:
        return jax.nn.relu(self.X @ W.T) @ a - jax.nn.relu(self.X @ V.T) @ b
