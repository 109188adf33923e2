"""All critical points of two students in the plane of two teachers: the equations against the
field, the enclosures against points, the checker against logs that lie."""

import dataclasses
import json
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl

pytest.importorskip("flint")
from flint import arb

from flowlab.certify._balls import working_precision
from flowlab.certify.conjecture1._regions import Box
from flowlab.certify.k2_complete._check import _Place
from flowlab.certify.k2_complete._enclose import decide, enclose
from flowlab.certify.k2_complete._equations import equations, pieces
from flowlab.certify.k2_complete._sets import bisector_is_unique

RIGHT = Fraction(1, 2)


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    log = tmp_path_factory.mktemp("k2") / "log.jsonl"
    return fl.prove_k2_complete(log=log), log


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Teachers at 4/5 pi, where there is another critical point."""
    log = tmp_path_factory.mktemp("k2") / "log.jsonl"
    return fl.prove_k2_complete(angle=Fraction(4, 5), log=log), log


def students(p, q):
    """Unit students at -p and q, the teacher inside at 0."""
    return np.array([[np.cos(p), -np.sin(p)], [np.cos(q), np.sin(q)]])


def teachers(turn):
    beta = np.pi * float(turn)
    return np.array([[1.0, 0.0], [np.cos(beta), np.sin(beta)]])


def places(rng, turn, count=6):
    """Random places (p, q) of both pieces, in radians."""
    for piece in pieces(turn):
        for _ in range(count):
            u, v = sorted(rng.uniform(0.02, 0.97, 2))
            if piece.name == "far":
                u, v = 1 - v, u
            yield piece, [float(x) for x in piece.radians(arb(u), arb(v), piece.beta)]


@pytest.mark.parametrize("turn", [RIGHT, Fraction(1, 5), Fraction(9, 10)])
def test_the_equations_are_those_of_the_normal_equation(rng, turn):
    """Up to the positive factor D / sin(theta), for both the search and the checker."""
    for piece, (p, q) in places(rng, turn):
        here = np.asarray(fl.normal_equation(students(p, q), teachers(turn)).plugged_back)
        theta = p + q
        h = (np.pi - theta) * np.cos(theta) + np.sin(theta)
        factor = (np.pi**2 - h * h) / np.sin(theta)
        expected = -factor * np.array([here[0, 1], here[1, 0]])
        with working_precision(128):
            place, at = _Place(turn, turn, piece.name), (arb(p), arb(q), piece.beta)
            ours = [float(x) for x in equations(piece, *at)]
            theirs = [float(x) for x in place.values(*at)]
        assert np.allclose(ours, expected, rtol=0, atol=1e-10 * (1 + factor))
        assert np.allclose(theirs, ours, rtol=0, atol=1e-12)


@pytest.mark.parametrize("angles", [(RIGHT, RIGHT), (Fraction(3, 10), Fraction(5, 16))])
def test_enclosures_contain_the_values(rng, angles):
    low, high = angles
    with working_precision(128):
        for piece in pieces(low, high):
            for level, i, j in [(2, 1, 1), (3, 2, 3), (5, 1, 0), (4, 8, 7), (6, 0, 5)]:
                box = Box(level, i, j)
                balls = enclose(piece, box)
                for a, b, c in rng.uniform(size=(4, 3)):
                    u, v = (arb(x + i) / 2**level for x, i in ((a, i), (b, j)))
                    beta = piece.at(low + (high - low) * Fraction(c)).beta
                    at = piece.radians(u, v, beta)
                    for ball, x in zip(balls, equations(piece, *at, beta), strict=True):
                        assert ball.overlaps(x)


def test_the_corner_is_the_cubic_of_the_leading_terms():
    """F tends to -(pi/3)(2 pi + beta) sin(beta) theta^3, derived by hand."""
    with working_precision(128):
        for turn in (RIGHT, Fraction(1, 5)):
            beta = np.pi * float(turn)
            decided = decide(pieces(turn)[0], Box(12, 0, 0))
            assert decided is not None and decided[0] == "corner"
            value = decided[1]
            assert abs(float(value.mid()) + np.pi / 3 * (2 * np.pi + beta) * np.sin(beta)) < 0.05
            near = pieces(turn)[0]
            at = near.radians(arb(1) / 5000, arb(1) / 6000, near.beta)
            assert value.overlaps(equations(near, *at, near.beta)[0] / sum(at, arb(0)) ** 3)


def test_slopes_of_the_checker_are_derivatives(rng):
    step, turn = 2.0**-40, Fraction(3, 10)
    with working_precision(160):
        for piece, (p, q) in places(rng, turn, 2):
            place, at = _Place(turn, turn, piece.name), [arb(p), arb(q), piece.beta]
            slopes = place.slopes(*at)
            for axis in range(3):
                ends = [
                    [x + sign * step * (axis == k) for k, x in enumerate(at)] for sign in (1, -1)
                ]
                values = [place.values(*end) for end in ends]
                for row in (0, 1):
                    difference = (values[0][row] - values[1][row]) / (2 * step)
                    assert abs(float(difference - slopes[row][axis])) < 1e-9


def test_orthonormal_teachers_have_no_other_critical_points(proof):
    proof, log = proof
    assert proof.verdict == "proved" and not proof.undecided and proof.collinear
    assert proof.statement.endswith("there are no others.")
    checked = fl.check_k2_complete(log)
    assert (checked.verdict, checked.angles, checked.undecided) == ("proved", (RIGHT, RIGHT), 0)
    assert checked.boxes == len(proof.proved)


def test_the_sets_are_the_known_ones(proof):
    sets = {found.name: found for found in proof[0].sets}
    field = fl.TeacherStudent(jnp.eye(2))
    known = {
        "teacher": (0.0, 0),
        "antipodal": (0.0861788163576621, 1),
        "collinear": (0.0885119366328834, None),
        "negative": (0.6568218228166741, None),
    }
    for name, (loss, index) in known.items():
        found = sets[name]
        assert np.abs(field.gradient(jnp.asarray(found.location))).max() < 1e-14
        assert arb(found.loss).overlaps(arb(loss, 1e-15))
        assert found.index == index
    assert [sets[name].images for name in known] == [2, 2, 1, 1]


@pytest.mark.slow
def test_random_starts_find_nothing_else(proof, getkey):
    catalog = fl.find_critical_points(fl.TeacherStudent(jnp.eye(2)), key=getkey(), starts=100)
    losses = np.array([float(arb(found.loss).mid()) for found in proof[0].sets])
    assert len(catalog) >= 2
    for point in catalog:
        assert np.abs(losses - point.loss).min() < 1e-10


def test_wide_teachers_leave_room_for_another_one(wide):
    proof, log = wide
    witness = proof.witness
    assert proof.verdict == "counterexample" and proof.statement.startswith("False: ")
    assert fl.check_k2_complete(log).verdict == "counterexample"
    # It is a critical point of the field, and one teacher lies inside the cone of the students.
    field = fl.TeacherStudent(teachers(Fraction(4, 5)))
    assert np.abs(field.gradient(jnp.asarray(witness.location))).max() < 1e-11
    inside = np.linalg.solve(witness.location.T, np.asarray(field.teacher).T) > 0
    assert inside.all(0).tolist() == [True, False]
    certificate = fl.certify(field, witness.location)
    assert certificate.index == 1 and certificate.loss_interval[0] > 0.01
    for length, row in zip(witness.lengths, witness.location, strict=True):
        assert arb(length).overlaps(arb(float(np.linalg.norm(row)), 1e-14))


def test_the_pitchfork_of_the_bisector_is_seen():
    """m(t) = (pi - t) sin t has its maximum where tan t = pi - t, at 0.35423 pi."""
    with working_precision(128):
        narrow, wide = Fraction(708, 1000), Fraction(709, 1000)
        assert bisector_is_unique(narrow, narrow)
        assert not bisector_is_unique(wide, wide)


def test_what_is_left_open_is_said(tmp_path):
    shallow = fl.prove_k2_complete(depth=3, log=tmp_path / "log.jsonl")
    assert shallow.verdict == "undecided" and shallow.statement.startswith("Undecided: ")
    checked = fl.check_k2_complete(tmp_path / "log.jsonl")
    assert (checked.verdict, checked.undecided) == ("undecided", len(shallow.undecided))
    areas = [
        (entry.p[1] - entry.p[0]) * (entry.q[1] - entry.q[0])
        for entry in (*shallow.proved, *shallow.undecided)
    ]
    # Boxes on the line theta = pi reach over it by half.
    assert Fraction(1, 4) + Fraction(1, 8) <= sum(areas) <= Fraction(1, 2)


def test_a_range_of_angles_is_proved_at_once(tmp_path):
    log, ends = tmp_path / "log.jsonl", (Fraction(1, 2), Fraction(101, 200))
    proof = fl.prove_k2_complete(angle=ends, log=log)
    assert proof.verdict == "proved" and proof.sets == ()
    assert "at any angle from 1/2 pi to 101/200 pi" in proof.statement
    assert fl.check_k2_complete(log).angles == ends
    for change, message in [
        (lambda lines: lines[0].update(angles=["1/2", "3/5"]), "angles above 101/200"),
        (lambda lines: lines[0].update(angles=["2/5", "101/200"]), "angles above 2/5"),
        (lambda lines: lines.pop(3), "counts"),
        (lambda lines: lines[2].update(angles=["1/2", "3/5"]), "piece is missing"),
    ]:
        with pytest.raises(ValueError, match=message):
            fl.check_k2_complete(edited(log, tmp_path / "edited.jsonl", change))


@pytest.mark.slow
def test_a_wider_range_takes_more_boxes_and_the_checker_agrees(tmp_path):
    log = tmp_path / "log.jsonl"
    proof = fl.prove_k2_complete(angle=("11/20", "3/5"), log=log)
    assert proof.verdict == "proved" and len(proof.proved) > 5_000
    assert fl.check_k2_complete(log).verdict == "proved"


def edited(log, path, change):
    """A copy of a log after `change` of its lines as data."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def set_bound(lines, method, bound):
    """The bound of the first box of a method."""
    box = next(box for line in lines[2:4] for box in line["boxes"] if box[3] == method)
    box[4] = bound


def count(lines, off=0):
    """State how many boxes there are, and `off` more."""
    lines[-1]["boxes"] = sum(len(line["boxes"]) for line in lines[2:-1]) + off


def rename(lines):
    """Claim by the other equation what this one shows."""
    box = next(box for box in lines[2]["boxes"] if box[3] == "G")
    box[3] = "F"
    box[4] = "5.0"


LIES = {
    "is missing": lambda lines: (lines[2]["boxes"].pop(3), count(lines)),
    "is there twice": lambda lines: (
        lines[3]["boxes"].append(lines[3]["boxes"][0]),
        count(lines),
    ),
    "overlap": lambda lines: (
        lines[3]["boxes"].append([9, 0, 0, "F", "1"]),
        count(lines),
    ),
    "the counts": lambda lines: count(lines, 7),
    "the bound of box": lambda lines: set_bound(lines, "F", "-99"),
    "of near": lambda lines: set_bound(lines, "zero", "1e9"),
    "box \\(3, 0, 0\\)": lambda lines: set_bound(lines, "corner", "-8.3"),
    "the bound": rename,
    "no method": lambda lines: lines[2]["boxes"][0].__setitem__(3, "H"),
    "the verdict": lambda lines: lines[4].update(verdict="undecided"),
    "pieces": lambda lines: lines[1]["conjecture1"].pop(3),
    "another file": lambda lines: lines[0].update(format="x"),
    "the counts are": lambda lines: lines.pop(2),
    "a piece is": lambda lines: (lines.pop(3), count(lines)),
    "lines are missing": lambda lines: lines.__delitem__(slice(1, 4)),
    "not the log": lambda lines: lines[2].pop("boxes"),
}


@pytest.mark.parametrize("message", LIES)
def test_the_checker_refuses_logs_that_lie(proof, tmp_path, message):
    path = edited(proof[1], tmp_path / "log.jsonl", LIES[message])
    with pytest.raises(ValueError, match=message):
        fl.check_k2_complete(path)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("p", 1.5401985, "is none"),
        ("q", 0.9, "is none"),
        ("q", 4.0, "not inside"),
        ("piece", "near", "not inside"),
        ("error", 0.0, "no box"),
    ],
)
def test_the_checker_refuses_a_false_witness(wide, tmp_path, entry, value, message):
    path = edited(
        wide[1], tmp_path / "log.jsonl", lambda lines: lines[4]["witness"].update({entry: value})
    )
    with pytest.raises(ValueError, match=message):
        fl.check_k2_complete(path)


def test_another_angle_makes_the_log_false(proof, tmp_path):
    path = edited(
        proof[1],
        tmp_path / "log.jsonl",
        lambda lines: [line.update(angles=["4/5", "4/5"]) for line in (lines[0], *lines[2:4])],
    )
    with pytest.raises(ValueError, match="does not hold"):
        fl.check_k2_complete(path)


def test_bad_input_is_told():
    for angle in (0, 1, "1/0", "x", Fraction(3, 2), (RIGHT, "1/3"), ("1/3",)):
        with pytest.raises(ValueError, match="angle is"):
            fl.prove_k2_complete(angle=angle)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depth is 99"):
        fl.prove_k2_complete(depth=99)


def test_the_command_proves_and_checks(flowlab, proof, tmp_path):
    status, printed, _ = flowlab("prove", "k2-complete", "--check", proof[1])
    assert status == 0 and printed.splitlines()[-1].startswith("proved: The critical points")
    status, printed, _ = flowlab("prove", "k2-complete", "--log", tmp_path / "log.jsonl")
    assert status == 0 and f"{len(proof[0].proved)} boxes proved, 0 undecided" in printed
    assert (tmp_path / "log.jsonl").read_text() == proof[1].read_text()


def test_the_verdict_needs_all_parts(proof):
    proof = proof[0]
    assert dataclasses.replace(proof, collinear=False).verdict == "undecided"
    other = dataclasses.replace(proof.conjecture1, undecided=proof.conjecture1.proved[:1])
    assert dataclasses.replace(proof, conjecture1=other).verdict == "undecided"
