"""The closed forms as JAX functions with exact derivatives.

Automatic differentiation of an angle is NaN at aligned pairs, where the teacher and every collapsed
student lie. These rules give the closed-form derivatives instead, so `grad`, `jacfwd`, `jacrev`,
`jit` and `vmap` work everywhere except at a zero vector.
"""

import functools as ft

import jax
import jax.numpy as jnp

from .._kernel import in_blocks
from . import _relu
from ._namespace import JAX, LANES

FEW = 16
"""Up to so many terms a sum is faster written out over the lanes than as products of matrices."""


@ft.partial(jax.custom_jvp, nondiff_argnums=(3,))
def gated_sum(W: jax.Array, U: jax.Array, weights: jax.Array, same: bool) -> jax.Array:
    """Return `sum_i c_i F(e_j, u_i)` for every `j`; `same` says that `U` is `W`."""
    return _relu.gated_sum(JAX, W, U, weights, same)


@gated_sum.defjvp
def _gated_sum_jvp(same, primals, tangents):
    W, U, weights = primals
    dW, dU, dweights = tangents
    by_u, by_w = _relu.gating_jacobians(JAX, W, U, same)
    along_u = jnp.einsum("jiab,ib,i->ja", by_u, dU, weights)
    along_w = jnp.einsum("jiab,jb,i->ja", by_w, dW, weights)
    along_weights = gated_sum(W, U, dweights, same)
    return gated_sum(W, U, weights, same), along_u + along_w + along_weights


def gradient(W: jax.Array, V: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the population gradient by the students, (K, d) (Tian 2017, Eqn 8)."""
    return a[:, None] * (gated_sum(W, W, a, True) - gated_sum(W, V, b, False))


@jax.custom_jvp
def gradients(W: jax.Array, V: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the population gradients at many states, the last axis counting them: (K, d, n)."""
    pairs = W.shape[0] * max(W.shape[1], V.shape[0])
    if max(W.shape[1], V.shape[0]) > FEW:
        return in_blocks(_gradients_by_matrices, W, (V, a, b), 8)
    return in_blocks(_gradients_by_lanes, W, (V, a, b), 128 if pairs <= 16 else 64)


@gradients.defjvp
def _gradients_jvp(primals, tangents):
    return gradients(*primals), jax.jvp(_one_by_one, primals, tangents)[1]


def _one_by_one(W, V, a, b):
    return jax.vmap(gradient, in_axes=(-1, None, None, None), out_axes=-1)(W, V, a, b)


def _gradients_by_lanes(W, V, a, b):
    return _relu.gradient(LANES, W, V[..., None], a[:, None], b[:, None])


def _gradients_by_matrices(W, V, a, b):
    states = jnp.moveaxis(W, -1, 0)
    return jnp.moveaxis(jax.vmap(gradient, in_axes=(0, None, None, None))(states, V, a, b), 0, -1)


@jax.custom_jvp
def loss(W: jax.Array, V: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the population loss, a scalar (Tian 2017, Eqn 2, per sample)."""
    return _relu.loss(JAX, W, V, a, b)


@loss.defjvp
def _loss_jvp(primals, tangents):
    W, V, a, b = primals
    dW, dV, da, db = tangents
    kernel = _relu.pair_kernel
    by_a = kernel(JAX, W, W, same=True) @ a - kernel(JAX, W, V) @ b
    by_b = kernel(JAX, V, V, same=True) @ b - kernel(JAX, V, W) @ a
    # Teacher and students enter the loss alike, so one gradient serves both with the roles swapped.
    by_W, by_V = gradient(W, V, a, b), gradient(V, W, b, a)
    change = jnp.sum(by_W * dW) + jnp.sum(by_V * dV) + by_a @ da + by_b @ db
    return loss(W, V, a, b), change


def hessian(W: jax.Array, V: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Return the Hessian of the population loss by the students, (K, d, K, d)."""
    return _relu.hessian(JAX, W, V, a, b)
