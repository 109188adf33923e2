"""Labels of many random starts against SciPy, with fields written a second time in NumPy.

SciPy integrates a block of starts as one system, by DOP853 at rtol 1e-12. A label may differ only
where SciPy's own changes within 1e-6 of the start: on a boundary between basins.
`FLOWLAB_LABEL_STARTS=100000` does the same for as many starts as that on each system.
"""

import os
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from flowlab import Box, Normal, TeacherStudent, settle
from flowlab.fields import draw, theorem7_plane, zoo

COUNT = int(os.environ.get("FLOWLAB_LABEL_STARTS", "10000"))
BLOCK = 500
STRETCHES = 0.25, 0.75
MARGIN = 1e-6


def plane(z):
    """Theorem 7, K = 5: the supplement's Eqns 69-70."""
    x, y = z
    alpha = 1 / np.sqrt(x**2 + 4 * y**2)
    gap = alpha * np.abs(x - y)
    sin_phi = gap * np.sqrt(np.maximum(2 - gap**2, 0))
    sin_theta, sin_star = np.sqrt(1 - (alpha * x) ** 2), np.sqrt(1 - (alpha * y) ** 2)
    theta, star = np.arctan2(sin_theta, alpha * x), np.arctan2(sin_star, alpha * y)
    phi = np.arctan2(sin_phi, alpha**2 * (2 * x * y + 3 * y**2))
    radial = 4 * (alpha * sin_star - sin_phi) + alpha * sin_theta
    shared = -(np.pi - phi) * (x - 1 + 4 * y)
    dx = shared - theta - phi * (x - 1) + radial * x
    dy = shared - (star - phi) - phi * y + radial * y
    return np.stack([dx, dy]) / (2 * np.pi)


def duffing(z):
    """A damped ball in a double well."""
    x, v = z
    return np.stack([v, x - x**3 - 0.3 * v])


def network(z):
    """Two students and two teachers in space: Eqn 8, term by term.

    In a plane angles pass through 0 and pi all the time, and SciPy takes five times as many steps.
    """
    W = z.reshape(2, 3, -1)
    # Students by what they overlap with: the two teachers and the other student.
    u = np.empty((2, 3, *W.shape[1:]))
    u[:, :2], u[:, 2] = np.eye(2, 3)[:, :, None], W[::-1]
    length = np.sqrt((u**2).sum(2, keepdims=True))
    e, f = (W / np.sqrt((W**2).sum(1, keepdims=True)))[:, None], u / length
    apart = np.sqrt(((e - f) ** 2).sum(2, keepdims=True))
    along = np.sqrt(((e + f) ** 2).sum(2, keepdims=True))
    theta, sine = 2 * np.arctan2(apart, along), apart * along / 2
    gated = ((np.pi - theta) * u + length * sine * e) / (2 * np.pi)
    return (gated[:, 0] + gated[:, 1] - W / 2 - gated[:, 2]).reshape(6, -1)


SYSTEMS = {
    "plane": (theorem7_plane(5), Box([1e-3, 1e-3], [1.0, 1.0]), plane, 400.0),
    "duffing": (zoo.duffing(), Box([-2.0, -2.0], [2.0, 2.0]), duffing, 300.0),
    "network": (TeacherStudent(jnp.eye(2, 3)), Normal(0.5**0.5), network, 600.0),
}


def scipy_ends(field: Callable, starts: np.ndarray, until: float, sinks=()) -> np.ndarray:
    """Where SciPy says that starts (n, size) are at the end; what has reached a sink stays."""
    ends, going = np.array(starts), np.arange(len(starts))
    for length in until * np.array(STRETCHES):
        for first in range(0, len(going), BLOCK):
            some = going[first : first + BLOCK]
            block = ends[some].T

            def velocity(t, z, shape=block.shape):
                return field(z.reshape(shape)).reshape(-1)

            run = solve_ivp(
                velocity, (0, length), block.reshape(-1), "DOP853", rtol=1e-12, atol=1e-12
            )
            assert run.success
            ends[some] = run.y[:, -1].reshape(block.shape).T
        for sink in sinks:
            going = going[np.linalg.norm(ends[going] - sink, axis=-1) > 1e-5]
    return ends


def attracts(field: Callable, place: np.ndarray) -> bool:
    """Whether all eigenvalues of the Jacobian, by central differences, are well below 0."""
    steps = 1e-5 * np.eye(len(place))
    columns = field((place + steps).T) - field((place - steps).T)
    return np.linalg.eigvals(columns / 2e-5).real.max() < -0.01


def labels(ends: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The number of the place where each end is; -1: at none."""
    gaps = np.linalg.norm(ends[:, None] - places, axis=-1)
    return np.where(gaps.min(1) < 1e-4, gaps.argmin(1), -1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_labels_are_those_of_scipy(name):
    field, law, by_hand, until = SYSTEMS[name]
    key = jax.random.key(2026)
    starts = np.asarray(draw(law, key, field.shape, 0, COUNT)).reshape(COUNT, -1)
    probe = np.asarray(field.batch(jnp.asarray(starts[:50].T.reshape(*field.shape, -1))))
    np.testing.assert_allclose(probe.reshape(-1, 50), by_hand(starts[:50].T), rtol=0, atol=1e-13)

    found = settle(field, COUNT, key=key, sampler=law)
    caught = settle(field, COUNT, key=key, sampler=law, catalog=found.catalog)
    states = found.state.reshape(COUNT, -1)
    assert set(found.counts) == {"settled"} and sum(caught.counts.values()) == COUNT
    places = np.unique(states[::7].round(6), axis=0)
    assert len(places) >= 2
    ours = labels(states, places)
    assert ours.min() >= 0
    np.testing.assert_array_equal(labels(caught.state.reshape(COUNT, -1), places), ours)

    sinks = [place for place in places if attracts(by_hand, place)]
    theirs = labels(scipy_ends(by_hand, starts, until, sinks), places)
    doubtful = np.flatnonzero(ours != theirs)
    assert len(doubtful) <= 1e-4 * COUNT + 1
    for number in doubtful:
        around = starts[number] + MARGIN * np.concatenate([np.eye(field.size), -np.eye(field.size)])
        near = labels(scipy_ends(by_hand, around, until, sinks), places)
        assert len(set(near)) > 1, f"start {starts[number]} is labelled {ours[number]}, not {near}"
