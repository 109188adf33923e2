"""Branches, their special points and what meets there, against normal forms in closed form."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
import scipy

import flowlab as fl
from flowlab.search.continuation._action import axes, orbit_of_line

ORTHOGONAL = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))[0]


def turned_and_scaled(normal_form, scale, shift):
    """A field in three dimensions that is a normal form along a line in general position."""

    def member(mu):
        def velocity(w):
            u = ORTHOGONAL.T @ w / scale
            along = normal_form(mu - shift, u[0])
            return scale * ORTHOGONAL @ jnp.stack([along, -u[1] + u[0] ** 2, -2.0 * u[2]])

        return fl.VectorField(velocity, (3,))

    return member


def kinds(branch):
    return [special.kind for special in branch.special_points]


def on_line(branch, scale):
    """The coordinate along the line of each state."""
    return branch.states @ ORTHOGONAL[:, 0] / scale


@pytest.mark.parametrize("scale, shift", [(1.0, 0.0), (20.0, 0.37)])
def test_fold(scale, shift):
    family = turned_and_scaled(lambda mu, x: mu + x**2, scale, shift)
    start = scale * ORTHOGONAL @ np.array([-1.0, 1.0, 0.0])
    branch = fl.continue_branch(family, start, parameter=(shift - 1.0, shift + 1.0))
    (fold,) = branch.special_points
    assert fold.kind == "fold"
    assert abs(fold.parameter - shift) < 1e-11
    assert np.abs(fold.state).max() < 1e-5 * scale
    np.testing.assert_allclose(np.abs(fold.kernel[0] @ ORTHOGONAL[:, 0]), 1.0, atol=1e-5)
    assert branch.outcomes == (fl.Outcome.finished, fl.Outcome.finished)
    assert branch.parameter[0] == branch.parameter[-1] == shift - 1.0
    assert list(branch.index[[0, -1]]) == [0, 1]
    x = on_line(branch, scale)
    np.testing.assert_allclose(branch.parameter - shift, -(x**2), atol=1e-10)
    np.testing.assert_array_equal(branch.states[fold.position], fold.state)


@pytest.mark.parametrize("scale, shift", [(1.0, 0.0), (20.0, 0.37)])
def test_pitchfork_and_the_branch_that_leaves_it(scale, shift):
    family = turned_and_scaled(lambda mu, x: mu * x - x**3, scale, shift)
    trivial = fl.continue_branch(family, np.zeros(3), parameter=(shift - 1.0, shift + 1.0))
    assert kinds(trivial) == ["pitchfork"]
    assert abs(trivial.special_points[0].parameter - shift) < 1e-10
    np.testing.assert_allclose(trivial.states, 0, atol=1e-12)
    assert list(trivial.index[[0, -1]]) == [0, 1]
    (fork,) = fl.switch_branches(family, trivial)
    x = on_line(fork, scale)
    np.testing.assert_allclose(fork.parameter - shift, x**2, atol=1e-10)
    np.testing.assert_allclose(np.sort(x[[0, -1]]), [-1, 1], atol=1e-10)
    assert fork.index.max() == 0
    assert fork.origin is trivial.special_points[0]


def test_transcritical_point():
    family = turned_and_scaled(lambda mu, x: mu * x - x**2, 1.0, 0.2)
    trivial = fl.continue_branch(family, np.zeros(3), parameter=(-0.6, 1.0))
    assert kinds(trivial) == ["transcritical"]
    assert abs(trivial.special_points[0].parameter - 0.2) < 1e-10
    (other,) = fl.switch_branches(family, trivial, 0)
    np.testing.assert_allclose(on_line(other, 1.0), other.parameter - 0.2, atol=1e-10)
    stable = other.parameter > 0.2 + 1e-6
    assert set(other.index[stable]) == {0}
    assert set(other.index[other.parameter < 0.2 - 1e-6]) == {1}
    # A branch that passes another sees it from its side.
    again = fl.continue_branch(family, other.states[0], parameter=tuple(other.parameter[[0, -1]]))
    assert kinds(again) == ["transcritical"]
    assert abs(again.special_points[0].parameter - 0.2) < 1e-10


def test_hopf_point_of_the_normal_form():
    def member(mu):
        def velocity(w):
            z = (ORTHOGONAL.T @ w)[:2]
            growth = mu - 0.3 - z @ z
            turned = jnp.stack([growth * z[0] - 2.5 * z[1], 2.5 * z[0] + growth * z[1]])
            return ORTHOGONAL[:, :2] @ turned - ORTHOGONAL[:, 2] * (ORTHOGONAL[:, 2] @ w)

        return fl.VectorField(velocity, (3,))

    branch = fl.continue_branch(member, np.zeros(3), parameter=(-1.0, 1.0))
    (hopf,) = branch.special_points
    assert hopf.kind == "hopf"
    assert abs(hopf.parameter - 0.3) < 1e-10
    assert abs(hopf.frequency - 2.5) < 1e-10
    assert list(branch.index[[0, -1]]) == [0, 2]
    assert fl.switch_branches(member, branch, 0) == []


def test_hopf_point_of_the_brusselator():
    """x' = A + x^2 y - (B + 1) x, y' = B x - x^2 y loses stability at B = 1 + A^2."""
    A = 1.3

    def member(B):
        def velocity(w):
            x, y = w
            return jnp.stack([A + x**2 * y - (B + 1) * x, B * x - x**2 * y])

        return fl.VectorField(velocity, (2,), coordinates=("x", "y"))

    branch = fl.continue_branch(member, np.array([A, 1.0 / A]), parameter=(1.0, 5.0))
    assert kinds(branch) == ["hopf"]
    hopf = branch.special_points[0]
    assert abs(hopf.parameter - (1 + A**2)) < 1e-10
    assert abs(hopf.frequency - A) < 1e-9
    np.testing.assert_allclose(branch.states[:, 1], branch.parameter / A, rtol=1e-10)
    assert branch.name == "B"


TURN = np.array([[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]])
TRIANGLE = fl.MatrixGroup([TURN, np.diag([1.0, -1.0])], names=("r", "s"))


def triangular(mu):
    """-grad of -mu |z|^2/2 + Re z^3/3 + |z|^4/4, symmetric under the triangle's group."""

    def loss(w):
        x, y = w
        square = x**2 + y**2
        return -mu * square / 2 + (x**3 - 3 * x * y**2) / 3 + square**2 / 4

    return fl.GradientFlow(loss, (2,), symmetry=TRIANGLE)


@pytest.fixture(scope="module")
def triangle_branches():
    trivial = fl.continue_branch(triangular, np.zeros(2), parameter=(-0.5, 0.5))
    return trivial, fl.switch_branches(triangular, trivial)


def test_kernel_of_two_dimensions_under_the_triangle(triangle_branches):
    trivial, others = triangle_branches
    (special,) = trivial.special_points
    assert special.kind == "branch point"
    assert special.kernel.shape == (2, 2)
    assert abs(special.parameter) < 1e-10
    assert (special.isotropy_order, special.isotropy_name) == (6, "D_3")
    assert list(trivial.index[[0, -1]]) == [0, 2]
    assert set(trivial.isotropy) == {"D_3"}
    (branch,) = others
    assert branch.images == 3
    assert set(branch.isotropy) == {"Z_2", "D_3"}


def test_branches_of_the_triangle_in_closed_form(triangle_branches):
    """On an axis mu = x + x^2: transcritical at 0, a fold at x = -1/2, mu = -1/4."""
    _, (branch,) = triangle_branches
    powers = [np.eye(2), TURN, TURN @ TURN]
    x = max((branch.states @ power @ [1.0, 0.0] for power in powers), key=np.linalg.norm)
    np.testing.assert_allclose(np.abs(x), np.linalg.norm(branch.states, axis=1), atol=1e-10)
    np.testing.assert_allclose(branch.parameter, x + x**2, atol=1e-10)
    assert "fold" in kinds(branch)
    fold = branch.special_points[kinds(branch).index("fold")]
    assert abs(fold.parameter + 0.25) < 1e-10
    assert branch.parameter.min() < 0 < branch.parameter.max()
    # Eigenvalues on the axis: x + 2 x^2 along it, -3 x across (Hessian).
    for state, values in zip(x, branch.eigenvalues, strict=True):
        np.testing.assert_allclose(values, np.sort([state + 2 * state**2, -3 * state]), atol=1e-9)


def test_axes_of_known_groups():
    """The symmetric group on sums zero: one axis for each split p + q up to exchange."""
    for n, expected in ((3, [3]), (4, [3, 4]), (5, [5, 10])):
        basis = np.linalg.svd(np.ones((1, n)))[2][1:]
        swaps = [np.eye(n)[[*range(i), i + 1, i, *range(i + 2, n)]] for i in range(n - 1)]
        matrices = np.array([basis @ swap @ basis.T for swap in swaps])
        lines = axes(matrices, n - 1)
        assert sorted(len(orbit_of_line(matrices, line)) for line in lines) == expected


def coupled_wells(mu):
    """Two double wells with a spring c (w1 - w2)^2 / 2, c = 0.1."""

    def loss(w):
        return jnp.sum(w**4) / 4 - mu * jnp.sum(w**2) / 2 + 0.05 * (w[0] - w[1]) ** 2

    return fl.GradientFlow(
        loss, (2,), symmetry=fl.MatrixGroup([np.eye(2)[::-1], -np.eye(2)], names=("s", "m"))
    )


@pytest.fixture(scope="module")
def wells():
    return fl.bifurcation_diagram(coupled_wells, np.zeros(2), parameter=(-0.2, 0.8))


def test_diagram_with_a_secondary_pitchfork(wells):
    """0 -> (x, x) at mu = 0 and (x, -x) at 2c; the latter -> (x, -y) at 3c."""
    trivial, symmetric, opposite, mixed = wells
    assert [kinds(branch) for branch in wells] == [["pitchfork"] * 2, [], ["pitchfork"] * 2, []]
    np.testing.assert_allclose([s.parameter for s in trivial.special_points], [0, 0.2], atol=1e-9)
    np.testing.assert_allclose([s.parameter for s in opposite.special_points], 0.3, atol=1e-9)
    mu = symmetric.parameter
    # Squares: at the pitchfork itself mu is 0 up to rounding, of either sign.
    np.testing.assert_allclose(symmetric.states.T**2, [mu] * 2, atol=1e-9)
    x, y = mixed.states.T
    # Sum and difference of the two equations, without the solutions x = y and x = -y.
    np.testing.assert_allclose(x * y, -0.1, atol=1e-9)
    np.testing.assert_allclose(x**2 + y**2, mixed.parameter - 0.1, atol=1e-9)
    assert [int(b.index[-1]) for b in wells] == [2, 0, 0, 1]
    assert mixed.origin.parameter == pytest.approx(0.3, abs=1e-9)


def test_branch_goes_to_json_and_back(triangle_branches, wells):
    for branch in (*triangle_branches[1], wells[0]):
        again = fl.Branch.from_dict(json.loads(json.dumps(branch.to_dict(), allow_nan=False)))
        np.testing.assert_array_equal(again.states, branch.states)
        np.testing.assert_array_equal(again.eigenvalues, branch.eigenvalues)
        assert repr(again) == repr(branch)
        assert again.to_dict() == branch.to_dict()
    entry = wells[0].to_dict()
    with pytest.raises(ValueError, match="schema version 99"):
        fl.Branch.from_dict(entry | {"schema_version": 99})
    with pytest.raises(ValueError, match="does not describe"):
        fl.Branch.from_dict({k: v for k, v in entry.items() if k != "states"})
    with pytest.raises(ValueError, match="parameters, but"):
        fl.Branch.from_dict(entry | {"index": entry["index"][1:]})


def test_branch_is_a_file_and_a_table(wells, tmp_path):
    pd = pytest.importorskip("pandas")
    opposite, path = wells[2], tmp_path / "branch.json"
    opposite.to_json(path)
    again = fl.Branch.from_json(path)
    assert again.to_dict() == opposite.to_dict()
    made = again.provenance
    assert made["field"] == "GradientFlow" and made["float64"] and "jax" in made["versions"]
    assert made["settings"]["max_step"] == 0.06 and made["coordinates"] == ["w1", "w2"]
    frame = opposite.to_frame()
    np.testing.assert_array_equal(frame["mu"], opposite.parameter)
    np.testing.assert_array_equal(frame[["w1", "w2"]], opposite.states)
    assert list(frame.special[frame.special != ""]) == kinds(opposite)
    assert (frame.stable == ((frame["index"] == 0) & (frame.nullity == 0))).all()
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "branch.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "branch.parquet"), frame)
    # A failed write leaves the file as it was.
    with pytest.raises(TypeError):
        opposite.replace(provenance={"bad": object()}).to_json(path)
    assert fl.Branch.from_json(path).to_dict() == opposite.to_dict()
    path.write_text("[1]")
    with pytest.raises(ValueError, match="not a branch"):
        fl.Branch.from_json(path)
    path.write_text('{"schema_')
    with pytest.raises(ValueError, match="no JSON"):
        fl.Branch.from_json(path)
    # Files of schema version 1 had no provenance.
    old = {k: v for k, v in opposite.to_dict().items() if k != "provenance"}
    assert fl.Branch.from_dict(old | {"schema_version": 1}).provenance == {}


def test_closed_loop():
    family = fl.FieldFamily(lambda p: fl.VectorField(lambda w: w**2 + p**2 - 1, (1,)))
    branch = fl.continue_branch(family, np.array([-1.0]), parameter=(-2.0, 2.0), at=0.0)
    assert branch.closed
    assert kinds(branch) == ["fold", "fold"]
    np.testing.assert_allclose(sorted(s.parameter for s in branch.special_points), [-1, 1], 1e-11)
    np.testing.assert_allclose(branch.states[:, 0] ** 2 + branch.parameter**2, 1, atol=1e-11)
    np.testing.assert_allclose(branch.states[0], branch.states[-1])


def test_both_directions_and_escape():
    family = fl.FieldFamily(lambda p: fl.VectorField(lambda w: p * w - 1, (1,)), "p")
    branch = fl.continue_branch(
        family, np.array([1.0]), parameter=(0.0, 2.0), at=1.0, escape_radius=50.0
    )
    assert branch.outcomes == (fl.Outcome.escaped, fl.Outcome.finished)
    assert branch.parameter[-1] == 2.0
    np.testing.assert_allclose(branch.parameter * branch.states[:, 0], 1, atol=1e-10)


def test_stability_that_another_spectrum_decides():
    family = fl.FieldFamily(lambda p: fl.VectorField(lambda w: p - w, (1,)), "p")
    branch = fl.continue_branch(
        family,
        np.array([-1.0]),
        parameter=(-1.0, 1.0),
        spectrum=lambda field, w: np.array([-1.0, np.sin(float(w[0]) - 0.3)]),
    )
    (special,) = branch.special_points
    assert special.kind == "branch point"
    assert abs(special.parameter - 0.3) < 1e-12
    assert list(branch.index[[0, -1]]) == [0, 1]
    with pytest.raises(ValueError, match="outside of the states"):
        fl.switch_branches(family, branch, special)
    assert fl.switch_branches(family, branch) == []


def collapsed(V):
    """w_1 + w_2 at the saddle of Theorem 7, from m/2 = sum_k F(m/|m|, v_k)."""

    def equations(m):
        e = m / np.linalg.norm(m)
        total = -m / 2
        for v in V:
            angle = np.arccos(e @ v / np.linalg.norm(v))
            gating = (np.pi - angle) * v + np.linalg.norm(v) * np.sin(angle) * e
            total = total + gating / (2 * np.pi)
        return total

    return scipy.optimize.fsolve(equations, V.sum(0), xtol=1e-13)


def test_collapsed_saddle_over_the_angle_of_the_teachers():
    """|w_1 + w_2| = (2/pi) ((pi - t) cos t + sin t), t half of the angle between the teachers.

    The derivative of the gradient across is 1/2 - 2 sin t / (pi |w_1 + w_2|): 0 at tan t = pi - t.
    """

    def family(angle):
        zero, one = jnp.zeros(()), jnp.ones(())
        rows = [jnp.stack([one, zero]), jnp.stack([jnp.cos(angle), jnp.sin(angle)])]
        return fl.TeacherStudent(jnp.stack(rows))

    x = (1 - np.arccos(0.5**0.5) + np.pi) / (2 * np.pi)
    branch = fl.continue_branch(family, np.full((2, 2), x), parameter=(0.4, 2.6), at=np.pi / 2)
    t = branch.parameter / 2
    sums = branch.states.sum(1)
    closed = 2 / np.pi * ((np.pi - t) * np.cos(t) + np.sin(t))
    np.testing.assert_allclose(np.linalg.norm(sums, axis=1), closed, atol=1e-11)
    np.testing.assert_allclose(np.arctan2(sums[:, 1], sums[:, 0]), t, atol=1e-11)
    np.testing.assert_allclose(branch.states[:, 0], branch.states[:, 1], atol=1e-12)
    # Each splitting of the merged student is null and explained; turning it aside is neither.
    (fork,) = branch.special_points
    half = scipy.optimize.brentq(lambda t: np.tan(t) - np.pi + t, 1.0, 1.3, xtol=1e-15)
    assert fork.kind == "pitchfork" and abs(fork.parameter - 2 * half) < 1e-10
    assert np.flatnonzero(branch.nullity).tolist() == [fork.position]
    assert list(branch.index[[0, -1]]) == [1, 2]
    assert branch.outcomes == (fl.Outcome.finished, fl.Outcome.finished)


def spread(angle):
    """Three teachers of norm 1 with equal angles between them, their mean along (1, 1, 1)."""
    mean, cosine = jnp.full((3, 3), 1 / 3), jnp.cos(angle)
    return fl.TeacherStudent(
        jnp.sqrt(1 - cosine) * (jnp.eye(3) - mean) + jnp.sqrt(1 + 2 * cosine) * mean
    )


@pytest.fixture(scope="module")
def spread_apart():
    x = (2**0.5 - np.arccos(3**-0.5) + np.pi) / (3 * np.pi)
    symmetric = fl.continue_branch(spread, np.full((3, 3), x), parameter=(0.1, 2.04), at=np.pi / 2)
    return symmetric, fl.switch_branches(spread, symmetric)


def test_three_teachers_pulled_apart_from_one_direction(spread_apart):
    """The merged student turns aside, in a plane, where tan t = 2 (pi - t).

    With t the angle of each teacher to the mean, |w_1 + w_2 + w_3| = 3 ((pi - t) cos t + sin t)/pi,
    and the derivative of the gradient across is 1/2 - (9/2) sin t / (2 pi |w_1 + w_2 + w_3|). S_3
    acts on that plane by its standard representation: three transcritical branches, images of one
    another, each bending back at a fold.
    """
    symmetric, others = spread_apart
    (fork,) = symmetric.special_points
    assert fork.kind == "branch point" and fork.kernel.shape == (2, 3, 3)
    t = scipy.optimize.brentq(lambda t: np.tan(t) - 2 * (np.pi - t), 1.1, 1.5, xtol=1e-15)
    assert abs(fork.parameter - np.arccos((3 * np.cos(t) ** 2 - 1) / 2)) < 1e-9
    assert set(symmetric.index) == {4, 6}
    (branch,) = others
    assert branch.images == 3 and kinds(branch) == ["fold"]
    assert set(branch.isotropy) == {"S_3×S_2", "S_3×S_3"}
    assert branch.parameter.min() < fork.parameter < branch.parameter.max()


def test_a_branch_without_explained_null_directions_is_followed():
    """The teacher itself, where the students are: isolated at every angle."""
    family = fl.FieldFamily(spread, "angle")
    branch = fl.continue_branch(family, np.asarray(spread(1.0).teacher), parameter=(1.0, 1.5))
    for angle, state in zip(branch.parameter, branch.states, strict=True):
        np.testing.assert_allclose(
            state @ state.T, np.where(np.eye(3), 1, np.cos(angle)), atol=1e-9
        )
    assert set(branch.index) == set(branch.nullity) == {0}
    assert branch.name == "angle" and branch.loss is not None and branch.loss.max() < 1e-20


def test_collapsed_saddle_over_the_norm_of_a_teacher():
    def family(ratio):
        return fl.TeacherStudent(jnp.diag(jnp.stack([jnp.ones(()), ratio, jnp.ones(())])))

    x = (2**0.5 - np.arccos(3**-0.5) + np.pi) / (3 * np.pi)
    branch = fl.continue_branch(family, np.full((3, 3), x), parameter=(1.0, 2.5))
    assert branch.outcomes[1] == fl.Outcome.finished
    expected = collapsed(np.diag([1.0, 2.5, 1.0]))
    np.testing.assert_allclose(branch.states[-1].sum(0), expected, atol=1e-9)
    assert set(branch.nullity) == {0}
    losses = branch.loss
    assert losses is not None and np.isfinite(losses).all()


TYPE_TWO = np.array([0.9969227988, -0.0350801559, 0.2616910758, -0.6327039049, 0.1859910463])
"""x1, y11, y12, x2, y21 of the spurious minimum of seven students with one flipped."""


@pytest.mark.slow
def test_type_two_becomes_a_minimum_at_a_real_number_of_students():
    """The index changes in a component that the family does not contain."""

    def family(K):
        return fl.block_family((K - 1, 1))

    def rates(field, z):
        return -np.concatenate([c.eigenvalues for c in fl.isotypic_spectrum(field, z).components])

    branch = fl.continue_branch(family, TYPE_TWO, parameter=(7.0, 5.0), spectrum=rates)
    assert abs(branch.loss[0] - 0.023202714914) < 1e-11
    (crossing,) = branch.special_points
    assert crossing.kind == "branch point"
    assert abs(crossing.parameter - 5.5855052474) < 1e-9
    assert list(branch.index[[0, -1]]) == [0, 1]


NOWHERE_ZERO = fl.FieldFamily(lambda mu: fl.VectorField(lambda w: 1 + mu + jnp.exp(w), (1,)))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"parameter": (1.0, 1.0)}, "two different"),
        ({"parameter": 1.0}, "two numbers"),
        ({"at": 3.0}, "within"),
        ({"start": np.zeros(2)}, "shape"),
        ({"start": np.full(1, 5.0)}, "no equilibrium near"),
        ({"family": 1.0}, "function from the parameter"),
    ],
)
def test_bad_input(changes, message):
    given = {"family": NOWHERE_ZERO, "start": np.zeros(1), "parameter": (0.0, 1.0)} | changes
    family, start = given.pop("family"), given.pop("start")
    with pytest.raises(ValueError, match=message):
        fl.continue_branch(family, start, **given)


def test_picture_of_branches(triangle_branches, wells):
    ax = fl.plot.bifurcation(wells, quantity=0)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(texts) == {"pitchfork", "stable", "unstable"}
    assert ax.get_ylabel() == "$w_{1}$"
    solid = [line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata())]
    # What is solid is stable: w1^2 = mu, or w1^2 = mu - 2c beyond the secondary pitchfork.
    for line in solid:
        mu, w = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        stable = np.minimum(np.abs(w**2 - mu), np.abs(w**2 - mu + 0.2)) < 1e-6
        assert (stable | ((np.abs(w) < 1e-9) & (mu < 1e-6))).all()
    with pytest.raises(ValueError, match="no branches"):
        fl.plot.bifurcation([])
    with pytest.raises(ValueError, match="quantity"):
        fl.plot.bifurcation(wells, quantity="size")
