"""Conjecture 1: the quantity against the paper's, the enclosures against many digits, the checker
against logs that lie."""

import dataclasses
import functools
import json
from fractions import Fraction

import mpmath as mp
import pytest
from hypothesis import given, settings, strategies as st

import flowlab as fl

pytest.importorskip("flint")
from flint import arb, arb_poly

from flowlab.certify._balls import working_precision
from flowlab.certify.conjecture1 import _prove
from flowlab.certify.conjecture1._orders import orders, quantity
from flowlab.certify.conjecture1._prove import BITS
from flowlab.certify.conjecture1._quantity import taylor, value
from flowlab.certify.conjecture1._quotient import Quotient
from flowlab.certify.conjecture1._regions import PRINTED, REGIONS, Box, Piece, cover

DIGITS = 90
NARROW = (3.1, 3.14)
PIECES = [piece for region in REGIONS for piece in cover(region)]


# ---- the paper's expression in many digits ----


def mp_l12(theta, phi):
    """Equation (32) of the supplement for K = 2, with the matrix of (38) and the row of (35)."""
    first, turn = abs(phi), abs(phi - theta)
    second = min(turn, 2 * mp.pi - turn)

    def h(x):
        return (mp.pi - x) * mp.cos(x) + mp.sin(x)

    # The projections of e* and e_1 on e_2, from the vectors themselves.
    own = (mp.pi - first) * mp.cos(phi - theta) + mp.sin(first) * mp.cos(theta)
    row = mp.matrix([mp.pi * mp.cos(theta), mp.pi - theta + mp.sin(theta) * mp.cos(theta)])
    solved = mp.lu_solve(mp.matrix([[mp.pi, h(theta)], [h(theta), mp.pi]]), row)
    return own - h(first) * solved[0] - h(second) * solved[1]


def exact(number):
    return mp.mpf(number.numerator) / number.denominator


def contains(ball, number):
    """Whether a ball contains a number of many digits, up to the error of the latter."""
    text = mp.nstr(number, DIGITS - 20)
    return ball.overlaps(arb(text) + arb(0, f"1e-{DIGITS // 2}"))


def region_of(theta, phi):
    """The region of a point, and the angles t and delta, in units of pi."""
    t, turn = abs(phi), abs(phi - theta)
    if phi > 0:
        region = REGIONS[0] if phi < theta else REGIONS[1]
    else:
        region = REGIONS[2] if turn <= 1 else REGIONS[3]
    return region, t, min(turn, 2 - turn)


tiny = st.sampled_from([Fraction(1, 10**k) for k in (3, 9, 15)])
inner = st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=10**6)
angles = st.one_of(inner, tiny, tiny.map(lambda x: 1 - x))


@given(theta=angles, phi=st.one_of(angles, angles.map(lambda x: -x)), near=st.booleans(), by=tiny)
def test_the_quantity_is_that_of_the_paper(theta, phi, near, by):
    phi = theta - by if near else phi
    if phi in (0, theta) or not -1 < phi <= 1:
        return
    region, t, delta = region_of(theta, phi)
    with mp.workdps(DIGITS), working_precision(512):
        expected = mp_l12(mp.pi * exact(theta), mp.pi * exact(phi))
        assert contains(value(region, theta, t, delta), expected)
        assert mp.sign(expected) == region.sign


def test_the_printed_equation_is_another_one_only_for_negative_angles():
    with working_precision(BITS):
        for region, printed in zip(REGIONS, PRINTED, strict=True):
            angles = [Fraction(x, 10) for x in (4, 3, 7)]
            same = value(region, *angles).overlaps(value(printed, *angles))
            assert same == (region.side > 0)


# ---- orders of vanishing, exactly ----


CORNERS = [(region, pair) for region in REGIONS for pair in ("ab", "ba", "ac", "ca", "bc", "cb")]


@pytest.mark.parametrize("region, pair", CORNERS, ids=lambda x: getattr(x, "name", x))
def test_orders_of_vanishing_are_exact(region, pair):
    """They are those of the tables, no less and no more."""
    affine = Piece(region, pair, (Fraction(0), Fraction(0)), False, (0, 0)).affine
    names = (region.theta, region.t, region.delta)
    edges = [region.edges["abc".index(name)] for name in pair]
    total = region.vertices.get("".join(sorted(pair)), sum(edges))
    assert orders(affine, names, region.side) == (edges[0], total)


@pytest.mark.parametrize("region, pair", CORNERS[::2], ids=lambda x: getattr(x, "name", x))
def test_exact_coefficients_are_in_the_balls_of_the_search(region, pair):
    zero = Fraction(0), Fraction(0)
    piece = Piece(region, pair, zero, False, (0, 0))
    names = (region.theta, region.t, region.delta)
    with working_precision(BITS):
        balls = taylor(piece, zero, 20)
        exact_table = quantity(piece.affine, names, region.side)
        quarter = arb.pi() / 4
        for i, row in enumerate(exact_table):
            for j, coefficient in enumerate(row[: 21 - i]):
                number = arb_poly(coefficient)(arb.pi()) * quarter ** (i + j)
                assert balls[i][j].overlaps(number)
                assert number.rad() < 1e-40


# ---- enclosures ----


@functools.cache
def quotient(place):
    with working_precision(BITS):
        return Quotient(PIECES[place])


def mp_quotient(piece, u, v):
    """F / (u^e v^f) from the formula with the paper's h, at 90 digits."""
    region = piece.region
    theta, t, delta = (
        mp.pi * exact(piece.angle(names, u, v)) for names in (region.theta, region.t, region.delta)
    )

    def m(z):
        return (mp.pi - z) * mp.sin(z)

    def h(z):
        return (mp.pi - z) * mp.cos(z) + mp.sin(z)

    inner = mp.pi * h(delta) - h(theta) * h(t)
    whole = region.factor * m(t) * (mp.pi**2 - h(theta) ** 2) - m(theta) * inner
    e, f = piece.orders
    return whole / (exact(u) ** e * exact(v) ** f)


unit = st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6)


@given(place=st.sampled_from(range(len(PIECES))), level=st.integers(0, 6), u=unit, v=unit)
@settings(max_examples=60)
def test_enclosures_contain_the_quotient(place, level, u, v):
    piece = PIECES[place]
    i, j = (min(int(x * 2**level), 2**level - 1) for x in (u, v))
    box = Box(level, i, j)
    with mp.workdps(DIGITS), working_precision(BITS):
        middle, whole = quotient(place).enclose(box)
        assert contains(whole, mp_quotient(piece, u, v))
        assert contains(middle, mp_quotient(piece, *box.centre))


def normal_forms():
    """Leading terms of F at vertices, from those of L12, with p = x and q = x y."""
    pi2 = mp.pi**2

    def cone(y):
        tau = 1 / (1 + y)
        return -pi2 * (1 + y) ** 4 * (mp.mpf(1) / 3 - tau + 2 * tau**2 - 2 * tau**3 / 3)

    return {
        ("inside", "ab"): lambda y: pi2 * 2 * (1 + y) * (1 + 2 * y) / 3,
        ("inside", "bc"): lambda y: pi2 * (1 + 2 * y),
        ("beyond", "cb"): lambda y: -pi2 * (2 + y),
        ("opposite", "ab"): lambda y: -pi2 * (1 + y**2),
        ("opposite", "bc"): cone,
    }


def test_vertices_have_the_known_normal_forms():
    level = 40
    with mp.workdps(DIGITS), working_precision(BITS):
        for (region, pair), form in normal_forms().items():
            (place,) = (
                k
                for k, piece in enumerate(PIECES)
                if piece.blown and (piece.region.name, piece.pair) == (region, pair)
            )
            half = Box(level, 0, 2 ** (level - 1))
            middle, _ = quotient(place).enclose(half)
            # The order e of u counts quarters of pi.
            expected = form(mp.mpf(1) / 2) * (mp.pi / 4) ** PIECES[place].orders[0]
            assert abs(float(middle) / float(expected) - 1) < 1e-10


def test_pieces_cover_the_triangles():
    for a in range(33):
        for b in range(33 - a):
            point = dict(zip("abc", (Fraction(x, 32) for x in (a, b, 32 - a - b)), strict=True))
            for region in REGIONS:
                assert any(holds(piece, point) for piece in cover(region))


def holds(piece, point):
    p, q = (point[name] for name in piece.pair)
    if piece.blown:
        return q <= p <= Fraction(1, 4)
    return all(low <= x <= low + Fraction(1, 4) for low, x in zip(piece.low, (p, q), strict=True))


# ---- proofs and their logs ----


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A proof of a narrow range and its log."""
    log = tmp_path_factory.mktemp("proof") / "log.jsonl"
    return fl.prove_conjecture1(theta=NARROW, log=log), log


def rewritten(log, tmp_path, change):
    """The log with a change made to its lines."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    change(lines)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_narrow_range_is_proved_and_its_log_holds(narrow):
    proof, log = narrow
    assert proof.verdict == "proved"
    assert "3.1 <= theta <= 3.14: L12 > 0 for 0 < phi < theta" in proof.statement
    checked = fl.check_conjecture1(log)
    assert (checked.verdict, checked.theta) == ("proved", NARROW)
    assert checked.boxes == len(proof.proved) > 10


def test_the_whole_conjecture_is_proved(tmp_path):
    log = tmp_path / "log.jsonl"
    proof = fl.prove_conjecture1(log=log)
    assert proof.verdict == "proved"
    assert proof.theta is None and not proof.undecided
    checked = fl.check_conjecture1(log)
    assert (checked.verdict, checked.theta, checked.boxes) == ("proved", None, len(proof.proved))


def remove_box(lines):
    lines[3]["boxes"].pop()
    lines[-1]["boxes"] -= 1


def remove_piece(lines):
    lines[-1]["boxes"] -= len(lines.pop(3)["boxes"])


def raise_bound(lines):
    box = lines[3]["boxes"][0]
    box[3] = f"{10 * float(box[3]):.3e}"


def move_box(lines):
    lines[3]["boxes"][0][1] += 1


def repeat_box(lines):
    box = lines[3]["boxes"][0]
    lines[3]["boxes"].append([box[0] + 1, 2 * box[1], 2 * box[2], "1e-9"])
    lines[-1]["boxes"] += 1


def widen(lines):
    lines[0]["theta"] = [1.0, NARROW[1]]


def lower_orders(lines):
    next(line for line in lines[1:] if line["orders"] != [0, 0])["orders"] = [0, 0]


def zero_bound(lines):
    lines[3]["boxes"][0][3] = "0"


def hide_hole(lines):
    box = lines[3]["boxes"].pop()
    lines[3]["undecided"].append(box[:3])


def cut_short(lines):
    del lines[-1]


LIES = [
    remove_box, remove_piece, raise_bound, move_box, repeat_box, widen, lower_orders, zero_bound,
    hide_hole, cut_short,
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_the_checker_catches_a_log_that_lies(narrow, tmp_path, lie):
    with pytest.raises(ValueError, match="log"):
        fl.check_conjecture1(rewritten(narrow[1], tmp_path, lie))


def test_the_checker_catches_a_search_with_a_wrong_sign(monkeypatch, tmp_path):
    """The spread over a box added to the middle, where it had to be taken off."""
    right = Quotient.enclose

    def wrong(self, box):
        middle, whole = right(self, box)
        return middle, middle + whole.rad() * (1 if middle > 0 else -1)

    monkeypatch.setattr(Quotient, "enclose", wrong)
    log = tmp_path / "log.jsonl"
    assert fl.prove_conjecture1(theta=NARROW, log=log).verdict == "proved"
    with pytest.raises(ValueError, match="the bound of box"):
        fl.check_conjecture1(log)


def test_the_search_notices_a_quantity_that_does_not_vanish(monkeypatch):
    """A wrong sign in the quantity itself breaks its exact zeros."""
    region = dataclasses.replace(REGIONS[0], factor=-1)
    monkeypatch.setattr(_prove, "REGIONS", (region,))
    with pytest.raises(ArithmeticError, match="order of vanishing"):
        fl.prove_conjecture1()


def test_what_is_not_proved_is_said_to_be_undecided(tmp_path):
    log = tmp_path / "log.jsonl"
    proof = fl.prove_conjecture1(theta=NARROW, depth=0, log=log)
    assert proof.verdict == "undecided" and proof.undecided and proof.proved
    assert "outside the undecided boxes" in proof.statement
    checked = fl.check_conjecture1(log)
    assert (checked.verdict, checked.undecided) == ("undecided", len(proof.undecided))


@pytest.mark.parametrize("theta", [NARROW, (0.5, 0.6), (1e-3, 1e-2)])
def test_the_equation_as_printed_is_refuted(theta, tmp_path):
    log = tmp_path / "log.jsonl"
    proof = fl.prove_conjecture1(theta=theta, signed=False, log=log)
    point = proof.counterexample
    assert proof.verdict == fl.check_conjecture1(log).verdict == "counterexample"
    assert theta[0] <= float(point.theta) * mp.pi <= theta[1]
    assert point.phi < 0 and point.claimed == -1 and arb(point.value) > 0


@pytest.mark.parametrize("name", [region.name for region in REGIONS])
def test_the_opposite_claim_is_refuted(monkeypatch, name):
    turned = tuple(
        dataclasses.replace(region, sign=-region.sign) for region in REGIONS if region.name == name
    )
    monkeypatch.setattr(_prove, "REGIONS", turned)
    proof = fl.prove_conjecture1()
    assert proof.verdict == "counterexample"
    point = proof.counterexample
    with mp.workdps(30):
        found = mp_l12(mp.pi * exact(point.theta), mp.pi * exact(point.phi))
        assert arb(point.value).overlaps(arb(mp.nstr(found, 25)) + arb(0, 1e-20))


def test_a_false_counterexample_is_caught(tmp_path):
    log = tmp_path / "log.jsonl"
    fl.prove_conjecture1(theta=NARROW, signed=False, log=log)
    with pytest.raises(ValueError, match="counterexample is none"):
        fl.check_conjecture1(rewritten(log, tmp_path, lambda lines: lines[0].update(signed=True)))


@pytest.mark.parametrize("theta", [(-1, 1), (2, 1), (1, 4), (1,), (0, 0), (float("nan"), 1)])
def test_bad_intervals_are_refused(theta):
    with pytest.raises(ValueError, match="needed"):
        fl.prove_conjecture1(theta=theta)


def test_bad_depths_are_refused():
    with pytest.raises(ValueError, match="depth"):
        fl.prove_conjecture1(depth=-1)
