"""`flowlab catalog` on files: what it prints, writes and refuses, and its exit status."""

import jax
import numpy as np
import pytest

import flowlab as fl
from flowlab.catalog import provenance


@pytest.fixture(scope="module")
def runs():
    field = fl.zoo.double_well()
    return [fl.find_critical_points(field, key=jax.random.key(n), starts=40) for n in (0, 1)]


@pytest.fixture
def files(runs, tmp_path):
    for run, name in zip(runs, "ab", strict=True):
        run.to_json(tmp_path / f"{name}.json")
    return tmp_path


def test_build_and_extend(flowlab, tmp_path):
    options = ("catalog", "build", "--system", "double_wells", "--out", tmp_path / "wells.json")
    status, printed, _ = flowlab(*options, "--starts", 3, "--method", "newton")
    assert status == 0 and "Random starts reached" in printed
    first = fl.Catalog.from_json(tmp_path / "wells.json")
    status, printed, _ = flowlab(*options, "--starts", 60, "--seed", 1, "--extend")
    assert status == 0 and "Found first by flow" in printed
    catalog = fl.Catalog.from_json(tmp_path / "wells.json")
    assert [p.id for p in catalog][: len(first)] == [p.id for p in first]
    assert all(p.hits >= q.hits for p, q in zip(catalog, first, strict=False))
    # Double wells in n dimensions: a class for each number of coordinates at the top.
    assert {p.index for p in catalog} == set(range(catalog[0].location.size + 1))
    for wrong, message in (
        ((*options, "--method", "magic"), "--method magic is not known"),
        ((*options[:3], "muller_brown", *options[4:], "--extend"), "catalog of another field"),
        ((*options[:5], tmp_path / "no" / "x.json"), "there is no directory"),
    ):
        status, _, said = flowlab(*wrong)
        assert status == 2 and message in said
    assert fl.Catalog.from_json(tmp_path / "wells.json").to_bytes() == catalog.to_bytes()


def test_show_searches(flowlab, files):
    status, printed, _ = flowlab("catalog", "show", files / "a.json", "--index", "1:")
    assert status == 0 and "1 of 3 points match." in printed
    assert "saddle" in printed and "global minimum" not in printed
    status, printed, _ = flowlab("catalog", "show", files / "a.json", "--limit", 2)
    assert "1 more; --limit 3 shows all" in printed and "saddle" not in printed
    _, printed, _ = flowlab("catalog", "show", files / "a.json", "--loss", ":0.1", "--not-spurious")
    assert "2 of 3 points match." in printed
    for arguments, message in (
        (("--index", "one"), "--index is 'one'"), (("--loss", "1:0"), "loss is (1.0, 0.0)"),
        (("--loss", "1:2:3"), "--loss is '1:2:3'"),
    ):  # fmt: skip
        status, _, said = flowlab("catalog", "show", files / "a.json", *arguments)
        assert status == 2 and message in said


def test_merge_and_diff(flowlab, files, runs):
    out = files / "new" / "both.json"
    status, printed, said = flowlab(
        "catalog", "merge", files / "a.json", files / "b.json", "--out", out
    )
    assert (status, said) == (0, "") and printed.endswith(f"Written:\n  {out}\n")
    both = fl.Catalog.from_json(out)
    assert sum(p.hits for p in both) == sum(p.hits for run in runs for p in run)
    assert [p.id for p in both] == [p.id for p in runs[0]]
    status, printed, _ = flowlab("catalog", "diff", files / "a.json", out)
    assert status == 1 and printed.count("hits") == 3
    status, printed, _ = flowlab("catalog", "diff", files / "a.json", out, "--ignore-hits")
    assert (status, printed) == (0, "The catalogs agree.\n")
    fl.Catalog((), fl.zoo.duffing().spec(), {}).to_json(files / "c.json")
    for command in (("diff",), ("merge", "--out", out)):
        status, _, said = flowlab("catalog", *command, files / "a.json", files / "c.json")
        assert status == 2 and "different fields" in said
    assert flowlab("catalog", "merge", files / "a.json", "--out", files / "a.txt")[0] == 2


@pytest.mark.parametrize("ending", ["json", "parquet", "csv", "sqlite"])
def test_export(flowlab, files, runs, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    out = files / f"out.{ending}"
    status, printed, _ = flowlab("catalog", "export", files / "a.json", "--to", out)
    assert (status, printed) == (0, f"Written:\n  {out}\n") and out.stat().st_size > 100
    if ending in ("json", "parquet"):
        assert flowlab("catalog", "diff", files / "a.json", out)[0] == 0


def test_export_refuses_other_endings(flowlab, files):
    status, _, said = flowlab("catalog", "export", files / "a.json", "--to", files / "a.xls")
    assert status == 2 and ".parquet, .csv" in " ".join(said.split())


def test_validate_says_which_fails_and_why(flowlab, files, runs):
    good = files / "a.json"
    wrong = runs[0].points[2].replace(index=2)
    moved = runs[0].points[0].replace(location=np.array([0.5, 0.0]))
    runs[0].replace(points=(moved, runs[0].points[1], wrong)).to_json(files / "bad.json")
    damaged = files / "damaged.json"
    damaged.write_bytes(good.read_bytes()[:-9])
    status, printed, _ = flowlab("catalog", "validate", good, files / "bad.json")
    assert status == 0 and printed.count(": valid") == 2
    status, printed, _ = flowlab("catalog", "validate", "--recompute", good, files / "bad.json")
    lines = printed.splitlines()
    assert status == 1 and lines[0] == f"{good}: valid" and len(lines) == 3
    assert "p1: residual is" in lines[1] and "p3: index is 2, found 1" in lines[2]
    status, printed, _ = flowlab("catalog", "validate", damaged, good, files / "none.json")
    lines = printed.splitlines()
    assert status == 1 and "damaged or truncated" in lines[0] and "valid" in lines[1]
    assert "No such file" in lines[2]


def test_validate_cannot_recompute_a_users_function(flowlab, tmp_path):
    field = fl.GradientFlow(lambda w: (w**2).sum(), (2,))
    fl.Catalog((), field.spec(), provenance(field)).to_json(tmp_path / "a.json")
    status, printed, _ = flowlab("catalog", "validate", "--recompute", tmp_path / "a.json")
    assert status == 1 and "a file cannot hold it" in printed
