"""Catalogs: lookup, order, tables, and files that come back exactly or not at all."""

import hashlib
import importlib.resources
import json
import os
import re
from pathlib import Path

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from flowlab._files import write_atomically
from flowlab.catalog import Catalog, CatalogError, Connection, provenance
from flowlab.critical import CriticalPoint, classify
from flowlab.fields import GradientFlow, TeacherStudent, VectorField

SPEC = {"type": "GradientFlow", "shape": [2], "function": "bowl", "coordinates": ["x", "y"]}
KINDS = ["global minimum", "spurious minimum", "saddle", "sink focus", "nonhyperbolic"]


def record(id="p1", **changes) -> CriticalPoint:
    values = dict(
        id=id, kind="saddle", index=1, nullity=1, explained_nullity=1, loss=0.1, residual=3e-17,
        eigenvalues=np.array([-0.25, 1 / 3]), location=np.array([0.1, -0.0]), isotropy_order=2,
        isotropy_name="ΔS_2", orbit_size=20, hits=7, found_by="multistart", certificate=None,
    )  # fmt: skip
    return CriticalPoint(**values | changes)


def edge(source="p2", target="p1", **changes) -> Connection:
    values = dict(image="(1 2)", side=-1, direction=0, loss_drop=0.05, time=12.5)
    return Connection(source, target, **values | changes)


def small() -> Catalog:
    points = (
        record("p1", kind="global minimum", index=0, loss=0.0, certificate={"radius": 1e-3}),
        record("p2", eigenvalues=np.array([complex(-0.0, 0.5), complex(0.1, -0.5)])),
    )
    return Catalog(points, SPEC, {"date": "2025-01-01", "note": "Ω → 0"}, (edge(),))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "catalog.json"


def sealed(document) -> bytes:
    """A file with the right checksum, as the schema describes it, laid out in another way."""
    blank = "sha256:" + "0" * 64
    text = json.dumps(document | {"checksum": blank}, indent=4)
    return text.replace(blank, "sha256:" + hashlib.sha256(text.encode()).hexdigest()).encode()


def document_of(catalog: Catalog, path: Path) -> dict:
    catalog.to_json(path)
    return json.loads(path.read_bytes())


def refusal(path: Path, data: bytes, **options) -> str:
    """The message with which a file is refused; it must not be changed by that."""
    path.write_bytes(data)
    with pytest.raises(CatalogError) as caught:
        Catalog.from_json(path, **options)
    assert path.read_bytes() == data
    return str(caught.value)


# ---- in memory ----


def test_lookup():
    catalog = small()
    assert len(catalog) == 2
    assert [point.id for point in catalog] == ["p1", "p2"]
    assert catalog["p2"] is catalog[1] is catalog[-1] is catalog[np.int64(1)]
    assert "p2" in catalog and catalog[0] in catalog
    assert "p3" not in catalog and record("p1") not in catalog
    with pytest.raises(KeyError, match="no point 'p9'.*p1, p2"):
        catalog["p9"]
    with pytest.raises(IndexError, match="holds 2"):
        catalog[2]
    with pytest.raises(TypeError, match="number or an id"):
        catalog[1.0]


@pytest.mark.parametrize(
    "points, connections, message",
    [
        ((record(), record()), (), r"points\[1\] \(p1\).*another point"),
        ((record(location=np.zeros(3), eigenvalues=np.ones(3)),), (), r"shape \(3,\).*\(2,\)"),
        ((record(),), (edge(source="p1", target="p7"),), r"connections\[0\].*target 'p7'"),
        ((record(),), (edge(source="p7", target="p1"),), r"connections\[0\].*source 'p7'"),
    ],
)
def test_what_does_not_fit_together_is_refused(points, connections, message):
    with pytest.raises(ValueError, match=message):
        Catalog(points, SPEC, {}, connections)


def test_sorted_orders_and_renumbers():
    catalog = Catalog(
        (
            record("a", loss=0.5, index=0, hits=1),
            record("b", loss=0.1 + 1e-16, index=0, hits=2),
            record("c", loss=0.1, index=3, hits=3),
            record("d", loss=None, index=0, hits=4),
            record("e", loss=-2e-17, index=1, hits=5),
            record("p1", loss=1e-17, index=0, hits=6),
        ),
        SPEC,
        {},
        (edge("a", "p1"), edge("d", "b")),
    ).sorted()
    assert [point.id for point in catalog] == [f"p{number}" for number in range(1, 7)]
    assert [point.hits for point in catalog] == [6, 5, 2, 3, 1, 4]
    assert [(c.source, c.target) for c in catalog.connections] == [("p5", "p1"), ("p6", "p3")]


def test_sorted_without_a_loss():
    points = [record(f"x{n}", loss=None, index=index) for n, index in enumerate([2, 0, 1])]
    assert [point.index for point in Catalog(points, SPEC, {}).sorted()] == [0, 1, 2]


def test_replace_leaves_the_original():
    catalog = small()
    assert len(catalog.replace(connections=()).connections) == 0
    assert len(catalog.connections) == 1


def test_prints_as_a_table():
    lines = repr(small()).splitlines()
    assert lines[0] == "Catalog of 2 critical points (GradientFlow, shape (2,)), 1 connection"
    assert lines[1].split() == "id kind index nullity loss isotropy images hits".split()
    assert lines[3].split() == "p2 saddle 1 1 (1 explained) 0.1 ΔS_2 20 7".split()
    words = ("kind", "global", "saddle")
    assert len({line.index(word) for line, word in zip(lines[1:], words, strict=True)}) == 1


def test_prints_without_a_loss_and_when_long_or_empty():
    points = [record(f"p{n}", loss=None, orbit_size=10**n) for n in range(1, 400)]
    lines = repr(Catalog(points, SPEC, {})).splitlines()
    assert len(lines) < 50
    assert "loss" not in lines[1]
    assert lines[-1].split()[0] == "p399"
    shown = sum(line.startswith("p") for line in lines)
    assert f"{399 - shown} more" in "\n".join(lines)
    assert repr(Catalog((), {}, {})) == "Catalog of 0 equilibria (unnamed field)"


def test_frame_has_the_columns_of_the_record():
    big = record("p3", orbit_size=2**80, loss=None)
    frame = Catalog((*small(), big), SPEC, {}).to_frame()
    assert list(frame.columns) == [
        "id", "kind", "index", "nullity", "explained_nullity", "loss", "residual", "eigenvalues",
        "location", "isotropy_order", "isotropy_name", "orbit_size", "hits", "found_by",
        "certificate", "capture",
    ]  # fmt: skip
    assert list(frame.index) == ["p1", "p2", "p3"]
    assert frame.loc["p2", "index"] == 1
    assert frame.loc["p2", "location"].tolist() == [0.1, 0.0]
    assert frame.loc["p2", "eigenvalues"].dtype == complex
    assert frame["loss"].dtype == float and np.isnan(frame.loc["p3", "loss"])
    assert frame.loc["p3", "orbit_size"] == 2**80
    assert frame.sort_values("id", ascending=False)["id"].tolist() == ["p3", "p2", "p1"]
    assert list(Catalog((), SPEC, {}).to_frame().columns) == list(frame.columns)


# ---- there and back ----

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)


@st.composite
def records(draw, id, shape):
    size = int(np.prod(shape))
    numbers = st.lists(finite, min_size=size, max_size=size)
    eigenvalues = np.array(draw(numbers), float)
    if draw(st.booleans()):
        eigenvalues = np.array([eigenvalues, draw(numbers)]).T.copy().view(complex).ravel()
    counts = st.integers(0, 9)
    return CriticalPoint(
        id=id, kind=draw(st.sampled_from(KINDS)), index=draw(counts), nullity=draw(counts),
        explained_nullity=draw(counts), loss=draw(st.none() | finite | st.integers(-9, 9)),
        residual=abs(draw(finite)), eigenvalues=eigenvalues,
        location=np.array(draw(numbers)).reshape(shape), isotropy_order=draw(st.integers(1)),
        isotropy_name=draw(texts), orbit_size=draw(st.integers(1)), hits=np.int64(draw(counts)),
        found_by=draw(texts), certificate=draw(st.none() | json_objects),
    )  # fmt: skip


@st.composite
def catalogs(draw):
    shape = draw(st.sampled_from([(), (1,), (3,), (2, 2), (1, 2, 1)]))
    ids = draw(st.lists(texts.filter(bool), unique=True, max_size=3))
    points = tuple(draw(records(id, shape)) for id in ids)
    connections = st.builds(
        Connection, st.sampled_from(ids or [""]), st.sampled_from(ids or [""]), texts,
        st.sampled_from([-1, 0, 1]), st.integers(0, 9), st.none() | finite, finite.map(abs),
    )  # fmt: skip
    edges = draw(st.lists(connections, max_size=2)) if ids else []
    spec = draw(json_objects) | {"shape": list(shape)}
    return Catalog(points, spec, draw(json_objects), tuple(edges))


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@settings(max_examples=60)
@given(catalogs())
def test_there_and_back_to_the_bit(tmp_path_factory, catalog):
    path = tmp_path_factory.mktemp("catalog") / "a.json"
    catalog.to_json(path)
    first = path.read_bytes()
    back = Catalog.from_json(path)
    back.to_json(path)
    assert path.read_bytes() == first
    assert back.connections == catalog.connections
    assert back.field_spec == catalog.field_spec and back.provenance == catalog.provenance
    for old, new in zip(catalog, back, strict=True):
        assert same_bits(new.location, old.location)
        if old.eigenvalues.size:
            assert same_bits(new.eigenvalues, old.eigenvalues)
        for name in ("id", "kind", "index", "loss", "residual", "orbit_size", "certificate"):
            assert getattr(new, name) == getattr(old, name)


def test_what_is_not_plain_json_in_memory_becomes_so(path):
    odd = {"tol": np.float32(0.5), "n": np.int64(3), "v": jnp.arange(2), "t": (1, "a"), "b": True}
    Catalog((record(location=jnp.ones(2)),), SPEC, odd).to_json(path)
    back = Catalog.from_json(path)
    assert back.provenance == {"tol": 0.5, "n": 3, "v": [0, 1], "t": [1, "a"], "b": True}


def test_layout_is_for_people_and_tools(path):
    document = document_of(small(), path)
    assert list(document) == [
        "schema_version", "checksum", "field", "provenance", "points", "connections",
    ]  # fmt: skip
    assert list(document["points"][0])[:3] == ["id", "kind", "index"]
    text = path.read_text(encoding="utf-8")
    assert "ΔS_2" in text and "Ω → 0" in text
    assert '\n   "location": [0.1, -0.0],\n' in text
    assert document["points"][1]["eigenvalues"] == [[-0.0, 0.5], [0.1, -0.5]]
    assert text.endswith("}\n")


def test_a_file_laid_out_by_another_tool_is_read(path):
    document = document_of(small(), path)
    path.write_bytes(sealed(document))
    assert len(Catalog.from_json(path)) == 2


def test_rebuilds_the_field(path):
    field = TeacherStudent(jnp.asarray([[1.0, 0.25], [-1 / 3, 1.0]]), teacher_weights=[1.0, -0.5])
    w = jnp.asarray([[0.3, 0.4], [-0.7, 0.2]])
    Catalog((), field.spec(), provenance(field)).to_json(path)
    rebuilt = Catalog.from_json(path).field()
    assert isinstance(rebuilt, TeacherStudent)
    old, new = (jax.jit(lambda v, one=one: -one(0.0, v))(w) for one in (field, rebuilt))
    assert np.array_equal(old, new)


def test_a_classified_point_survives(path):
    field = GradientFlow(lambda w: jnp.cos(w[0]) + w[1] ** 2 / 3, (2,))
    point = classify(field, jnp.zeros(2))
    Catalog((point,), field.spec(), provenance(field)).to_json(path)
    back = Catalog.from_json(path)["p1"]
    assert (back.kind, back.index) == ("saddle", 1)
    assert repr(back) == repr(point)
    assert same_bits(back.eigenvalues, point.eigenvalues)


def test_a_users_function_is_named_when_the_field_is_asked_for():
    field = VectorField(lambda w: -w, (2,))
    with pytest.raises(ValueError, match="a file cannot hold it"):
        Catalog((), field.spec(), {}).field()


# ---- damaged, foreign and newer files ----


def test_every_flipped_bit_is_noticed(path, rng):
    small().to_json(path)
    data = path.read_bytes()
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        refusal(path, bytes(damaged))


def test_every_truncation_is_noticed(path):
    small().to_json(path)
    data = path.read_bytes()
    for length in [*range(0, len(data) - 1, 7), len(data) - 2, len(data) - 1]:
        message = refusal(path, data[:length])
        assert re.search("damaged|truncated", message)


def test_truncated_file_says_where(path):
    small().to_json(path)
    data = path.read_bytes()
    cut = data[: data.index(b'"location"') + 3]
    line = cut.count(b"\n") + 1
    message = refusal(path, cut)
    assert f"truncated: it stops being JSON at line {line}" in message
    assert "was not changed" in message and str(path) in message


def test_edits_are_noticed_and_can_be_accepted(path):
    small().to_json(path)
    edited = path.read_bytes().replace(b'"hits": 7', b'"hits": 8')
    message = refusal(path, edited)
    assert "damaged or was edited by hand" in message and "verify_checksum=False" in message
    assert Catalog.from_json(path, verify_checksum=False)[0].hits == 8


@pytest.mark.parametrize("verify", [True, False])
def test_newer_version_says_upgrade(path, verify):
    """Whatever else a newer format changes, the version is what the reader must hear about."""
    message = refusal(path, b'{"schema_version": 7, "atlas": []}', verify_checksum=verify)
    assert "written by a newer flowlab (schema 7; this one reads up to 1): upgrade" in message


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[]", "not a flowlab catalog.*missing"),
        (b"3", "not a flowlab catalog"),
        (b'{"a": 1}', "not a flowlab catalog.*missing"),
        (b'{"schema_version": "1"}', "schema_version is '1'"),
        (b'{"schema_version": true}', "schema_version is True"),
        (b'{"schema_version": 0}', "schema_version is 0"),
        (b'{"schema_version": 1}', "checksum"),
        (b'{"schema_version": 1, "schema_version": 1}', "'schema_version' occurs twice"),
        (b'{"schema_version": 1, "x": NaN}', "NaN.*finite"),
        (b'{"schema_version": 1, "x": -Infinity}', "-Infinity.*finite"),
        (b'{"schema_version": 1, "x": 1e999}', "1e999.*finite"),
        (b'{"schema_version": 1, "x": "\\ud800"}', "damaged"),
        (b'{"schema_version": ' + b"1" * 5000 + b"}", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"\x80\x04\x95", "line 1 is not UTF-8"),
        (b"PK\x03\x04", "stops being JSON at line 1"),
        ('\ufeff{"schema_version": 1}'.encode(), "damaged"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:24]),
)
def test_foreign_files_are_refused(path, data, message):
    assert re.search(message, refusal(path, data))


def nested(depth: int):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


DELETE = object()


@pytest.mark.parametrize(
    "place, value, message",
    [
        (("provenance",), DELETE, "'provenance' is a required property"),
        (("extra",), 1, "'extra' was unexpected"),
        (("points", 1, "index"), DELETE, r"points\[1\].*'index' is a required property"),
        (("points", 0, "index"), -1, r"points\[0\]\.index"),
        (("points", 0, "index"), 0.5, r"points\[0\]\.index"),
        (("points", 0, "index"), True, r"points\[0\]\.index"),
        (("points", 0, "kind"), "hill", r"points\[0\]\.kind: 'hill'"),
        (("points", 0, "colour"), "red", r"points\[0\].*'colour' was unexpected"),
        (("points", 0, "loss"), "low", r"points\[0\]\.loss"),
        (("points", 0, "loss"), 10**400, r"points\[0\]\.loss is too large"),
        (("points", 0, "location"), [0.0, None], r"points\[0\]\.location\[1\]"),
        (("points", 0, "location"), [0.0, 1.0, 2.0], r"points\[0\].*shape \(3,\).*shape \(2,\)"),
        (("points", 0, "location"), [[0.0], [1.0, 2.0]], r"points\[0\] has no proper arrays"),
        (("points", 0, "location"), [0, 10**400], r"points\[0\] has no proper arrays"),
        (("points", 0, "location"), nested(90), r"points\[0\]"),
        (("points", 0, "location"), nested(600), "not a valid catalog"),
        (("points", 0, "eigenvalues"), [[0.0, 1.0], 2.0], r"points\[0\]\.eigenvalues\[1\]"),
        (("points", 0, "eigenvalues"), [[0.0, 1.0, 2.0]], r"points\[0\]\.eigenvalues\[0\]"),
        (("points", 0, "eigenvalues"), [0.0] * 9 + ["1"], r"points\[0\]\.eigenvalues\[9\]"),
        (("points", 0, "eigenvalues"), [], r"points\[0\].*0 eigenvalues; needed: one for each of"),
        (("points", 0, "eigenvalues"), [1.0], r"points\[0\].*1 eigenvalues; needed: .* 2 coord"),
        (("points", 1, "id"), "p1", "another point has the id 'p1'"),
        (("points", 1, "id"), "", r"points\[1\]\.id"),
        (("points",), {}, "points"),
        (("field",), [], "field"),
        (("field", "shape"), [0], r"field\.shape\[0\]"),
        (("connections", 0, "target"), "p9", r"connections\[0\].*target 'p9'.*p1, p2"),
        (("connections", 0, "side"), 2, r"connections\[0\]\.side"),
        (("connections", 0, "time"), None, r"connections\[0\]\.time"),
    ],
)
def test_wrong_entries_are_named(path, place, value, message):
    document = document_of(small(), path)
    spot = document
    for step in place[:-1]:
        spot = spot[step]
    if value is DELETE:
        del spot[place[-1]]
    else:
        spot[place[-1]] = value
    found = refusal(path, sealed(document))
    assert re.search(message, found), found
    assert len(found) < 600 + len(str(path))


def test_whole_numbers_may_be_written_for_real_ones(path):
    document = document_of(small(), path)
    document["points"][0] |= {"loss": 0, "residual": 0, "location": [1, 2], "index": 0.0}
    path.write_bytes(sealed(document))
    point = Catalog.from_json(path)[0]
    assert isinstance(point.loss, float) and isinstance(point.index, int)
    assert point.location.dtype == float


def test_a_missing_file_is_an_ordinary_error(path):
    with pytest.raises(FileNotFoundError):
        Catalog.from_json(path)


# ---- writing ----


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"loss": np.nan}, r"points\[0\] \(p1\)\.loss is nan"),
        ({"residual": np.inf}, r"\.residual is inf"),
        ({"location": np.array([0.0, np.inf])}, r"\.location\[1\] is inf"),
        ({"location": np.array([0.0, 1j])}, r"\.location is array.*cannot hold"),
        ({"eigenvalues": np.array([1.0, -np.inf])}, r"\.eigenvalues\[1\] is -inf"),
        ({"eigenvalues": np.array([1.0, complex(0, np.nan)])}, r"\.eigenvalues\[1\]\[1\] is nan"),
        ({"certificate": {"radius": [1.0, np.nan]}}, r"\.certificate\.radius\[1\] is nan"),
        ({"certificate": {"proof": object()}}, r"\.certificate\.proof is <object"),
        ({"certificate": {3: 1}}, r"\.certificate is {3: 1}"),
        ({"index": 1.5}, r"\.index is 1\.5"),
        ({"kind": "hill"}, r"points\[0\]\.kind: 'hill'"),
        ({"found_by": "\ud800"}, r"\.found_by is '\\ud800'"),
    ],
)
def test_what_could_not_be_read_is_not_written(path, changes, message):
    path.write_text("precious")
    with pytest.raises(ValueError, match=message):
        Catalog((record(**changes),), SPEC, {}).to_json(path)
    assert path.read_text() == "precious"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch, step):
    def fail(*_):
        raise OSError("no space left on device")

    small().to_json(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space"):
        small().replace(connections=()).to_json(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_writing_goes_through_links_and_keeps_permissions(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, "new\n")
    assert link.is_symlink() and target.read_bytes() == b"new\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_writing_where_it_cannot_be_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        write_atomically(tmp_path / "nowhere" / "a.json", "")
    with pytest.raises(ValueError, match="not a regular file"):
        write_atomically(tmp_path, "")
    assert os.listdir(tmp_path) == []


# ---- the schema and the provenance ----


def test_schema_is_shipped_and_valid():
    import jsonschema

    source = importlib.resources.files("flowlab.catalog") / "catalog.schema.json"
    schema = json.loads(source.read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    point = set(CriticalPoint.__dataclass_fields__)
    assert set(schema["$defs"]["point"]["properties"]) == point
    assert set(schema["$defs"]["point"]["required"]) == point
    edge = set(Connection.__dataclass_fields__)
    assert set(schema["$defs"]["connection"]["required"]) == edge


def test_provenance_says_what_is_needed(path):
    field = TeacherStudent(jnp.eye(2))
    made = provenance(
        field, key=jax.random.key(5), starts=np.int64(100), t1=np.inf, rtol=1e-8,
        box=jnp.array([0.0, 1.0]), solver=np.linalg.solve, options={"pair": (1, None)},
    )  # fmt: skip
    assert made["key"] == [0, 5]
    packages = {"flowlab", "python", "jax", "diffrax", "equinox", "numpy", "scipy"}
    assert set(made["versions"]) == packages
    assert made["versions"]["jax"] == jax.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", made["date"])
    assert made["settings"] == {
        "starts": 100, "t1": "inf", "rtol": 1e-8, "box": [0.0, 1.0], "solver": "solve",
        "options": {"pair": [1, None]},
    }  # fmt: skip
    Catalog((), field.spec(), made).to_json(path)
    assert Catalog.from_json(path).provenance == made


def test_provenance_of_keys():
    field = TeacherStudent(jnp.eye(2))
    assert provenance(field)["key"] is None
    assert provenance(field, key=jax.random.PRNGKey(5))["key"] == [0, 5]
    with pytest.raises(ValueError, match="needed: a JAX random key"):
        provenance(field, key=5)
