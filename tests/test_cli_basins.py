"""`flowlab basins`: what it prints and writes, how it refuses, how it is interrupted."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from scipy.stats import beta

import flowlab as fl
from flowlab.basins import _cells, _follow
from flowlab.cli._basins_table import how_sure

# x > 0 flows to one well, x < 0 to the other: three of four columns.
WELL = ("basins", "--system", "double_well", "--x", -1, 3, "--y", -1, 1)


def rows(printed):
    """The rows of the table: point, kind, image, outcome, cells, share."""
    lines = printed.split("─\n", 1)[1].splitlines()
    found = [re.split(r"  +", line.strip()) for line in lines]
    return [row for row in found if len(row) >= 5 and row[-1].endswith("%")]


def words(text):
    return " ".join(text.split())


# What it maps


def test_a_system_with_a_file_and_a_picture(flowlab, tmp_path):
    out, picture = tmp_path / "new" / "map.nc", tmp_path / "map.png"
    status, printed, said = flowlab(*WELL, "--resolution", 8, "--out", out, "--picture", picture)
    assert (status, said) == (0, "")
    assert printed.startswith("The system double_well.\n")
    assert "Window (x, y) in [-1, 3] × [-1, 1], 8 × 8 cells:" in printed
    assert "All 64 cells were followed." in printed
    assert printed.endswith(f"Written:\n  {out}\n  {picture}\n") and "…" not in printed
    more, fewer = rows(printed)
    assert more[1:] == ["global minimum", "identity", "settled", "48", "75.00%"]
    assert fewer[1:] == ["global minimum", "identity", "settled", "16", "25.00%"]
    basins = fl.load_map(out)
    ids = [point["id"] for point in json.loads(basins.attrs["points"])]
    names = np.array(ids)[basins.label.values]
    np.testing.assert_array_equal(names == more[0], np.meshgrid(basins.x, basins.y)[0] > 0)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_refined_it_says_how_sure_it_is(flowlab):
    status, printed, _ = flowlab(*WELL, "--resolution", 160, "--refine")
    assert status == 0
    pattern = (
        r"([\d,]+) cells were followed, ([\d,]+) inferred from those around them\. An audit "
        r"followed ([\d,]+) of the inferred cells, drawn at random, and all ended as inferred: "
        r"with 95% confidence at most (\d+) of them \(0\.1%\) have a wrong label\."
    )
    found = re.search(pattern, words(printed))
    assert found
    followed, inferred, audited, most = (int(text.replace(",", "")) for text in found.groups())
    assert followed + inferred == 160**2 and followed < inferred
    # The first audit may be wrong with probability 0.05 / 2; what it followed was inferred before.
    assert most == int(beta.ppf(1 - 0.025, 1, audited) * (inferred + audited))
    assert [row[4] for row in rows(printed)] == ["19,200", "6,400"]


def test_words_for_audits():
    settings = json.dumps({"settings": {"confidence": 0.99}})
    attributes = {"cells_integrated": 10, "cells_inferred": 6, "provenance": settings}

    def said(*audits):
        about = {"mislabelled_bound": 0.25, "mislabelled_cells_bound": 2}
        listed = [dict(zip(("audited", "mismatched"), audit, strict=True)) for audit in audits]
        return how_sure(xr.Dataset(attrs=attributes | about | {"audits": json.dumps(listed)}))

    assert said().endswith("No audit was made: nothing bounds how many of these are wrong.")
    assert "An audit followed 3 of the inferred" in said((3, 0))
    assert "with 99% confidence at most 2 of them (25%)" in said((3, 0))
    text = said((3, 1), (4, 2), (5, 0))
    assert "2 audits found 3 cells that ended otherwise than inferred" in text
    assert "Another audit followed 5 of" in text


@pytest.mark.slow
def test_the_plane_of_theorem_7(flowlab):
    """The diagonal flows to the saddle, either side to its own image of the teacher."""
    status, printed, _ = flowlab("basins", "-k", 2, "--x", 0, 1, "--y", 0, 1, "--resolution", 10)
    assert status == 0 and "The plane of Theorem 7" in printed
    assert [row[1:] for row in rows(printed)] == [
        ["global minimum", "identity", "settled", "45", "45.00%"],
        ["global minimum", "students (1 2)", "settled", "45", "45.00%"],
        ["saddle", "identity", "settled", "10", "10.00%"],
    ]


WELLS = ("basins", "--system", "double-wells", "--set", "n=3")


def test_the_plane_of_two_coordinates(flowlab):
    status, printed, _ = flowlab(
        *WELLS, "--plane", "u1,u2", "--x", -2.5, 2.5, "--y", -2.5, 2.5, "--resolution", 5
    )
    assert status == 0
    assert "The system double_wells (n = 3)." in printed
    assert "The plane of u1 and u2, the other coordinates 0." in printed
    assert [(row[1], row[4]) for row in rows(printed)] == [
        *[("saddle", "4")] * 4, *[("saddle", "2")] * 4, ("maximum", "1")
    ]  # fmt: skip
    assert len({tuple(row[:3]) for row in rows(printed)}) == 9


def test_the_plane_through_a_saddle(flowlab, tmp_path):
    out, picture = tmp_path / "map.zarr", tmp_path / "map.svg"
    pytest.importorskip("zarr")
    status, printed, _ = flowlab(
        *WELLS, "--plane", "saddle", "--starts", 40, "--resolution", 6, "--out", out,
        "--picture", picture,
    )  # fmt: skip
    assert status == 0 and "through the saddle p2, along its most unstable" in words(printed)
    basins = fl.load_map(out)
    sides = [set(basins.image.values[:, basins.unstable * s > 0].ravel()) for s in (1, -1)]
    assert sides[0].isdisjoint(sides[1]) and (basins.label == 0).all()
    assert "<svg" in picture.read_text(encoding="utf-8")


# What is refused

REFUSED = {
    "no plane": (
        ("--system", "magnetic-pendulum"),
        "the state has 4 coordinates (x, y, vx, vy), so a map needs a plane. Name two of them, "
        "such as --plane x,y (the others at 0), or take --plane saddle",
    ),
    "a line": (("--students", 1), "the state has one coordinate: there is no plane to map"),
    "unknown coordinates": (
        ("--system", "duffing", "--plane", "x,y"),
        "--plane x,y: needed: theorem7, saddle, or two coordinates such as x,v; there are x, v.",
    ),
    "one coordinate": (("--system", "duffing", "--plane", "x"), "--plane x: needed: theorem7,"),
    "a plane of others": (
        ("--system", "duffing", "--plane", "theorem7"),
        "--plane theorem7: that plane needs K students",
    ),
    "no window": (("--students", 1, "--dim", 2, "--x", 0, 1), "--y LOW HIGH is needed"),
    "upside down": (("--x", 1, 0), "--x is 1 0; needed: LOW HIGH, the lower end first"),
    "half a range": (("--y", 1), "'--y' requires 2 arguments"),
    "no cells": (("--resolution", 0), "'--resolution'"),
    "another ending": (("--out", "map.png"), "--out: map.png has the ending '.png'; needed: .nc"),
    "no picture": (("--picture", "map.gif"), "--picture map.gif has the ending '.gif'; needed:"),
    "a folder": (("--picture", "{tmp}/a.png"), "--picture {tmp}/a.png is a directory; needed"),
    "another folder": (("--out", "{tmp}/b.zarr"), "b.zarr is a directory that holds something"),
    "two fields": (("--system", "duffing", "--dim", 2), "--dim describes a student network"),
    "no such system": (("--system", "lorenz"), "the zoo has no 'lorenz'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_basins_refuses(flowlab, tmp_path, monkeypatch, case):
    pytest.importorskip("zarr")
    (tmp_path / "a.png").mkdir()
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "note.txt").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    arguments, complaint = REFUSED[case]
    status, _, said = flowlab("basins", *(str(a).format(tmp=tmp_path) for a in arguments))
    assert status == 2 and "Traceback" not in said
    assert complaint.format(tmp=tmp_path) in words(re.sub("[│╭╮╰╯─]", " ", said))
    assert list((tmp_path / "here").iterdir()) == []


# What is kept


def test_a_store_is_used_and_guarded(flowlab, monkeypatch, tmp_path):
    pytest.importorskip("zarr")
    arguments = (*WELL, "--resolution", 8, "--store", tmp_path / "job")
    _, first, _ = flowlab(*arguments)
    monkeypatch.setattr(_follow, "settle", None)
    status, again, said = flowlab(*arguments)
    assert (status, said) == (0, "") and rows(again) == rows(first)
    status, _, said = flowlab(*arguments, "--no-resume")
    assert status == 2 and "holds this job already" in said
    status, _, said = flowlab(*arguments[:-3], 9, *arguments[-2:])
    assert status == 2 and "another job: " in said


@pytest.mark.parametrize("kept", [False, True])
def test_an_interrupted_map_says_how_to_go_on(flowlab, monkeypatch, tmp_path, kept):
    pytest.importorskip("zarr")
    for module in (_follow, _cells):
        monkeypatch.setattr(module, "CHUNK", 30)
    settle, calls, out = _follow.settle, [], tmp_path / "map.nc"

    def impatient(*args, **options):
        calls.append(len(args[1]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return settle(*args, **options)

    monkeypatch.setattr(_follow, "settle", impatient)
    arguments = (*WELL, "--resolution", 8, "--out", out)
    arguments += ("--store", tmp_path / "job") if kept else ()
    status, printed, said = flowlab(*arguments)
    assert status == 130 and not out.exists() and "Written" not in printed
    if not kept:
        assert said == (
            "Interrupted. Nothing is kept; with --store DIR, the same command could go on.\n"
        )
        return
    assert said == (
        f"Interrupted. 1 finished piece is kept in {tmp_path / 'job'}: the same command goes on "
        "from there.\n"
    )
    status, printed, _ = flowlab(*arguments)
    assert status == 0 and calls == [30, 30, 30, 4]
    assert [row[4] for row in rows(printed)] == ["48", "16"]
