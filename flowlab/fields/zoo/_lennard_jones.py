"""Clusters of Lennard-Jones atoms: a continuous symmetry, and a field that fades away."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...symmetry import EuclideanGroup
from .._base import AbstractGradientFlow
from .._samplers import Box
from ._describe import describe

BOND = 2 ** (1 / 6)
"""The distance at which two atoms rest; farther apart they attract each other."""


class LennardJones(AbstractGradientFlow):
    """The gradient flow of a Lennard-Jones cluster; made by `lennard_jones`.

    Args:
        atoms: their number.
        dim: the dimension of space.

    Example:
        >>> from flowlab.fields import zoo
        >>> zoo.LennardJones(4, 3).shape
        (4, 3)
    """

    atoms: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, int]:
        """`(n, d)`: atoms by dimensions."""
        return (self.atoms, self.dim)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """`("x1", "y1", "z1", "x2", ...)`."""
        axes = "xyz" if self.dim <= 3 else [f"x{k + 1}_" for k in range(self.dim)]
        return tuple(f"{axes[k]}{i + 1}" for i in range(self.atoms) for k in range(self.dim))

    @property
    def symmetry(self) -> EuclideanGroup:
        """Permutations of the atoms times translations, rotations and reflections."""
        return EuclideanGroup(self.atoms, self.dim)

    @property
    def sampler(self) -> Box:
        """Uniform on a cube in which each atom has a cell one bond wide."""
        return Box(-self._half_width, self._half_width)

    @property
    def _half_width(self) -> float:
        return BOND / 2 * self.atoms ** (1 / self.dim)

    @property
    def loss_floor(self) -> float | None:
        """-1 for each pair if all pairs can be a bond long, as in a regular simplex."""
        fits = self.atoms <= self.dim + 1
        return -self.atoms * (self.atoms - 1) / 2 if fits else None

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return the forces, `dw/dt = -∇V(w)`."""
        del t, args
        return -jax.grad(_energy)(w)

    def loss(self, w: jax.Array) -> jax.Array:
        """Return the energy `V(w)`, a scalar."""
        return _energy(w)

    def gradient(self, w: jax.Array) -> jax.Array:
        """Return `∇V(w)`, (n, d)."""
        return jax.grad(_energy)(w)

    def hessian(self, w: jax.Array) -> jax.Array:
        """Return the Hessian of the energy, (n, d, n, d)."""
        return jax.hessian(_energy)(w)

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the smallest distance of two atoms: where they meet the energy is infinite."""
        return jnp.sqrt(jnp.min(_squares(w), initial=jnp.inf))

    def may_rest(self, w: np.ndarray) -> bool:
        r"""Return whether the diameter is at most :math:`(n-1)2^{1/6}`, as at every critical point.

        Project the atoms on the line through the two farthest ones. Were there a gap wider than
        :math:`2^{1/6}` between two neighbours on the line, all atoms on one side of it would
        attract all those on the other, and neither side could be at rest.
        """
        w = np.asarray(w)
        diameter = np.linalg.norm(w[:, None] - w, axis=-1).max()
        return bool(diameter <= (self.atoms - 1) * BOND * (1 + 1e-6))

    def preferred_image(self, w: np.ndarray) -> np.ndarray:
        """Return the image whose centroid is 0, turned and numbered by its distances alone."""
        return self.symmetry.canonical_image(w)[0]

    def spec(self) -> dict[str, Any]:
        """Return what builds the field again."""
        return describe("lennard_jones", atoms=self.atoms, dim=self.dim)


def lennard_jones(atoms: int = 4, dim: int = 3) -> LennardJones:
    r"""Return the gradient flow of a cluster of Lennard-Jones atoms, in units of its parameters.

    .. math:: V(x) = 4\sum_{i<j} \left(r_{ij}^{-12} - r_{ij}^{-6}\right), \qquad
        r_{ij} = |x_i - x_j|, \quad x_i \in \mathbb R^d

    The test bed of global optimisation in chemistry. Every critical point lies on an orbit of the
    Euclidean group, so its Hessian has 6 null directions in space, 5 where all atoms are on one
    line; `symmetry` explains them. Two atoms rest at the distance :math:`2^{1/6}`, at energy -1.
    Three have a minimum, the equilateral triangle (-3), and one saddle, the symmetric chain, of
    energy :math:`-(2+2^{-6})^2/(2+2^{-12}) = -2.0311\ldots` and index 2. The minimum of four is
    the regular tetrahedron (-6).

    Far apart the atoms hardly feel each other: the forces of a cluster that has dissociated are
    below any tolerance. `may_rest` knows how wide a cluster at rest can be; Newton iterations that
    end farther out have the outcome `escaped`, and are never listed. The flow itself brings all
    atoms together, in a time that grows like the eighth power of their distance. Where two atoms
    meet the field is infinite; its trajectories lead away from there.

    Starts come from the cube of volume :math:`n 2^{d/6}` around the origin.

    Args:
        atoms: their number n.
        dim: the dimension d of space.

    Returns:
        A gradient flow of shape (n, d) with coordinates x1, y1, z1, x2, ... and the symmetry
        `EuclideanGroup(n, d)`.

    Raises:
        ValueError: if `atoms` is less than 2 or `dim` less than 1.

    Source: Hoare and Pal, Advances in Physics 20 (1971) 161-196; Wales and Doye, Journal of
    Physical Chemistry A 101 (1997) 5111-5116.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> field = zoo.lennard_jones(2)
        >>> w = jnp.array([[0.0, 0.0, 0.0], [2 ** (1 / 6), 0.0, 0.0]])
        >>> round(float(field.loss(w)), 12), str(field.symmetry.isotropy(w))
        (-1.0, 'D_∞h (order 4)')
    """
    for name, value, least in (("atoms", atoms, 2), ("dim", dim, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} is {value!r}; needed: a whole number, {least} or more.")
    # Equinox types its abstract variables as plain ones: `shape` would be an argument.
    return LennardJones(atoms, dim)  # pyright: ignore[reportCallIssue]


def _energy(w: jax.Array) -> jax.Array:
    sixth = _squares(w) ** -3
    return 4 * jnp.sum(sixth * (sixth - 1))


def _squares(w: jax.Array) -> jax.Array:
    """The squared distances of all pairs of atoms."""
    first, second = np.triu_indices(w.shape[0], 1)
    return jnp.sum((w[first] - w[second]) ** 2, -1)
