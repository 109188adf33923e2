"""The search of fixed subspaces, against points that another program found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles.block_families import FAMILY_POINTS

import flowlab as fl
from flowlab.search import search_fixed_subspace
from flowlab.symmetry import TeacherStabilizer


@pytest.fixture(scope="module")
def catalogs():
    """All two-block families of K students, each searched once."""
    found = {}

    def search(students):
        if students not in found:
            field = fl.TeacherStudent(jnp.eye(students))
            key = jax.random.key(students)
            found[students] = fl.find_critical_points(field, key=key, methods=["fixed_subspaces"])
        return found[students]

    return search


def name_of(point):
    """The isotropy group as the literature writes it, for the types that have no more symmetry."""
    if point.isotropy_order == 1:
        return "trivial"
    p, q = point.students - point.q, point.q
    sizes = sorted((size for size in (p, q) if size > 1), reverse=True)
    name = "×".join(f"S_{size}" for size in sizes)
    return f"Δ({name})" if len(sizes) > 1 else f"Δ{name}"


@pytest.mark.parametrize("students", [5, 6, 7])
def test_every_known_point_of_two_block_families_is_found(catalogs, students):
    catalog = catalogs(students)
    for known in (point for point in FAMILY_POINTS if point.students == students):
        (found,) = [
            point
            for point in catalog
            if abs(point.loss - known.loss) < 1e-11
            and abs(point.eigenvalues[0] - known.lowest) < 1e-8
        ]
        assert found.index == known.index and found.nullity == 0
        assert found.isotropy_order == known.isotropy_order
        assert found.isotropy_name == name_of(known)
        assert found.orbit_size == known.images
        assert found.residual <= 1e-12 and found.hits > 0 and found.found_by == "fixed_subspaces"


def test_spurious_minima_of_six_and_seven_students(catalogs):
    """Type II and type A (and, at K = 7, type I), published losses, groups, numbers of images."""
    found = {
        students: [
            (round(point.loss, 12), point.isotropy_name, point.orbit_size)
            for point in catalogs(students)
            if point.kind == "spurious minimum"
        ]
        for students in (5, 6, 7)
    }
    assert found[5] == []
    assert found[6] == [(0.025080581002, "ΔS_5", 4320), (0.055668581322, "ΔS_6", 720)]
    assert [entry[1:] for entry in found[7]] == [("ΔS_6", 35280), ("ΔS_6", 35280), ("ΔS_7", 5040)]
    assert found[7][0][0] == 0.023202714914
    lowest = {p.loss: p.eigenvalues[0] for k in (6, 7) for p in catalogs(k)}
    published = {
        0.025080581002: 0.004700355,
        0.055668581322: 0.001503652,
        0.023202714914: 0.014059013,
    }
    for loss, value in published.items():
        (close,) = [lowest[other] for other in lowest if abs(other - loss) < 1e-11]
        assert abs(close - value) < 1e-9


def test_no_orbit_twice_and_all_are_zeros_of_the_full_field(catalogs):
    catalog = catalogs(6)
    field = fl.TeacherStudent(jnp.eye(6))
    for number, point in enumerate(catalog):
        assert float(jnp.abs(field(0.0, point.location)).max()) < 1e-12
        for other in catalog.points[:number]:
            close = abs(point.loss - other.loss) < 1e-9
            assert not (close and field.symmetry.same_orbit(point.location, other.location))


def test_every_start_is_accounted_for(catalogs):
    reports = catalogs(6).provenance["settings"]["search"]["fixed_subspaces"]
    assert [report["subgroup"] for report in reports] == ["ΔS_5", "Δ(S_4×S_2)", "Δ(S_3×S_3)"]
    assert [report["dimension"] for report in reports] == [5, 6, 6]
    for report in reports:
        assert sum(report["outcomes"].values()) == report["starts"]
        assert report["unseen"] <= 2e-3
    settled = sum(report["outcomes"]["settled"] for report in reports)
    assert sum(point.hits for point in catalogs(6)) == settled


def test_same_key_same_catalog_and_other_key_same_orbits(catalogs):
    field = fl.TeacherStudent(jnp.eye(6))
    (subgroup,) = fl.block_subgroups(field.symmetry, blocks=1)
    first, again, other = (
        search_fixed_subspace(field, subgroup, key=jax.random.key(number), starts=1_024)
        for number in (0, 0, 1)
    )
    assert [p.hits for p in first] == [p.hits for p in again]
    np.testing.assert_allclose([p.loss for p in first], [p.loss for p in other], atol=1e-12)


def test_a_catalog_is_extended_and_keeps_its_ids():
    field = fl.TeacherStudent(jnp.eye(6))
    teacher = fl.classify(field, np.eye(6), id="teacher", hits=3)
    record = fl.search_fixed_subspace.__module__ and teacher
    catalog = fl.Catalog((record,), field.spec(), {})
    (subgroup,) = fl.block_subgroups(field.symmetry, blocks=1)
    found = search_fixed_subspace(
        field, subgroup, key=jax.random.key(0), catalog=catalog, starts=512
    )
    assert found[0].id == "teacher" and found[0].hits > 3 and found[0].found_by == "given"
    assert found.provenance["settings"]["search"]["starts"] == 512


@pytest.mark.slow
def test_type_II_of_a_hundred_students():
    """10,000 eigenvalues with their multiplicities; the Hessian would take 800 megabytes."""
    K = 100
    field = fl.TeacherStudent(jnp.eye(K))
    subgroup = fl.block_subgroups(field.symmetry)[0]
    found = search_fixed_subspace(field, subgroup, key=jax.random.key(0), starts=512)
    (point,) = [p for p in found if p.isotropy_name == "ΔS_99" and p.loss < 0.01]
    assert point.kind == "spurious minimum" and (point.index, point.nullity) == (0, 0)
    assert point.orbit_size == 100 * fl.TeacherStudent(jnp.eye(K)).symmetry.students.order
    assert point.eigenvalues.shape == (K * K,)
    # The trace of the Hessian, from two closed forms.
    assert abs(point.eigenvalues.sum() - trace_of_hessian(point.location, np.eye(K))) < 1e-8
    assert float(jnp.abs(field(0.0, point.location)).max()) < 1e-12


def trace_of_hessian(W, V):
    """The sum over students of tr H_ii = d/2 + d-1 + ... from the closed form of the blocks."""

    def sines(U):
        cosine = W @ U.T / np.linalg.norm(W, axis=1)[:, None] / np.linalg.norm(U, axis=1)
        return np.sqrt(np.clip(1 - cosine**2, 0, None))

    K, d = W.shape
    norms = np.linalg.norm(W, axis=1)
    own = sines(W) * norms / norms[:, None]
    np.fill_diagonal(own, 0.0)
    pull = own.sum() - (sines(V) / norms[:, None]).sum()
    # tr(P_w + n n') = d.
    return K * d / 2 + d * pull / (2 * np.pi)


def test_a_basis_and_a_subgroup_lead_to_the_same_points():
    """The general way, through the full field, against the closed form of the blocks."""
    field = fl.TeacherStudent(jnp.eye(4))
    (subgroup,) = fl.block_subgroups(field.symmetry, blocks=1)
    basis = field.symmetry.fixed_subspace(subgroup)
    options = dict(key=jax.random.key(2), starts=512)
    quick = search_fixed_subspace(field, subgroup, **options)
    general = search_fixed_subspace(field, basis, **options)
    assert len(quick) == len(general)
    for one, other in zip(quick, general, strict=True):
        assert abs(one.loss - other.loss) < 1e-12 and one.index == other.index
        assert one.isotropy_name == other.isotropy_name


def test_any_group_will_do():
    """A product of double wells: 27 points, four classes under permutations and flips."""
    field = fl.zoo.double_wells(3)
    key = jax.random.key(1)
    found = fl.find_critical_points(field, key=key, methods=["fixed_subspaces"])
    assert sorted((p.orbit_size, p.index) for p in found) == [(1, 3), (6, 2), (8, 0), (12, 1)]


def test_subgroups_of_given_sizes():
    group = fl.TeacherStudent(jnp.eye(5, 7)).symmetry
    found = fl.block_subgroups(group, blocks=2)
    assert [subgroup.sizes for subgroup in found] == [(4, 1), (3, 2)]
    for subgroup in found:
        basis = group.fixed_subspace(subgroup)
        # One for each pair of blocks, one more for each block of two or more.
        assert len(basis) == 4 + sum(size > 1 for size in subgroup.sizes)
        inside = np.tensordot(np.random.default_rng(0).normal(size=len(basis)), basis, 1)
        assert group.isotropy(inside).order == subgroup.order
        assert group.isotropy(inside).name == subgroup.name
        assert np.all(inside[:, 5:] == 0)
    three = fl.block_subgroups(group, blocks=3)
    assert [subgroup.sizes for subgroup in three] == [(3, 1, 1), (2, 2, 1)]


def test_isotropy_subgroups_of_a_small_group_are_all_found():
    """S_3 acting on three coordinates: all of it, a swap, and nothing."""
    group = fl.SignedPermutations(3, signs=False)
    found = fl.isotropy_subgroups(group, np.random.default_rng(0), samples=50)
    assert [(g.order, len(group.fixed_subspace(g))) for g in found] == [(1, 3), (2, 2), (6, 1)]


def test_isotropy_subgroups_are_isotropy_groups(rng):
    group = fl.TeacherStudent(jnp.eye(5)).symmetry
    found = fl.isotropy_subgroups(group, rng, samples=60, max_dimension=6)
    assert "S_5×S_5" in {g.name for g in found}
    for subgroup in found:
        basis = group.fixed_subspace(subgroup)
        assert 1 <= len(basis) <= 6
        point = np.tensordot(rng.normal(size=len(basis)), basis, 1)
        assert group.isotropy(point).order == subgroup.order


def test_bad_input_is_refused():
    field = fl.TeacherStudent(jnp.eye(3))
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="not invariant"):
        search_fixed_subspace(field, np.eye(9).reshape(9, 3, 3)[:2], key=key)
    with pytest.raises(ValueError, match="unseen is 2"):
        search_fixed_subspace(field, np.ones((1, 3, 3)), key=key, unseen=2)
    with pytest.raises(ValueError, match="starts is 0"):
        search_fixed_subspace(field, np.ones((1, 3, 3)), key=key, starts=0)
    with pytest.raises(ValueError, match="pass `key="):
        fl.find_critical_points(field, methods=["fixed_subspaces"])
    with pytest.raises(ValueError, match="blocks is 4"):
        fl.block_subgroups(field.symmetry, blocks=4)
    group = fl.StudentPermutations(np.ones(2)) * TeacherStabilizer(np.eye(3))
    with pytest.raises(ValueError, match="isotropy_subgroups"):
        fl.block_subgroups(group)
