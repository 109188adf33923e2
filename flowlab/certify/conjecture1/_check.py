r"""A checker of the log of a proof of Conjecture 1, which shares no code with the search.

It needs python-flint alone. What it takes from the log are the boxes; the quantity, its orders of
vanishing (`_orders`, in exact arithmetic), the covering and every bound are its own. It reads the
claim off

.. math::
    F = \pm m(t)\,c(\theta)(2\pi-c(\theta))
        - m(\theta)\bigl[\pi(c(\theta)+c(t)-c(\delta)) - c(\theta)c(t)\bigr],
    \qquad m(z)=(\pi-z)\sin z, \quad c'=m, \quad c(0)=0,

which has the sign of :math:`L_{12}`, and proves each box by Bernstein's coefficients: those of a
polynomial on a box enclose its values there. The search uses centred forms, which are wider.
"""

import dataclasses
import json
import os
from collections.abc import Callable
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

from flint import arb, arb_mat, arb_poly, ctx, fmpq

from ._orders import orders

DEGREE = 24
BITS = 192
DISC = 4
"""Radius of the polydisc of Cauchy's estimate."""

# Three numbers a + b + c = pi for each place of the teacher: the sums that are theta, t and delta;
# the sign of the angle; the sign claimed; the orders of vanishing at a = 0, b = 0, c = 0, and at
# the vertices where the total order is more than the sum of those.
PLACES = {
    "inside": ("ab", "a", "b", 1, 1, {"a": 1, "b": 1, "c": 0}, {"ab": 4, "bc": 2}),
    "beyond": ("a", "ab", "b", 1, -1, {"a": 3, "b": 1, "c": 0}, {"ac": 4, "bc": 2}),
    "behind": ("a", "b", "ab", -1, -1, {"a": 3, "b": 1, "c": 0}, {"ac": 4}),
    "opposite": ("bc", "ac", "ab", -1, -1, dict.fromkeys("abc", 0), {"ab": 2, "ac": 1, "bc": 4}),
}


@dataclasses.dataclass(frozen=True)
class CheckedLog:
    """What a log was found to prove.

    Attributes:
        verdict: `"proved"`, `"counterexample"` or `"undecided"`.
        signed: whether the quantity is the right one, with the sign of the angle.
        theta: the interval of the angle between the students; `None` for all of (0, pi).
        boxes: how many boxes were verified.
        undecided: how many boxes the log leaves open.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_conjecture1(theta=(3.1, 3.14), log=log)
        ...     fl.check_conjecture1(log).boxes == len(proof.proved)
        True
    """

    verdict: str
    signed: bool
    theta: tuple[float, float] | None
    boxes: int
    undecided: int


def check_conjecture1(log: str | os.PathLike[str]) -> CheckedLog:
    """Verify the log of a proof of Conjecture 1: that its boxes cover, and each bound.

    Args:
        log: the file that `prove_conjecture1` wrote.

    Returns:
        A `CheckedLog`.

    Raises:
        ValueError: if the log is damaged, leaves a hole, or states a bound that does not hold; the
            message says where.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_conjecture1(theta=(3.1, 3.14), log=log)
        ...     fl.check_conjecture1(log).verdict
        'proved'
    """
    try:
        return check_entries([json.loads(line) for line in Path(log).read_text().splitlines()])
    except (KeyError, TypeError, AttributeError, IndexError, json.JSONDecodeError) as error:
        raise ValueError(f"{log} is not the log of a proof: {error!r}.") from error


def check_entries(entries: list[dict]) -> CheckedLog:
    """Do the same for the lines of a log as data."""
    head, *lines, end = entries
    with ctx.workprec(BITS):
        return _check(head, lines, end)


def _check(head: dict, lines: list[dict], end: dict) -> CheckedLog:
    _require(head["format"] == "flowlab: signs of Conjecture 1", "it is another file")
    _require(head["schema_version"] == 1, "it is of another version")
    _require(isinstance(head["signed"], bool), "signed is neither true nor false")
    theta = None
    if head["theta"] is not None:
        low, high = head["theta"]
        theta = float(low), float(high)
        _require(0 <= low <= high < 4, "theta is not an interval")
    holes = sum(len(line["undecided"]) for line in lines)
    if end["verdict"] == "counterexample":
        _refute(head["signed"], theta, end["counterexample"])
        return CheckedLog("counterexample", head["signed"], theta, 0, holes)
    _require(head["signed"], "only a counterexample can be proved of the printed quantity")
    _require(end["verdict"] == ("undecided" if holes else "proved"), "the verdict is not that")
    pieces = [_Piece(line, theta) for line in lines]
    for place in PLACES:
        _require_cover(place, [piece for piece in pieces if piece.place == place], theta)
    for piece in pieces:
        piece.require_tiling()
    boxes = sum(len(line["boxes"]) for line in lines)
    _require(boxes == end["boxes"] and holes == end["undecided"], "the counts are wrong")
    for place in PLACES:
        _require_orders(place)
    for piece in pieces:
        piece.require_bounds()
    return CheckedLog(end["verdict"], True, theta, boxes, holes)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"The log does not hold: {otherwise}.")


# ---- angles, exactly, in units of pi ----


def _sum(names: str, pair: str, p: Any, q: Any) -> Any:
    coordinates: dict[str, Any] = {name: 1 - p - q for name in "abc"} | {pair[0]: p, pair[1]: q}
    return sum(coordinates[name] for name in names)


def _outside(low: Fraction, high: Fraction, theta: tuple[float, float] | None) -> bool:
    """Whether angles from low to high, in units of pi, are certainly not in the interval."""
    if theta is None:
        return False
    return bool(_ball(high) * arb.pi() < theta[0]) or bool(_ball(low) * arb.pi() > theta[1])


def _ball(number: Fraction | int | arb) -> arb:
    if isinstance(number, arb):
        return number
    return arb(fmpq(number.numerator, number.denominator))


def _require_cover(place: str, pieces: list["_Piece"], theta: tuple[float, float] | None) -> None:
    """The triangle is cut into 16 of a quarter of its side: each is in a piece, or outside."""
    blown = {piece.pair for piece in pieces if piece.blown}
    squares = [(piece.pair, piece.low) for piece in pieces if not piece.blown]
    # Only both halves of a blown-up square are the square.
    squares += [(pair, (0, 0)) for pair in blown if pair[::-1] in blown]
    for a in range(4):
        for b in range(4 - a):
            up = [(a, b), (a + 1, b), (a, b + 1)]
            down = [(a + 1, b), (a, b + 1), (a + 1, b + 1)]
            for triangle in (up, down) if a + b <= 2 else (up,):
                corners = [{"a": x, "b": y, "c": 4 - x - y} for x, y in triangle]
                angles = [
                    sum((Fraction(corner[n], 4) for n in PLACES[place][0]), Fraction(0))
                    for corner in corners
                ]
                covered = _outside(min(angles), max(angles), theta) or any(
                    all(
                        low <= corner[name] <= low + 1
                        for corner in corners
                        for name, low in zip(pair, lows, strict=True)
                    )
                    for pair, lows in squares
                )
                _require(covered, f"the pieces of {place} leave out {corners}")


def _affine(pair: str) -> Callable[[str], tuple[int, int, int]]:
    """Gives (k, alpha, beta) such that a sum of coordinates is k pi + alpha p + beta q."""

    def affine(names: str) -> tuple[int, int, int]:
        origin, right, up = (int(_sum(names, pair, *at)) for at in ((0, 0), (1, 0), (0, 1)))
        return origin, right - origin, up - origin

    return affine


def _require_orders(place: str) -> None:
    """The orders of vanishing are right, in exact arithmetic."""
    theta, t, delta, side, _, edges, vertices = PLACES[place]
    for pair in ("ab", "bc", "ca"):
        edge, vertex = orders(_affine(pair), (theta, t, delta), side)
        least = vertices.get("".join(sorted(pair)), min(4, edges[pair[0]] + edges[pair[1]]))
        _require(edges[pair[0]] <= edge and least <= vertex, f"the orders of {place} at {pair}")


# ---- the quantity as power series in two variables: entry j is the polynomial at the j-th power --


def _lift(series: arb_poly, alpha: int, beta: int) -> list[arb_poly]:
    """The polynomial at alpha x + beta y."""
    rows = []
    for j in range(DEGREE + 1):
        rows.append(series(arb_poly([0, alpha])) * beta**j)
        series = series.derivative() * (arb(1) / (j + 1))
    return rows


def _times(left: list[arb_poly], right: list[arb_poly]) -> list[arb_poly]:
    rows = []
    for j in range(DEGREE + 1):
        row = arb_poly([])
        for i in range(j + 1):
            if len(left[i]) and len(right[j - i]):  # an angle without q has no other row
                row += left[i] * right[j - i]
        rows.append(arb_poly(row.coeffs()[: DEGREE + 1 - j]))
    return rows


def _plus(left: list[arb_poly], right: list[arb_poly], factor: arb | int = 1) -> list[arb_poly]:
    return [x + factor * y for x, y in zip(left, right, strict=True)]


def _series(start: Any, unit: arb) -> tuple[arb_poly, arb_poly]:
    """m and c at start + s, in multiples s of the unit; c is the integral of m."""
    angle = _ball(start) * arb.pi()
    sines = [angle.sin(), angle.cos() * unit]
    for n in range(DEGREE - 1):
        sines.append(-unit * unit * sines[n] / ((n + 1) * (n + 2)))
    product = arb_poly([arb.pi() - angle, -unit]) * arb_poly(sines)
    m = _cut(product)
    first = arb.pi() - (arb.pi() - angle) * angle.cos() - angle.sin()
    c = arb_poly([first]) + m.integral() * unit
    return m, _cut(c)


def _cut(series: arb_poly) -> arb_poly:
    return arb_poly(series.coeffs()[: DEGREE + 1])


def signed_quantity(place: str, pair: str, base: tuple, unit: arb) -> list[arb_poly]:
    """F, with the sign claimed of it, in multiples of the unit from a base point."""
    theta, t, delta, side, sign, _, _ = PLACES[place]

    def lifted(names: str) -> list[list[arb_poly]]:
        _, *slopes = _affine(pair)(names)
        m, c = _series(_sum(names, pair, *base), unit)
        return [_lift(f, *slopes) for f in (m, c, _cut(c * (2 * arb.pi() - c)))]

    (m_theta, c_theta, square), (m_t, c_t, _), (_, c_delta, _) = map(lifted, (theta, t, delta))
    zero = [arb_poly([])] * (DEGREE + 1)
    bracket = _plus(_plus(c_theta, c_t), c_delta, -1)
    bracket = _plus(_plus(zero, bracket, arb.pi()), _times(c_theta, c_t), -1)
    quantity = _plus(_times(m_theta, bracket), _times(m_t, square), -side)
    return _plus(zero, quantity, -sign)


def tail(place: str, pair: str, base: tuple, unit: arb) -> arb:
    """A bound of all terms above the degree where no variable exceeds one unit."""

    def size(names: str) -> tuple[arb, arb]:
        _, *slopes = _affine(pair)(names)
        reach = DISC * sum(abs(slope) for slope in slopes)
        rest = _ball(abs(1 - _sum(names, pair, *base))) * arb.pi() + _ball(reach)
        growth = _ball(reach).cosh()
        return rest * growth, arb.pi() + (rest + 1) * growth

    (m_theta, c_theta), (m_t, c_t), (_, c_delta) = map(size, PLACES[place][:3])
    largest = m_t * c_theta * (2 * arb.pi() + c_theta)
    largest += m_theta * (arb.pi() * (c_theta + c_t + c_delta) + c_theta * c_t)
    ratio, n = unit / DISC, DEGREE + 1
    return largest * ratio**n * (n + 1 - n * ratio) / (1 - ratio) ** 2


# ---- pieces and boxes ----


class _Piece:
    """One line of the log: the unit square of (u, v), p = p0 + u/4, q = q0 + v/4 or q = p v."""

    def __init__(self, line: dict, theta: tuple[float, float] | None):
        self.place, self.pair, self.blown = line["region"], line["pair"], line["blown"]
        self.low, self.theta = tuple(line["low"]), theta
        names = len(self.pair) == len(set(self.pair)) == 2 and set(self.pair) < set("abc")
        _require(self.place in PLACES, f"there is no region {self.place}")
        _require(names and self.low in {(0, 0), (1, 0), (0, 1), (1, 1)}, f"no piece {line}")
        _require(self.blown is False or (self.blown is True and self.low == (0, 0)), "blown-up")
        self.boxes = {(level, i, j): bound for level, i, j, bound in line["boxes"]}
        self.holes = {(level, i, j) for level, i, j in line["undecided"]}
        _require(len(self.boxes) == len(line["boxes"]), f"a box of {self.name} is there twice")
        _require(self.powers() == tuple(line["orders"]), f"the orders of {self.name}")

    @property
    def name(self) -> str:
        return f"{self.place} {self.pair} {'blown up' if self.blown else self.low}"

    def powers(self) -> tuple[int, int]:
        """Powers of u and v by which F may be divided."""
        edges, vertices = PLACES[self.place][5:]
        first, second = (
            edges[name] if low == 0 else 0 for name, low in zip(self.pair, self.low, strict=True)
        )
        if self.blown:
            first = vertices.get("".join(sorted(self.pair)), first + second)
        return first, second

    def require_tiling(self) -> None:
        """Boxes and holes tile the unit square, but for what is outside the interval of theta."""
        used = self._tile(0, 0, 0)
        _require(used == len(self.boxes) + len(self.holes), f"boxes of {self.name} overlap")

    def require_bounds(self) -> None:
        """The quotient has the sign claimed, and is above the bound, on every box."""
        if not self.boxes:
            return
        table, starts, left = self._quotient()
        changes: dict = {}
        for box, bound in self.boxes.items():
            level, i, j = box
            for axis, place in enumerate((i, j)):
                if (axis, level, place) not in changes:
                    changes[axis, level, place] = _bernstein(starts[axis], level, place)
            u, v = changes[0, level, i], changes[1, level, j]
            enclosed = (u * table * v.transpose()).entries()
            stated = arb(bound)
            _require(
                stated > 0 and all(entry - left > stated for entry in enclosed),
                f"the bound of box {box} of {self.name}",
            )

    def _tile(self, level: int, i: int, j: int) -> int:
        """How many entries tile a square; it is outside, an entry, or its quarters are tiled."""
        if (level, i, j) in self.boxes or (level, i, j) in self.holes:
            return 1
        side = Fraction(1, 4 * 2**level)
        angles = []
        for right in (0, 1):
            for up in (0, 1):
                p = Fraction(self.low[0], 4) + (i + right) * side
                above = (j + up) * side
                q = p * 4 * above if self.blown else Fraction(self.low[1], 4) + above
                angles.append(_sum(PLACES[self.place][0], self.pair, p, q))
        if _outside(min(angles), max(angles), self.theta):
            return 0
        _require(level < 32, f"box {level, i, j} of {self.name} is missing")
        quarters = [(2 * i + x, 2 * j + y) for x in (0, 1) for y in (0, 1)]
        return sum(self._tile(level + 1, *quarter) for quarter in quarters)

    def _quotient(self) -> tuple[arb_mat, list[Fraction], arb]:
        """Its coefficients about a point of the square, that point, and what they leave out."""
        powers, unit = self.powers(), arb.pi() / 4
        # About the middle, unless it is divided by a power or blown up.
        starts = [Fraction(0) if self.blown or n else Fraction(1, 2) for n in powers]
        base = tuple((low + start) / 4 for low, start in zip(self.low, starts, strict=True))
        rows = signed_quantity(self.place, self.pair, base, unit)
        table = arb_mat(DEGREE + 1, DEGREE + 1)
        for j, row in enumerate(rows):
            for i, coefficient in enumerate(row.coeffs()):
                first = (i + j if self.blown else i) - powers[0]
                if first >= 0 and j >= powers[1]:
                    table[first, j - powers[1]] = coefficient
        return table, starts, tail(self.place, self.pair, base, unit)


def _bernstein(start: Fraction, level: int, place: int) -> arb_mat:
    """From powers of w - start to Bernstein's coefficients on [place, place + 1] / 2^level."""
    width, size = Fraction(1, 2**level), DEGREE + 1
    offset, side = _ball(place * width - start), _ball(width)
    moved = arb_mat(size, size)
    basis = arb_mat(size, size)
    for k in range(size):
        for n in range(k, size):
            moved[k, n] = comb(n, k) * offset ** (n - k) * side**k
        for n in range(k + 1):
            basis[k, n] = arb(comb(k, n)) / comb(DEGREE, n)
    return basis * moved


# ---- a counterexample ----


def _refute(signed: bool, theta: tuple[float, float] | None, point: dict) -> None:
    """The claim is false at the point: L12 has the wrong sign there."""
    at, phi = Fraction(point["theta"]), Fraction(point["phi"])
    _require(0 < at < 1 and -1 < phi <= 1 and phi not in (0, at), "the point is not in the domain")
    _require(not _outside(at, at, theta), "the point is not in the interval")
    turn = abs(phi - at)
    angles = [_ball(x) * arb.pi() for x in (at, abs(phi), min(turn, 2 - turn))]
    h_theta, h_t, h_delta = ((arb.pi() - x) * x.cos() + x.sin() for x in angles)
    m_theta, m_t = ((arb.pi() - x) * x.sin() for x in angles[:2])
    beta = (arb.pi() * h_delta - h_theta * h_t) / (arb.pi() ** 2 - h_theta**2)
    perpendicular = (-m_t if signed and phi < 0 else m_t) - m_theta * beta
    wrong = -1 if 0 < phi < at else 1
    _require(bool(wrong * perpendicular > 0), "the counterexample is none")
