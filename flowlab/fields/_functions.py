"""The two fields that a user makes from a function."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from .._checks import as_state
from .._types import Sampler
from ..symmetry import AbstractGroup, TrivialGroup
from ._base import AbstractField, AbstractGradientFlow, default_names
from ._samplers import AbstractSampler, Normal


@dataclasses.dataclass(frozen=True, eq=False)
class _Info:
    """What a user says about a field besides its function.

    It is compared by identity, so that it may hold arrays and dictionaries and still be the static
    part of a module.
    """

    coordinates: tuple[str, ...]
    symmetry: AbstractGroup
    sampler: AbstractSampler | Sampler
    spec: dict[str, Any]
    loss_floor: float | None = None
    unravel: Callable[[jax.Array], Any] | None = None


class _Described(AbstractField):
    """A field that was told about itself."""

    info: eqx.AbstractVar[_Info]

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return self.info.coordinates

    @property
    def symmetry(self) -> AbstractGroup:
        """The group the field was given, trivial if none."""
        return self.info.symmetry

    @property
    def sampler(self) -> AbstractSampler | Sampler:
        """Where starts are drawn from by default."""
        return self.info.sampler

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description."""
        return self.info.spec


class VectorField(_Described):
    r"""A field from a function: :math:`\dot w = f(w)`.

    Args:
        fn: a JAX function from a state of `shape` to its time derivative.
        shape: shape of the state.
        coordinates: names of the coordinates; `("w1", "w2", ...)` if not given.
        symmetry: a group with `f(g w) = g f(w)`; trivial if not given.
        sampler: where starts are drawn from by default; `Normal(1.0)` if not given.
        spec: what to write into a catalog to describe the field (JSON-compatible).

    Raises:
        ValueError: if `fn` does not map `shape` to `shape`.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> duffing = fl.VectorField(
        ...     lambda w: jnp.array([w[1], w[0] - w[0] ** 3 - 0.3 * w[1]]), shape=(2,),
        ...     coordinates=("x", "v"))
        >>> duffing(0.0, jnp.array([1.0, 0.0])).tolist()
        [0.0, 0.0]
    """

    fn: Callable[[jax.Array], jax.Array]
    shape: tuple[int, ...] = eqx.field(static=True)
    info: _Info = eqx.field(static=True)

    def __init__(
        self,
        fn: Callable[[jax.Array], jax.Array],
        shape: Sequence[int],
        *,
        coordinates: Sequence[str] | None = None,
        symmetry: AbstractGroup | None = None,
        sampler: AbstractSampler | Sampler | None = None,
        spec: dict[str, Any] | None = None,
    ):
        self.fn, self.shape = fn, _as_shape(shape)
        self.info = _info("VectorField", fn, self.shape, coordinates, symmetry, sampler, spec)
        _require_output(fn, self.shape, self.shape, "the time derivative")

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dw/dt` at `w`."""
        del t, args
        return self.fn(w)


class GradientFlow(_Described, AbstractGradientFlow):
    r"""The gradient flow of a loss: :math:`\dot w = -\nabla J(w)`.

    Args:
        loss: a JAX function from a state of `shape` to a scalar.
        shape: shape of the state.
        coordinates: names of the coordinates; `("w1", "w2", ...)` if not given.
        symmetry: a group that leaves the loss invariant and acts by orthogonal maps.
        loss_floor: the global minimum of the loss, if known; minima above it are called spurious.
        sampler: where starts are drawn from by default; `Normal(1.0)` if not given.
        spec: what to write into a catalog to describe the field (JSON-compatible).

    Raises:
        ValueError: if `loss` does not return a real scalar.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> bowl = fl.GradientFlow(lambda w: 0.5 * jnp.sum(w**2), shape=(2,), loss_floor=0.0)
        >>> bowl(0.0, jnp.array([1.0, -2.0])).tolist()
        [-1.0, 2.0]
    """

    fn: Callable[[jax.Array], jax.Array]
    shape: tuple[int, ...] = eqx.field(static=True)
    info: _Info = eqx.field(static=True)

    def __init__(
        self,
        loss: Callable[[jax.Array], jax.Array],
        shape: Sequence[int],
        *,
        coordinates: Sequence[str] | None = None,
        symmetry: AbstractGroup | None = None,
        loss_floor: float | None = None,
        sampler: AbstractSampler | Sampler | None = None,
        spec: dict[str, Any] | None = None,
        unravel: Callable[[jax.Array], Any] | None = None,
    ):
        self.fn, self.shape = loss, _as_shape(shape)
        told = coordinates, symmetry, sampler, spec, loss_floor, unravel
        self.info = _info("GradientFlow", loss, self.shape, *told)
        _require_output(loss, self.shape, (), "the loss")

    @classmethod
    def from_pytree(
        cls, loss: Callable[[Any], jax.Array], params: Any, **options: Any
    ) -> "GradientFlow":
        """Wrap a loss of a PyTree of parameters as a flow on one flat array.

        Args:
            loss: a JAX function from a PyTree like `params` to a scalar.
            params: an example of the parameters: gives structure and shapes.
            **options: as for `GradientFlow`.

        Returns:
            A `GradientFlow` of shape `(n,)`; `field.unravel(w)` turns a state into parameters.

        Example:
            >>> import jax.numpy as jnp, flowlab as fl
            >>> params = {"a": jnp.ones(2), "b": jnp.zeros(())}
            >>> field = fl.GradientFlow.from_pytree(
            ...     lambda p: jnp.sum(p["a"] ** 2) + p["b"] ** 2, params)
            >>> field.shape, field.coordinates
            ((3,), ("['a'][0]", "['a'][1]", "['b']"))
        """
        flat, unravel = ravel_pytree(params)
        options.setdefault("coordinates", _leaf_names(params))
        return cls(lambda w: loss(unravel(w)), flat.shape, unravel=unravel, **options)

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dw/dt = -∇J(w)`."""
        del t, args
        return -jax.grad(self.fn)(w)

    def loss(self, w: jax.Array) -> jax.Array:
        """Return the loss at `w`, a scalar."""
        return self.fn(as_state(self.shape, w))

    def gradient(self, w: jax.Array) -> jax.Array:
        """Return the gradient of the loss at `w`."""
        return jax.grad(self.fn)(as_state(self.shape, w))

    def hessian(self, w: jax.Array) -> jax.Array:
        """Return the Hessian of the loss at `w`, by forward over reverse differentiation."""
        return jax.hessian(self.fn)(as_state(self.shape, w))

    def unravel(self, w: jax.Array) -> Any:
        """Return the parameters that the flat state `w` stands for (see `from_pytree`)."""
        return w if self.info.unravel is None else self.info.unravel(w)

    @property
    def loss_floor(self) -> float | None:
        """The global minimum of the loss, if it was given."""
        return self.info.loss_floor


def _info(
    kind: str,
    fn: Callable[..., Any],
    shape: tuple[int, ...],
    coordinates: Sequence[str] | None,
    symmetry: AbstractGroup | None,
    sampler: AbstractSampler | Sampler | None,
    spec: dict[str, Any] | None,
    loss_floor: float | None = None,
    unravel: Callable[[jax.Array], Any] | None = None,
) -> _Info:
    """Check what a user says about a field, and fill in what was left out."""
    names = _as_names(coordinates, shape)
    group = _as_symmetry(symmetry, shape)
    described = spec or _describe(kind, fn, shape, names)
    return _Info(names, group, sampler or Normal(1.0), described, loss_floor, unravel)


def _as_shape(shape: Sequence[int]) -> tuple[int, ...]:
    if isinstance(shape, int):
        raise ValueError(f"shape is the number {shape}; needed: a tuple, such as ({shape},).")
    result = tuple(int(size) for size in shape)
    if any(size < 1 for size in result):
        raise ValueError(f"shape is {result}; needed: positive sizes.")
    return result


def _as_names(names: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...]:
    if names is None:
        return default_names(shape)
    if len(names) != int(np.prod(shape)):
        raise ValueError(
            f"coordinates has {len(names)} names; needed: one for each of the "
            f"{int(np.prod(shape))} entries of a state of shape {shape}."
        )
    return tuple(str(name) for name in names)


def _leaf_names(params: Any) -> tuple[str, ...]:
    names = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        base = jax.tree_util.keystr(path)
        for index in np.ndindex(*np.shape(leaf)):
            names.append(base + (str(list(index)) if index else ""))
    return tuple(names)


def _as_symmetry(group: AbstractGroup | None, shape: tuple[int, ...]) -> AbstractGroup:
    if group is None:
        return TrivialGroup(shape)
    if tuple(group.shape) != shape:
        raise ValueError(
            f"symmetry acts on arrays of shape {tuple(group.shape)}; the field has shape {shape}."
        )
    return group


def _require_output(
    fn: Callable[[jax.Array], Any], shape: tuple[int, ...], wanted: tuple[int, ...], what: str
) -> None:
    out = jax.eval_shape(fn, jax.ShapeDtypeStruct(shape, jnp.result_type(float)))
    given = getattr(out, "shape", None)
    if given != wanted or not jnp.issubdtype(out.dtype, jnp.floating):
        raise ValueError(
            f"the function returns {out!r} for a state of shape {shape}; needed: {what}, a real "
            f"array of shape {wanted}."
        )


def _describe(
    kind: str, fn: Callable[..., Any], shape: tuple[int, ...], coordinates: tuple[str, ...]
) -> dict[str, Any]:
    name = getattr(fn, "__qualname__", type(fn).__name__)
    return {"type": kind, "shape": list(shape), "function": name, "coordinates": list(coordinates)}
