"""Where starts come from: distributions over states, each a function of a key and a shape."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key, Sampler


class AbstractSampler(eqx.Module):
    """A distribution over states: `sampler(key, shape)` draws one.

    Anything that takes a `sampler=` also takes a plain function of a key.
    """

    @abc.abstractmethod
    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state of `shape`."""


class Normal(AbstractSampler):
    r"""Independent Gaussian entries of mean 0: :math:`w_i \sim N(0, \mathrm{std}^2)`.

    `Normal(d**-0.5)` is the usual initialisation of a layer with `d` inputs.

    Args:
        std: standard deviation of each entry.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.Normal(std=0.5)(jax.random.key(0), (3, 2)).shape
        (3, 2)
    """

    std: float = 1.0

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        return self.std * jax.random.normal(key, shape)


class Box(AbstractSampler):
    """The uniform law on a box `lower <= w <= upper`.

    Args:
        lower: lower corner, of the field's shape (or a scalar).
        upper: upper corner.

    Raises:
        ValueError: if a lower bound is not below its upper bound.

    Example:
        >>> import jax, flowlab as fl
        >>> w = fl.Box([-2, 0], [2, 1])(jax.random.key(0), (2,))
        >>> bool(0 <= w[1] <= 1)
        True
    """

    lower: Any
    upper: Any

    def __init__(self, lower: Any, upper: Any):
        self.lower = np.asarray(lower, float)
        self.upper = np.asarray(upper, float)
        if not np.all(self.lower < self.upper):
            raise ValueError(f"the box is empty: lower {lower!r}, upper {upper!r}.")

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        lower, upper = jnp.broadcast_to(self.lower, shape), jnp.broadcast_to(self.upper, shape)
        return jax.random.uniform(key, shape, lower.dtype, lower, upper)


class Ball(AbstractSampler):
    r"""The uniform law on the Euclidean ball of radius `r` around 0 (Tian 2017, Theorem 6).

    Args:
        radius: radius of the ball.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> bool(jnp.linalg.norm(fl.Ball(0.1)(jax.random.key(1), (1, 10))) <= 0.1)
        True
    """

    radius: float

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        return self.radius * jax.random.ball(key, int(np.prod(shape))).reshape(shape)


class Around(AbstractSampler):
    """Gaussian noise around a point: `point + std * N(0, I)`.

    Args:
        point: the centre, of the field's shape.
        std: standard deviation of the noise in each entry.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.Around([1.0, 0.0], std=0.0)(jax.random.key(0), (2,)).tolist()
        [1.0, 0.0]
    """

    point: Any
    std: float

    def __init__(self, point: Any, std: float):
        self.point = np.asarray(point, float)
        self.std = std

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        if self.point.shape != shape:
            raise ValueError(f"point has shape {self.point.shape}; the field has shape {shape}.")
        return jnp.asarray(self.point) + self.std * jax.random.normal(key, shape)


def draw(
    sampler: AbstractSampler | Sampler, key: Key, shape: tuple[int, ...], first: int, count: int
) -> jax.Array:
    """Draw the starts `first, ..., first + count - 1` of the endless sequence that `key` defines.

    Start `i` uses `fold_in(key, i)`, so it is the same for any batch size and any resume.

    Args:
        sampler: a sampler, or a function of a key.
        key: a JAX random key.
        shape: shape of one state.
        first: number of the first start.
        count: how many.

    Returns:
        Array of shape `(count, *shape)`.

    Raises:
        ValueError: if the sampler returns another shape.
    """
    one = (lambda k: sampler(k, shape)) if isinstance(sampler, AbstractSampler) else sampler
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(first, first + count))
    starts = jax.vmap(one)(keys)
    if starts.shape != (count, *shape):
        raise ValueError(
            f"the sampler returns states of shape {starts.shape[1:]}; the field needs {shape}."
        )
    return starts
