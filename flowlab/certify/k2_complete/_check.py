r"""A checker of the log of a proof that the critical points of two students are all known.

It shares no code with the search. With the first student at the angle 0, the teachers at p and
:math:`p+\beta` and the second student at :math:`\theta=p+q`, and with

.. math::
    S=\sum_k\pm m(t_k),\quad T=\sum_k\pm m(\delta_k),\quad P=\sum_kh(t_k),\quad Q=\sum_kh(\delta_k),
    \qquad m(z)=(\pi-z)\sin z,\quad h(z)=(\pi-z)\cos z+\sin z,

over the teachers' angles :math:`t_k` with the first and :math:`\delta_k` with the second student,
the parts of the gradient across the students, times :math:`D=\pi^2-h(\theta)^2`, are

.. math:: F=SD-m(\theta)(\pi Q-hP), \qquad G=TD-m(\theta)(\pi P-hQ).

Derivatives are written out by hand: :math:`h'=-m`, :math:`D_\theta=2hm`, :math:`P_p=-S`,
:math:`Q_q=-T`. A box that is too wide for the stated bound is quartered.

At the corner :math:`p=q=0` the terms below the third order are 0 (`_enclose` says why), and the
others come from the power series and the remainder of the checker of Conjecture 1.
"""

import dataclasses
import functools
import json
import os
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

from flint import arb, ctx, fmpq

from ..conjecture1._check import DEGREE, check_entries, signed_quantity, tail

BITS = 128
FINER = 4
"""How often a box is quartered before its bound counts as false."""

EXACT = {"near": (Fraction(0), Fraction(1)), "far": (Fraction(1, 2), Fraction(1, 2))}
"""Where F = G = 0 by symmetry, as (u, v)."""


@dataclasses.dataclass(frozen=True)
class CheckedK2:
    """What a log was found to prove.

    Attributes:
        verdict: `"proved"`, `"counterexample"` or `"undecided"`.
        angles: the least and the largest angle between the teachers, in units of pi.
        boxes: how many boxes were verified.
        undecided: how many boxes the log leaves open.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_k2_complete(log=log)
        ...     checked = fl.check_k2_complete(log)
        >>> checked.verdict, checked.boxes, checked.undecided
        ('proved', 639, 0)
    """

    verdict: str
    angles: tuple[Fraction, Fraction]
    boxes: int
    undecided: int


def check_k2_complete(log: str | os.PathLike[str]) -> CheckedK2:
    """Verify the log of a proof that the critical points of two students are all known.

    Args:
        log: the file that `prove_k2_complete` wrote.

    Returns:
        A `CheckedK2`.

    Raises:
        ValueError: if the log is damaged, leaves a hole, or states a bound that does not hold; the
            message says where.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_k2_complete(angle="18/25", log=log)
        ...     fl.check_k2_complete(log).verdict
        'counterexample'
    """
    try:
        entries = [json.loads(line) for line in Path(log).read_text().splitlines()]
        _require(len(entries) > 2, "lines are missing")
        head, conjecture1, *lines, end = entries
        with ctx.workprec(BITS):
            return _check(head, conjecture1["conjecture1"], lines, end)
    except (LookupError, TypeError, AttributeError, ArithmeticError, json.JSONDecodeError) as error:
        raise ValueError(f"{log} is not the log of a proof: {error!r}.") from error


def _check(head: dict, conjecture1: list[dict], lines: list[dict], end: dict) -> CheckedK2:
    _require(head["format"] == "flowlab: critical points of two students", "it is another file")
    _require(head["schema_version"] == 1, "it is of another version")
    low, high = map(Fraction, head["angles"])
    _require(0 < low <= high < 1, "the angles are not between 0 and pi")
    holes = sum(len(line["undecided"]) for line in lines)
    boxes = sum(len(line["boxes"]) for line in lines)
    if end["verdict"] == "counterexample":
        point = end["witness"]
        angle = Fraction(point["angle"])
        _require(low <= angle <= high, "the witness is of another angle")
        place = _Place(angle, angle, point["piece"])
        place.require_witness(point["p"], point["q"], point["error"])
        return CheckedK2("counterexample", (low, high), 0, holes)
    _require(boxes == end["boxes"] and holes == end["undecided"], "the counts are wrong")
    base = check_entries(conjecture1)
    whole = base.verdict == "proved" and base.signed and base.theta is None
    parts = _parts(lines, low, high)
    single = all(_bisector_is_unique(*part) for part in parts)
    verdict = "proved" if whole and single and not holes else "undecided"
    _require(end["verdict"] == verdict, "the verdict is not that")
    for line in lines:
        left, right = map(Fraction, line["angles"])
        _Place(left, right, line["piece"]).require_boxes(line)
    return CheckedK2(verdict, (low, high), boxes, holes)


def _parts(lines: list[dict], low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The ranges of angles between the teachers: they cover, and each has both pieces."""
    ranges = {(*map(Fraction, line["angles"]), line["piece"]) for line in lines}
    _require(len(ranges) == len(lines), "a piece is there twice")
    parts = sorted({(left, right) for left, right, _ in ranges})
    _require(all((*part, name) in ranges for part in parts for name in EXACT), "a piece is missing")
    reached = low
    for left, right in parts:
        _require(left <= reached and left <= right, f"the angles above {reached} are left out")
        reached = max(reached, right)
    _require(bool(parts) and reached >= high, f"the angles above {reached} are left out")
    return parts


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"The log does not hold: {otherwise}.")


def _ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def _radians(number: Fraction) -> arb:
    return _ball(number) * arb.pi()


def _m(z: arb) -> arb:
    return (arb.pi() - z) * z.sin()


def _h(z: arb) -> arb:
    return (arb.pi() - z) * z.cos() + z.sin()


def _dm(z: arb) -> arb:
    return (arb.pi() - z) * z.cos() - z.sin()


class _Place:
    """One piece of the directions for a range of angles between the teachers, and F and G there."""

    def __init__(self, low: Fraction, high: Fraction, name: str):
        _require(name in EXACT, f"there is no piece {name}")
        self.low, self.high, self.name, self.side = low, high, name, 1 if name == "near" else -1
        self.beta = _radians(low).union(_radians(high))

    def values(self, p: arb, q: arb, beta: arb) -> tuple[arb, arb]:
        """F and G at balls in radians."""
        S, T, P, Q = self._sums(p, q, beta)
        h, m = _h(p + q), _m(p + q)
        D = arb.pi() ** 2 - h * h
        return S * D - m * (arb.pi() * Q - h * P), T * D - m * (arb.pi() * P - h * Q)

    def slopes(self, p: arb, q: arb, beta: arb) -> tuple[tuple[arb, ...], tuple[arb, ...]]:
        """The derivatives of F, and of G, by p, q and the angle between the teachers."""
        (S, T, P, Q), theta = self._sums(p, q, beta), p + q
        t, rest = self._outside(p, q, beta)
        h, m, dm, pi = _h(theta), _m(theta), _dm(theta), arb.pi()
        D, D_slope = pi**2 - h * h, 2 * h * m
        F, G = pi * Q - h * P, pi * P - h * Q
        # h' = -m, P_p = -S, Q_q = -T, and nothing else depends on the other angle.
        F_p = (_dm(p) + _dm(t)) * D + S * D_slope - dm * F - m * (m * P + h * S)
        F_q = S * D_slope - dm * F - m * (m * P - pi * T)
        G_p = T * D_slope - dm * G - m * (m * Q - pi * S)
        G_q = (_dm(q) + _dm(rest)) * D + T * D_slope - dm * G - m * (m * Q + h * T)
        P_beta, Q_beta = -self.side * _m(t), -_m(rest)
        F_beta = _dm(t) * D - m * (pi * Q_beta - h * P_beta)
        G_beta = -_dm(rest) * D - m * (pi * P_beta - h * Q_beta)
        return (F_p, F_q, F_beta), (G_p, G_q, G_beta)

    def require_boxes(self, line: dict) -> None:
        """The boxes and holes tile the piece, and every bound holds."""
        boxes = {(level, i, j): (method, bound) for level, i, j, method, bound in line["boxes"]}
        holes = {(level, i, j) for level, i, j in line["undecided"]}
        _require(len(boxes) == len(line["boxes"]), f"a box of {self.name} is there twice")
        used = self._tile(boxes.keys() | holes, (0, 0, 0))
        _require(used == len(boxes) + len(holes), f"boxes of {self.name} overlap")
        for box, (method, bound) in boxes.items():
            stated = arb(bound)
            sound = (stated > 0 or stated < 0) and self._holds(box, method, stated)
            _require(bool(sound), f"the bound of box {box} of {self.name}")

    def require_witness(self, p: float, q: float, error: float) -> None:
        """A box around (p, q) holds a zero, in the interior, and the students' lengths exist."""
        _require(0 < error < 1, "the witness has no box")
        x, y = arb(p, error), arb(q, error)
        beta = self.beta
        place = (x + beta - arb.pi()) * self.side < 0
        interior = x > 0 and y > 0 and y < beta and x + y < arb.pi()
        _require(bool(place and interior), "the witness is not inside its piece")
        (a, b, _), (c, d, _) = self.slopes(x, y, beta)
        det = (a * d - b * c).mid()
        _require(not det.contains(0), "the witness is degenerate")
        C = (d.mid() / det, -b.mid() / det, -c.mid() / det, a.mid() / det)
        F, G = self.values(arb(p), arb(q), beta)
        for row, (r, s) in enumerate((C[:2], C[2:])):
            defect = abs((1 - row) - r * a - s * c) + abs(row - r * b - s * d)
            _require(bool(abs(r * F + s * G) + defect * error < error), "the witness is none")
        _, _, P, Q = self._sums(x, y, beta)
        h = _h(x + y)
        positive = arb.pi() * P - h * Q > 0 and arb.pi() * Q - h * P > 0
        _require(bool(positive), "the witness has a student of negative length")

    def _outside(self, p: arb, q: arb, beta: arb) -> tuple[arb, arb]:
        """The angles of the teacher outside with the students."""
        return p + beta if self.side > 0 else 2 * arb.pi() - beta - p, beta - q

    def _sums(self, p: arb, q: arb, beta: arb) -> tuple[arb, arb, arb, arb]:
        t, rest = self._outside(p, q, beta)
        S, T = _m(p) + self.side * _m(t), _m(q) - _m(rest)
        return S, T, _h(p) + _h(t), _h(q) + _h(rest)

    def _tile(self, entries: Any, box: tuple[int, int, int]) -> int:
        """How many entries tile a square; it is outside, an entry, or its quarters are tiled."""
        level, i, j = box
        if self.side < 0 and i + j >= 2**level:
            return 0
        if box in entries:
            return 1
        _require(level < 32, f"box {box} of {self.name} is missing")
        return sum(self._tile(entries, quarter) for quarter in _quarters(box))

    def _angles(self, u: arb, v: arb, beta: arb) -> tuple[arb, arb, arb]:
        """p, q and the angle between the teachers, in radians."""
        rest = arb.pi() - beta
        return (rest * u if self.side > 0 else rest + beta * u), beta * v, beta

    def _holds(self, box: tuple[int, int, int], method: str, stated: arb) -> bool:
        level, i, j = box
        if method == "corner":
            return self.side > 0 and i == j == 0 and self._corner(level, stated)
        if method == "zero":
            u, v = (x * 2**level for x in EXACT[self.name])
            (a, b, _), (c, d, _) = self.slopes(*self._angles(*_square(box), self.beta))
            return i <= u <= i + 1 and j <= v <= j + 1 and _beyond(a * d - b * c, stated)
        _require(method in ("F", "G"), f"there is no method {method}")
        return self._keeps_off(box, "FG".index(method), stated, FINER)

    def _keeps_off(self, box: tuple[int, int, int], which: int, stated: arb, finer: int) -> bool:
        """By the mean value form in u, v and the angle between the teachers."""
        half, pi = _ball(Fraction(1, 2 ** (box[0] + 1))), arb.pi()
        u, v = _square(box)
        middle = self._angles(u.mid(), v.mid(), _radians((self.low + self.high) / 2))
        by_p, by_q, by_beta = self.slopes(*self._angles(u, v, self.beta))[which]
        p_slope, p_beta = (pi - self.beta, -u) if self.side > 0 else (self.beta, u - 1)
        turned = by_beta + by_p * p_beta + by_q * v
        change = (abs(by_p * p_slope) + abs(by_q * self.beta)) * half
        change += abs(turned) * _radians((self.high - self.low) / 2)
        if _beyond(self.values(*middle)[which] + arb(0, change.upper()), stated):
            return True
        return finer > 0 and all(
            self._keeps_off(quarter, which, stated, finer - 1) for quarter in _quarters(box)
        )

    def _corner(self, level: int, stated: arb) -> bool:
        """F divided by (p + q)^3 keeps off 0: power series by the checker of Conjecture 1."""
        far = max(1 - self.low, self.high) / 2**level
        unit, zero, turn = _radians(far), (Fraction(0), Fraction(0)), self.beta / arb.pi()
        # It expands F with the sign claimed, and of the teacher outside by the angles b and c,
        # which fall by q and by p.
        places = ("inside", "ab", zero), ("beyond", "bc", (turn, 1 - turn))
        inside, beyond = (signed_quantity(*place, unit) for place in places)
        value = arb(0, sum((tail(*place, unit) for place in places), arb(0)).upper())
        for n in range(3, DEGREE + 1):
            form = [
                (inside[j][n - j] - (-1) ** n * beyond[n - j][j]) / comb(n, j) for j in range(n + 1)
            ]
            if n == 3:
                value += functools.reduce(arb.union, form)
            else:
                # In these units p + q is at most 2.
                value += arb(0, (functools.reduce(arb.max, map(abs, form)) * 2 ** (n - 3)).upper())
        return _beyond(value / unit**3, stated)


def _quarters(box: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    level, i, j = box
    return [(level + 1, 2 * i + x, 2 * j + y) for x in (0, 1) for y in (0, 1)]


def _square(box: tuple[int, int, int]) -> tuple[arb, arb]:
    """u and v on a box."""
    level, *places = box
    u, v = (_ball(Fraction(2 * x + 1, 2 ** (level + 1))) for x in places)
    half = arb(0, _ball(Fraction(1, 2 ** (level + 1))))
    return u + half, v + half


def _beyond(value: arb, stated: arb) -> bool:
    """Whether a value is on the side of a bound that is away from 0."""
    return bool(value > stated if stated > 0 else value < stated)


def _bisector_is_unique(least: Fraction, largest: Fraction) -> bool:
    """Whether m(t) = m(b - t) in (0, b), and likewise for 2 pi - b, has one solution only."""
    beta = _radians(least).union(_radians(largest))
    for total, low in ((beta, arb(0)), (2 * arb.pi() - beta, arb.pi() - beta)):
        middle, parts = total / 2, 256
        for part in range(parts):
            lower, upper = (low + (middle - low) * arb(fmpq(n, parts)) for n in (part, part + 1))
            t = lower.union(upper)
            slope, gap = _dm(t) + _dm(total - t), _m(t) - _m(total - t)
            # Strictly monotone on the parts next to the middle, of one sign on the others.
            if part < 192 and not (gap > 0 or gap < 0):
                return False
            if part >= 192 and not (slope > 0 or slope < 0):
                return False
    return True
