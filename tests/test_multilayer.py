"""Deep networks: Proposition 2, what leaves them unchanged, and runs that end at a teacher."""

import itertools as it
import math

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl
from flowlab.symmetry import HiddenUnitPermutations


def network(widths, rng):
    return [rng.normal(size=(b, a)) * (2 / a) ** 0.5 for a, b in it.pairwise(widths)]


def forward(weights, X):
    """What a network computes, in NumPy."""
    for W in weights[:-1]:
        X = np.maximum(X @ W.T, 0.0)
    return X @ weights[-1].T


DEPTHS = {
    2: ((3, 4, 1), (3, 2, 1)),
    3: ((2, 4, 3, 2), (2, 3, 3, 2)),
    4: ((3, 3, 4, 2, 1), (3, 2, 1)),
    5: ((2, 3, 2, 4, 3, 2), (2, 2, 2, 2, 2, 2, 2)),
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_gradient_of_proposition_2_is_the_derivative_of_the_loss(depth, rng):
    ours, theirs = DEPTHS[depth]
    X, teacher, student = rng.normal(size=(40, ours[0])), network(theirs, rng), network(ours, rng)
    parts = fl.proposition2(student, teacher, X)
    field = fl.MultilayerFlow(ours, X, teacher)
    by_reverse_mode = eqx.filter_jit(field)(0.0, field.pack(student))
    np.testing.assert_allclose(field.pack(parts), -by_reverse_mode, rtol=0, atol=1e-12)
    # The function itself, without any library's derivative: central differences in one direction.
    moves = network(ours, rng)
    target = forward(teacher, X)

    def loss(t):
        moved = [W + t * D for W, D in zip(student, moves, strict=True)]
        return np.sum((forward(moved, X) - target) ** 2) / (2 * len(X))

    slope = sum(np.sum(p * D) for p, D in zip(map(np.asarray, parts), moves, strict=True))
    assert abs((loss(1e-6) - loss(-1e-6)) / 2e-6 - slope) < 1e-7 * max(1.0, abs(slope))


def test_the_recursion_carries_the_output_down_to_every_layer(rng):
    X, weights = rng.normal(size=(30, 3)), network((3, 4, 2, 3, 2), rng)
    layers = fl.layer_signals(weights, X)
    for layer in layers:
        carried = np.einsum("njo,nj->no", layer.factors, layer.outputs)
        np.testing.assert_allclose(carried, forward(weights, X), rtol=0, atol=1e-13)
    # Q_k = sum_j w_jk D_j Q_j, node by node, with N-by-N diagonal matrices.
    for number, (low, high) in enumerate(it.pairwise(layers), 1):
        for k, o in np.ndindex(low.factors.shape[1:]):
            diagonals = [
                weights[number][j, k] * np.diag(high.gates[:, j]) @ np.diag(high.factors[:, j, o])
                for j in range(len(weights[number]))
            ]
            np.testing.assert_allclose(np.diag(low.factors[:, k, o]), sum(diagonals), atol=1e-14)


def test_two_layers_with_fixed_outputs_are_the_two_layered_field(rng):
    X, V, W = rng.normal(size=(50, 3)), rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    deep = fl.MultilayerFlow((3, 4, 1), X, [V, np.ones((1, 2))], output_weights=1.0)
    shallow = fl.TeacherStudent(V, students=4, inputs=fl.Sample(X))
    assert deep.shape == (12,) and deep.coordinates[:4] == ("w1_1_1", "w1_1_2", "w1_1_3", "w1_2_1")
    w = deep.pack([W])
    np.testing.assert_allclose(deep.loss(w), shallow.loss(W), rtol=1e-14)
    np.testing.assert_allclose(deep.gradient(w).reshape(4, 3), shallow.gradient(W), atol=1e-14)
    hessian = shallow.hessian(W).reshape(12, 12)
    np.testing.assert_allclose(deep.hessian(w), hessian, rtol=0, atol=1e-13)
    (parts, _) = fl.proposition2([W, np.ones((1, 4))], [V, np.ones((1, 2))], X)
    np.testing.assert_allclose(parts, shallow.gradient(W), rtol=0, atol=1e-14)
    assert deep.symmetry.order == shallow.symmetry.order == 24
    assert deep.loss_floor == shallow.loss_floor == 0.0


POINTS = {
    "generic": lambda rng: network((2, 3, 2, 1), rng),
    "twins": lambda rng: twins(rng),
    "constant": lambda rng: [np.ones((3, 2)), np.ones((2, 3)), np.ones((1, 2))],
    # Exchanging two units of layer 1 undoes exchanging those of layer 2.
    "tied layers": lambda rng: [np.ones((3, 2)), np.eye(2, 3) + 2.0, np.ones((1, 2))],
    "noisy": lambda rng: [W + 1e-9 * rng.normal(size=W.shape) for W in twins(rng)],
}


def twins(rng):
    W = network((2, 3, 2, 1), rng)
    W[0][1], W[1][:, 1] = W[0][0], W[1][:, 0]
    return W


@pytest.mark.parametrize("kind", POINTS)
def test_relabelings_of_hidden_units_against_enumeration(kind, rng):
    group, weights = HiddenUnitPermutations((2, 3, 2, 1)), POINTS[kind](rng)
    w = np.concatenate([W.ravel() for W in weights])
    images = []
    for p, q in it.product(it.permutations(range(3)), it.permutations(range(2))):
        moved = [weights[0][list(p)], weights[1][list(q)][:, list(p)], weights[2][:, list(q)]]
        images.append(np.concatenate([W.ravel() for W in moved]))
    fixing = int(np.sum(np.abs(np.array(images) - w).max(axis=1) < 1e-7))
    isotropy = group.isotropy(w)
    assert group.order == len(images) == 12
    assert isotropy.order == fixing and group.orbit_size(w) == 12 // fixing
    for g in isotropy.generators:
        assert np.abs(group.act(g, w) - w).max() < 1e-7
        assert g.compose(g.inverse()).is_identity
    image = group.canonical_image(w)[0]
    X = rng.normal(size=(20, 2))
    for other in images:
        found = group.match(w, other)
        assert found is not None and np.abs(found.apply(w) - other).max() < 1e-6
        np.testing.assert_allclose(group.canonical_image(other)[0], image, atol=1e-7)
        np.testing.assert_allclose(forward(group.matrices(other), X), forward(weights, X))
    assert group.match(w, w + 1e-3) is None
    # The dimension of the fixed subspace is the number of orbits of entries (Burnside).
    fixed = [g for g in images_of_entries(group) if np.abs(w[g] - w).max() < 1e-7]
    traces = [np.sum(g == np.arange(len(w))) for g in fixed]
    assert len(group.fixed_subspace(isotropy)) == np.mean(traces)
    assert np.abs(group.symmetrize(w, isotropy) - w).max() < 1e-7
    assert bool(group.surely_generic(w[None])[0]) == (kind == "generic" or kind == "noisy")


def images_of_entries(group):
    """Where each entry of a state comes from, for all elements."""
    names = np.arange(group.shape[0], dtype=float)
    found = {tuple(names)}
    while len(found) < group.order:
        found |= {tuple(g.apply(np.array(f))) for f in set(found) for g in group.generators()}
    return [np.array(f, int) for f in found]


def test_fixed_output_weights_restrict_who_changes_places():
    group = HiddenUnitPermutations((2, 3, 4, 1), output_weights=[[1.0, 2.0, 1.0, 1.0]])
    assert group.order == 6 * 6 and group.shape == (6 + 12,)
    random = group.random_element(np.random.default_rng(0))
    assert random.layers[1][1] == 1
    with pytest.raises(ValueError, match="output_weights has shape"):
        HiddenUnitPermutations((2, 3, 1), output_weights=np.ones((1, 2)))


@pytest.fixture(scope="module")
def flow():
    """Three layers of two units that learn orthogonal ones from 100 inputs."""
    rng = np.random.default_rng(1)
    teacher = [1.4 * np.linalg.qr(rng.normal(size=(2, 2)))[0] for _ in range(3)]
    X = jax.random.normal(jax.random.key(0), (100, 2))
    return fl.MultilayerFlow((2, 2, 2, 2), X, teacher)


@pytest.fixture(scope="module")
def run(flow):
    """A start that is far from the teacher, and ends at an image of it."""
    w0 = flow.sampler(jax.random.split(jax.random.key(5), 32)[26], flow.shape)
    return fl.integrate(flow, w0, solver=dfx.Tsit5(), rtol=1e-6, atol=1e-8)


def test_rescaling_explains_the_zero_modes_of_the_teacher(flow):
    """One for each hidden unit, and the rank of the network's derivative says there are no more."""
    w = flow.representative(flow.pack(flow.teacher))
    np.testing.assert_allclose(flow.representative(3 * w), 3 * w, atol=1e-14)
    point = fl.classify(flow, w)
    assert (point.kind, point.nullity, point.explained_nullity) == ("global minimum", 4, 4)
    assert point.orbit_size == 4 and point.isotropy_name == "trivial"
    matrices = [np.array(W) for W in flow.layers(jnp.asarray(w))]
    for low, high in it.pairwise(matrices):
        balance = np.sum(low**2, axis=1) - np.sum(high**2, axis=0)
        np.testing.assert_allclose(balance, 0, atol=1e-13)
    # Scaled by hand: the same function, another critical point of the same family.
    matrices[1][0] *= 3.0
    matrices[2][:, 0] /= 3.0
    scaled = flow.pack(matrices)
    np.testing.assert_allclose(flow.representative(np.asarray(scaled)), w, atol=1e-12)
    assert float(flow.loss(scaled)) < 1e-28


def test_flat_directions_explain_what_a_wider_student_adds(rng):
    """A teacher's copy with a split unit, an inactive one, and one that nothing depends on."""
    X, teacher = rng.normal(size=(60, 2)), network((2, 2, 2, 2), rng)
    split = np.array([[0.3, 0.0], [0.7, 0.0], [0.0, 1.0]])
    low = np.concatenate([split @ teacher[0], rng.normal(size=(1, 2))])
    middle = np.concatenate([teacher[1][:, [0, 0, 1]], np.zeros((2, 1))], axis=1)
    middle = np.concatenate([middle, -np.ones((1, 4))])
    high = np.concatenate([teacher[2], [[1.0], [2.0]]], axis=1)
    field = fl.MultilayerFlow((2, 4, 3, 2), X, teacher)
    w = field.pack([low, middle, high])
    assert float(field.loss(w)) < 1e-28
    hessian = np.asarray(eqx.filter_jit(field.hessian)(w))
    tangents = field.flat_directions(np.asarray(w))
    np.testing.assert_allclose(np.linalg.norm(tangents, axis=1), 1.0)
    assert np.abs(tangents @ hessian).max() < 1e-12 * np.abs(hessian).max()
    explained = np.linalg.matrix_rank(tangents, tol=1e-8)
    assert explained == np.sum(np.abs(np.linalg.eigvalsh(hessian)) < 1e-9)
    # More than rescaling: 7 hidden units, but the inactive one alone has 4 + 2 weights.
    assert explained >= 7 + 5


def test_what_each_unit_balances_is_conserved(flow, run):
    """d/dt (|incoming|^2 - |outgoing|^2) = 0 for each hidden unit (Du, Hu and Lee 2018)."""
    for low, high in it.pairwise(flow.symmetry.matrices(np.asarray(run.states))):
        balance = np.sum(low**2, axis=-1) - np.sum(high**2, axis=-2)
        np.testing.assert_allclose(balance, balance[:1].repeat(len(balance), 0), atol=1e-4)


def test_a_run_of_three_layers_ends_at_the_teacher_and_is_catalogued(flow, run, tmp_path):
    assert run.outcome is fl.Outcome.settled
    assert run.loss is not None and run.loss[0] > 5 and run.loss[-1] < 1e-4
    catalog = fl.find_critical_points(flow, starts=run.limit[None], methods=("newton",))
    (best,) = catalog
    assert (best.kind, best.orbit_size) == ("global minimum", 4)
    assert best.nullity == best.explained_nullity == 4
    assert best.loss is not None and best.loss < 1e-20
    teacher = flow.representative(flow.pack(flow.teacher))
    assert flow.symmetry.same_orbit(best.location, teacher, tol=1e-7)
    catalog.to_json(tmp_path / "catalog.json")
    again = fl.Catalog.from_json(tmp_path / "catalog.json")
    rebuilt = again.field()
    assert isinstance(rebuilt, fl.MultilayerFlow) and rebuilt.spec() == flow.spec()
    assert float(rebuilt.loss(run.states[0])) == float(flow.loss(run.states[0]))
    (merged,) = again.merge(catalog)
    assert merged.orbit_size == 4


def test_what_inactive_units_hold_makes_no_other_point(flow):
    """Unit 2 of layer 2 is inactive above nonnegative inputs, whatever its weights below 0 are."""
    rng = np.random.default_rng(3)
    low, middle, high = (np.array(W) for W in flow.teacher)
    middle[0] = np.abs(middle[0])
    found = []
    for _ in range(2):
        middle[1], high[:, 1] = -rng.uniform(0.1, 2, 2), rng.normal(size=2)
        w = np.asarray(flow.pack([low, middle, high]))
        found.append(flow.representative(w))
        assert abs(float(flow.loss(found[-1])) - float(flow.loss(w))) < 1e-14
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    # Nothing gets through at all: what the first layer holds makes no difference either.
    dead = [flow.representative(rng.uniform(-2, -1, 12)) for _ in range(2)]
    dead = [flow.representative(np.concatenate([rng.normal(size=4), part[4:]])) for part in dead]
    np.testing.assert_allclose(dead[0], dead[1], atol=1e-12)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"widths": (2,)}, "widths is"),
        ({"widths": (2, 0, 1)}, "widths is"),
        ({"widths": (3, 2, 1)}, "columns"),
        ({"widths": (2, 2, 2)}, "outputs"),
        ({"teacher": [np.ones((2, 3)), np.ones((1, 2))]}, "matrix 1 of teacher"),
        ({"teacher": []}, "empty"),
        ({"teacher": [np.full((1, 2), np.nan)]}, "not finite"),
        ({"output_weights": np.ones((2, 2))}, "output_weights has shape"),
    ],
)
def test_bad_input(changes, message):
    given = {"widths": (2, 2, 1), "teacher": [np.ones((2, 2)), np.ones((1, 2))]} | changes
    with pytest.raises(ValueError, match=message):
        fl.MultilayerFlow(data=np.ones((5, 2)), **given)


def test_loss_floor_is_known_where_the_student_has_room_for_a_copy():
    X, teacher = np.ones((5, 2)), [np.ones((3, 2)), np.ones((2, 3)), np.ones((1, 2))]
    floors = {
        (2, 3, 2, 1): 0.0, (2, 4, 2, 2, 1): 0.0, (2, 2, 2, 1): None, (2, 9, 1): None,
    }  # fmt: skip
    for widths, floor in floors.items():
        assert fl.MultilayerFlow(widths, X, teacher).loss_floor == floor
    assert fl.MultilayerFlow((2, 3, 2, 1), X, teacher, output_weights=-1.0).loss_floor is None
    # A deeper student that copies the layer below: math says that relu(relu(x)) = relu(x).
    assert math.isclose(float(fl.MultilayerFlow((2, 3, 2, 2, 1), X, teacher).loss(
        fl.MultilayerFlow((2, 3, 2, 2, 1), X, teacher).pack([*teacher[:2], np.eye(2), teacher[2]])
    )), 0.0)  # fmt: skip
