"""The graph of connections on landscapes whose graph is known."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from flowlab import Catalog
from flowlab.catalog import provenance
from flowlab.critical import classify, refine
from flowlab.fields import TeacherStudent, theorem7_plane, zoo
from flowlab.landscape import (
    connect,
    landscape_graph,
    quotient,
    to_graphml,
    trace_connections,
    unstable_directions,
)

X_STAR = 0.534154943091895
# One instance of each: a field made anew is compiled anew.
SURFACE, WELLS = zoo.muller_brown(), zoo.double_wells(2)


def catalog_of(field, *states):
    """The critical points near the given states, as a catalog p1, p2, ..."""
    points = [
        classify(field, refine(field, state).location, id=f"p{number}")
        for number, state in enumerate(states, 1)
    ]
    return Catalog(tuple(points), field.spec(), provenance(field))


def edges(graph):
    return [(source, target, data) for source, target, data in graph.edges(data=True)]


@pytest.fixture(scope="module")
def two_students():
    """The full field of K = 2 with the teacher (p1) and the saddle of Theorem 7 (p2)."""
    field = TeacherStudent(jnp.eye(2))
    catalog = catalog_of(field, np.eye(2), np.full((2, 2), X_STAR))
    return field, trace_connections(field, catalog)


def test_saddle_joins_both_teachers(two_students):
    field, catalog = two_students
    graph = landscape_graph(catalog)
    swap = "p1 students (1 2)"
    assert sorted(graph) == ["p1", swap, "p2"]
    assert graph.out_degree("p2") == 2 and graph.out_degree("p1") == graph.out_degree(swap) == 0
    sides = {target: data["side"] for _, target, data in edges(graph)}
    assert sorted(sides.values()) == [-1, 1] and set(sides) == {"p1", swap}
    # Towards p1 = W* the first student turns to the first axis.
    directions = {d.side: d.vector for d in unstable_directions(field, catalog["p2"])}
    toward = directions[sides["p1"]]
    assert np.sum(toward * (catalog["p1"].location - catalog["p2"].location)) > 0.9
    for _, _, data in edges(graph):
        assert abs(data["loss_drop"] - 0.0885119366328834) < 1e-12
        assert data["direction"] == 0 and data["multiplicity"] == 1 and data["time"] > 0
        assert data["barrier"] == data["loss_drop"] == graph.nodes["p1"]["barrier"]
    assert graph.graph["lowest_barrier"] == graph.graph["highest_barrier"] == data["barrier"]
    assert graph.graph["directions"] == graph.graph["directions_settled"] == 2
    times = [data["time"] for *_, data in edges(graph)]
    # Mirror images take equally long; the time is read off once in a round of steps.
    assert abs(times[0] - times[1]) < 0.1 * times[0]


def test_quotient_keeps_two_edges_with_two_images(two_students):
    merged = quotient(landscape_graph(two_students[1]))
    assert sorted(merged) == ["p1", "p2"] and merged.number_of_edges("p2", "p1") == 2
    images = {data["image"]: data["side"] for *_, data in edges(merged)}
    assert set(images) == {"identity", "students (1 2)"} and sorted(images.values()) == [-1, 1]
    node = merged.nodes["p2"]
    assert (node["kind"], node["index"], node["nullity"], node["orbit_size"]) == ("saddle", 1, 1, 1)
    assert abs(node["loss"] - 0.0885119366328834) < 1e-12 and "image" not in node


def test_plane_of_two_students():
    field = theorem7_plane(2)
    catalog = trace_connections(field, catalog_of(field, [1.0, 0.0], [X_STAR, X_STAR]))
    graph = landscape_graph(catalog)
    assert graph.number_of_edges() == 2 and len(graph) == 3
    assert {data["image"] for *_, data in edges(graph)} == {"identity", "coordinates (1 2)"}
    assert all("loss_drop" not in data or data["loss_drop"] > 0 for *_, data in edges(graph))
    assert quotient(graph).number_of_edges("p2", "p1") == 2


@pytest.fixture(scope="module")
def surface():
    field = SURFACE
    places = [
        (-0.55822363, 1.44172584), (0.62349940, 0.02803776), (-0.05001082, 0.46669410),
        (-0.82200156, 0.62431280), (0.21248658, 0.29298833),
    ]  # fmt: skip
    return trace_connections(field, catalog_of(field, *places))


def test_muller_brown(surface):
    graph = landscape_graph(surface)
    assert sorted(graph.successors("p4")) == ["p1", "p3"]
    assert sorted(graph.successors("p5")) == ["p2", "p3"]
    assert graph.number_of_edges() == 4 and len(graph) == 5
    loss = {name: data["loss"] for name, data in graph.nodes(data=True)}
    for source, target, data in edges(graph):
        assert abs(data["loss_drop"] - (loss[source] - loss[target])) < 1e-9
    # One minimum to the next: a path with the saddles between.
    assert nx.is_isomorphic(nx.Graph(graph), nx.path_graph(5))


def test_no_connection_counts_as_a_hit(surface):
    assert all(point.hits == 0 for point in surface)


def test_graphml_round_trip(surface, two_students, tmp_path):
    for graph in (landscape_graph(surface), quotient(landscape_graph(two_students[1]))):
        path = tmp_path / "landscape.graphml"
        to_graphml(graph, path)
        again = nx.read_graphml(path, force_multigraph=True)
        assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
        one, other = (
            sorted((u, v, sorted(d.items())) for u, v, d in g.edges(data=True))
            for g in (graph, again)
        )
        # The reader may add an id to an edge; nothing of ours is lost or changed.
        for (u, v, ours), (a, b, read) in zip(one, other, strict=True):
            assert (u, v) == (a, b) and set(ours) <= set(read)


def test_double_wells_connect_downwards():
    field = WELLS
    catalog = catalog_of(field, [1.0, 1.0], [1.0, 0.0], [0.0, 0.0])
    traced = trace_connections(field, catalog, key=jax.random.key(0), samples=12)
    graph = quotient(landscape_graph(traced))
    assert set(graph.successors("p2")) == {"p1"} and graph.number_of_edges("p2", "p1") == 2
    # A coordinate that is not exactly 0 grows: sampled directions from the top reach minima,
    # one in each quadrant; directions along an axis stay in it and reach saddles.
    assert set(graph.successors("p3")) <= {"p1", "p2"}
    # The diagonal, in a fixed subspace, and 12 others.
    sampled = [link for link in traced.connections if link.side == 0]
    assert {link.target for link in sampled} == {"p1"} and len(sampled) == 13
    full = landscape_graph(traced)
    minima = {v for u, v, d in edges(full) if u == "p3" and d["side"] == 0}
    counts = [d["multiplicity"] for u, v, d in edges(full) if u == "p3" and d["side"] == 0]
    assert len(minima) == 4 and sum(counts) == 13
    for link in traced.connections:
        assert link.loss_drop > 0


def test_duffing_saddle_feeds_both_foci():
    field = zoo.duffing(0.3)
    catalog = catalog_of(field, [1.0, 0.0], [-1.0, 0.0], [0.0, 0.0])
    traced = trace_connections(field, catalog)
    (right,) = (d.side for d in unstable_directions(field, catalog["p3"]) if d.vector[0] > 0)
    # The energy only falls, so the branch that leaves to the right stays in the right well.
    assert {(c.target, c.side) for c in traced.connections} == {("p1", right), ("p2", -right)}
    assert all(c.loss_drop is None and c.image == "identity" for c in traced.connections)
    graph = landscape_graph(traced)
    assert "loss" not in graph.nodes["p3"]
    assert all("loss_drop" not in data for *_, data in edges(graph))


def test_the_plane_of_theorem_7_is_layered_by_the_full_loss():
    plane = theorem7_plane(2)
    traced = trace_connections(plane, catalog_of(plane, [1.0, 0.0], [X_STAR, X_STAR]))
    assert {(c.target, c.side) for c in traced.connections} == {("p1", 1), ("p1", -1)}
    for link in traced.connections:
        assert abs(link.loss_drop - 0.0885119366328834) < 1e-12
    assert traced.sorted()[1].kind == "saddle"


def test_points_met_on_the_way_are_added_and_followed():
    field = WELLS
    traced = trace_connections(field, catalog_of(field, [0.0, 0.0]), key=jax.random.key(1))
    assert traced[0].id == "p1" and traced[0].kind == "maximum"
    assert {point.orbit_size for point in traced} >= {1, 4}
    followed = {link.source for link in traced.connections}
    assert followed == {point.id for point in traced if point.index > 0}


def test_connect_is_trace_and_graph_and_the_same_each_time(surface):
    bare = surface.replace(connections=())
    one, other = connect(SURFACE, bare), landscape_graph(surface)
    assert dict(one.nodes(data=True)) == dict(other.nodes(data=True))
    assert [data for *_, data in edges(one)] == [data for *_, data in edges(other)]
