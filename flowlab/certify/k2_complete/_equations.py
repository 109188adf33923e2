r"""Two students that are not collinear, one teacher inside their cone, one outside.

Teachers A and B have the same length and stand at an angle :math:`\beta`; A lies at
:math:`p\in(0,\theta)` from the first student towards the second one, which stands at
:math:`\theta = p + q`. A reflection that exchanges the students exchanges p and q, so B may be
taken to lie at :math:`p+\beta`, and outside of the cone means :math:`q < \beta`. At a critical
point

.. math:: F = L_{12}(A) + L_{12}(B) = 0, \qquad G = L_{21}(A) + L_{21}(B) = 0,

here multiplied by :math:`D/\sin\theta > 0`. With :math:`m` and :math:`c` as in Conjecture 1 the
sums are analytic up to the boundary on each of two pieces, the unit square and half of it:

====== ============================================ ========================== =================
piece  coordinates                                  B from the first student   places
====== ============================================ ========================== =================
near   :math:`p=(\pi-\beta)u,\ q=\beta v`           :math:`t=p+\beta\le\pi`    all
far    :math:`p=\pi-\beta+\beta u,\ q=\beta v`      :math:`t=2\pi-p-\beta`,    :math:`u+v<1`
                                                    on the other side
====== ============================================ ========================== =================
"""

import dataclasses
from fractions import Fraction
from typing import Any

from flint import arb

from ..conjecture1._quantity import quantity, to_ball
from ..conjecture1._regions import Box

RIGHT = Fraction(1, 2)
"""The angle between orthonormal teachers, in units of pi."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of the places of a teacher inside and one outside the cone.

    Attributes:
        name: `"near"` or `"far"`.
        low: the least angle between the teachers, in units of pi.
        high: the largest one; the same for a single angle.
    """

    name: str
    low: Fraction
    high: Fraction

    @property
    def turn(self) -> Fraction:
        """The middle of the angles between the teachers, in units of pi."""
        return (self.low + self.high) / 2

    @property
    def beta(self) -> arb:
        """A ball of all angles between the teachers, in radians."""
        return arb.pi() * to_ball(self.low).union(to_ball(self.high))

    def at(self, turn: Fraction) -> "Piece":
        """The same piece for one angle between the teachers."""
        return Piece(self.name, turn, turn)

    def radians(self, u: Any, v: Any, beta: Any) -> tuple[Any, Any]:
        """(p, q) in radians, at balls or duals."""
        rest = arb.pi() - beta
        return (rest * u if self.name == "near" else rest + beta * u), beta * v

    def holds(self, box: Box) -> bool:
        """Whether the box has a point with an angle below pi between the students."""
        return self.name == "near" or box.i + box.j < 2**box.level

    def special(self) -> tuple[Fraction, Fraction]:
        """(u, v) of the point at which both equations hold, always.

        It is the teacher itself on the near piece, and on the far one opposite students along the
        bisector of the teachers, whose terms cancel by symmetry; both lie on the boundary.
        """
        return (
            (Fraction(0), Fraction(1)) if self.name == "near" else (Fraction(1, 2), Fraction(1, 2))
        )


def pieces(low: Fraction, high: Fraction | None = None) -> tuple[Piece, Piece]:
    """Both pieces, for one angle between the teachers or a range of them."""
    high = low if high is None else high
    return Piece("near", low, high), Piece("far", low, high)


def equations(piece: Piece, p: Any, q: Any, beta: Any) -> tuple[Any, Any]:
    """F and G at (p, q) and an angle between the teachers, in radians: balls or duals."""
    theta, rest = p + q, beta - q
    near = piece.name == "near"
    t, side = (p + beta, 1) if near else (2 * arb.pi() - beta - p, -1)
    first = quantity(theta, p, q, 1) + quantity(theta, t, rest, side)
    second = quantity(theta, q, p, 1) + quantity(theta, rest, t, -1)
    return first, second


def touches(box: Box, point: tuple[Fraction, Fraction]) -> bool:
    """Whether a point of the unit square is in the closed box."""
    return all(low <= x <= high for x, (low, high) in zip(point, box.ends, strict=True))
