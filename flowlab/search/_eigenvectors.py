r"""Saddles of a given index from starts nearby, along eigenvectors of the Hessian.

The gradient flow reversed in the k lowest eigendirections,

.. math:: \dot w = -\Bigl(1 - 2\sum_{i\le k} v_iv_i^\top\Bigr)\nabla J(w),

has the saddles of index k as its sinks. Scaled by the moduli of the eigenvalues it becomes the
Newton step with every sign set right: uphill along k eigenvectors, downhill along the others
(Cerjan and Miller 1981; for any k, Yin, Zhang and Zhang 2019).
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..fields import AbstractField

BATCH = 32
"""Starts that run side by side."""

RADIUS = 0.2
"""No step is longer than this, relative to the state (or to 1)."""

FLAT = 1e-3
"""Eigenvalues smaller than this, relative to the largest, are taken for as large."""

DONE = 1e-13


class Followed(NamedTuple):
    """Where the iterations ended: states, residuals in the max norm, numbers of steps."""

    state: Any
    residual: Any
    steps: Any


class _Carry(NamedTuple):
    w: jax.Array
    f: jax.Array
    radius: jax.Array
    steps: jax.Array


def follow_eigenvectors(
    field: AbstractField, starts: np.ndarray, index: np.ndarray, *, max_steps: int = 200
) -> Followed:
    """Go to a saddle of the wanted index from each start; not every start gets to one.

    Args:
        field: a gradient flow.
        starts: (n, *field.shape).
        index: (n,), the index wanted from each.
        max_steps: budget of each start.

    Returns:
        Where each ended; the residual says whether that is near a critical point, of whatever
        index.
    """
    count = len(starts)
    rest = -count % BATCH
    states = np.concatenate([starts, np.repeat(starts[-1:], rest, 0)])
    wanted = np.concatenate([index, np.zeros(rest, int)])
    pieces = [
        jax.device_get(_follow(field, states[i : i + BATCH], wanted[i : i + BATCH], max_steps))
        for i in range(0, len(states), BATCH)
    ]
    return Followed(*(np.concatenate(parts)[:count] for parts in zip(*pieces, strict=True)))


@eqx.filter_jit
def _follow(field: AbstractField, starts, index, max_steps) -> Followed:
    def velocity(w):
        return field(0.0, w.reshape(field.shape)).reshape(-1)

    def one(start, k):
        def going(carry: _Carry):
            moving = (carry.steps < max_steps) & (carry.radius > 1e-8)
            return moving & ~(jnp.max(jnp.abs(carry.f)) <= DONE)

        def step(carry: _Carry) -> _Carry:
            return _step(field, velocity, k, carry)

        w = start.reshape(-1)
        begin = _Carry(w, velocity(w), jnp.asarray(RADIUS), jnp.asarray(0))
        end = jax.lax.while_loop(going, step, begin)
        return end.w.reshape(field.shape), jnp.max(jnp.abs(end.f)), end.steps

    return Followed(*jax.vmap(one)(starts, index))


def _step(field: AbstractField, velocity, k, carry: _Carry) -> _Carry:
    jacobian = field.jacobian(carry.w.reshape(field.shape)).reshape(carry.w.size, carry.w.size)
    values, vectors = jnp.linalg.eigh(-(jacobian + jacobian.T) / 2)
    along = vectors.T @ carry.f
    moduli = jnp.maximum(jnp.abs(values), FLAT * jnp.max(jnp.abs(values)))
    # Near the saddle the signs are right by themselves, and small eigenvalues count in full: the
    # step is Newton's.
    right = jnp.sum(values < 0) == k
    plain = along / jnp.where(values == 0, 1.0, values)
    uphill = jnp.where(jnp.arange(len(values)) < k, -1.0, 1.0)
    length = carry.radius * (1 + jnp.linalg.norm(carry.w)) / 2
    newton = right & (jnp.linalg.norm(plain) < length)
    step = vectors @ jnp.where(newton, plain, uphill * along / moduli)
    step *= jnp.minimum(1.0, length / jnp.maximum(jnp.linalg.norm(step), 1e-300))
    w = carry.w + step
    f = velocity(w)
    old, new = jnp.linalg.norm(carry.f), jnp.linalg.norm(f)
    # On the way up the speed may well grow; a step that makes it leap was too long.
    fine = new <= 2 * old + 1e-12
    radius = jnp.where(fine, jnp.minimum(1.2 * carry.radius, RADIUS), carry.radius / 4)
    return _Carry(jnp.where(fine, w, carry.w), jnp.where(fine, f, carry.f), radius, carry.steps + 1)
