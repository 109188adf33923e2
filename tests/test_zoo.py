"""The zoo against the literature and against what is known exactly."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from flowlab.fields import field_from_spec, zoo

# Müller-Brown: x, y, V, Morse index.
STATIONARY = [
    (-0.55822363, 1.44172584, -146.699517, 0),
    (0.62349940, 0.02803776, -108.166724, 0),
    (-0.05001082, 0.46669410, -80.767818, 0),
    (-0.82200156, 0.62431280, -40.664844, 1),
    (0.21248658, 0.29298833, -72.248940, 1),
]

FIELDS = [
    zoo.muller_brown(),
    zoo.double_well(),
    zoo.double_wells(3),
    zoo.duffing(),
    zoo.duffing(damping=1.5),
    zoo.magnetic_pendulum(),
    zoo.magnetic_pendulum(0.1, 0.5, 0.3, magnets=4, radius=0.6),
    zoo.saddle_node_ghost(),
    zoo.saddle_node_ghost(mu=-0.25),
]
NAMES = [f"{field.spec()['name']}{tuple(field.spec()['parameters'].values())}" for field in FIELDS]
each_field = pytest.mark.parametrize("field", FIELDS, ids=NAMES)


@pytest.fixture(scope="module")
def surface():
    """Loss, gradient and Hessian of the Müller-Brown field, compiled once."""
    field = zoo.muller_brown()
    return eqx.filter_jit(field.loss), eqx.filter_jit(field.gradient), eqx.filter_jit(field.hessian)


def muller_brown_value(x, y):
    """The potential, written out with the constants of 1979."""
    return (
        -200 * math.exp(-1 * (x - 1) ** 2 - 10 * y**2)
        - 100 * math.exp(-1 * x**2 - 10 * (y - 0.5) ** 2)
        - 170 * math.exp(-6.5 * (x + 0.5) ** 2 + 11 * (x + 0.5) * (y - 1.5) - 6.5 * (y - 1.5) ** 2)
        + 15 * math.exp(0.7 * (x + 1) ** 2 + 0.6 * (x + 1) * (y - 1) + 0.7 * (y - 1) ** 2)
    )


@pytest.mark.parametrize(("x", "y", "value", "index"), STATIONARY)
def test_muller_brown_stationary_points(surface, x, y, value, index):
    loss, gradient, hessian = surface
    near = np.array([x, y]) + [3e-3, -2e-3]
    found = scipy.optimize.root(gradient, near, jac=hessian, tol=1e-13)
    assert found.success
    np.testing.assert_allclose(found.x, [x, y], rtol=0, atol=1e-8)
    assert abs(float(loss(found.x)) - value) < 1e-6
    assert np.sum(np.linalg.eigvalsh(hessian(found.x)) < 0) == index


def test_muller_brown_minima_are_what_a_minimiser_finds(surface):
    loss, gradient, _ = surface
    for x, y, value, _ in STATIONARY[:3]:
        found = scipy.optimize.minimize(loss, [x + 0.02, y - 0.02], jac=gradient)
        assert abs(found.fun - value) < 1e-6


def test_muller_brown_potential_term_by_term(surface, rng):
    loss, _, _ = surface
    for x, y in rng.uniform([-1.5, -0.2], [1.2, 2.0], (20, 2)):
        expected = muller_brown_value(x, y)
        np.testing.assert_allclose(loss(np.array([x, y])), expected, rtol=1e-12)


def test_double_wells_have_27_equilibria():
    field = zoo.double_wells(3)
    points = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)))
    assert np.all(np.asarray(eqx.filter_jit(jax.vmap(field.gradient))(points)) == 0)
    curvatures = np.linalg.eigvalsh(eqx.filter_jit(jax.vmap(field.hessian))(points))
    index = (curvatures < 0).sum(-1)
    assert np.bincount(index).tolist() == [8, 12, 6, 1]
    np.testing.assert_array_equal(index, (points == 0).sum(-1))
    # Between them there is nothing: each coordinate's field is a cubic with these three roots.
    assert np.all(np.abs(curvatures) >= 1)


def test_double_wells_orbits():
    group = zoo.double_wells(3).symmetry
    representatives = {0: [1.0, 1, 1], 1: [1.0, 1, 0], 2: [1.0, 0, 0], 3: [0.0, 0, 0]}
    sizes = [group.orbit_size(np.array(point)) for point in representatives.values()]
    assert sizes == [8, 12, 6, 1]


def test_double_wells_symmetry_commutes_with_the_field(rng):
    field = zoo.double_wells(4)
    flow = jax.jit(lambda u: field(0.0, u))
    for _ in range(20):
        u, element = rng.normal(size=4), field.symmetry.random_element(rng)
        image = flow(field.symmetry.act(element, u))
        expected = field.symmetry.act(element, np.asarray(flow(u)))
        np.testing.assert_allclose(image, expected, rtol=1e-14, atol=1e-14)


def test_double_well_points():
    field = zoo.double_well()
    for x, value, curvature in ((-1.0, 0.0, 2.0), (1.0, 0.0, 2.0), (0.0, 0.25, -1.0)):
        point = jnp.array([x, 0.0])
        assert np.all(np.asarray(field.gradient(point)) == 0)
        assert float(field.loss(point)) == value
        np.testing.assert_allclose(field.hessian(point), np.diag([curvature, 1.0]))


def test_duffing_equilibria_and_eigenvalues():
    field = zoo.duffing(damping=0.3)
    for x in (-1.0, 0.0, 1.0):
        assert np.all(np.asarray(field(0.0, jnp.array([x, 0.0]))) == 0)
    focus = np.linalg.eigvals(field.jacobian(jnp.array([1.0, 0.0])))
    saddle = np.sort(np.linalg.eigvals(field.jacobian(jnp.array([0.0, 0.0]))).real)
    root = math.sqrt(2 - 0.15**2)
    np.testing.assert_allclose(np.sort(focus.imag), [-root, root], rtol=1e-14)
    np.testing.assert_allclose(focus.real, -0.15, rtol=1e-13)
    np.testing.assert_allclose(saddle, [-0.15 - math.hypot(0.15, 1), -0.15 + math.hypot(0.15, 1)])


def pendulum_acceleration(position, velocity, alpha, omega, d, magnets):
    """Newton's law with magnetic charges, written out with complex numbers."""
    force = -(omega**2) * position - alpha * velocity
    for magnet in magnets:
        force -= (position - magnet) / (abs(position - magnet) ** 2 + d**2) ** 1.5
    return force


def test_magnetic_pendulum_against_complex_numbers(rng):
    cube_roots = np.exp(2j * np.pi * np.arange(3) / 3)
    flow = jax.jit(jax.vmap(lambda w: zoo.magnetic_pendulum(0.15, 0.5, 0.3, radius=0.7)(0.0, w)))
    states = rng.uniform(-2, 2, (50, 4))
    z, v = states[:, 0] + 1j * states[:, 1], states[:, 2] + 1j * states[:, 3]
    a = pendulum_acceleration(z, v, 0.15, 0.5, 0.3, 0.7 * cube_roots)
    expected = np.stack([v.real, v.imag, a.real, a.imag], -1)
    np.testing.assert_allclose(flow(states), expected, rtol=1e-13, atol=1e-13)


def test_magnetic_pendulum_equilibria():
    """One of each kind on the axis through a magnet, where the force is a function of x alone."""
    field = zoo.magnetic_pendulum()

    def force(x):
        cube_roots = np.exp(2j * np.pi * np.arange(3) / 3)
        return pendulum_acceleration(x, 0, 0.2, 0.8, 0.2, cube_roots).real

    jacobian = eqx.filter_jit(field.jacobian)
    for low, high, index in ((0.9, 1.1, 0), (-0.3, -0.05, 1), (-0.02, 0.02, 2)):
        x = scipy.optimize.brentq(force, low, high, xtol=1e-15)
        values = np.linalg.eigvals(jacobian(jnp.array([x, 0.0, 0.0, 0.0])))
        assert (values.real > 0).sum() == index
        # Each pair is the root of s^2 + alpha s + curvature = 0, so it sums to -alpha.
        assert abs(values.sum() + 2 * 0.2) < 1e-10


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_magnetic_pendulum_symmetry_commutes_with_the_field(count, rng):
    field = zoo.magnetic_pendulum(magnets=count)
    flow = jax.jit(lambda w: field(0.0, w))
    assert field.symmetry.order == 2 * count
    for element in field.symmetry.elements():
        w = rng.normal(size=4)
        image = flow(field.symmetry.act(element, w))
        expected = field.symmetry.act(element, np.asarray(flow(w)))
        np.testing.assert_allclose(image, expected, rtol=1e-13, atol=1e-12)


def test_ghost_has_no_equilibrium():
    mu = 0.01
    field = zoo.saddle_node_ghost(mu)
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-3, 3, 301)]), -1).reshape(-1, 2)
    speed = np.linalg.norm(jax.vmap(lambda w: field(0.0, w))(grid), axis=-1)
    # x' >= mu everywhere, so the speed never falls below it; the slowest point is the origin.
    assert np.isclose(speed.min(), mu, rtol=1e-12)
    np.testing.assert_allclose(grid[speed.argmin()], 0, atol=1e-12)
    best = scipy.optimize.least_squares(lambda w: field(0.0, jnp.asarray(w)), [0.3, 0.3])
    assert 2 * best.cost >= mu**2 * (1 - 1e-12)


def test_ghost_with_negative_parameter_has_a_sink_and_a_saddle():
    field = zoo.saddle_node_ghost(mu=-0.25)
    for x, slope in ((-0.5, -1.0), (0.5, 1.0)):
        point = jnp.array([x, 0.0])
        assert np.all(np.asarray(field(0.0, point)) == 0)
        np.testing.assert_allclose(field.jacobian(point), np.diag([slope, -1.0]))


@each_field
def test_derivatives_against_finite_differences(field, rng):
    step = 6e-6
    flow, jacobian = jax.jit(jax.vmap(lambda v: field(0.0, v))), eqx.filter_jit(field.jacobian)
    for w in rng.uniform(-1, 1, (5, *field.shape)):
        offsets = step * np.eye(field.size)
        slopes = np.asarray(flow(w + offsets) - flow(w - offsets)).T / (2 * step)
        scale = 1 + np.abs(slopes).max()
        np.testing.assert_allclose(jacobian(w), slopes, atol=1e-8 * scale)


@pytest.mark.parametrize("field", FIELDS[:3], ids=NAMES[:3])
def test_gradient_against_finite_differences_of_the_loss(field, rng):
    step = 6e-6
    loss, gradient = eqx.filter_jit(jax.vmap(field.loss)), eqx.filter_jit(jax.vmap(field.gradient))
    states = rng.uniform(-1, 1, (5, *field.shape))
    offsets = step * np.eye(field.size)
    slopes = np.stack([(loss(w + offsets) - loss(w - offsets)) / (2 * step) for w in states])
    scale = 1 + np.abs(slopes).max()
    np.testing.assert_allclose(gradient(states), slopes, atol=1e-8 * scale)
    flow = jax.vmap(lambda w: field(0.0, w))(jnp.asarray(states))
    np.testing.assert_allclose(flow, -gradient(states), rtol=1e-13)


@each_field
def test_description_builds_the_field_again(field):
    again = field_from_spec(field.spec())
    assert again.spec() == field.spec()
    assert again.coordinates == field.coordinates
    w = jnp.linspace(-0.7, 0.4, field.size)
    np.testing.assert_array_equal(again(0.0, w), field(0.0, w))


@each_field
def test_starts_fill_the_box(field, getkey):
    starts = np.array([field.sampler(getkey(), field.shape) for _ in range(50)])
    assert starts.shape == (50, *field.shape)
    assert np.all(starts >= field.sampler.lower) and np.all(starts <= field.sampler.upper)
    assert np.all(np.ptp(starts, axis=0) > 1)


def test_bad_parameters():
    with pytest.raises(ValueError, match="n is 0"):
        zoo.double_wells(0)
    with pytest.raises(ValueError, match="n is 2.5"):
        zoo.double_wells(2.5)
    with pytest.raises(ValueError, match="damping is nan"):
        zoo.duffing(damping=math.nan)
    with pytest.raises(ValueError, match="mu is 'small'"):
        zoo.saddle_node_ghost(mu="small")
    with pytest.raises(ValueError, match="magnets is 0"):
        zoo.magnetic_pendulum(magnets=0)
    with pytest.raises(ValueError, match="height is 0.0 .*both positive"):
        zoo.magnetic_pendulum(height=0)
    with pytest.raises(ValueError, match="the zoo has no 'okapi'"):
        zoo.build("okapi", {})
    with pytest.raises(ValueError, match="its parameters: "):
        zoo.build("duffing", {"friction": 1.0})


def test_a_system_without_its_parameter_is_refused(monkeypatch):
    def lorenz(rho):
        raise AssertionError("it must not be called")

    monkeypatch.setattr("flowlab.fields.zoo._build.duffing", lorenz)
    with pytest.raises(ValueError, match="lorenz needs the parameter 'rho'; its parameters: rho"):
        zoo.build("lorenz", {})
