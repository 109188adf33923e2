"""The flow of overlaps against the flow of the weights they come from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy

import flowlab as fl

RNG = np.random.default_rng(11)
T3 = (lambda A: A @ A.T)(RNG.normal(size=(3, 3)))
CASES = {
    "orthonormal": dict(students=3, teachers=3),
    "general": dict(
        students=4,
        teachers=3,
        teacher_overlaps=T3,
        output_weights=np.array([1.0, -0.5, 2.0, 1.0]),
        teacher_weights=np.array([1.0, 1.5, -1.0]),
    ),
    "dependent teachers": dict(
        students=2, teachers=3, teacher_overlaps=(lambda A: A @ A.T)(RNG.normal(size=(3, 2)))
    ),
}


def full_field(flow, dim):
    return fl.TeacherStudent(
        flow.teacher(dim),
        students=flow.students,
        output_weights=flow.output_weights,
        teacher_weights=flow.teacher_weights,
    )


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    given = CASES[request.param]
    flow = fl.OverlapFlow(given["students"], **{k: v for k, v in given.items() if k != "students"})
    return flow, full_field(flow, 7)


def special_weights(flow, dim):
    """General weights, and weights with aligned and opposite pairs."""
    W = RNG.normal(size=(flow.students, dim))
    yield W
    aligned = W.copy()
    aligned[1] = 2 * aligned[0]
    yield aligned
    opposite = W.copy()
    opposite[0] = -0.5 * np.asarray(flow.teacher(dim))[0]
    opposite[1] = -opposite[0]
    yield opposite


def test_velocity_is_that_of_the_overlaps_of_moving_weights(pair):
    flow, field = pair

    @jax.jit
    def both(W):
        z, velocity = jax.jvp(flow.project, (W,), (field(0.0, W),))
        reduced = flow(0.0, z), flow.loss(z), flow.distance_to_singularity(z)
        return z, reduced, (velocity, field.loss(W), field.distance_to_singularity(W))

    for W in special_weights(flow, 7):
        z, reduced, full = both(jnp.asarray(W))
        for ours, theirs in zip(reduced, full, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-13 * (10 + np.abs(z).max()))


def test_lift_is_the_inverse_of_project(pair):
    flow, _ = pair
    for W in special_weights(flow, 7):
        z = flow.project(jnp.asarray(W))
        again = flow.project(flow.lift(z, 9))
        np.testing.assert_allclose(again, z, atol=1e-12 * np.abs(z).max())


def test_spec_builds_the_field_again(pair):
    flow, _ = pair
    again = fl.fields.field_from_spec(flow.spec())
    z = flow.project(jnp.asarray(RNG.normal(size=(flow.students, 7))))
    np.testing.assert_array_equal(again(0.0, z), flow(0.0, z))
    assert again.coordinates == flow.coordinates


def test_permutations_of_equal_students_are_symmetry(pair):
    flow, _ = pair
    z = np.asarray(flow.project(jnp.asarray(RNG.normal(size=(flow.students, 7)))))
    group = flow.symmetry
    equal = np.unique(np.asarray(flow.output_weights), return_counts=True)[1]
    assert group.order == np.prod([scipy.special.factorial(n) for n in equal])
    for element in group.generators():
        image = np.asarray(flow(0.0, jnp.asarray(group.act(element, z))))
        np.testing.assert_allclose(image, group.act(element, np.asarray(flow(0.0, z))), atol=1e-14)
    assert group.orbit_size(z) == group.order


def test_whole_trajectory_of_five_students_in_a_million_dimensions():
    """Ten dimensions hold weights of the same overlaps, which the full flow then follows."""
    flow = fl.OverlapFlow(5)
    field = full_field(flow, 10)
    z = fl.RandomOverlaps(np.eye(5), dim=10**6, std=1e-3)(jax.random.key(11), flow.shape)
    W = np.asarray(flow.lift(z, 10))
    np.testing.assert_allclose(flow.project(W), z, atol=1e-14)
    times = np.linspace(0, 40, 81)
    options = dict(t_eval=times, method="DOP853", rtol=1e-11, atol=1e-12)
    velocity = jax.jit(lambda w: field(0.0, w))
    reduced = jax.jit(lambda z: flow(0.0, z))

    def full(t, w):
        return np.asarray(velocity(w.reshape(5, 10))).ravel()

    def small(t, z):
        return np.asarray(reduced(z))

    weights = scipy.integrate.solve_ivp(full, (0, 40), W.ravel(), **options).y.T
    overlaps = scipy.integrate.solve_ivp(small, (0, 40), flow.project(W), **options).y.T
    expected = np.array([flow.project(w.reshape(5, 10)) for w in weights])
    assert np.abs(overlaps - expected).max() < 1e-8
    assert (np.diff(jax.vmap(flow.loss)(overlaps)) < 1e-13).all()


def test_critical_points_in_overlaps():
    """The saddle of two opposite students (K = 2): s1, s2 and the loss are on record."""
    flow = fl.OverlapFlow(2)
    s1, s2 = 1.51081832985837, 0.0966047674852793
    u = np.full(2, 0.5**0.5)
    saddle = flow.project(np.array([s1 * u, -s2 * u]))
    near = saddle + 0.0
    found = fl.refine(flow, near)
    assert found.residual < 1e-12
    assert found.distance < 1e-7
    point = fl.classify(flow, found.location)
    assert abs(point.loss - 0.0861788163576621) < 1e-12
    assert (point.kind, point.orbit_size) == ("saddle", 2)
    teacher = fl.classify(flow, flow.project(np.eye(2)))
    assert teacher.index == 0 and teacher.loss == 0.0
    assert np.isfinite(teacher.eigenvalues).all()


def test_overlaps_of_random_weights_in_a_million_dimensions():
    flow = fl.OverlapFlow(3, teacher_overlaps=T3)
    law = fl.RandomOverlaps(T3, dim=10**6, std=1e-3)
    keys = jax.random.split(jax.random.key(3), 400)
    states = jax.jit(jax.vmap(lambda key: law(key, flow.shape)))(keys)
    Q, R = jax.vmap(flow.unpack)(states)
    # Chi-square with 10^6 degrees of freedom; products of independent vectors have variance 1e-6.
    np.testing.assert_allclose(np.diagonal(Q, axis1=1, axis2=2), 1, atol=6 * 2**0.5 * 1e-3)
    off = np.asarray(Q)[:, *np.triu_indices(3, 1)]
    assert abs(off.std() / 1e-3 - 1) < 0.1
    moments = np.einsum("nik,nil->kl", R, R) / (3 * 400 * 1e-6)
    np.testing.assert_allclose(moments, T3, atol=0.2 * np.abs(T3).max())
    again = flow.project(flow.lift(states[0], 10**6))
    np.testing.assert_allclose(again, states[0], atol=1e-12)


def test_overlaps_of_random_weights_in_few_dimensions():
    """The mean of Q is std^2 d, also where students outnumber the free dimensions."""
    law = fl.RandomOverlaps(np.eye(2), dim=4, std=0.5)
    flow = fl.OverlapFlow(3, 2)
    keys = jax.random.split(jax.random.key(0), 4_000)
    states = jax.jit(jax.vmap(lambda key: law(key, flow.shape)))(keys)
    Q, _ = jax.vmap(flow.unpack)(states)
    np.testing.assert_allclose(np.mean(Q, 0), np.eye(3), atol=0.06)
    flow.lift(states[0], 4)
    with pytest.raises(ValueError, match="no weights in 3 dimensions"):
        flow.lift(states[0], 3)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(students=0), "at least 1"),
        (dict(students=2, teacher_overlaps=np.ones(2)), "has shape"),
        (dict(students=2, teacher_overlaps=np.diag([1.0, 0.0])), "positive diagonal"),
        (dict(students=2, teacher_overlaps=[[1.0, 2.0], [2.0, 1.0]]), "semidefinite"),
        (dict(students=2, output_weights=np.zeros(2)), "not 0"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        fl.OverlapFlow(**options)
