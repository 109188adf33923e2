"""Saddles found along eigenvectors: from one point to all others, of the index that was asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flowlab import GradientFlow, TeacherStudent, VectorField, find_critical_points, spectrum, zoo
from flowlab.search._eigenvectors import follow_eigenvectors

KEY = jax.random.key(5)


def test_index_is_the_one_asked_for():
    field = zoo.double_wells(3)
    rng = np.random.default_rng(0)
    starts, wanted = rng.uniform(-0.9, 0.9, (64, 3)), np.arange(64) % 4
    ends = follow_eigenvectors(field, starts, wanted)
    found = ends.residual < 1e-12
    assert found.mean() > 0.9
    for state, index in zip(ends.state[found], wanted[found], strict=True):
        assert np.abs(state * (1 - state**2)).max() < 1e-12
        # The roots of u - u³ are 0, unstable, and ±1, stable.
        assert (np.abs(state) < 0.5).sum() == index


def test_saddle_of_a_quadratic_is_reached_in_a_few_steps():
    matrix = jnp.diag(jnp.array([-2.0, -0.5, 1.0, 30.0]))
    field = GradientFlow(lambda w: w @ matrix @ w / 2, (4,))
    ends = follow_eigenvectors(field, np.full((1, 4), 0.3), np.array([2]))
    assert np.abs(ends.state).max() < 1e-14 and ends.steps[0] < 20


def test_from_the_sinks_to_every_class_of_the_double_wells():
    catalog = find_critical_points(
        zoo.double_wells(3), key=KEY, starts=200, methods=("flow", "eigenvectors")
    )
    assert sorted((p.index, p.orbit_size) for p in catalog) == [(0, 8), (1, 12), (2, 6), (3, 1)]
    search = catalog.provenance["settings"]["search"]
    assert search["found_by_eigenvectors"] >= 3 - search["found_by_flow"] + 1
    assert sum(search["eigenvectors"]["outcomes"].values()) == search["eigenvectors"]["starts"]


def test_from_the_teacher_to_the_saddles_of_two_students():
    """Losses and indices of the families in the plane, as published numbers give them."""
    catalog = find_critical_points(
        TeacherStudent(jnp.eye(2)), key=KEY, starts=200, methods=("flow", "eigenvectors")
    )
    found = {(p.index, round(p.loss or 0.0, 10)) for p in catalog}
    assert {(0, 0.0), (1, 0.0861788164), (1, 0.0885119366)} <= found
    for point in catalog:
        assert point.residual <= 1e-12
        assert spectrum(TeacherStudent(jnp.eye(2)), point.location).index == point.index


def test_other_fields_are_passed_over():
    rotor = VectorField(lambda w: jnp.stack([w[1], -w[0] - 0.1 * w[1]]), (2,))
    catalog = find_critical_points(rotor, key=KEY, starts=10, methods=("flow", "eigenvectors"))
    assert len(catalog) == 1
    assert catalog.provenance["settings"]["search"]["eigenvectors"]["skipped"]


def test_without_a_key_nothing_is_drawn():
    with pytest.raises(ValueError, match="'eigenvectors' draws"):
        find_critical_points(zoo.double_wells(1), starts=np.ones((1, 1)), methods=("eigenvectors",))
