r"""The orders to which the quantity of Conjecture 1 vanishes on edges and at vertices, exactly.

At a vertex of a triangle every angle is 0 or pi, so the Taylor coefficients of F in the two small
coordinates x, y are polynomials in pi with rational coefficients: they are computed as such, and
a coefficient that is the zero polynomial is 0.

On the edge x = 0 finitely many of them suffice. F is a sum of products of at most three factors
m or c, each of an angle that has the slope 0, 1 or -1 in y. A derivative of F by x, at x = 0, is
therefore a combination of the 4 times 7 functions :math:`y^a e^{iby}`, a = 0..3, b = -3..3, which
solve a linear differential equation of order 28 with constant coefficients. If its first 28 Taylor
coefficients at a point are 0, it is 0.
"""

from collections.abc import Callable
from math import comb, factorial

from flint import fmpq, fmpq_poly

ALONG = 28
"""Coefficients that decide whether a function on an edge is 0."""

ACROSS = 4
"""No order is above this."""

Table = list[list[fmpq_poly]]
"""Entry [i][j] is the coefficient of x^i y^j, a polynomial in pi."""

PI = fmpq_poly([0, 1])
ZERO = fmpq_poly([])


def orders(
    affine: Callable[[str], tuple[int, int, int]], names: tuple[str, str, str], side: int
) -> tuple[int, int]:
    """The orders, up to 4, to which F vanishes on the edge x = 0 and at the vertex x = y = 0.

    Args:
        affine: gives (k, alpha, beta) such that the angle of a name is k pi + alpha x + beta y.
        names: of theta, t and delta.
        side: the sign of the term m(t) D.

    Returns:
        The order on the edge and the smallest total degree of a term.
    """
    table = quantity(affine, names, side)
    present = [(i, i + j) for i, row in enumerate(table) for j, x in enumerate(row) if x != ZERO]
    across, total = zip(*present, strict=True) if present else ((ACROSS,), (ACROSS,))
    return min(across), min(min(total), ACROSS)


def quantity(affine: Callable, names: tuple[str, str, str], side: int) -> Table:
    """Coefficients of F, those of x^0 to x^3 and y^0 to y^27; arguments as of `orders`."""
    (m_theta, c_theta), (m_t, c_t), (_, c_delta) = (
        [_lift(series, alpha, beta) for series in _series(k)]
        for k, alpha, beta in map(affine, names)
    )
    square = _combine((2 * PI, c_theta), (-1, _times(c_theta, c_theta)))
    bracket = _combine((PI, c_theta), (PI, c_t), (-PI, c_delta), (-1, _times(c_theta, c_t)))
    return _combine((side, _times(m_t, square)), (-1, _times(m_theta, bracket)))


def _series(k: int) -> tuple[list[fmpq_poly], list[fmpq_poly]]:
    """Taylor coefficients of m and c at k pi, k = 0 or 1."""
    cycle = (0, 1, 0, -1)
    sine = [fmpq(cycle[n % 4], factorial(n)) for n in range(ACROSS + ALONG)]
    cosine = [fmpq(cycle[(n + 1) % 4], factorial(n)) for n in range(ACROSS + ALONG)]
    shifted = [[fmpq(0), *series[:-1]] for series in (sine, cosine)]
    rest, sign = (PI, 1) if k == 0 else (ZERO, -1)  # pi - z = rest - s, and sin z = sign sin s
    m = [sign * (rest * s - fmpq_poly([zs])) for s, zs in zip(sine, shifted[0], strict=True)]
    c = [
        -sign * (rest * c - fmpq_poly([zc]) + fmpq_poly([s]))
        for c, zc, s in zip(cosine, shifted[1], sine, strict=True)
    ]
    return m, [c[0] + PI, *c[1:]]


def _lift(series: list[fmpq_poly], alpha: int, beta: int) -> Table:
    return [
        [series[i + j] * (comb(i + j, i) * alpha**i * beta**j) for j in range(ALONG)]
        for i in range(ACROSS)
    ]


def _times(left: Table, right: Table) -> Table:
    product = [[ZERO] * ALONG for _ in range(ACROSS)]
    for i in range(ACROSS):
        for j in range(ALONG):
            if left[i][j] == ZERO:
                continue
            for k in range(ACROSS - i):
                for n in range(ALONG - j):
                    product[i + k][j + n] += left[i][j] * right[k][n]
    return product


def _combine(*terms: tuple[fmpq_poly | int, Table]) -> Table:
    return [
        [sum((factor * table[i][j] for factor, table in terms), ZERO) for j in range(ALONG)]
        for i in range(ACROSS)
    ]
