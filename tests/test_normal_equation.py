"""The normal equation of the paper against the field's own gradient, known critical points, and
the quantity of Conjecture 1; and proofs that directions are not critical."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl

SIZES = [(1, 1, 2), (3, 2, 4), (3, 4, 3)]


@jax.jit
def traced(W, V, a, b):
    return fl.normal_equation(W, V, output_weights=a, teacher_weights=b)


separability = jax.jit(fl.separability)


def equation(W, V, a=None, b=None):
    """The normal equation as NumPy arrays."""
    a, b = (np.ones(len(x)) if c is None else c for x, c in ((W, a), (V, b)))
    return jax.tree.map(np.asarray, traced(*map(jnp.asarray, (W, V, a, b))))


def angle(u, v):
    return math.acos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))


def diagonal(K, sign=1):
    """x* of Theorem 7 (2), or the negative one that the paper misses."""
    root, corner = math.sqrt(K - 1), math.acos(1 / math.sqrt(K))
    return (root - corner + math.pi) / (math.pi * K) if sign > 0 else (corner - root) / math.pi / K


P, Q = 0.524579222543739, 0.409132475081778
LONG, SHORT = 1.5108183298583744, 0.09660476748527932
U = np.array([1.0, 1.0]) / math.sqrt(2)
CRITICAL = {
    "teacher": np.eye(2),
    "swapped": np.eye(2)[::-1],
    "out of plane": np.array([[P, P, Q], [P, P, -Q]]),
    "antipodal": np.array([LONG * U, -SHORT * U]),
    "collinear": 2 * diagonal(2) * np.array([[0.3, 0.3], [0.7, 0.7]]),
    "negative": 2 * diagonal(2, -1) * np.array([[0.1, 0.1], [0.9, 0.9]]),
    "teacher, K = 3": np.eye(3),
    "type A, K = 3": 0.6594530930380951 - 0.9776331626482489 * np.eye(3),
    "diagonal, K = 3": diagonal(3) * np.ones((3, 3)),
    "negative, K = 3": diagonal(3, -1) * np.ones((3, 3)),
}


@pytest.mark.parametrize(("K", "M", "d"), SIZES)
def test_the_residual_is_the_gradient_and_the_matrices_are_the_papers(rng, K, M, d):
    W, V = rng.normal(size=(K, d)), rng.normal(size=(M, d))
    a, b = rng.choice([-1.3, 0.7], K), rng.choice([-0.8, 1.1], M)
    here = equation(W, V, a, b)
    field = fl.TeacherStudent(V, output_weights=a, teacher_weights=b)
    slope = 2 * np.pi * np.asarray(field.gradient(jnp.asarray(W))) / a[:, None]
    assert np.allclose(here.residual, slope, atol=1e-12, rtol=0)
    assert np.allclose(here.in_plane + here.out_of_plane, slope, atol=1e-12, rtol=0)
    E = W / np.linalg.norm(W, axis=1)[:, None]
    assert np.allclose(here.projected, slope @ E.T, atol=1e-12, rtol=0)
    assert here.M.shape == (K * K, K) and here.M_star.shape == (K * K, M)
    for j, i, k in itertools.product(range(K), range(K), range(K)):
        expected = (math.pi - angle(W[j], W[k])) * math.cos(angle(W[i], W[k])) + math.sin(
            angle(W[j], W[k])
        ) * math.cos(angle(W[i], W[j]))
        assert abs(here.M[j * K + i, k] - expected) < 1e-7  # arccos near 0
    for j, i, k in itertools.product(range(K), range(K), range(M)):
        expected = (math.pi - angle(W[j], V[k])) * math.cos(angle(W[i], V[k])) + math.sin(
            angle(W[j], V[k])
        ) * math.cos(angle(W[i], W[j]))
        assert abs(here.M_star[j * K + i, k] - expected) < 1e-7
    assert np.allclose(here.M_r, here.M[:: K + 1], atol=1e-13, rtol=0)
    assert np.allclose(here.M_r_star, here.M_star[:: K + 1], atol=1e-13, rtol=0)


@pytest.mark.parametrize("name", CRITICAL)
def test_known_critical_points_solve_it_and_their_neighbours_do_not(rng, name):
    W = CRITICAL[name]
    V = np.eye(*W.shape)
    here = equation(W, V)
    assert np.abs(here.residual).max() < 1e-12
    assert np.abs(here.projected).max() < 1e-12
    assert np.abs(here.plugged_back).max() < 1e-10
    if np.linalg.matrix_rank(W) == len(W):
        assert np.allclose(here.solved, here.magnitudes, atol=1e-11, rtol=0)
    else:
        # Only what matters is solved for: the sum of collinear students' lengths.
        assert np.allclose(here.M_r @ here.solved, here.M_r @ here.magnitudes, atol=1e-11, rtol=0)
    moved = equation(W + 1e-3 * rng.normal(size=W.shape), V)
    assert np.abs(moved.residual).max() > 1e-5


def test_out_of_plane_critical_points_have_a_singular_y(rng):
    W = CRITICAL["out of plane"]
    here = equation(W, np.eye(2, 3))
    across = W[:, 2] / np.linalg.norm(W, axis=1)
    assert np.abs(here.Y @ across).max() < 1e-12
    outside = equation(W + 0.1 * rng.normal(size=W.shape), np.eye(2, 3)).out_of_plane
    assert np.all(outside[:, :2] == 0) and np.abs(outside[:, 2]).max() > 1e-4


def test_plugging_back_separates_into_the_teachers(rng):
    W, V = rng.normal(size=(3, 3)), rng.normal(size=(4, 3))
    b = rng.uniform(0.5, 2.0, 4)
    here = equation(W, V, b=b)
    L = np.asarray(separability(V, W))
    summed = np.einsum("k,kji->ji", here.magnitudes_star, L)
    assert np.allclose(summed, -here.plugged_back, atol=1e-10, rtol=0)
    longer = equation(W * rng.uniform(1, 9, (3, 1)), V, b=b)
    assert np.allclose(longer.plugged_back, here.plugged_back, atol=1e-11, rtol=0)
    # Proposition 1.
    assert np.allclose(np.diagonal(L, axis1=1, axis2=2), 0, atol=1e-10)
    assert np.allclose(separability(2 * W[:2], W)[1], 0, atol=1e-10)


def test_theorem_3_excludes_what_it_should(rng):
    both_in = np.array([[3.0, 1.0], [1.0, 3.0]])
    both_out = np.array([[1.0, -0.5], [-0.5, 1.0]])
    assert fl.theorem3_signs(both_in, np.eye(2)).tolist() == [[0, -1], [-1, 0]]
    assert fl.theorem3_signs(both_out, np.eye(2)).tolist() == [[0, 1], [1, 0]]
    for name in ("teacher", "swapped", "out of plane", "teacher, K = 3", "type A, K = 3"):
        W = CRITICAL[name]
        assert not np.any(fl.theorem3_signs(W, np.eye(*W.shape))), name
    # Excluded directions are critical for no lengths: the gradient stays away from zero.
    W, V = rng.normal(size=(60, 3, 3)), np.eye(3)
    signs = jax.vmap(lambda w: fl.theorem3_signs(w, V))(W)
    excluded = np.flatnonzero(np.any(signs, axis=(1, 2)))
    assert 5 < len(excluded) < 60
    for w in W[excluded[:10]]:
        best = equation(w, V)
        assert np.abs(best.plugged_back).max() > 1e-6


def test_it_can_be_traced_and_differentiated():
    W, V = jnp.asarray(CRITICAL["out of plane"]) * 1.1, jnp.eye(2, 3)
    plain = fl.normal_equation(W, V)
    for left, right in zip(jax.tree.leaves(equation(W, V)), jax.tree.leaves(plain), strict=True):
        assert np.allclose(left, right, atol=1e-13, rtol=0)
    slope = jax.jit(jax.grad(lambda w: jnp.sum(fl.normal_equation(w, V).residual ** 2)))(W)
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize(
    ("W", "V", "message"),
    [
        (np.eye(2), np.eye(3), "students has shape"),
        (np.eye(2)[0], np.eye(2), "needed: \\(K, d\\) and"),
        (np.zeros((2, 2)), np.eye(2), "students has a zero row"),
        (np.eye(2), np.array([[1.0, np.nan]]), "teachers has 1 entries"),
    ],
)
def test_bad_input_is_told(W, V, message):
    with pytest.raises(ValueError, match=message):
        fl.normal_equation(W, V)
    with pytest.raises(ValueError, match=message):
        fl.separability(V, W)


# ---- on balls ----


def test_the_quantity_of_conjecture_1_is_this_one(rng):
    pytest.importorskip("flint")
    from fractions import Fraction

    from flowlab.certify.conjecture1._quantity import value
    from flowlab.certify.conjecture1._regions import REGIONS

    for region in REGIONS:
        for _ in range(5):
            parts = rng.dirichlet(np.ones(3))
            a, b = (Fraction(int(x * 1000), 1000) for x in parts[:2])
            sizes = {"a": a, "b": b, "c": 1 - a - b}
            theta, t, delta = (
                sum((sizes[n] for n in names), Fraction(0))
                for names in (region.theta, region.t, region.delta)
            )
            phi = region.side * math.pi * float(t)
            across = math.pi * float(theta)
            students = np.array([[1.0, 0.0], [math.cos(across), math.sin(across)]])
            L = fl.separability(np.array([math.cos(phi), math.sin(phi)]), students)
            assert abs(float(value(region, theta, t, delta)) - L[0, 1]) < 1e-11


APART = np.array([[1.0, -0.1], [-0.2, 1.0]])


def test_a_proof_excludes_every_state_of_its_box(rng):
    pytest.importorskip("flint")
    field = fl.TeacherStudent(jnp.eye(2))
    proof = fl.not_critical(field, APART, radius=0.003)
    assert proof.scope == "teachers of any length" and proof.sign == 1
    again = fl.NotCritical.from_dict(proof.to_dict())
    again.check(field)
    corners = APART + 0.003 * rng.choice([-1.0, 1.0], (20, 2, 2))
    for w in corners:
        assert np.all(fl.separability(np.eye(2), w)[(slice(None), *proof.pair)] > proof.bound)
    with pytest.raises(fl.CertificationError, match="not proved"):
        dataclasses.replace(proof, bound=10 * proof.bound).check(field)
    for damaged in ({"sign": 0}, {"precision": 10**9}, {"radius": float("nan")}, {"bound": 0.0}):
        with pytest.raises(fl.CertificationError, match="damaged"):
            dataclasses.replace(proof, **damaged).check(field)
    with pytest.raises(fl.CertificationError, match="does not hold"):
        dataclasses.replace(proof, radius=0.01, centre=np.array([[1, 0], [1, 1e-3]])).check(field)
    with pytest.raises(fl.CertificationError, match="another field"):
        proof.check(fl.TeacherStudent(jnp.eye(3)))


def test_where_signs_do_not_decide_the_sum_may(rng):
    pytest.importorskip("flint")
    w = np.array([[1.0, 0.2], [-0.3, 1.0]])  # one teacher inside, one outside
    field = fl.TeacherStudent(jnp.eye(2))
    assert not np.any(fl.theorem3_signs(w, np.eye(2)))
    proof = fl.not_critical(field, w)
    assert proof.scope == "teachers of the given lengths"
    assert 0 < proof.bound < np.abs(equation(w, np.eye(2)).plugged_back[proof.pair])


def test_critical_points_are_not_excluded():
    pytest.importorskip("flint")
    for name in ("teacher", "out of plane", "type A, K = 3"):
        W = CRITICAL[name]
        with pytest.raises(fl.CertificationError, match="may be critical"):
            fl.not_critical(fl.TeacherStudent(jnp.eye(*W.shape)), W, radius=1e-9)
    with pytest.raises(fl.CertificationError, match="one direction"):
        fl.not_critical(fl.TeacherStudent(jnp.eye(2)), CRITICAL["collinear"])
    with pytest.raises(fl.CertificationError, match="given: VectorField"):
        fl.not_critical(fl.VectorField(lambda w: -w, (2, 2)), APART)
    with pytest.raises(ValueError, match="precision is 1"):
        fl.not_critical(fl.TeacherStudent(jnp.eye(2)), APART, precision=1)
    with pytest.raises(ValueError, match="radius is -1"):
        fl.not_critical(fl.TeacherStudent(jnp.eye(2)), APART, radius=-1)
