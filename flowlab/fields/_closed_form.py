"""Functions that a user writes once, for floats and for proofs."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ._namespace import JAX, Namespace


@dataclasses.dataclass(frozen=True, eq=False)
class ClosedForm:
    r"""A function of the state that floats and balls can evaluate: `function(xp, w)`.

    `xp` is the namespace of the numbers. Besides the operators `+ - * / @`, integer powers,
    indexing, `.sum()` and `.T` the function may use `xp.pi`, `xp.abs`, `xp.arctan`, `xp.cos`,
    `xp.exp`, `xp.log`, `xp.maximum`, `xp.minimum`, `xp.sin`, `xp.sqrt`, `xp.square`, `xp.stack`,
    `xp.tanh`, and `xp.root(x)`, the root of what is known to be nonnegative. Constants are Python
    floats and NumPy arrays; they count as exact. Called with a state alone it is an ordinary JAX
    function, so it can be a `VectorField`, the loss of a `GradientFlow`, or a Lyapunov function;
    `certify` evaluates it on balls.

    Args:
        function: the function of `(xp, w)`.
        slope: its gradient, as a function of `(xp, w)`, if the function is a scalar; found by
            automatic differentiation if not given.
        name: what to call it in print.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> pendulum = fl.VectorField(
        ...     fl.ClosedForm(lambda xp, w: xp.stack([w[1], -xp.sin(w[0]) - w[1]])), shape=(2,))
        >>> pendulum(0.0, jnp.array([0.0, 1.0])).tolist()
        [1.0, -1.0]
    """

    function: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any] | None = None
    name: str = ""

    def __call__(self, w: Any) -> Any:
        """Return the value at a state, as JAX computes it."""
        return self.function(JAX, w)

    def on(self, xp: Any, w: Any) -> Any:
        """Return the value with the operations of the namespace `xp`."""
        return self.function(xp, w)

    def gradient(self, xp: Any, w: Any) -> Any:
        """Return the gradient with the operations of the namespace `xp`."""
        if self.slope is not None:
            return self.slope(xp, w)
        return xp.gradient(self.function, w)

    def __repr__(self) -> str:
        return f"<ClosedForm {name_of(self)}>"


def evaluate(function: Callable[[Any], Any], xp: Namespace | Any, w: Any) -> Any:
    """Return `function(w)` with the operations of `xp`.

    Raises:
        ValueError: if `xp` is not JAX's namespace and the function is not a closed form.
    """
    if hasattr(function, "on"):
        return function.on(xp, w)  # type: ignore[attr-defined]
    if xp is JAX:
        return function(w)
    raise ValueError(
        f"{name_of(function)} is a plain function, which only JAX can evaluate; proofs need a "
        "closed form: write it as `ClosedForm(lambda xp, w: ...)`."
    )


def name_of(function: Any) -> str:
    """Return what to call a function in print."""
    if isinstance(function, ClosedForm):
        return function.name or name_of(function.function)
    return getattr(function, "__qualname__", None) or type(function).__name__
