"""Catalogs of several runs as one: the algebra of merging, connections that stay true, differences.

The orbits are made here, by group elements drawn at random, so that what must match is known.
"""

import itertools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

import flowlab as fl
from flowlab.catalog import Catalog, Connection, diff, merge, provenance
from flowlab.catalog._elements import element_named
from flowlab.catalog._fields import shared_field
from flowlab.critical import CriticalPoint, spectrum

FIELD = fl.TeacherStudent(jnp.eye(3))
GROUP = FIELD.symmetry
STATES = np.random.default_rng(1).normal(size=(6, 3, 3))
STATES[1] = np.eye(3) + 0.1
STATES[2] = np.diag([1.0, 2.0, 2.0])


def record(number: int, id: str, hits: int = 1, **changes) -> CriticalPoint:
    location = STATES[number]
    values = dict(
        id=id, kind="saddle", index=1, nullity=0, explained_nullity=0, loss=0.25 * (number // 2),
        residual=0.0, eigenvalues=np.arange(9.0) - 0.5, location=location, isotropy_order=1,
        isotropy_name="trivial", orbit_size=36, hits=hits, found_by="newton",
    )  # fmt: skip
    return CriticalPoint(**values | changes)


def moved(point: CriticalPoint, rng: np.random.Generator) -> CriticalPoint:
    noise = 1e-9 * rng.normal(size=point.location.shape)
    image = GROUP.act(GROUP.random_element(rng), point.location) + noise
    return point.replace(location=image, loss=point.loss + 1e-13 * rng.normal())


@st.composite
def runs(draw) -> Catalog:
    """A run that found some of the orbits, at images of its own."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    numbers = draw(st.lists(st.integers(0, len(STATES) - 1), unique=True, max_size=5))
    names = draw(st.permutations([f"p{n}" for n in range(1, len(numbers) + 1)]))
    counts = draw(st.lists(st.integers(0, 9), min_size=len(numbers), max_size=len(numbers)))
    points = [
        moved(record(number, name, hits), rng)
        for number, name, hits in zip(numbers, names, counts, strict=True)
    ]
    made = {"date": f"run {draw(st.integers(0, 10**9))}"}
    return Catalog(tuple(points), FIELD.spec(), made)


def hits_by_orbit(catalog: Catalog) -> dict[int, int]:
    """Hits of each of the known orbits; every point lies on exactly one."""
    found: dict[int, int] = {}
    for point in catalog:
        (number,) = (
            n for n, state in enumerate(STATES) if GROUP.match(state, point.location) is not None
        )
        assert number not in found, "an orbit has two entries"
        found[number] = point.hits
    return found


def summed(*catalogs: Catalog) -> dict[int, int]:
    total: dict[int, int] = {}
    for catalog in catalogs:
        for number, hits in hits_by_orbit(catalog).items():
            total[number] = total.get(number, 0) + hits
    return total


@settings(max_examples=25)
@given(st.lists(runs(), min_size=3, max_size=3, unique_by=lambda run: run.provenance["date"]))
def test_merging_is_a_union_of_runs(three):
    a, b, c = three
    both = merge(a, b)
    assert hits_by_orbit(both) == summed(a, b)
    assert [p.id for p in both][: len(a)] == [p.id for p in a], "ids of the first stay"
    assert all(np.array_equal(p.location, q.location) for p, q in zip(both, a, strict=False))
    assert hits_by_orbit(merge(b, a)) == hits_by_orbit(both)
    assert hits_by_orbit(merge(a, a)) == hits_by_orbit(a)
    assert hits_by_orbit(merge(both, b, a, both)) == hits_by_orbit(both)
    expected = summed(a, b, c)
    for one, two, three in itertools.permutations((a, b, c)):
        assert hits_by_orbit(merge(merge(one, two), three)) == expected
        assert hits_by_orbit(merge(one, merge(three, two).sorted(), two)) == expected
    assert not diff(merge(a, b, c), merge(c, b, a))


@settings(max_examples=25)
@given(runs(), runs())
def test_a_difference_names_what_differs(a, b):
    ours, theirs = hits_by_orbit(a), hits_by_orbit(b)
    found = diff(a, b)
    assert {n for n in ours if n not in theirs} == {*hits_by_orbit_of(found.only_first)}
    assert {n for n in theirs if n not in ours} == {*hits_by_orbit_of(found.only_second)}
    other = {n for n in ours.keys() & theirs.keys() if ours[n] != theirs[n]}
    assert {*hits_by_orbit_of([c.first for c in found.changed])} == other
    assert all(change.entries == ("hits",) for change in found.changed)
    assert bool(diff(a, b, hits=False)) == (ours.keys() != theirs.keys())


def hits_by_orbit_of(points) -> dict[int, int]:
    return hits_by_orbit(Catalog(tuple(points), FIELD.spec(), {}))


def test_runs_survive_the_file_and_sorting(tmp_path):
    a = Catalog((record(3, "p1", 4), record(1, "p2", 5)), FIELD.spec(), {"date": "a"})
    b = Catalog((record(1, "p1", 6),), FIELD.spec(), {"date": "b"})
    merge(a, b).sorted().to_json(tmp_path / "a.json")
    read = Catalog.from_json(tmp_path / "a.json")
    assert [run["provenance"]["date"] for run in read.provenance["runs"]] == ["a", "b"]
    assert hits_by_orbit(read) == {3: 4, 1: 11} == hits_by_orbit(merge(b, read, a))


def test_a_selection_and_an_extension_are_no_new_runs():
    first = Catalog((record(0, "p1", 3), record(1, "p2", 4)), FIELD.spec(), {"date": "a"})
    assert hits_by_orbit(merge(first, first.search(hits=4))) == {0: 3, 1: 4}
    assert hits_by_orbit(merge(first.search(hits=4), first)) == {0: 3, 1: 4}
    longer = (record(0, "p1", 10), *first.points[1:], record(2, "p3", 5))
    made = provenance(FIELD, extends=first, starts=12)
    extended = Catalog(longer, FIELD.spec(), made)
    for both in (merge(first, extended), merge(extended, first), merge(extended)):
        assert hits_by_orbit(both) == {0: 10, 1: 4, 2: 5}
    again = Catalog((record(0, "p1", 2),), FIELD.spec(), {"date": "b"})
    assert hits_by_orbit(merge(merge(first, again), extended)) == {0: 12, 1: 4, 2: 5}


def test_runs_without_a_date_are_told_apart_by_what_they_found():
    a, b = (Catalog((record(0, "p1", n),), FIELD.spec(), {}) for n in (3, 4))
    assert merge(a, b)[0].hits == 7 and merge(a, b, a)[0].hits == 7


def test_what_only_the_other_knows_of_the_same_place_is_taken_over():
    certificate = {"radius": 1e-9}
    plain = Catalog((record(0, "p1"),), FIELD.spec(), {"date": "a"})
    proved = Catalog((record(0, "p1", certificate=certificate),), FIELD.spec(), {"date": "a"})
    assert merge(plain, proved)["p1"].certificate == certificate
    elsewhere = proved.points[0].replace(location=STATES[0][::-1].copy())
    assert merge(plain, proved.replace(points=(elsewhere,)))["p1"].certificate is None


def test_a_manifold_that_nothing_explains_is_one_entry():
    points = [record(n, "p1", 1, nullity=2, loss=0.5) for n in (0, 3)]
    a, b = (Catalog((p,), FIELD.spec(), {"date": p.location[0, 0].item()}) for p in points)
    assert len(merge(a, b)) == 1 and merge(a, b)[0].hits == 2
    assert len(merge(a, b.replace(points=(points[1].replace(nullity=1),)))) == 2


# ---- connections ----

SYSTEMS = {
    "network": (fl.TeacherStudent(jnp.eye(2)), 60),
    "pendulum": (fl.zoo.magnetic_pendulum(), 60),
}


@pytest.fixture(scope="module", params=SYSTEMS)
def traced(request):
    field, starts = SYSTEMS[request.param]
    found = fl.find_critical_points(field, key=jax.random.key(0), starts=starts)
    return field, fl.trace_connections(field, found, samples=2)


def elsewhere(field, catalog: Catalog, rng) -> Catalog:
    """The catalog told of other images, its unstable directions found anew and followed there."""
    points = []
    for point in catalog:
        element = field.symmetry.random_element(rng)
        points.append(point.replace(location=field.symmetry.act(element, point.location)))
    return fl.trace_connections(field, catalog.replace(points=tuple(points)), samples=2)


def ends(field, catalog: Catalog) -> dict:
    """Where each side of each eigenvector leads: the image of the target, as a name."""
    return {
        (e.source, e.direction, e.side): (e.target, e.image) for e in catalog.connections if e.side
    }


def test_connections_lead_where_the_flow_leads(traced, rng):
    """Traced at other images and merged, they must be what tracing at the entries gives."""
    field, catalog = traced
    other = elsewhere(field, catalog, rng)
    bare = catalog.replace(connections=())
    told = merge(bare, other)
    assert [p.id for p in told] == [p.id for p in catalog]
    assert len(told.connections) > 0
    known = ends(field, catalog)
    simple = {p.id for p in catalog if p.index == 1}
    checked = 0
    for edge in told.connections:
        if edge.side and edge.source in simple:
            assert known[edge.source, edge.direction, edge.side] == (edge.target, edge.image)
            checked += 1
    assert checked == 2 * len(simple)
    # What the first has already is not listed twice.
    again = merge(catalog, other)
    assert ends(field, again) == known
    sides = [e for e in again.connections if e.source in simple]
    assert len(sides) == 2 * len(simple)
    assert merge(catalog, catalog).connections == catalog.connections


def test_a_side_follows_the_eigenvector(rng):
    """Reflected, the eigenvector of the saddle may point the other way: sides then change."""
    field = fl.theorem7_plane(2)
    catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
    (saddle,) = (p for p in catalog if p.index == 1 and p.location.sum() > 0.2)
    vector = spectrum(field, saddle.location).unstable[0]
    ends = {
        side: min(
            catalog.search(index=0),
            key=lambda p, to=saddle.location + side * vector: np.linalg.norm(p.location - to),
        ).id
        for side in (1, -1)
    }
    traced = fl.trace_connections(field, catalog)
    assert {e.side: e.target for e in traced.connections if e.source == saddle.id} == ends


def test_degenerate_directions_become_samples():
    """A source whose unstable eigenvalues coincide: turned, its directions are no eigenvectors."""
    field = fl.zoo.double_wells(2)
    points = [fl.classify(field, jnp.array(at), id=id)
              for id, at in (("p1", [1.0, 1.0]), ("p2", [0.0, 0.0]))]  # fmt: skip
    edge = Connection("p2", "p1", "identity", 1, 0, 0.5, 9.0)
    one = Catalog(tuple(points), field.spec(), {"date": "a"}, (edge,))
    assert merge(one, one).connections == (edge,)
    hidden = one.replace(points=(points[0], points[1].replace(location=np.full(2, 1e-9))))
    told = merge(one.replace(connections=()), hidden).connections
    assert len(told) == 1 and (told[0].source, told[0].target) == ("p2", "p1")


@pytest.mark.parametrize(
    "group",
    [GROUP, fl.SignedPermutations(4), fl.zoo.magnetic_pendulum().symmetry,
     fl.SignedPermutations(3, signs=False), fl.TrivialGroup((2,)),
     fl.TeacherStudent(jnp.eye(2, 4)).symmetry],
    ids=str,
)  # fmt: skip
def test_an_image_is_found_by_its_name(group, rng):
    w = rng.normal(size=group.shape)
    for _ in range(30):
        element = group.match(w, group.act(group.random_element(rng), w))
        name = group.image_name(element, w)
        found = element_named(group, name, w)
        # Of images that rotations join the name is that of them all.
        assert group.image_name(found, w) == name
        if "reflection" not in name and not hasattr(group, "stabilizer"):
            np.testing.assert_allclose(found.apply(w), element.apply(w), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["", "students (1 9)", "students (1 1)", "students (1 2) students (1 2)", "flip 1",
             "teachers (1 2", "reflection", "students (1 99999999999999999999999999)", "Identity"]
)  # fmt: skip
def test_a_name_of_no_image_is_refused(name):
    with pytest.raises(ValueError, match="is no element of"):
        element_named(GROUP, name, STATES[0])


# ---- fields ----


def test_fields_that_differ_are_refused():
    other = Catalog((), fl.TeacherStudent(2 * jnp.eye(3)).spec(), {})
    ours = Catalog((record(0, "p1"),), FIELD.spec(), {})
    with pytest.raises(ValueError, match="cannot merge: catalog 2 and catalog 1.*teacher is"):
        merge(ours, other)
    with pytest.raises(ValueError, match="cannot compare: catalog 2.*teacher is"):
        diff(ours, other)
    with pytest.raises(ValueError, match="catalog 1 and `field`"):
        merge(ours, field=fl.zoo.double_well())
    with pytest.raises(ValueError, match="at least one catalog"):
        merge()


def test_a_users_function_matches_equal_places_or_by_the_field_given():
    def bowl(w):
        return (jnp.sum(w**2) - 1) ** 2 + w[0] ** 2 * w[1] ** 2

    field = fl.GradientFlow(bowl, (2,), symmetry=fl.SignedPermutations(2))
    points = [fl.classify(field, jnp.array(at), hits=2) for at in ([1.0, 0.0], [0.0, -1.0])]
    a, b = (Catalog((p,), field.spec(), {"date": str(n)}) for n, p in enumerate(points))
    assert len(merge(a, b, field=field)) == 1 and len(merge(a, b)) == 2
    assert [p.id for p in merge(a, b)] == ["p1", "p2"]
    near = b.replace(points=(points[0].replace(location=points[0].location + 1e-9),))
    assert merge(a, near)[0].hits == 4
    other = a.replace(points=(points[0].replace(loss=0.5),), provenance={"date": "c"})
    with pytest.raises(ValueError, match="lies where p1 of another does.*different"):
        merge(a, other)
    assert diff(a, other).changed[0].entries == ("loss",)


def test_a_difference_prints_as_a_table():
    a = Catalog((record(0, "p1"), record(1, "p2")), FIELD.spec(), {})
    b = Catalog(
        (record(1, "q", 8, index=2, loss=0.0625, kind="maximum"), record(5, "r")), FIELD.spec(), {},
        (Connection("r", "q", "identity", 1, 0, None, 1.0),),
    )  # fmt: skip
    found = diff(a, b)
    assert len(found) == 4 and found
    lines = repr(found).splitlines()
    assert lines[0].split() == "first second entry in the first in the second".split()
    assert lines[1].split()[:3] == ["-", "p1", "point"]
    assert [line.split()[3] for line in lines if line.startswith("~")] == [
        "kind", "index", "hits", "loss",
    ]  # fmt: skip
    assert lines[-1].split() == ["+", "r", "connection", "to", "q"]
    assert repr(diff(a, a)) == "The catalogs agree."


@pytest.mark.parametrize(
    "field",
    [
        fl.TeacherStudent(jnp.eye(2)),
        fl.OverlapFlow(2),
        fl.block_family([2, 1]),
        fl.one_student_flow(np.array([1.0, 0.0])),
        fl.MultilayerFlow((2, 2, 1), np.eye(2), [np.eye(2), np.ones((1, 2))]),
        fl.theorem7_plane(3),
        fl.zoo.duffing(),
    ],
    ids=lambda field: type(field).__name__,
)
def test_the_symmetry_of_every_built_in_field_is_known_from_its_file(field):
    catalog = fl.Catalog((), field.spec(), provenance(field))
    built = shared_field((catalog,), None, "merge")
    assert type(built) is type(field) and type(built.symmetry) is type(field.symmetry)
