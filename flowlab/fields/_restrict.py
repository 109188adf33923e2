"""A field restricted to an invariant affine subspace."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._base import AbstractField


class RestrictedField(AbstractField):
    """A field seen in the coordinates of an invariant subspace; made by `restrict`.

    `lift` and `project` go between subspace coordinates `z` (m,) and states of the full field.
    """

    field: AbstractField
    origin: jax.Array
    basis: jax.Array
    dual: jax.Array
    names: tuple[str, ...] = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int]:
        """`(m,)`: the dimension of the subspace."""
        return (self.basis.shape[0],)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the subspace coordinates."""
        return self.names

    def lift(self, z: jax.Array) -> jax.Array:
        """Return the full state with subspace coordinates `z`."""
        return self.origin + jnp.tensordot(z, self.basis, 1)

    def project(self, w: jax.Array) -> jax.Array:
        """Return the subspace coordinates of `w` (least squares if `w` is not in the subspace)."""
        return self.dual @ (w - self.origin).reshape(-1)

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dz/dt`."""
        return self.dual @ self.field(t, self.lift(w), args).reshape(-1)

    def batch(self, w: jax.Array) -> jax.Array:
        """Return `dz/dt` of many states, the last axis counting them: `(m, n)`."""
        full = self.field.batch(self.origin[..., None] + jnp.tensordot(self.basis, w, ((0,), (0,))))
        return self.dual @ full.reshape(-1, w.shape[-1])

    @property
    def has_loss(self) -> bool:
        """Whether the full field has one."""
        return self.field.has_loss

    def loss(self, z: jax.Array) -> jax.Array:
        """Return the loss of the full gradient flow at `lift(z)`; it decreases along the flow."""
        if not self.has_loss:
            raise ValueError("the full field has no loss.")
        return self.field.loss(self.lift(z))  # type: ignore[attr-defined]

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the full field's distance at `lift(w)`."""
        return self.field.distance_to_singularity(self.lift(w))

    def may_rest(self, w: np.ndarray) -> bool:
        """Return whether the full field may vanish at `lift(w)`."""
        return self.field.may_rest(np.asarray(self.lift(jnp.asarray(w))))

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """Return which of `states` (n, m) lift to surely generic states of the full field."""
        return self.field.surely_generic(np.asarray(jax.vmap(self.lift)(jnp.asarray(states))))

    def representative(self, w: np.ndarray) -> np.ndarray:
        """Return the full field's representative, if it lies in the subspace, else `w`."""
        full = self.field.representative(np.asarray(self.lift(jnp.asarray(w))))
        z = np.asarray(self.project(jnp.asarray(full)))
        back = np.asarray(self.lift(jnp.asarray(z)))
        return z if np.abs(back - full).max() <= 1e-12 * (1 + np.abs(full).max()) else np.asarray(w)

    def invariant_basis(self, w: np.ndarray) -> np.ndarray | None:
        """Return the part of the subspace that lies in the full field's invariant subspace."""
        full = self.field.invariant_basis(np.asarray(self.lift(jnp.asarray(w))))
        if full is None:
            return None
        origin, basis = np.asarray(self.origin).reshape(-1), np.asarray(self.basis)
        rows = basis.reshape(len(basis), -1)
        outside = np.eye(rows.shape[1]) - full.T @ full
        if np.linalg.norm(outside @ origin) > 1e-12 * (1 + np.linalg.norm(origin)):
            return None
        _, singular, right = np.linalg.svd((outside @ rows.T), full_matrices=True)
        rank = int(np.sum(singular > 1e-10))
        return right[rank:] if rank < len(rows) else None

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again, if the full field can be."""
        return {
            "type": "RestrictedField",
            "shape": list(self.shape),
            "field": self.field.spec(),
            "origin": np.asarray(self.origin).tolist(),
            "basis": np.asarray(self.basis).tolist(),
            "coordinates": list(self.names),
        }


def restrict(
    field: AbstractField,
    basis: Any,
    *,
    origin: Any = None,
    coordinates: tuple[str, ...] | None = None,
) -> RestrictedField:
    r"""Restrict a field to the invariant subspace :math:`\{o + \sum_i z_i b_i\}`.

    .. math:: \dot z = B^+ f(o + Bz).

    The subspace is tested for invariance at 8 fixed points. For a gradient flow and a basis that is
    not orthonormal this is a restriction of the flow, not the Euclidean gradient flow of
    :math:`J(z)`.

    Args:
        field: the full field.
        basis: the vectors `b_i`, (m, *field.shape), linearly independent.
        origin: the point `o` of `field.shape`; 0 if not given.
        coordinates: names of the coordinates `z`; `("z1", "z2", ...)` if not given.

    Returns:
        A `RestrictedField` of shape `(m,)` with methods `lift` and `project`.

    Raises:
        ValueError: if the vectors are dependent, the shapes do not fit or the flow leaves the
            subspace.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(3))
        >>> line = fl.restrict(field, jnp.ones((1, 3, 3)), coordinates=("x",))
        >>> line.lift(jnp.array([0.5])).shape
        (3, 3)
    """
    vectors = jnp.asarray(basis, float)
    if vectors.ndim < 1 or vectors.shape[1:] != field.shape:
        raise ValueError(f"basis has shape {vectors.shape}; needed: (m, *{field.shape}).")
    base = jnp.zeros(field.shape) if origin is None else jnp.asarray(origin, float)
    if base.shape != field.shape:
        raise ValueError(f"origin has shape {base.shape}; needed: {field.shape}.")
    rows = np.asarray(vectors).reshape(len(vectors), -1)
    if np.linalg.matrix_rank(rows) < len(rows):
        raise ValueError(f"the {len(rows)} basis vectors are linearly dependent.")
    dual = jnp.asarray(np.linalg.pinv(rows.T))
    names = coordinates or tuple(f"z{i + 1}" for i in range(len(rows)))
    if len(names) != len(rows):
        raise ValueError(f"coordinates has {len(names)} names for {len(rows)} basis vectors.")
    # Equinox types its abstract variables as plain ones: `shape` would be an argument.
    restricted = RestrictedField(field, base, vectors, dual, tuple(names))  # pyright: ignore[reportCallIssue]
    _require_invariant(restricted)
    return restricted


def _require_invariant(restricted: RestrictedField) -> None:
    points = np.random.default_rng(0).normal(size=(8, *restricted.shape))
    for z in jnp.asarray(points):
        full = restricted.field(0.0, restricted.lift(z))
        inside = jnp.tensordot(restricted(0.0, z), restricted.basis, 1)
        off = float(jnp.max(jnp.abs(full - inside)))
        if not off < 1e-9 * (1 + float(jnp.max(jnp.abs(full)))):
            raise ValueError(
                f"the subspace is not invariant: at z = {np.asarray(z).tolist()} the field leaves "
                f"it with speed {off:.3g}. Use a fixed subspace of the symmetry "
                "(`field.symmetry.fixed_subspace`), or a `Plane` for a picture of a plane that is "
                "not invariant."
            )
