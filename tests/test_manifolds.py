"""Critical manifolds: dimensions that theorems predict, tangents that stay critical."""

import jax.numpy as jnp
import numpy as np
import pytest

from flowlab import GradientFlow, TeacherStudent, critical_manifold, refine

P, Q = 0.524579222543739, 0.409132475081778
X_STAR = {2: 0.534154943091895, 3: 0.382023811364619}


@pytest.mark.parametrize("d", [3, 4, 5, 6])
def test_orbit_of_the_saddle_out_of_plane(d):
    """Tian's Theorem 2: for d >= K + 2 a point out of the teacher's span is not isolated."""
    field, saddle = TeacherStudent(jnp.eye(2, d)), np.zeros((2, d))
    saddle[:, :2], saddle[0, 2], saddle[1, 2] = P, Q, -Q
    around = critical_manifold(field, refine(field, saddle).location)
    rank = 1
    assert around.rotations == around.dimension == rank * (d - 2) - rank * (rank + 1) // 2
    assert around.splittings == around.unexplained == 0 and around.edge == "none"
    for tangent in around.tangents:
        # A circle through the saddle: a step along it leaves the loss alone to second order.
        moved = around.location + 1e-4 * tangent
        assert np.abs(np.asarray(field(0.0, moved))).max() < 1e-7


@pytest.mark.parametrize("K", [2, 3])
def test_simplex_of_theorem_7(K):
    field = TeacherStudent(jnp.eye(K))
    shares = np.linspace(0.7, 1.3, K)
    students = X_STAR[K] * shares[:, None] * np.ones(K)
    around = critical_manifold(field, refine(field, students).location)
    assert (around.dimension, around.splittings, around.rotations) == (K - 1, K - 1, 0)
    assert around.edge == "students vanish" and around.unexplained == 0
    # Every distribution of the weight among the students is critical, exactly.
    other = X_STAR[K] * np.roll(shares, 1)[:, None] * np.ones(K)
    assert np.abs(np.asarray(field(0.0, other))).max() < 1e-12


def test_a_sphere_that_nobody_declared():
    field = GradientFlow(lambda w: (jnp.sum(w**2) - 1) ** 2 / 4, (3,))
    around = critical_manifold(field, np.array([0.6, 0.0, 0.8]))
    assert (around.dimension, around.unexplained, around.confirmed) == (0, 2, 2)
    assert around.edge == "not known"


def test_a_degenerate_point_is_no_manifold():
    field = GradientFlow(lambda w: w[0] ** 4 / 4 + w[1] ** 2 / 2, (2,))
    around = critical_manifold(field, np.zeros(2))
    assert (around.dimension, around.unexplained, around.confirmed) == (0, 1, 0)


def test_an_isolated_point_and_none():
    field = TeacherStudent(jnp.eye(2))
    around = critical_manifold(field, np.eye(2))
    assert around.dimension == around.unexplained == 0 and around.tangents.shape == (0, 2, 2)
    with pytest.raises(ValueError, match="not a critical point"):
        critical_manifold(field, np.array([[1.0, 0.2], [0.0, 1.0]]))
