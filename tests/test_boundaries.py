"""Boundaries between basins, against boundaries that are known."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import flowlab as fl
from flowlab.fields import zoo

WELL = zoo.double_well()
DUFFING = zoo.duffing()
SURFACE = zoo.muller_brown()
MINIMA = np.array([(-0.55822363, 1.44172584), (0.62349940, 0.02803776), (-0.05001082, 0.46669410)])
CANTOR = math.log(2) / math.log(3)


# Points of the separatrix


def test_many_segments_across_a_known_line(rng):
    """The boundary of the double well is x = 0; the computed one must be it to the tolerance."""
    a = rng.uniform([0.1, -2], [2, 2], (40, 2))
    b = rng.uniform([-2, -2], [-0.1, 2], (40, 2))
    found = fl.separatrix_point(WELL, a, b)
    exact = a[:, 0] / (a[:, 0] - b[:, 0])
    assert found.converged.all() and (found.width <= 1e-10).all() and not found.third.any()
    np.testing.assert_allclose(found.parameter, exact, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.location, a + exact[:, None] * (b - a), rtol=0, atol=4e-10)
    assert (found.inner[:, 0] > 0).all() and (found.outer[:, 0] < 0).all()
    reached = np.array([point.location for point in found.catalog])[found.point]
    np.testing.assert_allclose(reached, [[[1, 0], [-1, 0]]] * 40, rtol=0, atol=1e-12)
    assert set(found.basins) == {2} and found.parameter.shape == (40,)


def test_one_segment_gives_scalars_and_one_end_goes_with_many():
    a, b = np.array([1.5, 0.3]), np.array([-0.5, -0.9])
    one = fl.separatrix_point(WELL, a, b, tol=1e-6)
    assert np.ndim(one.parameter) == 0 and one.location.shape == (2,) and one.point.shape == (2,)
    assert abs(one.parameter - 0.75) < 1e-6 and one.width <= 1e-6
    many = fl.separatrix_point(WELL, a, np.stack([b, b + [0, 1]]), tol=1e-6)
    np.testing.assert_allclose(many.location[:, 0], 0, atol=2e-6)


def test_a_start_on_the_boundary_itself_is_bracketed():
    """The middle of this segment lies on x = 0 exactly and settles on the saddle."""
    found = fl.separatrix_point(WELL, np.array([1.0, 0.5]), np.array([-1.0, 0.5]), tol=1e-12)
    assert abs(found.parameter - 0.5) <= 1e-12 and found.converged and not found.third


def test_images_of_the_teacher_have_a_boundary():
    """K = 2: the teacher and its permutation are one orbit, but two basins."""
    field = fl.TeacherStudent(jnp.eye(2))
    a, b = np.array([[1.0, 0.2], [0.1, 0.8]]), np.array([[0.1, 0.9], [0.7, 0.2]])
    found = fl.separatrix_point(field, a, b, tol=1e-9)
    assert found.point.tolist() == [0, 0] and found.image[0] != found.image[1]
    inner, outer = (found.images[i].apply(found.catalog[0].location) for i in found.image)
    np.testing.assert_allclose(inner, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(outer, np.eye(2)[::-1], atol=1e-12)
    ends = fl.settle(field, np.stack([found.inner, found.outer]), rtol=1e-12, atol=1e-14).state
    np.testing.assert_allclose(ends, [inner, outer], atol=1e-9)


def test_theorem_7_boundary_is_the_diagonal(rng):
    plane = fl.theorem7_plane(3)
    z = np.sort(rng.uniform(0.05, 1, (8, 2)))
    found = fl.separatrix_point(plane, z[:, ::-1], z[::-1] * [1, 1.2])
    assert found.converged.all()
    np.testing.assert_allclose(found.location[:, 0], found.location[:, 1], rtol=0, atol=2e-10)


def test_a_third_basin_between():
    """From the first minimum to the second the straight segment enters the basin of the third."""
    found = fl.separatrix_point(SURFACE, MINIMA[0], MINIMA[1], tol=1e-8)
    assert found.third and found.basins == 3 and found.converged
    reached = [found.catalog[int(i)].location for i in found.point]
    np.testing.assert_allclose(reached, MINIMA[[0, 2]], atol=1e-7)


def test_infinity_is_a_side():
    """For mu < 0 the line x = sqrt(-mu) separates the sink from escape."""
    found = fl.separatrix_point(
        zoo.saddle_node_ghost(-0.25), np.array([0.0, 1.0]), np.array([1.0, 0.5])
    )
    assert abs(found.location[0] - 0.5) < 1e-10 and found.point.tolist() == [0, -1]
    assert "infinity" in repr(found)


def test_separatrix_messages():
    right, far_right, left = np.array([0.5, 0.2]), np.array([1.5, 0.3]), np.array([-0.5, 0.1])
    with pytest.raises(ValueError, match=r"both ends flow to the same place, p1, a global minimum"):
        fl.separatrix_point(WELL, right, far_right)
    with pytest.raises(ValueError, match="the end a flows to no attractor"):
        fl.separatrix_point(WELL, np.array([0.0, 0.3]), left)
    with pytest.raises(ValueError, match=r"segment 1 \(of 1 such\)"):
        fl.separatrix_point(WELL, right, np.stack([left, far_right]))
    skipped = fl.separatrix_point(WELL, right, np.stack([left, far_right]), throw=False)
    assert skipped.converged.tolist() == [True, False]
    assert np.isnan(skipped.parameter[1]) and skipped.point[1].tolist() == [skipped.point[0, 0]] * 2
    with pytest.raises(ValueError, match="tol is 0"):
        fl.separatrix_point(WELL, right, left, tol=0)
    with pytest.raises(ValueError, match="a has 2 starts and b 3"):
        fl.separatrix_point(WELL, np.ones((2, 2)), np.ones((3, 2)))


# Edge states


PAIRS = {
    "double well": (WELL, [1.5, 0.7], [-0.5, 0.2], 0.25),
    "duffing": (DUFFING, [1.0, 0.3], [-1.0, 0.8], None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_edge_states_that_are_saddles_at_the_origin(name):
    field, a, b, loss = PAIRS[name]
    edge = fl.edge_state(field, np.array(a), np.array(b))
    assert edge.converged and edge.is_point and edge.period is None
    assert (edge.record.index, edge.record.loss) == (1, loss)
    assert edge.record.found_by == "edge tracking" and edge.record in edge.catalog.points
    np.testing.assert_allclose(edge.state, 0, atol=1e-12)
    sides = [edge.catalog[int(i)].location for i in edge.point]
    np.testing.assert_allclose(sorted(side[0] for side in sides), [-1, 1], atol=1e-12)
    assert (np.diff(edge.times) > 0).all() and len(edge.states) == len(edge.times)
    assert np.all(np.diff(edge.returns) > 0) and edge.returns[0] == 1


def test_the_track_stays_on_the_boundary():
    edge = fl.edge_state(WELL, np.array([1.5, 0.9]), np.array([-0.3, 0.8]), divergence=1e-3)
    apart = 1e-3 * np.hypot(1.8, 0.1)
    assert np.abs(edge.states[:, 0]).max() < apart
    # On x = 0 the flow is y' = -y.
    np.testing.assert_allclose(
        edge.states[:, 1], edge.states[0, 1] * np.exp(-edge.times), atol=apart
    )


PASSES = [
    (0, 2, (-0.82200156, 0.62431280), -40.664844),
    (2, 1, (0.21248658, 0.29298833), -72.248940),
    (0, 1, (-0.82200156, 0.62431280), -40.664844),
]


@pytest.mark.parametrize(("i", "j", "place", "value"), PASSES)
def test_passes_of_the_muller_brown_surface(i, j, place, value):
    edge = fl.edge_state(SURFACE, MINIMA[i], MINIMA[j])
    assert edge.converged and edge.record.index == 1
    np.testing.assert_allclose(edge.state, place, rtol=0, atol=1e-8)
    assert abs(edge.record.loss - value) < 1e-6


def test_edge_between_two_images_of_the_teacher():
    """K = 2: the saddle of Theorem 7, J = .0885, on a segment w1 + w2 = 2 x* (1, 1)."""
    field = fl.TeacherStudent(jnp.eye(2))
    a, b = np.array([[1.1, 0.3], [-0.2, 0.8]]), np.array([[0.1, 0.9], [0.7, 0.3]])
    edge = fl.edge_state(field, a, b)
    assert edge.converged and edge.point.tolist() == [0, 0] and edge.image[0] != edge.image[1]
    record = edge.record
    assert (record.index, record.nullity, record.explained_nullity) == (1, 1, 1)
    assert abs(record.loss - 0.0885119366328834) < 1e-12
    np.testing.assert_allclose(edge.state.sum(0), 2 * 0.534154943091895, rtol=0, atol=1e-9)


def reversed_van_der_pol(w):
    """Time runs backwards: the limit cycle repels, the origin attracts."""
    x, y = w
    return jnp.stack([-y, x - (1 - x**2) * y])


CYCLE = fl.VectorField(reversed_van_der_pol, (2,))


def test_an_edge_state_that_is_a_cycle():
    inside, outside = np.array([0.1, 0.1]), np.array([4.0, 4.0])
    edge = fl.edge_state(CYCLE, inside, outside, escape_radius=50.0)
    assert edge.converged and not edge.is_point and edge.record is None
    # Period of the van der Pol oscillator at mu = 1.
    assert abs(edge.period - 6.6632868593) < 0.02
    assert "cycle" in edge.explanation and edge.point.tolist() == [0, -1]
    # Its amplitude is 2.00862.
    assert abs(np.abs(edge.states[:, 0]).max() - 2.00862) < 0.01


def test_a_track_that_is_cut_short_says_so():
    inside, outside = np.array([0.1, 0.1]), np.array([4.0, 4.0])
    edge = fl.edge_state(CYCLE, inside, outside, escape_radius=50.0, max_returns=1)
    assert not edge.converged and edge.record is None and "raise `max_returns`" in edge.explanation


def test_edge_messages():
    with pytest.raises(ValueError, match="both ends flow to the same place"):
        fl.edge_state(WELL, np.array([0.5, 0.2]), np.array([1.5, 0.3]))
    with pytest.raises(ValueError, match="0 < width < divergence < 1"):
        fl.edge_state(WELL, np.array([0.5, 0.2]), np.array([-1.5, 0.3]), width=1e-3)
    with pytest.raises(ValueError, match=r"b has shape \(3,\)"):
        fl.edge_state(WELL, np.array([0.5, 0.2]), np.zeros(3))


@pytest.mark.slow
def test_edge_of_the_magnetic_pendulum():
    """Between two magnets: one of the three saddles of index 1, all images of one."""
    field = zoo.magnetic_pendulum(damping=1.0)
    edge = fl.edge_state(field, np.array([1.0, 0.2, 0, 0]), np.array([-0.5, 0.8, 0, 0]))
    assert edge.converged and edge.record.index == 1 and edge.record.orbit_size == 3
    assert edge.point.tolist() == [0, 0] and edge.image[0] != edge.image[1]
    image = field.symmetry.act(edge.element, edge.record.location)
    np.testing.assert_allclose(image, edge.state, atol=1e-9)


# Labels with known boundaries


def cantor(x, depth=26):
    """The number of the gap of the middle-third Cantor set that x lies in: 0 for the largest."""
    x, label = np.array(x, float), np.full(np.shape(x), depth)
    for level in range(depth):
        x = 3 * x
        digit, x = np.floor(x), x - np.floor(x)
        label[(digit == 1) & (label == depth)] = level
    return label


def cells(digits):
    return cantor((np.arange(3**digits) + 0.5) / 3**digits, digits)


@functools.cache
def newton_basins(n=512):
    """Newton's method for the cube roots of 1."""
    x = -1 + (2 * np.arange(n) + 1) / n
    z = x[:, None] * 1j + x
    for _ in range(60):
        z = z - (z**3 - 1) / (3 * z**2)
    return np.abs(z[..., None] - np.exp(2j * np.pi * np.arange(3) / 3)).argmin(-1)


def grebogi(points):
    """The map of Grebogi, McDonald, Ott and Yorke (1983), with the parameters of the paper."""
    theta, x = points.T
    for _ in range(150):
        theta, x = (
            theta + 1.32 * np.sin(2 * theta) - 0.9 * np.sin(4 * theta) - x * np.sin(theta),
            -0.3 * np.cos(theta),
        )
    return (np.cos(theta) > 0).astype(int)


def test_dimension_of_cantor_boundaries():
    """A box of side 3^k holds a piece of the boundary on 2^(n-k+1) - 1 occasions."""
    found = fl.boundary_dimension(cells(9), sizes=[1, 3, 9, 27, 81, 243])
    level = 9 - np.arange(1, 6)
    np.testing.assert_array_equal(found.counts[1:], 2 ** (level + 1) - 1)
    assert found.lower <= CANTOR <= found.upper and abs(found.dimension - CANTOR) < 0.02
    strip = np.repeat(cells(6)[None], 3**6, 0)
    found = fl.boundary_dimension(strip, sizes=[1, 3, 9, 27])
    assert found.lower <= 1 + CANTOR <= found.upper and abs(found.dimension - 1 - CANTOR) < 0.03


@pytest.mark.parametrize("slope", [0.0, 0.37, 1.0, np.inf])
def test_dimension_of_straight_lines_is_one(slope):
    x, y = np.meshgrid(np.linspace(-1, 1, 256), np.linspace(-1, 1, 256))
    side = x > 0.01 if np.isinf(slope) else y > slope * x + 0.01
    found = fl.boundary_dimension(side.astype(int))
    assert found.lower <= 1 <= found.upper and abs(found.dimension - 1) < 0.06
    fit = fl.uncertainty_exponent(side.astype(int))
    assert fit.lower <= 1 <= fit.upper and abs(fit.exponent - 1) < 0.06
    assert fit.dimension[1] <= fit.dimension[0] <= fit.dimension[2]


def test_dimension_in_three_dimensions():
    x, y, z = np.meshgrid(*3 * [np.linspace(-1, 1, 64)], indexing="ij")
    found = fl.boundary_dimension((z > 0.5 * x**2 - 0.3 * y).astype(int))
    assert found.lower <= 2 <= found.upper and abs(found.dimension - 2) < 0.2


def test_uncertainty_exponent_of_cantor_boundaries():
    options = dict(key=jax.random.key(1), radii=3.0 ** -np.arange(5, 13), starts=2_000)
    line = fl.uncertainty_exponent(lambda z: cantor(z[:, 0]), x=(0, 1), **options)
    square = fl.uncertainty_exponent(lambda z: cantor(z[:, 0]), x=(0, 1), y=(0, 1), **options)
    for fit, ambient in ((line, 1), (square, 2)):
        assert fit.ambient == ambient and (fit.trials == 2_000).all()
        assert abs(fit.exponent - (1 - CANTOR)) < 0.03
        assert fit.upper - fit.lower < 0.06
    d, lower, upper = line.dimension
    assert lower < d < upper and abs(d - CANTOR) < 0.03


def test_the_numbers_of_grebogi_mcdonald_ott_and_yorke():
    """Published: alpha about 0.2, so a boundary of dimension 1.8."""
    options = dict(x=(0, 2 * np.pi), y=(-0.5, 0.5), key=jax.random.key(0), starts=2_000)
    fit = fl.uncertainty_exponent(grebogi, **options)
    assert 0.17 < fit.lower < fit.upper < 0.23 and abs(fit.dimension[0] - 1.8) < 0.02


def test_newton_fractal():
    """The boundary between the basins of Newton's method for z^3 = 1 has dimension 1.42."""
    basins = newton_basins()
    assert abs(fl.boundary_dimension(basins).dimension - 1.42) < 0.05
    assert abs(fl.uncertainty_exponent(basins).exponent - 0.58) < 0.05
    # Three basins meet at every point of the boundary (Wada): more than log 2, less than log 3.
    entropy = fl.basin_entropy(basins)
    assert entropy.fractal and math.log(2) < entropy.boundary_entropy < math.log(3)


def test_intervals_of_the_exponent_cover():
    """Of 95% intervals for a smooth boundary at least 94% hold 1, less what 200 draws allow."""

    def curve(z):
        return (z[:, 0] > 0.1 * np.sin(3 * z[:, 1])).astype(int)

    region = dict(x=(-1, 1), y=(-1, 1), starts=400, radii=2.0 ** -np.arange(4, 10))
    fits = [fl.uncertainty_exponent(curve, key=jax.random.key(k), **region) for k in range(200)]
    covered = np.mean([fit.lower <= 1 <= fit.upper for fit in fits])
    assert covered >= 0.94 - 2 * math.sqrt(0.94 * 0.06 / 200)
    assert abs(np.mean([fit.exponent for fit in fits]) - 1) < 0.05


def test_exponent_of_flows():
    """Double well: x = 0 is smooth, and a start is uncertain with a probability known exactly."""
    fit = fl.uncertainty_exponent(
        WELL, x=(-1, 1), y=(-1, 1), key=jax.random.key(0), starts=150, radii=[0.4, 0.1, 0.025]
    )
    assert fit.lower <= 1 <= fit.upper and fit.undecided == 0
    expected = 2 / np.pi * fit.radii
    errors = np.sqrt(expected * (1 - expected) / 150)
    assert np.all(np.abs(fit.fractions - expected) < 4 * errors)
    turned = fl.Plane([0.0, 0.3], [0.6, 0.8], [-0.8, 0.6])
    fit = fl.uncertainty_exponent(
        WELL, plane=turned, x=(-1, 1), y=(-1, 1), key=jax.random.key(0), starts=150,
        radii=[0.4, 0.1, 0.025],
    )  # fmt: skip
    assert fit.lower <= 1 <= fit.upper and fit.ambient == 2


# Basin entropy


def box_entropy(labels):
    shares = np.unique(labels, return_counts=True)[1] / np.size(labels)
    return -sum(p * math.log(p) for p in shares)


def test_basin_entropy_by_hand(rng):
    labels = rng.integers(0, 3, (24, 30)) * (rng.random((24, 30)) < 0.3)
    found = fl.basin_entropy(labels, box=(4, 6))
    entropies = [
        box_entropy(labels[i : i + 4, j : j + 6]) for i in range(0, 24, 4) for j in range(0, 30, 6)
    ]
    assert found.boxes == 30 and found.ignored == 0
    np.testing.assert_allclose(found.entropy, np.mean(entropies), rtol=1e-12)
    boundary = [e for e in entropies if e > 0]
    assert found.boundary_boxes == len(boundary)
    np.testing.assert_allclose(found.boundary_entropy, np.mean(boundary), rtol=1e-12)
    error = np.std(entropies, ddof=1) / math.sqrt(30)
    np.testing.assert_allclose(found.upper - found.lower, 2 * 1.96 * error, rtol=0.15)


def test_basin_entropy_of_known_arrangements():
    half = np.repeat([[0] * 20 + [1] * 20], 40, axis=0)
    smooth = fl.basin_entropy(half, box=8)
    # The line runs through the middle of every third box of a row of five.
    np.testing.assert_allclose(smooth.boundary_entropy, math.log(2), rtol=1e-12)
    np.testing.assert_allclose(smooth.entropy, math.log(2) / 5, rtol=1e-12)
    assert not smooth.fractal
    rng = np.random.default_rng(0)
    mixed = fl.basin_entropy(rng.integers(0, 3, (400, 400)), box=20)
    assert mixed.fractal and abs(mixed.boundary_entropy - math.log(3)) < 0.01
    one = fl.basin_entropy(np.zeros((10, 10), int))
    assert one.entropy == 0 and math.isnan(one.boundary_entropy) and not one.fractal


def test_basin_entropy_of_the_map_of_1983():
    """Attractors.jl tests 0.40 to 0.42 and 0.60 to 0.61 at this resolution and box."""
    axes = np.linspace(0, 2 * np.pi, 300), np.linspace(-0.5, 0.5, 300)
    grid = np.stack(np.meshgrid(*axes), -1)
    found = fl.basin_entropy(grebogi(grid.reshape(-1, 2)).reshape(300, 300), box=6)
    assert 0.40 < found.entropy < 0.42 and 0.60 < found.boundary_entropy < 0.61


# Maps


@pytest.fixture(scope="module")
def mapped():
    """The plane of Theorem 7: cells on the diagonal settle on the saddle."""
    return fl.basin_map(fl.theorem7_plane(3), x=(0, 1), y=(0, 1), resolution=64)


def test_maps_of_a_smooth_boundary(mapped):
    dimension = fl.boundary_dimension(mapped)
    assert dimension.undecided == 64 and dimension.lower <= 1 <= dimension.upper
    assert abs(dimension.dimension - 1) < 0.05
    fit = fl.uncertainty_exponent(mapped, radii=[1, 2, 4])
    assert fit.lower <= 1 <= fit.upper and abs(fit.exponent - 1) < 0.05
    entropy = fl.basin_entropy(mapped, box=4)
    # A box of the diagonal has 6 cells on either side; the 4 between them are neither's.
    np.testing.assert_allclose(entropy.boundary_entropy, math.log(2), rtol=1e-12)
    assert entropy.boundary_boxes == 16 and entropy.undecided == 64 and not entropy.fractal


def test_symmetric_images_and_escape_are_basins_of_their_own(mapped):
    """For K = 2 both sides flow to one orbit; where labels say nothing, outcomes do."""
    same = mapped.copy()
    upper = (mapped.y > mapped.x).values
    sink = mapped.label.values[0, -1]
    same["label"] = xr.where(mapped.label >= 0, sink, -1).drop_attrs()
    same["image"] = (("y", "x"), upper.astype(int))
    np.testing.assert_allclose(fl.basin_entropy(same, box=4).boundary_boxes, 16)
    escaped = mapped.copy()
    escaped["outcome"] = (("y", "x"), np.where(upper, int(fl.Outcome.escaped), 0))
    assert fl.basin_entropy(escaped, box=4).boundary_boxes == 16


def test_measure_messages():
    with pytest.raises(ValueError, match="what `basin_map` returned, or an array of integers"):
        fl.boundary_dimension(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="the dataset lacks"):
        fl.basin_entropy(xr.Dataset())
    with pytest.raises(ValueError, match="shows no boundary"):
        fl.boundary_dimension(np.zeros((64, 64), int))
    with pytest.raises(ValueError, match="each a multiple of the one before"):
        fl.boundary_dimension(newton_basins(), sizes=[2, 3, 4])
    with pytest.raises(ValueError, match="box is 65"):
        fl.basin_entropy(np.zeros((64, 64), int), box=65)
    with pytest.raises(ValueError, match="no cell of the map belongs to a basin"):
        fl.basin_entropy(np.full((8, 8), -1))
    with pytest.raises(ValueError, match="level is 95"):
        fl.basin_entropy(newton_basins(), level=95)
    with pytest.raises(ValueError, match="leave out x, y, plane and key"):
        fl.uncertainty_exponent(newton_basins(), x=(0, 1))
    with pytest.raises(ValueError, match="pass the region"):
        fl.uncertainty_exponent(grebogi)
    square = dict(x=(0, 1), y=(0, 1), key=jax.random.key(0))
    with pytest.raises(ValueError, match="no slope can be fitted"):
        fl.uncertainty_exponent(lambda z: np.zeros(len(z), int), **square)
    with pytest.raises(ValueError, match="an integer for each"):
        fl.uncertainty_exponent(lambda z: z, **square)
    with pytest.raises(ValueError, match="pass a `Plane"):
        fl.uncertainty_exponent(zoo.double_wells(3), **square)
