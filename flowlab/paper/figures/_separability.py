"""L12 and L21 of two students and one teacher in their plane (Eqn 14), from the closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...fields import _relu
from ...fields._namespace import JAX

BATCH = 4_096


def pair_separability(theta: Any, phi: Any) -> np.ndarray:
    r"""Return :math:`L_{12}, L_{21}` for :math:`e_1` at angle 0, :math:`e_2` at theta, e* at phi.

    Eqn 14 says what is left of the normal equation, projected on the other student, when the
    magnitudes solve its diagonal part: with :math:`k` the pair kernel and
    :math:`\sum_l k(e_j,e_l)s_l = k(e_j,e^*)`,

    .. math:: L_{ji} = 2\pi\, e_i\cdot\Big[F(e_j, e^*) - \sum_l s_l F(e_j, e_l)\Big].

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
    students, teacher = vectors[:2], vectors[2:]
    within = _relu.pair_kernel(JAX, students, students, same=True)
    magnitudes = jnp.linalg.solve(within, _relu.pair_kernel(JAX, students, teacher)[:, 0])
    taught = _relu.gated_sum(JAX, students, teacher, jnp.ones(1))
    left = taught - _relu.gated_sum(JAX, students, students, magnitudes, same=True)
    return 2 * jnp.pi * jnp.sum(left * students[::-1], -1)
