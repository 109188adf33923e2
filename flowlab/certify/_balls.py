r"""Balls of real numbers as an array namespace for the closed forms of the fields.

A ball is a midpoint and a radius (`flint.arb`); an operation on balls returns a ball that contains
every result of the operation on their elements, rounding included. Arrays are numpy object arrays,
whose operators act entry by entry, so the closed forms run on them as they stand.

Two operations use what is known of the true values. `root` takes the root of a quantity that is
nonnegative, whatever its ball says. `unit` divides the part of a vector by its length, the sine:
the quotient is a unit vector, so each of its entries lies in [-1, 1], also when the ball of the
sine contains 0. Where the sine itself is 0 the quotient does not exist, but the closed forms
multiply it by that sine: any finite ball is then an enclosure.
"""

import contextlib
import functools
from collections.abc import Iterable
from typing import Any

import flint
import numpy as np
from flint import arb, arb_mat, ctx

from ._refusal import Inconclusive

BallArray = Any
"""A numpy object array of `arb`."""


def working_precision(bits: int) -> contextlib.AbstractContextManager[Any]:
    """Return a context in which balls are computed with `bits` bits."""
    return ctx.workprec(bits)


def balls(values: Any, radius: Any = 0) -> BallArray:
    """Return floats, taken as exact, as balls of a common radius."""
    values = np.asarray(values, dtype=float)
    result = np.empty(values.shape, dtype=object)
    for place, value in np.ndenumerate(values):
        result[place] = arb(float(value), radius)
    return result


def matrix(values: BallArray) -> arb_mat:
    """Return a two-dimensional array of balls as a matrix, whose products are fast."""
    rows, columns = values.shape
    return arb_mat(rows, columns, list(values.ravel()))


def middles(values: BallArray) -> BallArray:
    """Return the midpoints, as balls of radius 0."""
    return _each(arb.mid, values)


def radii(values: BallArray) -> BallArray:
    """Return the radii, as balls of radius 0."""
    return _each(arb.rad, values)


def as_floats(square: BallArray) -> np.ndarray:
    """Return the midpoints of balls, rounded."""
    return np.array([float(entry) for entry in middles(square).ravel()]).reshape(square.shape)


def interval(lower: arb, upper: arb) -> arb:
    """Return a ball that contains everything between the ends of two balls."""
    return lower.union(upper)


def largest(values: Iterable[arb]) -> arb:
    """Return a ball that contains the largest of the values."""
    return functools.reduce(arb.max, values)


def total(values: Iterable[arb]) -> arb:
    """Return a ball that contains the sum of the values."""
    return sum(values, arb(0))


def flint_versions() -> dict[str, str]:
    """Return the versions of the ball arithmetic."""
    return {"python-flint": flint.__version__, "flint": flint.__FLINT_VERSION__}


def _each(function, *arrays: BallArray) -> BallArray:
    return np.frompyfunc(function, len(arrays), 1)(*arrays)


def clipped_root(x: arb) -> arb:
    """Return the square root of a quantity known to be nonnegative."""
    if x > 0:
        return x.sqrt()
    # A ball below zero would mean that the closed form is wrong: it must not pass for a zero.
    return arb(0).union(x.upper().sqrt()) if x.upper() >= 0 else arb.nan()


def right_angle(sine: arb, cosine: arb) -> arb:
    """Return the angle in [0, pi] of a multiple of (cosine, sine), the sine nonnegative."""
    # The complement keeps away from the branch cut, which opposite vectors touch: there the ball
    # of the sine reaches below 0 and the cosine is negative.
    quarter = arb.pi() / 2
    theta = quarter - arb.atan2(cosine, sine)
    return theta.intersection(quarter.union(0).union(2 * quarter)) if theta.is_finite() else theta


def _unit_entry(part: arb, sine: arb) -> arb:
    bound = arb(0, 1)
    return bound if sine.contains(0) else (part / sine).intersection(bound)


def _square(x: Any) -> Any:
    # A product of a ball with itself does not know that it is nonnegative.
    if isinstance(x, arb) and not (x > 0 or x < 0):
        return arb(0).union((x * x).upper())
    return x * x


def _larger(x: Any, y: Any) -> Any:
    return x.max(y) if isinstance(y, arb) else y.max(x)


class NumberSpace:
    """The operations of `fields._namespace` on object arrays of numbers with `arb`'s methods."""

    @property
    def pi(self) -> arb:
        """The ball of pi at the precision of the moment."""
        return arb.pi()

    def constant(self, values: Any) -> BallArray:
        """Floats, taken as exact."""
        return balls(values)

    def stack(self, values: Any) -> BallArray:
        """Numbers, or arrays of numbers of one shape, along a new first axis."""
        parts = [_exact(value) for value in values]
        result = np.empty((len(parts), *np.shape(parts[0])), dtype=object)
        for place, part in enumerate(parts):
            result[place] = part
        return result

    def gradient(self, function: Any, w: BallArray) -> BallArray:
        """The gradient of the scalar `function(xp, w)` by `w`."""
        from ._duals import gradient

        return gradient(function, w)

    def abs(self, x: BallArray) -> BallArray:
        """Absolute values."""
        return _each(abs, x)

    def arctan(self, x: BallArray) -> BallArray:
        """Arctangents."""
        return _each(lambda number: number.atan(), x)

    def cos(self, x: BallArray) -> BallArray:
        """Cosines."""
        return _each(lambda number: number.cos(), x)

    def exp(self, x: BallArray) -> BallArray:
        """Exponentials."""
        return _each(lambda number: number.exp(), x)

    def log(self, x: BallArray) -> BallArray:
        """Natural logarithms."""
        return _each(lambda number: number.log(), x)

    def maximum(self, x: BallArray, y: BallArray) -> BallArray:
        """The larger of each pair."""
        return _each(_larger, _exact(x), _exact(y))

    def minimum(self, x: BallArray, y: BallArray) -> BallArray:
        """The smaller of each pair."""
        return -self.maximum(-_exact(x), -_exact(y))

    def sin(self, x: BallArray) -> BallArray:
        """Sines."""
        return _each(lambda number: number.sin(), x)

    def sqrt(self, x: BallArray) -> BallArray:
        """Square roots; undefined for balls that reach below 0."""
        return _each(lambda number: number.sqrt(), x)

    def square(self, x: BallArray) -> BallArray:
        """Squares."""
        return _each(_square, _exact(x))

    def tanh(self, x: BallArray) -> BallArray:
        """Hyperbolic tangents."""
        return _each(lambda number: number.tanh(), x)

    def where(self, mask: np.ndarray, yes: Any, no: Any) -> BallArray:
        """Refused: a comparison of balls that is not certain would choose a branch."""
        raise TypeError("`where` chooses a branch, which a proof about a box cannot")

    def choose(self, mask: np.ndarray, yes: Any, no: Any) -> BallArray:
        """Entries of `yes` or `no`, which are the same numbers wherever the mask is uncertain."""
        return np.where(mask, _exact(yes), _exact(no))

    def eye(self, size: int) -> BallArray:
        """The identity."""
        return balls(np.eye(size))

    def products(self, W: BallArray, U: BallArray) -> BallArray:
        """Inner products of rows."""
        return W @ U.T

    def mixtures(self, weights: BallArray, U: BallArray) -> BallArray:
        """Weighted sums of rows."""
        return weights @ U

    def own(self, size: int) -> np.ndarray:
        """The mask of the pairs of a row with itself."""
        return np.eye(size) > 0

    def once(self, function: Any, *args: Any) -> Any:
        """The function of the arguments: nothing is fused here."""
        return function(*args)


class _Balls(NumberSpace):
    """The operations on arrays of balls."""

    def root(self, x: BallArray) -> BallArray:
        """Square roots of quantities known to be nonnegative."""
        return _each(clipped_root, x)

    def unit(self, part: BallArray, sine: BallArray) -> BallArray:
        """Unit vectors `part / sine`; every entry in [-1, 1]."""
        return _each(_unit_entry, part, sine[..., None])

    def angle(self, sine: BallArray, cosine: BallArray) -> BallArray:
        """The angle in [0, pi] of a nonnegative multiple of (cosine, sine), sine nonnegative."""
        return _each(right_angle, sine, cosine)

    def solve(self, A: BallArray, B: BallArray) -> BallArray:
        """Solutions X of A X = B for every A in the balls, all of them proved to be regular."""
        try:
            solution = matrix(A).solve(matrix(B))
        except ZeroDivisionError as error:
            raise Inconclusive("a matrix in the balls may be singular") from error
        result = np.empty(B.shape, dtype=object)
        result.ravel()[:] = solution.entries()
        return result


def _exact(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value
    return value if hasattr(value, "is_finite") or hasattr(value, "partials") else balls(value)


BALLS = _Balls()
"""The namespace of balls."""
