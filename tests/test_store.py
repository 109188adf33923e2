"""Stores of long jobs: chunks are whole or missing, whatever happens to the process or the disk."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

pytest.importorskip("zarr")
import zarr

from flowlab._store import JobStore

ROOT = Path(__file__).resolve().parents[1]
JOB = {"field": {"type": "Theorem7Plane", "students": 5}, "rtol": 1e-8, "ends": [0, 1.5]}


def chunk(number, size=7):
    generator = np.random.default_rng(number)
    return {
        "state": generator.normal(size=(size, 2, 3)),
        "outcome": np.zeros(size, np.int8),
        "point": generator.integers(-1, 9, size),
        "integrated": generator.random(size) < 0.5,
    }, {"number": number, "points": [{"loss": 0.1 * number, "kind": "saddle λ"}]}


def assert_chunk(found, number, size=7):
    arrays, info = chunk(number, size)
    assert found is not None and found[1] == info and found[0].keys() == arrays.keys()
    for name, values in arrays.items():
        assert found[0][name].dtype == values.dtype
        np.testing.assert_array_equal(found[0][name], values)


@pytest.fixture
def full(tmp_path):
    store = JobStore.open(tmp_path / "job", JOB, chunks=4)
    for number, size in enumerate((7, 7, 0, 3)):
        store.write(number, *chunk(number, size))
    return store


def test_chunks_are_read_back_as_they_were_written(full):
    again = JobStore.open(full.directory, JOB, chunks=4)
    for number, size in enumerate((7, 7, 0, 3)):
        assert_chunk(again.read(number), number, size)
    assert again.done == {0, 1, 2, 3} and again.missing(verify=True) == []
    assert repr(again) == "<JobStore 'job': 4 of 4 chunks>"
    assert JobStore.load(full.directory).job == JOB


def test_other_readers_of_zarr_open_it(full):
    group = zarr.open_group(full.directory, mode="r")
    np.testing.assert_array_equal(group["chunk-000001/state"][:], chunk(1)[0]["state"])
    opened = xr.open_zarr(full.directory, group="chunk-000001", chunks=None, consolidated=False)
    np.testing.assert_array_equal(opened["point"], chunk(1)[0]["point"])
    assert opened["state"].dims[0] == opened["point"].dims[0] == "element"


def test_joined_arrays(full, rng):
    expected = np.concatenate([chunk(n, size)[0]["state"] for n, size in enumerate((7, 7, 0, 3))])
    state = full.array("state")
    assert (state.shape, state.dtype, len(state)) == ((17, 2, 3), expected.dtype, 17)
    np.testing.assert_array_equal(np.asarray(state), expected)
    np.testing.assert_array_equal(np.concatenate([*state.parts()]), expected)
    keys = [3, -1, slice(5, 9), slice(None, None, -2), Ellipsis, (slice(6, 8), 1), (4, 0, 2),
            (Ellipsis, 1), np.array([16, 0, 7]), expected[:, 0, 0] > 0, slice(9, 9)]  # fmt: skip
    for key in keys:
        np.testing.assert_array_equal(state[key], expected[key])
    with pytest.raises(IndexError):
        state[17]


def test_a_store_of_unknown_length(tmp_path):
    store = JobStore.open(tmp_path, {"a": 1})
    for number in range(3):
        store.write(number, *chunk(number))
    assert len(JobStore.open(tmp_path, {"a": 1}).array("point")) == 21


def test_what_is_computed_and_what_is_read_is_the_same(tmp_path):
    store = JobStore.open(tmp_path / "job", JOB, chunks=1)
    calls = []

    def compute():
        calls.append(1)
        return {"value": [[1, 2]]}, {"pair": (1, 0.1)}

    first, second = store.obtain(0, compute), store.obtain(0, compute)
    assert len(calls) == 1 and first[1] == second[1] == {"pair": [1, 0.1]}
    np.testing.assert_array_equal(first[0]["value"], second[0]["value"])


# Jobs


def test_another_job_is_refused_and_says_what_differs(full):
    before = snapshot(full.directory)
    other = {"field": {"type": "Theorem7Plane", "students": 6}, "rtol": 1e-6, "new": None}
    with pytest.raises(ValueError) as caught:
        JobStore.open(full.directory, other, chunks=5)
    message = str(caught.value)
    for part in (
        "field.students is 5 there and 6 now",
        "rtol is 1e-08 there and 1e-06 now",
        "ends is [0, 1.5] there and absent now",
        "new is absent there and null now",
        "chunks is 4 there and 5 now",
        "another directory",
    ):
        assert part in message
    assert "type" not in message
    assert snapshot(full.directory) == before


def test_finished_chunks_are_used_only_if_asked(full):
    with pytest.raises(ValueError, match=r"4 of 4 chunks finished.*resume=True"):
        JobStore.open(full.directory, JOB, chunks=4, resume=False)


def test_a_directory_that_is_no_store_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match="new or empty"):
        JobStore.open(tmp_path, JOB)
    zarr.create_array(store=tmp_path / "else", data=np.arange(3))
    with pytest.raises(ValueError, match="damaged or not flowlab's"):
        JobStore.open(tmp_path / "else", JOB)
    with pytest.raises(ValueError, match="is a file"):
        JobStore.open(tmp_path / "thesis.tex", JOB)
    with pytest.raises(ValueError, match="not there or empty"):
        JobStore.load(tmp_path / "nothing")
    assert {k: v for k, v in snapshot(tmp_path).items() if "else" not in k} == before


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"students": 5', '"students": 6', "does not match its checksum"),
        ("flowlab job", "flowlab jab", "damaged or not flowlab's"),
        ('"version": 1', '"version": 9', "another flowlab"),
        ('"zarr_format": 3,', '"zarr_format": 3', "damaged or not flowlab's"),
    ],
)
def test_a_damaged_description_is_refused(full, old, new, complaint):
    path = full.directory / "zarr.json"
    text = path.read_text()
    path.write_text(text.replace(old, new))
    assert path.read_text() != text
    with pytest.raises(ValueError, match=complaint):
        JobStore.open(full.directory, JOB, chunks=4)


def test_messages(tmp_path):
    with pytest.raises(ValueError, match="the job is not JSON-compatible"):
        JobStore.open(tmp_path / "a", {"rtol": float("nan")})
    with pytest.raises(ValueError, match="positive whole number"):
        JobStore.open(tmp_path / "a", {}, chunks=0)
    assert not (tmp_path / "a").exists()
    store = JobStore.open(tmp_path / "a", {}, chunks=2)
    with pytest.raises(ValueError, match="no chunk 2: the job has 2"):
        store.write(2, {})
    with pytest.raises(ValueError, match="array of numbers"):
        store.write(0, {"name": np.array(["a"])})
    with pytest.raises(ValueError, match="at least one axis"):
        store.write(0, {"name": 1.0})
    with pytest.raises(ValueError, match="a name such as"):
        store.write(0, {"../name": [1.0]})
    with pytest.raises(ValueError, match="info is not JSON-compatible"):
        store.write(0, {"name": [1.0]}, {"info": object()})
    with pytest.raises(ValueError, match="2 chunks are missing"):
        store.array("name")
    store.write(0, {"name": [1.0]})
    store.write(1, {"name": [1]})
    with pytest.raises(ValueError, match="no array 'nome'.*'name'"):
        store.array("nome")
    with pytest.raises(ValueError, match="differs in type or shape"):
        store.array("name")
    assert [path.name for path in sorted(store.directory.iterdir())] == [
        "chunk-000000", "chunk-000001", "zarr.json"]  # fmt: skip


# Damage


def snapshot(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


FILES = ["zarr.json", "state/zarr.json", "state/c/0/0/0", "outcome/c/0", "point/zarr.json"]


@settings(max_examples=12)
@given(st.sampled_from(FILES), st.sampled_from(["flip", "cut", "gone"]), st.randoms())
def test_damage_is_never_used(tmp_path_factory, name, how, chance):
    store = JobStore.open(tmp_path_factory.mktemp("store") / "job", JOB, chunks=2)
    for number in range(2):
        store.write(number, *chunk(number))
    path = store.directory / "chunk-000001" / name
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:place] if how == "cut" else flipped(data, place, chance))
    before = JobStore.open(store.directory, JOB, chunks=2)
    try:
        found = before.read(1)
    except UserWarning as warning:  # warnings are errors here
        assert "chunk-000001 is damaged" in str(warning)
        found = None
    if found is None:
        assert before.done == {0} and before.missing() == [1]
        before.write(1, *chunk(1))
    # A byte that carries nothing (white space, a codec's hint) may change.
    assert_chunk(before.read(1), 1)
    assert_chunk(before.read(0), 0)
    assert not list(store.directory.glob(".damaged*"))


def flipped(data, place, chance):
    data[place] ^= 1 << chance.randrange(8)
    return bytes(data)


def test_damage_met_while_indexing_says_what_to_do(full):
    (path,) = full.directory.glob("chunk-000001/state/c/0/0/0")
    state = full.array("state")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"chunk-000001 is damaged.*Run the job again"):
        state[:]
    assert full.missing() == [1]


def test_a_chunk_of_another_job_is_not_used(full, tmp_path):
    other = JobStore.open(tmp_path / "other", JOB | {"rtol": 1e-9}, chunks=4)
    os.rename(full.directory / "chunk-000000", other.directory / "chunk-000000")
    os.rename(full.directory / "chunk-000001", full.directory / "chunk-000000")
    for store in (other, full):
        with pytest.warns(UserWarning, match="belongs to another job"):
            assert store.read(0) is None


# Processes

WRITER = """
import sys
import numpy as np
from flowlab._store import JobStore
store = JobStore.open(sys.argv[1], {"long": True}, chunks=100_000)
print("ready", flush=True)
for number in range(int(sys.argv[2]), 100_000, int(sys.argv[3])):
    store.write(number, {"value": np.arange(number, number + 5_000)}, {"number": number})
"""


def start(directory, first=0, step=1):
    command = [sys.executable, "-c", WRITER, str(directory), str(first), str(step)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=directory)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def kill(process):
    assert process.poll() is None, "the writer failed"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def intact(directory):
    """The store of a killed job, after a look at the last chunks that are there."""
    store = JobStore.open(directory, {"long": True}, chunks=100_000)
    for number in sorted(store.done)[-9:]:
        arrays, info = store.read(number)
        np.testing.assert_array_equal(arrays["value"], np.arange(number, number + 5_000))
        assert info == {"number": number}
    return store


def test_chunks_survive_kill_9(tmp_path, seed):
    chance = random.Random(seed)
    known = set()
    for _ in range(4):
        process = start(tmp_path)
        wait_for(lambda: len(list(tmp_path.glob("chunk-*"))) > len(known))  # noqa: B023
        time.sleep(chance.uniform(0, 0.3))
        kill(process)
        done = intact(tmp_path).done
        assert done >= known and done == set(range(len(done)))
        known = done


def test_processes_do_not_disturb_each_other(tmp_path):
    # Two take turns; the third writes what the first writes too.
    processes = [start(tmp_path, 0, 2), start(tmp_path, 1, 2), start(tmp_path, 0, 2)]
    for parity in "02468", "13579":
        wait_for(lambda: len(list(tmp_path.glob(f"chunk-*[{parity}]"))) > 3)  # noqa: B023
    for process in processes:
        kill(process)
    intact(tmp_path)


def test_what_was_left_half_written_is_removed_when_nobody_can_be_writing_it(full):
    old, young = (full.directory / f".writing-{name}" for name in ("old", "young"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 7_200,) * 2)
    JobStore.open(full.directory, JOB, chunks=4)
    assert not old.exists() and young.exists()


def test_interruption_says_how_to_go_on(full):
    with pytest.raises(KeyboardInterrupt) as caught, full:
        raise KeyboardInterrupt
    (note,) = caught.value.__notes__
    assert re.search(r"4 of 4 chunks.*resume=True", note) and str(full.directory) in note


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'flowlab\[zarr\]'"):
        JobStore.open(tmp_path / "job", JOB)
    assert not (tmp_path / "job").exists()


def test_description_is_plain_zarr(full):
    own = json.loads((full.directory / "zarr.json").read_text())["attributes"]["flowlab"]
    assert own["job"] == JOB and own["chunks"] == 4
