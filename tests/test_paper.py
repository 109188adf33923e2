"""The paper's claims: they hold, and a false one is called false."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl
from flowlab.paper import Claim


def test_every_claim_holds():
    claims = fl.paper.check_claims(key=jax.random.key(3), samples=200_000)
    assert len(claims) >= 13
    assert [claim.name for claim in claims if not claim.holds] == []


@pytest.mark.parametrize(
    ("dim", "epsilon", "exact"),
    [(2, 0.1, 0.4846366508897925), (2, 0.5, 0.42217346919260684), (10, 0.1, 0.460065258266)],
)
def test_theorem6_probability_is_the_published_one(dim, epsilon, exact):
    claim = fl.paper.theorem6(dim, epsilon)
    assert claim.found == pytest.approx(exact, abs=1e-12)
    assert claim.holds and claim.expected == pytest.approx((1 - epsilon) / 2)


# P(w in Ω) from the textbook areas and volumes of lenses.
def area_of_the_lens(r):
    """Share of the disc of radius r < 1 around 0 that lies in the unit disc around (1, 0)."""
    lens = (
        r**2 * np.arccos(r / 2) + np.arccos(1 - r**2 / 2) - 0.5 * np.sqrt((2 - r) * r * r * (2 + r))
    )
    return lens / (np.pi * r**2)


def volume_of_the_lens(r):
    """The same for balls in three dimensions, whose centres are 1 apart."""
    lens = np.pi * r**2 * (1 + 2 * (1 + r) - 3 * (1 - r) ** 2) / 12
    return lens / (4 / 3 * np.pi * r**3)


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_theorem6_probability_is_the_volume_of_a_lens(epsilon):
    for dim, lens in ((2, area_of_the_lens), (3, volume_of_the_lens)):
        r = epsilon * np.sqrt(2 * np.pi / (dim + 1))
        assert fl.paper.theorem6_radius(dim, epsilon) == pytest.approx(r, rel=1e-15)
        assert fl.paper.theorem6(dim, epsilon).found == pytest.approx(lens(r), abs=1e-12)


SIZES = [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(10, marks=pytest.mark.slow),
         pytest.param(100, marks=pytest.mark.slow)]  # fmt: skip


@pytest.mark.parametrize("dim", SIZES)
def test_theorem6_measured(dim):
    for epsilon in (0.1, 0.5):
        found = fl.paper.measure_theorem6(
            dim, epsilon, key=jax.random.key(1), starts=20_000, followed=500, confidence=0.999
        )
        assert found.inside_interval[0] < found.exact < found.inside_interval[1]
        assert found.bound == (1 - epsilon) / 2 < found.exact < 0.5
        # Convergence is certain, far above the bound.
        assert found.converged == found.followed == found.outcomes.starts == 500
        assert found.converged_interval[1] == 1.0 and found.converged_interval[0] > 0.98


@pytest.mark.parametrize("dim", [2, 10])
def test_the_angle_falls_as_theorem6_says(getkey, dim):
    """Why convergence is certain: the rate of the angle, by differentiating along the field."""
    field = fl.TeacherStudent(jnp.eye(1, dim))

    def angle(w):
        rest = jnp.linalg.norm(w[0, 1:])
        return jnp.arctan2(rest, w[0, 0])

    def rates(w):
        theta, rate = jax.jvp(angle, (w,), (field(0.0, w),))
        said = -(jnp.pi - theta) * jnp.sin(theta) / (2 * jnp.pi * jnp.linalg.norm(w))
        return rate, said

    rate, said = jax.jit(jax.vmap(rates))(0.3 * jax.random.normal(getkey(), (20, 1, dim)))
    assert np.all(rate < 0)
    np.testing.assert_allclose(rate, said, rtol=1e-11)


def test_theorem6_messages():
    for options, complaint in (
        (dict(dim=1), "dim is 1"),
        (dict(dim=2.5), "dim is 2.5"),
        (dict(epsilon=1.0), "epsilon is 1.0"),
        (dict(followed=10, starts=5), "followed is 10 of 5 starts"),
    ):
        with pytest.raises(ValueError, match=complaint):
            fl.paper.measure_theorem6(**options, key=jax.random.key(0))


def test_a_false_claim_does_not_hold():
    assert not Claim.equal("x", "y", 1.0, 1.1, 0.05, "by hand").holds
    assert not Claim.equal("x", "y", 1.0, float("nan"), 0.05, "by hand").holds
    assert not Claim.at_least("x", "y", 0.5, 0.4, "by hand").holds


def test_monte_carlo_notices_a_wrong_formula(monkeypatch):
    """Without the asymmetric term the deviation is many standard errors."""
    from flowlab.paper import _theorems

    def mass_only(e, w):
        full, aligned = fl.population_gating(e, w), fl.population_gating(-e, w)
        return full - 0.1 * aligned

    monkeypatch.setattr(_theorems, "population_gating", mass_only)
    assert not fl.paper.theorem1(jax.random.key(0), samples=200_000).holds
