"""Capture balls: neighbourhoods of a sink in which everything converges to it."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy

from .._checks import as_state, require_float64
from ..fields import AbstractField
from ._lyapunov import lyapunov_form, require_sink
from ._probe import probe
from ._record import CriticalPoint

DIRECTIONS = 128
"""Random directions tried at each radius, beside the coordinate axes of the quadratic form."""

CLIMBERS, CLIMBS = 8, 24
"""How many of the worst directions are made worse by gradient ascent, and for how many steps."""

RATIO = 1.15
"""Ratio of neighbouring radii that are tried."""

SHARE = 0.8
"""An estimated ball has this share of the last radius at which the field points inwards."""


@dataclasses.dataclass(frozen=True, eq=False)
class CaptureBall:
    r"""The set :math:`|R(w - c)| \le r`, from which the flow converges to its centre.

    Attributes:
        centre: the sink `c`, of the field's shape.
        radius: `r`; 0 if no ball was found.
        root: the matrix `R`, (size, size); `None` for the identity.
        provenance: `"estimated"` (a search found no counterexample) or `"certified"`.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> ball = fl.CaptureBall(np.zeros(2), 0.5, None, "estimated")
        >>> ball, ball.contains([[0.1, 0.2], [0.5, 0.5]]).tolist()
        (<CaptureBall of radius 0.5, Euclidean, estimated>, [True, False])
    """

    centre: np.ndarray
    radius: float
    root: np.ndarray | None
    provenance: str

    def contains(self, states: Any) -> np.ndarray:
        """Return which of the states (n, *shape) lie in the ball, (n,)."""
        gaps = (np.asarray(states) - self.centre).reshape(len(states), -1)
        gaps = gaps if self.root is None else gaps @ self.root.T
        return np.linalg.norm(gaps, axis=-1) < self.radius

    def to_dict(self) -> dict[str, Any]:
        """Return what a record keeps: `radius`, `root`, `provenance`."""
        root = None if self.root is None else self.root.tolist()
        return {"radius": self.radius, "root": root, "provenance": self.provenance}

    def __repr__(self) -> str:
        form = "Euclidean" if self.root is None else "quadratic"
        return f"<CaptureBall of radius {self.radius:.6g}, {form}, {self.provenance}>"


def capture_ball(field: AbstractField, point: CriticalPoint | Any) -> CaptureBall:
    r"""Estimate the largest ball around a sink in which everything converges to it.

    With :math:`V(w) = |R(w-c)|^2` it looks for the largest radius up to which
    :math:`\dot V = 2\langle R(w-c), R f(w)\rangle < 0` except at the centre: then the distance from
    the centre only decreases, the ball is forward invariant, and there is nowhere else to go. `R`
    is the identity where the symmetric part of the Jacobian at the sink is negative definite (at
    every nondegenerate minimum of a gradient flow); elsewhere :math:`R^\top R` solves the Lyapunov
    equation :math:`A^\top P + P A = -I`.

    The search tries random directions and climbs from the worst at growing radii, so the radius is
    an estimate, and 0.8 of what it found. A ball is never a proof of what lies outside.

    Args:
        field: the field.
        point: an isolated sink: its record, or its location (refine it first).

    Returns:
        The ball.

    Raises:
        ValueError: if the point is not an isolated sink (an eigenvalue of the Jacobian has a real
            part that is not negative).
        RuntimeError: if JAX runs in 32 bits.

    Source: Lyapunov's direct method; LaSalle (1960).

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> ball = fl.capture_ball(fl.zoo.double_well(), jnp.array([1.0, 0.0]))
        >>> 0.5 < ball.radius < 1.0  # (0, 0), where the flow also rests, is at distance 1
        True
    """
    require_float64("capture_ball")
    location = point.location if isinstance(point, CriticalPoint) else point
    centre = np.asarray(as_state(field.shape, location, "point"))
    jacobian = np.asarray(probe(field, centre).jacobian)
    require_sink(jacobian)
    root = _root(jacobian)
    radius = _largest(field, centre, np.eye(field.size) if root is None else root)
    return CaptureBall(centre, radius, root, "estimated")


def _root(jacobian: np.ndarray) -> np.ndarray | None:
    """Return a root of a quadratic form that decreases along the linearised flow."""
    symmetric = (jacobian + jacobian.T) / 2
    if np.linalg.eigvalsh(symmetric)[-1] < -1e-3 * np.abs(jacobian).max():
        return None
    root = np.real(scipy.linalg.sqrtm(lyapunov_form(jacobian)))
    return root / np.linalg.norm(root, 2)


def _largest(field: AbstractField, centre: np.ndarray, root: np.ndarray) -> float:
    """Return the share of the last radius at which no direction was found that leads outwards."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(DIRECTIONS, field.size))
    directions = np.concatenate([directions, np.eye(field.size), -np.eye(field.size)])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    inverse = np.linalg.inv(root)
    scale = max(1.0, float(np.linalg.norm(root @ centre.reshape(-1))))
    radius, good = 1e-3 * scale, 0.0
    args = (jnp.asarray(centre), jnp.asarray(root), jnp.asarray(inverse), jnp.asarray(directions))
    while radius < 1e2 * scale:
        # Written so that a NaN counts as outwards.
        if not float(_worst(field, *args, jnp.asarray(radius))) < 0:
            break
        good, radius = radius, radius * RATIO
    return SHARE * good


@eqx.filter_jit
def _worst(field, centre, root, inverse, directions, radius) -> jax.Array:
    """Return the largest rate of growth of the distance, over directions, found at a radius."""

    def rate(direction):
        unit = direction / jnp.linalg.norm(direction)
        offset = (inverse @ (radius * unit)).reshape(centre.shape)
        velocity = field(0.0, centre + offset)
        return unit @ (root @ velocity.reshape(-1)) / radius

    rates = jax.lax.map(rate, directions, batch_size=64)
    best = directions[jnp.argsort(-rates)[:CLIMBERS]]

    def climb(carry, _):
        units, steps, values = carry
        slopes = jax.vmap(jax.grad(rate))(units)
        trial = units + steps[:, None] * slopes / (
            jnp.linalg.norm(slopes, axis=-1, keepdims=True) + 1e-300
        )
        trial = trial / jnp.linalg.norm(trial, axis=-1, keepdims=True)
        found = jax.vmap(rate)(trial)
        # Written so that a NaN is kept: it counts as outwards.
        better = ~(found <= values)
        units = jnp.where(better[:, None], trial, units)
        return (
            units,
            jnp.where(better, 1.5 * steps, steps / 3),
            jnp.where(better, found, values),
        ), None

    start = (best, jnp.full(len(best), 0.3), jax.vmap(rate)(best))
    (_, _, values), _ = jax.lax.scan(climb, start, length=CLIMBS)
    return jnp.max(jnp.concatenate([rates, values]))
