"""The spectrum by isotypic components against LAPACK and closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl
from flowlab.fields import _relu
from flowlab.fields._namespace import NUMPY
from flowlab.symmetry import block_form

SIZES = [(1,), (2,), (3,), (5,), (5, 1), (2, 2), (3, 2), (7, 5), (2, 3, 1)]


def full_eigenvalues(W):
    V, ones = np.eye(*W.shape), np.ones(len(W))
    return np.linalg.eigvalsh(_relu.hessian(NUMPY, W, V, ones, ones).reshape(W.size, W.size))


@pytest.mark.parametrize("sizes, extra", [*((s, 0) for s in SIZES), ((5, 1), 2), ((3, 2), 2)])
def test_eigenvalues_are_those_of_the_full_hessian(sizes, extra, rng):
    family = fl.block_family(sizes, dim=sum(sizes) + extra)
    aligned = rng.uniform(0.2, 1, len(sizes))[family.layout.row]
    for z in (rng.normal(size=family.size), family.layout.teacher, 0.3 * aligned):
        found = fl.isotypic_spectrum(family, z)
        expected = full_eigenvalues(np.asarray(family.lift(z)))
        np.testing.assert_allclose(found.eigenvalues, expected, rtol=0, atol=1e-11)
        null = 1e-8 * max(1, np.abs(expected).max())
        assert found.index == np.sum(expected < -null)
        assert found.nullity == np.sum(np.abs(expected) <= null)


def test_dimensions_of_the_representations(rng):
    found = fl.isotypic_spectrum(fl.block_family((7, 5)), rng.normal(size=6))
    sizes = {c.name: (c.dimension, len(c.eigenvalues)) for c in found.components}
    # (p - 1)(p - 2) / 2 and p (p - 3) / 2, from the hook lengths of (p-2, 1, 1) and (p-2, 2).
    assert sizes == {
        "trivial": (1, 6),
        "standard 1": (6, 5),
        "standard 2": (4, 5),
        "standard 1⊗2": (24, 2),
        "exterior 1": (15, 1),
        "exterior 2": (6, 1),
        "symmetric 1": (14, 1),
        "symmetric 2": (5, 1),
    }


def test_teacher_of_a_hundred_students():
    """Its spectrum is known in closed form."""
    K, d = 100, 103
    found = fl.isotypic_spectrum(fl.TeacherStudent(jnp.eye(K, d)), np.eye(K, d))
    inverse = 1 / (2 * np.pi)
    middle = (0.5 - 1 / np.pi) ** 2 + (K**2 - 4) / 16
    trivial = [[0.5 + (K - 1) * inverse, (K - 1) ** 0.5 / 4], [(K - 1) ** 0.5 / 4, K / 4 + inverse]]
    expected = np.concatenate(
        [
            np.repeat(0.25 - inverse, K * (K - 1) // 2),
            np.repeat(0.25 + inverse, K * (K - 3) // 2),
            np.repeat((K + 2) / 8 + np.array([-1, 1]) * middle**0.5 / 2, K - 1),
            np.linalg.eigvalsh(trivial),
            np.repeat(0.25, (K - 1) * (d - K)),
            np.repeat((K + 1) / 4, d - K),
        ]
    )
    np.testing.assert_allclose(found.eigenvalues, np.sort(expected), rtol=0, atol=1e-11)


def test_saddle_of_theorem_7_of_a_hundred_students():
    K = 100
    x = ((K - 1) ** 0.5 + np.pi - np.arccos(K**-0.5)) / (np.pi * K)
    kappa = K / (2 * np.pi * x * (K - 1) ** 0.5)
    point = fl.classify(fl.TeacherStudent(jnp.eye(K)), np.full((K, K), x))
    assert (point.index, point.nullity, point.explained_nullity) == ((K - 1) ** 2, K - 1, K - 1)
    assert point.kind == "saddle" and point.orbit_size == 1
    assert point.isotropy_name == "S_100×S_100"
    values = [-kappa, 0.0, K / 2 - kappa, K / 2]
    expected = np.repeat(values, [(K - 1) ** 2, K - 1, K - 1, 1])
    np.testing.assert_allclose(point.eigenvalues, expected, rtol=0, atol=1e-10)
    loss = (K / 2 + K * (K - 1) / (2 * np.pi)) / 2 - K**3 * x**2 / 4
    assert abs(point.loss - loss) < 1e-10


def test_classify_agrees_with_itself_across_the_two_ways(rng, monkeypatch):
    from flowlab.critical import _classify

    K = 5
    field = fl.TeacherStudent(jnp.eye(K))
    x = (2 + np.pi - np.arccos(K**-0.5)) / (np.pi * K)
    for state in (np.eye(K)[rng.permutation(K)], np.full((K, K), x)):
        dense = fl.classify(field, state)
        monkeypatch.setattr(_classify, "LARGE", 0)
        sparse = fl.classify(field, state)
        monkeypatch.undo()
        np.testing.assert_allclose(sparse.eigenvalues, dense.eigenvalues, rtol=0, atol=1e-12)
        for name in ("kind", "index", "nullity", "explained_nullity", "orbit_size"):
            assert getattr(sparse, name) == getattr(dense, name)
        assert abs(sparse.loss - dense.loss) < 1e-13


def test_a_point_that_is_none_is_refused_without_the_hessian():
    with pytest.raises(ValueError, match="not a critical point"):
        fl.classify(fl.TeacherStudent(jnp.eye(50)), 1.01 * np.eye(50))


def test_states_of_no_blocks_are_refused(rng):
    with pytest.raises(ValueError, match="at\nmost|at most"):
        fl.isotypic_spectrum(fl.TeacherStudent(jnp.eye(6)), rng.normal(size=(6, 6)))
    with pytest.raises(ValueError, match="Use `spectrum`"):
        fl.isotypic_spectrum(fl.zoo.double_well(), np.ones(2))


def test_multiplicities_of_sizes_that_are_not_whole(rng):
    found = fl.isotypic_spectrum(fl.block_family((4.5, 1)), rng.normal(size=5))
    assert [c.dimension for c in found.components] == [1, 3.5, 4.375, 3.375]
    with pytest.raises(ValueError, match="not whole"):
        _ = found.eigenvalues


@pytest.mark.parametrize("sizes", [(5, 1), (3, 3), (2, 2), (4, 2, 1), (1, 1, 3)])
@pytest.mark.parametrize("kind", ["random", "collapsed", "one collapsed block"])
def test_block_form_of_scrambled_matrices(sizes, kind, rng):
    r, labels = len(sizes), np.repeat(np.arange(len(sizes)), sizes)
    values, diagonal = rng.normal(size=(r, r)), rng.normal(size=r)
    if kind == "collapsed":
        diagonal = np.diag(values)
    if kind == "one collapsed block":
        diagonal[0] = values[0, 0]
    matrix = values[np.ix_(labels, labels)]
    np.fill_diagonal(matrix, diagonal[labels])
    K = len(labels)
    scrambled = matrix[np.ix_(rng.permutation(K), rng.permutation(K))]
    form = block_form(scrambled + 1e-13 * rng.normal(size=(K, K)))
    assert form.sizes == tuple(sorted(sizes, reverse=True))
    found = scrambled[np.ix_(form.rows, form.columns)]
    own = np.repeat(np.arange(r), form.sizes)
    for a in range(r):
        for b in range(r):
            block = found[np.ix_(own == a, own == b)]
            off = block[~np.eye(len(block), dtype=bool)] if a == b else block
            assert np.ptp(off) == 0 if off.size else True


def test_block_form_of_matrices_that_have_none(rng):
    swap, one = np.eye(3)[[1, 2, 0]], np.eye(3)
    assert block_form(np.block([[one, 2 * one], [3 * swap, 4 * swap + one]])) is None
    assert block_form(np.kron(np.eye(3), np.ones((2, 2)))) is None
    assert block_form(rng.normal(size=(4, 4))).sizes == (1, 1, 1, 1)
