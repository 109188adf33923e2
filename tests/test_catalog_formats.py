"""Catalogs in other forms: Parquet, CSV, SQLite, journals, and files of older versions."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from test_catalog import SPEC, catalogs, edge, record, sealed, small

import flowlab.catalog._migrate as migrate
from flowlab.catalog import Catalog, CatalogError, Collector, Journal
from flowlab.fields import zoo


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "catalog"


# ---- Parquet ----


@settings(max_examples=25)
@given(catalogs())
def test_parquet_there_and_back_to_the_bit(tmp_path_factory, catalog):
    pytest.importorskip("pyarrow")
    path = tmp_path_factory.mktemp("catalog") / "a.parquet"
    catalog.to_parquet(path)
    back = Catalog.from_parquet(path)
    assert back.to_bytes() == catalog.to_bytes()
    data = path.read_bytes()
    back.to_parquet(path)
    assert path.read_bytes() == data


def test_parquet_is_plain_columns_to_others(path):
    pq = pytest.importorskip("pyarrow.parquet")
    small().to_parquet(path)
    table = pq.read_table(path)
    columns = table.to_pydict()
    assert columns["id"] == ["p1", "p2"] and columns["location"] == [[0.1, -0.0]] * 2
    assert columns["eigenvalues"][1] == [-0.0, 0.1]
    assert columns["eigenvalues_imag"] == [None, [0.5, -0.5]]
    assert str(table.schema.field("orbit_size").type) == "int64"
    assert columns["connections"][1] == [
        {"number": 0, "target": "p1", "image": "(1 2)", "side": -1, "direction": 0,
         "loss_drop": 0.05, "time": 12.5}
    ]  # fmt: skip
    assert json.loads(columns["certificate"][0]) == {"radius": 1e-3}


@pytest.mark.parametrize(("size", "kind"), [(2**63, "decimal128(38, 0)"), (10**40, "string")])
def test_parquet_keeps_orbits_beyond_64_bits(path, size, kind):
    pq = pytest.importorskip("pyarrow.parquet")
    catalog = Catalog((record(orbit_size=size), record("p2")), SPEC, {})
    catalog.to_parquet(path)
    assert str(pq.read_schema(path).field("orbit_size").type) == kind
    assert [p.orbit_size for p in Catalog.from_parquet(path)] == [size, 20]


def test_parquet_notices_damage(path, rng):
    pytest.importorskip("pyarrow")
    small().to_parquet(path)
    data = path.read_bytes()
    for position in rng.choice(len(data), 250, replace=False).tolist():
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(CatalogError):
            Catalog.from_parquet(path)
    for length in range(0, len(data), 501):
        path.write_bytes(data[:length])
        with pytest.raises(CatalogError, match="damaged"):
            Catalog.from_parquet(path)


def rewritten(path: Path, change) -> None:
    """The file with its table and metadata changed by hand, and no seal."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    pq.write_table(change(table), path)


def with_version(version):
    def change(table):
        metadata = {**table.schema.metadata, b"flowlab.schema_version": version}
        return table.replace_schema_metadata(metadata)

    return change


def with_column(name, values):
    def change(table):
        import pyarrow as pa

        number = table.schema.get_field_index(name)
        if values is None:
            return table.drop_columns([name])
        return table.set_column(number, name, pa.array(values))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_version(b"7"), "written by a newer flowlab"),
        (with_version(b"x"), "Parquet but not a flowlab catalog.*missing"),
        (with_column("kind", ["hill", "saddle"]), r"points\[0\]\.kind: 'hill'"),
        (with_column("loss", [float("nan"), 0.0]), "not finite"),
        (with_column("location", [[0.0], [0.0, 1.0]]), "damaged or not a valid catalog"),
        (with_column("location", [[0.0, float("inf")], [0.0, 1.0]]), "not finite"),
        (with_column("index", None), "'index' is a required property"),
        (with_column("id", ["p1", "p1"]), "another point has the id"),
        (with_column("certificate", ["{", None]), "damaged"),
        (with_column("hits", [-1, 2]), r"points\[0\]\.hits"),
    ],
)
def test_parquet_of_others_is_looked_at(path, change, message):
    pytest.importorskip("pyarrow")
    small().to_parquet(path)
    rewritten(path, change)
    with pytest.raises(CatalogError):
        Catalog.from_parquet(path)
    with pytest.raises(CatalogError, match=message):
        Catalog.from_parquet(path, verify_checksum=False)


def test_parquet_of_something_else_is_refused(path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(CatalogError, match="is Parquet but not a flowlab catalog"):
        Catalog.from_parquet(path)
    path.write_text("a,b")
    with pytest.raises(CatalogError, match="not Parquet"):
        Catalog.from_parquet(path)


def test_without_pyarrow_the_message_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'flowlab\[parquet\]'"):
        small().to_parquet(path)
    assert os.listdir(path.parent) == []


# ---- flat tables ----


def test_csv_reads_back_exactly(path):
    third = record("p3", eigenvalues=np.array([1 / 3, 2 / 7]), orbit_size=2**80, loss=None)
    Catalog((*small(), third), SPEC, {}).to_csv(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
    assert [row["id"] for row in rows] == ["p1", "p2", "p3"]
    assert float(rows[2]["eigenvalue_2"]) == 2 / 7 and rows[2]["loss"] == ""
    assert float(rows[1]["eigenvalue_1_imag"]) == 0.5 and int(rows[2]["orbit_size"]) == 2**80
    assert (rows[0]["location_x"], rows[0]["location_y"]) == ("0.1", "-0.0")
    Catalog((), SPEC, {}).to_csv(path)
    assert path.read_text().startswith("id,kind,index")


def test_sqlite_answers_questions(path):
    small().to_sqlite(path)
    small().to_sqlite(path)
    with sqlite3.connect(path) as database:
        question = """SELECT s.kind, t.kind, c.image FROM connections c
                      JOIN points s ON s.id = c.source JOIN points t ON t.id = c.target"""
        assert database.execute(question).fetchall() == [("saddle", "global minimum", "(1 2)")]
        about = dict(database.execute("SELECT name, value FROM catalog").fetchall())
    database.close()
    assert json.loads(about["provenance"]) == small().provenance
    assert os.listdir(path.parent) == [path.name]


# ---- journals ----


def written(path: Path) -> bytes:
    with Journal(path, SPEC, {"note": "Ω\n"}) as journal:
        for point in small():
            journal.add(point)
        journal.hit("p2", 5)
        journal.connect(edge())
    return path.read_bytes()


def test_a_journal_is_a_catalog(path, tmp_path):
    written(path)
    catalog = Catalog.from_journal(path)
    assert catalog["p2"].hits == small()["p2"].hits + 5
    assert catalog.connections == (edge(),) and catalog.provenance == {"note": "Ω\n"}
    with Journal(path, SPEC, {}) as journal:
        assert "p2" in journal
        journal.hit("p1", 1)
        assert journal.compact(tmp_path / "a.json")["p1"].hits == 8
    assert Catalog.from_json(tmp_path / "a.json")["p1"].hits == 8
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_line_cut_short_is_dropped_and_the_journal_goes_on(path):
    data = written(path)
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    for length in range(ends[0], len(data) + 1, 53):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        assert len(Catalog.from_journal(path)) == min(whole - 1, 2)
        with Journal(path, SPEC, {}) as journal:
            journal.add(record("new"))
        assert "new" in Catalog.from_journal(path)


def test_a_journal_notices_other_damage(path, rng):
    data = written(path)
    for position in rng.choice(len(data) - 1, 200, replace=False).tolist():
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(CatalogError):
            Catalog.from_journal(path)
    path.write_bytes(b"")
    with pytest.raises(CatalogError, match="line 1"):
        Catalog.from_journal(path)


def test_a_journal_refuses_what_does_not_fit(path):
    with Journal(path, SPEC, {}) as journal:
        journal.add(record())
        for call, message in (
            (lambda: journal.add(record()), "is in .* already"),
            (lambda: journal.hit("p9", 1), "no point 'p9'"),
            (lambda: journal.connect(edge("p1", "p9")), "no point 'p9'"),
            (lambda: journal.add(record("p2", loss=np.nan)), "p2.loss is nan"),
        ):
            with pytest.raises(ValueError, match=message):
                call()
        pytest.importorskip("fcntl")
        with pytest.raises(ValueError, match="another process"):
            Journal(path, SPEC, {})
    with pytest.raises(ValueError, match="journal of another field"):
        Journal(path, {"type": "zoo"}, {})


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from test_catalog import SPEC, record
from flowlab.catalog import Journal
journal = Journal(sys.argv[1], SPEC, {})
for number in range(7):
    journal.add(record(f"p{number}"))
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing(path):
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), here], check=False)
    assert done.returncode == -9
    assert len(Catalog.from_journal(path)) == 7


def test_a_collector_keeps_a_journal(path):
    field = zoo.double_well()
    with Journal(path, field.spec(), {}) as journal:
        collector = Collector(field, journal=journal)
        for x in (1.0, -1.0, 1.0):
            collector.add(np.array([x, 0.0]), found_by="newton")
    again = Catalog.from_journal(path)
    assert [p.hits for p in again] == [p.hits for p in collector.points] == [2, 1]
    with Journal(path, field.spec(), {}) as journal:
        Collector(field, again.points, journal=journal).add(np.zeros(2), found_by="newton")
    assert [p.index for p in Catalog.from_journal(path)] == [0, 0, 1]


# ---- older versions ----


def from_level_to_index(document):
    """An artificial older version, in which the index was called level."""
    points = [
        {name: value for name, value in point.items() if name != "level"}
        | {"index": point["level"]}
        for point in document["points"]
    ]
    return document | {"points": points}


def test_an_older_file_is_migrated_in_memory(path, monkeypatch):
    small().to_json(path)
    document = json.loads(path.read_bytes()) | {"schema_version": 0}
    for point in document["points"]:
        point["level"] = point.pop("index")
    path.write_bytes(sealed(document))
    before = path.read_bytes()
    with pytest.raises(CatalogError, match="schema_version is 0"):
        Catalog.from_json(path)
    monkeypatch.setattr(migrate, "STEPS", (from_level_to_index,))
    catalog = Catalog.from_json(path)
    assert [p.index for p in catalog] == [p.index for p in small()]
    assert catalog.provenance == small().provenance | {"migrated_from": 0}
    assert path.read_bytes() == before
    del document["points"][0]["level"]
    path.write_bytes(sealed(document))
    with pytest.raises(CatalogError, match="from schema 0 to 1 does not find.*level"):
        Catalog.from_json(path)
    path.write_bytes(before.replace(b'"level": 1', b'"level": 2'))
    with pytest.raises(CatalogError, match="does not match its checksum"):
        Catalog.from_json(path)
