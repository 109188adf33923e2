"""The closed forms of the population flow against independent mathematics.

Against Monte Carlo, finite differences, a 50-digit oracle and the known spectra; at random points
and where the formulas are delicate: aligned, opposite and collapsed students, and the teacher.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import mp_relu

import flowlab.fields as fields
from flowlab.fields import Gaussian, Isotropic, Sample, TeacherStudent, population_gating

ANGLES = [0.0, 1e-9, 1e-8, 1e-7, 1e-5, 1e-3, np.pi - 1e-6, np.pi]
DEGENERATE = [0.0, 1e-9, 1e-7, 1e-5, 1e-3, np.pi - 1e-6, np.pi]
WEIGHTS = np.array([1.0, -0.7, 1.6]), np.array([1.3, -0.8])
SIZES = [(1, 1, 2), (2, 2, 2), (3, 2, 4), (4, 6, 3)]


@eqx.filter_jit
def evaluate(field, states):
    """Loss, gradient and Hessian at a batch of states."""
    return jax.vmap(lambda w: (field.loss(w), field.gradient(w), field.hessian(w)))(states)


@eqx.filter_jit
def differentiate(field, states):
    """What automatic differentiation makes of the loss and of the gradient."""
    forward = jax.vmap(jax.jacfwd(field.gradient))(states)
    backward = jax.vmap(jax.jacrev(field.gradient))(states)
    return jax.vmap(jax.grad(field.loss))(states), forward, backward


def network(rng, students, teachers, dim):
    """Random students, teachers and output weights of both signs."""
    size = students + teachers
    weights = rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)
    W, V = rng.normal(size=(students, dim)), rng.normal(size=(teachers, dim))
    return W, V, weights[:students], weights[students:]


def turned(rng, u, angle):
    """A vector of another length at `angle` from `u`: exactly collinear at 0 and pi."""
    if angle in (0.0, np.pi):
        return u * (2.0 if angle == 0 else -0.5)
    across = rng.normal(size=u.shape)
    across -= across @ u / (u @ u) * u
    across *= np.linalg.norm(u) / np.linalg.norm(across)
    return rng.uniform(0.6, 1.6) * (np.cos(angle) * u + np.sin(angle) * across)


def near_collinear(rng, V, angle):
    """Two states of three students: a pair of students at `angle`, and a student and a teacher."""
    W = rng.normal(size=(3, V.shape[1]))
    pair, match = W.copy(), W.copy()
    pair[1] = turned(rng, W[0], angle)
    match[1] = turned(rng, V[0], angle)
    return [pair, match]


def assert_close(actual, expected, tolerance):
    """Errors relative to max(1, |value|)."""
    expected = np.asarray(expected, float)
    assert np.all(np.isfinite(actual))
    error = np.abs(np.asarray(actual) - expected) / np.maximum(1, np.abs(expected))
    assert error.max() < tolerance, f"error {error.max():.2e}"


def kernel(U, W):
    """E s(u x) s(w x) for all pairs, by arccos: plain, for well separated or equal vectors."""
    sizes = np.outer(np.linalg.norm(U, axis=1), np.linalg.norm(W, axis=1))
    cosine = np.clip(U @ W.T / sizes, -1, 1)
    theta = np.arccos(cosine)
    return sizes * ((np.pi - theta) * cosine + np.sin(theta)) / (2 * np.pi)


# Monte Carlo


def sampled(X, W, V, a, b):
    """Means over the rows of `X` of loss and gradient, and their standard errors, flat."""
    residual = np.maximum(X @ W.T, 0) @ a - np.maximum(X @ V.T, 0) @ b
    columns = [residual**2 / 2]
    for c, w in zip(a, W, strict=True):
        columns.extend(c * residual * (X @ w > 0) * X.T)
    samples = np.stack(columns)
    return samples.mean(1), samples.std(1) / np.sqrt(len(X))


def within_four_errors(field, W, X):
    V, a, b = (np.asarray(x) for x in (field.teacher, field.output_weights, field.teacher_weights))
    mean, error = sampled(X, W, V, a, b)
    loss, gradient, _ = evaluate(field, W[None])
    exact = np.concatenate([loss, np.ravel(gradient)])
    assert np.all(np.abs(exact - mean) < 4 * error)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gradient_against_monte_carlo(sizes):
    rng = np.random.default_rng(sum(sizes))
    W, V, a, b = network(rng, *sizes)
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    within_four_errors(field, W, rng.normal(size=(1_000_000, sizes[2])))


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.5, np.pi])
def test_theorem_1_against_monte_carlo(angle):
    rng = np.random.default_rng(3)
    e = rng.normal(size=3)
    w = turned(rng, e, angle)
    X = rng.normal(size=(1_000_000, 3))
    samples = ((X @ e > 0) * np.maximum(X @ w, 0))[:, None] * X
    error = samples.std(0) / 1000
    assert np.all(np.abs(population_gating(e, w) - samples.mean(0)) <= 4 * error)


def test_anisotropic_gaussian_against_monte_carlo():
    rng = np.random.default_rng(11)
    W, V, a, b = network(rng, 3, 2, 3)
    factor = rng.normal(size=(3, 3))
    covariance = factor @ factor.T + 0.2 * np.eye(3)
    law = Gaussian(covariance)
    field = TeacherStudent(V, output_weights=a, teacher_weights=b, inputs=law)
    within_four_errors(field, W, rng.multivariate_normal(np.zeros(3), covariance, 1_000_000))


def test_uniform_law_on_a_sphere_against_monte_carlo():
    rng = np.random.default_rng(12)
    W, V, a, b = network(rng, 3, 2, 3)
    X = rng.normal(size=(1_000_000, 3))
    X *= 2 / np.linalg.norm(X, axis=1, keepdims=True)
    law = Isotropic(second_moment=4 / 3)
    field = TeacherStudent(V, output_weights=a, teacher_weights=b, inputs=law)
    within_four_errors(field, W, X)


# Finite differences


def slopes(fn, w, step):
    """Central differences of a batched function by every entry of `w`, last axis the entry."""
    offsets = step * np.eye(w.size).reshape(w.size, *w.shape)
    return np.moveaxis(np.asarray(fn(w + offsets) - fn(w - offsets)), 0, -1) / (2 * step)


def differences(field, w, step):
    """Gradient by differences of the loss, Hessian by differences of the gradient."""
    by_loss = slopes(lambda states: evaluate(field, states)[0], w, step)
    by_gradient = slopes(lambda states: evaluate(field, states)[1], w, step)
    return by_loss.reshape(w.shape), by_gradient.reshape(*w.shape, *w.shape)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_derivatives_against_finite_differences(sizes, rng):
    W, V, a, b = network(rng, *sizes)
    # Lengths of at least one keep the third derivative, hence the error of the difference, small.
    W *= np.maximum(1, 1 / np.linalg.norm(W, axis=1, keepdims=True))
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    _, gradient, hessian = (x[0] for x in evaluate(field, W[None]))
    by_loss, by_gradient = differences(field, W, 6e-6)
    assert_close(by_loss, gradient, 1e-8)
    assert_close(by_gradient, hessian, 1e-8)


@pytest.mark.parametrize("angle", DEGENERATE, ids=str)
def test_finite_differences_at_collinear_pairs(angle, rng):
    """The third derivative jumps there, so a difference is right to the order of its step."""
    a, b = WEIGHTS
    V = rng.normal(size=(2, 4))
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    for W in near_collinear(rng, V, angle):
        W *= np.maximum(1, 1 / np.linalg.norm(W, axis=1, keepdims=True))
        _, gradient, hessian = (x[0] for x in evaluate(field, W[None]))
        by_loss, by_gradient = differences(field, W, 1e-7)
        assert_close(by_loss, gradient, 1e-6)
        assert_close(by_gradient, hessian, 1e-6)


# The 50-digit oracle


def against_oracle(field, states, tolerance=1e-13):
    V, a, b = (np.asarray(x) for x in (field.teacher, field.output_weights, field.teacher_weights))
    loss, gradient, hessian = evaluate(field, states)
    by_loss, forward, backward = differentiate(field, states)
    for i, W in enumerate(states):
        assert_close(loss[i], mp_relu.loss(W, V, a, b), tolerance)
        exact = mp_relu.gradient(W, V, a, b)
        assert_close(gradient[i], exact, tolerance)
        assert_close(by_loss[i], exact, tolerance)
        exact = mp_relu.hessian(W, V, a, b)
        for matrix in (hessian[i], forward[i], backward[i]):
            assert_close(matrix, exact, tolerance)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_oracle_at_random_points(sizes, rng):
    _, V, a, b = network(rng, *sizes)
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    against_oracle(field, rng.normal(size=(5, sizes[0], sizes[2])))


@pytest.mark.parametrize("angle", ANGLES, ids=str)
def test_oracle_at_collinear_pairs(angle, rng):
    a, b = WEIGHTS
    V = rng.normal(size=(2, 4))
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    against_oracle(
        field, np.array([near_collinear(rng, V, angle) for _ in range(3)]).reshape(-1, 3, 4)
    )


def special_states(rng, V):
    """The teacher, relabelled, rescaled, opposite; all students equal, collinear, in two groups."""
    w, u = rng.normal(size=(2, V.shape[1]))
    return np.array(
        [
            V,
            V[::-1],
            0.3 * V,
            -V,
            np.stack([w, w, w]),
            np.stack([w, 0.3 * w, 1.7 * w]),
            np.stack([w, -w, 0.1 * w]),
            np.stack([w, u, u]),
            np.stack([V[0], V[0], -V[0]]),
            V.mean(0) * np.array([[1.0], [0.5], [2.0]]),
        ]
    )


@pytest.mark.parametrize("orthonormal", [True, False], ids=["orthonormal", "oblique"])
def test_oracle_at_the_teacher_and_at_collapsed_students(orthonormal, rng):
    V = np.eye(3) if orthonormal else rng.normal(size=(3, 3))
    against_oracle(TeacherStudent(V), special_states(rng, V))


@pytest.mark.parametrize("angle", [*ANGLES, 0.7, 2.0], ids=str)
def test_gating_against_oracle(angle, rng):
    for _ in range(5):
        e = rng.normal(size=4)
        w = turned(rng, e, angle)
        assert_close(population_gating(e, w), mp_relu.gating(e, w), 1e-15)


# Known critical points and spectra

ROOMS = [(k, k + extra) for k in range(2, 11) for extra in (0, 2) if k < 5 or not extra]
each_room = pytest.mark.parametrize(("students", "dim"), ROOMS)


def spectrum_of(field, w):
    loss, gradient, hessian = (np.asarray(x[0]) for x in evaluate(field, w[None]))
    assert np.abs(gradient).max() < 1e-14
    size = hessian.shape[0] * hessian.shape[1]
    return float(loss), np.linalg.eigvalsh(hessian.reshape(size, size))


def with_multiplicity(*pairs):
    return np.sort(np.concatenate([np.full(count, value) for value, count in pairs]))


def teacher_spectrum(K, d):
    half_width = 0.5 * np.sqrt((0.5 - 1 / np.pi) ** 2 + (K**2 - 4) / 16)
    low, high = 0.25 - 0.5 / np.pi, 0.25 + 0.5 / np.pi
    corner = np.sqrt(K - 1) / 4
    top = np.linalg.eigvalsh([[0.5 + (K - 1) / (2 * np.pi), corner], [corner, K / 4 + 0.5 / np.pi]])
    pairs = [
        (low, K * (K - 1) // 2),
        (high, max(0, K * (K - 3) // 2)),
        # At K = 2 the multiplicity -1 of the value above cancels the lower of these.
        ((K + 2) / 8 - half_width, K - 1 if K > 2 else 0),
        ((K + 2) / 8 + half_width, K - 1),
        (top[0], 1),
        (top[1], 1),
        (0.25, (K - 1) * (d - K)),
        ((K + 1) / 4, d - K),
    ]
    return with_multiplicity(*pairs)


@each_room
def test_spectrum_of_the_teacher(students, dim):
    V = np.eye(students, dim)
    loss, values = spectrum_of(TeacherStudent(V), V)
    assert abs(loss) < 1e-15
    assert abs(values[0] - 0.0908450569081) < 1e-12
    np.testing.assert_allclose(values, teacher_spectrum(students, dim), rtol=0, atol=1e-12)


@each_room
def test_spectrum_of_the_diagonal_saddle(students, dim):
    K, d = students, dim
    x = (np.sqrt(K - 1) + np.pi - np.arccos(1 / np.sqrt(K))) / (np.pi * K)
    kappa, outside = K / (2 * np.pi * x * np.sqrt(K - 1)), np.sqrt(K - 1) / (2 * np.pi * x)
    V = np.eye(K, d)
    loss, values = spectrum_of(TeacherStudent(V), np.tile(x * V.sum(0), (K, 1)))
    expected = with_multiplicity(
        (K / 2, 1),
        (K / 2 - kappa, K - 1),
        (0.0, K - 1),
        (-kappa, (K - 1) ** 2),
        (-outside, (K - 1) * (d - K)),
        (K / 2 - outside, d - K),
    )
    assert abs(loss - ((K / 2 + K * (K - 1) / (2 * np.pi)) / 2 - K**3 * x**2 / 4)) < 1e-12
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("students", "place", "loss"),
    [(2, 0.534154943091895, 0.088511936632883), (5, 0.256840678003603, 0.780076497251752)],
)
def test_numbers_of_the_diagonal_saddle(students, place, loss):
    found, values = spectrum_of(TeacherStudent(np.eye(students)), np.full(2 * [students], place))
    assert abs(found - loss) < 1e-13
    assert np.sum(values < -1e-9) == (students - 1) ** 2
    assert np.sum(np.abs(values) < 1e-9) == students - 1


@pytest.mark.parametrize("students", [2, 3, 5])
def test_negative_diagonal_point(students):
    K = students
    x = -(np.sqrt(K - 1) - np.arccos(1 / np.sqrt(K))) / (np.pi * K)
    loss, _ = spectrum_of(TeacherStudent(np.eye(K)), np.full((K, K), x))
    if K == 2:
        assert abs(loss - 0.6568218228166741) < 1e-13


def test_two_students_out_of_plane_and_antipodal():
    p, q, s1, s2 = 0.524579222543739, 0.409132475081778, 1.51081832985837, 0.0966047674852793
    V = np.eye(2, 3)
    outside = np.array([[p, p, q], [p, p, -q]])
    u = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    antipodal = np.stack([s1 * u, -s2 * u])
    for state, loss, index in (
        (outside, 0.0736129325276493, 1),
        (antipodal, 0.0861788163576621, 2),
    ):
        found, values = spectrum_of(TeacherStudent(V), state)
        assert abs(found - loss) < 1e-13
        assert np.sum(values < -1e-9) == index
        # Euler's identity at a critical point.
        euler = (kernel(V, V).sum() - kernel(state, state).sum()) / 2
        assert abs(found - euler) < 1e-13
    assert abs(values[0] + 4.1597924) < 1e-7


# Structure


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_euler_identity(sizes, rng):
    """J = quadratic + linear + constant in W, so J = W . grad J - quadratic + constant."""
    W, V, a, b = network(rng, *sizes)
    loss, gradient, _ = evaluate(TeacherStudent(V, output_weights=a, teacher_weights=b), W[None])
    quadratic, constant = a @ kernel(W, W) @ a / 2, b @ kernel(V, V) @ b / 2
    np.testing.assert_allclose(loss[0], np.sum(W * gradient[0]) - quadratic + constant, rtol=1e-12)


def test_isotropic_law_is_the_gaussian_one_rescaled(rng):
    _, V, a, b = network(rng, 3, 2, 4)
    options = {"output_weights": a, "teacher_weights": b}
    states = rng.normal(size=(4, 3, 4))
    plain = evaluate(TeacherStudent(V, **options), states)
    scaled = evaluate(TeacherStudent(V, inputs=Isotropic(2.5), **options), states)
    for one, other in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(other, 2.5 * one, rtol=1e-13, atol=1e-14)


def test_anisotropic_gaussian_is_whitened(rng):
    """J_S(W; V) = J(W S^1/2; V S^1/2), whichever way the root of S is taken."""
    W, V, a, b = network(rng, 3, 2, 3)
    factor = rng.normal(size=(3, 3))
    options = {"output_weights": a, "teacher_weights": b}
    field = TeacherStudent(V, inputs=Gaussian(factor @ factor.T), **options)
    white = TeacherStudent(V @ factor, **options)
    loss, gradient, hessian = evaluate(field, W[None])
    expected = evaluate(white, (W @ factor)[None])
    np.testing.assert_allclose(loss, expected[0], rtol=1e-11)
    np.testing.assert_allclose(gradient, expected[1] @ factor.T, rtol=0, atol=1e-11)
    back = np.einsum("ab,nibjc,dc->niajd", factor, expected[2], factor)
    np.testing.assert_allclose(hessian, back, rtol=0, atol=1e-10)


def test_functions_of_the_angle():
    """A and B of Eqn 7 for any isotropic law."""
    law = Isotropic(second_moment=0.5)
    theta = np.array([0.0, 0.3, np.pi / 2, 3.0, np.pi])
    np.testing.assert_allclose(law.mass(theta), 0.5 * (np.pi - theta) / (2 * np.pi), rtol=1e-15)
    np.testing.assert_allclose(law.asymmetry(theta), 0.5 * np.sin(theta) / (2 * np.pi), atol=1e-16)
    for angle in theta:
        e, w = np.array([1.0, 0.0]), 1.5 * np.array([np.cos(angle), np.sin(angle)])
        formula = law.mass(angle) * w + 1.5 * law.asymmetry(angle) * e
        np.testing.assert_allclose(formula, 0.5 * population_gating(e, w), rtol=0, atol=1e-15)


def test_opposite_pairs_decouple():
    e = np.array([0.6, 0.8])
    np.testing.assert_allclose(population_gating(e, -2 * e), 0, atol=1e-16)
    np.testing.assert_allclose(population_gating(e, e), e / 2, rtol=1e-15)
    np.testing.assert_allclose(population_gating(3 * e, e), e / 2, rtol=1e-15)


LAWS = {
    "Gaussian": Gaussian(),
    "Isotropic": Isotropic(0.4),
    "anisotropic": Gaussian(np.diag([1.0, 1.0, 3.0])),
    "rotated": Gaussian(np.eye(3) + 0.5 * np.ones((3, 3))),
}
TEACHERS = {
    "orthonormal": (np.eye(3), np.ones(3)),
    "plane": (np.eye(2, 3), np.ones(2)),
    "regular triangle": (np.eye(3) - 1 / 3, np.ones(3)),
    "signed": (np.eye(3), np.array([1.0, 1.0, -2.0])),
    "generic": (np.array([[1.0, 0.2, 0.0], [0.3, -1.0, 0.5]]), np.ones(2)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_equivariance(law, teacher, rng):
    V, b = TEACHERS[teacher]
    a = np.array([1.0, -0.5, 1.0, 1.0])
    field = TeacherStudent(V, output_weights=a, teacher_weights=b, inputs=LAWS[law])
    group, states = field.symmetry, rng.normal(size=(6, 4, 3))
    elements = [group.random_element(rng) for _ in states]
    images = np.array([group.act(g, w) for g, w in zip(elements, states, strict=True)])
    loss, gradient, _ = evaluate(field, states)
    loss_image, gradient_image, _ = evaluate(field, images)
    np.testing.assert_allclose(loss_image, loss, rtol=1e-12)
    for g, before, after in zip(elements, gradient, gradient_image, strict=True):
        np.testing.assert_allclose(after, group.act(g, np.asarray(before)), rtol=0, atol=1e-13)


def test_flow_is_minus_the_gradient_and_jacobian_minus_the_hessian(rng):
    W, V, a, b = network(rng, 3, 2, 4)
    field = TeacherStudent(V, output_weights=a, teacher_weights=b)
    _, gradient, hessian = evaluate(field, W[None])
    flow, jacobian = eqx.filter_jit(lambda f, w: (f(0.0, w), f.jacobian(w)))(field, W)
    np.testing.assert_allclose(flow, -gradient[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(jacobian, -hessian[0], rtol=0, atol=1e-14)


def rebuilt(field, V, a, b):
    """The field with other parameters, which may be traced."""

    def parameters(field):
        return field.teacher, field.output_weights, field.teacher_weights

    return eqx.tree_at(parameters, field, (V, a, b))


@pytest.mark.parametrize("transform", [jax.jacfwd, jax.jacrev])
def test_derivatives_are_finite_at_the_teacher_and_at_collapsed_students(transform, rng):
    """By the students, the teacher and the weights, of the field under jit and vmap."""
    states, field = special_states(rng, np.eye(3)), TeacherStudent(np.eye(3))

    def flow(w, *parameters):
        return rebuilt(field, *parameters)(0.0, w)

    one = jnp.ones(3)
    run = jax.jit(jax.vmap(transform(flow, (0, 1, 2, 3)), in_axes=(0, None, None, None)))
    for matrix in run(states, jnp.eye(3), one, one):
        assert np.all(np.isfinite(matrix))


def test_derivatives_by_teacher_and_weights(rng):
    """What fits of a teacher to trajectories differentiate by."""
    W, *parameters = network(rng, 3, 2, 3)
    field = TeacherStudent(*parameters[:1], output_weights=parameters[1])
    directions = [rng.normal(size=x.shape) for x in parameters]

    def values(*parameters):
        other = rebuilt(field, *parameters)
        return other.loss(W), other.gradient(W)

    moved = [
        [x + s * dx for x, dx in zip(parameters, directions, strict=True)] for s in (6e-6, -6e-6)
    ]
    ahead, behind = (jax.jit(values)(*x) for x in moved)
    _, along = jax.jit(lambda x, dx: jax.jvp(values, x, dx))(tuple(parameters), tuple(directions))
    for exact, after, before in zip(along, ahead, behind, strict=True):
        np.testing.assert_allclose(exact, (after - before) / 12e-6, rtol=1e-8, atol=1e-8)
    by_all = jax.jit(jax.grad(lambda *x: values(*x)[0], (0, 1, 2)))(*parameters)
    total = sum(np.sum(g * dx) for g, dx in zip(by_all, directions, strict=True))
    np.testing.assert_allclose(total, along[0], rtol=1e-12)


# Sampled inputs


def test_sample_is_the_derivative_of_the_empirical_loss(rng):
    W, V, a, b = network(rng, 3, 2, 4)
    X = rng.normal(size=(500, 4))
    field = TeacherStudent(V, output_weights=a, teacher_weights=b, inputs=Sample(X))

    def empirical(w):
        residual = jax.nn.relu(X @ w.T) @ a - jax.nn.relu(X @ V.T) @ b
        return 0.5 * jnp.mean(residual**2)

    loss, gradient, hessian = evaluate(field, W[None])
    np.testing.assert_allclose(loss[0], empirical(W), rtol=1e-13)
    np.testing.assert_allclose(gradient[0], jax.jit(jax.grad(empirical))(W), rtol=0, atol=1e-13)
    np.testing.assert_allclose(hessian[0], jax.jit(jax.hessian(empirical))(W), rtol=0, atol=1e-13)


def test_sample_against_equation_3(rng):
    """N grad_j J = X' D_j (sum_i D_i X w_i - sum_k D*_k X v_k) with diagonal gates D."""
    W, V, _, _ = network(rng, 3, 2, 4)
    X = rng.normal(size=(60, 4))
    gates = [np.diag((X @ w > 0).astype(float)) for w in W]
    residual = sum(D @ X @ w for D, w in zip(gates, W, strict=True))
    residual = residual - sum(np.diag((X @ v > 0).astype(float)) @ X @ v for v in V)
    expected = np.stack([X.T @ D @ residual / 60 for D in gates])
    field = TeacherStudent(V, students=3, inputs=Sample(X))
    np.testing.assert_allclose(field.gradient(W), expected, rtol=0, atol=1e-13)


def test_large_sample_approaches_the_population():
    rng = np.random.default_rng(7)
    W, V, a, b = network(rng, 3, 2, 4)
    options = {"output_weights": a, "teacher_weights": b}
    _, population, _ = evaluate(TeacherStudent(V, **options), W[None])
    errors = []
    for size in (1_000, 400_000):
        X = rng.normal(size=(size, 4))
        field = TeacherStudent(V, inputs=Sample(X), **options)
        gradient = np.asarray(field.gradient(W))
        np.testing.assert_allclose(gradient.ravel(), sampled(X, W, V, a, b)[0][1:], atol=1e-12)
        errors.append(np.linalg.norm(gradient - population[0]))
    assert errors[1] < errors[0] / 5


# Bad input


def test_zero_student_is_refused(rng):
    W = rng.normal(size=(3, 3))
    W[1] = 0
    field = TeacherStudent(np.eye(3))
    for method in (field.loss, field.gradient, field.hessian):
        with pytest.raises(ValueError, match="zero row"):
            method(W)
    gradient = eqx.filter_jit(lambda field, w: field.gradient(w))(field, W)
    assert np.any(np.isnan(gradient[1]))


def test_bad_states_are_refused():
    field = TeacherStudent(np.eye(3))
    with pytest.raises(ValueError):
        field.gradient(np.ones((2, 3)))
    with pytest.raises(ValueError):
        field.loss(np.full((3, 3), np.nan))
    with pytest.raises(ValueError):
        population_gating(np.ones(3), np.zeros(3))
    with pytest.raises(ValueError):
        population_gating(np.ones(3), np.ones(2))


@pytest.mark.parametrize(
    ("teacher", "options", "message"),
    [
        (np.ones(3), {}, r"teacher has shape \(3,\); needed: \(M, d\)"),
        (np.ones((0, 3)), {}, r"teacher has shape \(0, 3\)"),
        (np.eye(2) * 1j, {}, "teacher is complex"),
        (np.diag([1.0, 0.0]), {}, r"teacher has a zero row \(number 2\)"),
        (np.array([[1.0, np.inf]]), {}, "teacher has entries that are NaN or infinite"),
        (np.eye(2), {"students": 0}, "students is 0; needed: a whole number, at least 1"),
        (np.eye(2), {"output_weights": np.array([1.0, 0.0])}, "output_weights is .* nonzero"),
        (np.eye(2), {"output_weights": np.ones(3), "students": 2}, "output_weights has shape"),
        (np.eye(2), {"teacher_weights": np.ones(3)}, "teacher_weights has shape"),
        (np.eye(2), {"teacher_weights": np.array([1.0, np.nan])}, "teacher_weights is .* finite"),
        (np.eye(2), {"inputs": Gaussian(np.eye(3))}, "covariance"),
        (np.eye(2), {"inputs": Sample(np.ones((5, 3)))}, "X"),
    ],
)
def test_bad_networks_are_refused(teacher, options, message):
    with pytest.raises(ValueError, match=message):
        TeacherStudent(teacher, **options)


@pytest.mark.parametrize(
    "matrix", [np.ones((2, 3)), -np.eye(2), np.array([[1.0, 0.5], [0.0, 1.0]])]
)
def test_bad_covariances_are_refused(matrix):
    with pytest.raises(ValueError):
        fields.Gaussian(matrix)


@pytest.mark.parametrize("moment", [0.0, -1.0, np.nan])
def test_bad_second_moments_are_refused(moment):
    with pytest.raises(ValueError):
        Isotropic(moment)
