"""Fields: what users make, restrictions, the plane of Theorem 7, descriptions, messages."""

import json

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from flowlab import Box, Gaussian, Isotropic, Normal, Sample, SignedPermutations
from flowlab.fields import (
    AbstractField,
    GradientFlow,
    TeacherStudent,
    VectorField,
    field_from_spec,
    restrict,
    theorem7_plane,
    zoo,
)

STUDENTS = [2, 3, 5, 10]
# REFERENCE: the diagonal point (x*, x*) of K students.
X_STAR = {2: 0.534154943091895, 5: 0.256840678003603}


def x_star(K):
    return (np.sqrt(K - 1) + np.pi - np.arccos(1 / np.sqrt(K))) / (np.pi * K)


# What a user writes


class Rotor(AbstractField):
    """The two things a field must say, and nothing else."""

    shape: tuple[int, ...] = (2, 1)

    def __call__(self, t, w, args=None):
        return jnp.stack([-w[1], w[0]])


def test_shape_and_call_are_enough():
    field = Rotor()
    assert field.size == 2 and field.coordinates == ("w1_1", "w2_1")
    assert field.symmetry.order == 1 and not field.has_loss
    w = jnp.array([[1.0], [2.0]])
    np.testing.assert_array_equal(field.jacobian(w).reshape(2, 2), [[0, -1], [1, 0]])
    assert field.distance_to_singularity(w) == jnp.inf
    assert field.flat_directions(np.asarray(w)).shape == (0, 2, 1)
    np.testing.assert_array_equal(field.representative(np.asarray(w)), w)
    assert field.surely_generic(np.zeros((3, 2, 1))).tolist() == [True] * 3
    assert field.invariant_basis(np.asarray(w)) is None
    assert field.spec() == {"type": "Rotor", "shape": [2, 1]}
    assert field.sampler(jax.random.key(0), field.shape).shape == (2, 1)


def test_vector_field_jacobian():
    field = VectorField(lambda w: jnp.array([w[1], w[0] - w[0] ** 3 - 0.3 * w[1]]), (2,))
    w = jnp.array([0.7, -0.2])
    expected = [[0, 1], [1 - 3 * 0.7**2, -0.3]]
    np.testing.assert_allclose(field.jacobian(w), expected, rtol=1e-15)
    assert field.coordinates == ("w1", "w2")


def test_gradient_flow_of_a_quadratic(rng):
    matrix = rng.normal(size=(6, 6))
    matrix = matrix @ matrix.T
    field = GradientFlow(lambda w: w.ravel() @ matrix @ w.ravel() / 2, (3, 2), loss_floor=0.0)
    w = rng.normal(size=(3, 2))
    slope = (matrix @ w.ravel()).reshape(3, 2)
    np.testing.assert_allclose(field.gradient(w), slope, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(field(0.0, jnp.asarray(w)), -slope, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.reshape(field.hessian(w), (6, 6)), matrix, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(field.jacobian(w), -field.hessian(w))
    assert field.has_loss and field.loss_floor == 0.0
    assert field.coordinates == ("w1_1", "w1_2", "w2_1", "w2_2", "w3_1", "w3_2")
    assert field.unravel(w) is w


def network_loss(params):
    hidden = jnp.tanh(params["layers"][0] @ jnp.array([0.3, -1.0]) + params["bias"])
    return (jnp.sum(params["layers"][1] * hidden) - 0.5) ** 2 + 0.1 * params["scale"] ** 2


def test_from_pytree():
    params = {
        "layers": (jnp.arange(6.0).reshape(3, 2) / 7, jnp.array([1.0, -1.0, 0.5])),
        "bias": jnp.array([0.1, 0.2, 0.3]),
        "scale": jnp.array(2.0),
    }
    field = GradientFlow.from_pytree(network_loss, params, loss_floor=0.0, sampler=Normal(0.1))
    assert field.shape == (13,) and field.loss_floor == 0.0
    flat = np.concatenate([params["bias"], np.ravel(params["layers"][0]), params["layers"][1], [2]])
    again = field.unravel(jnp.asarray(flat))
    assert jax.tree.structure(again) == jax.tree.structure(params)
    for leaf, other in zip(jax.tree.leaves(params), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(leaf, other)
    assert float(field.loss(flat)) == float(network_loss(params))
    expected = field.unravel(field.gradient(flat))
    for leaf, other in zip(
        jax.tree.leaves(jax.grad(network_loss)(params)), jax.tree.leaves(expected), strict=True
    ):
        np.testing.assert_allclose(leaf, other, rtol=1e-14, atol=1e-15)
    assert field.coordinates[:4] == (
        "['bias'][0]", "['bias'][1]", "['bias'][2]", "['layers'][0][0, 0]"
    )  # fmt: skip
    assert field.coordinates[-1] == "['scale']" and len(set(field.coordinates)) == 13


def test_messages_of_user_fields():
    with pytest.raises(ValueError, match=r"shape is the number 2; needed: a tuple, such as \(2,\)"):
        VectorField(lambda w: w, 2)
    with pytest.raises(ValueError, match="positive sizes"):
        VectorField(lambda w: w, (2, 0))
    with pytest.raises(ValueError, match=r"real array of shape \(2,\)"):
        VectorField(lambda w: w[:1], (2,))
    with pytest.raises(ValueError, match="needed: the loss"):
        GradientFlow(lambda w: w, (2,))
    with pytest.raises(ValueError, match="needed: the loss"):
        GradientFlow(lambda w: jnp.sum(w) * 1j, (2,))
    with pytest.raises(ValueError, match="coordinates has 1 names.*2 entries"):
        VectorField(lambda w: w, (2,), coordinates=("x",))
    with pytest.raises(ValueError, match=r"symmetry acts on arrays of shape \(3,\)"):
        VectorField(lambda w: w, (2,), symmetry=SignedPermutations(3))
    bowl = GradientFlow(lambda w: jnp.sum(w**2), (2,))
    with pytest.raises(ValueError, match=r"w has shape \(2, 2\).*jax.vmap"):
        bowl.loss(np.eye(2))
    with pytest.raises(ValueError, match="NaN or infinite"):
        bowl.gradient([np.nan, 0.0])


# Invariant subspaces


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.sampled_from(["equal students", "axes", "both"]))
def test_invariant_basis_holds_the_state_and_its_velocity(seed, kind):
    field = THREE
    values = np.random.default_rng(seed).normal(size=9)
    W = values.reshape(3, 3)
    if kind == "equal students":
        W[1] = W[0]
    elif kind == "axes":
        x, y, z = values[:3]
        W = np.array([[x, y, y], [z, values[3], values[4]], [z, values[4], values[3]]])
    else:
        W = np.full((3, 3), values[0]) + values[1] * np.eye(3)
    basis = field.invariant_basis(W)
    assert basis is not None and len(basis) < 9
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-13)
    for vector in (W, np.asarray(flow_of_three(W))):
        inside = (basis.T @ (basis @ vector.ravel())).reshape(3, 3)
        np.testing.assert_allclose(inside, vector, rtol=0, atol=1e-13 * (1 + np.abs(W).max()))


THREE = TeacherStudent(jnp.eye(3))
flow_of_three = eqx.filter_jit(lambda W: THREE(0.0, W))


def test_generic_states_have_no_invariant_basis(rng):
    states = rng.normal(size=(20, 3, 3))
    assert THREE.surely_generic(states).all()
    assert all(THREE.invariant_basis(W) is None for W in states[:5])


# Restriction


def plane_vectors(K, dim):
    return np.stack([np.eye(K, dim), np.pad(1 - np.eye(K), ((0, 0), (0, dim - K)))])


@pytest.fixture(scope="module")
def restricted():
    return restrict(THREE, plane_vectors(3, 3), coordinates=("x", "y"))


def test_restriction_to_the_plane_is_theorem_7(restricted, rng):
    plane = theorem7_plane(3)
    assert restricted.shape == plane.shape and restricted.coordinates == plane.coordinates
    z = jnp.asarray(rng.uniform(-1, 1.5, (50, 2)))
    one = jax.jit(jax.vmap(lambda v: restricted(0.0, v)))(z)
    other = jax.jit(jax.vmap(lambda v: plane(0.0, v)))(z)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)
    losses = jax.jit(jax.vmap(restricted.loss))(z), jax.jit(jax.vmap(plane.loss))(z)
    np.testing.assert_allclose(*losses, rtol=0, atol=1e-14)


def test_restriction_lift_and_project(restricted, rng):
    for z in rng.normal(size=(5, 2)):
        W = restricted.lift(jnp.asarray(z))
        np.testing.assert_allclose(np.diag(W), z[0], rtol=1e-15)
        np.testing.assert_allclose(restricted.project(W), z, rtol=1e-14)
        # Least squares off the plane: the residual is orthogonal to it.
        noise = rng.normal(size=(3, 3))
        off = noise - restricted.lift(restricted.project(noise))
        np.testing.assert_allclose(np.tensordot(plane_vectors(3, 3), off, 2), 0, atol=1e-13)


def test_restriction_knows_smaller_subspaces(restricted):
    assert restricted.surely_generic(np.array([[0.3, 0.3], [0.3, 0.2]])).tolist() == [False] * 2
    whole = restricted.invariant_basis(np.array([0.3, 0.2]))
    assert whole is None or np.linalg.matrix_rank(whole) == 2
    diagonal = restricted.invariant_basis(np.array([0.3, 0.3]))
    np.testing.assert_allclose(np.abs(diagonal), np.full((1, 2), 0.5**0.5), rtol=1e-12)
    np.testing.assert_allclose(restricted.distance_to_singularity(jnp.array([3.0, 4.0])), 41**0.5)


def test_affine_restriction():
    line = restrict(zoo.double_well(), [[0.0, 2.0]], origin=[1.0, 0.0])
    np.testing.assert_array_equal(line.lift(jnp.array([0.5])), [1.0, 1.0])
    np.testing.assert_allclose(line(0.0, jnp.array([0.5])), [-0.5], rtol=1e-15)
    assert line.coordinates == ("z1",) and float(line.loss(jnp.array([0.5]))) == 0.5
    assert line.project(jnp.array([7.0, 3.0])).tolist() == [1.5]


def test_restriction_of_a_field_without_a_loss():
    axis = restrict(zoo.saddle_node_ghost(-0.25), [[1.0, 0.0]])
    assert not axis.has_loss
    assert float(axis(0.0, jnp.array([0.5]))[0]) == 0.0
    with pytest.raises(ValueError, match="no loss"):
        axis.loss(jnp.array([0.5]))


def test_messages_of_restrict():
    with pytest.raises(ValueError, match=r"subspace is not invariant.*fixed_subspace"):
        restrict(THREE, np.eye(9)[:2].reshape(2, 3, 3))
    with pytest.raises(ValueError, match="not invariant"):
        restrict(zoo.double_well(), [[0.0, 1.0]], origin=[0.5, 0.0])
    with pytest.raises(ValueError, match="linearly dependent"):
        restrict(THREE, np.ones((2, 3, 3)))
    with pytest.raises(ValueError, match=r"basis has shape \(3, 3\)"):
        restrict(THREE, np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"origin has shape \(2,\)"):
        restrict(THREE, np.ones((1, 3, 3)), origin=[0.0, 0.0])
    with pytest.raises(ValueError, match="2 names for 1 basis vectors"):
        restrict(THREE, np.ones((1, 3, 3)), coordinates=("x", "y"))


# The plane of Theorem 7


def published_plane(K, x, y):
    """Eqns 69-70 of the supplement with N = 1, as printed, angles by arccos."""
    alpha = 1 / np.sqrt(x**2 + (K - 1) * y**2)
    theta, star = np.arccos(alpha * x), np.arccos(alpha * y)
    phi = np.arccos(alpha**2 * (2 * x * y + (K - 2) * y**2))
    common = (np.pi - phi) * (x - 1 + (K - 1) * y)
    radial = (K - 1) * (alpha * np.sin(star) - np.sin(phi)) + alpha * np.sin(theta)
    dx = -common - theta - phi * (x - 1) + radial * x
    dy = -common - (star - phi) - phi * y + radial * y
    return np.stack([dx, dy], -1) / (2 * np.pi)


def plane_points(rng):
    generic = rng.uniform(0, 1, (100, 2))
    diagonal = np.repeat(rng.uniform(0.05, 1, (10, 1)), 2, axis=1)
    near = diagonal + np.outer(np.geomspace(1e-12, 1e-2, 10), [0, 1])
    axis = np.stack([rng.uniform(0.05, 1, 10), np.zeros(10)], -1)
    outside = rng.uniform(-1, 2, (50, 2))
    return np.concatenate([generic, diagonal, near, axis, axis[:, ::-1], outside])


@pytest.mark.parametrize("K", STUDENTS)
def test_plane_is_the_full_field_on_the_plane(K, rng):
    plane, z = theorem7_plane(K), plane_points(rng)
    velocity = np.asarray(jax.jit(jax.vmap(lambda v: plane(0.0, v)))(z))
    full = eqx.filter_jit(jax.vmap(lambda v: plane.field(0.0, plane.lift(v))))(z)
    lifted = np.tensordot(velocity, plane_vectors(K, K), 1)
    scale = 1 + np.abs(velocity).max(-1)[:, None, None]
    np.testing.assert_allclose(full / scale, lifted / scale, rtol=0, atol=1e-13)


@pytest.mark.parametrize("K", STUDENTS)
def test_plane_is_what_was_published(K, rng):
    plane, z = theorem7_plane(K), rng.uniform(0.02, 1, (200, 2))
    z = z[np.abs(z[:, 0] - z[:, 1]) > 1e-2]
    # arccos loses up to eps / angle, and angles here are at least 1e-2.
    np.testing.assert_allclose(
        jax.jit(jax.vmap(lambda v: plane(0.0, v)))(z), published_plane(K, *z.T), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("K", STUDENTS)
def test_plane_rests_at_the_teacher_and_at_the_diagonal_point(K):
    plane, x = theorem7_plane(K), x_star(K)
    flow = jax.jit(lambda v: plane(0.0, v))
    assert abs(x - X_STAR.get(K, x)) < 1e-14
    assert np.abs(flow(jnp.array([1.0, 0.0]))).max() < 1e-16
    assert np.abs(flow(jnp.array([x, x]))).max() < 1e-15
    # The second zero on the diagonal, missed by the paper, is negative.
    x_minus = -(np.sqrt(K - 1) - np.arccos(1 / np.sqrt(K))) / (np.pi * K)
    assert np.abs(flow(jnp.array([x_minus, x_minus]))).max() < 1e-15


@pytest.mark.parametrize("K", [2, 5])
def test_diagonal_is_invariant_to_the_bit(K):
    plane = theorem7_plane(K)
    flow = jax.jit(lambda v: plane(0.0, v))
    for x in np.linspace(0.01, 1, 50):
        dx, dy = flow(jnp.array([x, x]))
        # Linear towards x*: at a rate K/2.
        np.testing.assert_allclose([dx, dy], K / 2 * (x_star(K) - x), rtol=0, atol=1e-14)


def test_plane_lift_and_project(rng):
    plane = theorem7_plane(3, 5)
    z = jnp.asarray(rng.normal(size=2))
    W = plane.lift(z)
    assert W.shape == plane.field.shape == (3, 5)
    np.testing.assert_array_equal(W, np.tensordot(z, plane_vectors(3, 5), 1))
    np.testing.assert_allclose(plane.project(W), z, rtol=1e-14)
    noise = rng.normal(size=(3, 5))
    off = noise - plane.lift(plane.project(noise))
    np.testing.assert_allclose(np.tensordot(plane_vectors(3, 5), off, 2), 0, atol=1e-14)


def test_plane_symmetry_and_subspaces(rng):
    plane = theorem7_plane(2)
    flow = jax.jit(lambda v: plane(0.0, v))
    assert plane.symmetry.order == 2 and theorem7_plane(3).symmetry.order == 1
    for z in rng.uniform(0, 1, (10, 2)):
        np.testing.assert_allclose(flow(z[::-1]), flow(z)[::-1], rtol=0, atol=1e-15)
    states = np.array([[0.5, 0.5], [0.5, np.nextafter(0.5, 1)]])
    assert plane.surely_generic(states).tolist() == [False, True]
    assert plane.invariant_basis(states[1]) is None
    np.testing.assert_allclose(plane.invariant_basis(states[0]), [[0.5**0.5, 0.5**0.5]])
    starts = np.array([plane.sampler(jax.random.key(i), (2,)) for i in range(30)])
    assert starts.min() > 0 and starts.max() <= 1


def test_messages_of_the_plane():
    for K in (1, 2.5, 0):
        with pytest.raises(ValueError, match="at least 2"):
            theorem7_plane(K)
    with pytest.raises(ValueError, match="dim is 3; needed: at least K = 4"):
        theorem7_plane(4, 3)


# Descriptions

SQUASHED = np.array([[2.0, 0.5], [0.5, 1.0]])
BUILT_IN = {
    "teacher-student": TeacherStudent(
        [[1.0, 0.25], [-1 / 3, 2.0]], students=3, output_weights=[1.0, -0.5, 2.0],
        teacher_weights=[0.1, 1.0],
    ),
    "more students": TeacherStudent(jnp.eye(2), students=4),
    "anisotropic": TeacherStudent(jnp.eye(2), inputs=Gaussian(SQUASHED)),
    "isotropic": TeacherStudent(jnp.eye(2), inputs=Isotropic(0.7)),
    "sample": TeacherStudent(jnp.eye(2), inputs=Sample(jnp.array([[1.0, 0.2], [-0.3, 1.0]]))),
    "plane": theorem7_plane(3, 4),
    "line": restrict(zoo.double_well(), [[0.0, 2.0]], origin=[1.0, 0.0]),
    "muller_brown": zoo.muller_brown(),
    "double_wells": zoo.double_wells(4),
    "duffing": zoo.duffing(0.1),
}  # fmt: skip


evaluate = eqx.filter_jit(lambda field, w: (field(0.0, w), field.loss(w) if field.has_loss else 0))


@pytest.mark.parametrize("name", [*BUILT_IN, "restricted"])
def test_description_builds_the_same_field(name, rng, restricted):
    field = BUILT_IN.get(name, restricted)
    spec = json.loads(json.dumps(field.spec()))
    again = field_from_spec(spec)
    assert type(again) is type(field) and again.spec() == field.spec()
    assert again.shape == field.shape and again.coordinates == field.coordinates
    assert again.symmetry.order == field.symmetry.order
    assert tuple(spec.get("shape", field.shape)) == field.shape
    w = jnp.asarray(rng.normal(size=field.shape))
    for one, other in zip(evaluate(again, w), evaluate(field, w), strict=True):
        np.testing.assert_array_equal(one, other)


def test_messages_of_descriptions():
    with pytest.raises(ValueError, match=r"VectorField made from the function.*Build it in your"):
        field_from_spec(VectorField(lambda w: w, (2,)).spec())
    with pytest.raises(ValueError, match="GradientFlow made from the function"):
        field_from_spec(GradientFlow(lambda w: jnp.sum(w**2), (2,)).spec())
    with pytest.raises(ValueError, match="'Okapi' is not a kind of field"):
        field_from_spec({"type": "Okapi"})
    with pytest.raises(ValueError, match="None is not a kind of field"):
        field_from_spec({})
    with pytest.raises(ValueError, match="lacks 'students'"):
        field_from_spec({"type": "Theorem7Plane"})
    spec = TeacherStudent(jnp.eye(2)).spec()
    with pytest.raises(ValueError, match="'Cauchy' is not an input law"):
        field_from_spec(spec | {"inputs": {"type": "Cauchy"}})


def test_descriptions_of_user_fields_say_what_there_is():
    def drift(w):
        return -w

    spec = VectorField(drift, (2,), coordinates=("x", "y")).spec()
    assert spec["type"] == "VectorField" and spec["shape"] == [2]
    assert spec["function"].endswith("drift") and spec["coordinates"] == ["x", "y"]
    mine = VectorField(drift, (2,), spec={"type": "mine"}, sampler=Box(0.0, 1.0))
    assert mine.spec() == {"type": "mine"} and isinstance(mine.sampler, Box)
