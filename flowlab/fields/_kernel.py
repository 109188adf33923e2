"""Computations that XLA compiles on their own, so that nothing is computed twice.

XLA's CPU compiler fuses an operation into everything that uses it: an angle that goes into a sum
over `d` coordinates is computed `d` times. It removes `lax.optimization_barrier` before it fuses,
but never fuses across a call that it was told not to inline.
"""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from .._checks import is_traced


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
    results = _compiled(function, static)(*args)
    if jax.default_backend() != "cpu" or not is_traced(*jax.tree.leaves(results)):
        return results
    # The mark goes to the operation that made the results: the call.
    return set_xla_metadata(results, inlineable="false")


@ft.cache
def _compiled(function: Callable[..., Any], static: tuple[int, ...]) -> Callable[..., Any]:
    return jax.jit(function, static_argnums=static)
