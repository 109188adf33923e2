"""Proofs by ball arithmetic: what is proved, what is refused, and that the balls tell the truth."""

import dataclasses
import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from oracles import mp_relu

import flowlab as fl
from flowlab.fields import _relu
from flowlab.fields._namespace import NUMPY

pytest.importorskip("flint")
from flint import arb

from flowlab.certify._balls import BALLS, balls, working_precision
from flowlab.certify._inertia import inertia
from flowlab.certify._refusal import Inconclusive

# Known points (teacher: the first axes)


def type_two(K, own, other, flipped, right, below):
    """One student points away from its teacher; the correction is spread over the others."""
    W = np.full((K, K), other)
    W[np.diag_indices(K)] = own
    W[:-1, -1], W[-1, :-1], W[-1, -1] = right, below, flipped
    return W


def type_a(K, own, other):
    return (own - other) * np.eye(K) + other


P, Q = 0.5245792225437393, 0.40913247508177847
NORMS = np.array([[1.5108183298583744], [-0.09660476748527932]])
DIAGONAL = np.array([1.0, 1.0]) / np.sqrt(2)
OUTSIDE = np.array([[P, P, Q], [P, P, -Q]])
ANTIPODAL = NORMS * DIAGONAL
TYPE_TWO_6 = type_two(
    6, 0.9867038188885763, -0.050413403216808726,
    -0.6015119235610948, 0.308010991479069, 0.2245158075994784,
)  # fmt: skip
TYPE_TWO_7 = type_two(
    7, 0.996922798803286, -0.035080155927046414,
    -0.6327039049152535, 0.2616910758065543, 0.1859910462962502,
)  # fmt: skip
TYPE_A_6 = type_a(6, -0.6633973683167403, 0.330709783291597)
GAP = 1 / 4 - 1 / (2 * np.pi)

# state, index, loss, smallest eigenvalue and how exactly it is known, whether spurious
KNOWN = {
    "teacher 2": (np.eye(2), 0, 0.0, (GAP, 1e-15), False),
    "teacher 3": (np.eye(3), 0, 0.0, (GAP, 1e-15), False),
    "antipodal d=2": (ANTIPODAL, 1, 0.08617881635766211, (-4.1597924, 5e-8), False),
    "antipodal d=3": (np.pad(ANTIPODAL, [(0, 0), (0, 1)]), 2, 0.08617881635766211,
                      (-4.1597924, 5e-8), False),
    "out of plane": (OUTSIDE, 1, 0.07361293252764933, (-0.239237, 5e-7), False),
    "type II, K=6": (TYPE_TWO_6, 0, 0.025080581002462576, (0.004700354703587036, 2e-15), True),
    "type A, K=6": (TYPE_A_6, 0, 0.055668581322282584, (0.0015036523729115617, 2e-15), True),
    "type II, K=7": (TYPE_TWO_7, 0, 0.02320271491356607, (0.014059013182293892, 2e-15), True),
}  # fmt: skip


def field_of(state, **options):
    return fl.TeacherStudent(np.eye(*state.shape), **options)


def record(state, **changes):
    """A record that says as little as a record can."""
    entries = {
        "id": "p1", "kind": "saddle", "index": 0, "nullity": 0, "explained_nullity": 0,
        "loss": 0.0, "residual": 0.0, "eigenvalues": np.zeros(state.size), "location": state,
        "isotropy_order": 1, "isotropy_name": "1", "orbit_size": 1,
    }  # fmt: skip
    return fl.CriticalPoint(**{**entries, **changes})


def encloses(interval, value, tolerance=0.0):
    """Whether the interval meets what is known of the value."""
    return interval[0] - tolerance <= value <= interval[1] + tolerance


@pytest.mark.parametrize("name", KNOWN)
def test_known_points_are_certified(name):
    state, index, loss, (smallest, digits), spurious = KNOWN[name]
    field = field_of(state)
    certificate = fl.certify(field, state)
    assert (certificate.index, certificate.spurious) == (index, spurious)
    assert encloses(certificate.loss_interval, loss, 2e-15)
    assert np.subtract(*certificate.loss_interval[::-1]) < 1e-15
    assert encloses(certificate.lambda_min_interval, smallest, digits)
    assert np.subtract(*certificate.lambda_min_interval[::-1]) < 1e-8
    assert certificate.error <= certificate.radius < 1e-12
    if name.startswith("teacher"):
        assert encloses(certificate.loss_interval, 0.0)
    again = fl.Certificate.from_dict(json.loads(json.dumps(certificate.to_dict())))
    again.check(field)
    assert again.to_dict() == certificate.to_dict()


def test_a_refined_point_is_certified():
    field = field_of(OUTSIDE)
    state = fl.refine(field, np.round(OUTSIDE, 4)).location
    point = record(state, index=1)
    certificate = fl.certify(field, point)
    kept = point.replace(certificate=certificate.to_dict())
    fl.Certificate.from_dict(kept.certificate).check(field)


@pytest.mark.parametrize("precision", [53, 90, 256])
@pytest.mark.parametrize("name", ["teacher 2", "antipodal d=2", "type II, K=6"])
def test_any_precision_proves_the_same(name, precision):
    state, index, loss, (smallest, digits), spurious = KNOWN[name]
    certificate = fl.certify(field_of(state), state, precision=precision)
    assert certificate.precision == precision
    assert (certificate.index, certificate.spurious) == (index, spurious)
    assert encloses(certificate.loss_interval, loss, 2e-15)
    assert encloses(certificate.lambda_min_interval, smallest, digits)


def test_other_laws_weights_and_teachers():
    """J scales with the second moment; a positive output weight can be taken into its student."""
    scaled = fl.certify(field_of(TYPE_A_6, inputs=fl.Isotropic(0.25)), TYPE_A_6)
    plain = fl.certify(field_of(TYPE_A_6), TYPE_A_6)
    assert encloses(scaled.loss_interval, plain.loss_interval[0] / 4, 1e-15)
    assert encloses(scaled.lambda_min_interval, plain.lambda_min_interval[0] / 4, 1e-10)
    assert scaled.spurious
    halves = fl.TeacherStudent(np.eye(2, 3), output_weights=[2.0, 0.5])
    certificate = fl.certify(halves, OUTSIDE / [[2.0], [0.5]])
    assert certificate.index == 1
    assert encloses(certificate.loss_interval, 0.07361293252764933, 2e-15)


def test_a_minimum_is_not_spurious_where_the_teacher_cannot_be_copied():
    """One student, two teachers: the least loss is above 0."""
    field = fl.TeacherStudent(np.eye(2), students=1)
    # The student is on the diagonal: |w| = 2 h(pi/4) / pi.
    length = 2 * ((3 * np.pi / 4) * np.cos(np.pi / 4) + np.sin(np.pi / 4)) / np.pi
    certificate = fl.certify(field, length * DIAGONAL[None], precision=256)
    assert certificate.index == 0
    assert encloses(certificate.loss_interval, 0.0885119366328834, 1e-15)
    assert not certificate.spurious


def test_uniqueness_in_a_box_that_is_asked_for():
    """The point given may be off; the box found around it holds the true one."""
    displaced = np.eye(2) + 1e-4 * np.array([[1.0, -1.0], [0.5, 0.0]])
    field = field_of(displaced)
    certificate = fl.certify(field, displaced, radius=3e-3)
    assert certificate.radius == 3e-3
    assert 1e-4 <= certificate.error < 3e-3
    assert np.abs(certificate.centre - np.eye(2)).max() <= certificate.error
    assert encloses(certificate.loss_interval, 0.0)
    assert encloses(certificate.lambda_min_interval, GAP)
    certificate.check(field)


# Refusals


def refuses(match, *arguments, **options):
    with pytest.raises(fl.CertificationError, match=match):
        fl.certify(*arguments, **options)


@pytest.mark.parametrize("name", ["teacher 3", "out of plane", "type II, K=6"])
def test_a_displaced_point_is_refused(name, rng):
    state = KNOWN[name][0]
    moved = state.copy()
    moved[0, 0] += 1e-3
    refuses("No critical point lies within", field_of(state), moved)
    refuses("No critical point lies within", field_of(state), rng.normal(size=state.shape))


def test_a_wrong_index_of_the_record_is_refused():
    refuses("p1 says index 2; proved is 1", field_of(OUTSIDE), record(OUTSIDE, index=2))


def test_singularities_are_refused():
    field = field_of(ANTIPODAL)
    refuses("student 2 may be zero", field, ANTIPODAL, radius=0.1)
    refuses("student 1 may be zero", field, np.array([[0.0, 0.0], [1.0, 0.0]]))


def test_exhausted_precision_is_refused():
    field = field_of(ANTIPODAL)
    refuses("No proof with 53 bits", field, ANTIPODAL, precision=53, radius=1e-10)
    assert fl.certify(field, ANTIPODAL, precision=128, radius=1e-10).index == 1
    refuses(
        "No proof with 512 bits: the box is too wide", field_of(np.eye(2)), np.eye(2), radius=0.3
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (fl.zoo.magnetic_pendulum(), "no closed form"),
        (field_of(np.eye(2), inputs=fl.Gaussian(np.diag([1.0, 2.0]))), "Gaussian with a cov"),
        (field_of(np.eye(2), inputs=fl.Sample(np.eye(2))), "given: Sample"),
    ],
)
def test_other_fields_are_refused(field, text):
    refuses(text, field, np.ones(field.shape))


@pytest.mark.parametrize(
    "options", [{"precision": 20}, {"precision": 64.0}, {"radius": 0.0}, {"radius": np.nan}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="needed"):
        fl.certify(field_of(np.eye(2)), np.eye(2), **options)


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="shape"):
        fl.certify(field_of(np.eye(2)), np.eye(3))
    with pytest.raises(ValueError, match="NaN"):
        fl.certify(field_of(np.eye(2)), np.full((2, 2), np.nan))


# Checking


@pytest.fixture(scope="module")
def outside():
    """A certificate of the out-of-plane saddle, as data."""
    return fl.certify(field_of(OUTSIDE), OUTSIDE).to_dict()


MOVED = OUTSIDE + np.array([[1e-9, 0.0, 0.0], [0.0, 0.0, 0.0]])
FALSE = {
    "another index": ({"index": 0}, "says index 0; proved is 1"),
    "a spurious saddle": ({"spurious": True}, "says spurious"),
    "another centre": ({"centre": MOVED.tolist()}, "does not hold"),
    "too large a box": ({"radius": 0.5}, "does not hold|singularity"),
    "too small a box": ({"error": 1e-30}, "does not hold"),
    "another loss": ({"loss": "[0.0736129325276493 +/- 1e-18]"}, "says loss"),
    "too sharp a loss": ({"loss": "0.07361293252764932788309"}, "says loss"),
    "no loss": ({"loss": ""}, "says loss"),
    "another eigenvalue": ({"lambda_min": "[0.2392366982 +/- 1e-9]"}, "says lambda_min"),
}
DAMAGED = {
    "precision": {"precision": 20},
    "huge precision": {"precision": 10**9},
    "negative radius": {"radius": -1.0},
    "infinite radius": {"radius": float("inf")},
    "error above radius": {"error": 1.0},
    "not a number": {"centre": [[float("nan")] * 3] * 2},
    "ragged": {"centre": [[1.0], [1.0, 2.0]]},
    "words": {"centre": "here"},
    "code": {"loss": "__import__('os')"},
    "long exponent": {"loss": "1e999999999"},
    "boolean index": {"index": True},
    "another type": {"type": "manifold"},
    "another entry": {"note": 1},
}


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_do_not_pass(name, outside):
    changes, message = FALSE[name]
    claim = fl.Certificate.from_dict({**outside, **changes})
    with pytest.raises(fl.CertificationError, match=message):
        claim.check(field_of(OUTSIDE))


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_certificates_are_refused(name, outside):
    with pytest.raises(fl.CertificationError, match="damaged|Not a certificate|not an array"):
        fl.Certificate.from_dict({**outside, **DAMAGED[name]})


def test_a_certificate_is_about_one_field(outside):
    certificate = fl.Certificate.from_dict(outside)
    for field in (
        fl.TeacherStudent(np.eye(2, 3) + 1e-9),
        field_of(OUTSIDE, inputs=fl.Isotropic(1.001)),
        field_of(np.eye(3)),
    ):
        with pytest.raises(fl.CertificationError):
            certificate.check(field)


def test_weaker_claims_pass(outside):
    wide = {"loss": "[0.07 +/- 0.01]", "lambda_min": "[-0.24 +/- 1e-2]", "precision": 200}
    fl.Certificate.from_dict({**outside, **wide}).check(field_of(OUTSIDE))


# The balls

LENGTHS = st.floats(0.3, 3.0)
TURNS = st.sampled_from([0.0, 1e-12, 1e-8, 1e-3, 0.7, np.pi - 1e-8, np.pi])
SEEDS = st.integers(0, 2**32 - 1)
WEIGHTS = np.array([1.0, -0.7, 1.6]), np.array([1.3, -0.8])


def network(seed, turn, length, partner):
    """Three students, two teachers; student 2 at an angle to student 1 or to teacher 1."""
    rng = np.random.default_rng(seed)
    W, V = rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
    base = W[0] if partner == "student" else V[0]
    across = np.cross(base, rng.normal(size=3))
    across *= np.linalg.norm(base) / np.linalg.norm(across)
    exact = turn in (0.0, np.pi)
    # Only a power of two keeps the pair collinear to the last bit.
    size = 2.0 ** round(np.log2(length)) if exact else length
    W[1] = size * (np.cos(turn) * base + (0.0 if exact else np.sin(turn)) * across)
    return W, V, *WEIGHTS


def on_balls(form, W, *data, radius=0.0):
    return form(BALLS, balls(W, radius), *(balls(x) for x in data))


def distance(enclosures, values):
    """How far the values are outside their balls, at most."""
    outside = 0.0
    for ball, value in zip(np.ravel(enclosures), np.ravel(values), strict=True):
        assert ball.is_finite()
        outside = max(outside, float((abs(ball.mid() - arb(float(value))) - ball.rad()).upper()))
    return outside


FORMS = {"loss": _relu.loss, "gradient": _relu.gradient, "hessian": _relu.hessian}
PARTNERS = st.sampled_from(["student", "teacher"])


@settings(max_examples=30)
@given(seed=SEEDS, turn=TURNS, length=LENGTHS, partner=PARTNERS, bits=st.sampled_from([53, 128]))
def test_balls_contain_floats(seed, turn, length, partner, bits):
    """To within the rounding of the floats, at points and over boxes."""
    W, *data = network(seed, turn, length, partner)
    scale = max(1.0, 1 / np.linalg.norm(W, axis=1).min())
    near = W + 1e-6 * np.random.default_rng(seed).uniform(-1, 1, W.shape)
    with working_precision(bits):
        for form in FORMS.values():
            point = on_balls(form, W, *data)
            assert distance(point, form(NUMPY, W, *data)) < 1e-12 * scale
            box = on_balls(form, W, *data, radius=1e-6)
            for state in (W, near):
                assert distance(box, form(NUMPY, state, *data)) < 1e-12 * scale
            widest = max(float(ball.rad()) for ball in np.ravel(point))
            assert widest < (1e-6 if bits == 53 else 1e-17) * scale**2


def exactly(value):
    """An mpf as a ball of radius 0."""
    with working_precision(2000):
        sign, mantissa, exponent, _ = value._mpf_
        power = arb(2) ** abs(int(exponent))
        return (-1) ** sign * (arb(int(mantissa)) * (power if exponent >= 0 else 1 / power))


@settings(max_examples=12)
@given(seed=SEEDS, turn=TURNS, length=LENGTHS, partner=PARTNERS)
def test_balls_contain_the_oracle(seed, turn, length, partner):
    """The true values, at every precision that 120 digits can judge."""
    W, *data = network(seed, turn, length, partner)
    for name, form in FORMS.items():
        values = [exactly(x) for x in np.ravel(getattr(mp_relu, name)(W, *data))]
        for bits in (53, 128, 256):
            with working_precision(bits):
                enclosures = np.ravel(on_balls(form, W, *data))
            assert all(b.contains(v) for b, v in zip(enclosures, values, strict=True))


def test_hessians_over_a_box_contain_difference_quotients(rng):
    """The mean value theorem, across an aligned and an opposite pair."""
    W, V = rng.normal(size=(3, 3)), rng.normal(size=(2, 3))
    W[0], W[2] = 2 * V[0], -0.5 * W[1]
    radius = 1e-3
    hessian = on_balls(_relu.hessian, W, V, *WEIGHTS, radius=radius).reshape(9, 9)
    for _ in range(5):
        start, end = W + rng.uniform(-radius, radius, (2, 3, 3))
        change = (end - start).ravel()
        found = _relu.gradient(NUMPY, end, V, *WEIGHTS) - _relu.gradient(NUMPY, start, V, *WEIGHTS)
        assert distance(hessian @ balls(change), found) < 1e-14


def test_inertia_of_symmetric_matrices(rng):
    matrix = rng.normal(size=(6, 6))
    matrix = matrix + matrix.T
    values = np.linalg.eigvalsh(matrix)
    proved = inertia(balls(matrix, 1e-6), matrix)
    assert proved.index == np.sum(values < 0)
    assert distance([proved.smallest], [values[0]]) == 0
    # Every matrix of the box counts, the extreme ones too.
    for sign in (1, -1):
        other = np.linalg.eigvalsh(matrix + sign * 0.999e-6)
        assert distance([proved.smallest], [other[0]]) == 0
    with pytest.raises(Inconclusive, match="cannot be told from 0"):
        inertia(balls(matrix, 2 * np.abs(values).min()), matrix)
    with pytest.raises(Inconclusive, match="cannot be told from 0"):
        inertia(balls(np.diag([1.0, 0.0])), np.diag([1.0, 0.0]))


PLANTED = {
    "angle": lambda self, sine, cosine: np.frompyfunc(arb.atan2, 2, 1)(-sine, cosine),
    "unit": lambda self, part, sine: part,
    "root": lambda self, x: np.frompyfunc(lambda y: arb(0, 1e-9) + abs(y), 1, 1)(x),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_proves_nothing_false(name, monkeypatch, outside):
    monkeypatch.setattr(type(BALLS), name, PLANTED[name])
    with pytest.raises(fl.CertificationError):
        fl.Certificate.from_dict(outside).check(field_of(OUTSIDE))


# The room


def test_the_room_and_the_function_share_a_name(outside):
    room = importlib.import_module("flowlab.certify")
    field = field_of(OUTSIDE)
    for call in (fl.certify, room, room.certify):
        assert call(field, OUTSIDE).to_dict() == outside


def test_importing_flowlab_does_not_need_flint(monkeypatch):
    code = "import flowlab, sys; flowlab.Outcome; assert 'flint' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(sys.modules, "flint", None)
    source = Path(fl.__file__).parent / "certify" / "__init__.py"
    spec = importlib.util.spec_from_file_location("flowlab_without_flint", source)
    with pytest.raises(ImportError, match=r"pip install 'flowlab\[certify\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_certificates_print_what_they_prove():
    text = repr(fl.certify(field_of(TYPE_A_6), TYPE_A_6))
    assert "spurious minimum, index 0" in text
    assert dataclasses.is_dataclass(fl.Certificate)
