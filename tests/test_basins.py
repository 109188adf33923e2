"""Basin maps and Theorem 7: on x > y everything flows to the teacher."""

import json

import numpy as np
import pytest
import xarray as xr

from flowlab import Outcome, Plane, basin_map, settle
from flowlab.fields import restrict, theorem7_plane, zoo

RESOLUTION = 12
PLANES = {K: theorem7_plane(K) for K in (2, 3, 5, 10)}
FIELDS = {K: plane.field for K, plane in PLANES.items()}
WELLS = zoo.double_wells(3)


def directions(K):
    return np.eye(K), 1 - np.eye(K)


def x_star(K):
    return (np.sqrt(K - 1) + np.pi - np.arccos(1 / np.sqrt(K))) / (np.pi * K)


def starts_below_the_diagonal(count):
    """Uniform on 0 < y < x <= 1."""
    z = 1 - np.random.default_rng(7).random((count, 2))
    return np.sort(z, axis=1)[:, ::-1].copy()


@pytest.fixture(scope="module")
def mapped():
    """Maps of the unit square by K; the cells on the diagonal have x == y to the bit."""
    return {K: basin_map(PLANES[K], x=(0, 1), y=(0, 1), resolution=RESOLUTION) for K in (2, 3, 5)}


def points_of(basins):
    return json.loads(basins.attrs["points"])


# Theorem 7


@pytest.mark.parametrize("K", PLANES)
def test_theorem_7_on_the_plane(K):
    z = starts_below_the_diagonal(300)
    for part in (z[:150], z[150:]):
        ensemble = settle(PLANES[K], part)
        assert ensemble.counts == {"settled": 150}
        assert len(ensemble.catalog) == 1 and set(ensemble.point) == {0}
        np.testing.assert_allclose(ensemble.state, [[1.0, 0.0]] * 150, rtol=0, atol=1e-12)


FULL = [2, 3, *(pytest.param(K, marks=pytest.mark.slow) for K in (5, 10))]


@pytest.mark.parametrize("K", FULL)
def test_theorem_7_in_the_full_space(K):
    first, second = directions(K)
    for z in np.split(starts_below_the_diagonal(300), 2):
        starts = z[:, :1, None] * first + z[:, 1:, None] * second
        ensemble = settle(FIELDS[K], starts)
        assert ensemble.counts == {"settled": len(z)}
        np.testing.assert_allclose(ensemble.state, np.tile(first, (len(z), 1, 1)), atol=1e-11)
        assert [p.kind for p in ensemble.catalog] == ["global minimum"]
        assert len(ensemble.images) == 1


def test_theorem_7_diagonal_in_the_full_space():
    for K in (2, 3):
        x = np.linspace(0.02, 1, 20)
        ensemble = settle(FIELDS[K], x[:, None, None] * np.ones((K, K)))
        assert ensemble.counts == {"settled": 20} and len(ensemble.catalog) == 1
        point = ensemble.catalog[0]
        assert (point.kind, point.index, point.nullity) == ("saddle", (K - 1) ** 2, K - 1)
        np.testing.assert_allclose(ensemble.state, x_star(K), rtol=0, atol=1e-8)


# Maps


@pytest.mark.parametrize("K", [2, 3, 5])
def test_labels_on_either_side_of_the_diagonal(mapped, K):
    basins, points = mapped[K], points_of(mapped[K])
    x, y = np.meshgrid(basins.x, basins.y)
    assert (x == y).sum() == RESOLUTION
    place = np.array([point["location"] for point in points])
    label, image = basins.label.values, basins.image.values
    upper, lower = (
        {(a, b) for a, b in zip(label[x > y], image[x > y], strict=True)},
        {(a, b) for a, b in zip(label[x < y], image[x < y], strict=True)},
    )
    # One basin on each side; for K = 2 they are images of one another.
    assert len(upper) == len(lower) == 1 and upper.isdisjoint(lower)
    (one, _), (other, _) = upper.pop(), lower.pop()
    assert (one == other) == (K == 2)
    if K > 2:
        np.testing.assert_allclose(place[one], [1, 0], rtol=0, atol=1e-12)
        assert place[other][1] > place[other][0]
    (saddle,) = set(label[x == y])
    np.testing.assert_allclose(place[saddle], x_star(K), rtol=0, atol=1e-10)
    assert points[saddle]["kind"] == "saddle" and points[one]["kind"] == "sink node"
    assert np.all(basins.outcome == Outcome.settled) and np.all(basins.settling_time > 0)


@pytest.mark.parametrize("K", [2, 3, 5])
def test_dimensions_and_flags(mapped, K):
    basins = mapped[K]
    assert basins.label.dims == ("y", "x") and basins.sizes == {"y": RESOLUTION, "x": RESOLUTION}
    centres = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    np.testing.assert_allclose(basins.x, centres, rtol=1e-15)
    for name in ("label", "image", "outcome"):
        values, words = basins[name].attrs["flag_values"], basins[name].attrs["flag_meanings"]
        assert len(values) == len(words.split()) == len(set(words.split()))
        assert set(np.unique(basins[name])) <= set(values.tolist())
    meanings = basins.label.attrs["flag_meanings"].split()
    points = points_of(basins)
    assert meanings[0] == "none" and basins.label.attrs["flag_values"][0] == -1
    for meaning, point in zip(meanings[1:], points, strict=True):
        assert meaning == f"{point['id']}_{point['kind'].replace(' ', '_')}"
    images = json.loads(basins.attrs["images"])
    assert len(images) == len(basins.image.attrs["flag_values"]) - 1
    outcomes = basins.outcome.attrs["flag_meanings"].split()
    assert outcomes == list(Outcome.__members__)
    assert json.loads(basins.attrs["field"])["students"] == K
    assert json.loads(basins.attrs["provenance"])


def test_rectangular_map_has_the_second_coordinate_first():
    basins = basin_map(PLANES[3], x=(0, 1), y=(0.5, 2.0), resolution=(4, 6))
    assert basins.label.shape == (6, 4) and basins.label.dims == ("y", "x")
    np.testing.assert_allclose(basins.x, [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(basins.y, 0.625 + 0.25 * np.arange(6))
    # Only the corner x = 0.875, y = 0.625 and its neighbours lie below the diagonal.
    x, y = np.meshgrid(basins.x, basins.y)
    teacher = [p["kind"] == "sink node" and p["location"][0] > 0.9 for p in points_of(basins)]
    np.testing.assert_array_equal(np.array(teacher)[basins.label], x > y)


@pytest.mark.parametrize("K", [2, 3])
def test_netcdf_round_trip(mapped, K, tmp_path):
    path = tmp_path / "basins.nc"
    mapped[K].to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as again:
        again.load()
    xr.testing.assert_identical(again, mapped[K])
    for name in mapped[K].variables:
        assert again[name].dtype == mapped[K][name].dtype
        for attribute, value in mapped[K][name].attrs.items():
            np.testing.assert_array_equal(again[name].attrs[attribute], value)
    assert again.attrs == mapped[K].attrs


def same_partition(one, other):
    """Whether two label arrays agree up to the numbers they use."""
    pairs = {(int(a), int(b)) for a, b in zip(np.ravel(one), np.ravel(other), strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def pairs(basins):
    return basins.label.values * 100 + basins.image.values


def test_plane_through_the_full_field_gives_the_same_map(mapped):
    for K in (2, 3):
        plane = Plane(np.zeros((K, K)), *directions(K), coordinates=("x", "y"))
        through = basin_map(FIELDS[K], plane=plane, x=(0, 1), y=(0, 1), resolution=RESOLUTION)
        assert through.label.dims == ("y", "x")
        assert same_partition(pairs(through), pairs(mapped[K]))
        # `full` names the plane's basins by the same points of the full field.
        named = basin_map(PLANES[K], x=(0, 1), y=(0, 1), resolution=RESOLUTION, full=True)
        assert same_partition(pairs(named), pairs(through))
        known = {p["kind"]: p["loss"] for p in points_of(through)}
        assert {p["kind"]: p["loss"] for p in points_of(named)} == pytest.approx(known, abs=1e-12)
        for full in (named, through):
            kinds = np.array([p["kind"] for p in points_of(full)])
            x, y = np.meshgrid(full.x, full.y)
            assert set(kinds[full.label.values[x > y]]) == {"global minimum"}
            assert set(kinds[full.label.values[x == y]]) == {"saddle"}
            # Across the diagonal: the exchanged teacher for K = 2, the type A saddle for K = 3.
            other = "global minimum" if K == 2 else "saddle"
            assert set(kinds[full.label.values[x < y]]) == {other}
            assert np.shape(points_of(full)[0]["location"]) == (K, K)


@pytest.mark.slow
def test_restricted_field_gives_the_same_map(mapped):
    plane = restrict(FIELDS[3], np.stack(directions(3)), coordinates=("x", "y"))
    basins = basin_map(plane, x=(0, 1), y=(0, 1), resolution=RESOLUTION)
    assert same_partition(pairs(basins), pairs(mapped[3]))


def test_each_octant_is_one_basin(rng):
    signs = np.array(np.meshgrid(*3 * [[-1.0, 1.0]])).reshape(3, -1).T
    starts = (signs[:, None] * rng.uniform(1e-3, 2, (8, 20, 3))).reshape(-1, 3)
    ensemble = settle(WELLS, starts)
    assert ensemble.counts == {"settled": 160} and len(ensemble.catalog) == 1
    assert ensemble.catalog[0].orbit_size == 8
    np.testing.assert_allclose(ensemble.state, np.sign(starts), rtol=0, atol=1e-12)
    labels = ensemble.image.reshape(8, 20)
    assert np.all(labels == labels[:, :1]) and len(set(labels[:, 0])) == 8


def test_slice_through_the_wells():
    plane = Plane.through([0.0, 0, 0.5], [1.0, 0, 0.5], [0.0, 1, 0.5], coordinates=("a", "b"))
    basins = basin_map(WELLS, plane=plane, x=(-2, 2), y=(-2, 2), resolution=9)
    a, b = np.meshgrid(basins.a, basins.b)
    quadrant = np.sign(a) * 3 + np.sign(b)
    # Nine parts: four minima, four saddles on the axes, one at the centre.
    assert same_partition(pairs(basins), quadrant) and len(np.unique(quadrant)) == 9
    index = np.array([p["index"] for p in points_of(basins)])[basins.label]
    np.testing.assert_array_equal(index, (a == 0).astype(int) + (b == 0))


def test_catalog_keeps_labels_between_maps():
    known = settle(PLANES[3], np.array([[0.2, 0.2], [0.1, 0.9], [0.9, 0.1]])).catalog
    for ends in ((0, 1), (0.5, 1)):
        basins = basin_map(PLANES[3], x=ends, y=(0, 0.4), resolution=4, catalog=known)
        assert [p["id"] for p in points_of(basins)] == [p.id for p in known]


# Planes and messages


def test_plane_lift_and_project(rng):
    origin, u, v = rng.normal(size=(3, 2, 3))
    plane = Plane(origin, u, v)
    z = rng.normal(size=(5, 4, 2))
    states = plane.lift(z)
    assert states.shape == (5, 4, 2, 3)
    np.testing.assert_allclose(states[1, 2], origin + z[1, 2, 0] * u + z[1, 2, 1] * v, rtol=1e-12)
    np.testing.assert_allclose(plane.project(states[1, 2]), z[1, 2], rtol=1e-10)
    assert plane.distance(states[1, 2]) < 1e-12
    normal = np.linalg.svd(np.stack([u.ravel(), v.ravel()]))[2][-1].reshape(2, 3)
    assert abs(plane.distance(states[1, 2] + 3 * normal) - 3) < 1e-12
    np.testing.assert_allclose(plane.direction(2 * u - v + normal), [2, -1], rtol=1e-10)
    through = Plane.through(origin, origin + u, origin + v)
    np.testing.assert_allclose(through.lift(z), states, rtol=1e-12, atol=1e-12)


def test_messages():
    with pytest.raises(ValueError, match="parallel or zero"):
        Plane(np.zeros(3), np.ones(3), 2 * np.ones(3))
    with pytest.raises(ValueError, match="needed: one shape"):
        Plane(np.zeros(3), np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="two different names"):
        Plane(np.zeros(2), [1, 0], [0, 1], coordinates=("x", "x"))
    square = dict(x=(0, 1), y=(0, 1), resolution=2)
    with pytest.raises(ValueError, match="which plane"):
        basin_map(WELLS, **square)
    with pytest.raises(ValueError, match=r"plane lies in states of shape \(2,\)"):
        basin_map(WELLS, plane=Plane([0, 0], [1, 0], [0, 1]), **square)
    with pytest.raises(ValueError, match="full=True needs a restricted field"):
        basin_map(zoo.double_well(), full=True, **square)
    with pytest.raises(ValueError, match="x is .*lower < upper"):
        basin_map(PLANES[2], x=(1, 0), y=(0, 1))
    with pytest.raises(ValueError, match="y is .*finite"):
        basin_map(PLANES[2], x=(0, 1), y=(0, np.inf))
    with pytest.raises(ValueError, match="positive whole number of cells"):
        basin_map(PLANES[2], x=(0, 1), y=(0, 1), resolution=0)
