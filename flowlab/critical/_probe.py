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


def probe(field: AbstractField, w: Any) -> Probe:
    """Return the field at `w`, as numpy arrays; `loss` is `None` if it has none."""
    return jax.device_get(_probe(field, jnp.asarray(w)))
