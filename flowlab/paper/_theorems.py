"""Theorems of the paper as checks that compute both sides."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..critical import classify, refine
from ..fields import TeacherStudent, population_gating, theorem7_plane
from ..flow import settle
from ._claim import Claim


def theorem1(key: Key, *, dim: int = 5, samples: int = 1_000_000) -> Claim:
    r"""Check the population gating of Theorem 1 against Monte Carlo.

    Args:
        key: random key for the vectors and the samples.
        dim: input dimension.
        samples: number of Gaussian inputs.

    Returns:
        The claim that the largest deviation, in standard errors, over the components is at most 4.

    Source: Tian 2017, Theorem 1 (Eqn 5).

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.theorem1(jax.random.key(0), samples=100_000).holds
        True
    """
    key_e, key_w, key_x = jax.random.split(key, 3)
    e, w = jax.random.normal(key_e, (dim,)), jax.random.normal(key_w, (dim,))
    x = jax.random.normal(key_x, (samples, dim))
    gated = jnp.where((x @ e > 0) & (x @ w > 0), x @ w, 0.0)[:, None] * x
    error = jnp.std(gated, 0) / math.sqrt(samples)
    deviation = jnp.abs(jnp.mean(gated, 0) - population_gating(e, w)) / error
    return Claim.equal(
        "Theorem 1",
        "E[F(e, w)] = N/2π [(π - θ) w + |w| sin θ e]",
        0.0,
        float(jnp.max(deviation)),
        4.0,
        f"Monte Carlo, {samples:,} samples, d = {dim}: largest deviation in standard errors",
    )


def theorem2() -> Claim:
    r"""Check Theorem 2 at the out-of-plane saddle of K = 2, d = 4: it lies on a circle.

    Returns:
        The claim that its nullity, all of it explained by rotations, is d - 3 = 1.

    Source: Tian 2017, Theorem 2.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.theorem2().holds
        True
    """
    field = TeacherStudent(jnp.eye(2, 4))
    p, q = 0.524579222543739, 0.409132475081778
    start = jnp.array([[p, p, q, 0.0], [p, p, -q, 0.0]])
    point = classify(field, refine(field, start).location)
    return Claim.equal(
        "Theorem 2",
        "out-of-plane critical points lie in manifolds if d >= K + 2",
        1.0,
        float(point.explained_nullity),
        0.0,
        "K = 2, d = 4: null directions of the Hessian along the orbit of rotations",
    )


def theorem7_flow(K: int, key: Key, *, starts: int = 100) -> Claim:
    r"""Check that starts with :math:`1 \ge x > y > 0` flow to the teacher (Theorem 7 (1)).

    Args:
        K: number of students.
        key: random key.
        starts: number of starts in the triangle.

    Returns:
        The claim that all of them end within 1e-8 of (1, 0).

    Source: Tian 2017, Theorem 7.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.theorem7_flow(3, jax.random.key(0), starts=20).holds
        True
    """
    draws = np.asarray(jax.random.uniform(key, (starts, 2)))
    ensemble = settle(theorem7_plane(K), np.sort(draws, axis=1)[:, ::-1])
    arrived = np.abs(ensemble.state - np.array([1.0, 0.0])).max(-1) < 1e-8
    return Claim.equal(
        f"Theorem 7 (1), K={K}",
        "x⁰ > y⁰ flows to the teacher, (x, y) = (1, 0)",
        float(starts),
        float(arrived.sum()),
        0.0,
        f"the flow from {starts} random starts: how many arrive",
    )


def theorem7_saddle(K: int) -> Claim:
    r"""Check the saddle of Theorem 7 (2) as the end of a flow from the diagonal.

    .. math:: x^* = \frac{1}{\pi K}\left(\sqrt{K-1} - \arccos(1/\sqrt K) + \pi\right)

    Args:
        K: number of students.

    Returns:
        The claim that the flow from (0.9, 0.9) ends at (x*, x*).

    Source: Tian 2017, Theorem 7.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.theorem7_saddle(5).holds
        True
    """
    expected = (math.sqrt(K - 1) - math.acos(1 / math.sqrt(K)) + math.pi) / (math.pi * K)
    end = settle(theorem7_plane(K), np.array([[0.9, 0.9]])).state[0]
    return Claim.equal(
        f"Theorem 7 (2), K={K}",
        "x⁰ = y⁰ flows to the saddle x* = y*",
        expected,
        float(end[0] if end[0] == end[1] else np.nan),
        1e-12,
        "the flow from (0.9, 0.9), kept on the diagonal, polished",
    )


def equation16(key: Key, *, K: int = 3) -> Claim:
    r"""Check the energy identity of Eqn 16 with its sign put right.

    .. math:: \frac{dE[J]}{dt} = E[\nabla J]^T\frac{dw}{dt} = -|E[\nabla J]|^2

    Args:
        key: random key for a state.
        K: number of students.

    Returns:
        The claim that the derivative of the loss along the field is minus the squared gradient.

    Source: Tian 2017, Eqn 16 (the paper's middle term has the wrong sign).

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.equation16(jax.random.key(0)).holds
        True
    """
    field = TeacherStudent(jnp.eye(K))
    w = jax.random.normal(key, field.shape)
    _, rate = jax.jvp(field.loss, (w,), (field(0.0, w),))
    return Claim.equal(
        "Eqn 16",
        "dE[J]/dt = -|E[∇J]|²",
        -float(jnp.sum(field.gradient(w) ** 2)),
        float(rate),
        1e-13,
        "closed forms of loss and gradient at a random state",
    )


def equation69(K: int, key: Key) -> Claim:
    """Check the plane's dynamics against the full flow restricted to it.

    Args:
        K: number of students.
        key: random key for the points of the plane.

    Returns:
        The claim that the largest difference over 100 points is at most 1e-13.

    Source: Tian 2017, supplement, Eqns 69-70.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.equation69(5, jax.random.key(0)).holds
        True
    """
    plane = theorem7_plane(K)
    points = jax.random.uniform(key, (100, 2), minval=-1.0)

    def gap(z: jax.Array) -> jax.Array:
        return jnp.max(jnp.abs(plane.lift(plane(0.0, z)) - plane.field(0.0, plane.lift(z))))

    return Claim.equal(
        f"Eqns S69-S70, K={K}",
        "the 2-D dynamics are the full flow on the plane",
        0.0,
        float(jnp.max(jax.vmap(gap)(points))),
        1e-13,
        "largest difference over 100 random points",
    )
