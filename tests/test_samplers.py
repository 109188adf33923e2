"""Where starts come from: the laws themselves against SciPy's, and the sequence a key defines."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from flowlab import Around, Ball, Box, Normal, OnPlane, Plane
from flowlab.fields import draw, sampler_spec

COUNT = 4_000
RARE = 1e-4
"""A right law fails a Kolmogorov-Smirnov test this seldom; the seeds of tests are fixed."""

PLANE = Plane([[1.0, 0], [0, 2]], [[1.0, 1], [0, 0]], [[0, 1.0], [0, -1]], coordinates=("s", "t"))


def sample(law, key, shape):
    return np.asarray(draw(law, key, shape, 0, COUNT))


def assert_follows(values, law):
    assert stats.kstest(np.ravel(values), law.cdf).pvalue > RARE


@pytest.mark.parametrize("std", [1.0, 0.2])
def test_normal(getkey, std):
    states = sample(Normal(std), getkey(), (3, 2)).reshape(COUNT, -1)
    for column in states.T:
        assert_follows(column, stats.norm(0, std))
    # Independent entries: the squared length follows a chi-square law.
    assert_follows(np.sum(states**2, 1) / std**2, stats.chi2(6))


def test_box(getkey):
    states = sample(Box([-2, 0], [2, 0.1]), getkey(), (2,))
    assert_follows(states[:, 0], stats.uniform(-2, 4))
    assert_follows(states[:, 1], stats.uniform(0, 0.1))
    # Their sum of ranks in [0, 1] is triangular only if they are independent.
    assert_follows((states[:, 0] + 2) / 4 + states[:, 1] / 0.1, stats.triang(0.5, 0, 2))
    assert sample(Box(-1.0, 1.0), getkey(), (2, 2)).shape == (COUNT, 2, 2)


@pytest.mark.parametrize("d", [1, 2, 10])
def test_ball(getkey, d):
    radius = 0.3
    states = sample(Ball(radius), getkey(), (1, d)).reshape(COUNT, d)
    lengths = np.linalg.norm(states, axis=1)
    assert np.all(lengths <= radius)
    assert_follows((lengths / radius) ** d, stats.uniform())
    if d > 1:
        # Uniform directions: each squared cosine follows a beta law.
        for column in (states / lengths[:, None]).T:
            assert_follows(column**2, stats.beta(0.5, (d - 1) / 2))
            assert_follows(np.sign(column) * column**2, signed_beta(d))


def signed_beta(d):
    beta = stats.beta(0.5, (d - 1) / 2)

    class Law:
        @staticmethod
        def cdf(x):
            return 0.5 * (1 + np.sign(x) * beta.cdf(np.abs(x)))

    return Law


def test_around(getkey):
    states = sample(Around([3.0, -1.0], 0.5), getkey(), (2,))
    assert_follows(states[:, 0], stats.norm(3, 0.5))
    assert_follows(states[:, 1], stats.norm(-1, 0.5))


def corner(key):
    return jax.random.uniform(key, (2,)) ** 2


@pytest.mark.parametrize(
    "law, coordinate_law",
    [
        (Box([0, 0], [1, 1]), stats.uniform()),
        (Normal(2.0), stats.norm(0, 2)),
        (corner, stats.beta(0.5, 1)),
    ],
)
def test_on_plane(getkey, law, coordinate_law):
    states = sample(OnPlane(PLANE, law), getkey(), (2, 2))
    z = np.array([PLANE.project(w) for w in states])
    np.testing.assert_allclose(PLANE.lift(z), states, rtol=0, atol=1e-13)
    for column in z.T:
        assert_follows(column, coordinate_law)
    assert abs(stats.spearmanr(*z.T).statistic) < 5 / np.sqrt(COUNT)


def test_a_wrong_law_is_noticed(getkey):
    """The tests have teeth: the radius of a ball's points is not uniform."""
    lengths = np.linalg.norm(sample(Ball(1.0), getkey(), (3,)), axis=1)
    assert stats.kstest(lengths, stats.uniform().cdf).pvalue < RARE


@pytest.mark.parametrize(
    "law", [Normal(0.5), Box(0.0, 1.0), Ball(1.0), OnPlane(PLANE, Normal(1.0))], ids=str
)
def test_start_i_depends_on_the_key_and_i_alone(getkey, law):
    key = getkey()
    whole = np.asarray(draw(law, key, (2, 2), 0, 50))
    assert np.array_equal(whole[17:30], draw(law, key, (2, 2), 17, 13))
    one = law(jax.random.fold_in(key, 31), (2, 2))
    np.testing.assert_allclose(whole[31], one, rtol=1e-14)
    assert len(np.unique(whole.reshape(50, -1), axis=0)) == 50


def test_descriptions_are_data():
    laws = [
        Normal(0.5),
        Ball(0.1),
        Box([-2, 0], [2, 1]),
        Around([1.0, 2.0], 0.1),
        OnPlane(PLANE, Box(0.0, 1.0)),
        corner,
        lambda key: jnp.zeros(2),
    ]
    specs = [sampler_spec(law) for law in laws]
    assert json.loads(json.dumps(specs)) == specs
    assert specs[0] == {"type": "Normal", "std": 0.5}
    assert specs[2] == {"type": "Box", "lower": [-2.0, 0.0], "upper": [2.0, 1.0]}
    assert specs[4]["plane"]["coordinates"] == ["s", "t"]
    assert specs[4]["law"] == {"type": "Box", "lower": 0.0, "upper": 1.0}
    assert specs[5] == {"type": "function", "name": "corner"}


@pytest.mark.parametrize(
    "make, complaint",
    [
        (lambda: Normal(-1.0), "std is -1.0"),
        (lambda: Ball(float("inf")), "radius is inf"),
        (lambda: Around([0.0], -0.1), "std is -0.1"),
        (lambda: Box(1.0, 0.0), "box is empty"),
        (lambda: draw(OnPlane(PLANE, Normal(1.0)), jax.random.key(0), (3,), 0, 2), "plane lies in"),
        (
            lambda: draw(OnPlane(PLANE, lambda k: jnp.ones(3)), jax.random.key(0), (2, 2), 0, 2),
            r"law of the plane returns shape \(3,\)",
        ),
    ],
)
def test_messages(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()
