"""Where starts come from: distributions over states, each a function of a key and a shape."""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import is_traced
from .._types import Key, Sampler
from ._plane import Plane


class AbstractSampler(eqx.Module):
    """A distribution over states: `sampler(key, shape)` draws one.

    Anything that takes a `sampler=` also takes a plain function of a key.
    """

    @abc.abstractmethod
    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state of `shape`."""

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description: the name of the law and its parameters."""
        names = [entry.name for entry in dataclasses.fields(self)]
        return {"type": type(self).__name__, **{n: _described(getattr(self, n)) for n in names}}


class Normal(AbstractSampler):
    r"""Independent Gaussian entries of mean 0: :math:`w_i \sim N(0, \mathrm{std}^2)`.

    The usual initialisations of a layer of `K` units with `d` inputs are `Normal(d**-0.5)` (LeCun),
    `Normal((2 / d) ** 0.5)` (He) and `Normal((2 / (d + K)) ** 0.5)` (Glorot, "Xavier").

    Args:
        std: standard deviation of each entry.

    Raises:
        ValueError: if `std` is negative or not finite.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.Normal(std=0.5)(jax.random.key(0), (3, 2)).shape
        (3, 2)
    """

    std: float = 1.0

    def __check_init__(self) -> None:
        _require_length(self.std, "std")

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

    Raises:
        ValueError: if the radius is negative or not finite.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> bool(jnp.linalg.norm(fl.Ball(0.1)(jax.random.key(1), (1, 10))) <= 0.1)
        True
    """

    radius: float

    def __check_init__(self) -> None:
        _require_length(self.radius, "radius")

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        # Not `jax.random.ball`: its rejection sampling takes seconds to compile.
        towards, length = jax.random.split(key)
        direction = jax.random.normal(towards, shape)
        share = jax.random.uniform(length) ** (1 / int(np.prod(shape)))
        return self.radius * share / jnp.sqrt(jnp.sum(direction**2)) * direction


class Around(AbstractSampler):
    """Gaussian noise around a point: `point + std * N(0, I)`.

    Args:
        point: the centre, of the field's shape.
        std: standard deviation of the noise in each entry.

    Raises:
        ValueError: if `std` is negative or not finite.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.Around([1.0, 0.0], std=0.0)(jax.random.key(0), (2,)).tolist()
        [1.0, 0.0]
    """

    point: Any
    std: float

    def __init__(self, point: Any, std: float):
        _require_length(std, "std")
        self.point = np.asarray(point, float)
        self.std = std

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        if self.point.shape != shape:
            raise ValueError(f"point has shape {self.point.shape}; the field has shape {shape}.")
        return jnp.asarray(self.point) + self.std * jax.random.normal(key, shape)


class OnPlane(AbstractSampler):
    """A law on a two-dimensional plane through state space.

    Args:
        plane: the plane.
        law: the law of its coordinates (s, t): a sampler, or a function of a key.

    Example:
        >>> import jax, numpy as np, flowlab as fl
        >>> plane = fl.Plane(np.zeros((2, 2)), np.eye(2), 1 - np.eye(2))
        >>> w = fl.OnPlane(plane, fl.Box(0.0, 1.0))(jax.random.key(0), (2, 2))
        >>> bool(w[0, 0] == w[1, 1]) and bool(w[0, 1] == w[1, 0])
        True
    """

    plane: Plane
    law: AbstractSampler | Sampler

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        if self.plane.origin.shape != shape:
            raise ValueError(
                f"plane lies in states of shape {self.plane.origin.shape}; the field has shape "
                f"{shape}."
            )
        z = _draw_one(self.law, key, (2,))
        if z.shape != (2,):
            raise ValueError(f"the law of the plane returns shape {z.shape}; needed: (2,).")
        return jnp.asarray(self.plane.origin) + z[0] * self.plane.u + z[1] * self.plane.v


def sampler_spec(sampler: AbstractSampler | Sampler) -> dict[str, Any]:
    """Describe where starts come from, for the provenance of a result.

    Args:
        sampler: a sampler, or a function of a key.

    Returns:
        A JSON-compatible dictionary; of a function no more than its name is known.

    Example:
        >>> import flowlab as fl
        >>> from flowlab.fields import sampler_spec
        >>> sampler_spec(fl.Box([-2, 0], [2, 1]))
        {'type': 'Box', 'lower': [-2.0, 0.0], 'upper': [2.0, 1.0]}
    """
    return _described(sampler)


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
    starts = _drawn(sampler, key, shape, np.int64(first), count)
    if starts.shape != (count, *shape):
        raise ValueError(
            f"the sampler returns states of shape {starts.shape[1:]}; the field needs {shape}."
        )
    return starts


@eqx.filter_jit
def _drawn(
    sampler: AbstractSampler | Sampler, key: Key, shape: tuple[int, ...], first: Any, count: int
) -> jax.Array:
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(first + jnp.arange(count))
    return jax.vmap(lambda one: _draw_one(sampler, one, shape))(keys)


def _draw_one(sampler: AbstractSampler | Sampler, key: Key, shape: tuple[int, ...]) -> jax.Array:
    return sampler(key, shape) if isinstance(sampler, AbstractSampler) else sampler(key)


def _require_length(value: Any, name: str) -> None:
    if is_traced(value):
        return
    if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
        raise ValueError(f"{name} is {value!r}; needed: a finite number, not negative.")


def _described(value: Any) -> Any:
    """A parameter of a law in JSON's words."""
    match value:
        case Plane() | AbstractSampler():
            return value.spec()
        case np.ndarray() | np.generic() | jax.Array():
            return np.asarray(value).tolist()
        case _ if callable(value):
            # A function's repr holds an address, which differs from run to run.
            name = getattr(value, "__qualname__", None) or type(value).__name__
            return {"type": "function", "name": name}
    return value
