"""The few operations on which a closed form differs between kinds of numbers.

A closed form is written once, against a namespace `xp` and the operators and methods that every
kind of array shares (`+ - * / @`, indexing, `.sum`, `.T`). `JAX` and `NUMPY` are the namespaces of
floats; a namespace of balls gives the same names to the same operations on enclosures. `LANES` is
that of many states at once: each array has one more axis, the last, that counts them, of length 1
where all states share the values. All of them have the functions of `FUNCTIONS` under NumPy's
names, for the closed forms of users (see `ClosedForm`). `choose` is `where` for a mask that is
known, or for two expressions of one value: balls, which cannot always be compared, refuse `where`.
"""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._kernel import once
from ._arctangent import arctan_quotient

FUNCTIONS = (
    *("abs", "arctan", "cos", "exp", "log", "maximum", "minimum"),
    *("sin", "sqrt", "square", "stack", "tanh"),
)


class Namespace(SimpleNamespace):
    """Named operations, compared by identity, so that traces can be kept by namespace."""

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]
    __eq__ = object.__eq__


def _floats(np_like: Any) -> Namespace:
    def root(x):
        """Square root of a quantity known to be nonnegative; derivative 0, not NaN, at 0."""
        positive = x > 0
        return np_like.where(positive, np_like.sqrt(np_like.where(positive, x, 1.0)), 0.0)

    def inverse(x):
        """`1/x`, and 0 where `x = 0`: for factors that are multiplied by zero there anyway."""
        zero = x == 0
        return np_like.where(zero, 0.0, 1.0 / np_like.where(zero, 1.0, x))

    def unit(part, sine):
        """`part / sine`, a unit vector along the last axis (0 where `sine = 0`)."""
        return inverse(sine)[..., None] * part

    def angle(sine, cosine):
        return arctan_quotient(sine, cosine, xp=np_like)

    def products(W, U):
        """Inner products `w_j . u_i` of rows."""
        return W @ U.T

    def mixtures(weights, U):
        """Sums `sum_i weights_ji u_i` of rows."""
        return weights @ U

    def own(size):
        """The mask of the pairs of a row with itself."""
        return np_like.eye(size) > 0

    return Namespace(
        pi=np.pi,
        root=root,
        inverse=inverse,
        unit=unit,
        angle=angle,
        where=np_like.where,
        choose=np_like.where,
        eye=np_like.eye,
        products=products,
        mixtures=mixtures,
        own=own,
        once=_apply,
        constant=np_like.asarray,
        solve=np_like.linalg.solve,
        gradient=_gradient,
        **{name: getattr(np_like, name) for name in FUNCTIONS},
    )


def _gradient(function: Any, w: Any) -> Any:
    """The gradient of the scalar `function(xp, w)` by `w`."""
    return jax.grad(lambda v: function(JAX, v))(w)


def _apply(function: Any, *args: Any) -> Any:
    return function(*args)


def _lanes() -> Namespace:
    # Sums of few terms, written out: XLA runs them over the lanes, many times faster than it
    # multiplies many small matrices.
    def products(W, U):
        return sum(W[:, None, a] * U[None, :, a] for a in range(W.shape[1]))

    def mixtures(weights, U):
        return sum(weights[:, i, None] * U[None, i] for i in range(U.shape[0]))

    def own(size):
        return jnp.eye(size)[..., None] > 0

    # Marks that keep XLA from inlining are for values only: derivatives through them, compiled
    # together with the values, were seen to be wrong.
    changed = {"products": products, "mixtures": mixtures, "own": own, "once": once}
    return Namespace(**(vars(JAX) | changed))


JAX = _floats(jnp)
NUMPY = _floats(np)
LANES = _lanes()
