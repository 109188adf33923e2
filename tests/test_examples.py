"""The examples run as people run them, and what they write is right."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import networkx as nx
import numpy as np
import pytest
import xarray as xr

import flowlab as fl

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# Rates and losses from closed forms and from published numbers, not from flowlab.
RATES = {2: 0.595913021681106, 5: 1.549160206328987}
TYPE_A_K3 = 0.0241236637049975
DIAGONAL_K5 = 0.780076497251752
LOSSES_K2_D3 = [0.0, 0.0736129325276493, 0.0861788163576621, 0.0885119366328834, 0.6568218228166741]

pytestmark = pytest.mark.slow


def run(name: str, out: Path) -> str:
    """Run an example in its fast form, in a process of its own, and return what it prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), "--fast"]
    done = subprocess.run(
        [*command, "--out", str(out)],
        cwd=out,
        text=True,
        capture_output=True,
        timeout=600,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "…" not in done.stdout, "a table is cut off on a screen of 80 columns"
    return done.stdout


def assert_picture(path: Path) -> None:
    """A picture is there, large enough for a page, and not blank."""
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[1] >= 1500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 100


def test_every_example_is_in_the_index_and_explains_itself():
    index = (EXAMPLES / "README.md").read_text("utf-8")
    names = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert names
    for name in names:
        assert f"({name})" in index
        assert (EXAMPLES / name).read_text("utf-8").startswith(('"""', 'r"""'))


def test_ssb_branching(tmp_path):
    printed = run("ssb_branching", tmp_path)
    with open(tmp_path / "ssb_branching.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 6
    for students, rate in RATES.items():
        for side in ("up", "down"):
            here = [r for r in rows if (int(r["students"]), r["side"]) == (students, side)]
            eps = np.array([float(row["eps"]) for row in here])
            times = np.array([float(row["departure_time"]) for row in here])
            arrivals = np.array([float(row["arrival_time"]) for row in here])
            np.testing.assert_allclose(eps, 10.0 ** -np.arange(2, 13, 2))
            # A hundredth of the nudge costs ln(100)/rate; the remainder is of the order of eps.
            np.testing.assert_allclose(np.diff(times)[1:], np.log(100) / rate, rtol=2e-4)
            np.testing.assert_allclose(np.diff(arrivals)[2:], np.log(100) / rate, rtol=2e-3)
            for name, tolerance in {"kappa": 1e-14, "kappa_measured": 1e-4}.items():
                values = [float(row[name]) for row in here]
                np.testing.assert_allclose(values, rate, rtol=tolerance)
            # Two students divide two teachers; of five, four stay together on a saddle.
            index = {2: "0", 5: "12"}[students]
            assert {row["index"] for row in here} == {index}
            if students == 2:
                assert all(abs(float(row["loss"])) < 1e-14 for row in here)
    assert len(re.findall(r"25 of 25 +25 of 25", printed)) == 2
    assert re.search(r"random +global minimum .* 32 of 32", printed)
    assert_picture(tmp_path / "ssb_branching.png")


def test_ssb_diagram(tmp_path):
    printed = run("ssb_diagram", tmp_path)
    for students in (2, 3):
        # Theorem 7's saddle at the right angle, and a closed form for where it turns aside.
        branch = fl.Branch.from_json(tmp_path / f"ssb_symmetric_{students}.json")
        at = int(np.argmin(np.abs(branch.parameter - np.pi / 2)))
        assert abs(branch.parameter[at] - np.pi / 2) < 1e-12
        K, root = students, (students - 1) ** 0.5
        x = (root + np.pi - np.arccos(K**-0.5)) / (np.pi * K)
        exact = (K / 2 + K * (K - 1) / (2 * np.pi)) / 2 - K**3 * x**2 / 4
        assert abs(branch.loss[at] - exact) < 1e-12 and branch.index[at] == (K - 1) ** 2
        assert abs(branch.eigenvalues[at, 0] + K / (2 * np.pi * x * root)) < 1e-12
    assert re.findall(r"aside at ([0-9.]+); closed form ([0-9.]+)", printed)
    for found, expected in re.findall(r"aside at ([0-9.]+); closed form ([0-9.]+)", printed):
        assert abs(float(found) - float(expected)) < 1e-9
    with open(tmp_path / "ssb_shares.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (2 + 6) and {row["kind"] for row in rows} == {"global minimum"}
    # The perturbation has the symmetry: each of K! images has 1/K!. Of 16 intervals at 95%, 13 or
    # more hold with probability 0.999.
    shares = {"2": 1 / 2, "3": 1 / 6}
    held = [float(r["lower"]) < shares[r["K"]] < float(r["upper"]) for r in rows]
    assert sum(held) >= 13
    assert_picture(tmp_path / "ssb_diagram.png")


def test_basin_map(tmp_path):
    run("basin_map", tmp_path)
    plane = xr.load_dataset(tmp_path / "plane_k5.nc")
    points = json.loads(plane.attrs["points"])
    x, y = np.meshgrid(plane.x, plane.y)
    loss = np.array([point["loss"] for point in points])[plane.label]
    assert (plane.outcome == fl.Outcome.settled).all()
    # Theorem 7: the boundary is the diagonal; its positive half flows to the saddle x*.
    np.testing.assert_array_equal(np.abs(loss) < 1e-12, x > y)
    np.testing.assert_array_equal(np.abs(loss - DIAGONAL_K5) < 1e-12, (x == y) & (x > 0))
    for point in points:
        assert np.shape(point["location"]) == (5, 5)

    potential = xr.load_dataset(tmp_path / "muller_brown.nc")
    points = json.loads(potential.attrs["points"])
    reached = {round(points[label]["loss"], 6) for label in np.unique(potential.label)}
    assert reached == {-146.699517, -108.166724, -80.767818}
    for point in points:
        if point["kind"] == "minimum":
            place = dict(zip("xy", point["location"], strict=True))
            cell = potential.label.sel(place, method="nearest")
            assert points[int(cell)]["id"] == point["id"]

    cut = xr.load_dataset(tmp_path / "slice_k3.nc")
    points = json.loads(cut.attrs["points"])
    s, t = np.meshgrid(cut.s, cut.t)
    loss = np.array([point["loss"] for point in points])[cut.label]
    saddle = np.abs(loss - TYPE_A_K3) < 1e-12
    assert (saddle | (np.abs(loss) < 1e-12)).all()
    assert saddle.any() and (s[saddle] == t[saddle]).all()
    # Exchanging students 1 and 3 and axes 1 and 3 exchanges s and t.
    np.testing.assert_array_equal(saddle, saddle.T)
    images = np.array(json.loads(cut.attrs["images"]))[cut.image]
    teachers = {(0, 0): "identity", (1, 0): "students (1 2)", (0, 1): "students (2 3)"}
    for place, image in teachers.items():
        number = np.argmin((s - place[0]) ** 2 + (t - place[1]) ** 2)
        assert images.reshape(-1)[number] == image
    assert_picture(tmp_path / "basin_map.png")


def test_export_catalog(tmp_path):
    printed = run("export_catalog", tmp_path)
    folder = tmp_path / "k2_d3"
    catalog = fl.Catalog.from_json(folder / "catalog.json")
    np.testing.assert_allclose([p.loss for p in catalog], LOSSES_K2_D3, rtol=0, atol=1e-12)
    assert [point.index for point in catalog] == [0, 1, 2, 2, 4]
    assert [point.nullity for point in catalog] == [0, 0, 0, 1, 1]
    assert [point.orbit_size for point in catalog][:3] == [2, 2, 2]
    assert catalog.connections
    with open(folder / "points.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [point.id for point in catalog]
    assert [float(row["loss"]) for row in rows] == [point.loss for point in catalog]
    graph = nx.read_graphml(folder / "landscape.graphml")
    assert {data["point"] for _, data in graph.nodes(data=True)} == {p.id for p in catalog}
    for source, target, data in graph.edges(data=True):
        drop = graph.nodes[source]["loss"] - graph.nodes[target]["loss"]
        assert data["loss_drop"] == pytest.approx(drop, abs=1e-12)
        assert drop > 0
    assert printed.count(": refused") == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k2_d3"]
    assert "Everything read back as it was written." in printed


def test_spurious_minima(tmp_path):
    printed = run("spurious_minima", tmp_path)
    assert "K = 5: no spurious minimum" in printed
    with open(tmp_path / "spurious_minima.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # Losses and smallest eigenvalues of types II and A at K = 6 as published, and 6!² / 5! and 6!.
    expected = [
        ("ΔS_5", 0.025080581002, 0.004700355, 4320),
        ("ΔS_6", 0.055668581322, 0.001503652, 720),
    ]
    for row, (name, loss, smallest, images) in zip(rows, expected, strict=True):
        assert row["isotropy"] == name and int(row["images"]) == images
        assert abs(float(row["loss"]) - loss) < 1e-11
        assert abs(float(row["smallest eigenvalue"]) - smallest) < 1e-8
        # 0.34% of 10,000 starts ended in type II, none of 5,000 in type A.
        assert float(row["lower"]) < 0.0034 and int(row["starts"]) == 300
    assert_picture(tmp_path / "spurious_minima.png")
