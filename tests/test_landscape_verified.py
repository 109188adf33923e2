"""Connections under an independent integrator, graphs in files, and the command."""

import json
import os

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from flowlab import Catalog, find_critical_points
from flowlab.catalog import provenance
from flowlab.critical import classify, refine
from flowlab.fields import AbstractField, TeacherStudent, zoo
from flowlab.landscape import (
    disconnectivity,
    from_node_link_json,
    landscape_graph,
    quotient,
    to_node_link_json,
    trace_connections,
    verify_connections,
)

X_STAR = 0.534154943091895
ANTIPODAL = np.outer([1.51081832985837, -0.0966047674852793], [0.5**0.5, 0.5**0.5])
WELL = zoo.double_well()


def catalog_of(field, *states):
    points = [
        classify(field, refine(field, state).location, id=f"p{number}")
        for number, state in enumerate(states, 1)
    ]
    return Catalog(tuple(points), field.spec(), provenance(field))


@pytest.fixture(scope="module")
def well():
    return trace_connections(WELL, catalog_of(WELL, [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]))


# ---- verification ----


def test_two_students_are_verified():
    """Every edge at rtol 1e-12; the saddle of Theorem 7 joins both permutations of the teacher."""
    field = TeacherStudent(jnp.eye(2))
    states = np.eye(2), ANTIPODAL, np.full((2, 2), X_STAR), np.full((2, 2), -0.0342)
    catalog = trace_connections(field, catalog_of(field, *states))
    report = verify_connections(field, catalog)
    assert report.ok, report
    assert len(report.rows) == len(catalog.connections) > 6 and report.rtol == 1e-12
    assert all(row.distance < 1e-6 and row.rise < 1e-13 for row in report.rows)
    ends = {(row.target, row.image) for row in report.rows if row.connection.source == "p3"}
    assert ends == {("p1", "identity"), ("p1", "students (1 2)")}


EDGES = int(os.environ.get("FLOWLAB_VERIFIED_EDGES", "60"))
"""How many of the 268 connections of three students are followed again; all take a minute."""


@pytest.mark.slow
def test_three_students_are_verified(rng):
    """All connections of the saddles of index 1, and others drawn at random."""
    field = TeacherStudent(jnp.eye(3))
    catalog = find_critical_points(field, key=jax.random.key(0), starts=400, methods=["newton"])
    catalog = trace_connections(field, catalog)
    links = catalog.connections
    assert len(links) == catalog.provenance["connections"]["directions"] > 200
    chosen = {n for n, link in enumerate(links) if catalog[link.source].index == 1}
    assert len(chosen) == 2 * len(catalog.search(index=1))
    others = rng.permutation(sorted(set(range(len(links))) - chosen))
    chosen |= set(others[: max(0, EDGES - len(chosen))].tolist())
    some = tuple(links[n] for n in sorted(chosen))
    report = verify_connections(field, catalog.replace(connections=some))
    assert report.ok, report
    assert len(report.rows) == len(some) >= min(EDGES, len(links))


def test_what_does_not_hold_is_found(well):
    """Another image, another point, a direction that is not there: each is a row that fails."""
    wrong = [
        well.connections[0].replace(target=well.connections[1].target),
        well.connections[1].replace(side=-well.connections[1].side),
        well.connections[0].replace(direction=4),
        well.connections[0],
    ]
    report = verify_connections(WELL, well.replace(connections=tuple(wrong)))
    assert [row.ok for row in report.rows] == [False, False, False, True]
    messages = [row.message for row in report.failures]
    assert messages[0].startswith("it ends at p") and "no such direction" in messages[2]
    assert repr(report).startswith("1 of 4 connections verified (DOP853, rtol 1e-12)")
    frame = report.to_frame()
    assert frame["ok"].tolist() == [False, False, False, True]
    missing = well.replace(points=well.points[1:], connections=())
    links = [link for link in well.connections if link.target != "p1"]
    assert verify_connections(WELL, missing.replace(connections=tuple(links))).ok


def test_a_target_that_is_not_there_is_found(well):
    """The real end is no point of the catalog: it is not forced onto the one there is."""
    link = next(link for link in well.connections if link.target == "p1")
    other = well.replace(points=well.points[1:], connections=(link.replace(target="p2"),))
    (row,) = verify_connections(WELL, other).rows
    assert row.message == "it ends at no point of the catalog" and row.target is None


class Rising(AbstractField):
    """A double well that says of its loss the opposite of what is true."""

    shape: tuple[int, ...] = eqx.field(default=(2,), static=True)
    has_loss = True

    def __call__(self, t, w, args=None):
        return jnp.stack([w[0] - w[0] ** 3, -w[1]])

    def loss(self, w):
        return -((w[0] ** 2 - 1) ** 2) / 4 - w[1] ** 2 / 2


def test_a_loss_that_rises_is_found():
    field = Rising()
    catalog = trace_connections(field, catalog_of(field, [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]))
    report = verify_connections(field, catalog)
    assert {row.message for row in report.rows} == {"the loss rises along it"}


def test_verification_needs_the_directions(well):
    with pytest.raises(ValueError, match="does not say in which directions"):
        verify_connections(WELL, well.replace(provenance={}))


def test_fields_without_a_loss():
    field = zoo.duffing(0.3)
    catalog = trace_connections(field, catalog_of(field, [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]))
    report = verify_connections(field, catalog)
    assert report.ok and all(np.isnan(row.rise) for row in report.rows)


# ---- files ----


def test_node_link_round_trip(well, tmp_path):
    path = tmp_path / "landscape.json"
    graph = landscape_graph(well)
    for one in (graph, quotient(graph), disconnectivity(graph)):
        to_node_link_json(one, path)
        again = from_node_link_json(path)
        assert type(again) is type(one) and again.graph == one.graph
        assert dict(again.nodes(data=True)) == dict(one.nodes(data=True))
        ends = {"keys": True} if one.is_multigraph() else {}
        assert list(again.edges(data=True, **ends)) == list(one.edges(data=True, **ends))
        # What networkx itself makes of the file is the same.
        data = json.loads(path.read_text("utf-8"))
        assert nx.utils.graphs_equal(nx.node_link_graph(data, edges="links"), one)
        assert set(data) == {"directed", "multigraph", "graph", "nodes", "links"}


def test_node_link_takes_scalars_only(tmp_path):
    path = tmp_path / "landscape.json"
    path.write_text("before")
    for value in (float("nan"), [1.0], None, np.ones(2)):
        graph = nx.MultiDiGraph()
        graph.add_node("p1", loss=value)
        with pytest.raises(ValueError, match="node 'p1': loss is"):
            to_node_link_json(graph, path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    graph = nx.MultiDiGraph()
    graph.add_node("p1", loss=np.float64(0.1), index=np.int64(2), sure=np.True_)
    to_node_link_json(graph, path)
    assert from_node_link_json(path).nodes["p1"] == {"loss": 0.1, "index": 2, "sure": True}


def damaged(change):
    def apply(text):
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return apply


DAMAGE = {
    "empty": (lambda text: " ", "is empty"),
    "truncated": (lambda text: text[: len(text) // 2], "is damaged or truncated: it stops being"),
    "not text": (lambda text: text.encode("utf-16"), "is not UTF-8 text"),
    "a list": (lambda text: "[1]", "is JSON but not a node-link graph"),
    "no links": (damaged(lambda d: d.pop("links")), "it has no proper 'links'"),
    "NaN": (lambda text: text.replace('"index": 0', '"index": NaN'), "it holds NaN"),
    "infinite": (lambda text: text.replace('"index": 0', '"index": 1e999'), "it holds 1e999"),
    "a node twice": (damaged(lambda d: d["nodes"].append(d["nodes"][0])), "the id 'p1' of another"),
    "no id": (damaged(lambda d: d["nodes"][0].pop("id")), "nodes[0] has no 'id'"),
    "a stranger": (damaged(lambda d: d["links"][0].update(target="p7")), "no node 'p7'"),
    "an edge twice": (damaged(lambda d: d["links"].append(d["links"][0])), "occurs twice"),
    "a list inside": (damaged(lambda d: d["nodes"][0].update(x=[1])), "nodes[0].x is no text"),
    "a list as node": (damaged(lambda d: d["nodes"].append([1])), "nodes[3] is no dictionary"),
    "deep": (lambda text: "[" * 100_000, ""),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_graphs_are_refused(well, tmp_path, case):
    path = tmp_path / "landscape.json"
    to_node_link_json(landscape_graph(well), path)
    change, message = DAMAGE[case]
    content = change(path.read_text("utf-8"))
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError) as caught:
        from_node_link_json(path)
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)


def test_a_graph_that_is_not_there(tmp_path):
    with pytest.raises(OSError):
        from_node_link_json(tmp_path / "no.json")


# ---- the command ----

FILES = ["disconnectivity.png", "landscape.graphml", "landscape.json", "landscape.png"]


def test_landscape_of_a_file_with_connections(flowlab, well, tmp_path):
    path, out = tmp_path / "catalog.json", tmp_path / "new" / "out"
    well.to_json(path)
    status, printed, complaint = flowlab("landscape", path, "--out", out, "--verify")
    assert (status, complaint) == (0, "")
    assert sorted(file.name for file in out.iterdir()) == FILES
    for name in FILES:
        assert f"  {out / name}\n" in printed
    assert "2 directions were followed: 2 settled." in printed
    assert "0.250000000" in printed and "p3     p1, p2" in printed
    assert "p1 is reached from p3" in printed and "…" not in printed
    assert "2 of 2 connections end at the recorded image by SciPy's DOP853" in " ".join(
        printed.split()
    )
    assert from_node_link_json(out / "landscape.json").number_of_edges() == 2
    assert nx.read_graphml(out / "landscape.graphml").number_of_edges() == 2


def test_landscape_traces_what_is_not_traced(flowlab, well, tmp_path):
    path = tmp_path / "bare.json"
    well.replace(connections=(), provenance=provenance(WELL)).to_json(path)
    status, printed, _ = flowlab("landscape", path, "--out", tmp_path / "out", "--samples", 3)
    assert status == 0 and "2 directions were followed" in printed
    again = Catalog.from_json(tmp_path / "out" / "catalog.json")
    assert len(again.connections) == 2 and again.provenance["connections"]["samples"] == 3
    # Traced anew it is the same.
    status, other, _ = flowlab(
        "landscape", tmp_path / "out" / "catalog.json", "--trace", "--out", tmp_path / "out"
    )
    start = "Connections, modulo symmetry"
    assert status == 0 and other[other.index(start) :] == printed[printed.index(start) :]


def test_landscape_of_a_field_without_a_loss(flowlab, tmp_path):
    field = zoo.duffing(0.3)
    catalog_of(field, [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]).to_json(tmp_path / "duffing.json")
    status, printed, _ = flowlab("landscape", tmp_path / "duffing.json", "--out", tmp_path / "out")
    assert status == 0 and "The field has no loss: there are no barriers" in printed
    assert not (tmp_path / "out" / "disconnectivity.png").exists()


def test_landscape_finds_a_connection_that_does_not_hold(flowlab, well, tmp_path):
    path = tmp_path / "catalog.json"
    wrong = well.connections[0].replace(target=well.connections[1].target)
    well.replace(connections=(wrong, well.connections[1])).to_json(path)
    status, printed, complaint = flowlab("landscape", path, "--out", tmp_path, "--verify")
    assert (status, complaint) == (1, "Failed: 1 of 2 connections do not hold.\n")
    assert "it ends at p" in printed


def test_landscape_refuses(flowlab, well, tmp_path):
    path, out = tmp_path / "catalog.json", tmp_path / "out"
    unknown = {"type": "GradientFlow", "shape": [2]}
    cases = [
        (well.replace(points=(), connections=()), (), "has no points"),
        (well.replace(field_spec=unknown), ("--verify",), "does not say what its field is"),
        (well.replace(field_spec=unknown), ("--trace",), "does not say what its field is"),
        (well, ("--samples", 4), "Add --trace"),
        (well.replace(provenance={}), ("--verify",), "cannot be verified. Trace them anew"),
    ]
    for catalog, options, complaint in cases:
        catalog.to_json(path)
        status, printed, said = flowlab("landscape", path, "--out", out, *options)
        assert (status, printed) == (2, "") and complaint in " ".join(said.split()), complaint
        assert not out.exists()
    path.write_text("{")
    status, _, said = flowlab("landscape", path, "--out", out)
    assert status == 2 and "is damaged or truncated" in said
    assert flowlab("landscape", tmp_path / "no.json")[0] == 2


def test_landscape_draws_what_it_can_of_an_unknown_field(flowlab, well, tmp_path):
    path, out = tmp_path / "catalog.json", tmp_path / "out"
    well.replace(field_spec={"type": "GradientFlow", "shape": [2]}).to_json(path)
    status, printed, _ = flowlab("landscape", path, "--out", out)
    assert status == 0 and "0.250000000" in printed
    assert sorted(file.name for file in out.iterdir()) == FILES
