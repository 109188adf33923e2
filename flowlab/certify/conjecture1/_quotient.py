"""The quotient of the quantity by its vanishing factors on one piece, enclosed on boxes.

On the unit square of a piece the quantity is `u^e v^f Q(u, v)`. The coefficients of Q are those of
the Taylor polynomial with their indices lowered by (e, f); a blow-up `q = p v` only makes `p^i q^j`
into `u^(i+j) v^j`. No digit is lost, however close to a zero line a box may lie.
"""

import functools
from fractions import Fraction

from flint import arb, arb_mat

from ._quantity import remainder, shift, taylor
from ._regions import WIDTH, Box, Piece

DEGREE = 26
"""Total degree of the Taylor polynomials."""

HALF = Fraction(1, 2)


class Quotient:
    """A polynomial in (u - u0, v - v0) with a bound of what it leaves out.

    Args:
        piece: where.
        degree: total degree of the Taylor polynomial of the quantity.
    """

    def __init__(self, piece: Piece, degree: int = DEGREE):
        e, f = piece.orders
        # What is divided by a power of u or v is expanded where that is 0.
        free = not piece.blown
        self.start = (
            HALF if free and e == 0 else Fraction(0),
            HALF if free and f == 0 else Fraction(0),
        )
        base = (piece.low[0] + WIDTH * self.start[0], piece.low[1] + WIDTH * self.start[1])
        rows = taylor(piece, base, degree)
        size = degree + 1
        table = arb_mat(size, size)
        for i, row in enumerate(rows):
            for j, coefficient in enumerate(row):
                power = i + j - e if piece.blown else i - e
                if power >= 0 and j >= f:
                    table[power, j - f] = coefficient
                elif not coefficient.contains(0):
                    raise ArithmeticError(f"the order of vanishing on {piece.name} is not {e, f}")
        self.table = table
        reach = max(1 - start for start in self.start)
        self.remainder = remainder(piece, base, reach, degree)
        self._shift = functools.lru_cache(maxsize=None)(functools.partial(shift, size=size))

    def enclose(self, box: Box) -> tuple[arb, arb]:
        """Return balls that contain Q at the middle of a box and on the whole of it."""
        half = Fraction(1, 2 ** (box.level + 1))
        u, v = (
            self._shift(centre - start, half)
            for centre, start in zip(box.centre, self.start, strict=True)
        )
        terms = (u * self.table * v.transpose()).entries()
        middle = terms[0] + arb(0, self.remainder)
        spread = sum((abs(term) for term in terms[1:]), arb(0))
        return middle, middle + arb(0, spread.upper())
