"""The overlaps of random weights, in any input dimension."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ._samplers import AbstractSampler


class RandomOverlaps(AbstractSampler):
    r"""The overlaps of weights with independent entries :math:`N(0, \mathrm{std}^2)`.

    They are drawn as such: the part of the weights in the span of the teachers, and the Wishart
    matrix of the rest, by Bartlett's decomposition. No weights are formed, so the dimension costs
    nothing.

    Args:
        teacher_overlaps: T, (M, M).
        dim: input dimension, at least the rank of T.
        std: standard deviation of an entry, :math:`1/\sqrt d` for weights of norm about 1.

    Raises:
        ValueError: if the dimension is less than that of the teachers' span, or `std` not positive.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> law = fl.RandomOverlaps(jnp.eye(2), dim=10**6, std=1e-3)
        >>> q11 = law(jax.random.key(0), fl.OverlapFlow(2).shape)[0]
        >>> bool(abs(q11 - 1) < 0.01)
        True
    """

    teacher_overlaps: Any
    dim: int = eqx.field(static=True)
    std: float

    def __init__(self, teacher_overlaps: Any, dim: int, std: float):
        self.teacher_overlaps = np.asarray(teacher_overlaps, float)
        rank = teacher_root(self.teacher_overlaps).shape[1]
        if int(dim) != dim or dim < rank:
            raise ValueError(f"dim is {dim!r}; needed: a whole number, at least {rank}.")
        if not 0 < std < np.inf:
            raise ValueError(f"std is {std!r}; needed: a positive number.")
        self.dim, self.std = int(dim), float(std)

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state of an `OverlapFlow` of this shape."""
        M = len(self.teacher_overlaps)
        K = int(np.round((np.sqrt((2 * M + 1) ** 2 + 8 * shape[0]) - (2 * M + 1)) / 2))
        if shape != (K * (K + 1) // 2 + K * M,):
            raise ValueError(f"shape is {shape}; no number of students with {M} teachers has it.")
        root = jnp.asarray(teacher_root(self.teacher_overlaps))
        inside, normals, lengths = jax.random.split(key, 3)
        Z = jax.random.normal(inside, (K, root.shape[1]))
        free = self.dim - root.shape[1]
        A = jax.random.normal(normals, (K, min(K, free)))
        if free >= K:
            chi = jnp.sqrt(2 * jax.random.gamma(lengths, (free - jnp.arange(K)) / 2))
            A = jnp.tril(A, -1) + jnp.diag(chi)
        Q, R = self.std**2 * (Z @ Z.T + A @ A.T), self.std * Z @ root.T
        rows, columns = np.triu_indices(K)
        return jnp.concatenate([Q[rows, columns], R.reshape(-1)])


def teacher_root(overlaps: np.ndarray) -> np.ndarray:
    """Return vectors (M, r) with these overlaps, r being their rank; the identity for the identity.

    Raises:
        ValueError: if there are none, or one of them is zero.
    """
    T = np.asarray(overlaps, float)
    if T.ndim != 2 or T.shape[0] != T.shape[1] or not np.isfinite(T).all():
        raise ValueError(f"teacher_overlaps has shape {T.shape}; needed: a finite matrix (M, M).")
    values, vectors = np.linalg.eigh((T + T.T) / 2)
    small = 1e-12 * max(float(values.max()), 0.0)
    if not np.allclose(T, T.T) or values.min() < -1e2 * small or np.diag(T).min() <= 0:
        raise ValueError(
            f"teacher_overlaps is {T.tolist()}; needed: the inner products of nonzero vectors, a "
            "symmetric positive semidefinite matrix with a positive diagonal."
        )
    if np.array_equal(T, np.diag(np.diag(T))):
        return np.diag(np.sqrt(np.diag(T)))
    kept = values > small
    return vectors[:, kept] * np.sqrt(values[kept])
