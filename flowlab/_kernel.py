"""Computations that XLA compiles on their own, so that nothing is computed twice.

XLA's CPU compiler fuses an operation into everything that uses it: an angle that goes into a sum
over `d` coordinates is computed `d` times. It removes `lax.optimization_barrier` before it fuses,
but never fuses across a call that it was told not to inline.
"""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from ._checks import is_traced


def once(function: Callable[..., Any], *args: Any) -> Any:
    """Return `function(*args)`, each of its results computed once, whatever they are used for.

    Args:
        function: a JAX function, the same object at each call, so that its trace is kept.
        *args: arrays, or hashable values on which the trace may depend.

    Returns:
        What the function returns.
    """
    static = tuple(
        i for i, value in enumerate(args) if not isinstance(value, jax.Array | np.ndarray)
    )
    return _marked(_compiled(function, static)(*args))


def apart(function: Callable[..., Any], *args: Any) -> Any:
    """Do what `once` does for a function made on the spot, of pytrees of arrays."""
    return _marked(jax.jit(function)(*args))


def _marked(results: Any) -> Any:
    if jax.default_backend() != "cpu" or not is_traced(*jax.tree.leaves(results)):
        return results
    # The mark goes to the operation that made the results: the call.
    return set_xla_metadata(results, inlineable="false")


def in_blocks(
    function: Callable[..., jax.Array], lanes: jax.Array, shared: tuple[Any, ...], size: int
) -> jax.Array:
    """Return `function(lanes, *shared)`, computed for `size` states at a time.

    The arrays of few states stay in the cache; and rows of many, a power of two apart, fall into
    the same few lines of it.

    Args:
        function: from arrays whose last axis counts states, and shared ones, to such an array of
            the shape of the first.
        lanes: the states, (*shape, n).
        shared: the other arguments.
        size: how many states at a time.

    Returns:
        Array of the shape of `lanes`.
    """
    count = lanes.shape[-1] // size
    if lanes.shape[-1] <= size:
        return function(lanes, *shared)

    def step(i, results):
        block = jax.lax.dynamic_slice_in_dim(lanes, i * size, size, -1)
        return jax.lax.dynamic_update_slice_in_dim(
            results, once(function, block, *shared), i * size, -1
        )

    results = jax.lax.fori_loop(0, count, step, jnp.zeros_like(lanes))
    rest = lanes[..., count * size :]
    if rest.shape[-1] == 0:
        return results
    return results.at[..., count * size :].set(function(rest, *shared))


@ft.cache
def _compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:
    return jax.jit(function, static_argnums=static)
