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
        angle: between the teachers, in units of pi.
        boxes: how many boxes were verified.
        undecided: how many boxes the log leaves open.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_k2_complete(log=log)
        ...     fl.check_k2_complete(log)
        CheckedK2(verdict='proved', angle=Fraction(1, 2), boxes=635, undecided=0)
    """

    verdict: str
    angle: Fraction
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
        _require(len(entries) == 5, "it does not have five lines")
        head, conjecture1, near, far, end = entries
        with ctx.workprec(BITS):
            return _check(head, conjecture1["conjecture1"], (near, far), end)
    except (LookupError, TypeError, AttributeError, ArithmeticError, json.JSONDecodeError) as error:
        raise ValueError(f"{log} is not the log of a proof: {error!r}.") from error


def _check(head: dict, conjecture1: list[dict], lines: tuple[dict, ...], end: dict) -> CheckedK2:
    _require(head["format"] == "flowlab: critical points of two students", "it is another file")
    _require(head["schema_version"] == 1, "it is of another version")
    turn = Fraction(head["angle"])
    _require(0 < turn < 1, "the angle is not between 0 and pi")
    _require([line["piece"] for line in lines] == ["near", "far"], "a piece is missing")
    holes = sum(len(line["undecided"]) for line in lines)
    boxes = sum(len(line["boxes"]) for line in lines)
    if end["verdict"] == "counterexample":
        point = end["witness"]
        _Place(turn, point["piece"]).require_witness(point["p"], point["q"], point["error"])
        return CheckedK2("counterexample", turn, 0, holes)
    _require(boxes == end["boxes"] and holes == end["undecided"], "the counts are wrong")
    base = check_entries(conjecture1)
    whole = base.verdict == "proved" and base.signed and base.theta is None
    single = _bisector_is_unique(turn)
    verdict = "proved" if whole and single and not holes else "undecided"
    _require(end["verdict"] == verdict, "the verdict is not that")
    for line in lines:
        _Place(turn, line["piece"]).require_boxes(line)
    return CheckedK2(verdict, turn, boxes, holes)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(f"The log does not hold: {otherwise}.")


def _radians(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator)) * arb.pi()


def _m(z: Any) -> Any:
    return (arb.pi() - z) * z.sin()


def _h(z: Any) -> Any:
    return (arb.pi() - z) * z.cos() + z.sin()


def _dm(z: arb) -> arb:
    return (arb.pi() - z) * z.cos() - z.sin()


class _Place:
    """One piece of the directions: which boxes it has, and F and G there."""

    def __init__(self, turn: Fraction, name: str):
        _require(name in EXACT, f"there is no piece {name}")
        self.turn, self.name, self.side = turn, name, 1 if name == "near" else -1

    def values(self, p: Any, q: Any) -> tuple[Any, Any]:
        """F and G at balls or complex balls."""
        S, T, P, Q = self._sums(p, q)
        h, m = _h(p + q), _m(p + q)
        D = arb.pi() ** 2 - h * h
        return S * D - m * (arb.pi() * Q - h * P), T * D - m * (arb.pi() * P - h * Q)

    def slopes(self, p: arb, q: arb) -> tuple[tuple[arb, arb], tuple[arb, arb]]:
        """The derivatives of F, and of G, by p and q."""
        (S, T, P, Q), theta = self._sums(p, q), p + q
        t, rest = self._outside(p, q)
        h, m, dm, pi = _h(theta), _m(theta), _dm(theta), arb.pi()
        D, D_slope = pi**2 - h * h, 2 * h * m
        S_p, T_q = _dm(p) + _dm(t), _dm(q) + _dm(rest)
        F, G = pi * Q - h * P, pi * P - h * Q
        # h' = -m, P_p = -S, Q_q = -T, and nothing else depends on the other angle.
        F_p = S_p * D + S * D_slope - dm * F - m * (m * P + h * S)
        F_q = S * D_slope - dm * F - m * (m * P - pi * T)
        G_p = T * D_slope - dm * G - m * (m * Q - pi * S)
        G_q = T_q * D + T * D_slope - dm * G - m * (m * Q + h * T)
        return (F_p, F_q), (G_p, G_q)

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
        beta = _radians(self.turn)
        place = (x + beta - arb.pi()) * self.side < 0
        interior = x > 0 and y > 0 and y < beta and x + y < arb.pi()
        _require(bool(place and interior), "the witness is not inside its piece")
        (a, b), (c, d) = self.slopes(x, y)
        det = (a * d - b * c).mid()
        _require(not det.contains(0), "the witness is degenerate")
        C = (d.mid() / det, -b.mid() / det, -c.mid() / det, a.mid() / det)
        F, G = self.values(arb(p), arb(q))
        for row, (r, s) in enumerate((C[:2], C[2:])):
            defect = abs((1 - row) - r * a - s * c) + abs(row - r * b - s * d)
            _require(bool(abs(r * F + s * G) + defect * error < error), "the witness is none")
        _, _, P, Q = self._sums(x, y)
        h = _h(x + y)
        positive = arb.pi() * P - h * Q > 0 and arb.pi() * Q - h * P > 0
        _require(bool(positive), "the witness has a student of negative length")

    def _outside(self, p: Any, q: Any) -> tuple[Any, Any]:
        """The angles of the teacher outside with the students."""
        beta = _radians(self.turn)
        return p + beta if self.side > 0 else 2 * arb.pi() - beta - p, beta - q

    def _sums(self, p: Any, q: Any) -> tuple[Any, Any, Any, Any]:
        t, rest = self._outside(p, q)
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

    def _ends(self, box: tuple[int, int, int]) -> tuple[tuple[Fraction, Fraction], ...]:
        """The intervals of p and q, in units of pi."""
        level, i, j = box
        low, width = (1 - self.turn, self.turn) if self.side < 0 else (0, 1 - self.turn)
        u, v = (tuple(Fraction(x + k, 2**level) for k in (0, 1)) for x in (i, j))
        return (low + width * u[0], low + width * u[1]), (self.turn * v[0], self.turn * v[1])

    def _holds(self, box: tuple[int, int, int], method: str, stated: arb) -> bool:
        level, i, j = box
        if method == "corner":
            return self.side > 0 and i == j == 0 and self._corner(box, stated)
        if method == "zero":
            u, v = (x * 2**level for x in EXACT[self.name])
            (a, b), (c, d) = self.slopes(*(_span(*ends) for ends in self._ends(box)))
            return i <= u <= i + 1 and j <= v <= j + 1 and _beyond(a * d - b * c, stated)
        _require(method in ("F", "G"), f"there is no method {method}")
        return self._keeps_off(box, "FG".index(method), stated, FINER)

    def _keeps_off(self, box: tuple[int, int, int], which: int, stated: arb, finer: int) -> bool:
        ends = self._ends(box)
        middle = self.values(*(_radians((low + high) / 2) for low, high in ends))[which]
        slopes = self.slopes(*(_span(*interval) for interval in ends))[which]
        widths = (_radians((high - low) / 2) for low, high in ends)
        change = sum((abs(x) * width for x, width in zip(slopes, widths, strict=True)), arb(0))
        if _beyond(middle + arb(0, change.upper()), stated):
            return True
        return finer > 0 and all(
            self._keeps_off(quarter, which, stated, finer - 1) for quarter in _quarters(box)
        )

    def _corner(self, box: tuple[int, int, int], stated: arb) -> bool:
        """F divided by (p + q)^3 keeps off 0: power series by the checker of Conjecture 1."""
        far = max(high for _, high in self._ends(box))
        unit, zero, turn = _radians(far), (Fraction(0), Fraction(0)), self.turn
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


def _span(low: Fraction, high: Fraction) -> arb:
    """A ball of an interval in units of pi, in radians."""
    return _radians(low).union(_radians(high))


def _beyond(value: arb, stated: arb) -> bool:
    """Whether a value is on the side of a bound that is away from 0."""
    return bool(value > stated if stated > 0 else value < stated)


def _bisector_is_unique(turn: Fraction) -> bool:
    """Whether m(t) = m(b - t) in (0, b), and likewise for 2 pi - b, has one solution only."""
    beta = _radians(turn)
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
