"""What a field is: the abstract interface."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Sampler
from ..symmetry import AbstractGroup, TrivialGroup
from ._samplers import AbstractSampler, Normal


class AbstractField(eqx.Module):
    """An autonomous differentiable field `dw/dt = f(w)` on arrays of one shape.

    To write one: give `shape` and `__call__(t, w, args)`. Everything else has a default: the
    Jacobian by automatic differentiation, no symmetry, no singularity, no flat families.
    """

    shape: eqx.AbstractVar[tuple[int, ...]]

    @abc.abstractmethod
    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dw/dt`, with diffrax's signature; `t` and `args` are not used."""

    def batch(self, w: jax.Array) -> jax.Array:
        """Return `dw/dt` of many states at once, the last axis counting them: `(*shape, n)`.

        With the states last, each operation of a closed form runs over `n` neighbouring floats.
        Override it where that is faster than `vmap`; the values are those of `__call__`.
        """
        return jax.vmap(lambda v: self(0.0, v), in_axes=-1, out_axes=-1)(w)

    @property
    def size(self) -> int:
        """Number of scalar coordinates of a state."""
        return int(np.prod(self.shape))

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates, in the order of the flattened state."""
        return default_names(self.shape)

    @property
    def symmetry(self) -> AbstractGroup:
        """A group acting on states with `f(g w) = g f(w)`."""
        return TrivialGroup(self.shape)

    @property
    def sampler(self) -> AbstractSampler | Sampler:
        """Where starts are drawn from when nobody says otherwise."""
        return Normal(1.0)

    @property
    def has_loss(self) -> bool:
        """Whether there is a `loss(w)` that decreases along the flow."""
        return False

    def jacobian(self, w: jax.Array) -> jax.Array:
        """Return the derivative of `f` at `w`, of shape `(*shape, *shape)`."""
        return jax.jacfwd(lambda v: self(0.0, v))(w)

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return a scalar that is 0 where the field is not continuous (infinite by default)."""
        return jnp.full((), jnp.inf, w.dtype)

    def may_rest(self, w: np.ndarray) -> bool:
        """Return whether the field may vanish at `w`, as far as is known (by default anywhere).

        A field that decays at infinity is as small there as a zero looks in floats. One that knows
        a region that holds all its zeros says so here: what comes to rest elsewhere has escaped.
        """
        del w
        return True

    def flat_directions(self, w: np.ndarray) -> np.ndarray:
        """Return tangents `(m, *shape)` along which `w` moves without changing what it computes."""
        return np.zeros((0, *self.shape))

    def representative(self, w: np.ndarray) -> np.ndarray:
        """Return the point that stands for the flat family through `w` (by default `w` itself)."""
        return np.asarray(w)

    def preferred_image(self, w: np.ndarray) -> np.ndarray:
        """Return the symmetric image of `w` that stands for its orbit (by default `w` itself)."""
        return np.asarray(w)

    def surely_generic(self, states: np.ndarray) -> np.ndarray:
        """Return which of `states` (n, *shape) surely lie in no known invariant subspace."""
        return np.asarray(self.symmetry.surely_generic(np.asarray(states)))

    def invariant_basis(self, w: np.ndarray) -> np.ndarray | None:
        """Return an orthonormal basis `(m, size)` of an invariant subspace that holds `w` exactly.

        A start in the fixed subspace of a subgroup stays in it, but rounding throws a computed
        trajectory off; integrating in the subspace keeps it there. `None`: no such subspace.
        """
        group = self.symmetry
        isotropy = group.isotropy(w, tol=0.0)
        if isotropy.order == 1:
            return None
        return np.asarray(group.fixed_subspace(isotropy)).reshape(-1, self.size)

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description of the field."""
        return {"type": type(self).__name__, "shape": list(self.shape)}


class AbstractGradientFlow(AbstractField):
    """A field `dw/dt = -∇J(w)`: it has a loss, and its Jacobian is minus a symmetric Hessian."""

    @abc.abstractmethod
    def loss(self, w: jax.Array) -> jax.Array:
        """Return the loss `J(w)`, a scalar."""

    @abc.abstractmethod
    def gradient(self, w: jax.Array) -> jax.Array:
        """Return `∇J(w)`, of `shape`."""

    @abc.abstractmethod
    def hessian(self, w: jax.Array) -> jax.Array:
        """Return the Hessian of `J` at `w`, of shape `(*shape, *shape)`."""

    @property
    def has_loss(self) -> bool:
        """True."""
        return True

    @property
    def loss_floor(self) -> float | None:
        """The value of the loss below which nothing can be, if it is known and attained."""
        return None

    def jacobian(self, w: jax.Array) -> jax.Array:
        """Return the derivative of `f = -∇J` at `w`: minus the Hessian."""
        return -self.hessian(w)


def default_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return `("w1", "w2", ...)`, or `("w1_1", "w1_2", ...)` for matrices."""
    return tuple("w" + "_".join(str(i + 1) for i in index) for index in np.ndindex(*shape))
