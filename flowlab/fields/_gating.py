"""The population gating of Theorem 1 over data instead of a law."""

from typing import Any

import jax
import jax.numpy as jnp


def empirical_gating(X: Any, e: Any, w: Any) -> jax.Array:
    r"""Return :math:`F(e,w) = \frac1N X^T D(e) D(w) X w`, the gating averaged over data.

    :math:`D(u)` keeps the rows with :math:`u\cdot x > 0`. For standard Gaussian rows its
    expectation is `population_gating(e, w)`. `jit` and `vmap` may be applied.

    Args:
        X: data, (N, d).
        e: the control vector, (d,); it enters by its direction only.
        w: the gated vector, (d,).

    Returns:
        Array (d,).

    Raises:
        ValueError: if the shapes do not fit.

    Source: Tian 2017, Theorem 1, per sample.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> X = jnp.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 1.0]])
        >>> fl.empirical_gating(X, jnp.array([0.0, 1.0]), jnp.array([3.0, 0.0])).tolist()
        [4.0, 2.0]
    """
    data, control, gated = (jnp.asarray(value, float) for value in (X, e, w))
    if data.ndim != 2 or not control.shape == gated.shape == data.shape[1:] or len(data) == 0:
        raise ValueError(
            f"X, e and w have shapes {data.shape}, {control.shape} and {gated.shape}; needed: "
            "(N, d) with N >= 1, and two vectors (d,)."
        )
    on = jnp.where(data @ control > 0, jax.nn.relu(data @ gated), 0.0)
    return on @ data / len(data)
