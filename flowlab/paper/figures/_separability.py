"""L12 and L21 of two students and one teacher in their plane (Eqn 14), at many angles."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...fields import separability

BATCH = 4_096


def pair_separability(theta: Any, phi: Any) -> np.ndarray:
    r"""Return :math:`L_{12}, L_{21}` for :math:`e_1` at angle 0, :math:`e_2` at theta, e* at phi.

    Args:
        theta: angles between the students, in (0, pi).
        phi: angles of the teacher, of a shape that fits.

    Returns:
        Array (2, ...), the two quantities.
    """
    both = np.broadcast_arrays(np.asarray(theta, float), np.asarray(phi, float))
    flat = np.stack([angles.reshape(-1) for angles in both], -1)
    found = jax.jit(lambda z: jax.lax.map(_one, z, batch_size=min(BATCH, len(flat))))(flat)
    return np.moveaxis(np.asarray(found), -1, 0).reshape(2, *both[0].shape)


def _one(angles: jax.Array) -> jax.Array:
    at = jnp.stack([jnp.zeros(()), *angles])
    vectors = jnp.stack([jnp.cos(at), jnp.sin(at)], -1)
    values = separability(vectors[2], vectors[:2])
    return jnp.stack([values[0, 1], values[1, 0]])
