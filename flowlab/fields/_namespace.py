"""The few operations on which a closed form differs between kinds of numbers.

A closed form is written once, against a namespace `xp` and the operators and methods that every
kind of array shares (`+ - * / @`, indexing, `.sum`, `.T`). `JAX` and `NUMPY` are the namespaces of
floats; a namespace of balls gives the same names to the same operations on enclosures.
"""

from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np

from ._arctangent import arctan_quotient


def _floats(np_like: Any) -> SimpleNamespace:
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

    return SimpleNamespace(
        pi=np.pi,
        root=root,
        inverse=inverse,
        unit=unit,
        angle=angle,
        where=np_like.where,
        eye=np_like.eye,
    )


JAX = _floats(jnp)
NUMPY = _floats(np)
