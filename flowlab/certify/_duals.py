r"""First derivatives on balls, by automatic differentiation: dual numbers.

A dual is a value with its partial derivatives, each a ball or again a dual, so that gradients of
gradients come out as well. Where a function has no derivative on all of a ball (a root or an angle
of what may be zero, an absolute value around zero) the partials are undefined balls: a bound made
of them is undefined too, never wrong.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from ._balls import BallArray, NumberSpace, clipped_root, right_angle

Number = Any
"""An `arb` or a `Dual`."""


class Dual:
    """A number and its partial derivatives."""

    __slots__ = ("partials", "value")

    def __init__(self, value: Number, partials: tuple[Number, ...]):
        self.value, self.partials = value, partials

    def chain(self, value: Number, slope: Number) -> "Dual":
        """Return the function with this value and this derivative at the number."""
        return Dual(value, tuple(slope * partial for partial in self.partials))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Dual):
            pairs = zip(self.partials, other.partials, strict=True)
            return Dual(self.value + other.value, tuple(p + q for p, q in pairs))
        return Dual(self.value + other, self.partials)

    __radd__ = __add__

    def __neg__(self) -> "Dual":
        return Dual(-self.value, tuple(-partial for partial in self.partials))

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else self + -other

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Dual):
            u, v = self.value, other.value
            pairs = zip(self.partials, other.partials, strict=True)
            return Dual(u * v, tuple(p * v + u * q for p, q in pairs))
        return self.chain(self.value * other, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if isinstance(other, Dual):
            return self * other._inverse()
        return self.chain(self.value / other, 1 / arb(other))

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else self._inverse() * other

    def __pow__(self, exponent: int) -> "Dual":
        if not isinstance(exponent, int):
            raise TypeError(f"the exponent {exponent!r} is no integer; use xp.exp and xp.log.")
        if exponent < 0:
            return (self**-exponent)._inverse()
        if exponent == 0:
            return self.chain(arb(1), arb(0))
        # Products, for a power of a ball around 0 is undefined in python-flint.
        power: Number = arb(1)
        for _ in range(exponent - 1):
            power = power * self.value
        return self.chain(power * self.value, power * exponent)

    def __abs__(self) -> "Dual":
        size = abs(self.value)
        sign = arb(1) if self.value > 0 else arb(-1) if self.value < 0 else arb.nan()
        return self.chain(size, sign)

    def __lt__(self, other: Any) -> bool:
        return self.value < (other.value if isinstance(other, Dual) else other)

    def __gt__(self, other: Any) -> bool:
        return self.value > (other.value if isinstance(other, Dual) else other)

    def __le__(self, other: Any) -> bool:
        return self.value <= (other.value if isinstance(other, Dual) else other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= (other.value if isinstance(other, Dual) else other)

    def sin(self) -> "Dual":
        """Sine."""
        return self.chain(self.value.sin(), self.value.cos())

    def cos(self) -> "Dual":
        """Cosine."""
        return self.chain(self.value.cos(), -self.value.sin())

    def exp(self) -> "Dual":
        """Exponential."""
        value = self.value.exp()
        return self.chain(value, value)

    def log(self) -> "Dual":
        """Natural logarithm."""
        return self.chain(self.value.log(), 1 / self.value)

    def sqrt(self) -> "Dual":
        """Square root."""
        value = self.value.sqrt()
        return self.chain(value, 1 / (2 * value))

    def tanh(self) -> "Dual":
        """Hyperbolic tangent."""
        value = self.value.tanh()
        return self.chain(value, 1 - value * value)

    def atan(self) -> "Dual":
        """Arctangent."""
        return self.chain(self.value.atan(), 1 / (1 + self.value * self.value))

    def max(self, other: Any) -> Any:
        """The larger of two numbers, where it is certain which one that is."""
        if self > other:
            return self
        if other > self:
            return other if isinstance(other, Dual) else self.chain(other + 0 * self.value, arb(0))
        value = self.value.max(other.value if isinstance(other, Dual) else arb(other))
        return self.chain(value, arb.nan())

    def _inverse(self) -> "Dual":
        value = 1 / self.value
        return self.chain(value, -value * value)


def _root(x: Number) -> Number:
    if not isinstance(x, Dual):
        return clipped_root(x)
    value = _root(x.value)
    return x.chain(value, 1 / (2 * value) if x > 0 else arb.nan())


def _angle(sine: Number, cosine: Number) -> Number:
    if not isinstance(sine, Dual) and not isinstance(cosine, Dual):
        return right_angle(sine, cosine)
    # One of the two may be a constant.
    count = len((sine if isinstance(sine, Dual) else cosine).partials)
    s, ds = _parts(sine, count)
    c, dc = _parts(cosine, count)
    square = s * s + c * c
    pairs = zip(ds, dc, strict=True)
    return Dual(_angle(s, c), tuple((c * p - s * q) / square for p, q in pairs))


def _parts(x: Number, count: int) -> tuple[Number, tuple[Number, ...]]:
    return (x.value, x.partials) if isinstance(x, Dual) else (x, (arb(0),) * count)


class _Duals(NumberSpace):
    """The operations on arrays of duals."""

    def root(self, x: BallArray) -> BallArray:
        """Square roots of quantities known to be nonnegative."""
        return np.frompyfunc(_root, 1, 1)(x)

    def angle(self, sine: BallArray, cosine: BallArray) -> BallArray:
        """The angle in [0, pi] of a nonnegative multiple of (cosine, sine), sine nonnegative."""
        return np.frompyfunc(_angle, 2, 1)(sine, cosine)


DUALS = _Duals()
"""The namespace of duals."""


def gradient(function: Callable[[Any, Any], Any], w: BallArray) -> BallArray:
    """Return balls (or duals) that contain the gradients of the scalar `function(xp, w)`."""
    result = function(DUALS, _seeds(w))
    result = result.item() if isinstance(result, np.ndarray) else result
    return _row(result, w.size).reshape(w.shape)


def values(function: Callable[[Any, Any], Any], w: BallArray) -> BallArray:
    """Return balls that contain the values of `function(xp, w)`, flattened.

    Powers of balls around 0 are defined here, which they are not in `BALLS`.
    """
    seeds = np.empty(w.shape, dtype=object)
    for place, entry in np.ndenumerate(w):
        seeds[place] = Dual(entry, ())
    found = np.asarray(function(DUALS, seeds), dtype=object).ravel()
    plain = np.empty(found.shape, dtype=object)
    plain[:] = [entry.value if isinstance(entry, Dual) else arb(entry) for entry in found]
    return plain


def jacobian(function: Callable[[Any, Any], Any], w: BallArray) -> BallArray:
    """Return balls that contain the Jacobians of `function(xp, w)`, flattened: (m, size)."""
    return np.stack([_row(entry, w.size) for entry in function(DUALS, _seeds(w)).ravel()])


def _seeds(w: BallArray) -> BallArray:
    """The entries of `w` as the variables by which to differentiate."""
    zero, one = arb(0), arb(1)
    seeds = np.empty(w.size, dtype=object)
    for place, entry in enumerate(w.ravel()):
        seeds[place] = Dual(entry, (zero,) * place + (one,) + (zero,) * (w.size - place - 1))
    return seeds.reshape(w.shape)


def _row(number: Number, size: int) -> BallArray:
    row = np.empty(size, dtype=object)
    row[:] = number.partials if isinstance(number, Dual) else (arb(0),) * size
    return row
