"""The arctangent against 50-digit arithmetic: within 1 ulp of the exact angle on all of [0, pi]."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from tools import fit_arctangent

from flowlab.fields import _arctangent
from flowlab.fields._arctangent import arctan_quotient

BREAK = 21 / 32


def exact(sine, cosine):
    """Exact angles of the given floats, as 50-digit numbers."""
    with mp.workdps(50):
        return [mp.atan2(mp.mpf(s), mp.mpf(c)) for s, c in zip(sine, cosine, strict=True)]


def worst_ulp(computed, angles):
    """Largest error in units of the spacing of floats at the exact result."""
    with mp.workdps(50):
        return max(
            float(abs(mp.mpf(value) - angle)) / np.spacing(float(angle))
            for value, angle in zip(computed.tolist(), angles, strict=True)
        )


def uniform(rng, n):
    theta = rng.uniform(0, np.pi, n)
    return np.abs(np.sin(theta)), np.cos(theta)


def unnormalised(rng, n):
    return 10 ** rng.uniform(-8, 8, n), rng.choice([-1, 1], n) * 10 ** rng.uniform(-8, 8, n)


def small(rng, n):
    return 10 ** rng.uniform(-280, 0, n), np.ones(n)


def near_pi(rng, n):
    return 10 ** rng.uniform(-40, 0, n), -rng.uniform(0.5, 2, n)


def near_right_angle(rng, n):
    return rng.uniform(0.5, 2, n), rng.choice([-1, 1], n) * 10 ** rng.uniform(-40, 0, n)


def near_breakpoints(rng, n):
    ratio = rng.choice([BREAK, 1.0, 1 / BREAK], n) * (1 + 10 ** rng.uniform(-17, -1, n))
    cosine = rng.choice([-1, 1], n) * rng.uniform(0.5, 2, n)
    return ratio * np.abs(cosine), cosine


def just_below_powers_of_two(rng, n):
    """Quotients above a power of two whose arctangent is below it: where ulps are finest."""
    quotient = rng.choice([0.5, 0.25, 0.125], n) * (1 + rng.uniform(0, 0.09, n))
    cosine = rng.uniform(0.5, 2, n)
    return quotient * cosine, cosine


def sine_from_cosine(rng, n):
    """What the field does: the sine is the square root of 1 - c^2."""
    cosine = rng.choice([-1, 1], n) * (1 - 10 ** rng.uniform(-16, 0, n))
    return np.sqrt((1 - cosine) * (1 + cosine)), cosine


REGIONS = [
    uniform,
    unnormalised,
    small,
    near_pi,
    near_right_angle,
    near_breakpoints,
    just_below_powers_of_two,
    sine_from_cosine,
]


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.__name__)
def test_within_one_ulp(region, rng):
    sine, cosine = region(rng, 3000)
    angles = exact(sine, cosine)
    assert worst_ulp(np.asarray(jax.jit(arctan_quotient)(sine, cosine)), angles) <= 1
    assert worst_ulp(arctan_quotient(sine, cosine, xp=np), angles) <= 1


def test_axes_are_exact():
    x = np.array([5e-290, 1e-20, 0.3, 1.0, 7e299])
    zero = np.zeros_like(x)
    for xp in (np, jnp):
        assert np.all(np.asarray(arctan_quotient(zero, x, xp=xp)) == 0)
        assert np.all(np.asarray(arctan_quotient(zero, -x, xp=xp)) == np.pi)
        assert np.all(np.asarray(arctan_quotient(x, zero, xp=xp)) == np.pi / 2)
        assert np.all(np.asarray(arctan_quotient(x, x, xp=xp)) == np.pi / 4)
        assert np.all(np.asarray(arctan_quotient(x, -x, xp=xp)) == 3 * np.pi / 4)


def test_origin_is_zero():
    for xp in (np, jnp):
        for cosine in (0.0, -0.0):
            assert float(arctan_quotient(xp.asarray(0.0), xp.asarray(cosine), xp=xp)) == 0


def test_finite_at_extreme_sizes():
    sizes = np.array([0.0, 5e-324, 1e-308, 1e-300, 1e-150, 1.0, 1e150, 9e299])
    sine, cosine = np.meshgrid(sizes, np.concatenate([sizes, -sizes]))
    for xp in (np, jnp):
        angle = np.asarray(arctan_quotient(sine, cosine, xp=xp))
        assert np.all(np.isfinite(angle))
        assert np.all((angle >= 0) & (angle <= np.pi))


def test_scalars_broadcasting_and_other_types():
    assert float(arctan_quotient(1.0, 1.0)) == np.pi / 4
    assert arctan_quotient(np.ones((3, 1)), np.ones((1, 2))).shape == (3, 2)
    assert jax.vmap(arctan_quotient)(jnp.ones(4), jnp.ones(4)).shape == (4,)
    single = arctan_quotient(jnp.float32(1.0), jnp.float32(-1.0))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, 3 * np.pi / 4, rtol=1e-6)


def test_derivative_is_that_of_the_angle(rng):
    sine, cosine = uniform(rng, 200)
    radius = rng.uniform(0.5, 2, 200)
    by_sine, by_cosine = jax.vmap(jax.grad(arctan_quotient, (0, 1)))(radius * sine, radius * cosine)
    np.testing.assert_allclose(by_sine, cosine / radius, rtol=0, atol=1e-15)
    np.testing.assert_allclose(by_cosine, -sine / radius, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("cosine", "slope"), [(1.0, 1.0), (-1.0, -1.0), (2.0, 0.5)])
def test_derivative_at_aligned_and_opposite_vectors(cosine, slope):
    by_sine, by_cosine = jax.grad(arctan_quotient, (0, 1))(0.0, cosine)
    assert (float(by_sine), float(by_cosine)) == (slope, 0)
    tangent = jax.jvp(arctan_quotient, (0.0, cosine), (1.0, 0.0))[1]
    assert float(tangent) == slope


def test_second_derivative():
    second = jax.hessian(lambda v: arctan_quotient(v[0], v[1]))(jnp.array([0.6, 0.8]))
    mixed = (0.6**2 - 0.8**2) / 1.0
    twice = 2 * 0.6 * 0.8
    np.testing.assert_allclose(second, [[-twice, mixed], [mixed, twice]], atol=1e-15)


def test_coefficients_have_the_stated_error():
    p, q = _arctangent._P[::-1], _arctangent._Q[::-1]
    with mp.workdps(50):
        zs = [mp.mpf(BREAK) ** 2 * i / 200 for i in range(1, 201)]
        worst = max(
            abs(fit_arctangent.weight(z) * (fit_arctangent.evaluate(p, q, z) - value))
            for z, value in ((z, fit_arctangent.target(z)) for z in zs)
        )
    # 2.3e-18 for the exact coefficients; the rest is their rounding to floats.
    assert worst < 1e-17


@pytest.mark.slow
def test_the_fit_gives_the_coefficients():
    p, q, error = fit_arctangent.fit()
    assert error < 2.4e-18
    np.testing.assert_allclose([float(c) for c in p[::-1]], _arctangent._P, rtol=1e-10)
    np.testing.assert_allclose([float(c) for c in q[::-1]], _arctangent._Q, rtol=1e-10)
