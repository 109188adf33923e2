"""How complete a catalog is: against populations of known size, and against topology."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.stats import binomtest

from flowlab import Completeness, completeness, find_critical_points, morse_check, zoo

KEY = jax.random.key(3)


def drawn(probabilities, starts, rng):
    return rng.multinomial(starts, probabilities)


@pytest.mark.parametrize("size, starts", [(40, 60), (40, 200), (100, 150)])
def test_interval_covers_a_population_of_equal_members(size, starts):
    """Equal probabilities are the case for which Chao's bound is the number itself."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        seen = Completeness.of(drawn(np.full(size, 1 / size), starts, rng))
        inside += seen.lower - 0.5 <= size <= seen.upper
    # The interval is asymptotic; Chao (1987) found coverages of 0.93 to 0.97 for such sizes.
    assert binomtest(inside, 400, 0.93, alternative="less").pvalue > 1e-3


def test_estimate_is_a_lower_bound_for_unequal_members():
    rng = np.random.default_rng(1)
    weights = 1 / np.arange(1, 201)
    estimates = [Completeness.of(drawn(weights / weights.sum(), 300, rng)) for _ in range(200)]
    assert np.mean([seen.estimate for seen in estimates]) < 200
    assert all(seen.observed <= seen.lower <= seen.estimate <= seen.upper for seen in estimates)


def test_good_turing_is_the_mass_not_seen():
    rng = np.random.default_rng(2)
    weights = 1 / np.arange(1, 101)
    weights /= weights.sum()
    gaps = []
    for _ in range(400):
        hits = drawn(weights, 150, rng)
        gaps.append(Completeness.of(hits).unseen - weights[hits == 0].sum())
    # Its bias is below 1/n (Good 1953); the mean of 400 has a standard error of about 0.002.
    assert abs(np.mean(gaps)) < 1 / 150 + 4 * np.std(gaps) / 20


def test_nothing_is_known_without_starts():
    seen = Completeness.of([0, 0])
    assert (seen.observed, seen.unseen, seen.visible) == (0, 1.0, 1.0)


@pytest.fixture(scope="module")
def wells():
    return find_critical_points(zoo.double_wells(3), key=KEY, starts=200)


def test_all_classes_of_the_double_wells_are_seen(wells):
    seen = completeness(wells)
    assert (seen.observed, seen.estimate) == (4, 4.0)
    assert seen.starts == sum(point.hits for point in wells)


def test_morse_numbers_of_the_double_wells(wells):
    check = morse_check(wells)
    assert check.counts == (8, 12, 6, 1) and check.euler == 1 and check


def test_a_missing_point_is_noticed(wells):
    for left_out in wells:
        rest = wells.replace(points=tuple(p for p in wells if p is not left_out), connections=())
        assert not morse_check(rest)


def test_morse_inequalities_see_more_than_the_alternating_sum(wells):
    sink, pass_, ridge, top = wells.points
    points = (
        dataclasses.replace(sink, orbit_size=1),
        dataclasses.replace(ridge, orbit_size=1),
        dataclasses.replace(top, orbit_size=1),
    )
    check = morse_check(wells.replace(points=points, connections=()))
    assert check.euler == 1 and check.counts == (1, 0, 1, 1)
    assert check
    high = dataclasses.replace(pass_, orbit_size=2)
    check = morse_check(wells.replace(points=(*points[1:], high), connections=()))
    assert check.euler == -2 and not check


def test_degenerate_points_are_no_case_for_morse():
    catalog = find_critical_points(zoo.double_wells(1), key=KEY, starts=20)
    flat = dataclasses.replace(catalog[0], nullity=1)
    check = morse_check(catalog.replace(points=(flat,), connections=()))
    assert not check and "degenerate" in check.reason
