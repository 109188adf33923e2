"""The paper's figures are tested for the numbers they show, not for their pixels."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binomtest

import flowlab as fl
from flowlab.paper import FIGURES, figures
from flowlab.paper.figures._separability import pair_separability

E1 = np.array([1.0, 0.0])


def unit(angle):
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def cross(u, v):
    """Zero for parallel vectors."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def gating(e, w):
    """Theorem 1 with the angle from arccos, for vectors that are not aligned."""
    length = np.linalg.norm(w)
    theta = np.arccos(e @ w / length / np.linalg.norm(e))
    return ((np.pi - theta) * w + length * np.sin(theta) * e / np.linalg.norm(e)) / (2 * np.pi)


def l12(theta, phi):
    """The form without cancellation (docs/reference.md), for phi in (-pi, pi]."""

    def m(t):
        return (np.pi - t) * np.sin(t)

    def c(t):
        return np.pi - (np.pi - t) * np.cos(t) - np.sin(t)

    t, delta = abs(phi), abs(phi - theta)
    delta = min(delta, 2 * np.pi - delta)
    bracket = np.pi * (c(theta) + c(t) - c(delta)) - c(theta) * c(t)
    G = np.sign(phi) * m(t) - m(theta) * bracket / (c(theta) * (2 * np.pi - c(theta)))
    return np.sin(theta) * G


# The gating over data


def test_empirical_gating_is_the_definition(rng):
    X, e, w = rng.standard_normal((50, 3)), *rng.standard_normal((2, 3))
    summed = sum((x @ w) * x for x in X if x @ e > 0 and x @ w > 0)
    np.testing.assert_allclose(fl.empirical_gating(X, e, w), summed / 50, rtol=1e-13)


def test_empirical_gating_makes_the_gradient_of_a_sample(rng):
    """Eqn 8 over data: a_j [sum_i a_i F(e_j, w_i) - sum_k b_k F(e_j, v_k)]."""
    X, W, V = (rng.standard_normal((n, 3)) for n in (40, 2, 4))
    a, b = np.array([1.5, -2.0]), np.array([1.0, 0.5, -1.0, 2.0])
    F = jax.vmap(lambda e: jax.vmap(lambda u: fl.empirical_gating(X, e, u))(jnp.array([*W, *V])))
    both = np.einsum("jid,i->jd", F(jnp.asarray(W)), np.concatenate([a, -b]))
    found = fl.Sample(X).gradient(*map(jnp.asarray, (W, V, a, b)))
    np.testing.assert_allclose(a[:, None] * both, found, rtol=1e-12, atol=1e-13)


def test_empirical_gating_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(4, 3\), \(2,\) and \(3,\)"):
        fl.empirical_gating(np.ones((4, 3)), np.ones(2), np.ones(3))


# Figure 2


def test_figure2_terms_are_those_of_theorem1(getkey):
    data = figures.figure2_data(key=getkey(), samples=4_000, angles=5)
    np.testing.assert_allclose(data.mass + data.asymmetry, gating(data.e, data.w), atol=1e-15)
    assert abs(cross(data.mass, data.w)) < 1e-15 > abs(cross(data.asymmetry, data.e))
    said = np.stack([np.pi - data.angles, np.sin(data.angles)], -1) / (2 * np.pi)
    assert np.all(np.abs(data.measured - said) < 6 * data.errors)
    assert np.all(data.errors[1:-1] < 0.1)
    open_gates = (data.points @ data.e > 0) & (data.points @ data.w > 0)
    np.testing.assert_array_equal(data.on, open_gates)
    figure = fl.paper.figure2(data)
    mass, asymmetry = figure.axes[1].lines[0], figure.axes[1].lines[2]
    np.testing.assert_allclose(mass.get_ydata(), (1 - mass.get_xdata()) / 2, atol=1e-15)
    np.testing.assert_allclose(
        asymmetry.get_ydata(), np.sin(np.pi * asymmetry.get_xdata()) / (2 * np.pi), atol=1e-15
    )


# Figures 4 and 10


def test_separability_is_that_of_the_closed_form(rng):
    theta = rng.uniform(0.2, 3.0, 30)
    phi = rng.uniform(-np.pi, np.pi, 30)
    first, second = pair_separability(theta, phi)
    expected = [l12(*pair) for pair in zip(theta, phi, strict=True)]
    np.testing.assert_allclose(first, expected, atol=1e-12)
    # The students change places: the teacher is then at theta - phi.
    turned = (theta - phi + np.pi) % (2 * np.pi) - np.pi
    expected = [l12(*pair) for pair in zip(theta, turned, strict=True)]
    np.testing.assert_allclose(second, expected, atol=1e-12)


def test_figure10_shows_conjecture1():
    data = figures.figure10_data(points=33, cells=40)
    inside = data.phis[None] < data.thetas[:, None]
    np.testing.assert_array_equal(data.map > 0, inside)
    assert np.all(data.map != 0) and data.map.shape == (40, 80)
    for theta, curves in zip(data.theta, data.curves, strict=True):
        assert np.abs(curves[:, [0, -1]]).max() < 1e-12  # e* = e1
        for values in curves:
            within = (data.phi > 1e-6) & (data.phi < theta - 1e-6)
            beyond = (data.phi > theta + 1e-6) & (data.phi < 2 * np.pi - 1e-6)
            assert np.all(values[within] > 0) and np.all(values[beyond] < 0)
    figure = fl.paper.figure10(data)
    image = figure.axes[2].images[0].get_array()
    np.testing.assert_array_equal(image, np.where(inside, 1, -1))
    for number, ax in enumerate(figure.axes[:2]):
        drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 33]
        np.testing.assert_array_equal(drawn, data.curves[number])


def test_figure4_cones_and_the_smallest_gradient():
    data = figures.figure4_data(points=73)
    inside = (data.phi > 1e-9) & (data.phi < data.theta - 1e-9)
    outside = (data.phi > data.theta + 1e-9) & (data.phi < 2 * np.pi - 1e-9)
    assert np.all(data.L12[inside] > 0) and np.all(data.L12[outside] < 0)
    assert np.sign(data.signs).tolist() == [[1, 1], [-1, -1], [1, -1]]
    # No magnitudes on a fine grid give a smaller gradient, and some come close.
    s = np.linspace(1e-6, 2.5, 251)
    students = unit(np.array([0.0, data.theta]))
    for case, smallest in zip(data.teachers, data.smallest, strict=True):
        taught = [sum(gating(e, v) for v in unit(case)) for e in students]
        grid = np.stack(np.meshgrid(s, s), -1)
        parts = [
            grid[..., :1] * (students[0] / 2 if j == 0 else gating(e, students[0]))
            + grid[..., 1:] * (students[1] / 2 if j == 1 else gating(e, students[1]))
            - taught[j]
            for j, e in enumerate(students)
        ]
        norms = np.sqrt(sum(np.sum(part**2, -1) for part in parts))
        assert smallest <= norms.min() < smallest + 1e-2
    assert np.all(data.smallest[:2] > 0.1)
    texts = [text.get_text() for ax in fl.paper.figure4(data).axes for text in ax.texts]
    for value in data.smallest[:2]:
        assert any(f"{value:.3f}" in text for text in texts)


# Figure 5


@pytest.fixture(scope="module")
def sampling():
    return figures.figure5_data(
        key=jax.random.key(5), dims=(2, 10), measured=(0.5,), starts=4_000, followed=40,
        confidence=0.9999,
    )  # fmt: skip


def lens_share(r):
    """Share of the disc of radius r around 0 that lies in the unit disc around (1, 0)."""
    root = np.sqrt((2 - r) * r * r * (2 + r))
    return (r**2 * np.arccos(r / 2) + np.arccos(1 - r**2 / 2) - root / 2) / (np.pi * r**2)


def test_figure5_radii_and_probabilities(sampling):
    for d, radius in zip(sampling.dims, sampling.radius, strict=True):
        said = sampling.epsilon * np.sqrt(2 * np.pi / (d + 1))
        np.testing.assert_allclose(radius, said, rtol=1e-15)
    np.testing.assert_allclose(sampling.exact[0], lens_share(sampling.radius[0]), atol=1e-11)
    np.testing.assert_allclose((1 - sampling.needed[0]) / 2, lens_share(sampling.largest[0]))
    # The theorem: the probability at its radius is above its bound.
    assert np.all(sampling.exact > (1 - sampling.epsilon) / 2)
    line = fl.paper.figure5(sampling).axes[1].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), sampling.radius[0])


def test_figure5_starts(sampling):
    radius = fl.paper.theorem6_radius(2, sampling.shown)
    assert np.linalg.norm(sampling.starts, axis=1).max() <= radius
    x, y = sampling.starts.T
    np.testing.assert_array_equal(sampling.inside, x**2 + y**2 < 2 * x)
    for found in sampling.measured:
        low, high = found.inside_interval
        assert low < fl.paper.theorem6(found.dim, found.epsilon).found < high
        assert found.converged == found.followed == 40
        assert found.converged_interval[1] == 1.0


# Figure 6


def test_figure6_symmetry_and_its_breaking(getkey):
    data = figures.figure6_data(key=getkey(), grid=7, balls=2)
    assert data.asymmetry < 1e-15 and data.rotation < 1e-14
    one, other = data.paths
    np.testing.assert_allclose(one, other[:, ::-1], atol=1e-8)
    np.testing.assert_allclose(one[-1], [1, 0], atol=1e-6)
    np.testing.assert_allclose(other[-1], [0, 1], atol=1e-6)
    for path in data.hat_paths:
        # The flow down the hat is radial: dr/dt = r (1 - r^2).
        np.testing.assert_allclose(path[-1], path[0] / np.linalg.norm(path[0]), atol=1e-7)
    ends = {tuple(path[-1].round(3)) for path in data.hat_paths}
    assert len(ends) == 2
    assert len(fl.paper.figure6(data).axes) == 2


# Figure 7


def test_sampling_error_is_that_of_many_inputs(rng):
    for d, theta in ((2, 0.4), (5, 1.7), (5, 2.6)):
        e, w = np.zeros((2, d))
        e[:2], w[:2] = unit(theta), E1
        x = rng.standard_normal((200_000, d))
        terms = np.where((x @ e > 0) & (x @ w > 0), x @ w, 0.0)[:, None] * x
        mean = np.zeros(d)
        mean[:2] = gating(unit(theta), E1)
        squares = np.sum((terms - mean) ** 2, axis=1) / (mean @ mean)
        error = squares.std() / np.sqrt(len(x))
        assert abs(squares.mean() - figures.sampling_error(theta, d) ** 2) < 5 * error
    # Aligned vectors: (2d + 4)/4 - 1/4 over 1/4, by the fourth moments of a Gaussian.
    assert figures.sampling_error(0.0, 10, 1_000) == pytest.approx(np.sqrt(0.023), rel=1e-12)


@pytest.fixture(scope="module")
def errors():
    return figures.figure7_data(
        key=jax.random.key(7),
        dim=6,
        pairs=400,
        samples=400,
        largest=4_000,
        repeats=40,
        dims=(2, 12),
    )


def test_figure7_errors_have_the_size_of_the_closed_form(errors):
    acute = errors.theta < 2.2
    assert errors.theta.min() > 0 and 3 < errors.theta.max() < np.pi
    ratio = (errors.error / figures.sampling_error(errors.theta, 6, 400))[acute] ** 2
    # The paper divides by the sampled vector: the mean square is off by a few percent.
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(acute.sum()) + 0.05


def test_figure7_errors_fall_as_one_over_the_root_of_n(errors):
    rms = np.sqrt(np.mean(errors.by_size**2, axis=0))
    slope, _ = np.polyfit(np.log(errors.sizes), np.log(rms), 1)
    assert slope == pytest.approx(-0.5, abs=0.06)
    theta = (np.arange(200) + 0.5) / 200 * np.pi / 2
    constant = np.sqrt(np.mean(figures.sampling_error(theta, 6) ** 2))
    assert rms[-1] * np.sqrt(errors.sizes[-1]) == pytest.approx(constant, rel=0.2)
    ax = fl.paper.figure7(errors).axes[1]
    points = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_ydata(), rms)
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_figure7_uniform_inputs_are_nearly_isotropic_in_many_dimensions(errors):
    """In two dimensions the law of the square is seen; in twelve, hardly."""
    uniform, gaussian = (
        np.sqrt(np.mean(values[:, :, -1] ** 2, axis=1))
        for values in (errors.uniform, errors.gaussian)
    )
    assert uniform[0] > 2 * gaussian[0]
    assert uniform[1] < 1.5 * gaussian[1]


# Figure 8


@pytest.fixture(scope="module")
def plane():
    return figures.figure8_data(fields=(2,), students=(2, 5), grid=6)


def test_figure8_vectors(plane):
    saddle = (1 + np.pi - np.arccos(np.sqrt(0.5))) / (2 * np.pi)
    np.testing.assert_allclose(plane.saddles, saddle, atol=1e-9)
    field = fl.theorem7_plane(2)
    for z in (plane.saddles[0], E1):
        assert np.abs(field(0.0, jnp.asarray(z))).max() < 1e-9
    # Each vector is the motion of the first student in the full flow.
    full = fl.TeacherStudent(jnp.eye(2))
    for i, j in ((0, 3), (4, 1), (5, 5)):
        x, y = plane.grid[j], plane.grid[i]
        gradient = full.gradient(jnp.array([[x, y], [y, x]]))
        np.testing.assert_allclose(plane.velocity[0, i, j], -gradient[0], atol=1e-14)
    quiver = fl.paper.figure8(plane).axes[0].collections[0]
    drawn = np.stack([quiver.U, quiver.V], -1).reshape(6, 6, 2)
    turned = cross(drawn, plane.velocity[0])
    assert np.abs(turned).max() < 1e-15 and np.all(np.sum(drawn * plane.velocity[0], -1) > 0)


def test_figure8_trajectories(plane):
    for K, height, moment in ((2, 0.39766880, 2.4133), (5, 0.18914440, 0.9638)):
        run = plane.runs[K]
        np.testing.assert_allclose(run.states[0], [1e-3, 0], atol=0)
        np.testing.assert_allclose(run.states[-1], [1, 0], atol=1e-7)
        top = int(np.argmax(run.states[:, 1]))
        assert run.states[top, 1] == pytest.approx(height, abs=2e-5)
        assert plane.times[top] == pytest.approx(moment, rel=0.02)
        assert np.all(np.diff(run.loss) < 1e-12)
        near = np.linalg.norm(run.states - E1, axis=1) < 1e-3
        assert plane.times[np.argmax(near)] == pytest.approx({2: 20.2323, 5: 10.1745}[K], rel=0.02)


# Figure 9


@pytest.fixture(scope="module")
def noisy():
    return figures.figure9_data(
        key=jax.random.key(9), weights=((1.0, 1.0), (1.0, -1.0)), levels=(0.1,),
        noise=(0.1, 1_000.0), runs=2, starts=16,
    )  # fmt: skip


def test_figure9_counts(noisy):
    for weights, row in zip(noisy.weights, noisy.shares, strict=True):
        for level, found in zip(noisy.noise, row, strict=True):
            assert (found.weights, found.noise, found.starts) == (weights, level, 16)
            assert found.itself <= found.teacher <= sum(found.outcomes.values()) == 16
            for hits, ends in (
                (found.itself, found.itself_interval),
                (found.teacher, found.teacher_interval),
            ):
                exact = binomtest(hits, 16).proportion_ci(0.95, method="exact")
                assert ends == pytest.approx((exact.low, exact.high), abs=1e-12)
        # Little noise: every student goes to the teacher it is aligned with, whatever the signs.
        assert row[0].itself == row[0].teacher == 16
    # Much noise: the order of two equal students is chance, that they learn both teachers is not.
    assert 1 <= noisy.shares[0][1].itself <= 15 and noisy.shares[0][1].teacher == 16


def test_figure9_curves(noisy):
    assert noisy.curves.shape == (1, 2, len(noisy.times)) == noisy.weight_curves[:1].shape
    # J at 0 is half of b'k(V, V)b, with 1/2 on the diagonal and 1/(2 pi) off it.
    for curves, sign in ((noisy.curves[0], 1), *zip(noisy.weight_curves, (1, -1), strict=True)):
        assert curves[:, 0] == pytest.approx((1 + sign / np.pi) / 2, rel=0.03)
        assert np.all(np.diff(curves, axis=1) < 1e-12) and np.all(curves[:, -1] < 1e-12)
    lines = fl.paper.figure9(noisy).axes[0].lines
    np.testing.assert_allclose(lines[1].get_ydata()[:50], noisy.curves[0, 1, :50])


# All of them


def test_figures_are_as_wide_as_a_column_and_change_no_setting(plane):
    before = dict(matplotlib.rcParams)
    figure = fl.paper.figure8(plane)
    assert figure.get_size_inches()[0] == 3.25
    assert dict(matplotlib.rcParams) == before
    outer = plt.figure(figsize=(7, 4))
    left, _ = outer.subfigures(1, 2)
    assert fl.paper.figure8(plane, figure=left) is left and len(left.axes) == 4
    assert len(fl.paper.figure4(points=9, figure=outer.subfigures(1, 1)).axes) == 3


def test_every_figure_has_its_data():
    for number in FIGURES:
        assert callable(getattr(fl.paper, f"figure{number}"))
        assert callable(getattr(figures, f"figure{number}_data"))
        assert f"figure{number}" in dir(fl.paper)
    with pytest.raises(AttributeError, match="figure3"):
        getattr(fl.paper, "figure" + "3")


def test_claims_need_no_matplotlib():
    code = "import sys, flowlab; flowlab.paper.theorem6; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("number", "settings", "complaint"),
    [
        (2, {"theta": 4.0}, "theta is 4.0"),
        (2, {"samples": 0}, "samples is 0"),
        (4, {"theta": -1.0}, "theta is -1.0"),
        (5, {"followed": 20, "starts": 10}, "followed is 20 of 10"),
        (6, {"offset": 0.0}, "offset is 0.0"),
        (7, {"dims": (1,)}, "a dimension is 1"),
        (8, {"grid": 2.5}, "grid is 2.5"),
        (8, {"fields": (2, 3, 5)}, "one or two numbers"),
        (9, {"weights": ((1.0,), (1.0, 2.0))}, "one K"),
        (10, {"theta": (1.0,)}, "two angles"),
    ],
)
def test_bad_settings_are_named(number, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        getattr(fl.paper, f"figure{number}")(**settings)


# flowlab paper --figure


def test_the_command_writes_a_figure(flowlab, tmp_path):
    out = tmp_path / "new" / "cones.png"
    status, printed, complaint = flowlab("paper", "--figure", 4, "--fast", "--out", out)
    assert (status, complaint) == (0, "")
    assert "Figure 4 of Tian (2017)" in printed and f"  {out}\n" in printed
    assert plt.imread(out).shape[1] == pytest.approx(3.25 * 300, abs=1)


def test_the_command_draws_from_the_seed(flowlab, tmp_path):
    found = []
    for seed in (1, 1, 2):
        out = tmp_path / f"{len(found)}.png"
        assert flowlab("paper", "--figure", 2, "--fast", "--seed", seed, "--out", out)[0] == 0
        found.append(plt.imread(out))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.any(found[0] != found[2])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--figure", 3), "--figure is 3; needed: one of 2, 4, 5, 6, 7, 8, 9, 10."),
        (("--figure", 2, "--out", "a.gif"), "--out a.gif has the ending '.gif'"),
        (("--out", "a.png"), "say which figure"),
    ],
)
def test_the_command_refuses(flowlab, arguments, complaint):
    status, _, said = flowlab("paper", *arguments)
    assert status == 2 and complaint in said
