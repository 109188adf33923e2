"""The search for critical points against landscapes that are known completely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flowlab import Box, Normal, find_critical_points
from flowlab.fields import GradientFlow, TeacherStudent, zoo

# K = 2, orthonormal teacher: loss, index = base + step * (d - 2), orbit size.
# In the order of the loss; the set of the second line exists for d >= 3 only.
TEACHER, OUT_OF_PLANE, ANTIPODAL, COLLINEAR, NEGATIVE = range(5)
LOSSES = [0.0, 0.0736129325276493, 0.0861788163576621, 0.0885119366328834, 0.6568218228166741]
P, Q = 0.524579222543739, 0.409132475081778
S1, S2 = 1.51081832985837, 0.0966047674852793
X_STAR, X_MINUS = 0.534154943091895, -(1 - np.pi / 4) / (2 * np.pi)

SURFACE = zoo.muller_brown()
MULLER_BROWN = [
    (-0.55822363, 1.44172584, -146.699517, 0),
    (0.62349940, 0.02803776, -108.166724, 0),
    (-0.05001082, 0.46669410, -80.767818, 0),
    (0.21248658, 0.29298833, -72.248940, 1),
    (-0.82200156, 0.62431280, -40.664844, 1),
]


def expected_index(family, d):
    return {TEACHER: 0, OUT_OF_PLANE: 1, ANTIPODAL: d - 1, COLLINEAR: d - 1, NEGATIVE: 2 * d - 2}[
        family
    ]


def expected_nullity(family, d):
    return {TEACHER: 0, OUT_OF_PLANE: d - 3, ANTIPODAL: 0, COLLINEAR: 1, NEGATIVE: 1}[family]


def expected_orbit(family, d):
    # The out-of-plane pair ±q is two points at d = 3 and one connected circle or sphere beyond.
    return {TEACHER: 2, OUT_OF_PLANE: 2 if d == 3 else 1, ANTIPODAL: 2}.get(family, 1)


def families(d):
    return [f for f in range(5) if d > 2 or f != OUT_OF_PLANE]


@pytest.fixture(scope="module")
def two_students():
    """Catalogs of K = 2 by dimension and key, each searched once."""
    fields = {d: TeacherStudent(jnp.eye(2, d)) for d in (2, 3, 4)}
    found = {}

    def search(d, number):
        if (d, number) not in found:
            key = jax.random.key(number)
            found[d, number] = find_critical_points(fields[d], key=key, starts=600)
        return found[d, number]

    return search


every_dimension = pytest.mark.parametrize("d", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
every_key = pytest.mark.parametrize("number", [0, 1, 20_250_101])


@every_dimension
@every_key
def test_two_students_all_families_and_nothing_else(two_students, d, number):
    catalog = two_students(d, number)
    assert len(catalog) == len(families(d))
    for family, point in zip(families(d), catalog, strict=True):
        assert abs(point.loss - LOSSES[family]) < 1e-10
        assert point.index == expected_index(family, d)
        assert point.nullity == expected_nullity(family, d)
        assert point.unexplained_nullity == 0
        assert point.orbit_size == expected_orbit(family, d)
        assert point.kind == ("global minimum" if family == TEACHER else "saddle")
        assert point.residual <= 1e-12
        assert point.hits > 0


@every_dimension
@every_key
def test_two_students_locations(two_students, d, number):
    located = dict(zip(families(d), two_students(d, number), strict=True))
    place = {family: point.location for family, point in located.items()}
    close = dict(rtol=0, atol=1e-9)
    rows = place[TEACHER][np.argsort(-place[TEACHER][:, 0])]
    np.testing.assert_allclose(rows, np.eye(2, d), **close)
    np.testing.assert_allclose(place[COLLINEAR][:, :2], np.full((2, 2), X_STAR), **close)
    np.testing.assert_allclose(place[NEGATIVE][:, :2], np.full((2, 2), X_MINUS), **close)
    along = np.sort(place[ANTIPODAL] @ (np.eye(2, d).sum(0) / 2**0.5))
    np.testing.assert_allclose(along, [-S2, S1], **close)
    for family in (ANTIPODAL, COLLINEAR, NEGATIVE):
        np.testing.assert_allclose(place[family][:, 2:], 0, **close)
        np.testing.assert_allclose(place[family][:, 0], place[family][:, 1], **close)
    if d > 2:
        np.testing.assert_allclose(place[OUT_OF_PLANE][:, :2], np.full((2, 2), P), **close)
        up, down = place[OUT_OF_PLANE][:, 2:]
        np.testing.assert_allclose(up, -down, **close)
        np.testing.assert_allclose(np.linalg.norm(up), Q, **close)


@every_dimension
def test_two_students_no_entry_twice(two_students, d):
    catalog = two_students(d, 0)
    group = TeacherStudent(jnp.eye(2, d)).symmetry
    for number, point in enumerate(catalog):
        for other in catalog.points[:number]:
            assert not group.same_orbit(point.location, other.location)
    assert len({point.id for point in catalog}) == len(catalog)


@every_dimension
def test_every_start_is_accounted_for(two_students, d):
    catalog = two_students(d, 0)
    report = catalog.provenance["settings"]["search"]
    assert sum(report["flow"].values()) == sum(report["newton"].values()) == 600
    settled = report["flow"].get("settled", 0) + report["newton"].get("settled", 0)
    assert sum(point.hits for point in catalog) == settled
    assert report["found_by_flow"] + report["found_by_newton"] == len(catalog)


def test_antipodal_point_lowest_eigenvalue(two_students):
    assert abs(two_students(2, 0)[1].eigenvalues[0] + 4.1597924) < 1e-7


@every_dimension
def test_index_out_of_the_plane_is_that_of_a_small_matrix(two_students, d):
    """d - 2 more dimensions add d - 2 copies of a 2 x 2 matrix to the Hessian of a plane point."""
    located = dict(zip(families(d), two_students(d, 0), strict=True))
    flat = dict(zip(families(2), two_students(2, 0), strict=True))
    for family in families(2):
        copies = np.linalg.eigvalsh(out_of_plane_block(flat[family].location))
        expected = np.concatenate([flat[family].eigenvalues, np.tile(copies, d - 2)])
        # The antipodal pair has an eigenvalue of size 4, a bound on rounding is a few ulp of it.
        np.testing.assert_allclose(located[family].eigenvalues, np.sort(expected), atol=1e-9)


def out_of_plane_block(W):
    def angle(u, v):
        cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
        # Pairs here are exactly aligned or opposite, or far from both.
        return np.arccos(np.clip(np.round(cosine, 13), -1, 1))

    norms = np.linalg.norm(W, axis=1)
    block = np.zeros((2, 2))
    for i in range(2):
        other = 1 - i
        pull = np.sin(angle(W[i], W[other])) * norms[other]
        pull -= sum(np.sin(angle(W[i], e)) for e in np.eye(2))
        block[i, i] = 0.5 + pull / (2 * np.pi * norms[i])
        block[i, other] = (np.pi - angle(W[i], W[other])) / (2 * np.pi)
    return block


def test_same_key_same_catalog(two_students):
    again = find_critical_points(TeacherStudent(jnp.eye(2)), key=jax.random.key(0), starts=600)
    for old, new in zip(two_students(2, 0), again, strict=True):
        np.testing.assert_array_equal(old.location, new.location)
        assert (old.id, old.hits, old.found_by) == (new.id, new.hits, new.found_by)


def test_known_points_keep_their_ids_and_places(two_students):
    known = two_students(2, 0)
    few = known.replace(
        points=(known[2].replace(id="segment", hits=0), known[0].replace(id="teacher", hits=7))
    )
    grown = find_critical_points(
        TeacherStudent(jnp.eye(2)), key=jax.random.key(5), starts=200, catalog=few
    )
    assert [point.id for point in grown][:2] == ["segment", "teacher"]
    assert len(grown) == 4 and len({point.id for point in grown}) == 4
    np.testing.assert_array_equal(grown[0].location, few[0].location)
    assert grown["teacher"].hits > 7 and grown["segment"].hits > 0


@pytest.fixture(scope="module")
def surface():
    return find_critical_points(SURFACE, key=jax.random.key(3), starts=200)


def test_muller_brown(surface):
    assert len(surface) == 5
    for (x, y, value, index), point in zip(MULLER_BROWN, surface, strict=True):
        np.testing.assert_allclose(point.location, [x, y], rtol=0, atol=1e-8)
        assert abs(point.loss - value) < 1e-6
        assert (point.index, point.nullity) == (index, 0)
        assert point.kind == ("saddle" if index else "minimum")


def test_double_wells():
    catalog = find_critical_points(zoo.double_wells(3), key=jax.random.key(1), starts=200)
    assert [point.orbit_size for point in catalog] == [8, 12, 6, 1]
    assert [point.index for point in catalog] == [0, 1, 2, 3]
    kinds = [point.kind for point in catalog]
    assert kinds == ["global minimum", "saddle", "saddle", "maximum"]
    for zeros, point in enumerate(catalog):
        size = np.sort(np.abs(point.location))
        np.testing.assert_allclose(size, [0] * zeros + [1] * (3 - zeros), atol=1e-12)
        assert abs(point.loss - zeros / 4) < 1e-12
        assert point.isotropy_order * point.orbit_size == 48


def test_duffing_two_foci_and_a_saddle():
    field = zoo.duffing(0.3)
    catalog = find_critical_points(field, key=jax.random.key(2), starts=100)
    assert sorted(point.kind for point in catalog) == ["saddle", "sink focus", "sink focus"]
    places = sorted(tuple(np.round(point.location, 9) + 0.0) for point in catalog)
    assert places == [(-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)]
    assert all(point.loss is None and point.residual <= 1e-12 for point in catalog)


def test_ghost_is_not_listed():
    catalog = find_critical_points(zoo.saddle_node_ghost(), key=jax.random.key(0), starts=200)
    report = catalog.provenance["settings"]["search"]
    assert len(catalog) == 0
    assert report["flow"] == {"escaped": 200}
    assert "settled" not in report["newton"] and sum(report["newton"].values()) == 200


def test_critical_circle_without_declared_symmetry_is_one_entry():
    ring = GradientFlow(lambda w: (jnp.sum(w**2) - 1) ** 2 / 4, (2,), loss_floor=0.0)
    catalog = find_critical_points(ring, key=jax.random.key(0), starts=100, sampler=Normal(1.0))
    assert [point.kind for point in catalog] == ["degenerate", "maximum"]
    circle, centre = catalog
    assert (circle.nullity, circle.explained_nullity, circle.index) == (1, 0, 0)
    assert abs(np.linalg.norm(circle.location) - 1) < 1e-12
    np.testing.assert_allclose(centre.location, 0, atol=1e-12)


def test_starts_may_be_an_array_or_come_from_a_sampler(surface):
    field = SURFACE
    starts = np.stack([point.location + 0.01 for point in surface])
    assert len(find_critical_points(field, starts=starts)) == 5
    corner = Box([0.5, -0.1], [0.7, 0.1])
    near = find_critical_points(field, key=jax.random.key(0), starts=20, sampler=corner)
    np.testing.assert_allclose(near[0].location, MULLER_BROWN[1][:2], atol=1e-8)


def test_bad_input():
    field = SURFACE
    with pytest.raises(ValueError, match=r"pass `key=jax.random.key"):
        find_critical_points(field, starts=10)
    with pytest.raises(ValueError, match="positive whole number"):
        find_critical_points(field, key=jax.random.key(0), starts=0)
    with pytest.raises(ValueError, match="the field needs"):
        find_critical_points(field, key=jax.random.key(0), starts=3, sampler=lambda _: jnp.ones(3))
    with pytest.raises(ValueError, match=r"needed: an array of shape \(n, 2\)|Needed"):
        find_critical_points(field, starts=np.ones((4, 3)))
