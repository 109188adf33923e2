"""One point: refinement, spectrum, class."""

import itertools
from typing import Any

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings

from flowlab import Outcome, classify, refine, spectrum
from flowlab.critical import explained_directions, unstable_projector
from flowlab.fields import AbstractField, GradientFlow, TeacherStudent, theorem7_plane, zoo

X_STAR = 0.534154943091895
OUT_OF_PLANE = 0.0736129325276493, 0.524579222543739, 0.409132475081778
FLAT, TALL = TeacherStudent(jnp.eye(2)), TeacherStudent(jnp.eye(2, 4))


class Linear(AbstractField):
    """`dw/dt = A w`; the matrix is a leaf, so all of one size share a compilation."""

    matrix: jax.Array

    @property
    def shape(self) -> tuple[int]:
        return (self.matrix.shape[0],)

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        return self.matrix @ w


class Quadratic(eqx.Module):
    matrix: jax.Array

    def __call__(self, w: jax.Array) -> jax.Array:
        return w @ self.matrix @ w / 2


QUADRATIC = GradientFlow(Quadratic(jnp.eye(2)), (2,))
FLOORED = GradientFlow(Quadratic(jnp.eye(2)), (2,), loss_floor=0.0)
BELOW = GradientFlow(Quadratic(jnp.eye(2)), (2,), loss_floor=-1.0)


def with_hessian(flow, matrix):
    return eqx.tree_at(lambda field: field.fn.matrix, flow, jnp.asarray(matrix, float))


def rotation(n, seed):
    return scipy.stats.ortho_group.rvs(n, random_state=np.random.default_rng(seed))


def turning(real, imaginary):
    return np.array([[real, -imaginary], [imaginary, real]])


def blocks(*parts):
    return np.asarray(jax.scipy.linalg.block_diag(*[np.atleast_2d(part) for part in parts]))


# Kinds: block diagonal normal forms, then any coordinates.

KINDS = {
    "sink node": (0, 0, blocks(-1.0, -2.0)),
    "sink focus": (0, 0, turning(-0.1, 1.0)),
    "source node": (2, 0, blocks(0.5, 2.0)),
    "source focus": (2, 0, turning(0.1, 1.0)),
    "saddle": (1, 0, blocks(1.0, -1.0)),
    "centre": (0, 2, turning(0.0, 1.0)),
    "nonhyperbolic": (0, 1, blocks(0.0, -1.0)),
}
KINDS_3 = {
    "sink node": (0, 0, blocks(-1.0, -2.0, -3.0)),
    "sink focus": (0, 0, blocks(turning(-0.1, 1.0), -2.0)),
    "source focus": (3, 0, blocks(turning(0.1, 1.0), 2.0)),
    "saddle": (2, 0, blocks(1.0, 2.0, -1.0)),
    "saddle focus": (1, 0, blocks(turning(-0.1, 1.0), 2.0)),
    "nonhyperbolic": (0, 2, blocks(turning(0.0, 1.0), -1.0)),
}
CASES = [*KINDS.items(), *KINDS_3.items()]


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{k} {len(c[2])}" for k, c in CASES])
def test_kinds_of_linear_fields(kind, case):
    index, nullity, matrix = case
    point = classify(Linear(jnp.asarray(matrix)), np.zeros(len(matrix)))
    assert (point.kind, point.index, point.nullity) == (kind, index, nullity)
    assert point.loss is None and point.residual == 0 and point.orbit_size == 1
    assert point.is_sink == kind.startswith("sink")


def test_unstable_focus_in_space_is_a_saddle_focus_too():
    point = classify(Linear(jnp.asarray(blocks(turning(0.1, 1.0), -2.0))), np.zeros(3))
    assert (point.kind, point.index) == ("saddle focus", 2)


@settings(max_examples=60)
@given(
    st.sampled_from([*KINDS_3.items()]),
    st.integers(0, 2**31),
    st.lists(st.floats(0.5, 2), min_size=3, max_size=3),
)
def test_kind_does_not_depend_on_coordinates(case, seed, stretch):
    kind, (index, nullity, matrix) = case
    change = rotation(3, seed) @ np.diag(stretch)
    field = Linear(jnp.asarray(change @ matrix @ np.linalg.inv(change)))
    point = classify(field, np.zeros(3))
    assert (point.kind, point.index, point.nullity) == (kind, index, nullity)
    np.testing.assert_allclose(
        np.sort_complex(point.eigenvalues), np.sort_complex(np.linalg.eigvals(matrix)), atol=1e-12
    )


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.lists(st.floats(0.5, 2), min_size=3, max_size=3))
def test_unstable_space_of_a_focus_is_invariant(seed, stretch):
    change = rotation(3, seed) @ np.diag(stretch)
    matrix = change @ blocks(turning(0.1, 1.0), -2.0) @ np.linalg.inv(change)
    basis = spectrum(Linear(jnp.asarray(matrix)), np.zeros(3)).unstable
    np.testing.assert_allclose(basis @ basis.T, np.eye(2), atol=1e-12)
    image = matrix @ basis.T
    np.testing.assert_allclose(basis.T @ (basis @ image), image, atol=1e-11)


GRADIENT_KINDS = [
    (QUADRATIC, (1.0, 2.0), "minimum", 0, 0),
    (FLOORED, (1.0, 2.0), "global minimum", 0, 0),
    (BELOW, (1.0, 2.0), "spurious minimum", 0, 0),
    (FLOORED, (1.0, -2.0), "saddle", 1, 0),
    (FLOORED, (-1.0, -2.0), "maximum", 2, 0),
    (FLOORED, (0.0, 1.0), "degenerate", 0, 1),
]


@pytest.mark.parametrize(("flow", "values", "kind", "index", "nullity"), GRADIENT_KINDS)
def test_kinds_of_gradient_flows(flow, values, kind, index, nullity):
    for seed in range(5):
        turn = rotation(2, seed)
        point = classify(with_hessian(flow, turn @ np.diag(values) @ turn.T), np.zeros(2))
        assert (point.kind, point.index, point.nullity) == (kind, index, nullity)
        np.testing.assert_allclose(point.eigenvalues, np.sort(values), atol=1e-14)
        assert point.eigenvalues.dtype == float


def test_quartic_minimum_is_degenerate():
    quartic = GradientFlow(lambda w: w[0] ** 4 + w[1] ** 2, (2,), loss_floor=0.0)
    found = refine(quartic, [0.3, 0.2])
    point = classify(quartic, found.location)
    assert found.outcome is Outcome.settled and found.residual <= 1e-12
    assert (point.kind, point.index, point.nullity) == ("degenerate", 0, 1)
    assert point.unexplained_nullity == 1 and not point.is_sink
    # A degenerate point has no unstable direction to leave along.
    np.testing.assert_array_equal(unstable_projector(quartic, np.zeros(2)), np.zeros((2, 2)))


# Refinement


def test_refine_onto_the_collinear_segment(rng):
    for split in (0.1, 0.5, 0.9):
        start = 2 * X_STAR * np.array([[split], [1 - split]]) * np.ones(2)
        found = refine(FLAT, start + rng.normal(0, 1e-2, (2, 2)))
        assert found.residual <= 1e-12 and found.outcome is Outcome.settled
        np.testing.assert_allclose(found.location.sum(0), [2 * X_STAR] * 2, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.location[:, 0], found.location[:, 1], atol=1e-10)
        assert found.distance < 0.1 and found.steps < 30


def test_refine_onto_the_circle_in_four_dimensions(rng):
    loss, p, q = OUT_OF_PLANE
    for angle in np.linspace(0, 2 * np.pi, 7):
        axis = np.array([0, 0, np.cos(angle), np.sin(angle)])
        start = np.array([[p, p, 0, 0] + q * axis, [p, p, 0, 0] - q * axis])
        found = refine(TALL, start + rng.normal(0, 1e-2, (2, 4)))
        assert found.residual <= 1e-12
        assert abs(float(TALL.loss(found.location)) - loss) < 1e-12
        out = found.location[:, 2:]
        np.testing.assert_allclose(np.linalg.norm(out, axis=1), q, rtol=0, atol=1e-9)
        np.testing.assert_allclose(out[0], -out[1], atol=1e-9)
        point = classify(TALL, found.location)
        assert (point.index, point.nullity, point.explained_nullity) == (1, 1, 1)
        # The null direction is the rotation of both students in the plane nobody uses.
        turn = np.zeros((4, 4))
        turn[2, 3], turn[3, 2] = -1, 1
        tangent = found.location @ turn.T
        null = spectrum(TALL, found.location).null[0]
        assert abs(abs(np.sum(null * tangent)) / np.linalg.norm(tangent) - 1) < 1e-9


def test_refine_commutes_with_symmetry(rng):
    for _ in range(10):
        start = 2 * X_STAR * np.eye(2) + rng.normal(0, 0.3, (2, 2))
        element = FLAT.symmetry.random_element(rng)
        one = refine(FLAT, start, throw=False)
        other = refine(FLAT, FLAT.symmetry.act(element, start), throw=False)
        moved = FLAT.symmetry.act(element, one.location)
        assert one.outcome is other.outcome
        np.testing.assert_allclose(other.location, moved, rtol=0, atol=1e-9)


def test_refine_refuses_a_slow_point():
    ghost = zoo.saddle_node_ghost(0.01)
    with pytest.raises(RuntimeError, match="slow point"):
        refine(ghost, [0.05, 0.1])
    found = refine(ghost, [0.05, 0.1], throw=False)
    assert found.outcome is Outcome.exhausted
    # At the slowest point, the origin, the speed is mu.
    assert abs(found.residual - 0.01) < 1e-10
    np.testing.assert_allclose(found.location, 0, atol=1e-4)
    with pytest.raises(ValueError, match="not a critical point"):
        classify(ghost, found.location)


def test_refine_refuses_a_zero_student():
    with pytest.raises(RuntimeError, match="singularity"):
        refine(FLAT, [[0.0, 0.0], [1.0, 1.0]])
    assert refine(FLAT, [[0.0, 0.0], [1.0, 1.0]], throw=False).outcome is Outcome.singular


@pytest.mark.parametrize("size", [1e-6, 1e-3, 0.3])
def test_classify_refuses_a_displaced_point(size):
    with pytest.raises(ValueError, match="largest entry of the field there is"):
        classify(FLAT, np.eye(2) + size * np.array([[1.0, 0], [0, 0]]) * 10)


def test_classify_keeps_what_it_is_given():
    point = classify(FLAT, np.eye(2), id="teacher", hits=3, found_by="hand")
    assert (point.id, point.hits, point.found_by) == ("teacher", 3, "hand")
    assert point.certificate is None and point.loss == pytest.approx(0, abs=1e-15)
    assert (point.isotropy_order, point.isotropy_name, point.orbit_size) == (2, "ΔS_2", 2)


def test_a_restriction_has_a_loss_and_is_no_gradient_flow():
    """The plane of Theorem 7: losses in closed form, kinds of a field that is no gradient."""
    teacher, saddle = (
        classify(theorem7_plane(5), refine(theorem7_plane(5), near).location)
        for near in ([0.99, 0.01], [0.26, 0.26])
    )
    assert (teacher.kind, saddle.kind) == ("sink node", "saddle")
    assert abs(teacher.loss) < 1e-14 and abs(saddle.loss - 0.780076497251752) < 1e-14
    assert all(np.iscomplexobj(point.eigenvalues) for point in (teacher, saddle))
    # Of the full spectrum there remain K/2, along the diagonal, and -kappa across it.
    np.testing.assert_allclose(saddle.eigenvalues, [1.549160206328987, -2.5], rtol=0, atol=1e-12)


# Spectra


def test_spectrum_is_the_same_at_every_image(rng):
    location = refine(FLAT, [[1.1, 1.0], [-0.1, -0.05]]).location
    values = spectrum(FLAT, location).eigenvalues
    for _ in range(8):
        image = FLAT.symmetry.act(FLAT.symmetry.random_element(rng), location)
        np.testing.assert_allclose(spectrum(FLAT, image).eigenvalues, values, rtol=0, atol=1e-11)


def test_spectrum_of_the_diagonal_point_of_five_students():
    K, x, kappa = 5, 0.256840678003603, 1.549160206328987
    field, W = TeacherStudent(jnp.eye(K)), np.full((K, K), x)
    point = classify(field, W)
    expected = [-kappa] * 16 + [0] * 4 + [K / 2 - kappa] * 4 + [K / 2]
    np.testing.assert_allclose(point.eigenvalues, expected, rtol=0, atol=1e-12)
    assert (point.kind, point.index, point.nullity) == ("saddle", 16, 4)
    assert point.explained_nullity == 4 and point.orbit_size == 1
    assert abs(point.loss - 0.780076497251752) < 1e-12
    # The null space moves weight between students along (1, ..., 1).
    null = spectrum(field, W).null
    assert len(explained_directions(field, W, null)) == 4
    np.testing.assert_allclose(null, null.mean(-1, keepdims=True) * np.ones(K), atol=1e-7)
    np.testing.assert_allclose(null.sum(1), 0, atol=1e-7)


def test_unstable_projector_projects():
    W = np.full((2, 2), X_STAR)
    unstable = spectrum(FLAT, W).unstable
    assert unstable.shape == (1, 2, 2)
    # Exchange of weight between the axes in opposite senses by the two students.
    np.testing.assert_allclose(np.abs(unstable[0]), 0.5, atol=1e-9)
    projector = unstable_projector(FLAT, W)
    np.testing.assert_allclose(projector @ unstable.ravel(), unstable.ravel(), atol=1e-12)
    np.testing.assert_allclose(projector @ np.ones(4), 0, atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.floats(-3, 3), st.floats(-3, 3))
def test_unstable_projector_is_blind_to_the_stable_space(seed, grow, shrink):
    """Also where the two are not orthogonal, as at the saddle of the plane of Theorem 7."""
    vectors = np.array([[1.0, 0.6], [0.0, 0.8]]) @ rotation(2, seed)
    matrix = vectors @ np.diag([0.5, -2.0]) @ np.linalg.inv(vectors)
    projector = unstable_projector(Linear(jnp.asarray(matrix)), np.zeros(2))
    found = projector @ vectors @ np.array([grow, shrink])
    np.testing.assert_allclose(found, grow * vectors[:, 0], rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def type_two():
    """The spurious minimum of seven students, from its five published entries.

    They are given without their places; the one arrangement that is critical is that with the
    published loss.
    """
    field = TeacherStudent(jnp.eye(7))
    found = []
    for column, row, other in itertools.permutations([0.2616910758, 0.1859910463, -0.0350801559]):
        W = np.full((7, 7), other)
        W[:6, 6], W[6, :6] = column, row
        np.fill_diagonal(W, [0.9969227988] * 6 + [-0.6327039049])
        if float(np.abs(field.gradient(W)).max()) < 1e-8:
            found.append((W, refine(field, W)))
    assert len(found) == 1
    return field, *found[0]


def test_published_spurious_minimum(type_two):
    field, published, refined = type_two
    np.testing.assert_allclose(refined.location, published, rtol=0, atol=1e-9)
    point = classify(field, refined.location)
    assert (point.kind, point.index, point.nullity) == ("spurious minimum", 0, 0)
    assert abs(point.loss - 0.023202714914) < 1e-12
    assert abs(point.eigenvalues[0] - 0.014059013) < 1e-9
    assert (point.isotropy_order, point.isotropy_name) == (720, "ΔS_6")
    assert point.orbit_size == 35_280 and point.is_sink


# Bad input


@pytest.mark.parametrize("function", [refine, classify, spectrum])
def test_bad_input(function):
    with pytest.raises(ValueError, match=r"has shape \(3, 2\).*one state of shape \(2, 2\)"):
        function(FLAT, np.ones((3, 2)))
    with pytest.raises(ValueError, match="1 entries that are NaN or infinite"):
        function(FLAT, np.array([[1.0, np.nan], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="not numeric"):
        function(FLAT, "teacher")
    with pytest.raises(ValueError, match="complex"):
        function(FLAT, np.eye(2) * 1j)
