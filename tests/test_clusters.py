"""Clusters of atoms: the Euclidean group against brute force, Lennard-Jones against SciPy."""

import itertools as it
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import flowlab as fl
from flowlab.fields import field_from_spec, zoo
from flowlab.symmetry import EuclideanGroup

GOLDEN = (1 + 5**0.5) / 2


def polygon(n, height=0.0, turn=0.0):
    angles = turn + 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles), np.full(n, height)], -1)


def on_line(*places):
    return np.array([[x, 0.0, 0.0] for x in places])


TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])
CUBE = np.array(list(it.product((1.0, -1.0), repeat=3)))
ICOSAHEDRON = np.array(
    [np.roll([0, a, b * GOLDEN], k) for a in (1, -1) for b in (1, -1) for k in range(3)]
)
# A pyrite-like set of 8 + 12 points: T_h. Twelve general images under rotations alone: T.
PYRITE = np.concatenate([CUBE, [np.roll([0, a, 2 * b], k) for a, b in it.product((1, -1), repeat=2)
                                for k in range(3)]])  # fmt: skip
ROTATIONS_OF_T = [np.roll(np.diag(s), k, axis=0) for k in range(3)
                  for s in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]  # fmt: skip
TWISTED = np.array([R @ [1.0, 0.5, 0.2] for R in ROTATIONS_OF_T])

# Name, order (number of components), number of components of the orbit.
MOLECULES = {
    "dimer": (on_line(0, 1), "D_∞h", 4, 1),
    "symmetric chain": (on_line(-1, 0, 1), "D_∞h", 4, 3),
    "unsymmetric chain": (on_line(0, 1, 2.5), "C_∞v", 2, 6),
    "chain of four": (on_line(0, 1, 2.1, 3.1), "D_∞h", 4, 12),
    "equilateral": (polygon(3), "D_3h", 12, 1),
    "isosceles": (np.array([[0, 0, 0], [1, 0, 0], [0.5, 2, 0.0]]), "C_2v", 4, 3),
    "scalene": (np.array([[0, 0, 0], [1, 0, 0], [0.3, 2, 0.0]]), "C_s", 2, 6),
    "square": (polygon(4), "D_4h", 16, 3),
    "rhombus": (polygon(4) * [1, 0.6, 1], "D_2h", 8, 6),
    "centred triangle": (np.vstack([polygon(3), np.zeros((1, 3))]), "D_3h", 12, 4),
    "trigonal pyramid": (np.vstack([polygon(3), [[0, 0, 2.0]]]), "C_3v", 6, 8),
    "tetrahedron": (TETRAHEDRON, "T_d", 24, 2),
    "disphenoid": (TETRAHEDRON * [1, 1, 1.5], "D_2d", 8, 6),
    "chiral disphenoid": (TETRAHEDRON * [1, 1.2, 1.5], "D_2", 4, 12),
    "propeller": (np.vstack([polygon(3), 2 * polygon(3, 0.4, 0.3), [[0, 0, 1.0]]]), "C_3", 3, None),
    "trans": (np.array([[1, 0.3, 0], [-1, -0.3, 0], [1, 2, 0], [-1, -2, 0.0]]), "C_2h", 4, 12),
    "screw": (np.array([[1, 0, 0], [-1, 0, 0], [1, 2, 1], [-1, -2, 1.0]]), "C_2", 2, 24),
    "inverted": (np.concatenate([s * TWISTED[:3] * [1, 3, 2] for s in (1, -1)]), "C_i", 2, None),
    "staggered": (np.concatenate([polygon(3, 1), -polygon(3, 1)]), "D_3d", 12, None),
    "improper": (np.concatenate([polygon(2, 1), polygon(2, -1, np.pi / 2),
                                 polygon(2, 0.5, 0.4) * 2, polygon(2, -0.5, 0.4 + np.pi / 2) * 2,
                                 ]), "S_4", 4, None),
    "pyramid": (np.vstack([polygon(5), [[0, 0, 1.0]]]), "C_5v", 10, None),
    "octahedron": (OCTAHEDRON, "O_h", 48, 30),
    "cube": (CUBE, "O_h", 48, None),
    "icosahedron": (ICOSAHEDRON, "I_h", 120, None),
    "pyrite": (PYRITE, "T_h", 24, None),
    "tetartoid": (TWISTED, "T", 12, None),
    "heptagon": (polygon(7), "D_7h", 28, None),
}  # fmt: skip
each_molecule = pytest.mark.parametrize("name", MOLECULES)


def pair_distances(w):
    return np.linalg.norm(w[:, None] - w, axis=-1)


def labelled_kinds(w):
    """What no motion of space changes, for each numbering of the atoms and of their mirror image.

    Two arrangements of up to four atoms are moved into one another exactly when their distances and
    their oriented volume agree.
    """
    kinds = set()
    for order, sign in it.product(it.permutations(range(len(w))), (1, -1)):
        moved = w[list(order)] * [sign, 1, 1]
        volume = np.linalg.det(moved[1:] - moved[0]) if len(w) == 4 else 0.0
        key = np.append(pair_distances(moved).ravel(), volume)
        kinds.add((np.round(key, 6) + 0.0).tobytes())
    return kinds


@each_molecule
def test_point_groups_are_those_of_the_textbooks(name, rng):
    w, symbol, order, images = MOLECULES[name]
    group = EuclideanGroup(len(w))
    images = 2 * math.factorial(len(w)) // order if images is None else images
    for state in (w, group.act(group.random_element(rng), w) + 1e-8 * rng.normal(size=w.shape)):
        isotropy = group.isotropy(state)
        assert (isotropy.name, isotropy.order) == (symbol, order)
        assert group.orbit_size(state) == images
        for g in isotropy.generators + isotropy.reflections:
            np.testing.assert_allclose(g.apply(state), state, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [k for k, m in MOLECULES.items() if len(m[0]) in (3, 4)])
def test_orbits_and_names_against_brute_force(name, rng):
    """One name for each component of the orbit, whatever motion leads there."""
    w = MOLECULES[name][0]
    group = EuclideanGroup(len(w))
    kinds = labelled_kinds(w)
    assert group.orbit_size(w) == len(kinds)
    fixing = sum(
        np.allclose(pair_distances(w[list(p)]), pair_distances(w))
        for p in it.permutations(range(len(w)))
    )
    flat = np.linalg.matrix_rank(w - w.mean(0), tol=1e-9) < 3
    assert group.isotropy(w).order == fixing * (2 if flat else 1)
    names = {}
    for p, sign in it.product(it.permutations(range(len(w))), (1, -1)):
        image = w[list(p)] * [sign, 1, 1]
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        image = image @ (turn * np.linalg.det(turn)).T + rng.normal(size=3)
        element = group.match(w, image)
        volume = np.linalg.det(image[1:] - image[0]) if len(w) == 4 else 0.0
        key = np.append(pair_distances(image).ravel(), volume)
        names.setdefault((np.round(key, 6) + 0.0).tobytes(), set()).add(
            group.image_name(element, w)
        )
    assert all(len(found) == 1 for found in names.values())
    assert len(set.union(*names.values())) == len(kinds)


@each_molecule
def test_images_are_matched_and_have_one_canonical_image(name, rng):
    w = MOLECULES[name][0]
    group = EuclideanGroup(len(w))
    expected = group.canonical_image(w)[0]
    np.testing.assert_allclose(expected.mean(0), 0, atol=1e-12)
    for _ in range(3):
        image = group.act(group.random_element(rng), w) + 1e-8 * rng.uniform(-1, 1, w.shape)
        found = group.match(w, image)
        np.testing.assert_allclose(group.act(found, w), image, rtol=0, atol=1e-6)
        canonical, element = group.canonical_image(image)
        np.testing.assert_allclose(canonical, expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(element.apply(image), canonical, rtol=0, atol=1e-14)
        np.testing.assert_allclose(group.norm(image), group.norm(w), rtol=1e-6)
        stretched = image * [1, 1, 1.001] + [0, 0, 1]
        if np.ptp(image[:, 2]) > 0.1:
            assert group.match(w, stretched) is None


def test_homometric_sets_are_told_apart():
    """Equal distances as a multiset, and not congruent (Bloom 1977)."""
    one, other = on_line(0, 1, 4, 10, 12, 17), on_line(0, 1, 8, 11, 13, 17)
    assert np.array_equal(np.sort(pair_distances(one).ravel()),
                          np.sort(pair_distances(other).ravel()))  # fmt: skip
    assert EuclideanGroup(6).match(one, other) is None
    assert EuclideanGroup(6).same_orbit(one, one[::-1] + 3)


def test_elements_form_a_group_that_acts(rng):
    group = EuclideanGroup(5)
    w = rng.normal(size=(5, 3))
    for _ in range(10):
        g, h = group.random_element(rng), group.random_element(rng)
        np.testing.assert_allclose(g.compose(h).apply(w), g.apply(h.apply(w)), atol=1e-13)
        np.testing.assert_allclose(g.inverse().apply(g.apply(w)), w, atol=1e-13)
        assert g.compose(g.inverse()) == group.identity()
        np.testing.assert_allclose(
            np.sort(pair_distances(g.apply(w)).ravel()), np.sort(pair_distances(w).ravel()),
            atol=1e-12,
        )  # fmt: skip
    assert len({len(generator.places) for generator in group.generators()}) == 1
    assert group.order == 2 * math.factorial(5)


@pytest.mark.parametrize(
    ("w", "count"),
    [(on_line(0, 1, 3), 5), (polygon(4), 6), (TETRAHEDRON, 6), (np.zeros((1, 3)), 3)],
)
def test_tangents_are_the_motions(w, count):
    """Rotations about the three axes and translations span them, and nothing else does."""
    group = EuclideanGroup(len(w))
    basis = group.tangents(w).reshape(-1, w.size)
    np.testing.assert_allclose(basis @ basis.T, np.eye(count), atol=1e-12)
    moves = [np.broadcast_to(axis, w.shape).ravel() for axis in np.eye(3)]
    moves += [np.cross(axis, w).ravel() for axis in np.eye(3)]
    assert np.linalg.matrix_rank(moves) == count
    np.testing.assert_allclose(np.array(moves) @ basis.T @ basis, moves, atol=1e-12)


def test_kinds_of_atoms_and_other_dimensions(rng):
    triangle = polygon(3)
    group = EuclideanGroup(3, kinds=[1, 1, 2])
    assert (group.isotropy(triangle).name, group.orbit_size(triangle)) == ("C_2v", 1)
    flat = EuclideanGroup(3, 2)
    assert (flat.isotropy(triangle[:, :2]).name, flat.orbit_size(triangle[:, :2])) == ("D_3", 2)
    scalene = rng.normal(size=(3, 2))
    assert (flat.isotropy(scalene).name, flat.orbit_size(scalene)) == ("C_1", 12)
    simplex = np.eye(5)
    assert EuclideanGroup(5, 5).isotropy(simplex).order == 2 * math.factorial(5)
    line = EuclideanGroup(3, 1)
    assert (line.orbit_size(np.array([[0.0], [1], [2]])), line.order) == (6, 12)
    with pytest.raises(ValueError, match="n is 0"):
        EuclideanGroup(0)
    with pytest.raises(ValueError, match="kinds has 2 entries"):
        EuclideanGroup(3, kinds=[1, 2])


def test_states_without_more_symmetry_than_they_must_have(rng):
    group = EuclideanGroup(4)
    states = [rng.normal(size=(4, 3)), TETRAHEDRON, polygon(4), rng.normal(size=(4, 3)) * [1, 1, 0]]
    assert group.surely_generic(np.array(states)).tolist() == [True, False, False, False]
    plane = states[-1]
    basis = zoo.lennard_jones(4).invariant_basis(plane).reshape(-1, 4, 3)
    # Four atoms in the plane, and the height of the plane.
    assert len(basis) == 9
    np.testing.assert_allclose(np.ptp(basis[:, :, 2], axis=1), 0, atol=1e-12)


# The potential once more, for numbers of any kind: complex steps differentiate it exactly.


def energy(w):
    total = 0.0
    for i, j in it.combinations(range(len(w)), 2):
        square = ((w[i] - w[j]) ** 2).sum()
        total += 4 * (square**-6 - square**-3)
    return total


def slope(function, x):
    steps = 1e-30j * np.eye(len(x))
    return np.array([function(x + step).imag / 1e-30 for step in steps])


def curvature(function, x):
    steps = 1e-6 * np.eye(len(x))
    rows = [(slope(function, x + s) - slope(function, x - s)) / 2e-6 for s in steps]
    return (np.array(rows) + np.array(rows).T) / 2


def internal(w):
    """Internal coordinates of a cluster, and the function that builds one from them.

    One atom is the origin, the next lies on the x axis, the third in the plane z = 0; on a line
    the third moves freely. These slices cross the orbits of the motions once.
    """
    far = np.linalg.norm(w - w[0], axis=1).argmax()
    rest = [k for k in range(len(w)) if k not in (0, far)]
    axis = (w[far] - w[0]) / np.linalg.norm(w[far] - w[0])
    off = (w - w[0]) - np.outer((w - w[0]) @ axis, axis)
    linear = np.linalg.norm(off, axis=1).max() < 1e-6
    rest.sort(key=lambda k: -np.linalg.norm(off[k]))
    frame = np.linalg.qr(np.stack([axis, off[rest[0]] if not linear else np.eye(3)[0]], -1),
                         mode="complete")[0]  # fmt: skip
    turned = (w - w[0])[[0, far, *rest]] @ frame
    free = np.ones(w.shape, bool)
    free[0] = free[1, 1:] = False
    free[2, 2] = linear

    def build(x):
        full = np.zeros(w.shape, x.dtype)
        full[free] = x
        return full

    return turned[free], lambda x: energy(build(x))


@pytest.fixture(scope="module")
def catalogs():
    """Catalogs of three and four atoms: starts in a cube, then some in a plane and on a line."""
    found = {}
    for n, starts in ((3, 100), (4, 150)):
        field = zoo.lennard_jones(n)
        catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=starts)
        flat = np.random.default_rng(0).uniform(-0.9, 0.9, (120, n, 3))
        flat[:, :, 2] = flat[100:, :, 1] = 0
        more = fl.find_critical_points(field, starts=flat, catalog=catalog, methods=("newton",))
        found[n] = field, more.sorted()
    return found


def chain(n):
    """Energy and spacings of the chain of n atoms, from its one-dimensional equations."""

    def of_spacings(x):
        half = np.concatenate([x, x[::-1][(n - 1) % 2 :]])
        places = np.concatenate([[0 * x[0]], np.cumsum(half)])
        return energy(np.stack([places, 0 * places, 0 * places], -1))

    found = scipy.optimize.root(lambda x: slope(of_spacings, x), np.full(n // 2, 1.11), tol=1e-14)
    return of_spacings(found.x), found.x


def scaled(shape):
    """The least energy over the sizes of a rigid shape: V = 4 (A s^-12 - B s^-6)."""
    r = pair_distances(shape)[np.triu_indices(len(shape), 1)]
    return -((r**-6).sum() ** 2) / (r**-12).sum()


def test_three_atoms_have_a_triangle_and_a_chain(catalogs):
    _, catalog = catalogs[3]
    triangle, line = catalog
    assert (triangle.kind, triangle.index, triangle.nullity) == ("global minimum", 0, 6)
    assert (triangle.isotropy_name, triangle.isotropy_order, triangle.orbit_size) == ("D_3h", 12, 1)
    assert abs(triangle.loss + 3) < 1e-12
    sides = pair_distances(triangle.location)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(sides, 2 ** (1 / 6), rtol=1e-12)
    assert (line.kind, line.index, line.nullity) == ("saddle", 2, 5)
    assert (line.isotropy_name, line.isotropy_order, line.orbit_size) == ("D_∞h", 4, 3)
    expected, spacings = chain(3)
    assert abs(line.loss - expected) < 1e-12
    assert abs(expected + (2 + 2**-6) ** 2 / (2 + 2**-12)) < 1e-12
    np.testing.assert_allclose(np.sort(pair_distances(line.location)[0])[1], spacings[0], atol=1e-9)


def test_four_atoms(catalogs):
    _, catalog = catalogs[4]
    found = {(point.isotropy_name, round(point.loss, 9)): point for point in catalog}
    rhombus = scipy.optimize.root(
        lambda x: slope(lambda y: energy(polygon(4) * [*y, 0]), x), [0.95, 0.55], tol=1e-14
    ).x
    known = {
        ("T_d", -6.0): (0, 2),
        ("D_2h", round(energy(polygon(4) * [*rhombus, 0]), 9)): (1, 6),
        ("D_4h", round(scaled(polygon(4)), 9)): (2, 3),
        ("D_3h", round(scaled(np.vstack([polygon(3), np.zeros((1, 3))])), 9)): (3, 4),
        ("D_∞h", round(chain(4)[0], 9)): (4, 12),
    }
    for key, (index, images) in known.items():
        assert key in found, f"{key} was not found among {list(found)}"
        assert (found[key].index, found[key].orbit_size) == (index, images)
    assert abs(catalog[0].loss + 6) < 1e-12 and catalog[0].kind == "global minimum"


@pytest.mark.parametrize("n", [3, 4])
def test_every_null_direction_is_a_motion_and_every_index_that_of_scipy(n, catalogs):
    field, catalog = catalogs[n]
    for point in catalog:
        linear = point.isotropy_name in ("D_∞h", "C_∞v")
        assert point.nullity == point.explained_nullity == (5 if linear else 6)
        x, function = internal(point.location)
        assert len(x) == 3 * n - point.nullity
        root = scipy.optimize.root(lambda y, f=function: slope(f, y), x + 1e-5, tol=1e-13).x
        np.testing.assert_allclose(root, x, rtol=0, atol=1e-9)
        values = np.linalg.eigvalsh(curvature(function, x))
        assert np.abs(values).min() > 1e-3
        assert (values < 0).sum() == point.index
        assert abs(point.loss - function(x)) < 1e-11
        assert field.may_rest(point.location)
    for one, other in it.combinations(catalog, 2):
        assert not field.symmetry.same_orbit(one.location, other.location)


@pytest.mark.parametrize("n", [3, 4])
def test_what_dissociates_is_counted_and_never_listed(n, catalogs):
    field, catalog = catalogs[n]
    counts = catalog.provenance["settings"]["search"]["newton"]
    assert 0 < counts["settled"] < 120 and sum(counts.values()) == 120
    far = catalog[0].location.copy()
    far[-1] += [400.0, 0, 0]
    assert np.abs(field(0.0, jnp.asarray(far))).max() < 1e-12
    assert fl.refine(field, far, throw=False).outcome is fl.Outcome.escaped
    with pytest.raises(RuntimeError, match="no zero"):
        fl.refine(field, far)
    # Chains are the widest clusters at rest.
    assert field.may_rest(on_line(*2 ** (1 / 6) * np.arange(n)))
    assert not field.may_rest(on_line(*1.2 * np.arange(n)))


def test_forces_against_the_potential_and_the_group(catalogs, rng):
    field, _ = catalogs[4]
    forces, loss = eqx.filter_jit(lambda w: field(0.0, w)), eqx.filter_jit(field.loss)
    for _ in range(5):
        w = 1.2 * TETRAHEDRON / 2 + 0.2 * rng.normal(size=(4, 3))
        flat = slope(lambda x: energy(x.reshape(4, 3)), w.ravel())
        scale = 1 + np.abs(flat).max()
        np.testing.assert_allclose(forces(w).ravel(), -flat, rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(loss(w), energy(w), rtol=1e-13)
        g = field.symmetry.random_element(rng)
        turned = np.empty((4, 3))
        turned[list(g.places)] = forces(w) @ g.rotation.T
        np.testing.assert_allclose(forces(g.apply(w)), turned, rtol=0, atol=1e-11 * scale)


def test_description_builds_the_cluster_again(catalogs, tmp_path):
    field, catalog = catalogs[3]
    path = tmp_path / "catalog.json"
    catalog.to_json(path)
    again = fl.Catalog.from_json(path)
    rebuilt = field_from_spec(again.field_spec)
    assert (rebuilt.atoms, rebuilt.dim) == (3, 3) and rebuilt.spec() == field.spec()
    assert rebuilt.coordinates[:4] == ("x1", "y1", "z1", "x2")
    np.testing.assert_array_equal(again[1].location, catalog[1].location)
    with pytest.raises(ValueError, match="atoms is 1"):
        zoo.lennard_jones(1)
    with pytest.raises(ValueError, match="dim is 0"):
        zoo.lennard_jones(3, 0)


def test_atoms_that_meet_are_singular_and_those_that_nearly_do_fly_apart(catalogs, rng):
    field, catalog = catalogs[3]
    close = catalog[0].location.copy()
    close[1] = close[0]
    assert float(field.distance_to_singularity(jnp.asarray(close))) == 0
    assert fl.refine(field, close, throw=False).outcome is fl.Outcome.singular
    starts = np.repeat(close[None], 100, 0)
    starts[:, 1] += 1e-2 * rng.normal(size=(100, 3))
    ensemble = fl.settle(field, starts)
    assert ensemble.counts == {"settled": 100}
    assert len(ensemble.catalog) == 1 and abs(ensemble.catalog[0].loss + 3) < 1e-12
