"""Everything that is asked of a field at one point, in one compiled call."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..fields import AbstractField


class Probe(NamedTuple):
    """A field at a point: velocity, Jacobian `(size, size)`, loss, distance to a singularity."""

    velocity: Any
    jacobian: Any
    loss: Any
    distance: Any

    @property
    def residual(self) -> float:
        """Largest absolute entry of the velocity."""
        return float(np.abs(self.velocity).max())


@eqx.filter_jit
def _probe(field: AbstractField, w: jax.Array) -> Probe:
    loss = field.loss(w) if field.has_loss else None  # type: ignore[attr-defined]
    jacobian = field.jacobian(w).reshape(field.size, field.size)
    return Probe(field(0.0, w), jacobian, loss, field.distance_to_singularity(w))


BATCH, FEW = 64, 4
"""Points that are looked at together; up to so many are looked at one by one, which compiles less.
"""

WIDE = 400
"""From this many coordinates on a point is enough for one call, and its Jacobian too much."""


@eqx.filter_jit
def _losses(field: AbstractField, states: jax.Array) -> jax.Array:
    return jax.vmap(field.loss)(states)  # type: ignore[attr-defined]


@eqx.filter_jit
def _probes(field: AbstractField, states: jax.Array) -> Probe:
    return jax.vmap(lambda w: _probe(field, w))(states)


def losses(field: AbstractField, states: np.ndarray) -> np.ndarray:
    """Return the loss at many states (n, *shape), which the field must have."""
    if len(states) <= FEW and field.size < WIDE:
        return np.array([float(probe(field, w).loss) for w in states])
    return _in_batches(_losses, field, states, BATCH if field.size < WIDE else 1)


def probe(field: AbstractField, w: Any) -> Probe:
    """Return the field at `w`, as numpy arrays; `loss` is `None` if it has none."""
    return jax.device_get(_probe(field, jnp.asarray(w)))


def probes(field: AbstractField, states: np.ndarray) -> list[Probe]:
    """Return the field at many states (n, *shape), as numpy arrays."""
    if len(states) <= FEW or field.size >= WIDE:
        return [probe(field, w) for w in states]
    found = _in_batches(_probes, field, states, BATCH)
    none = [None] * len(states)
    return [Probe(*at) for at in zip(*(none if x is None else x for x in found), strict=True)]


def _in_batches(fn: Any, field: AbstractField, states: np.ndarray, batch: int) -> Any:
    padded = np.concatenate([states, np.repeat(states[-1:], -len(states) % batch, 0)])
    parts = np.split(padded, len(padded) // batch)
    values = [jax.device_get(fn(field, jnp.asarray(part))) for part in parts]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(states)], *values)
