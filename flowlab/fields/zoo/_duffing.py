"""A field that is not a gradient: its equilibria can be foci."""

from typing import Any

import equinox as eqx
import jax

from .._functions import VectorField
from .._namespace import JAX
from .._samplers import Box
from ._describe import describe, finite


class _Duffing(eqx.Module):
    """A module, so that two oscillators of equal damping share one compilation."""

    damping: float

    def __call__(self, w: jax.Array) -> jax.Array:
        return self.on(JAX, w)

    def on(self, xp: Any, w: Any) -> Any:
        """The closed form; see `ClosedForm`."""
        x, v = w
        return xp.stack([v, x - x**3 - self.damping * v])


def duffing(damping: float = 0.3) -> VectorField:
    r"""Return the unforced Duffing oscillator.

    .. math:: \dot x = v, \qquad \dot v = x - x^3 - \gamma v

    A saddle at the origin with eigenvalues :math:`-\gamma/2 \pm \sqrt{\gamma^2/4 + 1}`; at (±1, 0)
    :math:`-\gamma/2 \pm \sqrt{\gamma^2/4 - 2}`: sink foci for :math:`0 < \gamma < 2\sqrt2`, whose
    basins wind around each other. Starts come from [-2, 2] x [-2, 2].

    Args:
        damping: the coefficient :math:`\gamma`.

    Returns:
        A `VectorField` of shape (2,) with coordinates x, v.

    Raises:
        ValueError: if `damping` is not a finite number.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> zoo.duffing(damping=0.5)(0.0, jnp.array([0.0, 2.0])).tolist()
        [2.0, -1.0]
    """
    damping = finite(damping, "damping")
    return VectorField(
        _Duffing(damping),
        (2,),
        coordinates=("x", "v"),
        sampler=Box([-2.0, -2.0], [2.0, 2.0]),
        spec=describe("duffing", damping=damping),
    )
