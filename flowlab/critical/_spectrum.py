"""The spectrum of a point and the count of its unstable and null directions."""

import dataclasses
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from .._types import RealOrComplex
from ..fields import AbstractField, AbstractGradientFlow
from ._probe import probe

NULL = 1e-8
"""An eigenvalue counts as zero below this, relative to the largest one (or to 1)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues and eigenvectors at a point.

    Attributes:
        eigenvalues: (n,), of the Hessian ascending (float) for gradient flows; of the Jacobian, by
            descending real part (complex) for other fields.
        eigenvectors: (n, *shape), the vector of each eigenvalue.
        unstable: (index, *shape), an orthonormal basis of the flow's unstable space.
        null: (nullity, *shape), an orthonormal basis of the null space (for other fields: of the
            invariant space of the eigenvalues of real part 0).
    """

    eigenvalues: RealOrComplex
    eigenvectors: RealOrComplex
    unstable: np.ndarray
    null: np.ndarray

    @property
    def index(self) -> int:
        """Dimension of the unstable space."""
        return len(self.unstable)

    @property
    def nullity(self) -> int:
        """Dimension of the null space."""
        return len(self.null)


def spectrum(field: AbstractField, w: Any) -> Spectrum:
    """Return the spectrum of the Hessian (gradient flows) or of the Jacobian at `w`.

    An eigenvalue (its real part) counts as null when it is below 1e-8 of the largest modulus, or
    below 1e-8 if that is less than 1.

    Args:
        field: the field.
        w: the point, of `field.shape`, float64.

    Returns:
        A `Spectrum`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> s = fl.spectrum(fl.TeacherStudent(jnp.eye(2)), jnp.eye(2))
        >>> s.index, s.nullity, s.eigenvalues.round(10).tolist()
        (0, 0, [0.0908450569, 0.4091549431, 0.5908450569, 0.9091549431])
    """
    require_float64("spectrum")
    state = as_state(field.shape, w)
    return spectrum_of(field, np.asarray(probe(field, state).jacobian))


def spectrum_of(field: AbstractField, matrix: np.ndarray) -> Spectrum:
    """Return the spectrum at a point where the Jacobian of the field is `matrix`."""
    if isinstance(field, AbstractGradientFlow):
        values, vectors = np.linalg.eigh(-(matrix + matrix.T) / 2)
        null = np.abs(values) <= NULL * max(1.0, np.abs(values).max())
        unstable = (values < 0) & ~null
        shaped = vectors.T.reshape(-1, *field.shape)
        return Spectrum(values, shaped, shaped[unstable], shaped[null])
    found, vectors = np.linalg.eig(matrix)
    values = found.astype(np.complex128)
    order = np.argsort(-values.real, kind="stable")
    values, vectors = values[order], vectors[:, order]
    null = np.abs(values.real) <= NULL * max(1.0, np.abs(values).max())
    unstable = (values.real > 0) & ~null
    return Spectrum(
        values,
        vectors.T.reshape(-1, *field.shape),
        _real_span(vectors[:, unstable], field.shape),
        _real_span(vectors[:, null], field.shape),
    )


def _real_span(vectors: RealOrComplex, shape: tuple[int, ...]) -> np.ndarray:
    """An orthonormal basis of the real space that conjugate pairs of vectors span."""
    count = vectors.shape[1]
    if count == 0:
        return np.zeros((0, *shape))
    stacked = np.concatenate([vectors.real, vectors.imag], axis=1)
    left = np.linalg.svd(stacked, full_matrices=False)[0]
    return np.ascontiguousarray(left[:, :count].T).reshape(count, *shape)


def explained_directions(field: AbstractField, w: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return the part of a null space that symmetry and splitting explain, as a basis.

    Args:
        field: the field.
        w: the point.
        null: orthonormal basis of the null space, (nullity, *shape).

    Returns:
        Orthonormal basis (m, *shape) of the tangents of the continuous orbit and of the flat family
        through `w` that lie in the null space.
    """
    if len(null) == 0:
        return null
    return span_within(np.concatenate([field.symmetry.tangents(w), field.flat_directions(w)]), null)


def span_within(tangents: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the span of those `tangents` that lie in a null space.

    Args:
        tangents: vectors of any length, (n, *shape).
        null: orthonormal basis of the null space, (nullity, *shape).

    Returns:
        Array (m, *shape).
    """
    shape = null.shape[1:]
    if len(null) == 0 or len(tangents) == 0:
        return np.zeros((0, *shape))
    rows = tangents.reshape(len(tangents), -1)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    basis = null.reshape(len(null), -1)
    inside = rows[np.linalg.norm(rows - rows @ basis.T @ basis, axis=1) < 1e-5]
    if len(inside) == 0:
        return np.zeros((0, *shape))
    _, singular, right = np.linalg.svd(inside @ basis.T @ basis, full_matrices=False)
    return right[singular > 1e-6].reshape(-1, *shape)


def unstable_projector(field: AbstractField, w: np.ndarray) -> np.ndarray:
    """Return the projector (size, size) on the unstable space of the critical point `w`.

    It is taken along the other eigenvectors: unless the field is a gradient the stable space is not
    orthogonal to the unstable one, and an orthogonal projector would see a gap inside it.
    """
    at = spectrum(field, w)
    vectors = at.eigenvectors.reshape(-1, field.size).T
    # Both orders of eigenvalues put the unstable ones first; the pseudo-inverse bears defects.
    return np.real(vectors[:, : at.index] @ np.linalg.pinv(vectors)[: at.index])
