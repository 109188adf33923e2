"""Sets of states: what they contain, how to draw from them, where boxes lie."""

import abc
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ._namespace import JAX

TRIES = 1000
"""How many points are drawn at most for each one that is asked for."""

_BATCH = 1024


class AbstractRegion(eqx.Module):
    r"""A closed set :math:`\{w : g(w) \le 0\}` of states, given by its level function `g`.

    To write one: give `level` and `bounds`; where uniform draws from the bounding box would rarely
    hit it, also `source`.
    """

    @abc.abstractmethod
    def level(self, xp: Any, w: Any) -> Any:
        """Return the level at a state: not positive inside, positive outside."""

    @abc.abstractmethod
    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the corners of a box that surely holds the region, `None` if none is known."""

    def source(self) -> "BallRegion | BoxRegion":
        """Return the ball or box that holds the region and from which candidates are drawn."""
        return BoxRegion(*self.require_bounds())

    def contains(self, states: Any) -> np.ndarray:
        """Return which of the states (n, *shape) lie in the region, (n,)."""
        return np.asarray(_levels(traced(self), jnp.asarray(states, float))) <= 0

    def side(self, xp: Any, box: Any) -> int:
        """Return -1 if a box of balls is surely inside, 1 if surely outside, 0 if neither."""
        level = self.level(xp, box)
        return -1 if level <= 0 else 1 if level > 0 else 0

    def sample(self, key: Key, count: int) -> np.ndarray:
        """Draw points of the region, uniform unless said otherwise.

        Args:
            key: a JAX random key; candidate i uses `fold_in(key, i)`.
            count: how many.

        Returns:
            Array (count, *shape).

        Raises:
            ValueError: if fewer than that are among the first `1000 * count` candidates.
        """
        source, found, kept, tried = self.source(), [], 0, 0
        while kept < count and tried < TRIES * count:
            points = np.asarray(_candidates(traced(source), key, jnp.asarray(tried)))
            found.append(points[self.contains(points)])
            kept, tried = kept + len(found[-1]), tried + _BATCH
        if kept < count:
            raise ValueError(
                f"{kept} of {tried} points drawn for {self!r} lie in it; needed: {count}. Describe "
                "it more tightly, for example by its intersection with a smaller box."
            )
        return np.concatenate(found)[:count]

    def require_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return `bounds()`, or raise `ValueError` if none are known."""
        bounds = self.bounds()
        if bounds is None:
            raise ValueError(
                f"{self!r} has no known bounds; needed: a bounded region, such as its "
                "`Intersection` with a `BoxRegion`."
            )
        return bounds


class BallRegion(AbstractRegion):
    r"""The closed ball :math:`|w - c| \le r`.

    Args:
        centre: `c`, of the field's shape.
        radius: `r`, positive.

    Raises:
        ValueError: if the radius is not positive or an entry is not finite.

    Example:
        >>> import flowlab as fl
        >>> fl.BallRegion([1.0, 0.0], 0.5).contains([[1.2, 0.1], [0.0, 0.0]]).tolist()
        [True, False]
    """

    centre: np.ndarray
    radius: float

    def __init__(self, centre: Any, radius: float):
        self.centre, self.radius = _finite(centre, "centre"), float(radius)
        if not 0 < self.radius < np.inf:
            raise ValueError(f"radius is {radius!r}; needed: a positive number.")

    def level(self, xp: Any, w: Any) -> Any:
        """Return the squared distance from the centre less the squared radius."""
        # Squared by `xp`: the rounded square would be another ball's.
        return xp.square(w - self.centre).sum() - xp.square(xp.constant(self.radius))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners of the box around the ball."""
        # A little more than the radius, so that rounding takes nothing off.
        far = self.radius * (1 + 1e-12) + 1e-15 * (1 + np.abs(self.centre))
        return self.centre - far, self.centre + far

    def source(self) -> "BallRegion":
        """Return the ball itself."""
        return self

    def candidate(self, key: Key) -> jax.Array:
        """Draw one point uniformly from the ball."""
        towards, far = jax.random.split(key)
        direction = jax.random.normal(towards, self.centre.shape)
        share = jax.random.uniform(far) ** (1 / max(1, self.centre.size))
        return (
            jnp.asarray(self.centre)
            + self.radius * share / jnp.sqrt(jnp.sum(direction**2)) * direction
        )

    def __repr__(self) -> str:
        return f"BallRegion({_listed(self.centre)}, {self.radius:.6g})"


class BoxRegion(AbstractRegion):
    r"""The closed box :math:`l \le w \le u`.

    Args:
        lower: `l`, of the field's shape.
        upper: `u`.

    Raises:
        ValueError: if the shapes differ, an entry is not finite or the box has no inside.

    Example:
        >>> import flowlab as fl
        >>> fl.BoxRegion([0, 0], [1, 2]).contains([[0.5, 1.5], [1.5, 0.5]]).tolist()
        [True, False]
    """

    lower: np.ndarray
    upper: np.ndarray

    def __init__(self, lower: Any, upper: Any):
        self.lower, self.upper = _finite(lower, "lower"), _finite(upper, "upper")
        if self.lower.shape != self.upper.shape or not np.all(self.lower < self.upper):
            raise ValueError(
                f"lower is {lower!r} and upper {upper!r}; needed: one shape, lower below upper."
            )

    def level(self, xp: Any, w: Any) -> Any:
        """Return how far the state is outside in its worst entry."""
        return largest(xp, list(xp.maximum(self.lower - w, w - self.upper).ravel()))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners."""
        return self.lower, self.upper

    def source(self) -> "BoxRegion":
        """Return the box itself."""
        return self

    def candidate(self, key: Key) -> jax.Array:
        """Draw one point uniformly from the box."""
        lower, upper = jnp.asarray(self.lower), jnp.asarray(self.upper)
        return jax.random.uniform(key, lower.shape, lower.dtype, lower, upper)

    def __repr__(self) -> str:
        return f"BoxRegion({_listed(self.lower)}, {_listed(self.upper)})"


class HalfSpace(AbstractRegion):
    r"""The closed half-space :math:`\langle n, w\rangle \le o`.

    Args:
        normal: `n`, of the field's shape, nonzero; it points out.
        offset: `o`.

    Raises:
        ValueError: if the normal is zero or not finite.

    Example:
        >>> import flowlab as fl
        >>> fl.HalfSpace([-1.0, 0.0], 0.0).contains([[0.5, 1.0], [-0.5, 1.0]]).tolist()
        [True, False]
    """

    normal: np.ndarray
    offset: float

    def __init__(self, normal: Any, offset: float = 0.0):
        self.normal, self.offset = _finite(normal, "normal"), float(offset)
        if not self.normal.any() or not np.isfinite(self.offset):
            raise ValueError(f"normal is {normal!r}, offset {offset!r}; needed: nonzero, finite.")

    def level(self, xp: Any, w: Any) -> Any:
        """Return the inner product with the normal less the offset."""
        return (w * self.normal).sum() - self.offset

    def bounds(self) -> None:
        """Return `None`: a half-space is not bounded."""
        return None

    def __repr__(self) -> str:
        return f"HalfSpace({_listed(self.normal)}, {self.offset:.6g})"


@eqx.filter_jit
def _levels(region: AbstractRegion, states: jax.Array) -> jax.Array:
    return jax.vmap(lambda w: region.level(JAX, w))(states)


@eqx.filter_jit
def _candidates(source: Any, key: Key, first: jax.Array) -> jax.Array:
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(first + jnp.arange(_BATCH))
    return jax.vmap(source.candidate)(keys)


def traced(region: AbstractRegion) -> AbstractRegion:
    """Return the region with arrays for its numbers: regions of one form share a compilation."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if isinstance(leaf, float) else leaf, region)


def largest(xp: Any, values: list[Any]) -> Any:
    """Return the largest of some levels."""
    return functools.reduce(xp.maximum, values)


def _finite(value: Any, name: str) -> np.ndarray:
    array = np.asarray(value, float)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} is {value!r}; needed: finite numbers.")
    return array


def _listed(array: np.ndarray) -> str:
    return np.array2string(array, precision=6, separator=", ").replace("\n", "")
