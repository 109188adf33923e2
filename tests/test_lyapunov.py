"""Lyapunov functions: what the search finds, what is proved, and that false claims are not."""

import functools as ft

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import flowlab as fl
from flowlab.fields import _relu
from flowlab.fields._namespace import NUMPY

pytest.importorskip("flint")
from flint import arb

from flowlab.certify._balls import BALLS, balls, working_precision
from flowlab.certify._cover import positive_on
from flowlab.certify._duals import gradient, jacobian
from flowlab.certify._rate import box_of, rate_of
from flowlab.certify._refusal import Inconclusive
from flowlab.certify._theorem5 import reduced_determinant

WELL = fl.zoo.double_well()
DUFFING = fl.zoo.duffing()
TEACHER = np.array([[1.0, 0.0]])
STUDENT = fl.TeacherStudent(TEACHER)
DISTANCE = fl.distance_candidate([1.0, 0.0])
FORM = fl.quadratic_candidate(DUFFING, [1.0, 0.0])


def inside(ball, value):
    """Whether a ball holds an mpmath number, up to the number's own last digits."""
    return ball.overlaps(arb(mpmath.nstr(value, 30)) + arb(0, 1e-25))


def ends(field, starts, time=60.0):
    """Where trajectories are after a long time, by SciPy."""
    velocity = jax.jit(lambda w: field(0.0, w))
    solve = ft.partial(
        solve_ivp, lambda t, w: np.asarray(velocity(w)), (0.0, time), method="DOP853"
    )
    return np.stack([solve(start, rtol=1e-9, atol=1e-11).y[:, -1] for start in np.asarray(starts)])


# One student in norm and angle


@pytest.mark.parametrize("teacher", [(1.0, 0.0), (0.3, -1.2, 0.7), tuple(np.arange(1.0, 8.0))])
def test_one_student_flow_is_the_full_flow(teacher, rng):
    reduced = fl.one_student_flow(teacher)
    full = reduced.field
    w = rng.normal(size=(1, len(teacher)))
    states = [w, 1e-3 * w, 100 * w]
    for state in map(jnp.asarray, states):
        z, velocity = jax.jvp(reduced.project, (state,), (full(0.0, state),))
        assert np.allclose(reduced(0.0, z), velocity, rtol=1e-13, atol=1e-13)
        assert abs(float(reduced.loss(z) - full.loss(state))) < 1e-13 * max(1, float(z[0]) ** 2)
        lifted = reduced.lift(z)
        assert np.allclose(reduced.project(lifted), z, rtol=1e-13)
        # At any place with this norm and angle the full field is the same, up to a rotation.
        assert np.allclose(jnp.linalg.norm(full(0.0, lifted)), jnp.linalg.norm(full(0.0, state)))


def test_one_student_flow_ends_where_it_should():
    flow = fl.one_student_flow((0.6, 0.8))
    assert np.allclose(ends(flow, [[0.3, 3.0], [2.0, 1.0], [0.05, 0.2]]), [1.0, 0.0], atol=1e-3)
    assert fl.field_from_spec(flow.spec()) == flow
    with pytest.raises(ValueError, match="d >= 2"):
        fl.one_student_flow([1.0])


# Regions

RING = fl.Difference(fl.BallRegion([0.0, 0.0], 2.0), fl.BallRegion([0.0, 0.0], 1.0))
HALF = fl.Intersection(RING, fl.HalfSpace([1.0, 0.0], 0.5), fl.BoxRegion([-2, -2], [2, 1.5]))
LEVEL = fl.Sublevel(DISTANCE, 0.5, fl.BoxRegion([-1, -1], [3, 1]))


def test_regions_contain_what_geometry_says(rng):
    x, y = states = rng.uniform(-3, 3, size=(2, 400))
    size = np.hypot(x, y)
    ring = (size <= 2) & (size >= 1)
    assert np.array_equal(RING.contains(states.T), ring)
    assert np.array_equal(HALF.contains(states.T), ring & (x <= 0.5) & (y <= 1.5))
    assert np.array_equal(LEVEL.contains(states.T), (np.hypot(x - 1, y) <= 1))


@pytest.mark.parametrize("region", [RING, HALF, LEVEL], ids=["ring", "half", "level"])
def test_boxes_are_surely_inside_or_outside_only_if_they_are(region, rng):
    sides = []
    for corner in rng.uniform(-3, 3, size=(200, 2)):
        upper = corner + rng.uniform(0.01, 0.8, size=2)
        side = region.side(BALLS, box_of(corner, upper))
        held = region.contains(rng.uniform(corner, upper, size=(50, 2)))
        assert side == 0 or held.all() == (side < 0) and held.any() == (side < 0)
        sides.append(side)
    assert {-1, 0, 1} == set(sides)


def test_draws_lie_in_the_region_and_fill_it(getkey):
    draws = RING.sample(getkey(), 2000)
    assert RING.contains(draws).all()
    # The squared radius of a uniform point of the ring is uniform on [1, 4].
    squares = np.sort((draws**2).sum(-1))
    expected = 1 + 3 * (np.arange(2000) + 0.5) / 2000
    assert np.abs(squares - expected).max() < 3 * 1.63 / 2000**0.5
    again = [RING.sample(jax.random.key(1), count) for count in (10, 20)]
    assert np.array_equal(again[0], again[1][:10])
    high = fl.Difference(fl.BallRegion(np.zeros(30), 1.0), fl.BallRegion(np.zeros(30), 0.5))
    assert high.contains(high.sample(getkey(), 100)).all()


def test_empty_or_unbounded_regions_are_refused(getkey):
    apart = fl.Intersection(
        fl.BallRegion([0.0, 0.0], 1.0),
        fl.BallRegion([1.9, 0.0], 0.8),
        fl.HalfSpace([1.0, 0.0], 0.0),
    )
    with pytest.raises(ValueError, match="more tightly"):
        apart.sample(getkey(), 3)
    with pytest.raises(ValueError, match="no known bounds"):
        fl.HalfSpace([1.0, 0.0]).sample(getkey(), 5)
    for broken in (
        lambda: fl.BallRegion([0.0], -1.0),
        lambda: fl.BoxRegion([1.0], [0.0]),
        lambda: fl.HalfSpace([0.0]),
    ):
        with pytest.raises(ValueError, match="needed"):
            broken()


# Derivatives on balls


def everything(xp, w):
    x, y = w[0], w[1]
    smooth = xp.sin(x) * xp.cos(y) + xp.exp(x * y) - xp.log(2 + x) / xp.sqrt(3 + y) + xp.tanh(x - y)
    return smooth + xp.arctan(x) ** 3 + xp.maximum(x, y - 9) + xp.abs(y + 5) + xp.root(1 + x * x)


def test_duals_agree_with_jax(rng):
    V = fl.ClosedForm(everything)
    for w in rng.uniform(-0.9, 0.9, size=(5, 2)):
        slopes = gradient(everything, balls(w))
        curvature = jacobian(V.gradient, balls(w))
        assert np.allclose([float(g) for g in slopes], jax.grad(V)(w), rtol=1e-13)
        expected = jax.hessian(V)(w)
        assert np.allclose([[float(h) for h in row] for row in curvature], expected, rtol=1e-12)


def test_rates_over_boxes_contain_the_rates(rng):
    valley = fl.zoo.muller_brown()
    cases = [
        (WELL, DISTANCE, (2,)),
        (DUFFING, FORM, (2,)),
        (STUDENT, fl.distance_candidate(TEACHER), (1, 2)),
        (STUDENT, fl.loss_candidate(STUDENT), (1, 2)),
        (valley, fl.loss_candidate(valley), (2,)),
    ]
    for field, V, shape in cases:
        rate = rate_of(field, V)
        exact = jax.jit(lambda w, V=V, field=field: jnp.sum(jax.grad(V)(w) * field(0.0, w)))
        for corner in rng.uniform(-0.8, 0.8, size=(4, *shape)):
            upper = corner + 0.02
            natural, (sharp, _) = rate.over(box_of(corner, upper)), rate.sharper(corner, upper)
            for point in rng.uniform(corner, upper, size=(5, *shape)):
                value = float(exact(point))
                room = arb(0, 1e-11 * (1 + abs(value)))
                assert natural.overlaps(value + room)
                assert not sharp.is_finite() or sharp.overlaps(value + room)
            if sharp.is_finite():
                assert sharp.rad() < 3 * natural.rad()


def test_sharp_angles_are_the_angles(rng):
    W, U = rng.normal(size=(2, 3, 4))
    U[0] = 2 * W[0]
    U[1] = -W[1]
    for same in (False, True):
        other = W if same else U
        plain, sharp = (f(NUMPY, W, other, same) for f in (_relu.angles, _relu.sharp_angles))
        for name in plain._fields:
            assert np.allclose(getattr(plain, name), getattr(sharp, name), rtol=1e-13, atol=3e-8)
    tiny = balls(np.array([[1.0, 0.0]]), 1e-6)
    theta = _relu.sharp_angles(BALLS, tiny, balls(np.array([[1.0, 0.0]])), False).theta[0, 0]
    assert theta.upper() < 1e-5


# The search


def test_a_false_candidate_is_found_out(getkey):
    box = fl.BoxRegion([-0.5, -0.5], [0.9, 0.5])
    check = fl.check_lyapunov(WELL, DISTANCE, box, key=getkey(), samples=1000)
    assert not check.holds
    x, y = check.point
    assert check.rate == pytest.approx((x - 1) * (x - x**3) - y**2, rel=1e-12)
    assert check.rate > 0 and box.contains([check.point]).all()
    assert 0 < check.counterexamples < 1000
    assert "counterexample" in repr(check)


def test_climbing_finds_what_samples_miss(getkey):
    """Outside of a thin cap of the ball the candidate decreases."""
    field = fl.VectorField(lambda w: -w * (0.999 - w[0]), shape=(3,))
    region = fl.Difference(fl.BallRegion(np.zeros(3), 1.0), fl.BallRegion(np.zeros(3), 0.1))
    bowl = fl.distance_candidate(np.zeros(3))
    check = fl.check_lyapunov(field, bowl, region, key=getkey(), samples=200)
    assert check.counterexamples == 0
    # The cosine is -1 on one side and 1 on the other: no slope leads there, and none is found.
    tilted = fl.VectorField(
        lambda w: -w * (0.999 - w[0]) + 0.3 * jnp.array([w[1], -w[0], 0.0]), shape=(3,)
    )
    check = fl.check_lyapunov(tilted, bowl, region, key=getkey(), samples=200)
    assert check.counterexamples == 0 and not check.holds
    assert check.point[0] > 0.999


def test_true_candidates_pass_in_any_dimension(getkey):
    teacher = np.eye(1, 10)
    field = fl.TeacherStudent(teacher)
    omega = fl.Difference(fl.BallRegion(teacher, 1.0), fl.BallRegion(teacher, 0.05))
    check = fl.check_lyapunov(
        field, fl.distance_candidate(teacher), omega, key=getkey(), samples=2000
    )
    assert check.holds and check.rate < 0
    # Proved: dV/dt <= -0.4536 V.
    assert check.rate < -0.45 * 0.5 * 0.05**2
    assert check.counterexamples == check.undecided == check.nonfinite == 0


def test_forms_that_branch_are_refused():
    # A box across the branch would get the velocity of one side only.
    step = fl.VectorField(fl.ClosedForm(lambda xp, w: xp.where(w > 0.5, w, -w)), (1,))
    region, smooth = fl.BoxRegion([0.1], [0.6]), fl.distance_candidate([0.0])
    with pytest.raises(fl.CertificationError, match="branch"):
        fl.prove_lyapunov(step, smooth, region)
    inward = fl.VectorField(fl.ClosedForm(lambda xp, w: -w), (1,))
    kinked = fl.ClosedForm(
        lambda xp, w: (w * w).sum() / 2, lambda xp, w: xp.where(w > 0.5, -w, w), name="kinked"
    )
    with pytest.raises(fl.CertificationError, match="branch"):
        fl.prove_lyapunov(inward, kinked, region)


def test_the_search_refuses_nonsense(getkey):
    with pytest.raises(ValueError, match="scalar"):
        fl.check_lyapunov(WELL, lambda w: w, RING, key=getkey())
    with pytest.raises(ValueError, match="shape"):
        fl.check_lyapunov(WELL, DISTANCE, fl.BallRegion(np.zeros(3), 1.0), key=getkey(), samples=10)
    with pytest.raises(ValueError, match="isolated sink"):
        fl.quadratic_candidate(WELL, [0.0, 0.0])


def test_the_quadratic_candidate_solves_the_lyapunov_equation(rng):
    for field, sink in ((DUFFING, [1.0, 0.0]), (WELL, [-1.0, 0.0])):
        P = jax.hessian(fl.quadratic_candidate(field, sink))(jnp.array([0.3, 0.2]))
        A = np.asarray(field.jacobian(jnp.array(sink)))
        assert np.allclose(A.T @ P + P @ A, -np.eye(2), atol=1e-12)


# The proofs


def test_decrease_is_proved_up_to_the_sink():
    region = fl.BallRegion([1.0, 0.0], 0.99)
    proof = fl.prove_lyapunov(WELL, DISTANCE, region, sink=[1.0, 0.0])
    assert proof.proved and proof.decided == 1 and "less the sink" in proof.statement
    # The first midpoint of this region is the sink, where dV/dt is 0 and so not negative.
    assert fl.prove_lyapunov(WELL, DISTANCE, region).counterexample.tolist() == [1.0, 0.0]
    aside = fl.BoxRegion([0.3, -0.6], [1.8, 0.5])
    without = fl.prove_lyapunov(WELL, DISTANCE, aside, max_boxes=2000)
    assert without.verdict == "undecided" and without.decided > 0.99
    assert np.abs(without.undecided - [1.0, 0.0]).max() < 0.1
    ring = fl.Difference(region, fl.BallRegion([1.0, 0.0], 0.01))
    assert fl.prove_lyapunov(WELL, DISTANCE, ring).proved


def test_a_counterexample_is_proved():
    proof = fl.prove_lyapunov(WELL, DISTANCE, fl.BoxRegion([-0.5, -0.5], [0.9, 0.5]))
    x, y = proof.counterexample
    assert proof.verdict == "counterexample" and (x - 1) * (x - x**3) - y**2 >= 0
    assert "not negative" in proof.statement and "counterexample" in repr(proof)


WIDTH = 1e-4


def sliver(xp, w, height):
    """-w, turned round on a spot of relative size 1e-4."""
    gap = (xp.square(w[0] - 0.417) + xp.square(w[1] - 0.283)) / WIDTH**2
    return -w * (1 - height * xp.exp(-gap))


@pytest.mark.parametrize("height, verdict", [(1.5, "counterexample"), (0.9, "proved")])
def test_a_sliver_is_not_overlooked(height, verdict, getkey):
    field = fl.VectorField(fl.ClosedForm(lambda xp, w: sliver(xp, w, height)), shape=(2,))
    V = fl.distance_candidate([0.0, 0.0])
    proof = fl.prove_lyapunov(field, V, fl.BallRegion([0.0, 0.0], 1.0), sink=[0.0, 0.0])
    assert proof.verdict == verdict
    if verdict == "counterexample":
        assert np.hypot(*(proof.counterexample - [0.417, 0.283])) < WIDTH


def test_a_touching_candidate_is_not_accepted():
    """dV/dt = 0 at one point away from the sink, exactly."""
    place = np.array([1 / 3, 0.3])
    stopping = fl.ClosedForm(lambda xp, w: -w * xp.square(w - place).sum())
    field = fl.VectorField(stopping, shape=(2,))
    V = fl.distance_candidate([0.0, 0.0])
    proof = fl.prove_lyapunov(field, V, fl.BallRegion([0.4, 0.3], 0.35), max_boxes=3000)
    assert proof.verdict == "undecided"
    low, high = proof.undecided.min((0, 1)), proof.undecided.max((0, 1))
    assert (low <= place).all() and (place <= high).all() and (high - low).max() < 0.1


def test_theorem5_by_boxes_agrees_with_theorem5():
    region = fl.Difference(fl.BallRegion(TEACHER, 1.0), fl.BallRegion([[0.0, 0.0]], 0.3))
    V = fl.distance_candidate(TEACHER)
    proof = fl.prove_lyapunov(STUDENT, V, region, sink=TEACHER)
    assert proof.proved
    # The distance from another point does not decrease near it.
    other = fl.distance_candidate([[0.7, 0.2]])
    assert fl.prove_lyapunov(STUDENT, other, region).verdict == "counterexample"


def test_largest_sublevel_ends_at_the_saddle():
    box = fl.BoxRegion([-1, -2], [3, 2])
    proof = fl.largest_sublevel(WELL, DISTANCE, box, sink=[1.0, 0.0], tolerance=1e-3)
    assert proof.proved and 0.4985 < proof.level <= 0.5 <= proof.limit < 0.5006
    ring = fl.largest_sublevel(WELL, DISTANCE, box, floor=0.01)
    assert 0.49 < ring.level <= 0.5
    # Where the faces are nearer than the saddle, they are the limit.
    near = fl.largest_sublevel(WELL, DISTANCE, fl.BoxRegion([0.5, -1], [2, 1]), sink=[1.0, 0.0])
    assert 0.12 < near.level <= 0.125 <= near.limit
    saddle = fl.distance_candidate([0.0, 0.0])
    nothing = fl.largest_sublevel(WELL, saddle, fl.BoxRegion([-0.5, -1], [0.6, 1]), floor=0.0)
    assert not nothing.proved and nothing.region is None


def test_trajectories_from_a_proved_sublevel_set_converge(getkey):
    box = fl.BoxRegion([0.0, -1.0], [2.0, 1.0])
    proof = fl.largest_sublevel(DUFFING, FORM, box, sink=[1.0, 0.0], tolerance=0.05)
    assert proof.proved and "converges to the sink" in proof.statement
    starts = proof.region.sample(getkey(), 5)
    assert np.allclose(ends(DUFFING, starts), [1.0, 0.0], atol=1e-3)
    # And the limit is no artefact: V does not decrease everywhere a little above it.
    wider = fl.Difference(
        fl.Sublevel(FORM, 1.05 * proof.limit, box), fl.Sublevel(FORM, proof.level)
    )
    check = fl.check_lyapunov(DUFFING, FORM, wider, key=getkey(), samples=2000)
    assert not check.holds


def test_refusals_say_why():
    plain = fl.VectorField(lambda w: -w, shape=(2,))
    jaxy = fl.VectorField(fl.ClosedForm(lambda xp, w: jnp.sin(w)), shape=(2,))
    for field, V, region, match in [
        (plain, DISTANCE, RING, "no closed form"),
        (WELL, WELL.loss, RING, "loss_candidate"),
        (jaxy, DISTANCE, RING, "not jax.numpy"),
        (WELL, DISTANCE, fl.HalfSpace([1.0, 0.0]), "no known bounds"),
        (WELL, DISTANCE, fl.Sublevel(WELL.loss, 1.0, RING), "ClosedForm"),
        (WELL, DISTANCE, fl.BallRegion(np.zeros(3), 1.0), "shape"),
    ]:
        with pytest.raises(ValueError, match=match):
            fl.prove_lyapunov(field, V, region)
    with pytest.raises(fl.CertificationError, match="not exactly 0"):
        fl.prove_lyapunov(WELL, DISTANCE, RING, sink=[0.9, 0.0])
    with pytest.raises(fl.CertificationError, match="not proved to decrease"):
        fl.prove_lyapunov(DUFFING, DISTANCE, RING, sink=[1.0, 0.0])
    with pytest.raises(ValueError, match="either"):
        fl.largest_sublevel(WELL, DISTANCE, fl.BoxRegion([0, -1], [2, 1]))


# Theorem 5


@pytest.mark.parametrize("p", [mpmath.pi, mpmath.mpf("1.8")])
def test_the_reduced_determinant_is_that_of_the_matrices(p):
    with mpmath.workdps(40), working_precision(160):
        p = +p
        c = mpmath.pi - p
        for theta in map(mpmath.mpf, ("1e-6", "0.3", "1.2", "1.57", "2.2", "3.1")):
            sine, cosine = mpmath.sin(theta), mpmath.cos(theta)
            M = mpmath.diag([mpmath.sin(2 * theta) / 2 + mpmath.pi - theta, mpmath.pi])
            M[0, 1] = M[1, 0] = -((2 * mpmath.pi - theta) * cosine + sine) / 2
            N = mpmath.matrix([[1, -cosine], [-cosine, 1]])
            exact = 4 * mpmath.det(M - c * N) / sine**2
            ball = reduced_determinant(arb(mpmath.nstr(p, 40)), arb(mpmath.nstr(theta, 40)))
            assert abs(mpmath.mpf(ball.mid().str(40, radius=False)) - exact) < mpmath.mpf("1e-20")


def test_the_matrix_is_that_of_the_flow(rng):
    for theta, r, s in rng.uniform([0, 0.1, 0.1], [np.pi, 3, 3], size=(20, 3)):
        flow = fl.one_student_flow((s, 0.0))
        dr, dtheta = flow(0.0, jnp.array([r, theta]))
        exact = (r - s * np.cos(theta)) * dr + r * s * np.sin(theta) * dtheta
        off = -((2 * np.pi - theta) * np.cos(theta) + np.sin(theta)) / 2
        M = np.array([[np.sin(2 * theta) / 2 + np.pi - theta, off], [off, np.pi]])
        assert np.isclose(-np.array([s, r]) @ M @ [s, r] / (2 * np.pi), exact, atol=1e-13)


def test_the_distance_decreases_everywhere(rng):
    """Also where the matrix is not definite: its negative vectors have entries of two signs."""
    assert "at every w other than 0 and w*" in fl.theorem5().statement
    flow = fl.one_student_flow()
    theta, r = rng.uniform([0, 0], [np.pi, 3], size=(20_000, 2)).T
    dr, dtheta = np.asarray(flow.batch(jnp.array([r, theta])))
    rate = (r - np.cos(theta)) * dr + r * np.sin(theta) * dtheta
    assert (rate < 0).all()
    acute = theta <= np.pi / 2
    half = (r**2 + 1 - 2 * r * np.cos(theta)) / 2
    assert (rate <= -fl.theorem5().contraction * half + 1e-15)[acute].all()


def test_theorem5_is_proved_and_sharp():
    theorem = fl.theorem5(epsilon=1e-6)
    p = (np.pi + np.sqrt(np.pi**2 + 4)) / 4
    assert 0 < (1 - p / np.pi) - theorem.contraction < 1e-12
    low, high = theorem.critical_angle
    assert high == np.nextafter(low, 4)
    critical = mpmath.findroot(
        lambda t: 4 * mpmath.pi * (mpmath.pi - t) - (1 - t * mpmath.cot(t)) ** 2, 2.2
    )
    assert low - 1e-15 <= critical <= high + 1e-15
    assert theorem.slowest == pytest.approx(theorem.contraction * 5e-13)
    # With a larger constant the matrix is not semidefinite at a right angle.
    with working_precision(128):
        assert reduced_determinant(arb(p - 1e-9), arb(np.pi / 2)) < 0
        with pytest.raises(Inconclusive):
            positive_on(lambda t: reduced_determinant(arb(p - 1e-9), t), 0.0, np.pi / 2)
    for epsilon in (0, 1, -1.0):
        with pytest.raises(ValueError, match="epsilon"):
            fl.theorem5(epsilon)


def test_one_student_converges_and_the_ray_does_not():
    basin = fl.one_student_convergence()
    etas = np.linspace(0.3, np.pi, 300)
    lift = (np.sin(etas) - etas * np.cos(etas)) / etas**3
    turn = np.sin(etas[:-1]) / (etas[:-1] * (np.pi - etas[:-1]))
    assert 0.9 * lift.min() < basin.lifting <= lift.min()
    assert 0.9 * turn.min() < basin.turning <= turn.min()
    flow = fl.one_student_flow()
    assert np.allclose(ends(flow, [[1.0, np.pi - 1e-3], [0.01, 3.0]]), [1.0, 0.0], atol=1e-3)
    on_ray = flow(0.0, jnp.array([0.5, np.pi]))
    assert abs(float(on_ray[0]) + 0.25) < 1e-15


def test_covers_do_not_overlook_a_dip():
    dip = arb(1) / 3
    with working_precision(64):
        assert positive_on(lambda t: (t - dip) * (t - dip) + arb(2) ** -20, 0.0, 1.0).least > 0
        with pytest.raises(Inconclusive):
            positive_on(lambda t: (t - dip) * (t - dip) - arb(2) ** -40, 0.0, 1.0)
