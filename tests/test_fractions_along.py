"""Branching ratios along a branch, against a law in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy

import flowlab as fl


def tilted(mu):
    """w' = (w + 0.05)(mu^2 - w^2): two sinks at -mu and mu, which a start in between decides."""
    return fl.VectorField(lambda w: (w + 0.05) * (mu**2 - w**2), (1,))


@pytest.fixture(scope="module")
def along():
    branch = fl.continue_branch(tilted, np.array([-0.05]), parameter=(1.0, 2.0))
    return fl.fractions_along(
        tilted, branch, [1.25, 1.75], std=0.2, key=jax.random.key(1), starts=400
    )


def test_shares_of_a_saddle_in_closed_form(along):
    """Starts are N(-0.05, 0.2^2): the sides have 1/2 each, whatever the parameter."""
    np.testing.assert_allclose(along.states, -0.05, atol=1e-12)
    for value, shares in zip(along.parameter, along.shares, strict=True):
        ends = {float(np.round(shares.catalog[row.point].location[0], 9)) for row in shares}
        assert ends == {value, -value}
        assert all(row.lower < 0.5 < row.upper for row in shares)
        exact = scipy.stats.binomtest(shares.rows[0].hits, 400).proportion_ci(method="exact")
        assert shares.rows[0].lower == pytest.approx(exact.low, abs=1e-12)


def test_table_of_all_parameters(along):
    frame = along.to_frame()
    assert list(frame.columns[:2]) == ["mu", "point"] and len(frame) == 4
    assert frame.groupby("mu").hits.sum().tolist() == [400, 400]
    assert set(frame.isotropy_name) == {"trivial"} and set(frame.orbit_size) == {1}
    assert "800 starts" in repr(along)


def test_bad_input(along):
    branch = fl.continue_branch(tilted, np.array([-0.05]), parameter=(1.0, 2.0))
    given = {"std": 0.2, "key": jax.random.key(1), "starts": 10}
    with pytest.raises(ValueError, match="does not cover mu = 3.0"):
        fl.fractions_along(tilted, branch, [3.0], **given)
    with pytest.raises(ValueError, match="parameters is"):
        fl.fractions_along(tilted, branch, [], **given)
    with pytest.raises(ValueError, match="catalogs"):
        fl.fractions_along(tilted, branch, [1.5], catalogs=[], **given)
    with pytest.raises(ValueError, match="half_width"):
        fl.fractions_along(tilted, branch, [1.5], std=0.2, key=jax.random.key(1))


@pytest.mark.slow
def test_symmetric_perturbations_of_the_saddle_share_images_equally():
    """Two students: both orders of the teacher are images, exchanged by a symmetry of the noise."""

    def family(angle):
        half = angle / 2
        rows = jnp.stack([jnp.cos(half), jnp.sin(half)]), jnp.stack([jnp.cos(half), -jnp.sin(half)])
        return fl.TeacherStudent(jnp.stack(rows))

    norm = 2 / np.pi * ((np.pi - 0.5) * np.cos(0.5) + np.sin(0.5)) / 2
    start = np.array([[norm, 0.0]] * 2)
    branch = fl.continue_branch(family, start, parameter=(1.0, 1.6))
    result = fl.fractions_along(
        family, branch, [1.0, 1.5], std=0.01, key=jax.random.key(3), starts=100
    )
    for shares in result.shares:
        assert [row.kind for row in shares] == ["global minimum"]
        images = shares.images()
        assert len(images) == 2 and (images.lower < 0.5).all() and (images.upper > 0.5).all()
