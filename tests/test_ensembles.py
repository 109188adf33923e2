"""Many trajectories: capture, symmetric images, batches, threads, stores."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

from flowlab import (
    CaptureBall,
    Normal,
    Outcome,
    TeacherStudent,
    VectorField,
    capture_ball,
    classify,
    settle,
)
from flowlab.catalog import Catalog, provenance
from flowlab.fields import theorem7_plane, zoo

PLANE, NETWORK = theorem7_plane(5), TeacherStudent(jnp.eye(3))
X_STAR_5 = 0.256840678003603
ENDS = np.array([[1.0, 0.0], [-0.594076, 0.396729], [X_STAR_5, X_STAR_5]])


def grid(count, low=0.0, high=1.0):
    ticks = low + (np.arange(count) + 0.5) / count * (high - low)
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), -1).reshape(-1, 2)


def ends_of(ensemble):
    """Which of the three published ends of the plane each trajectory reached."""
    gaps = np.abs(ensemble.state[:, None] - ENDS).max(-1)
    assert gaps.min(-1).max() < 1e-5
    return gaps.argmin(-1)


@pytest.fixture(scope="module")
def plane_catalog():
    return settle(PLANE, 200, key=jax.random.key(0)).catalog


# Capture balls


def test_ball_of_the_double_well_ends_before_the_saddle():
    """V̇ of (x²-1)²/4 + y²/2 around (1, 0) is -x(x+1)(x-1)² - y² with its zero at x = 0."""
    ball = capture_ball(zoo.double_well(), [1.0, 0.0])
    assert ball.root is None and ball.provenance == "estimated"
    # 0.8 of the last radius below 1 that was tried, and those are 15% apart.
    assert 0.8 / 1.15 < ball.radius <= 0.8


@pytest.fixture(scope="module")
def balls():
    """A flow for SciPy, a sink of it and the ball around that."""
    found = []
    for field, sink in ((PLANE, ENDS[0]), (zoo.double_well(), np.array([-1.0, 0.0]))):
        flow = jax.jit(lambda w, field=field: field(0.0, w))
        found.append((flow, sink, capture_ball(field, sink)))
    return found


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_no_trajectory_leaves_a_ball(balls, seed):
    rng = np.random.default_rng(seed)
    for flow, sink, ball in balls:
        angle = rng.uniform(0, 2 * np.pi)
        start = sink + 0.999 * ball.radius * np.array([np.cos(angle), np.sin(angle)])
        run = solve_ivp(
            lambda t, w, flow=flow: np.asarray(flow(w)), (0, 30), start, rtol=1e-9, atol=1e-11
        )
        distance = np.linalg.norm(run.y.T - sink, axis=-1)
        assert np.all(np.diff(distance) < 1e-8) and distance[-1] < 1e-2 * ball.radius


def test_ball_in_the_metric_of_the_lyapunov_equation():
    """A focus whose distance from the centre grows at first needs a metric of its own."""
    A = np.array([[-1.0, 10.0], [0.0, -1.0]])
    matrix = jnp.asarray(A)
    field = VectorField(lambda w: matrix @ w, (2,))
    ball = capture_ball(field, np.zeros(2))
    assert ball.root is not None
    form = ball.root.T @ ball.root
    expected = solve_continuous_lyapunov(A.T, -np.eye(2))
    np.testing.assert_allclose(form, form[0, 0] / expected[0, 0] * expected, rtol=1e-9, atol=1e-12)
    # The flow is linear: every ball will do, and the search goes as far as it looks.
    assert ball.radius > 10


def test_ball_of_a_saddle_is_refused():
    with pytest.raises(ValueError, match="not an isolated sink"):
        capture_ball(PLANE, ENDS[2])


def test_capture_changes_no_label(plane_catalog):
    starts = grid(32)
    free = settle(PLANE, starts)
    caught = settle(PLANE, starts, catalog=plane_catalog)
    np.testing.assert_array_equal(ends_of(free), ends_of(caught))
    expected = np.sign(starts[:, 1] - starts[:, 0])
    np.testing.assert_array_equal(ends_of(free), np.choose(expected.astype(int) + 1, [0, 2, 1]))
    assert free.counts == {"settled": 1024}
    assert caught.counts == {"settled": 32, "captured": 992}
    assert caught.evaluations.mean() < 0.4 * free.evaluations.mean()
    np.testing.assert_allclose(caught.state, free.state, rtol=0, atol=1e-10)
    balls = [point.capture for point in caught.catalog if point.is_isolated_sink]
    assert [ball["provenance"] for ball in balls] == ["estimated"] * 2


def test_settling_times_of_captured_trajectories_are_times_of_entry(plane_catalog):
    caught = settle(PLANE, [[0.9, 0.05], [0.3, 0.1]], catalog=plane_catalog)
    assert caught.time[0] == 0 or caught.time[0] < caught.time[1]


def test_images_of_a_long_orbit_are_recognised_without_a_list():
    """120 images of the teacher of five students are watched by speed and found by symmetry."""
    field = TeacherStudent(jnp.eye(5))
    record = classify(field, jnp.eye(5))
    catalog = Catalog((record,), field.spec(), provenance(field))
    ensemble = settle(field, 60, key=jax.random.key(3), catalog=catalog)
    assert ensemble.counts == {"captured": 60}
    for state, image in zip(ensemble.state, ensemble.image, strict=True):
        moved = field.symmetry.act(ensemble.images[image], np.eye(5))
        np.testing.assert_allclose(moved, state, rtol=0, atol=1e-12)
    assert len(set(ensemble.image.tolist())) > 20
    free = settle(field, 60, key=jax.random.key(3))
    np.testing.assert_allclose(free.state, ensemble.state, rtol=0, atol=1e-10)


def test_a_false_ball_would_show():
    """A ball that is too large mislabels: the test above can fail."""
    record = classify(PLANE, ENDS[0])
    wide = CaptureBall(record.location, 1.2, None, "estimated").to_dict()
    catalog = Catalog((record.replace(capture=wide),), PLANE.spec(), provenance(PLANE))
    starts = grid(20)
    assert (ends_of(settle(PLANE, starts, catalog=catalog)) != ends_of(settle(PLANE, starts))).any()


# Outcomes


def test_a_field_that_turns_nan_on_the_way_is_nonfinite():
    def velocity(w):
        return jnp.where(w > 1, jnp.nan, 1.0)

    ensemble = settle(VectorField(velocity, (1,)), [[0.0], [-3.0]])
    assert ensemble.counts == {"nonfinite": 2}
    assert np.all(ensemble.state > 0.9) and ensemble.steps.max() < 400


def test_counts_add_up_whatever_happens():
    """Runaways, rests and lanes out of steps in one batch."""
    field = VectorField(lambda w: jnp.stack([w[0] ** 3 - w[0], -1e-3 * w[1]]), (2,))
    starts = np.array([[0.5, 0.0], [1.5, 0.0], [-2.0, 1.0], [0.2, 5.0], [-0.9, 0.3]])
    ensemble = settle(field, starts, max_steps=400)
    assert sum(ensemble.counts.values()) == 5
    assert ensemble.outcome[[1, 2]].tolist() == [Outcome.escaped] * 2
    assert ensemble.steps.max() <= 400


# Nothing depends on batches, threads or solvers


@pytest.mark.parametrize("options", [{"batch": 64}, {"batch": 1000}, {"batch": 64, "workers": 3}])
def test_labels_do_not_depend_on_batches_and_threads(options):
    plain = settle(PLANE, 1500, key=jax.random.key(5), workers=1)
    other = settle(PLANE, 1500, key=jax.random.key(5), **options)
    for name in ("outcome", "point", "image"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))
    np.testing.assert_allclose(plain.state, other.state, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(plain.steps, other.steps)
    assert [p.id for p in plain.catalog] == [p.id for p in other.catalog]
    for ours, theirs in zip(plain.catalog, other.catalog, strict=True):
        np.testing.assert_allclose(ours.location, theirs.location, rtol=0, atol=1e-12)


def test_threads_compute_in_64_bits_where_only_their_parent_does():
    starts = grid(50)
    expected = settle(PLANE, starts, batch=64, workers=1)
    jax.config.update("jax_enable_x64", False)
    try:
        with jax.enable_x64(True):
            ensemble = settle(PLANE, starts, batch=64, workers=3)
    finally:
        jax.config.update("jax_enable_x64", True)
    assert np.array_equal(ensemble.steps, expected.steps)
    assert np.array_equal(ensemble.time, expected.time)


def test_a_bad_batch_is_refused():
    with pytest.raises(ValueError, match="batch is 0"):
        settle(PLANE, 3, key=jax.random.key(0), batch=0)


def test_another_explicit_and_an_implicit_solver_agree():
    starts = grid(6)
    plain = ends_of(settle(PLANE, starts))
    np.testing.assert_array_equal(ends_of(settle(PLANE, starts, solver=dfx.Tsit5())), plain)
    # Each well has its side. Of the plane's field an implicit solver takes long to compile.
    starts = grid(6, -1.5, 1.5)
    for options in ({}, {"solver": dfx.Kvaerno5()}):
        ensemble = settle(zoo.double_well(), starts, **options)
        assert ensemble.counts == {"settled": 36}
        sides = np.stack([np.sign(starts[:, 0]), np.zeros(36)], -1)
        np.testing.assert_allclose(ensemble.state, sides, rtol=0, atol=1e-10)


def test_settling_times_are_those_of_the_linearised_flow():
    """From 1 + ε the double well settles when ε e^{-2t} is below 100 step errors of a step."""
    field = zoo.double_well()
    times = settle(field, [[1 + 1e-2, 0.0], [1 + 1e-4, 0.0]]).time
    assert abs((times[0] - times[1]) - np.log(100) / 2) < 1.5


# Stores

JOB = """
    import sys
    import jax
    jax.config.update("jax_enable_x64", True)
    import flowlab as fl
    import flowlab.flow._settle as module
    module.CHUNK = 300
    fl.settle(fl.theorem7_plane(5), 2400, key=jax.random.key(9), store=sys.argv[1])
"""


@pytest.fixture
def small_chunks(monkeypatch):
    import flowlab.flow._settle as module

    monkeypatch.setattr(module, "CHUNK", 300)


def run_job(store):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(JOB), str(store)])


@pytest.mark.slow
def test_a_killed_job_goes_on(tmp_path, small_chunks):
    plain = settle(PLANE, 2400, key=jax.random.key(9))
    store, rng = tmp_path / "store", random.Random(1)
    for _ in range(2):
        process = run_job(store)
        wanted = time.monotonic() + 120
        before = len(list(store.glob("chunk-*"))) if store.exists() else 0
        while time.monotonic() < wanted and process.poll() is None:
            if store.exists() and len(list(store.glob("chunk-*"))) > before:
                break
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    resumed = settle(PLANE, 2400, key=jax.random.key(9), store=store)
    for name in ("outcome", "point", "image", "steps"):
        np.testing.assert_array_equal(getattr(plain, name), np.asarray(getattr(resumed, name)))
    np.testing.assert_allclose(np.asarray(resumed.state), plain.state, rtol=0, atol=1e-12)
    assert plain.hits() == resumed.hits()


def test_another_job_is_refused(tmp_path, small_chunks):
    store = tmp_path / "store"
    first = settle(PLANE, 400, key=jax.random.key(1), store=store)
    again = settle(PLANE, 400, key=jax.random.key(1), store=store)
    np.testing.assert_array_equal(first.point, again.point)
    assert again.counts == {"settled": 400} and again.state[5:7].shape == (2, 2)
    with pytest.raises(ValueError, match="key"):
        settle(PLANE, 400, key=jax.random.key(2), store=store)
    with pytest.raises(ValueError, match="resume"):
        settle(PLANE, 400, key=jax.random.key(1), store=store, resume=False)


# The network


def test_no_start_of_a_network_is_lost():
    ensemble = settle(NETWORK, 300, key=jax.random.key(11), sampler=Normal(3**-0.5))
    assert ensemble.counts == {"settled": 300}
    assert ensemble.hits() == {"p1": 300}
    assert len({str(ensemble.images[i]) for i in ensemble.image}) == 6
