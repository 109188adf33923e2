"""A field that is slow somewhere and zero nowhere: what a search must not be fooled by."""

import equinox as eqx
import jax
import jax.numpy as jnp

from .._functions import VectorField
from .._samplers import Box
from ._describe import describe, finite


class _Ghost(eqx.Module):
    """A module, so that two ghosts of equal `mu` share one compilation."""

    mu: float

    def __call__(self, w: jax.Array) -> jax.Array:
        x, y = w
        return jnp.stack([self.mu + x**2, -y])


def saddle_node_ghost(mu: float = 0.01) -> VectorField:
    r"""Return the saddle-node normal form, by default just after the two equilibria have met.

    .. math:: \dot x = \mu + x^2, \qquad \dot y = -y

    For :math:`\mu > 0` there is no equilibrium: :math:`|f|^2` has a minimum :math:`\mu^2 > 0` at
    the origin, and trajectories take the time :math:`\pi/\sqrt\mu` to pass it before they escape
    to infinity. For :math:`\mu < 0` there are a sink at :math:`(-\sqrt{-\mu}, 0)` and a saddle at
    :math:`(\sqrt{-\mu}, 0)`. Starts come from [-2, 2] x [-2, 2].

    Args:
        mu: the parameter :math:`\mu`.

    Returns:
        A `VectorField` of shape (2,) with coordinates x, y.

    Raises:
        ValueError: if `mu` is not a finite number.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> zoo.saddle_node_ghost(0.25)(0.0, jnp.array([0.5, 1.0])).tolist()
        [0.5, -1.0]
    """
    mu = finite(mu, "mu")
    return VectorField(
        _Ghost(mu),
        (2,),
        coordinates=("x", "y"),
        sampler=Box([-2.0, -2.0], [2.0, 2.0]),
        spec=describe("saddle_node_ghost", mu=mu),
    )
