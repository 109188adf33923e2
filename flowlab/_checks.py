"""Checks of what a user hands in, shared by every room."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def require_float64(what: str) -> None:
    """Raise unless JAX runs in 64 bits.

    Args:
        what: the name of the function that needs it, for the message.

    Raises:
        RuntimeError: if `jax_enable_x64` is off.
    """
    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise RuntimeError(
            f"{what} needs 64-bit floats and JAX runs in 32. Put "
            "`jax.config.update('jax_enable_x64', True)` before the first JAX computation, or set "
            "the environment variable JAX_ENABLE_X64=1."
        )


def is_traced(*values: Any) -> bool:
    """Whether any of the values is a JAX tracer, so that its entries cannot be looked at."""
    return any(isinstance(value, Tracer) for value in values)


def as_state(shape: tuple[int, ...], w: Any, name: str = "w") -> jax.Array:
    """Return `w` as one float array of the field's shape, checked.

    Args:
        shape: the shape that is needed.
        w: what was given.
        name: how the caller calls it, for the message.

    Returns:
        A floating-point JAX array of `shape`.

    Raises:
        ValueError: on a wrong shape, a complex or non-numeric dtype, or an entry not finite.
    """
    return _checked(shape, w, name, f"one state of shape {shape}")


def as_states(shape: tuple[int, ...], states: Any, name: str = "starts") -> jax.Array:
    """Return `states` as a float array of shape `(n, *shape)`, checked like `as_state`."""
    count = np.shape(states)[0] if np.ndim(states) else 0
    return _checked((count, *shape), states, name, f"an array of shape (n, {_inner(shape)})")


def _inner(shape: tuple[int, ...]) -> str:
    return ", ".join(str(size) for size in shape)


def _checked(shape: tuple[int, ...], value: Any, name: str, needed: str) -> jax.Array:
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not numeric: {value!r}. Needed: {needed}.") from error
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}. Needed: {needed}. If it is flattened, reshape it; if "
            "it is a batch, pass it to the batch version (`settle`) or use `jax.vmap`."
        )
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise ValueError(f"{name} is complex ({array.dtype}). Needed: {needed} of real floats.")
    if not jnp.issubdtype(array.dtype, jnp.floating):
        array = array.astype(jnp.result_type(float))
    # Of NumPy's: inside `jit` an operation of JAX on a constant is traced as well.
    if not is_traced(array) and not np.all(np.isfinite(np.asarray(array))):
        bad = int(np.sum(~np.isfinite(np.asarray(array))))
        raise ValueError(f"{name} has {bad} entries that are NaN or infinite; needed: {needed}.")
    return array
