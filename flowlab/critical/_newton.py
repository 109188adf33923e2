r"""Levenberg-Marquardt with damping proportional to the residual, for many starts at once.

.. math:: (J^TJ + \mu I)s = -J^Tf, \qquad \mu = \nu\|f\|.

With this damping the iteration converges quadratically also to points of critical *manifolds*,
where the Jacobian is singular (Fan & Yuan, Computing 74, 2005); the factor nu is steered by the
ratio of actual to predicted decrease, which makes it globally convergent to minima of |f|^2.
Those need not be zeros: the residual is returned and decides.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ..fields import AbstractField, AbstractGradientFlow

SMALL, LARGE = 16, 256
"""Sizes that batches are padded to; each is compiled for."""

WIDE = 25
"""From this many coordinates on a step costs so much that a large batch saves nothing, and what it
is padded with costs as much as what was asked for."""


class NewtonResult(NamedTuple):
    """Where the iterations ended: state, max-norm residual, number of steps."""

    state: jax.Array
    residual: jax.Array
    steps: jax.Array


class _Carry(NamedTuple):
    w: jax.Array
    f: jax.Array
    factor: jax.Array
    stalled: jax.Array
    steps: jax.Array


def _step(field: AbstractField, w: jax.Array, f: jax.Array, factor: jax.Array) -> jax.Array:
    """The damped step, from the eigen- or singular values of the Jacobian."""
    matrix = field.jacobian(w.reshape(field.shape)).reshape(w.size, w.size)
    norm = jnp.linalg.norm(f)
    # A singular Jacobian at a solution must not meet a vanishing damping: 0/0 in flat directions.
    mu = factor * norm + (1e-14 * jnp.linalg.norm(matrix)) ** 2
    if isinstance(field, AbstractGradientFlow):
        values, vectors = jnp.linalg.eigh((matrix + matrix.T) / 2)
        return -vectors @ (values / (values**2 + mu) * (vectors.T @ f))
    left, values, right = jnp.linalg.svd(matrix)
    return -right.T @ (values / (values**2 + mu) * (left.T @ f))


def _iterate(field: AbstractField, carry: _Carry) -> _Carry:
    w, f, factor = carry.w, carry.f, carry.factor
    finite = jnp.all(jnp.isfinite(w))
    step = _step(field, jnp.where(finite, w, jnp.ones_like(w)), f, factor)
    new_w = w + step
    new_f = field(0.0, new_w.reshape(field.shape)).reshape(-1)
    old, new = jnp.linalg.norm(f), jnp.linalg.norm(new_f)
    better = new < old
    shrink = new < 0.5 * old
    factor = jnp.where(better, jnp.where(shrink, factor / 8, factor), factor * 4)
    # At the rounding floor nothing decreases any more: two rejections of tiny steps end it.
    tiny = jnp.max(jnp.abs(step)) < 1e-14 * (1 + jnp.max(jnp.abs(w)))
    stalled = jnp.where(better, 0, carry.stalled + jnp.where(tiny, 8, 1))
    return _Carry(
        jnp.where(better, new_w, w), jnp.where(better, new_f, f), factor, stalled, carry.steps + 1
    )


@eqx.filter_jit
def newton(
    field: AbstractField,
    starts: jax.Array,
    max_steps: ArrayLike,
    tol: ArrayLike,
) -> NewtonResult:
    """Run the iteration from a batch of starts `(n, *field.shape)`.

    Args:
        field: the field whose zeros are wanted.
        starts: starts, `(n, *shape)`.
        max_steps: budget for each start.
        tol: stop when the residual's max norm is below it.

    Returns:
        A `NewtonResult` of arrays with leading axis n.
    """

    def running(carry: _Carry) -> jax.Array:
        going = (carry.steps < max_steps) & (carry.stalled < 16)
        return going & ~(jnp.max(jnp.abs(carry.f)) <= tol)

    def one(start: jax.Array) -> NewtonResult:
        w = start.reshape(-1)
        f = field(0.0, start).reshape(-1)
        begin = _Carry(w, f, jnp.ones((), w.dtype), jnp.zeros((), int), jnp.zeros((), int))
        end = jax.lax.while_loop(running, lambda carry: _iterate(field, carry), begin)
        return NewtonResult(end.w.reshape(field.shape), jnp.max(jnp.abs(end.f)), end.steps)

    return jax.vmap(one)(starts)


def newton_batches(
    field: AbstractField, starts: np.ndarray, *, max_steps: int = 60, tol: float = 1e-14
) -> NewtonResult:
    """Run `newton` over any number of starts, in batches padded to one of two sizes.

    Small batches keep slow starts from holding the rest; two sizes keep compilations few.
    """
    starts = np.asarray(starts)
    batch = SMALL if len(starts) <= SMALL or field.size >= WIDE else LARGE
    budget, goal = np.asarray(max_steps), np.asarray(tol)
    pieces = []
    for first in range(0, len(starts), batch):
        piece = starts[first : first + batch]
        padded = np.concatenate([piece, np.repeat(piece[-1:], batch - len(piece), 0)])
        result = jax.device_get(newton(field, jnp.asarray(padded), budget, goal))
        pieces.append(jax.tree.map(lambda leaf, n=len(piece): leaf[:n], result))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *pieces)
