"""Groups given by matrices, against groups known otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from flowlab.fields import zoo
from flowlab.symmetry import MatrixGroup, SignedPermutations, enumerate_orbit


def signed_permutations(n):
    """The hyperoctahedral group, from the matrices of its generators."""
    generators = SignedPermutations(n).generators()
    return MatrixGroup([element.apply(np.eye(n)).T for element in generators])


def polygon(n):
    turn = 2 * np.pi / n
    rotation = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return MatrixGroup([rotation, np.diag([1.0, -1.0])], names=("r", "s"))


GOLDEN = (1 + 5**0.5) / 2


def icosahedron():
    """Rotations and reflections: a turn by a fifth about a vertex, cyclic shifts, a mirror."""
    axis = np.array([0, 1, GOLDEN]) / np.hypot(1, GOLDEN)
    cross = np.cross(np.eye(3), -axis)
    turn = 2 * np.pi / 5
    fifth = np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * cross @ cross
    return MatrixGroup([fifth, np.eye(3)[[1, 2, 0]], np.diag([-1.0, 1, 1])])


CUBE = signed_permutations(3)


def test_orders():
    assert [polygon(n).order for n in (3, 4, 7, 12)] == [6, 8, 14, 24]
    assert CUBE.order == 48 and icosahedron().order == 120
    assert polygon(500).order == 1000


def test_icosahedron_orbits():
    group = icosahedron()
    corner, face, edge = [0, 1, GOLDEN], [1.0, 1, 1], [1.0, 0, 0]
    sizes = [group.orbit_size(np.array(point, float)) for point in (corner, face, edge)]
    assert sizes == [12, 20, 30]
    names = [group.isotropy(np.array(point, float)).name for point in (corner, face, edge)]
    assert names == ["D_5", "D_3", "Z_2×Z_2"]
    assert group.orbit_size(np.array([0.3, 0.5, 0.8])) == 120
    assert group.isotropy(np.zeros(3)).order == 120


def test_names():
    square = polygon(4)
    assert square.isotropy(np.zeros(2)).name == "D_4"
    assert MatrixGroup([-np.eye(3)]).isotropy(np.zeros(3)).name == "Z_2"
    # The quaternions i and j acting on the quaternions: a group of order 8 that is not dihedral.
    i = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
    j = np.array([[0.0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    assert MatrixGroup([i, j]).isotropy(np.zeros(4)).name == "order 8"
    assert str(square.identity()) == "identity"
    assert len({str(element) for element in square.elements()}) == 8


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=3, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_the_cube_against_signed_permutations(entries, seed):
    known, rng = SignedPermutations(3), np.random.default_rng(seed)
    w = np.array(entries) + 0.0
    isotropy, expected = CUBE.isotropy(w), known.isotropy(w)
    assert isotropy.order == expected.order and CUBE.orbit_size(w) == known.orbit_size(w)
    assert bool(CUBE.surely_generic(w[None])[0]) == (expected.order == 1)
    basis = CUBE.fixed_subspace(isotropy)
    assert len(basis) == len(known.fixed_subspace(expected))
    noisy = w + rng.uniform(-1e-8, 1e-8, 3)
    np.testing.assert_allclose(
        CUBE.symmetrize(noisy, CUBE.isotropy(noisy)), known.symmetrize(noisy, expected), atol=1e-15
    )
    g = CUBE.random_element(rng)
    image = CUBE.act(g, noisy)
    found = CUBE.match(w, image)
    assert found is not None
    np.testing.assert_allclose(CUBE.act(found, w), image, atol=2e-8)
    np.testing.assert_array_equal(CUBE.act(g.inverse(), image), noisy)
    canonical, element = CUBE.canonical_image(image)
    np.testing.assert_array_equal(CUBE.act(element, image), canonical)
    np.testing.assert_allclose(canonical, known.canonical_image(w)[0], atol=2e-8)
    assert CUBE.match(w, w + 1e-3) is None


@pytest.mark.parametrize("group", [polygon(5), icosahedron(), CUBE], ids=repr)
def test_group_laws(group, rng):
    w = rng.normal(size=group.shape)
    a, b = group.random_element(rng), group.random_element(rng)
    np.testing.assert_allclose(
        group.act(a.compose(b), w), group.act(a, group.act(b, w)), atol=1e-14
    )
    assert a.compose(a.inverse()).is_identity and group.identity().is_identity
    assert group.match(w, group.act(a, w)) == a
    assert group.orbit_size(w) == len(enumerate_orbit(group, w)) == group.order
    assert group.tangents(w).shape == (0, *group.shape)
    many = rng.normal(size=(4, 3, *group.shape))
    np.testing.assert_allclose(group.act(a, many)[2, 1], group.act(a, many[2, 1]), atol=1e-15)


def test_lines_fixed_up_to_rounding():
    """A mirror at 60 degrees moves floats on it by a rounding error: they still count as fixed."""
    group = zoo.magnetic_pendulum().symmetry
    assert isinstance(group, MatrixGroup)
    for element in group.elements():
        w = group.act(element, np.array([0.73, 0.0, -0.21, 0.0]))
        isotropy = group.isotropy(w, tol=0.0)
        assert isotropy.order == 2 and not group.surely_generic(w[None])[0]
        basis = group.fixed_subspace(isotropy)
        assert basis.shape == (2, 4)
        np.testing.assert_allclose(w @ basis.T @ basis, w, atol=1e-15)
        off = w + 1e-12 * np.array([0.3, 0.5, 0.7, -0.9])
        assert group.isotropy(off, tol=0.0).order == 1 and group.surely_generic(off[None])[0]


def test_states_of_any_shape(rng):
    swap = np.eye(6)[[3, 4, 5, 0, 1, 2]]
    group = MatrixGroup([swap], shape=(2, 3))
    w = rng.normal(size=(2, 3))
    (generator,) = group.generators()
    np.testing.assert_array_equal(group.act(generator, w), w[::-1])
    twin = np.stack([w[0], w[0]])
    isotropy = group.isotropy(twin)
    assert isotropy.order == 2 and group.fixed_subspace(isotropy).shape == (3, 2, 3)


def test_messages():
    with pytest.raises(ValueError, match="not orthogonal"):
        MatrixGroup([np.diag([2.0, 1.0])])
    with pytest.raises(ValueError, match="a square matrix"):
        MatrixGroup([np.ones((2, 3))])
    with pytest.raises(ValueError, match="more than 2,000 elements"):
        MatrixGroup([[[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]])
    with pytest.raises(ValueError, match="use TrivialGroup"):
        MatrixGroup([])
    with pytest.raises(ValueError, match="sizes"):
        MatrixGroup([np.eye(2), np.eye(3)])
    with pytest.raises(ValueError, match="do not have 4 entries"):
        MatrixGroup([np.eye(4)], shape=(3,))
    with pytest.raises(ValueError, match="all different"):
        MatrixGroup([np.eye(2), -np.eye(2)], names=("r", "r"))
