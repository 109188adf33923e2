r"""The four triangles into which Conjecture 1 falls, and how they are covered by pieces.

The unit teacher :math:`e^*` stands at the signed angle :math:`\varphi\in(-\pi,\pi]` from
:math:`e_1`, and :math:`e_2` at :math:`\theta\in(0,\pi)`. With :math:`t=|\varphi|` and
:math:`\delta` the angle between :math:`e^*` and :math:`e_2`, three nonnegative numbers
:math:`a+b+c=\pi` describe each of the four places where :math:`e^*` can be:

========== ============================= ============ ====== ========== ======
place                                    :math:`a`    b      c          angles
========== ============================= ============ ====== ========== ======
inside     :math:`0<\varphi<\theta`      φ            θ-φ    π-θ        θ=a+b, t=a, δ=b
beyond     :math:`\theta<\varphi\le\pi`  θ            φ-θ    π-φ        θ=a, t=a+b, δ=b
behind     :math:`-\pi<\varphi<0`, θ-φ≤π θ            -φ     π-θ+φ      θ=a, t=b, δ=a+b
opposite   :math:`-\pi<\varphi<0`, θ-φ≥π π-θ          π+φ    θ-φ-π      θ=b+c, t=a+c, δ=a+b
========== ============================= ============ ====== ========== ======

so that in all of them each angle is a sum of some of the three. On a triangle the quantity is
analytic up to the boundary, and vanishes only on edges and at vertices, to orders known exactly.

A triangle is covered by the squares `[0, 1/4]²` at its vertices, the rectangles
`[1/4, 1/2] x [0, 1/4]` beside them, in units of pi and in the two small coordinates, and the square
`[1/4, 1/2]²` of (a, b). Indeed, let a point be in none of the former. If a > 1/2, the other two
have a sum below 1/2, so one of them is at most 1/4 and both are at most 1/2: they are in a square
or a rectangle of that vertex; likewise for b and c. So all three are at most 1/2, no pair has a
member of at most 1/4, and (a, b) is in the middle square.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

NAMES = "abc"
WIDTH = Fraction(1, 4)
"""The side of a piece, in units of pi."""


@dataclasses.dataclass(frozen=True)
class Region:
    """A triangle of places of the teacher.

    Attributes:
        name: of the place.
        theta: which of a, b, c sum to the angle between the students.
        t: likewise for the angle between the teacher and the first student.
        delta: likewise for the angle between the teacher and the second student.
        side: the sign of the angle from the first student to the teacher.
        factor: what that sign counts for in the quantity.
        sign: the sign that the conjecture claims.
        edges: the order to which the quantity vanishes where a, b, c is 0.
        vertices: the total order at a vertex, named by the coordinates that are 0 there, where
            it vanishes to more than the product of its orders on the edges.
    """

    name: str
    theta: str
    t: str
    delta: str
    side: int
    factor: int
    sign: int
    edges: tuple[int, int, int]
    vertices: dict[str, int]


REGIONS = (
    Region("inside", "ab", "a", "b", 1, 1, 1, (1, 1, 0), {"ab": 4, "bc": 2}),
    Region("beyond", "a", "ab", "b", 1, 1, -1, (3, 1, 0), {"ac": 4, "bc": 2}),
    Region("behind", "a", "b", "ab", -1, -1, -1, (3, 1, 0), {"ac": 4}),
    Region("opposite", "bc", "ac", "ab", -1, -1, -1, (0, 0, 0), {"ab": 2, "ac": 1, "bc": 4}),
)
"""The four places, for the signed angle."""

PRINTED = tuple(
    region
    if region.side > 0
    else dataclasses.replace(region, factor=1, edges=(0, 0, 0), vertices={})
    for region in REGIONS
)
"""The same for equation (45) of the supplement as printed, whose angle has no sign. Nothing is
known of its orders where that matters, so nothing is divided out."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a triangle, as the unit square of (u, v).

    In units of pi, `p` and `q` are two of the coordinates a, b, c: `p = p0 + u/4`, and
    `q = q0 + v/4`, or `q = p v` where a vertex is blown up.

    Attributes:
        region: the triangle.
        pair: the names of p and q.
        low: (p0, q0).
        blown: whether it is a blown-up vertex.
        orders: (e, f) such that the quantity is `u^e v^f` times an analytic function.
    """

    region: Region
    pair: str
    low: tuple[Fraction, Fraction]
    blown: bool
    orders: tuple[int, int]

    @property
    def name(self) -> str:
        """Region, pair and place, as in the log."""
        low = "blown" if self.blown else ",".join(map(str, self.low))
        return f"{self.region.name} {self.pair} {low}"

    def affine(self, angle: str) -> tuple[int, int, int]:
        """(k, alpha, beta) such that an angle, a sum of coordinates, is k pi + alpha p + beta q."""
        inside = [name in angle for name in self.pair]
        third = any(name not in self.pair for name in angle)
        return int(third), int(inside[0]) - third, int(inside[1]) - third

    def angle(self, angle: str, u: Fraction, v: Fraction) -> Fraction:
        """An angle at a point of the unit square, in units of pi."""
        p = self.low[0] + WIDTH * u
        q = p * v if self.blown else self.low[1] + WIDTH * v
        constant, alpha, beta = self.affine(angle)
        return constant + alpha * p + beta * q


@dataclasses.dataclass(frozen=True)
class Box:
    """A dyadic square of a piece: `[i, i+1] x [j, j+1]` times `2^-level`."""

    level: int
    i: int
    j: int

    @property
    def ends(self) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
        """The interval of u and that of v."""
        side = Fraction(1, 2**self.level)
        return (self.i * side, (self.i + 1) * side), (self.j * side, (self.j + 1) * side)

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """(u, v) of the middle."""
        side = Fraction(1, 2 ** (self.level + 1))
        return (2 * self.i + 1) * side, (2 * self.j + 1) * side

    def quarters(self) -> list["Box"]:
        """The four squares of half the side."""
        return [
            Box(self.level + 1, 2 * self.i + right, 2 * self.j + upper)
            for right in (0, 1)
            for upper in (0, 1)
        ]


def span(piece: Piece, box: Box, angle: str) -> tuple[Fraction, Fraction]:
    """The smallest and the largest value of an angle on a box, in units of pi."""
    (left, right), (below, above) = box.ends
    # Bilinear in (u, v): the extremes are at corners.
    values = [piece.angle(angle, u, v) for u in (left, right) for v in (below, above)]
    return min(values), max(values)


def cover(region: Region) -> Iterator[Piece]:
    """The pieces that cover the triangle of a region."""
    zero, orders = Fraction(0), dict(zip(NAMES, region.edges, strict=True))
    for pair in ("ab", "ac", "bc"):
        for p, q in (pair, pair[::-1]):
            beside = (0, orders[q])
            yield Piece(region, p + q, (WIDTH, zero), False, beside)
            if pair in region.vertices:
                blown = (region.vertices[pair], orders[q])
                yield Piece(region, p + q, (zero, zero), True, blown)
        if pair not in region.vertices:
            yield Piece(region, pair, (zero, zero), False, (orders[pair[0]], orders[pair[1]]))
    yield Piece(region, "ab", (WIDTH, WIDTH), False, (0, 0))
