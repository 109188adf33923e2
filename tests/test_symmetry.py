"""The symmetry room against enumeration, group theory and the literature's numbers."""

import itertools as it
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from flowlab.symmetry import (
    Relabeling,
    SignedPermutation,
    SignedPermutations,
    StudentPermutations,
    TeacherStabilizer,
    TrivialGroup,
    enumerate_orbit,
)

TOL = 1e-6


def orthonormal_group(k, d=None):
    return StudentPermutations(np.ones(k)) * TeacherStabilizer(np.eye(k, d or k))


def family(k, q, diag_p, off_p, diag_q, off_q, pq, qp):
    """Points with isotropy Δ(S_{k-q}×S_q) for the orthonormal teacher."""
    p = k - q
    w = np.full((k, k), off_p)
    w[:p, p:], w[p:, :p], w[p:, p:] = pq, qp, off_q
    w[np.arange(p), np.arange(p)] = diag_p
    w[np.arange(p, k), np.arange(p, k)] = diag_q
    return w


TYPE_II = family(
    7,
    1,
    diag_p=0.996922798803286,
    off_p=-0.035080155927046414,
    diag_q=-0.6327039049152535,
    off_q=0.0,
    pq=0.2616910758065543,
    qp=0.1859910462962502,
)


def admissible_pairs(a, v, b, grams):
    """All (rows, columns) with a, b and the Gram matrices kept, by enumeration."""
    rows = [s for s in it.permutations(range(len(a))) if np.array_equal(a[list(s)], a)]
    columns = [
        p
        for p in it.permutations(range(len(v)))
        if np.array_equal(b[list(p)], b)
        and all(np.abs(g[np.ix_(p, p)] - g).max() < 1e-9 for g in grams)
    ]
    return list(it.product(rows, columns))


def images(w, pairs):
    """The images of w (K, K), for the orthonormal teacher, under all pairs of permutations."""
    rows = np.array([r for r, _ in pairs])
    columns = np.array([c for _, c in pairs])
    return w[rows[:, :, None], columns[:, None, :]]


def random_skew(n, rng):
    m = rng.standard_normal((n, n))
    return m - m.T


@st.composite
def small_networks(draw):
    """Weights and a point with few distinct values, sometimes with noise below the tolerance."""
    k = draw(st.integers(1, 4))
    m = draw(st.integers(1, 4))
    weights = st.sampled_from([1.0, 2.0])
    a = np.array(draw(st.lists(weights, min_size=k, max_size=k)))
    b = np.array(draw(st.lists(weights, min_size=m, max_size=m)))
    values = draw(st.sampled_from([[0.0, 1.0], [-0.5, 0.25, 0.3], [0.1 * i for i in range(9)]]))
    entries = draw(st.lists(st.sampled_from(values), min_size=k * m, max_size=k * m))
    seed = draw(st.integers(0, 2**32 - 1))
    noise = draw(st.sampled_from([0.0, 1e-9]))
    w = np.reshape(entries, (k, m))
    return a, b, w + noise * np.random.default_rng(seed).uniform(-1, 1, w.shape), seed


@settings(max_examples=150, deadline=None)
@given(small_networks())
def test_against_enumeration(network):
    a, b, w, seed = network
    group = StudentPermutations(a) * TeacherStabilizer(np.eye(len(b)), b)
    pairs = admissible_pairs(a, np.eye(len(b)), b, [np.eye(len(b))])
    orbit = images(w, pairs)
    fixing = np.abs(orbit - w).max(axis=(1, 2)) < 1e-8
    isotropy = group.isotropy(w)
    assert group.order == len(pairs)
    assert isotropy.order == fixing.sum()
    assert group.orbit_size(w) * isotropy.order == group.order
    distinct = {tuple(np.round(x, 6).ravel() + 0.0) for x in orbit}
    assert group.orbit_size(w) == len(distinct)
    for g in isotropy.generators:
        assert np.abs(group.act(g, w) - w).max() < 1e-8
    assert (isotropy.name == "trivial") == (isotropy.order == 1)

    image, element = group.canonical_image(w)
    np.testing.assert_array_equal(image, group.act(element, w))
    rng = np.random.default_rng(seed)
    for i in rng.integers(len(orbit), size=4):
        noisy = orbit[i] + rng.uniform(-1e-9, 1e-9, w.shape)
        np.testing.assert_allclose(group.canonical_image(noisy)[0], image, atol=1e-8)
        found = group.match(w, noisy)
        assert found is not None
        assert np.abs(group.act(found, w) - noisy).max() <= TOL

    # The dimension of a fixed subspace is the mean trace of the group's elements.
    units = np.eye(w.size).reshape(w.size, *w.shape)
    stabilizer = [p for p, ok in zip(pairs, fixing, strict=True) if ok]
    trace = sum((images(e, stabilizer) * e).sum() for e in units)
    basis = group.fixed_subspace(isotropy)
    assert len(basis) == round(trace / len(stabilizer))
    flat = basis.reshape(len(basis), w.size)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(basis)), atol=1e-12)
    symmetric = group.symmetrize(w, isotropy)
    np.testing.assert_allclose(symmetric, images(w, stabilizer).mean(axis=0), atol=1e-12)
    for image in images(symmetric, stabilizer):
        np.testing.assert_array_equal(image, symmetric)
    np.testing.assert_array_equal(group.symmetrize(symmetric, isotropy), symmetric)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_membership_of_another_orbit_is_refused(k, seed, shuffled):
    rng = np.random.default_rng(seed)
    group = orthonormal_group(k)
    w = rng.integers(0, 3, (k, k)) * 1.0
    other = rng.permutation(w.ravel()).reshape(k, k) if shuffled else w + (np.eye(k) > 0) * 1e-3
    pairs = admissible_pairs(np.ones(k), np.eye(k), np.ones(k), [np.eye(k)])
    expected = (np.abs(images(w, pairs) - other).max(axis=(1, 2)) < TOL).any()
    assert group.same_orbit(w, other) == expected
    same_image = np.array_equal(group.canonical_image(w)[0], group.canonical_image(other)[0])
    assert same_image == expected


POINTS_20 = {
    "teacher": (np.eye(20), math.factorial(20), "ΔS_20"),
    "type II": (
        family(20, 1, 0.99, -0.03, -0.63, 0.0, 0.26, 0.18),
        math.factorial(19),
        "ΔS_19",
    ),
    "two blocks": (
        family(20, 3, 0.9, -0.1, -0.6, 0.2, 0.3, 0.25),
        math.factorial(17) * 6,
        "Δ(S_17×S_3)",
    ),
    "all equal": (np.full((20, 20), 0.1), math.factorial(20) ** 2, "S_20×S_20"),
    "generic": (np.random.default_rng(3).standard_normal((20, 20)), 1, "trivial"),
    "cyclic": (np.add.outer(np.arange(20.0), np.arange(20.0)) % 20, 20, "Z_20"),
}


@pytest.mark.parametrize("name", POINTS_20)
def test_twenty_students(name):
    w, order, label = POINTS_20[name]
    group, rng = orthonormal_group(20), np.random.default_rng(0)
    isotropy = group.isotropy(w)
    assert (isotropy.order, isotropy.name) == (order, label)
    assert group.orbit_size(w) * order == math.factorial(20) ** 2
    image, _ = group.canonical_image(w)
    for _ in range(3):
        g = group.random_element(rng)
        moved = group.act(g, w)
        assert group.isotropy(moved).order == order
        np.testing.assert_array_equal(group.canonical_image(moved)[0], image)
        found = group.match(w, moved)
        np.testing.assert_array_equal(group.act(found, w), moved)
        np.testing.assert_array_equal(group.act(g.inverse(), moved), w)
    for g in isotropy.generators:
        np.testing.assert_array_equal(group.act(g, w), w)


@pytest.mark.parametrize("name", ["type II", "generic"])
def test_a_thousand_images_at_twenty_students(name):
    w, order, _ = POINTS_20[name]
    group, rng = orthonormal_group(20), np.random.default_rng(1)
    orders = set()
    for _ in range(1_000):
        moved = group.act(group.random_element(rng), w) + rng.uniform(-1e-9, 1e-9, w.shape)
        orders.add(group.isotropy(moved).order)
        assert group.same_orbit(w, moved)
    assert orders == {order}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-9]))
def test_points_of_any_isotropy_against_enumeration(k, seed, noise):
    """A random point, averaged over the subgroup that a random element generates."""
    rng = np.random.default_rng(seed)
    group, w = orthonormal_group(k), rng.standard_normal((k, k))
    element, power, total, count = group.random_element(rng), group.identity(), 0.0 * w, 0
    while count == 0 or not power.is_identity:
        total, power, count = total + power.apply(w), element.compose(power), count + 1
    w = total / count + noise * rng.uniform(-1, 1, w.shape)
    orbit = images(w, admissible_pairs(np.ones(k), np.eye(k), np.ones(k), [np.eye(k)]))
    fixing = (np.abs(orbit - w).max(axis=(1, 2)) < 1e-7).sum()
    assert group.isotropy(w).order == fixing and fixing % count == 0
    other = rng.standard_normal((k, k))
    assert all(group.same_orbit(w, image) for image in orbit[rng.integers(len(orbit), size=5)])
    assert not group.same_orbit(w, other)


def test_symmetrizing_is_bitwise_exact():
    group, rng = orthonormal_group(20), np.random.default_rng(9)
    equal = np.full((20, 20), 0.1)
    isotropy = group.isotropy(equal)
    np.testing.assert_array_equal(group.symmetrize(equal, isotropy), equal)
    near = group.symmetrize(equal + 1e-3 * rng.standard_normal((20, 20)), isotropy)
    assert len(np.unique(near)) == 1
    point = POINTS_20["two blocks"][0]
    noisy = point + 1e-9 * rng.standard_normal((20, 20))
    cleaned = group.symmetrize(noisy, group.isotropy(noisy))
    assert len(np.unique(cleaned)) == 6
    np.testing.assert_allclose(cleaned, point, atol=1e-8)
    assert len(group.fixed_subspace(group.isotropy(noisy))) == 6


def test_exact_orders_beyond_floats():
    # Twelve students on their own teachers, and eight equal students that see all alike.
    w = np.zeros((20, 12))
    w[:12] = np.eye(12)
    w[12:] = 0.3
    mixed = StudentPermutations(np.ones(20)) * TeacherStabilizer(np.eye(12))
    assert mixed.isotropy(w).order == math.factorial(12) * math.factorial(8)
    # A wreath product: neither a product of symmetric groups nor diagonal.
    pairs = np.kron(np.eye(10), np.ones((2, 2)))
    assert orthonormal_group(20).isotropy(pairs).order == 4**10 * math.factorial(10)


def test_literature_counts():
    """Arjevani and Field 2020; Safran and Shamir 2018 count the same minima."""
    group = orthonormal_group(7)
    assert group.isotropy(TYPE_II).name == "ΔS_6"
    assert group.isotropy(TYPE_II).order == 720
    assert group.orbit_size(TYPE_II) == 35_280
    type_m = family(7, 2, 0.954, -0.093, -0.676, 0.224, 0.281, 0.215)
    assert group.isotropy(type_m).name == "Δ(S_5×S_2)"
    assert group.orbit_size(type_m) == 105_840
    type_a = family(7, 7, 0.0, 0.0, -0.713, 0.283, 0.0, 0.0)
    assert (group.isotropy(type_a).name, group.orbit_size(type_a)) == ("ΔS_7", 5_040)
    assert group.isotropy(np.full((7, 7), 0.2)).name == "S_7×S_7"
    assert group.orbit_size(np.full((7, 7), 0.2)) == 1
    assert group.orbit_size(np.eye(7)) == 5_040


@pytest.mark.parametrize(
    ("k", "teacher", "weights", "covariance"),
    [
        (3, np.eye(3), None, None),
        (3, np.eye(2, 5), None, None),
        (2, np.eye(3, 4), [1.0, 1.0, 2.0], None),
        (4, np.eye(2, 6), None, np.diag([1.0, 1.0, 2.0, 2.0, 2.0, 3.0])),
        (3, [[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]], None, None),
        (3, [[1.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0], [0, -1.0, 0]], None, None),
        (4, np.kron(np.eye(2), [[1.0, 1.0], [1.0, -1.0]]), None, np.diag([1.0, 1.0, 4.0, 4.0])),
    ],
)
def test_group_laws(k, teacher, weights, covariance):
    teacher = np.asarray(teacher)
    m, d = teacher.shape
    b = np.ones(m) if weights is None else np.array(weights)
    group = StudentPermutations(np.ones(k)) * TeacherStabilizer(teacher, b, covariance)
    rng = np.random.default_rng(1)
    w = rng.standard_normal((k, d))
    s = np.eye(d) if covariance is None else covariance
    one = group.identity()
    assert one.is_identity and str(one) == "identity"
    image, _ = group.canonical_image(w)
    elements = [group.random_element(rng) for _ in range(6)] + group.generators()
    for g, h in zip(elements[:-1], elements[1:], strict=True):
        np.testing.assert_allclose(g.rotation @ g.rotation.T, np.eye(d), atol=1e-12)
        np.testing.assert_allclose(g.rotation @ s, s @ g.rotation, atol=1e-9)
        np.testing.assert_allclose(teacher @ g.rotation.T, teacher[list(g.teachers)], atol=1e-9)
        assert np.array_equal(b[list(g.teachers)], b)
        both = g.compose(h)
        np.testing.assert_allclose(group.act(both, w), group.act(g, group.act(h, w)), atol=1e-12)
        assert g.compose(g.inverse()).is_identity and g.inverse().compose(g) == one
        moved = group.act(g, w)
        found = group.match(w, moved)
        np.testing.assert_allclose(group.act(found, w), moved, atol=1e-9)
        np.testing.assert_allclose(group.canonical_image(moved)[0], image, atol=1e-9)
        assert group.orbit_size(moved) == group.orbit_size(w)
    batch = rng.standard_normal((5, k, d))
    np.testing.assert_array_equal(
        group.act(elements[0], batch)[2], group.act(elements[0], batch[2])
    )


@pytest.mark.parametrize("used", [0, 1, 2, 3])
@pytest.mark.parametrize("free", [0, 1, 2, 4])
def test_tangents(used, free):
    k, m, rng = 4, 2, np.random.default_rng(5)
    group = StudentPermutations(np.ones(k)) * TeacherStabilizer(np.eye(m, m + free))
    r = min(used, free)
    perp = rng.standard_normal((k, r)) @ rng.standard_normal((r, free))
    w = np.hstack([rng.standard_normal((k, m)), perp])
    basis = group.tangents(w)
    assert basis.shape == (r * free - r * (r + 1) // 2, k, m + free)
    flat = basis.reshape(len(basis), w.size)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(basis)), atol=1e-12)
    for _ in range(3):
        turn = np.zeros((m + free, m + free))
        turn[m:, m:] = random_skew(free, rng)
        velocity = (w @ turn).ravel()
        np.testing.assert_allclose(flat.T @ (flat @ velocity), velocity, atol=1e-10)


@pytest.mark.parametrize(("d", "size", "tangents"), [(3, 2, 0), (4, 1, 1)])
def test_out_of_plane_critical_set(d, size, tangents):
    """Two students, (p, p, q) and (p, p, -q): two points at d = 3, a circle at d = 4."""
    p, q = 0.524579222543739, 0.409132475081778
    group = orthonormal_group(2, d)
    w = np.zeros((2, d))
    w[:, :2], w[:, 2] = p, (q, -q)
    isotropy = group.isotropy(w)
    assert (isotropy.order, isotropy.name) == (4, "S_2×S_2")
    assert group.order == 4
    assert group.orbit_size(w) == size
    assert len(group.tangents(w)) == tangents
    for g in isotropy.generators + isotropy.reflections:
        np.testing.assert_allclose(group.act(g, w), w, atol=1e-12)
    # (x, x, z), (x, x, -z): what the isotropy leaves free.
    assert len(group.fixed_subspace(isotropy)) == 2
    np.testing.assert_allclose(group.symmetrize(w, isotropy), w, atol=1e-15)
    flipped = w * np.array([1.0, 1.0] + [-1.0] * (d - 2))
    assert group.same_orbit(w, flipped)
    if d == 4:
        turned = w.copy()
        turned[:, 2], turned[:, 3] = 0.6 * w[:, 2], 0.8 * w[:, 2]
        element = group.match(w, turned)
        np.testing.assert_allclose(group.act(element, w), turned, atol=1e-9)
        assert str(element) == "rotation"
        np.testing.assert_allclose(
            group.canonical_image(turned)[0], group.canonical_image(w)[0], atol=1e-9
        )


def test_complement_counts_reflections_once():
    rng = np.random.default_rng(2)
    group = orthonormal_group(3, 5)
    inside = np.hstack([rng.standard_normal((3, 3)), np.zeros((3, 2))])
    assert group.orbit_size(inside) == 36
    line = inside + np.outer([1.0, 2.0, 3.0], [0, 0, 0, 0.6, 0.8])
    assert group.orbit_size(line) == 36
    full = inside + np.hstack([np.zeros((3, 3)), rng.standard_normal((3, 2))])
    assert group.orbit_size(full) == 72
    # Directions the point does not use are not left free.
    assert len(group.fixed_subspace(group.isotropy(inside))) == 9
    noisy = inside + 1e-9 * rng.standard_normal((3, 5))
    cleaned = group.symmetrize(noisy, group.isotropy(noisy))
    assert not cleaned[:, 3:].any()


@pytest.mark.parametrize("dim", [2, 3, 4, 5])
def test_names_of_images_tell_the_components_of_the_orbit(dim):
    """As many names as components: what a rotation joins to the point has the point's name."""
    rng = np.random.default_rng(dim)
    group = orthonormal_group(2, dim)
    out_of_plane = np.zeros((2, dim))
    out_of_plane[:, :2], out_of_plane[:, 2:3] = 0.52, np.array([[0.41], [-0.41]])
    points = [np.full((2, dim), 0.3), np.eye(2, dim), rng.standard_normal((2, dim)), out_of_plane]
    for w in points:
        elements = [group.random_element(rng) for _ in range(80)]
        matches = [group.match(w, group.act(g, w)) for g in elements]
        names = {group.image_name(g, w) for g in matches}
        assert len(names) == group.orbit_size(w) and "identity" in names
    if dim == 3:
        flat = np.outer([1.0, 2.0], [0.3, 0.4, 0.5])
        assert group.image_name(group.match(flat, flat * [1, 1, -1]), flat) == "reflection"


def test_small_complement_still_tells_orbits_apart():
    group = orthonormal_group(2, 4)
    w = np.zeros((2, 4))
    w[:, 2:] = 1e-3 * np.eye(2)
    other = w.copy()
    other[1, 2:] = 1e-3 * np.array([0.6, 0.8])
    assert not group.same_orbit(w, other)
    assert group.same_orbit(w, w @ np.kron(np.eye(2), [[0.6, 0.8], [-0.8, 0.6]]))
    # Only the teachers can be exchanged: the students have different lengths.
    w[1, 3] = 1.2e-3
    assert group.isotropy(w).order == 2


def test_anisotropic_inputs():
    teacher = np.eye(3)
    both = TeacherStabilizer(teacher, covariance=np.diag([1.0, 1.0, 2.0]))
    assert both.order == 2
    assert TeacherStabilizer(teacher, covariance=np.diag([1.0, 2.0, 3.0])).order == 1
    assert TeacherStabilizer(teacher, covariance=2 * np.eye(3)).order == 6
    group = StudentPermutations(np.ones(3)) * both
    assert group.isotropy(teacher).name == "ΔS_2"
    assert group.orbit_size(teacher) == 6
    # Axes 3 and 4 have no teacher but different variances: only signs survive.
    free = TeacherStabilizer(np.eye(2, 4), covariance=np.diag([1.0, 1.0, 1.0, 2.0]))
    group = StudentPermutations(np.ones(2)) * free
    w = np.array([[1.0, 0.1, 0.3, 0.0], [0.2, 0.9, 0.0, 0.4]])
    assert len(group.tangents(w)) == 0
    assert group.orbit_size(w) == 4 * 2 * 2
    turned = w.copy()
    turned[:, 2:] = w[:, 2:] @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    assert not group.same_orbit(w, turned)
    assert group.same_orbit(w, w * np.array([1.0, 1.0, -1.0, 1.0]))


def test_results_do_not_depend_on_the_axes():
    rng = np.random.default_rng(8)
    q = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    s = np.diag([1.0, 1.0, 1.0, 2.0, 2.0])
    w = family(3, 1, 1.0, 0.1, -0.5, 0.0, 0.3, 0.2) @ np.eye(3, 5)
    w[:, 4] = [0.5, 0.5, 0.2]
    straight = StudentPermutations(np.ones(3)) * TeacherStabilizer(np.eye(3, 5), None, s)
    turned = StudentPermutations(np.ones(3)) * TeacherStabilizer(
        np.eye(3, 5) @ q.T, None, q @ s @ q.T
    )
    for one, other in ((straight, turned),):
        assert one.order == other.order == 36
        mine, theirs = one.isotropy(w), other.isotropy(w @ q.T)
        assert (mine.order, mine.name) == (theirs.order, theirs.name) == (2, "ΔS_2")
        assert one.orbit_size(w) == other.orbit_size(w @ q.T)
        assert len(one.tangents(w)) == len(other.tangents(w @ q.T)) == 1
        fixed, rotated = one.fixed_subspace(mine), other.fixed_subspace(theirs)
        assert len(fixed) == len(rotated)
        noise = 1e-3 * rng.standard_normal((3, 5))
        np.testing.assert_allclose(
            one.symmetrize(w + noise, mine) @ q.T,
            other.symmetrize((w + noise) @ q.T, theirs),
            atol=1e-9,
        )


def at_angles(degrees, lengths=None):
    angles = np.radians(degrees)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return rows if lengths is None else rows * np.array(lengths)[:, None]


def test_teachers_that_are_not_orthonormal():
    triangle = TeacherStabilizer(at_angles([0, 120, 240]))
    assert triangle.order == 6
    assert TeacherStabilizer(at_angles([0, 120, 240]), [1.0, 1.0, 2.0]).order == 2
    assert TeacherStabilizer(at_angles([0, 60], [1.0, 2.0])).order == 1
    assert TeacherStabilizer(at_angles([0, 60])).order == 2
    square = TeacherStabilizer(at_angles([0, 90, 180, 270]))
    assert square.order == 8
    assert TeacherStabilizer(at_angles(np.arange(0, 360, 36))).order == 20
    group = StudentPermutations(np.ones(3)) * triangle
    isotropy = group.isotropy(0.7 * at_angles([0, 120, 240]))
    assert (isotropy.order, isotropy.name) == (6, "ΔS_3")
    assert len(group.fixed_subspace(isotropy)) == 1
    # A triangle that points elsewhere keeps the three rotations only.
    spun = group.isotropy(at_angles([10, 130, 250]))
    assert (spun.order, spun.name) == (3, "Z_3")
    assert group.orbit_size(at_angles([10, 130, 250])) == 12
    # One student under the square's dihedral group, by enumeration of the eight maps.
    alone = StudentPermutations(np.ones(1)) * square
    assert alone.orbit_size(at_angles([20])) == 8
    assert alone.orbit_size(at_angles([45])) == 4
    assert alone.orbit_size(np.zeros((1, 2))) == 1
    assert alone.same_orbit(at_angles([20]), at_angles([70]))
    assert not alone.same_orbit(at_angles([20]), at_angles([30]))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from([(0, 120, 240), (0, 90, 180, 270), (0, 60), (0, 45, 90)]),
    st.lists(st.sampled_from([0, 15, 30, 45, 60, 90, 120, 180, 240, 270]), min_size=3, max_size=3),
    st.integers(0, 2),
)
def test_plane_teachers_against_enumeration(k, teacher, students, free):
    v = np.hstack([at_angles(teacher), np.zeros((len(teacher), free))])
    w = np.hstack([at_angles(students[:k]), np.zeros((k, free))])
    w[: k // 2 + 1, 2:3] = 0.5
    group = StudentPermutations(np.ones(k)) * TeacherStabilizer(v)
    pairs = admissible_pairs(np.ones(k), v, np.ones(len(v)), [v @ v.T])
    overlaps, gram = w @ v.T, w[:, 2:] @ w[:, 2:].T
    fixing = sum(
        np.abs(overlaps[np.ix_(s, p)] - overlaps).max() < 1e-8
        and np.abs(gram[np.ix_(s, s)] - gram).max() < 1e-8
        for s, p in pairs
    )
    isotropy = group.isotropy(w)
    assert group.order == len(pairs)
    assert isotropy.order == fixing
    components = 2 if free == 1 else 1
    assert group.orbit_size(w) * fixing == len(pairs) * components
    for g in isotropy.generators:
        np.testing.assert_allclose(group.act(g, w), w, atol=1e-9)
    g = group.random_element(np.random.default_rng(k))
    np.testing.assert_allclose(
        group.canonical_image(group.act(g, w))[0], group.canonical_image(w)[0], atol=1e-8
    )


def test_teachers_that_repeat_or_do_nothing_are_merged():
    repeated = TeacherStabilizer([[1.0, 0], [1.0, 0], [0, 1.0], [0, 0]], [0.5, 0.5, 1.0, 3.0])
    assert repeated.order == 2
    np.testing.assert_array_equal(repeated.distinct, np.eye(2))
    np.testing.assert_array_equal(repeated.weights, [1.0, 1.0])
    assert TeacherStabilizer([[1.0, 0], [1.0, 0], [0, 1.0]]).order == 1
    # Weights that cancel leave no teacher: all of O(2) remains.
    nothing = StudentPermutations(np.ones(2)) * TeacherStabilizer([[1.0, 0], [1.0, 0]], [1.0, -1.0])
    w = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert nothing.order == 2
    assert nothing.orbit_size(w) == 2
    assert len(nothing.tangents(w)) == 1
    g = nothing.random_element(np.random.default_rng(0))
    np.testing.assert_allclose(
        nothing.canonical_image(nothing.act(g, w))[0], nothing.canonical_image(w)[0], atol=1e-12
    )
    assert not nothing.surely_generic(w[None]).any()


def test_output_weights_restrict_students():
    group = StudentPermutations([1.0, 1.0, -1.0]) * TeacherStabilizer(np.eye(3))
    assert group.order == 2 * 6
    assert group.orbit_size(np.eye(3)) == 6
    assert group.same_orbit(np.eye(3), np.eye(3)[[1, 0, 2]])
    # Students cannot change places here, but teachers can.
    element = group.match(np.eye(3), np.eye(3)[[2, 1, 0]])
    assert str(element) == "teachers (1 3)"


def test_match_prefers_students_alone():
    group = orthonormal_group(3)
    w = np.eye(3)
    assert group.match(w, w).is_identity
    moved = w[[1, 2, 0]]
    element = group.match(w, moved)
    assert str(element) == "students (1 3 2)"
    np.testing.assert_array_equal(group.act(element, w), moved)
    twins = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 0.5, 0]])
    assert str(group.match(twins, twins[[0, 2, 1]])) == "students (2 3)"
    rng = np.random.default_rng(4)
    generic = rng.standard_normal((3, 3))
    columns = group.match(generic, generic[:, [1, 0, 2]])
    assert str(columns) == "teachers (1 2)"
    both = group.match(generic, generic[[1, 0, 2]][:, [2, 0, 1]])
    assert str(both) == "students (1 2) teachers (1 2 3)"
    assert group.match(generic, generic + 1e-3) is None


def test_elements():
    swap = Relabeling((1, 0), np.eye(2), (0, 1))
    turn = Relabeling((0, 1), -np.eye(2), (0, 1), -np.eye(2))
    assert str(swap) == "students (1 2)"
    assert str(turn) == "rotation"
    assert str(swap.compose(turn)) == "students (1 2) rotation"
    assert str(turn.compose(turn)) == "identity"
    assert swap.compose(swap) == Relabeling((0, 1), np.eye(2), (0, 1))
    assert hash(swap.inverse()) == hash(swap) and swap.inverse() == swap
    assert swap != turn
    np.testing.assert_array_equal(swap.apply([[1.0, 2.0], [3.0, 4.0]]), [[3.0, 4.0], [1.0, 2.0]])


def test_rigid_rows():
    group = StudentPermutations(np.ones(3)).rigid(2)
    w = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]])
    assert (group.order, group.isotropy(w).name, group.orbit_size(w)) == (6, "S_2", 3)
    assert not group.same_orbit(w, w[:, ::-1] + 0.0)
    assert not group.same_orbit(w, -w)
    assert len(group.tangents(w)) == 0


def test_surely_generic_is_never_wrong():
    rng = np.random.default_rng(6)
    group = orthonormal_group(4)
    states = rng.integers(0, 12, (200, 4, 4)) + 0.0
    states[:20] += rng.standard_normal((20, 4, 4))
    generic = group.surely_generic(states)
    assert generic[:20].all() and not generic[20:].all()
    assert not group.surely_generic(np.stack([np.eye(4), np.ones((4, 4))])).any()
    for w, claimed in zip(states, generic, strict=True):
        assert not claimed or group.isotropy(w, tol=0.0).order == 1
    tilted = StudentPermutations(np.ones(3)) * TeacherStabilizer(at_angles([0, 120, 240]))
    assert not tilted.surely_generic(at_angles([0, 120, 240])[None]).any()
    assert tilted.surely_generic(rng.standard_normal((5, 3, 2))).all()


def test_double_wells():
    group = SignedPermutations(3)
    points = [np.array(u) for u in it.product([-1.0, 0.0, 1.0], repeat=3)]
    classes = {}
    for u in points:
        image, element = group.canonical_image(u)
        np.testing.assert_array_equal(group.act(element, u), image)
        classes.setdefault(tuple(image), []).append(u)
    sizes = {key: len(members) for key, members in classes.items()}
    assert sorted(sizes.values()) == [1, 6, 8, 12]
    for key, size in sizes.items():
        assert group.orbit_size(np.array(key)) == size
    names = [group.isotropy(np.array(u)).name for u in ([1, -1, 1], [1, 0, -1], [0, 0, 1])]
    assert names == ["S_3", "B_1×S_2", "B_2"]
    assert group.isotropy(np.zeros(3)).name == "B_3"
    assert group.isotropy(np.array([1.0, 2.0, 3.0])).name == "trivial"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=4))
def test_signed_permutations_against_enumeration(values):
    u, n = np.array(values), len(values)
    group = SignedPermutations(n)
    elements = [
        SignedPermutation(p, s)
        for p in it.permutations(range(n))
        for s in it.product([1, -1], repeat=n)
    ]
    assert group.order == len(elements)
    orbit = [g.apply(u) for g in elements]
    fixing = [g for g, x in zip(elements, orbit, strict=True) if np.array_equal(x, u)]
    isotropy = group.isotropy(u + 1e-9)
    assert isotropy.order == len(fixing)
    assert group.orbit_size(u) == len({tuple(x + 0.0) for x in orbit})
    generated = {group.identity()}
    frontier = set(generated)
    while frontier:
        frontier = {g.compose(h) for g in isotropy.generators for h in frontier} - generated
        generated |= frontier
    assert generated == set(fixing)
    np.testing.assert_allclose(
        group.symmetrize(u + 0.1, isotropy),
        np.mean([g.apply(u + 0.1) for g in fixing], axis=0),
        atol=1e-12,
    )
    trace = sum((g.apply(np.eye(n)) * np.eye(n)).sum() for g in fixing)
    assert len(group.fixed_subspace(isotropy)) == round(trace / len(fixing))
    assert len(group.tangents(u)) == 0
    for x in orbit[:: max(1, len(orbit) // 5)]:
        np.testing.assert_array_equal(group.act(group.match(u, x), u), x)
        np.testing.assert_array_equal(group.canonical_image(x)[0], group.canonical_image(u)[0])
    assert group.match(u, u + 0.3) is None or n == 1 or len(fixing) != 1
    assert bool(group.surely_generic(u[None])[0]) <= (len(fixing) == 1)
    rng = np.random.default_rng(n)
    g, h = group.random_element(rng), group.random_element(rng)
    np.testing.assert_array_equal(g.compose(h).apply(u), g.apply(h.apply(u)))
    assert g.compose(g.inverse()).is_identity and g.inverse().compose(g).is_identity
    assert group.identity().is_identity and all(not e.is_identity for e in group.generators())


def test_generators_generate():
    group = orthonormal_group(3)
    seen = {(g.students, g.teachers): g for g in [group.identity()]}
    frontier = list(seen.values())
    while frontier:
        products = [g.compose(h) for g in group.generators() for h in frontier]
        frontier = []
        for p in products:
            if (p.students, p.teachers) not in seen:
                seen[p.students, p.teachers] = p
                frontier.append(p)
    assert len(seen) == group.order == 36


def test_trivial_group():
    group = TrivialGroup((2, 3))
    w = np.arange(6.0).reshape(2, 3)
    one = group.identity()
    assert group.order == group.orbit_size(w) == group.isotropy(w).order == 1
    assert group.same_orbit(w, w + 1e-8) and not group.same_orbit(w, w + 1e-3)
    assert str(one.compose(one.inverse())) == "identity" and one.is_identity
    assert group.fixed_subspace(group.isotropy(w)).shape == (6, 2, 3)
    np.testing.assert_array_equal(group.canonical_image(w)[0], w)
    np.testing.assert_array_equal(group.symmetrize(w, group.isotropy(w)), w)
    assert group.tangents(w).shape == (0, 2, 3)
    assert group.surely_generic(w[None]).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: orthonormal_group(3).isotropy(np.zeros((3, 4))), "shape"),
        (lambda: orthonormal_group(2).orbit_size(np.full((2, 2), np.nan)), "finite"),
        (lambda: SignedPermutations(0), "at least one"),
        (lambda: SignedPermutations(2).match(np.zeros(2), np.zeros(3)), "target"),
        (lambda: TrivialGroup((2,)).orbit_size(np.zeros(3)), "shape"),
        (lambda: StudentPermutations(np.ones((2, 2))), "vector"),
        (lambda: TeacherStabilizer(np.ones(3)), "rows"),
        (lambda: TeacherStabilizer(np.eye(3), np.ones(2)), "2 weights"),
        (lambda: TeacherStabilizer(np.eye(2), None, np.ones(2)), "covariance"),
        (lambda: TeacherStabilizer(np.eye(2), None, np.array([[1.0, 1], [0, 1]])), "symmetric"),
        (lambda: TeacherStabilizer(np.eye(2), None, np.diag([1.0, -1.0])), "negative"),
    ],
)
def test_bad_input_is_explained(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_permutations_without_signs_are_the_symmetric_group():
    group = SignedPermutations(3, signs=False)
    w = np.array([2.0, -1.0, 2.0])
    assert group.order == 6
    assert group.orbit_size(w) == 3 == len(enumerate_orbit(group, w))
    assert group.isotropy(w).name == "S_2"
    assert group.match(w, np.array([-1.0, 2.0, 2.0])) is not None
    assert group.match(w, np.array([1.0, 2.0, 2.0])) is None, "no sign may flip"
    image, element = group.canonical_image(w)
    assert image.tolist() == [2.0, 2.0, -1.0] == group.act(element, w).tolist()
    states = np.array([[1.0, 0.0, -1.0], [1.0, 1.0, 0.0]])
    assert group.surely_generic(states).tolist() == [True, False]


def test_a_small_orbit_is_listed_and_a_large_one_refused():
    group = SignedPermutations(3)
    w = np.array([1.0, 2.0, 0.0])
    assert len(enumerate_orbit(group, w)) == group.orbit_size(w) == 24
    with pytest.raises(ValueError, match="more than 10"):
        enumerate_orbit(group, w, limit=10)
