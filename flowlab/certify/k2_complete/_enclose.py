r"""What is proved of the two equations on one box, each by a mean value form.

* `F` or `G`: that equation has one sign on the box.
* `zero`: the box touches the special point z* of its piece, where both equations hold exactly. As
  :math:`(F,G)(z) = A(z)\,(z-z^*)` with entries of A that are means of partial derivatives over the
  box, a determinant that is not 0 leaves no other zero.
* `corner`: the box touches :math:`p=q=0`, where the students collapse. F vanishes to third order
  there: of the teacher inside every term does, as :math:`m(\theta)=O(\theta)`,
  :math:`D=O(\theta^2)`, and of the other one the terms in :math:`\theta^2` are
  :math:`\pi^2m(\beta)-\pi\cdot\pi m(\beta)=0`. Divided by :math:`\theta^3=(p+q)^3`, a form
  :math:`\sum_i a_ip^iq^{n-i}` lies between the least and the largest :math:`a_i/\binom ni`, times
  :math:`\theta^{n-3}`; the Taylor polynomials of Conjecture 1 and Cauchy's estimate do the rest.
"""

import functools
from fractions import Fraction
from math import comb

from flint import arb

from .._duals import Dual
from .._krawczyk import total
from ..conjecture1 import _regions as conjecture1
from ..conjecture1._quantity import remainder, taylor, to_ball
from ..conjecture1._regions import Box
from ._equations import Piece, equations, touches

DEGREE = 20
"""Of the Taylor polynomials at the corner."""

MARGIN = 1.25


def decide(piece: Piece, box: Box) -> tuple[str, arb] | None:
    """Return a method and a ball that keeps off 0, or nothing where the box is undecided.

    The ball encloses F or G, for `corner` F divided by :math:`(p+q)^3`, for `zero` the determinant.
    """
    if touches(box, piece.special()):
        determinant = _determinant(piece, box)
        return ("zero", determinant) if _clear(determinant) else None
    if piece.name == "near" and box.i == box.j == 0:
        quotient = _corner(piece, box)
        return ("corner", quotient) if _clear(quotient) else None
    for name, value in zip("FG", enclose(piece, box), strict=True):
        if value > 0 or value < 0:
            return name, value
    return None


def _clear(value: arb) -> bool:
    """Whether a ball keeps off 0 by so much that a checker that encloses otherwise agrees."""
    return not arb(value.mid(), MARGIN * value.rad()).contains(0)


def enclose(piece: Piece, box: Box) -> tuple[arb, arb]:
    """Balls that contain F and G on the box, for every angle between the teachers."""
    middle = [*map(to_ball, box.centre), arb.pi() * to_ball(piece.turn)]
    values = equations(piece, *piece.radians(*middle), middle[2])
    half = to_ball(Fraction(1, 2 ** (box.level + 1)))
    spread = arb.pi() * to_ball((piece.high - piece.low) / 2)
    u, v, beta = (
        Dual(x, tuple(arb(int(place == axis)) for axis in range(3)))
        for place, x in enumerate(_whole(piece, box))
    )
    duals = equations(piece, *piece.radians(u, v, beta), beta)
    first, second = (
        value
        + arb(0, total(abs(d) * h for d, h in zip(dual.partials, widths, strict=True)).upper())
        for widths in ((half, half, spread),)
        for value, dual in zip(values, duals, strict=True)
    )
    return first, second


def jacobian(piece: Piece, p: arb, q: arb, beta: arb) -> list[tuple[arb, arb]]:
    """The partial derivatives of F and of G by p and q over balls in radians."""
    duals = equations(piece, Dual(p, (arb(1), arb(0))), Dual(q, (arb(0), arb(1))), beta)
    return [dual.partials for dual in duals]


def _whole(piece: Piece, box: Box) -> tuple[arb, arb, arb]:
    """u, v and the angle between the teachers on the box."""
    u, v = (to_ball(low).union(to_ball(high)) for low, high in box.ends)
    return u, v, piece.beta


def _determinant(piece: Piece, box: Box) -> arb:
    u, v, beta = _whole(piece, box)
    (a, b), (c, d) = jacobian(piece, *piece.radians(u, v, beta), beta)
    return a * d - b * c


def _corner(piece: Piece, box: Box) -> arb:
    """A ball of F divided by (p + q)^3 on a box at the corner."""
    inside, beyond = (
        conjecture1.Piece(region, pair, (Fraction(0), Fraction(0)), False, (0, 0))
        for region, pair in zip(conjecture1.REGIONS[:2], ("ab", "bc"), strict=True)
    )
    turn = to_ball(piece.low).union(to_ball(piece.high))
    start, base = (Fraction(0), Fraction(0)), (turn, 1 - turn)
    own, other = taylor(inside, start, DEGREE), taylor(beyond, base, DEGREE)
    (_, u), (_, v) = box.ends
    reach = max((1 - piece.low) * u, piece.high * v) / conjecture1.WIDTH
    # The angles b and c of the teacher outside fall by q and by p.
    forms = [
        [(own[i][n - i] + (-1) ** n * other[n - i][i]) / comb(n, i) for i in range(n + 1)]
        for n in range(DEGREE + 1)
    ]
    if not all(x.contains(0) for form in forms[:3] for x in form):
        raise ArithmeticError("F does not vanish to third order at the corner")
    # A form of degree n is at most its largest coefficient, so divided, times (p + q)^n.
    found = functools.reduce(arb.union, forms[3])
    for n in range(4, DEGREE + 1):
        size = functools.reduce(arb.max, map(abs, forms[n])) * to_ball(2 * reach) ** (n - 3)
        found += arb(0, size.upper())
    tail = remainder(inside, start, reach, DEGREE) + remainder(beyond, base, reach, DEGREE)
    found += arb(0, (tail / to_ball(reach) ** 3).upper())
    return found / (arb.pi() * to_ball(conjecture1.WIDTH)) ** 3  # p and q were in quarters of pi
