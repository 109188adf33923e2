"""Where saddles are left, what is reached, and that it depends on no choice of image."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flowlab import Catalog, find_critical_points, spectrum
from flowlab.catalog import provenance
from flowlab.critical import classify, refine
from flowlab.fields import GradientFlow, TeacherStudent, VectorField, zoo
from flowlab.landscape import (
    landscape_graph,
    quotient,
    trace_connections,
    unfold,
    unstable_directions,
)
from flowlab.landscape._directions import spread

X_STAR = 0.534154943091895
WELLS = zoo.double_wells(3)
TWO = TeacherStudent(jnp.eye(2))
# The antipodal saddle of two students: w1 = s1 u, w2 = -s2 u.
ANTIPODAL = np.outer([1.51081832985837, -0.0966047674852793], [0.5**0.5, 0.5**0.5])


def catalog_of(field, *states):
    """The critical points near the given states, as a catalog p1, p2, ..."""
    points = [
        classify(field, refine(field, state).location, id=f"p{number}")
        for number, state in enumerate(states, 1)
    ]
    return Catalog(tuple(points), field.spec(), provenance(field))


def moved(field, catalog, rng):
    """The same catalog with a random image of every point."""
    group = field.symmetry
    points = [
        p.replace(location=np.asarray(group.act(group.random_element(rng), p.location)))
        for p in catalog
    ]
    return catalog.replace(points=tuple(points), connections=())


def signature(catalog):
    """Of the quotient what no choice of images decides: the images reached and how often."""
    graph = quotient(landscape_graph(catalog))
    reached = {}
    for source, target, data in graph.edges(data=True):
        counts = reached.setdefault((source, target), Counter())
        counts[data["image"]] += data["multiplicity"]
    return {ends: sorted(counts.values()) for ends, counts in reached.items()}


@pytest.fixture(scope="module")
def wells():
    states = [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    return trace_connections(WELLS, catalog_of(WELLS, *states))


@pytest.fixture(scope="module")
def two():
    return trace_connections(TWO, catalog_of(TWO, np.eye(2), ANTIPODAL, np.full((2, 2), X_STAR)))


def test_directions_of_the_cube(wells):
    """At the centre of the cube: 6 along the axes, then one of each class of fixed subspaces."""
    top = wells["p4"]
    directions = unstable_directions(WELLS, top, samples=5)
    assert [d.side for d in directions] == [1, -1] * 3 + [0] * 9
    assert [d.symmetric for d in directions] == [True] * 10 + [False] * 5
    vectors = np.array([d.vector for d in directions])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(vectors[:6:2], np.eye(3))
    # Up to symmetry: space diagonal, face diagonal, the planes z = 0 and x = y.
    shapes = [np.sort(np.abs(vector)) for vector in vectors[6:10]]
    face, space = np.array([0, 0.5**0.5, 0.5**0.5]), np.full(3, 3**-0.5)
    assert sum(np.allclose(shape, face) for shape in shapes) == 1
    assert sum(np.allclose(shape, space) for shape in shapes) == 1
    assert sum(np.isclose(shape[0], 0) and not np.allclose(shape, face) for shape in shapes) == 1
    equal = [np.isclose(np.diff(shape), 0, atol=1e-9).sum() for shape in shapes]
    assert sorted(equal) == [0, 1, 1, 2]


def test_every_direction_of_the_cube_ends_where_its_signs_say(wells):
    """A coordinate that is 0 at the saddle goes to the sign of the direction, or stays 0."""
    group = WELLS.symmetry
    checked = 0
    for point in wells:
        ways = {(d.side, d.number): d.vector for d in unstable_directions(WELLS, point)}
        for link in wells.connections:
            if link.source != point.id:
                continue
            vector = ways.pop((link.side, link.direction))
            vector[np.abs(vector) < 1e-9] = 0
            end = np.where(np.abs(point.location) < 0.5, np.sign(vector), point.location)
            target = wells[link.target]
            assert (
                group.image_name(group.match(target.location, end), target.location) == link.image
            )
            checked += 1
        assert not ways, "every direction is a connection"
    assert checked == 2 + 4 + 6 + 16 * 2 + checked_symmetric(wells)
    made = wells.provenance["connections"]
    assert made["directions"] == checked and made["outcomes"] == {"settled": checked}
    assert made["unfollowed"] == 0


def checked_symmetric(catalog):
    return sum(d.symmetric and d.side == 0 for p in catalog for d in unstable_directions(WELLS, p))


def test_directions_span_the_unstable_space_and_first_ones_stay(two):
    point = classify(TWO, refine(TWO, np.full((2, 2), -0.0342)).location, id="p9")
    few, many = (unstable_directions(TWO, point, samples=n) for n in (3, 9))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.vector, other.vector)
    basis = spectrum(TWO, point.location).unstable.reshape(point.index, -1)
    for direction in many:
        flat = direction.vector.ravel()
        np.testing.assert_allclose(flat @ basis.T @ basis, flat, atol=1e-10)
    other = unstable_directions(TWO, point, key=jax.random.key(5), samples=3)
    assert np.abs(other[-1].vector - few[-1].vector).max() > 1e-3
    with pytest.raises(ValueError, match="samples is -1"):
        unstable_directions(TWO, point, samples=-1)
    assert unstable_directions(TWO, two["p1"]) == ()


def test_complex_and_defective_unstable_spaces():
    """A spiral source and a Jordan block: no eigenvectors to follow, the space is spanned."""
    for matrix in ([[0.5, -2.0], [2.0, 0.5]], [[0.5, 1.0], [0.0, 0.5]]):
        array = jnp.array(matrix)
        field = VectorField(lambda w, array=array: array @ w - w * jnp.sum(w**2), (2,))
        point = classify(field, np.zeros(2))
        ways = unstable_directions(field, point, samples=4)
        assert point.index == 2 and len(ways) == 8
        np.testing.assert_allclose(np.linalg.norm([d.vector for d in ways], axis=1), 1)
        assert np.linalg.matrix_rank([ways[0].vector, ways[2].vector]) == 2


@pytest.mark.parametrize("size, gap", [(2, 0.55), (3, 0.9), (4, 1.15)])
def test_samples_are_spread_over_the_sphere(size, gap):
    """The largest hole, seen from 2,000 random points, is small; random samples leave larger."""
    vectors = spread([0, 3], 100 if size > 2 else 16, size)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-12)
    probes = np.random.default_rng(1).normal(size=(2_000, size))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    assert np.arccos(np.clip((probes @ vectors.T).max(axis=1), -1, 1)).max() < gap
    np.testing.assert_array_equal(spread([0, 3], 7, size), vectors[:7])


def test_a_direction_that_escapes_is_counted():
    field = GradientFlow(lambda w: w[0] ** 3 / 3 - w[0] + w[1] ** 2 / 2, (2,))
    traced = trace_connections(field, catalog_of(field, [1.0, 0.0], [-1.0, 0.0]))
    made = traced.provenance["connections"]
    assert made["outcomes"] == {"settled": 1, "escaped": 1} and made["directions"] == 2
    assert [link.target for link in traced.connections] == ["p1"]
    graph = landscape_graph(traced)
    assert graph.graph["directions_escaped"] == 1
    assert abs(graph.graph["lowest_barrier"] - 4 / 3) < 1e-12
    with pytest.raises(ValueError, match="samples is -2"):
        trace_connections(field, traced, samples=-2)


@pytest.mark.parametrize("which", ["wells", "two"])
def test_the_quotient_does_not_depend_on_the_image_held(request, rng, which):
    field, catalog = {"wells": WELLS, "two": TWO}[which], request.getfixturevalue(which)
    expected = signature(catalog)
    for _ in range(2):
        other = trace_connections(field, moved(field, catalog, rng))
        assert len(other) == len(catalog)
        assert signature(other) == expected


def test_theorem_7_joins_both_permutations_of_the_teacher(two):
    graph = unfold(TWO, two)
    below = {(target, data["side"]) for _, target, data in graph.out_edges("p3", data=True)}
    assert {target for target, _ in below} == {"p1", "p1 students (1 2)"}
    assert len(below) == 2 == graph.out_degree("p3")


def test_unfolding_the_cube(wells):
    """27 points; every saddle of index 1 joins the two ends of its edge of the cube."""
    graph = unfold(WELLS, wells)
    assert Counter(data["index"] for _, data in graph.nodes(data=True)) == {0: 8, 1: 12, 2: 6, 3: 1}
    pairs = set()
    for name, data in graph.nodes(data=True):
        if data["index"] == 1:
            ends = sorted(graph.successors(name))
            assert graph.out_degree(name) == len(ends) == 2
            pairs.add(tuple(ends))
    assert len(pairs) == 12
    # A saddle of index 2 sits on a face: 4 edges and 4 corners of it; the centre sees all.
    for name, data in graph.nodes(data=True):
        below = Counter(graph.nodes[target]["index"] for target in graph.successors(name))
        if data["index"] == 2:
            assert below == {0: 4, 1: 4}
        if data["index"] == 3:
            assert below == {0: 8, 1: 12, 2: 6}
    assert set(landscape_graph(wells)) <= set(graph)
    assert {*quotient(graph)} == {*quotient(landscape_graph(wells))}


def test_unfolding_does_not_depend_on_the_image_held(wells, rng):
    graph = unfold(WELLS, wells)
    other = unfold(WELLS, trace_connections(WELLS, moved(WELLS, wells, rng)))
    degrees = [
        sorted((d["point"], g.out_degree(n), g.in_degree(n)) for n, d in g.nodes(data=True))
        for g in (graph, other)
    ]
    assert degrees[0] == degrees[1]


def test_unfolding_says_what_it_needs(wells):
    with pytest.raises(ValueError, match="27 images together, more than the limit of 26"):
        unfold(WELLS, wells, limit=26)
    bare = wells.replace(provenance={})
    with pytest.raises(ValueError, match="does not say in which directions"):
        unfold(WELLS, bare)
    link = wells.connections[0].replace(image="coordinates (1 9)")
    with pytest.raises(ValueError, match="an image that the symmetry of the field does not make"):
        unfold(WELLS, wells.replace(connections=(link,)))


@pytest.mark.slow
def test_three_students_do_not_depend_on_the_image_held(rng):
    field = TeacherStudent(jnp.eye(3))
    found = find_critical_points(field, key=jax.random.key(0), starts=500)
    catalog = trace_connections(field, found)
    other = trace_connections(field, moved(field, catalog, rng))
    assert len(other) == len(catalog)
    assert signature(other) == signature(catalog)
