"""Fields that depend on one parameter."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ._base import AbstractField


@dataclasses.dataclass(frozen=True, eq=False)
class FieldFamily:
    """A field for each value of one real parameter, all of one shape.

    A plain function does as well wherever a family is asked for; this class adds a name for the
    parameter and a description for files.

    Args:
        fn: a function from a number, which JAX may trace, to a field.
        parameter: name of the parameter; that of the function's argument if not given.
        spec: what to write into a file to describe the family (JSON-compatible).

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = fl.FieldFamily(lambda mu: fl.VectorField(lambda w: mu * w - w**3, (1,)))
        >>> family.parameter, family(4.0)(0.0, jnp.array([2.0])).tolist()
        ('mu', [0.0])
    """

    fn: Callable[[Any], AbstractField]
    parameter: str = ""
    spec: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.parameter:
            object.__setattr__(self, "parameter", _argument_name(self.fn))

    def __call__(self, parameter: Any) -> AbstractField:
        """Return the field at one value of the parameter."""
        return self.fn(parameter)


def as_family(family: Any) -> FieldFamily:
    """Return `family` as a `FieldFamily`, or raise `ValueError` if it is no function."""
    if isinstance(family, FieldFamily):
        return family
    if not callable(family) or isinstance(family, AbstractField):
        raise ValueError(
            f"family is {family!r}; needed: a function from the parameter to a field, such as "
            "`lambda mu: fl.VectorField(lambda w: mu * w - w**3, (1,))`."
        )
    # `callable` tells a type checker nothing of what is returned.
    return FieldFamily(family)  # pyright: ignore[reportArgumentType]


def _argument_name(fn: Callable[..., Any]) -> str:
    try:
        return next(iter(inspect.signature(fn).parameters), "parameter")
    except (TypeError, ValueError):
        return "parameter"


@eqx.filter_jit
def family_jet(
    fn: Callable[[Any], AbstractField], w: jax.Array, parameter: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array | None, jax.Array]:
    """Return the velocity, its derivatives by state and parameter, the loss and the distance.

    Args:
        fn: the function from the parameter to a field.
        w: the state, of the fields' shape.
        parameter: the parameter, a scalar.

    Returns:
        Velocity (size,), Jacobian (size, size), derivative by the parameter (size,), loss (`None`
        without one) and distance to a singularity.
    """
    field = fn(parameter)
    velocity, by_parameter = jax.jvp(
        lambda value: fn(value)(0.0, w), (parameter,), (jnp.ones_like(parameter),)
    )
    loss = field.loss(w) if field.has_loss else None  # type: ignore[attr-defined]
    jacobian = field.jacobian(w).reshape(w.size, w.size)
    away = field.distance_to_singularity(w)
    return velocity.reshape(-1), jacobian, by_parameter.reshape(-1), loss, away
