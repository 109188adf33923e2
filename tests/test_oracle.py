"""The oracle against itself differentiated in many digits, and against plain Monte Carlo."""

import mpmath as mp
import numpy as np
import pytest
from oracles import mp_relu

STEP = "1e-25"


def network(rng, students, teachers, dim):
    signs = rng.choice([-1.0, 1.0], students + teachers)
    weights = signs * rng.uniform(0.5, 2, students + teachers)
    W, V = rng.normal(size=(students, dim)), rng.normal(size=(teachers, dim))
    return W, V, weights[:students], weights[students:]


def central_difference(fn, W):
    """Derivative of `fn` by every entry of `W`, in the order of the entries, in many digits."""
    with mp.workdps(mp_relu.DIGITS):
        step = mp.mpf(STEP)
        slopes = []
        for index in np.ndindex(*W.shape):
            ahead = np.array([[mp.mpf(float(x)) for x in row] for row in W], dtype=object)
            behind = ahead.copy()
            ahead[index] += step
            behind[index] -= step
            slopes.append((fn(ahead) - fn(behind)) / (2 * step))
        return np.array(slopes, dtype=object)


def largest(array):
    return max(abs(x) for x in np.ravel(array))


SIZES = [(1, 1, 2), (2, 3, 3), (3, 1, 2)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_gradient_is_the_derivative_of_the_loss(sizes, rng):
    W, V, a, b = network(rng, *sizes)
    slopes = central_difference(lambda w: mp_relu.loss(w, V, a, b), W)
    assert largest(mp_relu.gradient(W, V, a, b).ravel() - slopes) < mp.mpf("1e-40")


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_hessian_is_the_derivative_of_the_gradient(sizes, rng):
    W, V, a, b = network(rng, *sizes)
    slopes = central_difference(lambda w: mp_relu.gradient(w, V, a, b), W)
    hessian = mp_relu.hessian(W, V, a, b).reshape(W.size, W.size)
    assert largest(hessian - slopes.reshape(W.size, W.size)) < mp.mpf("1e-40")


@pytest.mark.parametrize("factor", [2.0, 1.0, -0.5])
def test_limits_at_collinear_pairs(factor, rng):
    """The Hessian is continuous there: a difference is right to the order of the step."""
    _, V, a, b = network(rng, 2, 1, 3)
    w = np.array([0.5, -1.25, 2.0])
    W = np.stack([w, factor * w])
    slopes = central_difference(lambda x: mp_relu.gradient(x, V, a, b), W)
    hessian = mp_relu.hessian(W, V, a, b).reshape(W.size, W.size)
    assert largest(hessian - slopes.reshape(W.size, W.size)) < mp.mpf("1e-20")


def test_known_values():
    teacher = np.eye(2)
    assert abs(mp_relu.loss(teacher, teacher)) < mp.mpf("1e-100")
    assert largest(mp_relu.gradient(teacher, teacher)) < mp.mpf("1e-100")
    matrix = mp_relu.hessian(teacher, teacher).reshape(4, 4).astype(float)
    assert abs(np.linalg.eigvalsh(matrix)[0] - (0.25 - 0.5 / np.pi)) < 1e-15
    # E of max(z, 0)^2 is 1/2, and of two independent rectified normals the product 1/(2 pi).
    e, f = mp_relu._rows(np.eye(2))
    with mp.workdps(50):
        assert abs(mp_relu.kernel(e, e) - mp.mpf(1) / 2) < mp.mpf("1e-45")
        assert abs(mp_relu.kernel(e, f) - 1 / (2 * mp.pi)) < mp.mpf("1e-45")


def test_monte_carlo():
    rng = np.random.default_rng(0)
    W, V, a, b = network(rng, 2, 2, 3)
    x = rng.normal(size=(400_000, 3))
    residual = np.maximum(x @ W.T, 0) @ a - np.maximum(x @ V.T, 0) @ b
    samples = np.concatenate(
        [residual[:, None] ** 2 / 2]
        + [c * residual[:, None] * (x @ w > 0)[:, None] * x for c, w in zip(a, W, strict=True)],
        axis=1,
    )
    error = samples.std(0) / np.sqrt(len(x))
    exact = [mp_relu.loss(W, V, a, b), *mp_relu.gradient(W, V, a, b).ravel()]
    assert np.all(np.abs(samples.mean(0) - np.array(exact, float)) < 4 * error)
