"""Certificates of manifolds, in fixed subspaces, of fields of one's own, of whole catalogs."""

import dataclasses
import importlib
import itertools
import json

import numpy as np
import pytest
import scipy
from oracles.block_families import FAMILY_POINTS
from test_certify import (
    OUTSIDE,
    TYPE_A_6,
    TYPE_TWO_6,
    TYPE_TWO_7,
    distance,
    encloses,
    field_of,
    network,
    on_balls,
    record,
    refuses,
    type_two,
)

import flowlab as fl
from flowlab.catalog import provenance
from flowlab.fields import _blocks as blocks, _relu
from flowlab.fields._block_derivative import velocity_along
from flowlab.fields._namespace import NUMPY

pytest.importorskip("flint")
from flint import arb

from flowlab.certify import _capture
from flowlab.certify._balls import BALLS, balls
from flowlab.certify._field import student_balls
from flowlab.certify._inertia import spectral_inertia

ORACLE = {(p.students, p.q, p.branch): p for p in FAMILY_POINTS}


def checked(field, state, **options):
    """A certificate that has been through JSON and proved once more."""
    certificate = fl.certify(field, state, **options)
    again = fl.Certificate.from_dict(json.loads(json.dumps(certificate.to_dict())))
    again.check(field)
    return again


# Manifolds


def diagonal(K, d, shares):
    """Theorem 7(2): the collinear saddle, its loss, and the constants of its spectrum."""
    x = (np.sqrt(K - 1) + np.pi - np.arccos(1 / np.sqrt(K))) / (np.pi * K)
    state = x * np.pad(np.outer(shares, np.ones(K)), [(0, 0), (0, d - K)])
    loss = (K / 2 + K * (K - 1) / (2 * np.pi)) / 2 - K**3 * x**2 / 4
    kappa = K / (2 * np.pi * x * np.sqrt(K - 1))
    return state, loss, kappa


@pytest.mark.parametrize(("K", "d"), [(2, 2), (3, 3), (3, 5), (5, 5)])
def test_the_collinear_simplex_is_certified_across(K, d):
    """Index (K-1)^2 in the plane, (K-1)(d-K) outside; the smallest eigenvalue is -kappa."""
    state, loss, kappa = diagonal(K, d, np.ones(K))
    certificate = checked(field_of(state), state)
    assert (certificate.index, certificate.nullity) == ((K - 1) ** 2 + (K - 1) * (d - K), K - 1)
    assert encloses(certificate.loss_interval, loss, 1e-14)
    assert encloses(certificate.lambda_min_interval, -kappa, 1e-14)
    assert certificate.error <= certificate.radius < 1e-12
    assert certificate.capture == 0


def test_students_may_divide_their_weight_as_they_like():
    """Positive weights can be taken into the students; the loss does not see the division."""
    shares = np.array([0.5, 1.0, 1.5])
    state, loss, _ = diagonal(3, 3, shares)
    plain = checked(field_of(state), state)
    assert (plain.index, plain.nullity) == (4, 2)
    weights = np.array([1.0, 2.0, 0.5])
    field = fl.TeacherStudent(np.eye(3), output_weights=weights)
    weighted = checked(field, state / weights[:, None])
    assert (weighted.index, weighted.nullity) == (4, 2)
    # With weights 1, 1, 1, -1 the fourth takes away what the others add.
    longer = np.concatenate([state * (1.3 / shares)[:, None], 0.9 * state[1:2]])
    signed = checked(fl.TeacherStudent(np.eye(3), output_weights=[1.0, 1.0, 1.0, -1.0]), longer)
    assert signed.nullity == 3
    for certificate in (plain, weighted, signed):
        assert encloses(certificate.loss_interval, loss, 1e-14)


@pytest.mark.parametrize("d", [4, 5, 6])
def test_the_circle_and_the_spheres_are_certified_across(d, rng):
    """Theorem 2: the saddle out of the plane is a sphere of d - 3 dimensions, however turned."""
    turned = np.linalg.qr(rng.normal(size=(d - 2, d - 2)))[0]
    out = np.pad(OUTSIDE[:, 2:], [(0, 0), (0, d - 3)]) @ turned
    state = np.concatenate([OUTSIDE[:, :2], out], axis=1)
    certificate = checked(field_of(state), state)
    assert (certificate.index, certificate.nullity) == (1, d - 3)
    assert encloses(certificate.loss_interval, 0.07361293252764933, 2e-15)
    assert encloses(certificate.lambda_min_interval, -0.239237, 5e-7)


def test_rotations_around_any_teacher(rng):
    """Teachers that no axis is free of: the complement is known up to balls only."""
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    state = np.pad(OUTSIDE, [(0, 0), (0, 1)]) @ turn
    field = fl.TeacherStudent(np.eye(2, 4) @ turn)
    # Rounding the teachers moves the point a little.
    certificate = checked(field, state)
    assert (certificate.index, certificate.nullity) == (1, 1)
    assert encloses(certificate.loss_interval, 0.07361293252764933, 1e-14)


def test_no_centre_makes_a_false_claim_pass(rng):
    """Certificates of the circle with other centres: refused, whatever is there."""
    state = np.pad(OUTSIDE, [(0, 0), (0, 1)])
    field = field_of(state)
    data = fl.certify(field, state).to_dict()
    for number in range(30):
        centre = state + rng.normal(size=state.shape) * 10.0 ** rng.uniform(-13, 2)
        if number % 3 == 0:
            centre = state * rng.choice([0.0, 1.0, -1.0, 1e-300, 1e300], size=state.shape)
        if number % 3 == 1:
            centre[1] = centre[0] * rng.uniform(0.5, 2)
        if np.array_equal(np.abs(centre), np.abs(state)):
            continue
        with pytest.raises(fl.CertificationError):
            fl.Certificate.from_dict({**data, "centre": centre.tolist()}).check(field)


def test_what_symmetry_and_splitting_do_not_explain_is_refused():
    copies = np.array([[0.3, 0.0], [0.7, 0.0], [0.0, 1.0]])
    refuses("nullity 2, of which .* explain 1", fl.TeacherStudent(np.eye(2), students=3), copies)
    wide = diagonal(2, 2, np.ones(2))[0] + 1e-4 * np.eye(2)
    refuses("No critical point lies within", field_of(wide), wide)
    weights = [1.0, 1.0, -1.0]
    cancelled = fl.TeacherStudent(np.eye(1, 2), students=3, output_weights=weights)
    refuses("weights cancel", cancelled, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    quartic = fl.GradientFlow(fl.ClosedForm(lambda xp, w: (w**4).sum()), (1,))
    refuses("degenerate: nullity 1", quartic, np.zeros(1))


def test_a_wrong_nullity_does_not_pass():
    state = diagonal(2, 2, np.ones(2))[0]
    field = field_of(state)
    data = fl.certify(field, state).to_dict()
    for changes in ({"nullity": 0}, {"index": 2}, {"capture": 0.1}):
        with pytest.raises(fl.CertificationError, match="says"):
            fl.Certificate.from_dict({**data, **changes}).check(field)
    refuses("says nullity 0; proved is 1", field, record(state, index=1))


# Fixed subspaces


@pytest.mark.parametrize("state", [TYPE_TWO_6, TYPE_TWO_7, TYPE_A_6])
def test_the_fixed_subspace_proves_what_all_states_prove(state, rng):
    field, K = field_of(state), len(state)
    full = fl.certify(field, state)
    moved = state[rng.permutation(K)][:, rng.permutation(K)]
    inside = checked(field, moved, in_subspace=True)
    assert inside.scope == "fixed subspace"
    assert (inside.index, inside.spurious) == (full.index, full.spurious) == (0, True)
    lower, upper = inside.loss_interval
    assert lower <= full.loss_interval[1]
    assert full.loss_interval[0] <= upper
    lower, upper = inside.lambda_min_interval
    assert lower <= full.lambda_min_interval[1]
    assert full.lambda_min_interval[0] <= upper
    assert inside.capture == pytest.approx(full.capture, rel=1e-6)


def blocks_of_7(p_own, p_other, q_own, q_other, right, below):
    W = np.zeros((7, 7))
    W[:5, :5], W[5:, 5:], W[:5, 5:], W[5:, :5] = p_other, q_other, right, below
    W[np.diag_indices(7)] = [p_own] * 5 + [q_own] * 2
    return W


def test_a_saddle_of_two_blocks_against_another_program():
    state = blocks_of_7(
        0.9539246809553191, -0.09294414550065486, -0.6758447815107566, 0.22447649586371538,
        0.2814999538443474, 0.2145551464801409,
    )  # fmt: skip
    known = ORACLE[7, 2, "F"]
    for wide in (state, np.pad(state, [(0, 0), (0, 2)])):
        certificates = [fl.certify(field_of(wide), wide, in_subspace=s) for s in (True, False)]
        assert certificates[0].index == certificates[1].index
        if wide is state:
            assert certificates[0].index == known.index
            assert encloses(certificates[0].loss_interval, known.loss, 1e-14)
            assert encloses(certificates[0].lambda_min_interval, known.lowest, 1e-12)
        assert not certificates[0].spurious


def large_type_two(K):
    """Type II for K students, by SciPy from the asymptotic values of its entries."""
    family = fl.block_family((K - 1, 1))
    where, sizes = family.layout, np.asarray(family.sizes)

    def velocity(z):
        return blocks.velocity(NUMPY, where, sizes, z, where.teacher)

    z = scipy.optimize.root(velocity, [1, 0, 2 / K, -1 + 4 / K, 1.3 / K], tol=1e-15).x
    return family, z, type_two(K, z[0], z[1], z[3], z[2], z[4])


def test_many_students_are_certified_in_the_fixed_subspace():
    """Type II at K = 50: 2,500 coordinates, by default in the subspace of five."""
    family, z, state = large_type_two(50)
    field = fl.TeacherStudent(np.eye(50))
    certificate = fl.certify(field, state)
    assert certificate.scope == "fixed subspace"
    assert (certificate.index, certificate.spurious) == (0, True)
    assert certificate.radius <= 1e-10
    of_family = checked(family, z)
    assert (of_family.index, of_family.scope) == (0, "all states")
    assert encloses(of_family.loss_interval, certificate.loss_interval[0], 1e-15)


def test_the_teacher_of_many_students():
    """Aligned pairs in the fixed subspace: 2,500 coordinates; 1/4 - 1/2pi whatever K is."""
    certificate = fl.certify(field_of(np.eye(50)), np.eye(50))
    assert (certificate.index, certificate.nullity, certificate.spurious) == (0, 0, False)
    assert encloses(certificate.lambda_min_interval, 1 / 4 - 1 / (2 * np.pi))
    assert np.ptp(certificate.lambda_min_interval) < 1e-6
    assert encloses(certificate.loss_interval, 0.0)


@pytest.mark.parametrize("sizes", [(4, 2, 1), (4.5, 1)])
def test_the_derivative_on_blocks_against_differences(sizes, rng):
    """In closed form, at a generic point, and at the teacher, where pairs are aligned."""
    sizes = np.array(sizes)
    where = blocks.layout(tuple((sizes == 1).tolist()))
    tangent = rng.normal(size=where.size)
    for z, tolerance in ((rng.normal(size=where.size), 1e-8), (where.teacher, 1e-5)):
        step = 1e-6 * tangent
        ends = [
            blocks.velocity(NUMPY, where, sizes, w, where.teacher) for w in (z + step, z - step)
        ]
        along = velocity_along(NUMPY, where, sizes, z, where.teacher, tangent)
        np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-6, atol=tolerance)
        box = balls(z, 1e-9)
        enclosed = velocity_along(BALLS, where, sizes, box, balls(where.teacher), balls(tangent))
        assert distance(enclosed, along) < 1e-12


def test_a_family_of_real_size():
    """Type II passes from a saddle to a minimum at K = 5.5855; within its family it is a sink."""
    family = fl.block_family((4.5, 1))
    sizes, where = np.asarray(family.sizes), family.layout

    def velocity(z):
        return blocks.velocity(NUMPY, where, sizes, z, where.teacher)

    z = scipy.optimize.root(velocity, [0.98, -0.06, 0.32, -0.59, 0.24], tol=1e-15).x
    certificate = checked(family, z)
    assert (certificate.index, certificate.spurious) == (0, False)
    loss = blocks.loss(NUMPY, where, sizes, z, where.teacher)
    assert encloses(certificate.loss_interval, float(loss), 1e-13)


def test_fixed_subspaces_refuse(rng):
    scattered = np.eye(31) + 0.1 * rng.normal(size=(31, 31))
    refuses("961 coordinates and no blocks", field_of(scattered), scattered)
    collinear = diagonal(4, 4, np.ones(4))[0]
    refuses("'standard 1' 1 eigenvalues", field_of(collinear), collinear, in_subspace=True)
    refuses("no fixed subspace", field_of(OUTSIDE), OUTSIDE, in_subspace=True)
    field = field_of(TYPE_A_6)
    data = fl.certify(field, TYPE_A_6, in_subspace=True).to_dict()
    data["centre"][0][1] += 1e-15
    with pytest.raises(fl.CertificationError, match="in no such place"):
        fl.Certificate.from_dict(data).check(field)


# Fields of one's own


def test_elementary_functions_are_certified():
    """cos x = x: the Dottie number; the slope there is -1 - sin x."""
    field = fl.VectorField(fl.ClosedForm(lambda xp, w: xp.cos(w) - w), (1,))
    dottie = 0.739085133215160641655312087674
    certificate = checked(field, [dottie], radius=0.1)
    assert (certificate.index, certificate.loss) == (0, None)
    assert abs(certificate.centre[0] - dottie) <= certificate.error < 1e-12
    assert encloses(certificate.lambda_min_interval, 1 + np.sin(dottie), 1e-12)
    # The slope -1 - sin x is negative as far as -pi/2.
    assert 1.5 < certificate.capture < dottie + np.pi / 2


def test_a_field_that_is_no_gradient():
    """The damped pendulum: a focus with eigenvalues (-1 ± i sqrt 3)/2 and a saddle."""
    form = fl.ClosedForm(lambda xp, w: xp.stack([w[1], -xp.sin(w[0]) - w[1]]))
    field = fl.VectorField(form, (2,))
    focus, saddle = checked(field, [0.0, 0.0]), checked(field, [np.pi, 0.0])
    assert (focus.index, saddle.index) == (0, 1)
    assert encloses(focus.lambda_min_interval, 0.5, 1e-15)
    assert encloses(saddle.lambda_min_interval, (1 - np.sqrt(5)) / 2, 1e-12)
    # The distance to the focus oscillates: no Euclidean ball is proved.
    assert focus.capture == 0


def test_known_systems_are_certified():
    wells = checked(fl.zoo.double_wells(2), [1.0, -1.0])
    assert (wells.index, wells.spurious) == (0, False)
    # V'' = 3x^2 - 1 > 0 beyond 1/sqrt(3).
    assert 0.2 < wells.capture < 1 - 3**-0.5
    assert checked(fl.zoo.double_wells(2), [0.0, 0.0]).index == 2
    saddle = [-0.8220015587, 0.6243128028]
    brown = checked(fl.zoo.muller_brown(), saddle)
    assert brown.index == 1
    assert encloses(brown.loss_interval, -40.664844, 5e-7)


def test_eigenvalues_of_matrices_that_are_not_symmetric(rng):
    square = rng.normal(size=(5, 5))
    found = spectral_inertia(balls(square, 1e-9))
    values = np.linalg.eigvals(square).real
    assert found.index == np.sum(values < 0)
    assert distance([found.smallest], [values.min()]) < 1e-9


def test_a_box_with_two_solutions_is_refused():
    well = fl.zoo.double_well()
    refuses("the box is too wide", well, [1.0, 0.0], radius=1.1)
    assert fl.certify(well, [1.0, 0.0], radius=0.1).radius == 0.1
    # The students in the other order are in the box as well.
    teacher = np.array([[1.0, 0.8], [0.8, 1.0]])
    refuses("the box is too wide", fl.TeacherStudent(teacher), teacher, radius=0.21)


def test_slow_points_and_kinks_are_refused():
    ghost = fl.VectorField(fl.ClosedForm(lambda xp, w: xp.stack([0.01 + w[0] * w[0], -w[1]])), (2,))
    refuses("No critical point lies within", ghost, [0.0, 0.0])
    kink = fl.VectorField(fl.ClosedForm(lambda xp, w: -xp.abs(w)), (1,))
    refuses("touches a singularity", kink, [0.0])
    plain = fl.VectorField(lambda w: -w, (1,))
    refuses("no closed form", plain, [0.0])
    branch = fl.VectorField(fl.ClosedForm(lambda xp, w: xp.where(w > 0, w, 2 * w)), (1,))
    refuses("chooses a branch", branch, [0.0])
    foreign = fl.GradientFlow(fl.ClosedForm(lambda xp, w: (w.astype(float) ** 2).sum()), (1,))
    refuses("cannot be evaluated on balls", foreign, [0.0])


# Planted errors


def _flipped(plain):
    return lambda self, *arguments: -plain(self, *arguments)


def _every_other_flipped(plain):
    # Of two unit vectors that enter by their product.
    calls = itertools.count()
    return lambda self, *arguments: (-1) ** next(calls) * plain(self, *arguments)


@pytest.mark.parametrize(("name", "plant"), [("angle", _flipped), ("unit", _every_other_flipped)])
def test_a_planted_sign_is_seen_where_floats_and_balls_are_compared(name, plant, monkeypatch):
    """The comparison of `test_balls_contain_floats` sees a sign that is wrong on balls only."""
    W, *data = network(3, 0.7, 1.0, "student")
    forms = (_relu.loss, _relu.gradient, _relu.hessian)

    def worst():
        return max(distance(on_balls(form, W, *data), form(NUMPY, W, *data)) for form in forms)

    assert worst() < 1e-12
    monkeypatch.setattr(type(BALLS), name, plant(getattr(type(BALLS), name)))
    assert worst() > 1e-2


# Capture balls


def test_the_bounds_of_the_third_derivatives(rng):
    """Norms of differences of Hessians of one pair: never above c1 and c2, and close to c2."""
    c1, c2 = np.sqrt(5) / (2 * np.pi), np.sqrt(31 / 3) / (2 * np.pi)
    worst = np.zeros(3)
    for _ in range(300):
        w, u = rng.normal(size=(2, 3))
        step = rng.normal(size=3)
        step *= 1e-6 / np.linalg.norm(step)
        sizes = np.linalg.norm(w), np.linalg.norm(u)

        def parts(w, u):
            by_u, by_w = _relu.gating_jacobians(NUMPY, w[None], u[None])
            return by_u[0, 0], by_w[0, 0]

        def change(w, u, to, parts=parts):
            return [np.linalg.norm(b - a, 2) / 1e-6 for a, b in zip(parts(w, u), parts(*to),
                                                                    strict=True)]  # fmt: skip

        moved, other = change(w, u, (w + step, u)), change(w, u, (w, u + step))
        ratios = [moved[0] * sizes[0] / c1, moved[1] * sizes[0] ** 2 / sizes[1] / c2,
                  other[1] * sizes[0] / c1]  # fmt: skip
        worst = np.maximum(worst, ratios)
    assert np.all(worst < 1 + 1e-4)
    assert np.all(worst > 0.5)


@pytest.mark.parametrize("state", [np.eye(2), TYPE_TWO_6], ids=["teacher", "type II"])
def test_the_lipschitz_constant_bounds_differences_of_hessians(state, rng):
    numbers = student_balls(field_of(state))
    norms = [(x * x).sum().sqrt() for x in balls(state)]
    reach = 0.05
    bound = _capture.lipschitz(numbers, norms, arb(reach))
    assert bound is not None
    constant = float(bound)
    data = numbers.teacher, numbers.output_weights, numbers.teacher_weights

    def hessian(w):
        return _relu.hessian(NUMPY, w, *data).reshape(w.size, w.size)

    for _ in range(20):
        steps = rng.normal(size=(2, *state.shape))
        steps *= (
            reach * rng.uniform(0, 1, (2, 1, 1)) / np.linalg.norm(steps, axis=(1, 2))[:, None, None]
        )
        gap = np.linalg.norm(hessian(state + steps[0]) - hessian(state + steps[1]), 2)
        assert gap <= constant * np.linalg.norm(steps[0] - steps[1])


@pytest.mark.parametrize("state", [np.eye(2), np.eye(3), TYPE_TWO_6, TYPE_A_6])
def test_the_distance_falls_in_a_certified_ball(state, rng):
    field = field_of(state)
    certificate = checked(field, state)
    assert certificate.capture > 1e-4
    data = np.eye(len(state)), np.ones(len(state)), np.ones(len(state))
    for _ in range(50):
        step = rng.normal(size=state.shape)
        step *= certificate.capture * rng.uniform(0.1, 1) / np.linalg.norm(step)
        slope = _relu.gradient(NUMPY, state + step, *data)
        assert np.sum(step * slope) > 0
    with pytest.raises(fl.CertificationError, match="says capture"):
        dataclasses.replace(certificate, capture=2 * certificate.capture).check(field)


# Records and catalogs


@pytest.fixture(scope="module")
def catalog():
    """Two students: the teacher, a saddle, and a flat saddle."""
    field = fl.TeacherStudent(np.eye(2))
    states = [np.eye(2), np.array([[1.51081832985837, -0.0966047674852793]]).T / np.sqrt(2)]
    states[1] = np.repeat(states[1], 2, axis=1)
    states.append(0.534154943091895 * np.ones((2, 2)))
    points = [fl.classify(field, fl.refine(field, state).location) for state in states]
    points = tuple(p.replace(id=f"p{n}") for n, p in enumerate(points, 1))
    return fl.Catalog(points, field.spec(), provenance(field))


@pytest.fixture(scope="module")
def proved(catalog):
    field = catalog.field()
    return catalog.replace(points=tuple(fl.certify_record(field, p) for p in catalog))


def test_records_carry_certificates_and_balls(proved):
    field = proved.field()
    for point in proved:
        fl.check_record(field, point)
    certificates, ball = [point.certificate or {} for point in proved], proved["p1"].capture or {}
    assert ball["provenance"] == "certified"
    assert 0.04 < ball["radius"] == certificates[0]["capture"]
    assert proved["p2"].capture is None


LIES = {
    "index": ("p2", {"index": 2}),
    "nullity": ("p3", {"nullity": 0}),
    "loss": ("p2", {"loss": 0.0861}),
    "location": ("p1", {"location": np.eye(2) + 1e-6}),
    "kind": ("p1", {"kind": "spurious minimum"}),
    "eigenvalues": ("p1", {"eigenvalues": np.array([0.0908, 0.4, 0.5, 0.9])}),
    "capture": ("p1", {"capture": {"radius": 0.5, "root": None, "provenance": "certified"}}),
}


@pytest.mark.parametrize("name", LIES)
def test_a_record_that_says_something_else_is_refused(name, proved):
    point, changes = LIES[name]
    with pytest.raises(fl.CertificationError, match=f"{point} says .*{name}"):
        fl.check_record(proved.field(), proved[point].replace(**changes))


def test_certify_writes_into_a_catalog(flowlab, catalog, tmp_path):
    file = tmp_path / "catalog.json"
    catalog.to_json(file)
    status, printed, _ = flowlab("certify", "--check", file)
    assert status == 1
    assert "Without a certificate: p1, p2, p3" in printed
    status, printed, _ = flowlab("certify", file)
    assert status == 0
    assert "3 of 3 points are certified" in printed
    once = file.read_bytes()
    held = fl.Catalog.from_json(file)
    assert [(p.certificate or {})["nullity"] for p in held] == [0, 0, 1]
    status, printed, _ = flowlab("certify", file)
    assert status == 0
    assert "3 were certified already" in printed
    assert file.read_bytes() == once
    status, printed, _ = flowlab("certify", "--check", file)
    assert status == 0
    assert printed.splitlines()[-1] == "3 of 3 certificates hold."
    assert flowlab("certify", "--again", "--precision", "256", file)[0] == 0
    assert (fl.Catalog.from_json(file)["p2"].certificate or {})["precision"] == 256


def test_an_interrupted_run_goes_on(flowlab, catalog, tmp_path, monkeypatch):
    file = tmp_path / "catalog.json"
    catalog.to_json(file)
    room = importlib.import_module("flowlab.certify")
    plain = room.certify_record

    def interrupted(field, record, **options):
        if record.id == "p2":
            raise KeyboardInterrupt
        return plain(field, record, **options)

    monkeypatch.setattr(room, "certify_record", interrupted)
    status, _, error = flowlab("certify", file)
    assert status == 130
    assert "goes on from there" in error
    certified = [p.certificate is not None for p in fl.Catalog.from_json(file)]
    assert certified == [True, False, False]
    monkeypatch.undo()
    assert fl.Catalog.from_json(file)["p1"].certificate


def test_an_edited_file_does_not_pass(flowlab, proved, tmp_path):
    """Edited by hand the checksum fails; written with a false claim, the proof does."""
    file = tmp_path / "catalog.json"
    proved.to_json(file)
    text = file.read_text()
    assert '"spurious": false' in text
    file.write_text(text.replace('"spurious": false', '"spurious": true', 1))
    assert flowlab("certify", "--check", file)[0] == 2
    false = {**(proved["p2"].certificate or {}), "index": 0}
    points = (proved["p1"], proved["p2"].replace(certificate=false, index=0), proved["p3"])
    proved.replace(points=points).to_json(file)
    status, printed, _ = flowlab("certify", "--check", file)
    assert status == 1
    assert "p2: The certificate says index 0; proved is 1." in printed
    assert "2 of 3 certificates hold." in printed


def test_certify_says_why_a_point_is_not_certified(flowlab, catalog, tmp_path):
    file = tmp_path / "catalog.json"
    slow = catalog["p2"].replace(location=catalog["p2"].location + 1e-3)
    catalog.replace(points=(catalog["p1"], slow)).to_json(file)
    status, printed, _ = flowlab("certify", file)
    assert status == 1
    assert "p2: No critical point lies within" in printed
    assert "1 of 2 points are certified" in printed
    assert fl.Catalog.from_json(file)["p1"].certificate is not None
    status, _, error = flowlab("certify", tmp_path / "points.csv")
    assert status == 2
    assert "no .json" in error


@pytest.mark.slow
def test_certified_balls_change_no_label(getkey):
    """Two thousand starts, once stopped in the certified balls, once followed to their ends.

    All that a search finds for three students is certified, manifolds included.
    """
    field, key = fl.TeacherStudent(np.eye(3)), getkey()
    catalog = fl.find_critical_points(field, key=getkey(), starts=100)
    assert len(catalog) >= 8 and any(point.nullity for point in catalog)
    catalog = catalog.replace(points=tuple(fl.certify_record(field, p) for p in catalog))
    minima = [point for point in catalog if point.index == 0]
    options = {"key": key, "sampler": fl.Normal(3**-0.5), "catalog": catalog}
    caught = fl.settle(field, 2_000, **options)
    followed = fl.settle(field, 2_000, capture=False, **options)
    assert caught.counts["captured"] > 1_900
    for point in minima:
        assert caught.catalog[point.id].capture == point.capture
        assert (point.capture or {})["radius"] < fl.capture_ball(field, point).radius
    np.testing.assert_array_equal(caught.point, followed.point)
    assert np.abs(np.asarray(caught.state) - np.asarray(followed.state)).max() < 1e-9
