"""Block families against the full field, which knows nothing of blocks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import flowlab as fl
from flowlab.critical import newton_batches
from flowlab.fields import _blocks as blocks, _relu, as_blocks
from flowlab.fields._namespace import NUMPY

SIZES = [(1,), (2,), (6,), (5, 1), (1, 4), (2, 2), (4, 3), (1, 1, 3), (2, 3, 4), (1, 2, 1, 3)]
KINDS = ["random", "teacher", "opposite", "collapsed", "aligned", "nearly collapsed"]


def point(family, kind, rng):
    """Coordinates of the kind: students aligned with each other or with teachers, or not."""
    r, m = len(family.single), family.size
    collapsed = np.zeros(m)
    rows, columns = rng.uniform(0.2, 1, r), rng.normal(size=r)
    collapsed[:] = rows[family.layout.row] * columns[family.layout.column]
    return {
        "random": rng.normal(size=m),
        "teacher": family.layout.teacher,
        "opposite": -family.layout.teacher,
        "collapsed": np.full(m, 0.3),
        "aligned": collapsed,
        "nearly collapsed": collapsed + 1e-9 * rng.normal(size=m),
    }[kind]


def full_of(family, z):
    """The lifted state, and the full field and loss there, in NumPy."""
    W = np.asarray(family.lift(z))
    V, ones = np.eye(*W.shape), np.ones(len(W))
    return W, -_relu.gradient(NUMPY, W, V, ones, ones), _relu.loss(NUMPY, W, V, ones, ones)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_closed_form_is_the_full_field_in_the_subspace(sizes, kind, rng):
    family = fl.block_family(sizes)
    z = point(family, kind, rng)
    data = blocks.layout(family.single), np.array(sizes, float), z, family.layout.teacher
    _, velocity, loss = full_of(family, z)
    lifted = np.asarray(family.lift(blocks.velocity(NUMPY, *data)))
    np.testing.assert_allclose(lifted, velocity, rtol=0, atol=1e-13)
    assert abs(blocks.loss(NUMPY, *data) - loss) < 1e-13


@eqx.filter_jit
def of_jax(family, z):
    """The field's own methods, compiled together."""
    lanes = family.batch(jnp.stack([z, 2 * z, z], -1))
    return family(0.0, z), family.loss(z), lanes, family.jacobian(z)


@pytest.mark.parametrize("kind", KINDS)
def test_field_loss_lanes_and_jacobian(kind, rng):
    family = fl.block_family((4, 1), dim=6)
    z = point(family, kind, rng)
    W, full_velocity, full_loss = full_of(family, z)
    velocity, loss, lanes, jacobian = of_jax(family, jnp.asarray(z))
    np.testing.assert_allclose(family.lift(velocity), full_velocity, rtol=0, atol=1e-13)
    assert abs(loss - full_loss) < 1e-13
    np.testing.assert_allclose(lanes[:, 2], velocity, rtol=0, atol=1e-13)
    doubled = full_of(family, 2 * z)[1]
    np.testing.assert_allclose(family.lift(lanes[:, 1]), doubled, rtol=0, atol=1e-13)
    hessian = _relu.hessian(NUMPY, W, np.eye(5, 6), np.ones(5), np.ones(5))
    basis = np.stack([np.asarray(family.lift(row)) for row in np.eye(family.size)])
    counts = np.asarray(family.multiplicities())[:, None]
    full = -np.einsum("iab,abcd,jcd->ij", basis, hessian, basis, optimize=True) / counts
    np.testing.assert_allclose(jacobian, full, rtol=0, atol=1e-12)


def test_one_block_is_the_plane_of_theorem_7(rng):
    """Two closed forms, derived apart."""
    where, plane = blocks.layout((False,)), fl.theorem7_plane(5)
    for z in rng.normal(size=(5, 2)):
        velocity = blocks.velocity(NUMPY, where, np.array([5.0]), z, where.teacher)
        np.testing.assert_allclose(velocity, plane(0.0, jnp.asarray(z)), rtol=0, atol=1e-14)


def test_balls_enclose_the_floats(rng):
    pytest.importorskip("flint")
    from flowlab.certify._balls import BALLS, balls

    family = fl.block_family((3, 2, 1))
    for kind in KINDS[:-1]:
        z = point(family, kind, rng)
        where, sizes = family.layout, np.array([3.0, 2.0, 1.0])
        enclosed = blocks.velocity(BALLS, where, balls(sizes), balls(z), balls(where.teacher))
        floats = blocks.velocity(NUMPY, where, sizes, z, where.teacher)
        assert all(bool(abs(ball - f) < 1e-12) for ball, f in zip(enclosed, floats, strict=True))
        loss = blocks.loss(BALLS, where, balls(sizes), balls(z), balls(where.teacher))
        assert abs(loss - blocks.loss(NUMPY, where, sizes, z, where.teacher)) < 1e-12


# Type II of K = 7: the coordinates x1, y11, y12, x2, y21 (one student, the last, is flipped).
TYPE_II = [0.9969227988, -0.0350801559, 0.2616910758, -0.6327039049, 0.1859910463]


def test_type_II_becomes_a_minimum_where_the_reduced_problem_says():
    """Continued in real K, its lowest eigenvalue changes sign at K = 5.5855052474."""
    z = np.array(TYPE_II)

    def lowest(students):
        nonlocal z
        family = fl.block_family((students - 1, 1))
        ends = newton_batches(family, z[None])
        assert ends.residual[0] < 1e-13
        z = np.asarray(ends.state[0])
        assert z[3] < -0.4
        components = {c.name: c for c in fl.isotypic_spectrum(family, z).components}
        return components["standard 1"].eigenvalues[0]

    for students in np.linspace(7, 5.6, 8):
        assert lowest(students) > 0
    crossing = brentq(lowest, 5.6, 5.5, xtol=1e-12)
    assert abs(crossing - 5.5855052474) < 1e-9


def test_derivative_by_a_size_is_exact(rng):
    """What continuation in real K needs."""
    family, z = fl.block_family((4.5, 1)), jnp.asarray(rng.normal(size=5))

    @jax.jit
    def velocity(size):
        return eqx.tree_at(lambda f: f.sizes, family, jnp.stack([size, 1.0]))(0.0, z)

    slope = jax.jacfwd(velocity)(jnp.asarray(4.5))
    step = 1e-5
    difference = (velocity(jnp.asarray(4.5 + step)) - velocity(jnp.asarray(4.5 - step))) / (
        2 * step
    )
    np.testing.assert_allclose(slope, difference, rtol=0, atol=1e-9)


def test_sizes_that_are_traced_compile_once(rng):
    traces, z = 0, jnp.asarray(rng.normal(size=5))

    @jax.jit
    def velocity(K):
        nonlocal traces
        traces += 1
        return fl.block_family((K - 1, 1))(0.0, z)

    for K in (5.0, 6.5, 100.0):
        concrete = fl.block_family((K - 1, 1))
        np.testing.assert_allclose(velocity(K), concrete(0.0, z), rtol=1e-14)
    assert traces == 1
    with pytest.raises(ValueError, match="traced"):
        jax.jit(lambda K: fl.block_family((K, 1), dim=9)(0.0, z))(4.0)
    with pytest.raises(ValueError, match="at least 1"):
        jax.jit(lambda K: fl.block_family((K, 0.5))(0.0, z))(4.0)


def test_lift_and_project_are_inverse(rng):
    family = fl.block_family((3, 2), dim=7)
    z = rng.normal(size=6)
    W = np.asarray(family.lift(z))
    assert W.shape == (5, 7) and np.all(W[:, 5:] == 0)
    np.testing.assert_allclose(family.project(W), z, rtol=0, atol=1e-15)
    assert family.coordinates == ("x1", "y11", "y12", "x2", "y21", "y22")
    group = family.field.symmetry
    assert group.isotropy(W).name == "Δ(S_3×S_2)"
    np.testing.assert_allclose(family.multiplicities(), [3, 6, 6, 2, 6, 2])


def test_exchange_of_equal_blocks_is_a_symmetry(rng):
    family = fl.block_family((2, 2))
    assert family.symmetry.order == 2 and fl.block_family((3, 2)).symmetry.order == 1
    (exchange,) = family.symmetry.generators()
    z = rng.normal(size=6)
    data = blocks.layout(family.single), np.array([2.0, 2.0])
    before = blocks.velocity(NUMPY, *data, z, family.layout.teacher)
    after = blocks.velocity(NUMPY, *data, exchange.apply(z), family.layout.teacher)
    np.testing.assert_allclose(after, exchange.apply(before), rtol=0, atol=1e-15)


def test_aligned_blocks_are_merged_as_the_full_field_does(rng):
    family = fl.block_family((3, 2))
    z = point(family, "aligned", rng)
    merged = family.field.representative(np.asarray(family.lift(z)))
    np.testing.assert_allclose(family.lift(family.representative(z)), merged, atol=1e-15)
    generic = rng.normal(size=6)
    assert np.array_equal(family.representative(generic), generic)


def test_the_family_of_a_scrambled_state(rng):
    family = fl.block_family((4, 2, 1), dim=8)
    z = rng.normal(size=family.size)
    rows, columns = rng.permutation(7), np.r_[rng.permutation(7), 7]
    state = np.asarray(family.lift(z))[rows][:, columns]
    found, at = as_blocks(family.field, state)
    assert found.sizes.tolist() == [4, 2, 1] and found.extra == 1
    np.testing.assert_allclose(at, z, atol=1e-15)
    assert as_blocks(family.field, rng.normal(size=(7, 8))) is None
    assert as_blocks(fl.TeacherStudent(2 * jnp.eye(3)), np.eye(3)) is None


def test_description_builds_the_family_again():
    for family in (fl.block_family((3, 1), dim=6), fl.block_family((3.5, 1))):
        again = fl.field_from_spec(family.spec())
        assert again.spec() == family.spec() and again.shape == family.shape


def test_bad_sizes_are_refused():
    for sizes in ([], [0.5, 2], [np.nan], [[2, 2]]):
        with pytest.raises(ValueError, match="sizes is"):
            fl.block_family(sizes)
    with pytest.raises(ValueError, match="dim is 4"):
        fl.block_family((3, 2), dim=4)
    with pytest.raises(ValueError, match="dim is 8"):
        fl.block_family((3.5, 2), dim=8)
    with pytest.raises(ValueError, match="no matrix has such blocks"):
        fl.block_family((3.5, 2)).lift(np.ones(6))
    with pytest.raises(ValueError, match="traced"):
        jax.jit(lambda f, z: f.lift(z))(fl.block_family((3, 2)), jnp.ones(6))
