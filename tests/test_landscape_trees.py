"""Barriers, disconnectivity trees and reachability, against brute force and known landscapes."""

import itertools

import hypothesis
import hypothesis.strategies as st
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest
import scipy.ndimage

from flowlab import Catalog, plot
from flowlab.catalog import provenance
from flowlab.critical import classify, refine
from flowlab.fields import zoo
from flowlab.landscape import (
    barriers,
    disconnectivity,
    landscape_graph,
    quotient,
    reachability,
    trace_connections,
    unfold,
)

SURFACE, WELLS = zoo.muller_brown(), zoo.double_wells(3)
MINIMA = [(-0.55822363, 1.44172584), (0.62349940, 0.02803776), (-0.05001082, 0.46669410)]
SADDLES = [(-0.82200156, 0.62431280), (0.21248658, 0.29298833)]
V = [-146.699517, -108.166724, -80.767818, -40.664844, -72.248940]


def traced(field, *states, **options):
    points = [
        classify(field, refine(field, state).location, id=f"p{number}")
        for number, state in enumerate(states, 1)
    ]
    return trace_connections(
        field, Catalog(tuple(points), field.spec(), provenance(field)), **options
    )


@pytest.fixture(scope="module")
def surface():
    return landscape_graph(traced(SURFACE, *MINIMA, *SADDLES))


@pytest.fixture(scope="module")
def cube():
    return unfold(WELLS, traced(WELLS, [1, 1, 1.0], [1, 1, 0.0], [1, 0, 0.0], [0, 0, 0.0]))


def merges(tree):
    return {name: data for name, data in tree.nodes(data=True) if data["kind"] == "merge"}


def chain_graph(minima, saddles, kind="minimum"):
    """A graph of minima (losses) and saddles (loss, two minima)."""
    graph = nx.MultiDiGraph()
    for number, loss in enumerate(minima):
        graph.add_node(f"m{number}", kind=kind, index=0, loss=loss, image="identity",
                       point=f"m{number}", orbit_size=1)  # fmt: skip
    for number, (loss, ends) in enumerate(saddles):
        graph.add_node(f"s{number}", kind="saddle", index=1, loss=loss, image="identity",
                       point=f"s{number}", orbit_size=1)  # fmt: skip
        for side, end in zip((1, -1), ends, strict=True):
            graph.add_edge(f"s{number}", f"m{end}", image="identity", side=side)
    return graph


def test_muller_brown_tree(surface):
    """Minima 2 and 3 join over the lower saddle, minimum 1 joins them over the higher one."""
    tree = disconnectivity(surface)
    found = merges(tree)
    assert set(found) == {"p4", "p5"}
    assert set(tree["p5"]) == {"p2", "p3"} and set(tree["p4"]) == {"p1", "p5"}
    assert abs(found["p5"]["energy"] - V[4]) < 1e-5 and abs(found["p4"]["energy"] - V[3]) < 1e-5
    for name, loss in zip(("p1", "p2", "p3"), V, strict=False):
        assert abs(tree.nodes[name]["energy"] - loss) < 1e-5
    assert (found["p4"]["leaves"], found["p5"]["leaves"], found["p4"]["saddles"]) == (3, 2, 1)
    assert nx.is_arborescence(tree)


def test_muller_brown_barriers(surface):
    table = barriers(surface).set_index(["minimum", "other"])
    expected = {("p1", "p2"): 3, ("p1", "p3"): 3, ("p2", "p3"): 4}
    for (one, other), saddle in expected.items():
        row = table.loc[(one, other)]
        assert row["saddle"] == f"p{saddle + 1}"
        ends = V[int(one[1]) - 1], V[int(other[1]) - 1]
        found = row["barrier"], row["barrier_back"]
        np.testing.assert_allclose(found, np.subtract(V[saddle], ends), rtol=0, atol=1e-5)
    assert table.loc[("p1", "p2"), "chain"] == "p1 - p4 - p3 - p5 - p2"


def test_muller_brown_levels_are_those_of_the_sublevel_sets(surface):
    """On a grid {V <= E} has the components that the tree has below E."""
    x, y = np.meshgrid(np.linspace(-1.6, 1.2, 561), np.linspace(-0.4, 2.0, 481), indexing="ij")
    values = muller_brown(x, y)
    tree = disconnectivity(surface)
    places = [(np.abs(x[:, 0] - a).argmin(), np.abs(y[0] - b).argmin()) for a, b in MINIMA]
    for energy in (-79.0, -73.0, -71.5, -45.0, -42.0, -40.0):
        labels, _ = scipy.ndimage.label(values <= energy)
        grid = [labels[place] for place in places]
        below = tree.subgraph(n for n, d in tree.nodes(data=True) if d["energy"] <= energy)
        groups = list(nx.weakly_connected_components(below))
        ours = [next(i for i, g in enumerate(groups) if name in g) for name in ("p1", "p2", "p3")]
        for i, j in itertools.combinations(range(3), 2):
            assert (grid[i] == grid[j]) == (ours[i] == ours[j]), energy


def muller_brown(x, y):
    terms = zip(
        (-200, -100, -170, 15), (-1, -1, -6.5, 0.7), (0, 0, 11, 0.6), (-10, -10, -6.5, 0.7),
        (1, 0, -0.5, -1), (0, 0.5, 1.5, 1), strict=True,
    )  # fmt: skip
    return sum(
        k * np.exp(a * (x - p) ** 2 + b * (x - p) * (y - q) + c * (y - q) ** 2)
        for k, a, b, c, p, q in terms
    )


def test_the_tree_of_the_cube(cube):
    """All 8 minima come together at 1/4, over 12 saddles of one height."""
    tree = disconnectivity(cube)
    ((name, data),) = merges(tree).items()
    assert (data["saddles"], data["leaves"], data["images"]) == (12, 8, 8)
    assert abs(data["energy"] - 0.25) < 1e-12 and tree.out_degree(name) == 8
    table = barriers(cube)
    assert len(table) == 28
    np.testing.assert_allclose(table["barrier"], 0.25, rtol=0, atol=1e-12)
    by_orbit = barriers(cube, by="orbit")
    assert by_orbit[["minimum", "other", "barrier"]].round(12).values.tolist() == [
        ["p1", "p1", 0.25]
    ]


def test_the_quotient_of_the_cube(cube):
    merged = quotient(cube)
    tree = disconnectivity(merged)
    assert list(tree) == ["p1"] and tree.nodes["p1"]["orbit_size"] == 8
    (row,) = barriers(merged).to_dict("records")
    assert (row["minimum"], row["other"], row["saddle"]) == ("p1", "p1", "p2")
    assert abs(row["barrier"] - 0.25) < 1e-12


def test_reachability_of_the_cube(cube):
    reach = reachability(cube)
    sizes = {0: 0, 1: 2, 2: 4, 3: 8}
    for name, minima in reach.attractors.items():
        assert len(minima) == sizes[cube.nodes[name]["index"]]
    # A corner is reached from 3 edges, 3 faces and the centre.
    assert {len(sources) for sources in reach.sources.values()} == {7}
    assert reach.orbits == {"p2": ("p1",), "p3": ("p1",), "p4": ("p1",)}
    assert reach.orbit_sources == {"p1": ("p2", "p3", "p4")}
    assert "p2  decides between p1" in repr(reach)


def test_reachability_of_muller_brown(surface):
    reach = reachability(surface)
    assert reach.attractors == {"p4": ("p1", "p3"), "p5": ("p2", "p3")} == reach.orbits
    assert reach.sources == {"p1": ("p4",), "p2": ("p5",), "p3": ("p4", "p5")}


@st.composite
def landscapes(draw):
    """Random minima below random saddles, each between two of them; some of equal height."""
    minima = draw(st.lists(st.integers(-30, -1), min_size=1, max_size=7))
    ends = st.tuples(*[st.integers(0, len(minima) - 1)] * 2)
    saddles = draw(st.lists(st.tuples(st.integers(0, 9), ends), max_size=12))
    return chain_graph([float(x) for x in minima], [(float(e), pair) for e, pair in saddles])


@hypothesis.given(landscapes())
def test_barriers_and_trees_are_those_of_thresholds(graph):
    """Two minima are connected at E if a path has no node above E: tried for every E there is."""
    loss = dict(graph.nodes(data="loss"))
    energies = sorted(set(loss.values()))
    table = barriers(graph).set_index(["minimum", "other"])
    tree = disconnectivity(graph)
    minima = sorted(name for name in graph if graph.nodes[name]["index"] == 0)
    assert all(name in tree for name in minima)
    assert len(table) == len(minima) * (len(minima) - 1) // 2
    for one, other in itertools.combinations(minima, 2):
        lowest = next((e for e in energies if joined(graph, loss, one, other, e)), None)
        row = table.loc[(one, other)]
        ancestor = nx.lowest_common_ancestor(tree, one, other)
        if lowest is None:
            assert row["chain"] is None and np.isnan(row["barrier"]) and ancestor is None
            continue
        assert row["saddle_loss"] == lowest == tree.nodes[ancestor]["energy"]
        assert row["barrier"] == lowest - loss[one] and row["barrier_back"] == lowest - loss[other]
        assert max(loss[name] for name in row["chain"].split(" - ")) == lowest
    for parent, child in tree.edges:
        assert tree.nodes[parent]["energy"] > tree.nodes[child]["energy"]
    assert all(tree.in_degree(name) <= 1 for name in tree)
    assert all(tree.out_degree(name) >= 2 for name in merges(tree))


def joined(graph, loss, one, other, energy):
    below = nx.Graph(graph.subgraph(name for name in graph if loss[name] <= energy))
    return one in below and other in below and nx.has_path(below, one, other)


def test_levels_gather_mergers():
    graph = chain_graph([0.0, 0.1, 0.2, 0.3], [(1.0, (0, 1)), (1.4, (1, 2)), (2.0, (2, 3))])
    tree = disconnectivity(graph, levels=[1.5, 2.5])
    found = merges(tree)
    assert {name: data["energy"] for name, data in found.items()} == {"s0": 1.5, "s2": 2.5}
    assert set(tree["s0"]) == {"m0", "m1", "m2"} and found["s0"]["loss"] == 1.0
    assert len(merges(disconnectivity(graph, levels=[1.5]))) == 1
    even = merges(disconnectivity(graph, levels=5))
    assert {data["energy"] for data in even.values()} == {1.0, 1.5, 2.0}
    for levels, message in ((1, "levels is 1"), ([2.0, 1.0], "increasing"), ([], "finite")):
        with pytest.raises(ValueError, match=message):
            disconnectivity(graph, levels=levels)


def test_what_is_missing_is_said():
    bare = chain_graph([0.0], [])
    bare.add_node("q", kind="saddle", index=1)
    for function in (barriers, disconnectivity):
        with pytest.raises(ValueError, match="needs a loss at every node, and 'q' has none"):
            function(bare)
    with pytest.raises(ValueError, match="no minimum"):
        disconnectivity(nx.MultiDiGraph())
    with pytest.raises(ValueError, match="by is 'saddle'"):
        barriers(chain_graph([0.0], []), by="saddle")


def test_a_flow_from_saddle_to_saddle_joins_what_the_lower_one_joins():
    graph = chain_graph([0.0, 0.5], [(1.0, (0, 1))])
    graph.add_node("m2", kind="minimum", index=0, loss=0.2)
    graph.add_node("s9", kind="saddle", index=1, loss=2.0)
    graph.add_edge("s9", "s0")
    graph.add_edge("s9", "m2")
    tree = disconnectivity(graph)
    assert set(tree["s9"]) == {"s0", "m2"} and tree.nodes["s9"]["energy"] == 2.0


# ---- the picture ----


def test_picture_hangs_minima_at_their_loss_and_joins_them_there(surface):
    ax = plot.disconnectivity(disconnectivity(surface))
    (lines,) = (c for c in ax.collections if hasattr(c, "get_segments"))
    segments = lines.get_segments()
    assert len(segments) == 5
    starts = sorted(segment[0, 1] for segment in segments)
    np.testing.assert_allclose(starts, sorted(V), rtol=0, atol=1e-5)
    tops = sorted(segment[-1, 1] for segment in segments if len(segment) == 3)
    np.testing.assert_allclose(tops, [V[4], V[4], V[3], V[3]], rtol=0, atol=1e-5)
    assert sorted(text.get_text() for text in ax.texts) == ["p1", "p2", "p3"]
    assert ax.get_ylabel() == "loss $J$"
    inside = ax.get_window_extent()
    ax.get_figure().canvas.draw()
    assert all(text.get_window_extent().y0 >= inside.y0 - 1 for text in ax.texts)


@hypothesis.given(landscapes())
@hypothesis.settings(max_examples=20)
def test_lines_of_the_picture_never_cross(graph):
    figure = plt.Figure()
    ax = plot.disconnectivity(disconnectivity(graph), ax=figure.subplots())
    (lines,) = (c for c in ax.collections if hasattr(c, "get_segments"))
    pieces = [(a, b) for s in lines.get_segments() for a, b in itertools.pairwise(s)]
    for (a, b), (c, d) in itertools.combinations(pieces, 2):
        assert not properly_cross(a, b, c, d)


def properly_cross(a, b, c, d):
    def side(p, q, r):
        value = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        return 0 if abs(value) < 1e-9 else np.sign(value)

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def test_picture_of_an_orbit_and_options(cube):
    ax = plot.disconnectivity(disconnectivity(quotient(cube)), linewidths=3.0)
    assert [text.get_text() for text in ax.texts] == ["p1 ×8"]
    crowded = chain_graph([float(i) / 100 for i in range(90)], [])
    ax = plot.disconnectivity(disconnectivity(crowded), ax=plt.figure(figsize=(3, 2)).subplots())
    assert not ax.texts
    ax = plot.disconnectivity(disconnectivity(crowded), labels=True, ax=plt.figure().subplots())
    assert len(ax.texts) == 90
    with pytest.raises(ValueError, match="no nodes"):
        plot.disconnectivity(nx.DiGraph())
