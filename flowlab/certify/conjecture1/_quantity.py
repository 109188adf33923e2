r"""The quantity of Conjecture 1 on balls: at a point, and as a Taylor polynomial with remainder.

With :math:`m(z)=(\pi-z)\sin z` and :math:`c(z)=\pi-(\pi-z)\cos z-\sin z`, so that :math:`c'=m`,

.. math::
    F = \pm m(t)\,D - m(\theta)\bigl[\pi(c(\theta)+c(t)-c(\delta)) - c(\theta)c(t)\bigr],
    \qquad D = c(\theta)(2\pi-c(\theta)),

has the sign of :math:`L_{12} = \sin\theta\,F/D`: on :math:`(0,\pi)` c increases from 0 to pi, so D
is positive. F is entire in the coordinates of each region.

The remainder of a Taylor polynomial of total degree N is bounded by Cauchy's estimate: if
:math:`|F|\le M` on the polydisc of radius :math:`\rho`, a coefficient of total degree n is at most
:math:`M\rho^{-n}`, and there are n+1 of them.
"""

from fractions import Fraction
from math import comb
from typing import Any

from flint import arb, arb_mat, arb_poly, fmpq

from ._regions import WIDTH, Piece, Region


def to_ball(number: Fraction | int | arb) -> arb:
    """A rational number as a ball; a ball as it is."""
    if isinstance(number, arb):
        return number
    return arb(fmpq(number.numerator, number.denominator))


def m(z: Any) -> Any:
    """The function m of a ball, of a dual or of a power series."""
    return (arb.pi() - z) * z.sin()


def c(z: Any) -> Any:
    """The function c, likewise."""
    return arb.pi() - (arb.pi() - z) * z.cos() - z.sin()


def denominator(theta: Any) -> Any:
    """D at the angle between the students."""
    return c(theta) * (2 * arb.pi() - c(theta))


def quantity(theta: Any, t: Any, delta: Any, factor: int) -> Any:
    """F, the angles being balls, duals or power series, and `factor` the sign of the first term."""
    c_theta, c_t = c(theta), c(t)
    bracket = arb.pi() * (c_theta + c_t - c(delta)) - c_theta * c_t
    return factor * m(t) * denominator(theta) - m(theta) * bracket


def value(region: Region, theta: Fraction, t: Fraction, delta: Fraction) -> arb:
    """L12 at a point whose angles are given in units of pi, as a ball."""
    first, *others = (arb.pi() * to_ball(angle) for angle in (theta, t, delta))
    ratio = quantity(first, others[0], others[1], region.factor) / denominator(first)
    return first.sin() * ratio


def _univariate(start: Any, unit: arb, degree: int) -> tuple[arb_poly, arb_poly]:
    """Taylor polynomials of m and c at `start` (in units of pi), in multiples of `unit`."""
    rest = arb.pi() * to_ball(1 - start)
    sine, cosine = to_ball(start).sin_pi(), to_ball(start).cos_pi()
    cycle = [sine, cosine, -sine, -cosine]
    scale, sines, cosines = arb(1), [], []
    for n in range(degree + 1):
        sines.append(cycle[n % 4] * scale)
        cosines.append(cycle[(n + 1) % 4] * scale)
        scale = scale * unit / (n + 1)
    line, s, k = arb_poly([rest, -unit]), arb_poly(sines), arb_poly(cosines)
    return _cut(line * s, degree), _cut(arb_poly([arb.pi()]) - line * k - s, degree)


def _cut(series: arb_poly, degree: int) -> arb_poly:
    return arb_poly(series.coeffs()[: degree + 1])


class _Plane:
    """Polynomials in two variables as polynomials in one: x^i y^j is z^(i + stride j)."""

    def __init__(self, degree: int):
        self.degree = degree
        self.stride = 2 * degree + 1  # products do not overlap

    def lift(self, series: arb_poly, alpha: int, beta: int) -> arb_poly:
        """The series at alpha x + beta y, to the total degree."""
        flat = [arb(0)] * (self.stride * (self.degree + 1))
        for n, coefficient in enumerate(series.coeffs()):
            for j in range(n + 1):
                factor = comb(n, j) * alpha ** (n - j) * beta**j
                flat[n - j + self.stride * j] = coefficient * factor
        return arb_poly(flat)

    def cut(self, product: arb_poly) -> arb_poly:
        """Drop everything above the total degree."""
        flat = product.coeffs()
        kept = [arb(0)] * (self.stride * (self.degree + 1))
        for j in range(self.degree + 1):
            start, length = self.stride * j, self.degree + 1 - j
            piece = flat[start : start + length]
            kept[start : start + len(piece)] = piece
        return arb_poly(kept)

    def table(self, flat: arb_poly) -> list[list[arb]]:
        """The coefficients of x^i y^j as rows i."""
        return [
            [flat[i + self.stride * j] for j in range(self.degree + 1 - i)]
            for i in range(self.degree + 1)
        ]


def taylor(piece: Piece, base: tuple[Any, Any], degree: int) -> list[list[arb]]:
    """Coefficients of F, at a point (p, q) in units of pi, in quarters of pi.

    Args:
        piece: the piece; its blow-up is left aside.
        base: the point, fractions or balls.
        degree: total degree.

    Returns:
        Row i, entry j: the coefficient of the i-th power of the first coordinate and the j-th of
        the second one.
    """
    plane, pi, region = _Plane(degree), arb_poly([arb.pi()]), piece.region
    unit = arb.pi() * to_ball(WIDTH)

    def lifted(angle: str) -> tuple[arb_poly, arb_poly, tuple[arb_poly, int, int]]:
        constant, alpha, beta = piece.affine(angle)
        m, c = _univariate(constant + alpha * base[0] + beta * base[1], unit, degree)
        return plane.lift(m, alpha, beta), plane.lift(c, alpha, beta), (c, alpha, beta)

    m_theta, c_theta, (c, alpha, beta) = lifted(region.theta)
    product = plane.lift(_cut(c * (2 * pi - c), degree), alpha, beta)
    m_t, c_t, _ = lifted(region.t)
    _, c_delta, _ = lifted(region.delta)
    bracket = pi * (c_theta + c_t - c_delta) - plane.cut(c_theta * c_t)
    return plane.table(plane.cut(region.factor * m_t * product - m_theta * bracket))


def remainder(piece: Piece, base: tuple[Any, Any], reach: Fraction, degree: int) -> arb:
    """An upper bound of the sum of all terms above the degree, in absolute value.

    Args:
        piece: the piece.
        base: the point of expansion, in units of pi.
        reach: how far the variables of `taylor` go at most, in quarters of pi.
        degree: total degree.
    """
    return min((_tail(piece, base, reach, degree, radius) for radius in range(2, 9)), key=float)


def _tail(piece: Piece, base: tuple, reach: Fraction, degree: int, radius: int) -> arb:
    ratio = arb.pi() * to_ball(WIDTH * reach) / radius
    terms = ratio ** (degree + 1) * (degree + 2 - (degree + 1) * ratio) / (1 - ratio) ** 2
    return (_largest(piece, base, radius) * terms).upper()


def _largest(piece: Piece, base: tuple, radius: int) -> arb:
    """A bound of F on the polydisc, from |sin z|, |cos z| <= cosh(Im z)."""

    def sizes(angle: str) -> tuple[arb, arb]:
        constant, alpha, beta = piece.affine(angle)
        far = (abs(alpha) + abs(beta)) * radius
        rest = arb.pi() * to_ball(abs(1 - constant - alpha * base[0] - beta * base[1])) + far
        cosh = arb(far).cosh()
        return rest * cosh, arb.pi() + (rest + 1) * cosh

    (m_theta, c_theta), (m_t, c_t) = sizes(piece.region.theta), sizes(piece.region.t)
    bracket = arb.pi() * (c_theta + c_t + sizes(piece.region.delta)[1]) + c_theta * c_t
    return m_t * c_theta * (2 * arb.pi() + c_theta) + m_theta * bracket


def shift(start: Fraction, half: Fraction, size: int) -> arb_mat:
    """The matrix that takes coefficients of powers of w to those of s, where w = start + half s."""
    start_ball, half_ball = to_ball(start), to_ball(half)
    return arb_mat(
        size,
        size,
        [
            comb(n, k) * start_ball ** (n - k) * half_ball**k if k <= n else arb(0)
            for k in range(size)
            for n in range(size)
        ],
    )
