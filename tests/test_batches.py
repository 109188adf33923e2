"""Fields in batches, states last: equal to one evaluation at a time, degenerate states included."""

import equinox as eqx
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from oracles import mp_relu

from flowlab import Gaussian, Isotropic, Sample
from flowlab._kernel import in_blocks, once
from flowlab.fields import (
    GradientFlow,
    TeacherStudent,
    VectorField,
    restrict,
    theorem7_plane,
)

EPS = np.finfo(float).eps
OBLIQUE = np.random.default_rng(0).normal(size=(2, 3))
WEIGHTS = {"output_weights": np.array([1.0, -0.7, 1.6]), "teacher_weights": np.array([1.3, -0.8])}
FACTOR = np.array([[1.0, 0.2, 0.0], [0.0, 0.7, -0.3], [0.1, 0.0, 1.2]])
LAWS = {
    "gaussian": Gaussian(),
    "covariance": Gaussian(FACTOR @ FACTOR.T),
    "isotropic": Isotropic(2.5),
    "sample": Sample(np.random.default_rng(1).normal(size=(50, 3))),
}
FIELDS = {name: TeacherStudent(OBLIQUE, inputs=law, **WEIGHTS) for name, law in LAWS.items()}
PLANE = theorem7_plane(5)
RING = VectorField(lambda w: jnp.array([w[1] * (1 + w[0]), -w[0]]), (2,))
BOWL = GradientFlow(lambda w: jnp.sum(jnp.cosh(w)) + w[0, 0] * w[1, 1], (2, 2))
THREE = TeacherStudent(np.eye(3))
DIAGONAL = restrict(THREE, np.stack([np.eye(3), 1 - np.eye(3)]), coordinates=("x", "y"))
SHIFTED = restrict(
    VectorField(lambda w: jnp.stack([-w[0], jnp.zeros(())]), (2,)),
    np.array([[2.0, 0.0]]),
    origin=np.array([0.0, 3.0]),
)
ALL = FIELDS | {
    "plane": PLANE,
    "vector field": RING,
    "gradient flow": BOWL,
    "restricted": DIAGONAL,
    "restricted, with an origin": SHIFTED,
    "many dimensions": TeacherStudent(np.eye(17), students=2),
    "one of each": TeacherStudent(np.ones((1, 1))),
}


@eqx.filter_jit
def in_a_batch(field, states):
    return field.batch(states)


@eqx.filter_jit
def one_by_one(field, states):
    return jax.lax.map(lambda w: field(0.0, w), jnp.moveaxis(states, -1, 0))


def difference(field, states):
    """Of a batch from single evaluations, relative to the sizes of state and result."""
    single = np.moveaxis(np.asarray(one_by_one(field, states)), 0, -1)
    batch = np.asarray(in_a_batch(field, states))
    assert batch.shape == states.shape
    assert np.all(np.isfinite(batch))
    axes = tuple(range(states.ndim - 1))
    # What a result is a sum of is about as large as the state and the teacher.
    scale = 1 + np.abs(states).max(axes) + np.abs(single).max(axes)
    return float((np.abs(batch - single).max(axes) / scale).max() / EPS)


@pytest.mark.parametrize("name", ALL)
def test_random_states(name, rng):
    field = ALL[name]
    assert difference(field, rng.normal(size=(*field.shape, 4))) <= 2


@pytest.mark.parametrize("name", ["gaussian", "plane", "many dimensions"])
@pytest.mark.parametrize("count", [1, 130])
def test_one_state_and_many(name, count, rng):
    """130 is more than one block and a rest."""
    field = ALL[name]
    assert difference(field, rng.normal(size=(*field.shape, count))) <= 2


def collinear(W, V, kind, factor):
    """A state of three students made degenerate: pairs of them, or of one and a teacher."""
    W = np.array(W)
    match kind:
        case "pair":
            W[1] = factor * W[0]
        case "all":
            W[1:] = W[0], factor * W[0]
        case "teacher":
            W[2] = factor * V[1]
        case "teachers":
            W[0], W[1], W[2] = V[0], factor * V[1], factor * V[0]
    return W


entries = st.floats(0.05, 3).flatmap(lambda x: st.sampled_from([x, -x]))
degenerate = st.builds(
    collinear,
    hnp.arrays(float, (3, 3), elements=entries),
    st.just(OBLIQUE),
    st.sampled_from(["pair", "all", "teacher", "teachers", "none"]),
    st.sampled_from([1.0, 0.3, 2.5, -1.0, -0.4]),
)


@settings(max_examples=60)
@given(st.lists(degenerate, min_size=4, max_size=4))
def test_degenerate_states(states):
    """Aligned, opposite and collapsed students, and students on teachers."""
    assert difference(FIELDS["gaussian"], np.stack(states, -1)) <= 4


@settings(max_examples=60)
@given(hnp.arrays(float, (2, 4), elements=st.floats(-2, 2)), st.integers(0, 3))
def test_states_of_the_plane(states, diagonal):
    states[:, np.hypot(*states) < 1e-3] = 1.0
    states[1, diagonal] = states[0, diagonal]
    assert difference(PLANE, states) <= 8


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, -0.5])
@pytest.mark.parametrize("kind", ["pair", "all", "teacher", "teachers"])
def test_degenerate_states_against_50_digits(kind, factor, rng):
    field = FIELDS["gaussian"]
    states = [collinear(rng.normal(size=(3, 3)), OBLIQUE, kind, factor) for _ in range(4)]
    batch = np.asarray(in_a_batch(field, np.stack(states, -1)))
    for i, W in enumerate(states):
        exact = mp_relu.gradient(W, OBLIQUE, *WEIGHTS.values())
        np.testing.assert_allclose(-batch[..., i], exact.astype(float), rtol=0, atol=2e-15)


def test_the_teacher_is_at_rest():
    states = np.stack([np.eye(3), np.eye(3)[::-1]], -1)
    np.testing.assert_allclose(in_a_batch(THREE, states), 0, rtol=0, atol=1e-16)
    np.testing.assert_array_equal(in_a_batch(PLANE, np.array([[1.0], [0.0]])), 0)


def test_zero_student_stays_in_its_lane(rng):
    states = rng.normal(size=(3, 3, 3))
    states[1, :, 1] = 0
    flow = np.asarray(in_a_batch(THREE, states))
    assert np.any(np.isnan(flow[..., 1]))
    assert np.all(np.isfinite(flow[..., [0, 2]]))


@pytest.mark.parametrize("name", ["gaussian", "plane"])
def test_derivative_of_a_batch(name, rng):
    """Exact also at aligned students, where that of an angle does not exist."""
    field = ALL[name]
    states = rng.normal(size=(*field.shape, 3))
    if name == "gaussian":
        states[1, :, 1] = 2 * states[0, :, 1]
        states[..., 2] = np.concatenate([OBLIQUE, OBLIQUE[:1]])
    change = rng.normal(size=states.shape)
    along = eqx.filter_jit(lambda f, w, dw: jax.jvp(f.batch, (w,), (dw,))[1])(field, states, change)
    matrices = eqx.filter_jit(lambda f, w: jax.vmap(f.jacobian, -1, -1)(w))(field, states)
    axes = field.size, field.size, 3
    matrices, flat = np.reshape(matrices, axes), change.reshape(field.size, 3)
    expected = np.einsum("ijn,jn->in", matrices, flat)
    np.testing.assert_allclose(np.reshape(along, flat.shape), expected, rtol=0, atol=1e-12)
    pulled = eqx.filter_jit(lambda f, w, c: jax.vjp(f.batch, w)[1](c)[0])(field, states, change)
    expected = np.einsum("ijn,in->jn", matrices, flat)
    np.testing.assert_allclose(np.reshape(pulled, flat.shape), expected, rtol=0, atol=1e-12)


# What keeps it fast


def angle_like(x, power):
    return jnp.sqrt(x) ** power, x / (1 + x)


def test_what_is_computed_once_is_not_fused():
    def twice(x):
        root, ratio = once(angle_like, x, 3)
        return root[:, None] * ratio + ratio[:, None]

    x = jnp.arange(4.0)
    root, ratio = jnp.sqrt(x) ** 3, x / (1 + x)
    expected = root[:, None] * ratio + ratio[:, None]
    np.testing.assert_allclose(twice(x), expected, rtol=1e-15)
    for function, argument in ((twice, x), (jax.vmap(twice), jnp.stack([x, x]))):
        compiled = jax.jit(function).lower(argument).compile()
        results = np.broadcast_to(expected, (*argument.shape, 4))
        np.testing.assert_allclose(compiled(argument), results, rtol=1e-15)
        if jax.default_backend() == "cpu":
            assert compiled.as_text().count(" call(") == 1


@pytest.mark.parametrize("count", [1, 3, 4, 8, 11])
def test_blocks(count):
    lanes = jnp.arange(2.0 * count).reshape(2, count)
    in_fours = in_blocks(lambda w, c: w[::-1] + c, lanes, (jnp.ones(()),), 4)
    np.testing.assert_array_equal(in_fours, lanes[::-1] + 1)
