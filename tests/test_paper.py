"""The paper's claims: they hold, and a false one is called false."""

import jax
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
