"""Trajectories against SciPy, closed forms and published numbers; outcomes; labels."""

import os
import subprocess
import sys
import textwrap

import diffrax as dfx
import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.integrate import solve_ivp

from flowlab import Box, Catalog, Outcome, classify, integrate, settle
from flowlab.catalog import provenance
from flowlab.fields import TeacherStudent, theorem7_plane, zoo
from flowlab.flow import starting_states

PLANE, PLANE_2 = theorem7_plane(5), theorem7_plane(2)
NETWORK, SINGLE = TeacherStudent(jnp.eye(3)), TeacherStudent(jnp.eye(1, 2))
DUFFING, SURFACE = zoo.duffing(0.3), zoo.muller_brown()
# The parameter as an array, so that the field that returns NaN needs no compilation of its own.
GHOST, BROKEN = (
    eqx.tree_at(lambda field: field.fn.mu, zoo.saddle_node_ghost(), jnp.array(mu))
    for mu in (0.01, jnp.nan)
)
X_STAR_5 = 0.256840678003603

MINIMA = np.array([[-0.55822363, 1.44172584], [0.62349940, 0.02803776], [-0.05001082, 0.46669410]])


def reference(velocity, w0, times):
    """SciPy's DOP853 at the tightest tolerance it takes, at the given times, (n, size)."""
    flat = np.ravel(w0).astype(float)
    solution = solve_ivp(
        lambda t, w: np.ravel(velocity(w.reshape(np.shape(w0)))), (0, times[-1]), flat,
        method="DOP853", rtol=1e-12, atol=1e-14, t_eval=times,
    )  # fmt: skip
    assert solution.success
    return solution.y.T.reshape(-1, *np.shape(w0))


def duffing(w):
    x, v = w
    return np.array([v, x - x**3 - 0.3 * v])


def muller_brown(w):
    """Minus the gradient of the potential, (..., 2), with the constants of 1979."""
    terms = [
        (-200, -1, 0, -10, 1, 0), (-100, -1, 0, -10, 0, 0.5), (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    ]  # fmt: skip
    slope = np.zeros_like(w)
    for A, a, b, c, x0, y0 in terms:
        x, y = w[..., 0] - x0, w[..., 1] - y0
        height = A * np.exp(a * x**2 + b * x * y + c * y**2)
        slope -= height[..., None] * np.stack([2 * a * x + b * y, b * x + 2 * c * y], -1)
    return slope


# One trajectory

TIMES = np.array([0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 7.5])


def test_duffing_against_scipy():
    run = integrate(DUFFING, [1.3, -0.4], saveat=TIMES, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(run.times, TIMES)
    np.testing.assert_allclose(run.states, reference(duffing, [1.3, -0.4], TIMES), atol=1e-9)
    assert run.outcome is Outcome.finished and run.loss is None and run.limit is None


def test_network_against_scipy():
    W = np.random.default_rng(5).normal(0, 0.6, (3, 3))
    flow = eqx.filter_jit(lambda w: NETWORK(0.0, w))
    run = integrate(NETWORK, W, saveat=TIMES)
    expected = reference(lambda w: flow(jnp.asarray(w)), W, TIMES)
    np.testing.assert_allclose(run.states, expected, rtol=0, atol=1e-7)
    losses = [float(NETWORK.loss(w)) for w in run.states]
    np.testing.assert_allclose(run.loss, losses, rtol=1e-12)


def test_stiff_surface_against_scipy():
    times = np.array([0.0, 1e-4, 1e-3, 5e-3, 2e-2, 0.1])
    start = [-1.2, 1.0]
    expected = reference(muller_brown, start, times)
    run = integrate(SURFACE, start, saveat=times, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run.states, expected, rtol=0, atol=1e-8)


@settings(max_examples=5)
@given(st.floats(0.01, 3), st.floats(0, 2 * np.pi))
def test_one_student_along_its_teacher_is_linear(length, angle):
    """On the ray of w* the flow is w' = -(w - w*)/2, opposite to it w' = -w/2."""
    times = np.array([0.0, 0.3, 1.0, 3.0])
    turn = np.array([np.cos(angle), np.sin(angle)])
    field = TeacherStudent(turn[None])
    decay = np.exp(-times / 2)
    along = integrate(field, length * turn[None], saveat=times)
    np.testing.assert_allclose(along.states[:, 0] @ turn, 1 + (length - 1) * decay, atol=1e-7)
    against = integrate(field, -length * turn[None], saveat=times)
    np.testing.assert_allclose(against.states[:, 0] @ turn, -length * decay, atol=1e-7)


# From (1e-3, 0): largest y, its time, time within 1e-3 of (1, 0).
PUBLISHED = [(PLANE_2, 0.39766880, 2.4133, 20.2323), (PLANE, 0.18914440, 0.9638, 10.1745)]


@pytest.mark.parametrize(("plane", "top", "at", "near"), PUBLISHED, ids=["K=2", "K=5"])
def test_published_times_of_theorem_7(plane, top, at, near):
    times = np.concatenate([np.arange(0.9, 2.6, 1e-4), np.arange(10.1, 20.3, 1e-3)])
    run = integrate(plane, [1e-3, 0.0], saveat=times, rtol=1e-10, atol=1e-12)
    highest = run.states[:, 1].argmax()
    assert abs(run.states[highest, 1] - top) < 1e-8
    # y is flat at its maximum: its time is known to the spacing and the fourth digit.
    assert abs(times[highest] - at) < 2e-4
    distance = np.linalg.norm(run.states - [1, 0], axis=1)
    first = np.flatnonzero(distance < 1e-3)[0]
    assert abs(times[first] - near) < 2e-3


def test_diagonal_start_reaches_the_saddle():
    run = integrate(PLANE, [0.83, 0.83])
    assert run.outcome is Outcome.settled
    np.testing.assert_array_equal(run.states[:, 0], run.states[:, 1])
    np.testing.assert_allclose(run.limit, [X_STAR_5] * 2, rtol=0, atol=1e-8)


@pytest.mark.parametrize("offset", [1e-5, 1e-8])
def test_start_near_the_diagonal_leaves_it(offset):
    above = integrate(PLANE, [0.4 + offset, 0.4])
    below = integrate(PLANE, [0.4, 0.4 + offset])
    np.testing.assert_allclose(above.limit, [1, 0], atol=1e-12)
    assert below.limit[1] - below.limit[0] > 0.1


def test_loss_decreases_and_the_limit_is_critical(rng):
    for _ in range(5):
        run = integrate(NETWORK, rng.normal(0, 3**-0.5, (3, 3)))
        assert run.outcome is Outcome.settled and run.times[0] == 0
        assert np.all(np.diff(run.times) > 0)
        # Down to the rounding of the loss itself.
        assert np.all(np.diff(run.loss) < 1e-15 + 1e-12 * run.loss[:-1])
        assert np.abs(NETWORK.gradient(run.limit)).max() < 1e-12
        assert np.abs(run.states[-1] - run.limit).max() < 1e-4
        assert run.evaluations >= run.steps > 0 and len(run.states) == len(run.times)


def test_trajectories_commute_with_symmetry(rng):
    W = rng.normal(0, 0.6, (3, 3))
    run = integrate(NETWORK, W, saveat=TIMES)
    for _ in range(4):
        element = NETWORK.symmetry.random_element(rng)
        image = integrate(NETWORK, NETWORK.symmetry.act(element, W), saveat=TIMES)
        moved = np.stack([NETWORK.symmetry.act(element, w) for w in run.states])
        np.testing.assert_allclose(image.states, moved, rtol=0, atol=1e-7)


# How it ends


def ends(field, start, **options):
    """The outcome of `integrate` and of `settle` for one start: they must agree."""
    run = integrate(field, start, throw=False, **options)
    many = settle(field, np.asarray(start, float)[None], **options)
    assert many.counts == {run.outcome.name: 1}
    if not run.outcome.ok:
        with pytest.raises(RuntimeError) as caught:
            integrate(field, start, **options)
        assert run.outcome.explanation in str(caught.value)
        assert many.point[0] == many.image[0] == -1
    return run


def test_settled():
    run = ends(PLANE, [0.5, 0.2])
    assert run.outcome is Outcome.settled and "settled" in repr(run)


def test_escaped():
    assert ends(GHOST, [-1.0, 1.0]).outcome is Outcome.escaped
    assert ends(PLANE, [0.2, 0.1], escape_radius=0.1).outcome is Outcome.escaped


def test_singular():
    # A single student opposite to its teacher shrinks to nothing.
    run = ends(SINGLE, [[-0.7, 0.0]])
    assert run.outcome is Outcome.singular and np.linalg.norm(run.states[-1]) < 1e-8
    # Any start off that ray converges to the teacher.
    assert ends(SINGLE, [[-0.7, 1e-3]]).outcome is Outcome.settled
    assert ends(SINGLE, [[0.0, 0.0]]).outcome is Outcome.singular


def test_nonfinite():
    assert ends(BROKEN, [-1.0, 1.0]).outcome is Outcome.nonfinite


def test_exhausted():
    run = ends(GHOST, [-1.0, 1.0], max_steps=32)
    assert run.outcome is Outcome.exhausted and run.steps >= 32
    dense = integrate(PLANE, [0.5, 0.2], saveat=[1.0, 50.0], max_steps=2, throw=False)
    assert dense.outcome is Outcome.exhausted and len(dense.times) == len(dense.states) == 0
    assert "exhausted" in repr(dense)
    with pytest.raises(RuntimeError, match="step budget ran out.*No time was reached"):
        integrate(PLANE, [0.5, 0.2], saveat=[1.0, 50.0], max_steps=2)


def test_finished():
    run = integrate(PLANE, [0.5, 0.2], t1=0.75)
    assert run.outcome is Outcome.finished and abs(run.times[-1] - 0.75) < 1e-12
    flow = jax.jit(lambda w: PLANE(0.0, w))
    expected = reference(flow, [0.5, 0.2], np.array([0.0, 0.75]))[-1]
    np.testing.assert_allclose(run.states[-1], expected, rtol=0, atol=1e-7)
    still = integrate(PLANE, [0.5, 0.2], t1=0.0)
    assert still.outcome is Outcome.finished and still.times.tolist() == [0.0]


# Many trajectories


def nearest(ends, points):
    gaps = np.linalg.norm(ends[:, None] - points[None], axis=-1)
    assert gaps.min(1).max() < 1e-3
    return gaps.argmin(1)


def reference_labels(velocity, starts, points, end):
    """The nearest of `points` to where SciPy's DOP853 arrives, all starts at once."""
    shape = starts.shape
    solution = solve_ivp(
        lambda t, w: np.ravel(velocity(w.reshape(shape))), (0, end), starts.ravel(),
        method="DOP853", rtol=1e-12, atol=1e-14, first_step=1e-8,
    )  # fmt: skip
    return nearest(solution.y[:, -1].reshape(shape), points)


def test_labels_on_the_plane_are_those_of_scipy():
    starts = np.asarray(starting_states(PLANE, 200, jax.random.key(1), None))
    ensemble = settle(PLANE, starts)
    assert ensemble.counts == {"settled": 200}
    points = np.stack([point.location for point in ensemble.catalog])
    flow = jax.jit(jax.vmap(lambda w: PLANE(0.0, w)))
    assert np.abs(starts[:, 0] - starts[:, 1]).min() > 1e-6
    expected = reference_labels(flow, starts, points, 60.0)
    np.testing.assert_array_equal(ensemble.point, expected)
    np.testing.assert_array_equal(ensemble.point, nearest(ensemble.state, points))
    teacher = nearest(np.array([[1.0, 0.0]]), points)[0]
    np.testing.assert_array_equal(ensemble.point == teacher, starts[:, 0] > starts[:, 1])


def test_labels_on_a_stiff_surface_are_those_of_scipy():
    starts = np.asarray(starting_states(SURFACE, 200, jax.random.key(2), None))
    shifts = 1e-6 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    around = (starts[:, None] + shifts).reshape(-1, 2)
    expected = reference_labels(muller_brown, around, MINIMA, 1.0).reshape(200, 5)
    # A start whose four neighbours go elsewhere lies within 1e-6 of the separatrix.
    clear = (expected == expected[:, :1]).all(1)
    ensemble = settle(SURFACE, starts)
    assert ensemble.counts == {"settled": 200} and clear.sum() > 190
    places = np.stack([point.location for point in ensemble.catalog])
    found = nearest(places, MINIMA)[ensemble.point]
    np.testing.assert_array_equal(found[clear], expected[clear, 0])
    np.testing.assert_allclose(ensemble.state, MINIMA[found], rtol=0, atol=1e-8)


@pytest.mark.parametrize("mu, most_exhausted", [(1e-6, 0), (1e-8, 8)])
def test_labels_near_a_fold(mu, most_exhausted):
    """x' = x² - mu: left of the saddle all flow to the sink, 2 sqrt(mu) away; right of it none.

    At mu = 1e-8 the flow between them is slower than the tolerances can see everywhere: a start may
    use up its steps, but must not get a wrong label.
    """
    field = eqx.tree_at(lambda field: field.fn.mu, GHOST, jnp.array(-mu))
    near, saddle = np.geomspace(1e-2, 0.9, 10), np.sqrt(mu)
    x = np.concatenate([1 - near, 1 + near, -1 - near, -1 + near, [0.0, 1.0, -1.0]]) * saddle
    x = np.concatenate([x, np.linspace(-2, 2, 30)])
    ensemble = settle(field, np.stack([x, np.cos(9 * x)], -1))
    sides = np.sign(x - saddle).astype(int)
    exhausted = ensemble.outcome == Outcome.exhausted
    assert exhausted.sum() <= most_exhausted
    assert np.array_equal(ensemble.outcome == Outcome.escaped, (sides > 0) & ~exhausted)
    kinds = np.array(["none" if n < 0 else ensemble.catalog[int(n)].kind for n in ensemble.point])
    for side, kind in ((-1, "sink node"), (0, "saddle")):
        chosen = (sides == side) & ~exhausted
        assert set(kinds[chosen]) == {kind}
        end = [saddle * (1 if side == 0 else -1), 0.0]
        assert np.abs(ensemble.state[chosen] - end).max() < 1e-6 * saddle


def test_diagonal_starts_are_labelled_with_the_saddle():
    x = np.concatenate([np.linspace(0.01, 1, 40), [0.3, 0.3, 0.3]])
    starts = np.stack([x, x], -1)
    starts[40, 0] += 1e-5
    starts[41, 1] += 1e-5
    ensemble = settle(PLANE, starts)
    assert ensemble.counts == {"settled": 43}
    kinds = [ensemble.catalog[int(point)].kind for point in ensemble.point]
    assert kinds == ["saddle"] * 40 + ["sink node"] * 2 + ["saddle"]
    on = [kind == "saddle" for kind in kinds]
    np.testing.assert_allclose(ensemble.state[on], X_STAR_5, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ensemble.state[40], [1, 0], rtol=0, atol=1e-12)


def test_first_starts_do_not_depend_on_how_many_there_are():
    key = jax.random.key(7)
    few, many = starting_states(PLANE, 50, key, None), starting_states(PLANE, 300, key, None)
    np.testing.assert_array_equal(few, many[:50])
    catalog = settle(PLANE, np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])).catalog
    one = settle(PLANE, 50, key=key, catalog=catalog)
    other = settle(PLANE, 300, key=key, catalog=catalog)
    for name in ("outcome", "point", "image"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[:50])
    np.testing.assert_allclose(one.state, other.state[:50], rtol=0, atol=1e-12)
    assert len(one) == 50 and len(other) == 300 and sum(other.counts.values()) == 300
    assert sum(other.hits().values()) == 300
    for point, twin in zip(one.catalog, other.catalog, strict=True):
        np.testing.assert_array_equal(point.location, twin.location)


def test_a_given_catalog_keeps_its_points_and_grows():
    point = classify(PLANE, [1.0, 0.0], id="teacher", hits=5)
    known = Catalog((point,), PLANE.spec(), provenance(PLANE))
    ensemble = settle(PLANE, np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]]), catalog=known)
    assert ensemble.point.tolist()[0] == 0 and sorted(ensemble.point.tolist()) == [0, 1, 2]
    assert ensemble.catalog[0].id == "teacher" and ensemble.catalog[0].hits == 6
    assert len({p.id for p in ensemble.catalog}) == 3 and len(known) == 1
    assert ensemble.hits()["teacher"] == 1
    np.testing.assert_array_equal(ensemble.catalog[0].location, point.location)


def test_mixed_outcomes_add_up():
    starts = np.array([[[-0.7, 0.0]], [[0.7, 0.0]], [[-0.7, 0.1]], [[3.0, -2.0]], [[-1e-3, 0.0]]])
    ensemble = settle(SINGLE, starts)
    assert ensemble.counts == {"settled": 3, "singular": 2}
    assert ensemble.outcome.tolist() == [3, 0, 0, 0, 3] and ensemble.outcome.dtype == np.int8
    assert ensemble.point.tolist() == [-1, 0, 0, 0, -1]
    np.testing.assert_allclose(ensemble.state[[1, 2, 3], 0], [[1.0, 0.0]] * 3, atol=1e-12)
    assert np.all(ensemble.evaluations >= ensemble.steps) and np.all(ensemble.time > 0)
    assert "singular" in repr(ensemble)


def test_images_take_catalog_points_to_states():
    ensemble = settle(NETWORK, 60, key=jax.random.key(3))
    group, reached = NETWORK.symmetry, set()
    assert ensemble.counts == {"settled": 60}
    for state, point, image in zip(ensemble.state, ensemble.point, ensemble.image, strict=True):
        place = ensemble.catalog[int(point)].location
        moved = group.act(ensemble.images[image], place)
        np.testing.assert_allclose(moved, state, rtol=0, atol=1e-8)
        reached.add((point, image))
    # Sixty random starts meet all six permutations of the teacher.
    assert len(reached) == 6 and len(set(map(str, ensemble.images))) == len(ensemble.images)
    assert [point.kind for point in ensemble.catalog] == ["global minimum"]


def test_labels_commute_with_symmetry(rng):
    starts = rng.normal(0, 0.6, (20, 3, 3))
    element = NETWORK.symmetry.random_element(rng)
    moved = np.stack([NETWORK.symmetry.act(element, w) for w in starts])
    one, other = settle(NETWORK, starts), settle(NETWORK, moved)
    expected = np.stack([NETWORK.symmetry.act(element, w) for w in one.state])
    np.testing.assert_allclose(other.state, expected, rtol=0, atol=1e-8)


# Bad input


def test_messages():
    with pytest.raises(ValueError, match=r"w0 has shape \(3,\)"):
        integrate(PLANE, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="1 entries that are NaN"):
        integrate(PLANE, [np.nan, 2.0])
    with pytest.raises(ValueError, match=r"starts has shape \(4, 3\)"):
        settle(PLANE, np.ones((4, 3)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        settle(PLANE, np.array([[1.0, np.inf]]))
    with pytest.raises(ValueError, match="starts is the number 5.*pass `key=jax.random.key"):
        settle(PLANE, 5)
    for count in (0, -3, 2.5):
        with pytest.raises(ValueError, match="positive whole number"):
            settle(PLANE, count, key=jax.random.key(0))
    with pytest.raises(ValueError, match="the field needs"):
        settle(PLANE, 2, key=jax.random.key(0), sampler=lambda key: jnp.ones(3))
    with pytest.raises(ValueError, match="the box is empty"):
        settle(PLANE, 2, key=jax.random.key(0), sampler=Box(1.0, 0.0))
    for times in ([1.0, 0.5], [-1.0, 1.0], [0.0, np.nan], [0.0, np.inf], [1.0, 1.0]):
        with pytest.raises(ValueError, match="finite, increasing and not negative"):
            integrate(PLANE, [0.5, 0.2], saveat=times)
    with pytest.raises(ValueError, match="a list of times"):
        integrate(PLANE, [0.5, 0.2], saveat=[])
    for end in (-1.0, np.nan):
        with pytest.raises(ValueError, match="t1 is .* needed: an end time"):
            integrate(PLANE, [0.5, 0.2], t1=end)
    with pytest.raises(ValueError, match="both nonnegative, not both 0"):
        integrate(PLANE, [0.5, 0.2], rtol=-1e-8)
    with pytest.raises(ValueError, match="adaptive diffrax solver"):
        settle(PLANE, np.array([[0.5, 0.2]]), solver=dfx.Euler())


IN_32_BITS = """
    import jax, jax.numpy as jnp, numpy as np, flowlab as fl
    plane, state, key = fl.theorem7_plane(2), jnp.array([0.5, 0.2]), jax.random.key(0)
    assert state.dtype == jnp.float32
    calls = {
        "integrate": lambda: fl.integrate(plane, state),
        "settle": lambda: fl.settle(plane, 3, key=key),
        "refine": lambda: fl.refine(plane, state),
        "classify": lambda: fl.classify(plane, state),
        "spectrum": lambda: fl.spectrum(plane, state),
        "find_critical_points": lambda: fl.find_critical_points(plane, key=key, starts=3),
        "basin_map": lambda: fl.basin_map(plane, x=(0, 1), y=(0, 1), resolution=2),
    }
    for name, call in calls.items():
        try:
            call()
        except RuntimeError as error:
            assert f"{name} needs 64-bit floats" in str(error) and "jax_enable_x64" in str(error)
        else:
            raise AssertionError(name)
"""


def test_32_bits_are_refused():
    environment = {k: v for k, v in os.environ.items() if k != "JAX_ENABLE_X64"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IN_32_BITS)], env=environment, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
