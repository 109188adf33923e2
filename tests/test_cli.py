"""The command line as people meet it: what it prints, what it writes, how it refuses."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import networkx as nx
import numpy as np
import pytest
import xarray as xr

import flowlab as fl
from flowlab.catalog import provenance

FILES = ["basins.nc", "basins.png", "catalog.json", "landscape.graphml", "landscape.png",
         "portrait.png"]  # fmt: skip
LOSSES_K2 = [0.0, 0.0861788163576621, 0.0885119366328834, 0.6568218228166741]


def words(text: str) -> str:
    """The text without the boxes and line breaks that a parser's message has on a terminal."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


# What starts a run


def test_version_and_help(flowlab):
    assert flowlab("--version") == (0, f"flowlab {version('flowlab')}\n", "")
    status, printed, _ = flowlab("--help")
    assert status == 0
    for command in ("map", "basins", "fractions", "catalog", "paper"):
        assert re.search(rf"│ {command} ", printed)
    status, printed, _ = flowlab("map", "--help")
    for option in "students teacher dim system starts seed resolution out".split():
        assert f"--{option} " in printed


def test_help_needs_nothing_heavy():
    heavy = "{'jax', 'numpy', 'matplotlib', 'xarray', 'networkx', 'rich.progress'}"
    code = f"import flowlab.cli, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "flowlab", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"flowlab {version('flowlab')}\n"


# flowlab map


def test_map_of_a_known_system(flowlab, tmp_path):
    out = tmp_path / "new" / "folder"
    status, printed, complaint = flowlab(
        "map", "--system", "double-well", "--starts", 30, "--resolution", 12, "--out", out
    )
    assert (status, complaint) == (0, "")
    assert "The system double_well." in printed
    assert sorted(path.name for path in out.iterdir()) == FILES
    for name in FILES:
        assert f"  {out / name}\n" in printed
    catalog = fl.Catalog.from_json(out / "catalog.json")
    assert [point.kind for point in catalog] == [*2 * ["global minimum"], "saddle"]
    assert "p3 -> p1 (1 image), p2 (1 image)" in printed
    counts = {name: int(n) for name, n in re.findall(r"  (p\d): (\d+) of 144", printed)}
    assert sum(counts.values()) == 144 and counts["p1"] == counts["p2"] == 72
    with xr.open_dataset(out / "basins.nc", engine="h5netcdf") as basins:
        assert [int((basins.label == n).sum()) for n in range(2)] == [72, 72]
    graph = nx.read_graphml(out / "landscape.graphml")
    assert sorted(graph) == ["p1", "p2", "p3"] and graph.number_of_edges() == 2

    status, shown, complaint = flowlab("catalog", "show", out / "catalog.json")
    assert (status, complaint) == (0, "")
    table = printed[printed.index("Critical points") : printed.index("Cells of the plane")]
    assert shown.startswith(table)
    assert f"double_well of shape (2,); made {catalog.provenance['date']} by flowlab" in shown


@pytest.mark.slow
def test_map_of_two_students(flowlab, tmp_path):
    status, printed, _ = flowlab(
        "map", "--students", 2, "--starts", 200, "--resolution", 20, "--out", tmp_path
    )
    assert status == 0
    assert "Student network of 2 ReLUs on a teacher of 2, inputs N(0, I) in 2" in printed
    assert "…" not in printed, "the table is cut off on a screen of 80 columns"
    catalog = fl.Catalog.from_json(tmp_path / "catalog.json")
    np.testing.assert_allclose([p.loss for p in catalog], LOSSES_K2, rtol=0, atol=1e-12)
    assert all(point.residual <= 1e-12 for point in catalog)
    for loss in LOSSES_K2[1:]:
        assert f"{loss:.9f}" in printed
    # The diagonal flows to the saddle of Theorem 7; its part below 0, two cells, to the other one.
    for count in ("p1: 380 of 400", "p3: 18 of 400", "p4: 2 of 400"):
        assert count in printed
    # One node for each image; Theorem 7's saddle has both teachers below it, one on each side.
    graph = nx.read_graphml(tmp_path / "landscape.graphml", force_multigraph=True)
    assert {"p1", "p1 students (1 2)", "p3"} <= set(graph)
    below = {(target, data["side"]) for _, target, data in graph.out_edges("p3", data=True)}
    assert {target for target, _ in below} == {"p1", "p1 students (1 2)"}
    assert {side for _, side in below} == {1, -1} and len(below) == 2


@pytest.mark.slow
def test_map_of_a_teacher_from_a_file(flowlab, tmp_path):
    teacher = tmp_path / "teacher.npy"
    np.save(teacher, [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    status, printed, _ = flowlab(
        "map", "--teacher", teacher, "--starts", 60, "--resolution", 8, "--out", tmp_path
    )
    assert status == 0
    assert "Student network of 2 ReLUs on a teacher of 2, inputs N(0, I) in 3" in printed
    catalog = fl.Catalog.from_json(tmp_path / "catalog.json")
    np.testing.assert_array_equal(catalog.field().teacher, np.load(teacher))
    assert catalog[0].kind == "global minimum"


def test_nothing_found_is_a_failure(flowlab, tmp_path):
    status, _, complaint = flowlab(
        "map", "--system", "saddle_node_ghost", "--starts", 20, "--out", tmp_path
    )
    assert status == 1
    assert complaint.startswith("Failed: no critical point was found from 20 starts")
    assert list(tmp_path.iterdir()) == []


# What is refused

MAP = {
    # The parser's own words differ between versions of Typer.
    "no students": (("--students", 0), "'--students'"),
    "half a student": (("--students", 2.5), "'--students'"),
    "negative starts": (("--starts", -5), "'--starts'"),
    "no cells": (("--resolution", 0), "'--resolution'"),
    "a word as seed": (("--seed", "x"), "'--seed'"),
    "negative seed": (("--seed", -1), "'--seed'"),
    "unknown option": (("--student", 2), "No such option: --student"),
    "too few dimensions": (("--students", 3, "--dim", 2), "--dim is 2, but 3 orthonormal teachers"),
    "a line": (("--students", 1), "no plane to map: pass --dim 2"),
    "unknown system": (("--system", "lorenz"), "the zoo has no 'lorenz'; it has double_well, "),
    "two fields": (("--system", "duffing", "--students", 2), "--students describes a student"),
    "a parameter of another": (
        ("--system", "duffing", "--set", "mu=1"),
        "duffing has no parameter 'mu'; its parameters: damping. Give",
    ),
    "a parameter that does not fit": (
        ("--system", "double_wells", "--set", "n=2.5"),
        "--system double_wells: n is 2.5; needed: the number of double wells",
    ),
    "a parameter without value": (
        ("--system", "duffing", "--set", "damping"),
        "--set damping: needed: NAME=VALUE",
    ),
    "a word as parameter": (
        ("--system", "duffing", "--set", "damping=much"),
        "--set damping=much: 'much' is no number",
    ),
    "a parameter twice": (
        ("--system", "duffing", "--set", "damping=1", "--set", "damping=2"),
        "--set damping=2: damping was set before",
    ),
    "a parameter of a network": (("--set", "n=2"), "--set n=2 sets a parameter of a system"),
    "dimension twice": (("--teacher", "{good}", "--dim", 3), "a file has its own dimension"),
    "no such teacher": (("--teacher", "no.npy"), "--teacher no.npy: no such file. Needed: 'ortho"),
    "a folder": (
        ("--teacher", "{tmp}"),
        "cannot be read as a .npy file of numbers: Is a directory",
    ),
    "an empty file": (("--teacher", "{empty}"), ".npy file of numbers: it is something else"),
    "a text file": (("--teacher", "{text}"), ".npy file of numbers: it is something else"),
    "half a file": (("--teacher", "{half}"), "cannot be read as a .npy file of numbers"),
    "no rows": (("--teacher", "{bare}"), "teacher has shape (0, 3); needed: (M, d), at least 1"),
    "complex": (("--teacher", "{complex}"), "holds complex128; needed: real numbers, (M, d)"),
    "objects": (("--teacher", "{objects}"), "Object arrays cannot be loaded"),
    "words": (("--teacher", "{words}"), "holds <U1; needed: real numbers"),
    "one row": (("--teacher", "{flat}"), "teacher has shape (3,); needed: (M, d)"),
    "a zero teacher": (("--teacher", "{zero}"), "teacher has a zero row (number 2)"),
    "a teacher of NaN": (("--teacher", "{nan}"), "teacher has entries that are NaN or infinite"),
    "a file as folder": (("--out", "{text}"), "cannot be made a directory: File exists."),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("files")
    arrays = {
        "good": np.eye(2),
        "objects": np.array([{}], object),
        "bare": np.ones((0, 3)),
        "complex": np.eye(2) * 1j,
        "words": np.array([["a", "b"]]),
        "flat": np.ones(3),
        "zero": np.array([[1.0, 0.0], [0.0, 0.0]]),
        "nan": np.array([[1.0, np.nan]]),
    }
    for name, array in arrays.items():
        np.save(tmp / f"{name}.npy", array)
    (tmp / "empty.npy").touch()
    (tmp / "text.npy").write_text("1.0 0.0\n0.0 1.0\n")
    (tmp / "half.npy").write_bytes((tmp / "good.npy").read_bytes()[:-8])
    names = [*arrays, "empty", "text", "half"]
    return {"tmp": str(tmp)} | {name: str(tmp / f"{name}.npy") for name in names}


@pytest.mark.parametrize("case", MAP)
def test_map_refuses(flowlab, files, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, complaint = MAP[case]
    status, printed, said = flowlab("map", *(str(a).format(**files) for a in arguments))
    assert (status, printed) == (2, "")
    assert complaint.format(**files) in words(said)
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_map_refuses_a_folder_that_takes_no_files(flowlab, monkeypatch, tmp_path):
    def refuse(**options):
        raise PermissionError(13, "Permission denied", str(options["dir"]))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    status, _, said = flowlab("map", "--out", tmp_path)
    assert status == 2 and f"--out {tmp_path} does not take files: Permission denied." in words(
        said
    )


def test_a_disk_that_fills_up_is_a_failure(flowlab, monkeypatch, tmp_path):
    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flowlab.catalog._formats.write_atomically", fill)
    status, _, said = flowlab(
        "map", "--system", "double_well", "--starts", 30, "--resolution", 4, "--out", tmp_path
    )
    assert (status, said) == (1, "Failed: No space left on device\n")


# flowlab fractions


def test_fractions_of_a_known_system(flowlab, tmp_path):
    """Uniform on [-1, 3]²: three quarters of the starts have x > 0."""
    out = tmp_path / "new" / "fractions.json"
    arguments = ["fractions", "--system", "double_well", "--low", -1, "--high", 3, "--starts", 400]
    status, printed, complaint = flowlab(*arguments, "--confidence", 0.999, "--out", out)
    assert (status, complaint) == (0, "")
    assert "400 starts from Box(lower=-1, upper=3)" in printed
    assert printed.endswith(f"Written:\n  {out}\n") and "…" not in printed
    data = json.loads(out.read_text(encoding="utf-8"))
    more, fewer = data["fractions"]
    assert more["hits"] + fewer["hits"] == data["starts"] == 400
    assert more["lower"] < 3 / 4 < more["upper"] and fewer["lower"] < 1 / 4 < fewer["upper"]
    locations = {point["id"]: point["location"] for point in data["points"]}
    np.testing.assert_allclose(locations[more["point"]], [1, 0], rtol=0, atol=1e-12)
    assert f"{more['hits']}  1/1" in printed
    # The same starts again, by a rule that would stop there.
    _, again, _ = flowlab(*arguments[:-2], "--half-width", 0.06, "--max-starts", 400)
    assert "Half-width 0.06 reached at look" in " ".join(again.split())


FRACTIONS = {
    "both rules": (("--starts", 10, "--half-width", 0.1), "--half-width lets the data decide"),
    "a cap on a number": (
        ("--starts", 10, "--max-starts", 20),
        "--max-starts lets the data decide",
    ),
    "too wide": (("--half-width", 0.7), "--half-width is 0.7; needed: a number between 0 and 0.5"),
    "too sure": (("--confidence", 95), "--confidence is 95; needed: a probability"),
    "no starts": (("--starts", 0), "'--starts'"),
    "unknown law": (("--sampler", "cauchy"), "--sampler is 'cauchy'; needed: normal, ball, box"),
    "a law without its width": (("--sampler", "normal"), "a normal sampler needs --std"),
    "half a box": (("--low", 0), "a box sampler needs --high"),
    "two laws": (("--std", 1, "--radius", 2), "--radius does not go with a normal sampler"),
    "a negative width": (("--std", -1), "std is -1.0; needed"),
    "an empty box": (("--low", 1, "--high", 0), "the box is empty"),
    "two fields": (("--system", "duffing", "--dim", 2), "--dim describes a student network"),
    "a folder": (("--out", "{tmp}"), "is a directory; needed: a file"),
}


@pytest.mark.parametrize("case", FRACTIONS)
def test_fractions_refuses(flowlab, files, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, complaint = FRACTIONS[case]
    status, printed, said = flowlab("fractions", *(str(a).format(**files) for a in arguments))
    assert (status, printed) == (2, "")
    assert complaint in words(said) and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_fractions_refuses_the_store_of_another_job(flowlab, tmp_path):
    pytest.importorskip("zarr")
    arguments = ["fractions", "--system", "double_well", "--starts", 5, "--store", tmp_path / "job"]
    assert flowlab(*arguments)[0] == 0
    status, printed, _ = flowlab(*arguments)
    assert status == 0 and "5 starts" in printed
    status, _, said = flowlab(*arguments, "--seed", 1)
    assert status == 2 and "another job" in words(said)
    status, _, said = flowlab(*arguments, "--no-resume")
    assert status == 2 and "holds this job already" in words(said)


# flowlab paper


@pytest.mark.slow
def test_theorem_6_as_a_command(flowlab, monkeypatch):
    monkeypatch.setattr("flowlab.cli._theorem6.DIMENSIONS", (2,))
    status, printed, complaint = flowlab("paper", "--theorem", 6, "--samples", 5_000)
    assert (status, complaint) == (0, "")
    assert "5,000 starts" in printed and "…" not in printed
    for exact, bound in (("0.484637", "0.45"), ("0.422173", "0.25")):
        (line,) = (line for line in printed.splitlines() if exact in line)
        assert bound in line.split() and "1,000/1,000" in line
    assert "That probability is 1" in " ".join(printed.split())
    assert flowlab("paper", "--theorem", 7)[0] == 2


# flowlab catalog show


def test_catalog_show_of_a_restriction(flowlab, catalog, tmp_path):
    """It has a loss, and its Jacobian is not symmetric: at a sink the largest one counts."""
    path = tmp_path / "catalog.json"
    catalog.to_json(path)
    _, printed, _ = flowlab("catalog", "show", path)
    largest = catalog[0].eigenvalues.real.max()
    assert printed.startswith("Equilibria, one for each orbit") and "Re λ_max" in printed
    assert largest < 0 and re.search(rf"p1 +sink node +0 +0 +0 +{largest:.4f} ", printed)


@pytest.fixture(scope="module")
def catalog():
    field = fl.theorem7_plane(2)
    point = fl.classify(field, np.array([1.0, 0.0]))
    return fl.Catalog((point,), field.spec(), provenance(field))


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "Theorem7Plane of shape (2,); made 2"),
        ({"field_spec": {"name": "[red]pendulum"}}, "[red]pendulum of shape (2,); made 2"),
        ({"field_spec": {}, "provenance": {}}, "Unnamed field of shape (2,); made ? by flowlab ?."),
        ({"provenance": {"versions": "1.0"}}, "made ? by flowlab ?."),
        ({"points": (), "field_spec": {}}, "Unnamed field; made 2"),
    ],
)
def test_catalog_show_makes_do_with_what_a_file_says(flowlab, catalog, tmp_path, parts, line):
    path = tmp_path / "catalog.json"
    catalog.replace(**parts).to_json(path)
    status, printed, said = flowlab("catalog", "show", path)
    assert (status, said) == (0, "")
    assert line in printed.splitlines()[-1]


def newer(text):
    return text.replace('"schema_version": 1', '"schema_version": 9', 1)


def test_catalog_show_obeys_nothing_in_a_file(flowlab, catalog, tmp_path):
    path = tmp_path / "catalog.json"
    point = catalog[0].replace(id="\x1b[2Jp1", isotropy_name="[/bold]")
    catalog.replace(points=(point,), field_spec={"name": "a\x1b]0;b"}).to_json(path)
    status, printed, _ = flowlab("catalog", "show", path)
    assert status == 0
    assert "\x1b" not in printed and "[/bold]" in printed and "a\ufffd]0;b" in printed


CATALOGS = {
    "empty": (lambda text: "", "is empty: it was truncated"),
    "truncated": (lambda text: text[: len(text) // 2], "is damaged or truncated: it stops being"),
    "edited": (
        lambda text: text.replace('"index": 0', '"index": 1'),
        "does not match its checksum",
    ),
    "from the future": (newer, "was written by a newer flowlab (schema 9; this one reads up to 1)"),
    "NaN": (lambda text: text.replace('"hits": 0', '"hits": NaN'), "it holds NaN"),
    "no catalog": (lambda text: json.dumps([1, 2]), "is JSON but not a flowlab catalog"),
}


@pytest.mark.parametrize("case", CATALOGS)
def test_catalog_show_refuses(flowlab, catalog, tmp_path, case):
    path = tmp_path / "catalog.json"
    damage, complaint = CATALOGS[case]
    catalog.to_json(path)
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    status, printed, said = flowlab("catalog", "show", path)
    assert (status, printed) == (2, "")
    assert said.startswith(f"Error: {path} ") and complaint in said


def test_catalog_show_refuses_what_is_not_there(flowlab, tmp_path):
    for path, complaint in ((tmp_path / "no.json", "No such file"), (tmp_path, "Is a directory")):
        status, _, said = flowlab("catalog", "show", path)
        assert status == 2 and complaint in said and str(path) in said
    status, _, said = flowlab("catalog", "show")
    assert status == 2 and "Missing argument" in words(said)
    assert flowlab("atlas")[0] == 2
