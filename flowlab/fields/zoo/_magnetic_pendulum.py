"""A pendulum above magnets: three resting places, and boundaries that wind through everything."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...symmetry import MatrixGroup
from .._functions import VectorField
from .._samplers import Box
from ._describe import describe, finite


class _Pendulum(eqx.Module):
    """A module, so that two pendulums of equal parameters share one compilation."""

    damping: float
    frequency: float
    height: float
    magnets: np.ndarray

    def __call__(self, w: jax.Array) -> jax.Array:
        position, velocity = w[:2], w[2:]
        offset = position - self.magnets
        distance = jnp.sqrt(jnp.sum(offset**2, -1) + self.height**2)
        pull = jnp.sum(offset / distance[:, None] ** 3, 0)
        return jnp.concatenate(
            [velocity, -(self.frequency**2) * position - self.damping * velocity - pull]
        )


def magnetic_pendulum(
    damping: float = 0.2,
    frequency: float = 0.8,
    height: float = 0.2,
    *,
    magnets: int = 3,
    radius: float = 1.0,
) -> VectorField:
    r"""Return a planar pendulum that swings above magnets at the corners of a regular polygon.

    .. math:: \ddot x = -\omega^2 x - \alpha\dot x - \sum_i \frac{x - x_i}{D_i^3}, \qquad
        D_i = \sqrt{|x - x_i|^2 + d^2}, \quad x \in \mathbb R^2

    The state is (position, velocity). The energy
    :math:`\tfrac12|\dot x|^2 + \tfrac12\omega^2|x|^2 - \sum_i 1/D_i` decreases, so everything comes
    to rest, typically above a magnet. On the way many trajectories are chaotic, until friction has
    taken the energy that chaos needs: the basins look fractal, with a dimension that depends on
    the scale ("doubly transient chaos", "slim fractals"). By default there are seven equilibria:
    three sinks at the magnets, three saddles between them, and the axis, of index 2.

    The magnets sit at :math:`x_i = r(\cos 2\pi i/n, \sin 2\pi i/n)`, so that the rotation by
    :math:`2\pi/n` and the reflection :math:`x_2 \to -x_2`, of position and velocity together,
    generate the symmetry :math:`D_n`. Starts come from :math:`[-2, 2]^4`; maps in the literature
    start at rest (``Plane(np.zeros(4), np.eye(4)[0], np.eye(4)[1])``).

    Args:
        damping: the coefficient :math:`\alpha`.
        frequency: the coefficient :math:`\omega`, of the pendulum without magnets.
        height: the distance d of the plane of motion from the plane of the magnets, positive.
        magnets: their number n.
        radius: their distance r from the axis.

    Returns:
        A `VectorField` of shape (4,) with coordinates x, y, vx, vy.

    Raises:
        ValueError: if a number is not finite, `height` or `radius` is not positive, or `magnets` is
            not a positive integer.

    Source: the defaults are those of the documentation of Attractors.jl; Motter, Gruiz, Károlyi
    and Tél, Phys. Rev. Lett. 111, 194101 (2013), and Chen, Nishikawa and Motter, Phys. Rev. X 7,
    021040 (2017), study the equations.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> field = zoo.magnetic_pendulum()
        >>> field.symmetry.order, bool(jnp.abs(field(0.0, jnp.zeros(4))).max() < 1e-15)
        (6, True)
    """
    if isinstance(magnets, bool) or not isinstance(magnets, int) or magnets < 1:
        raise ValueError(f"magnets is {magnets!r}; needed: their number, 1 or more.")
    damping, frequency = finite(damping, "damping"), finite(frequency, "frequency")
    height, radius = finite(height, "height"), finite(radius, "radius")
    if height <= 0 or radius <= 0:
        raise ValueError(f"height is {height!r} and radius {radius!r}; needed: both positive.")
    angles = 2 * np.pi * np.arange(magnets) / magnets
    places = radius * np.stack([np.cos(angles), np.sin(angles)], -1)
    parameters = dict(damping=damping, frequency=frequency, height=height)
    return VectorField(
        _Pendulum(**parameters, magnets=places),
        (4,),
        coordinates=("x", "y", "vx", "vy"),
        symmetry=_dihedral(magnets),
        sampler=Box(-2.0, 2.0),
        spec=describe("magnetic_pendulum", **parameters, magnets=magnets, radius=radius),
    )


def _dihedral(count: int) -> MatrixGroup:
    """Rotations and reflections of a polygon, of positions and velocities alike."""
    cosine, sine = np.cos(2 * np.pi / count), np.sin(2 * np.pi / count)
    reflection = np.kron(np.eye(2), np.diag([1.0, -1.0]))
    if count == 1:
        return MatrixGroup([reflection], names=["s"])
    rotation = np.kron(np.eye(2), [[cosine, -sine], [sine, cosine]])
    return MatrixGroup([rotation, reflection], names=["r", "s"])
