"""Ways to find critical points that random starts miss, and how complete the search then is."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles.block_families import FAMILY_POINTS

from flowlab import find_critical_points
from flowlab.catalog import Collector
from flowlab.critical import newton_search
from flowlab.fields import GradientFlow, TeacherStudent, VectorField, zoo
from flowlab.search._deflation import Deflated, deflation_search, invariants_of
from flowlab.search._slow_points import minima
from flowlab.search._splittings import _dealt_out, splitting_search
from flowlab.search._starts import SCALES, spread


def diagonal_losses(students):
    """Theorem 7 and its negative twin: all students equal, in closed form."""
    turn, root = math.acos(students**-0.5), (students - 1) ** 0.5
    length = np.array([root + math.pi - turn, turn - root]) / (math.pi * students)
    plain = (students / 2 + students * (students - 1) / (2 * math.pi)) / 2
    return plain - students**3 * length**2 / 4


# How many orbits three searches of this kind found together, by dimension.
ORBITS = {3: 14, 4: 21, 5: 22}


@pytest.mark.slow
@pytest.mark.parametrize("d", ORBITS)
def test_three_students_every_key_finds_the_same(d):
    field = TeacherStudent(jnp.eye(3, d))
    catalogs = [
        find_critical_points(field, key=jax.random.key(number), starts=1_000, methods=["newton"])
        for number in (0, 1, 20_250_101)
    ]
    first = catalogs[0]
    assert [len(catalog) for catalog in catalogs] == [ORBITS[d]] * 3
    assert not first.diff(catalogs[1], hits=False) and not first.diff(catalogs[2], hits=False)
    for catalog in catalogs:
        assert all(p.residual <= 1e-12 and p.unexplained_nullity == 0 for p in catalog)
        assert all(np.linalg.norm(p.location, axis=1).min() > 1e-3 for p in catalog)
        for number, point in enumerate(catalog):
            for other in catalog.points[:number]:
                if np.isclose(point.loss, other.loss, rtol=0, atol=1e-6):
                    assert not field.symmetry.same_orbit(point.location, other.location)
    losses = np.array([p.loss for p in first])
    known = [family.loss for family in FAMILY_POINTS if family.students == 3]
    for loss in (0.0, *diagonal_losses(3), *known):
        assert np.abs(losses - loss).min() < 1e-12
    flat = first[int(np.abs(losses - diagonal_losses(3)[0]).argmin())]
    # Theorem 7: (K-1)^2 unstable directions, and K-1 for each dimension more.
    assert (flat.index, flat.nullity) == (4 + 2 * (d - 3), 2)


def test_the_flow_slows_down_at_the_passes_between_wells():
    """Every trajectory ends in a well; on their way they pass both saddles of Müller and Brown."""
    surface = zoo.muller_brown()
    starts = np.random.default_rng(0).uniform([-1.2, -0.2], [0.8, 1.8], (60, 2))
    found = find_critical_points(surface, starts=starts, methods=["flow", "slow_points"])
    report = found.provenance["settings"]["search"]
    assert report["slow_points"]["trajectories"] == 60 <= sum(report["flow"].values())
    assert sum(report["slow_points"]["outcomes"].values()) == report["slow_points"]["starts"] > 0
    saddles = [p for p in found if p.index == 1]
    # Published: Müller and Brown 1979; to ten digits from the potential's own formula.
    np.testing.assert_allclose(
        sorted(p.loss for p in saddles), [-72.248940, -40.664844], rtol=0, atol=1e-6
    )
    assert {p.found_by for p in saddles} == {"slow_points"} and {p.hits for p in saddles} == {0}
    # A slow point is none: the ghost of a saddle and a node is passed, and not listed.
    start = np.array([[-1.0, 0.5]])
    assert not find_critical_points(
        zoo.saddle_node_ghost(), starts=start, methods=["slow_points"]
    ).points


def test_minima_of_a_sequence():
    assert minima(np.array([3.0, 1.0, 2.0, 2.0, 0.5, 0.5, 4.0])).tolist() == [1, 4]
    assert minima(np.array([3.0, 4.0, 2.0])).tolist() == [2]
    assert minima(np.array([1.0, 2.0, 3.0])).size == minima(np.array([1.0])).size == 0


def test_newton_ends_at_the_roots_that_scipy_finds(rng):
    """Five wells in a row; every start ends at a root or says that it does not."""
    field = VectorField(lambda w: jnp.sin(w) + 0.1 * w[::-1], (2,))
    starts = rng.uniform(-8, 8, (200, 2))
    result = newton_search(field, starts)
    good = np.asarray(result.residual) < 1e-12
    assert good.mean() > 0.8
    states = np.asarray(result.state)[good]
    np.testing.assert_allclose(np.sin(states) + 0.1 * states[:, ::-1], 0, atol=1e-12)
    x = np.linspace(-12, 12, 400)
    x, y = np.meshgrid(x, x)
    # A sign change of both components near a grid point is a candidate; each is near an end.
    small = np.hypot(np.sin(x) + 0.1 * y, np.sin(y) + 0.1 * x) < 0.02
    for place in np.stack([x[small], y[small]], axis=1):
        inside = np.abs(place).max() < 8
        assert not inside or np.linalg.norm(states - place, axis=1).min() < 0.1


def test_newton_does_not_depend_on_what_else_is_searched(rng):
    field = TeacherStudent(jnp.eye(2))
    starts = rng.normal(size=(300, 2, 2))
    together, alone = newton_search(field, starts), newton_search(field, starts[:40])
    np.testing.assert_allclose(together.state[:40], alone.state, rtol=0, atol=1e-9)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_flattened_starts_use_fewer_directions(d, rng):
    field = TeacherStudent(jnp.eye(2, d))
    drawn = rng.normal(size=(80, 2, d))
    starts = spread(field, drawn)
    scales = np.resize(SCALES, 80)[:, None, None]
    np.testing.assert_array_equal(starts[..., :2], (drawn * scales)[..., :2])
    used = [int((np.abs(w[:, 2:]).max(axis=0) > 0).sum()) for w in starts]
    assert set(used) == set(range(d - 1))
    assert used.count(d - 2) >= 40


def test_students_are_dealt_out_in_all_ways(rng):
    field = TeacherStudent(jnp.eye(4))
    u, v = rng.normal(size=(2, 4))
    w = np.stack([u, u / 2, -v, u])
    states = list(_dealt_out(w))
    # Four students in two directions: 1 + 3 and 2 + 2; the state itself is 3 + 1.
    assert len(states) == 2
    for state in states:
        assert abs(float(field.loss(state) - field.loss(w))) < 1e-14
    assert list(_dealt_out(rng.normal(size=(4, 4)))) == []


def test_splittings_of_one_student_are_critical_points_of_two():
    field = TeacherStudent(jnp.eye(2))
    collector = Collector(field)
    report = splitting_search(field, collector, jax.random.key(0), 20)
    single = find_critical_points(
        TeacherStudent(jnp.eye(2), students=1), key=jax.random.key(0), starts=20, methods=["newton"]
    )
    assert report["of"] == len(single) and report["starts"] == 3 * len(single)
    assert sum(report["outcomes"].values()) == report["starts"]
    losses = [point.loss for point in collector.points]
    for point in single:
        assert np.abs(np.array(losses) - point.loss).min() < 1e-13
    assert {p.found_by for p in collector.points} == {"splittings"}
    # The flat segment of Theorem 7 and its negative twin are split students.
    for loss in diagonal_losses(2):
        assert np.abs(np.array(losses) - loss).min() < 1e-13


def test_what_splittings_cannot_do_they_say():
    weights = TeacherStudent(jnp.eye(2), output_weights=[1.0, 2.0])
    one = TeacherStudent(jnp.eye(2), students=1)
    for field in (weights, one, zoo.double_wells(2)):
        report = splitting_search(field, Collector(field), jax.random.key(0), 5)
        assert report["starts"] == 0 and report["skipped"]


FIELDS = {
    "relabelings": TeacherStudent(jnp.eye(2, 3)),
    "signed permutations": zoo.double_wells(3),
    "none": GradientFlow(lambda w: jnp.sum((w**2 - 1) ** 2), (2,)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_deflating_invariants_and_their_derivative(name, rng):
    field = FIELDS[name]
    group, invariants = field.symmetry, invariants_of(field)
    assert invariants is not None
    w = rng.normal(size=field.shape)
    for _ in range(20):
        moved = group.act(group.random_element(rng), w)
        np.testing.assert_allclose(invariants(moved), invariants(w), rtol=1e-12)
    known = np.stack([invariants(rng.normal(size=field.shape)) for _ in range(3)])
    deflated = Deflated(field, invariants, known)
    both = jax.jit(lambda v: (deflated.jacobian(v), jax.jacfwd(lambda u: deflated(0.0, u))(v)))
    np.testing.assert_allclose(*both(jnp.asarray(w)), rtol=1e-9, atol=1e-12)


def test_deflation_finds_the_other_roots_and_no_known_one_again():
    """Nine critical points on a grid, no symmetry declared; five are known."""
    field = GradientFlow(lambda w: jnp.sum((w**2 - 1) ** 2) / 4, (2,))
    roots = np.array([[x, y] for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)])
    collector = Collector(field)
    collector.add_all(roots[:5], found_by="given", hits=[0] * 5)
    starts = np.random.default_rng(0).normal(size=(64, 2)) * np.resize(SCALES, 64)[:, None]
    report = deflation_search(field, collector, starts)
    found = np.stack([point.location for point in collector.points])
    assert sum(report["outcomes"].values()) == report["starts"] == 64
    assert len(found) == 9
    np.testing.assert_allclose(sorted(found.round(9).tolist()), sorted(roots.tolist()), atol=1e-9)
    assert [point.hits for point in collector.points[:5]] == [0] * 5


def test_all_methods_by_name():
    field = TeacherStudent(jnp.eye(2))
    catalog = find_critical_points(
        field, key=jax.random.key(0), starts=24, methods=["newton", "splittings", "deflation"]
    )
    report = catalog.provenance["settings"]["search"]
    counts = [report[f"found_by_{name}"] for name in ("newton", "splittings", "deflation")]
    assert sum(counts) + report["regrouped"] == len(catalog) == 4
    with pytest.raises(ValueError, match="splittings"):
        find_critical_points(field, key=jax.random.key(0), methods=["guessing"])
