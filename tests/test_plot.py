"""Pictures are tested for what they show, not for their pixels."""

import json
import subprocess
import sys
from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch

from flowlab import plot
from flowlab._outcome import Outcome
from flowlab.critical import CriticalPoint
from flowlab.plot._axes import symbol
from flowlab.plot._chart import chart_of
from flowlab.plot._layout import bends, curve, sideways
from flowlab.plot._palette import KINDS, categorical, mark_of
from flowlab.plot._spectrum import apart


class Flow:
    """A field of two dimensions without the rest of the library."""

    shape = (2,)

    def __init__(self, velocity, coordinates=("x", "v"), loss=None):
        self.velocity, self.coordinates = velocity, coordinates
        if loss is not None:
            self.loss = loss

    def __call__(self, t, w, args=None):
        return self.velocity(w)


DUFFING = Flow(lambda w: jnp.stack([w[1], w[0] - w[0] ** 3 - 0.3 * w[1]]))
ROTATION = Flow(lambda w: jnp.stack([-w[1], w[0]]))
BOWL = Flow(lambda w: -w, loss=lambda w: 0.5 * jnp.sum(w**2))


class Flat:
    """The plane of the first and third of four coordinates."""

    coordinates = ("s", "t")
    origin = np.zeros(4)

    def lift(self, z):
        z = np.asarray(z, float)
        return np.stack([z[..., 0], 0 * z[..., 0], z[..., 1], 0 * z[..., 1]], -1)

    def project(self, w):
        return np.asarray(w)[[0, 2]]

    def direction(self, velocity):
        return np.asarray(velocity)[[0, 2]]


def four(leak):
    field = Flow(lambda w: -w + leak * jnp.array([0.0, 1.0, 0.0, 0.0]) * w[0])
    field.shape, field.coordinates = (4,), ("a", "b", "c", "d")
    return field


def record(id="p1", kind="saddle", eigenvalues=(-1.0, 1.0), location=(0.0, 0.0), **changes):
    known = {
        "index": 1,
        "nullity": 0,
        "explained_nullity": 0,
        "loss": 0.0,
        "residual": 0.0,
        "isotropy_order": 1,
        "isotropy_name": "trivial",
        "orbit_size": 1,
    }
    return CriticalPoint(
        id=id,
        kind=kind,
        eigenvalues=np.array(eigenvalues),
        location=np.array(location),
        **known | changes,
    )


def run(states, *, loss=None, outcome=Outcome.settled):
    states = np.asarray(states, float)
    return SimpleNamespace(
        times=np.arange(len(states), dtype=float), states=states, loss=loss, outcome=outcome
    )


LABEL = np.array([[0, 0, 1, 1], [0, 0, 1, -1], [0, 0, 1, -1]])
IMAGE = np.array([[0, 1, 0, 0], [0, 1, 0, -1], [0, 1, 0, -1]])
OUTCOME = np.array([[0, 0, 1, 0], [0, 0, 0, 2], [0, 0, 0, 3]])


def basin_dataset(described=True):
    dims = ("v", "x")
    dataset = xr.Dataset(
        {
            "label": (dims, LABEL),
            "image": (dims, IMAGE),
            "outcome": (dims, OUTCOME),
            "settling_time": (dims, np.arange(1.0, 13.0).reshape(3, 4)),
        },
        coords={"x": [0.0, 1.0, 2.0, 3.0], "v": [0.0, 0.5, 1.0]},
    )
    dataset["label"].attrs = {
        "flag_values": np.array([-1, 0, 1], np.int32),
        "flag_meanings": "none p1_global_minimum p2_saddle",
    }
    dataset["image"].attrs = {
        "flag_values": np.array([-1, 0, 1], np.int32),
        "flag_meanings": "none identity students_1_2",
    }
    if described:
        points = [
            {"id": "p1", "kind": "global minimum", "location": [0.5, 0.5]},
            {"id": "p2", "kind": "saddle", "location": [2.0, 0.0]},
        ]
        dataset.attrs = {
            "points": json.dumps(points),
            "images": json.dumps(["identity", "students (1 2)"]),
        }
    return dataset


def graph_of(losses=(0.0, 0.02, 0.1, 0.16), order=None):
    graph = nx.MultiDiGraph()
    kinds = ("global minimum", "spurious minimum", "saddle", "saddle")
    nodes = [
        (
            f"p{i + 1}",
            {"kind": kinds[i], "index": max(0, i - 1), "orbit_size": 6 * i}
            | ({} if loss is None else {"loss": loss}),
        )
        for i, loss in enumerate(losses)
    ]
    graph.add_nodes_from(nodes if order is None else [nodes[i] for i in order])
    graph.add_edge("p3", "p1", side=1, image="identity")
    graph.add_edge("p3", "p1", side=-1, image="students (1 2)")
    graph.add_edge("p4", "p2", side=1, image="identity", multiplicity=3)
    graph.add_edge("p4", "p1", side=-1, image="identity")
    return graph


DRAWN = {
    "portrait": lambda **o: plot.portrait(
        DUFFING, x=(-2, 2), y=(-1, 1), resolution=20, density=0.3, **o
    ),
    "basins": lambda **o: plot.basins(basin_dataset(), **o),
    "landscape": lambda **o: plot.landscape(graph_of(), **o),
    "spectrum": lambda **o: plot.spectrum([record()], **o),
    "trajectories": lambda **o: plot.trajectories(run([[0, 0], [1, 1]]), **o),
}


def scatters(ax):
    return {c.get_label(): c for c in ax.collections if isinstance(c, PathCollection)}


def places(ax):
    return {label: np.asarray(c.get_offsets()) for label, c in scatters(ax).items()}


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().texts]


def arrows(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


def node_places(ax):
    return np.concatenate([c.get_offsets() for c in scatters(ax).values()])


# ---- manners ----


@pytest.mark.parametrize("name", DRAWN)
def test_draws_into_the_given_axes_only(name, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("a window was shown"))
    before = dict(matplotlib.rcParams)
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    plt.sca(right)
    untouched = len(right.get_children())
    assert DRAWN[name](ax=left) is left
    assert len(right.get_children()) == untouched
    assert plt.gcf() is figure and len(plt.get_fignums()) == 1
    assert dict(matplotlib.rcParams) == before
    figure.canvas.draw()


@pytest.mark.parametrize("name", DRAWN)
def test_draws_into_the_current_axes_if_none_are_given(name):
    _, (left, right) = plt.subplots(1, 2)
    plt.sca(left)
    assert DRAWN[name]() is left


@pytest.mark.parametrize("place", ["below", "right"])
@pytest.mark.parametrize("name", DRAWN)
def test_legend_lies_outside_the_axes_and_inside_the_figure(name, place):
    figure, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
    DRAWN[name](ax=ax, legend=place)
    figure.canvas.draw()
    legend, inner = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert legend.y1 <= inner.y0 if place == "below" else legend.x0 >= inner.x1
    assert legend.x0 >= 0 and legend.y0 >= 0
    assert legend.x1 <= figure.bbox.x1 and legend.y1 <= figure.bbox.y1
    if place == "below":
        names = ax.xaxis.get_tightbbox()
        assert names is None or legend.y1 <= names.y0


@pytest.mark.parametrize("name", DRAWN)
def test_legend_can_be_left_out_and_a_wrong_place_is_refused(name):
    assert DRAWN[name](ax=plt.figure().subplots(), legend=False).get_legend() is None
    with pytest.raises(ValueError, match="legend"):
        DRAWN[name](ax=plt.figure().subplots(), legend="inside")


@pytest.mark.parametrize("name", DRAWN)
def test_works_in_a_figure_without_pyplot(name):
    figure = matplotlib.figure.Figure(figsize=(3.4, 3))
    DRAWN[name](ax=figure.subplots())
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", DRAWN)
def test_works_in_a_subfigure(name):
    figure = plt.figure(layout="constrained")
    DRAWN[name](ax=figure.subfigures(1, 2)[1].subplots())
    figure.canvas.draw()


def test_importing_the_library_does_not_import_matplotlib():
    code = "import sys, flowlab; assert 'matplotlib' not in sys.modules; flowlab.plot.basins"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# ---- palette and labels ----


def test_kinds_that_occur_together_differ_in_shape():
    gradient = ["global minimum", "spurious minimum", "saddle", "maximum", "degenerate"]
    families = [gradient, ["minimum", *gradient[2:]], list(KINDS)[6:] + ["saddle"]]
    for family in families:
        shapes = [(mark_of(kind).marker, mark_of(kind).hollow) for kind in family]
        assert len(set(shapes)) == len(family)
    assert mark_of("something new").marker


def test_categorical_colours_differ_and_never_run_out():
    assert len({categorical(number) for number in range(49)}) == 49
    assert to_rgba(categorical(1000))


@pytest.mark.parametrize(
    "name, text",
    [
        ("x", "$x$"),
        ("w1_2", "$w_{1,2}$"),
        ("z3", "$z_{3}$"),
        ("theta", r"$\theta$"),
        ("mu2", r"$\mu_{2}$"),
        ("angle", "angle"),
        ("a$b", r"a\$b"),
        ("['a'][0]", "['a'][0]"),
    ],
)
def test_names_become_mathematics(name, text):
    assert symbol(name) == text
    figure = plt.figure()
    figure.text(0, 0, text)
    figure.canvas.draw()


# ---- portrait ----


def test_portrait_marks_critical_points_by_kind():
    points = [
        (np.zeros(2), "saddle"),
        ([1.0, 0.0], "sink focus"),
        ((-1.0, 0.0), "sink focus"),
        ([9.0, 0.0], "source node"),
    ]
    catalog = SimpleNamespace(points=(record(kind="saddle", location=(0.0, 0.0)),))
    ax = plot.portrait(
        DUFFING, x=(-2, 2), y=(-1.5, 1.5), points=points, catalog=catalog, resolution=40
    )
    found = places(ax)
    assert set(found) == {"saddle", "sink focus"}
    np.testing.assert_array_equal(found["saddle"], [[0, 0]])
    np.testing.assert_array_equal(found["sink focus"], [[1, 0], [-1, 0]])
    assert legend_texts(ax) == [r"$\dot{x} = 0$", r"$\dot{v} = 0$", "saddle", "sink focus"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$v$")
    assert ax.get_xlim() == (-2, 2) and ax.get_ylim() == (-1.5, 1.5)


def test_portrait_takes_a_plain_array_of_points():
    ax = plot.portrait(
        BOWL, x=(-1, 1), y=(-1, 1), points=np.array([[0.0, 0.0], [0.5, 0.5]]), resolution=10
    )
    assert len(places(ax)["critical point"]) == 2


def test_streamlines_follow_the_field():
    ax = plot.portrait(ROTATION, x=(-1, 1), y=(-1, 1), nullclines=False, resolution=60)
    (lines,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    ends = np.linalg.norm(np.array(lines.get_segments()), axis=-1)
    assert len(ends) > 100
    assert np.abs(ends[:, 1] - ends[:, 0]).max() < 0.01


def test_nullclines_are_where_a_component_vanishes():
    ax = plot.portrait(DUFFING, x=(-2, 2), y=(-1, 1), resolution=101)
    contours = [c for c in ax.collections if type(c).__name__ == "QuadContourSet"]
    vertices = [np.concatenate([p.vertices for p in c.get_paths()]) for c in contours]
    first, second = vertices
    assert np.abs(first[:, 1]).max() < 1e-12
    x, v = second.T
    assert np.abs(x - x**3 - 0.3 * v).max() < 0.01


def test_a_component_without_sign_change_has_no_nullcline():
    drift = Flow(lambda w: jnp.stack([1.0 + 0 * w[0], -w[1]]))
    assert legend_texts(plot.portrait(drift, x=(0, 1), y=(-1, 1), resolution=10)) == [
        r"$\dot{v} = 0$"
    ]


@pytest.mark.parametrize(
    "background, text", [("loss", "loss $J$"), ("speed", r"$\log_{10}$ speed")]
)
def test_portrait_background(background, text):
    figure, ax = plt.subplots()
    plot.portrait(
        BOWL, x=(-1, 1), y=(-1, 1), background=background, resolution=11, ax=ax, density=0.3
    )
    (mesh,) = [c for c in ax.collections if type(c).__name__ == "QuadMesh"]
    axis = np.linspace(-1, 1, 11)
    squares = axis**2 + axis[:, None] ** 2
    values = np.asarray(mesh.get_array())
    if background == "loss":
        np.testing.assert_allclose(values, squares / 2, atol=1e-12)
    else:
        mask = squares > 0
        np.testing.assert_allclose(values[mask], np.log10(squares[mask]) / 2, atol=1e-12)
    assert figure.axes[1].get_ylabel() == text


def test_a_chart_evaluates_large_grids_in_pieces():
    z = np.random.default_rng(0).normal(size=(9001, 2))
    np.testing.assert_array_equal(chart_of(ROTATION, None).velocity(z)[0], z[:, ::-1] * [-1, 1])


def test_portrait_survives_places_where_the_field_is_not_defined():
    ax = plot.portrait(
        Flow(lambda w: -w / jnp.linalg.norm(w)),
        x=(-1, 1),
        y=(-1, 1),
        resolution=21,
        background="speed",
    )
    ax.get_figure().canvas.draw()


@pytest.mark.parametrize("leak, said", [(0.0, ""), (0.5, "projected")])
def test_portrait_of_a_plane_says_if_it_is_projected(leak, said):
    on, off = np.array([0.5, 0, 0.5, 0]), np.array([0.5, 1e-3, 0.5, 0])
    points = [(on, "saddle"), (off, "saddle"), (np.array([0.1, 0.1]), "saddle")]
    ax = plot.portrait(four(leak), plane=Flat(), x=(-1, 1), y=(-1, 1), points=points, resolution=10)
    assert ax.get_title(loc="right") == said
    np.testing.assert_allclose(places(ax)["saddle"], [[0.5, 0.5], [0.1, 0.1]])
    assert ax.get_xlabel() == "$s$"


def test_portrait_forwards_to_streamplot():
    ax = plot.portrait(ROTATION, x=(-1, 1), y=(-1, 1), resolution=10, color="red", linewidth=2)
    (lines,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert tuple(lines.get_color()[0]) == to_rgba("red")


@pytest.mark.parametrize(
    "options, needed",
    [
        ({"x": (1, 0)}, "lower < upper"),
        ({"y": 3}, "lower < upper"),
        ({"background": "noise"}, "background"),
        ({"background": "loss"}, "no loss"),
        ({"points": np.zeros(2)}, r"\(n, 2\)"),
        ({"points": [(np.zeros(3), "saddle")]}, "shape"),
    ],
)
def test_portrait_refuses_bad_input(options, needed):
    with pytest.raises(ValueError, match=needed):
        plot.portrait(DUFFING, **{"x": (0, 1), "y": (0, 1), "resolution": 5} | options)


def test_portrait_needs_a_plane_in_more_dimensions():
    with pytest.raises(ValueError, match="plane"):
        plot.portrait(four(0.0), x=(0, 1), y=(0, 1))


# ---- basins ----


REGIONS = np.array([[0, 1, 2, 2], [0, 1, 2, 3], [0, 1, 2, 4]])
NAMED = [
    "global minimum p1",
    "global minimum p1, students (1 2)",
    "saddle p2",
    "no point (escaped)",
    "no point (singular)",
]


def test_basins_image_and_legend():
    ax = plot.basins(basin_dataset(), points=())
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), REGIONS)
    assert tuple(image.get_extent()) == (-0.5, 3.5, -0.25, 1.25)
    assert image.origin == "lower"
    assert legend_texts(ax) == NAMED
    colours = image.cmap(image.norm(np.arange(5)))
    swatches = [handle.get_facecolor() for handle in ax.get_legend().legend_handles]
    np.testing.assert_allclose(colours, swatches)
    assert len({tuple(colour) for colour in colours}) == 5
    assert (np.ptp(colours[3:, :3], axis=1) == 0).all(), "starts that reach no point are grey"
    assert (np.ptp(colours[:3, :3], axis=1) > 0.2).all()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$v$")


def test_basins_mark_the_points_of_the_map_or_those_given():
    assert {k: v.tolist() for k, v in places(plot.basins(basin_dataset())).items()} == {
        "global minimum": [[0.5, 0.5]],
        "saddle": [[2.0, 0.0]],
    }
    ax = plot.basins(basin_dataset(), points=[((1.0, 1.0), "maximum")], ax=plt.figure().subplots())
    assert places(ax)["maximum"].tolist() == [[1.0, 1.0]]
    assert set(places(ax)) == {"maximum"}


@pytest.mark.parametrize("damage", [None, "{not json", '{"a": 1}'])
def test_basins_fall_back_on_the_flags(damage):
    dataset = basin_dataset(described=False)
    if damage:
        dataset.attrs = {"points": damage, "images": damage}
    assert legend_texts(plot.basins(dataset))[:3] == [
        "p1 global minimum",
        "p1 global minimum, students 1 2",
        "p2 saddle",
    ]


def test_basins_boundary_lies_between_the_regions():
    label = np.zeros((8, 8), int)
    label[:, 4:] = 1
    dims = ("y", "x")
    dataset = xr.Dataset(
        {"label": (dims, label), "image": (dims, 0 * label), "outcome": (dims, 0 * label)},
        coords={"x": np.arange(8.0), "y": np.arange(8.0)},
    )
    contours = plot.basins(dataset).collections
    vertices = np.concatenate([p.vertices for c in contours for p in c.get_paths()])
    np.testing.assert_allclose(vertices[:, 0], 3.5)
    assert not plot.basins(dataset, boundary=False, ax=plt.figure().subplots()).collections


def test_basins_shading_darkens_with_time():
    dataset = basin_dataset()
    plain = plot.basins(dataset).images[0]
    shaded = plot.basins(dataset, shade="settling_time", ax=plt.figure().subplots())
    colours = shaded.images[0].get_array()
    full = plain.cmap(plain.norm(REGIONS))[..., :3]
    np.testing.assert_allclose(colours[0, 0], full[0, 0])
    share = colours[:, 0].sum(-1) / full[:, 0].sum(-1)
    assert (np.diff(share) < 0).all()
    assert "darker: later to settle" in legend_texts(shaded)


def test_basins_name_the_largest_regions_only():
    label = np.repeat(np.arange(30), 30).reshape(30, 30)
    label[29] = 0
    dims = ("y", "x")
    dataset = xr.Dataset(
        {"label": (dims, label), "image": (dims, 0 * label), "outcome": (dims, 0 * label)},
        coords={"x": np.arange(30.0), "y": np.arange(30.0)},
    )
    texts = legend_texts(plot.basins(dataset, boundary=False))
    assert len(texts) == 25 and texts[0] == "point 0, image 0" and texts[-1] == "and 5 smaller ones"


def test_basins_refuse_what_is_no_basin_map():
    with pytest.raises(ValueError, match="basin_map"):
        plot.basins(basin_dataset().drop_vars("outcome"))
    with pytest.raises(ValueError, match="equal steps"):
        plot.basins(basin_dataset().assign_coords(x=[0.0, 1.0, 2.0, 4.0]))
    with pytest.raises(ValueError, match="shade"):
        plot.basins(basin_dataset(), shade="time")
    with pytest.raises(ValueError, match="two coordinates"):
        plot.basins(basin_dataset(), points=[(np.zeros((2, 2)), "saddle")])


# ---- landscape ----


def test_landscape_places_nodes_by_loss_and_kind():
    ax = plot.landscape(graph_of())
    found = places(ax)
    assert {kind: sorted(xy[:, 1]) for kind, xy in found.items()} == {
        "global minimum": [0.0],
        "spurious minimum": [0.02],
        "saddle": [0.1, 0.16],
    }
    assert ax.get_ylabel() == "loss $J$"
    assert set(legend_texts(ax)) == set(found)
    texts = [text.get_text() for text in ax.texts]
    assert {"p1", "p2 ×6", "p3 ×12", "p4 ×18", "students (1 2)", "×3"} <= set(texts)


def test_landscape_draws_every_edge_and_bends_parallel_ones_apart():
    ax = plot.landscape(graph_of())
    assert len(arrows(ax)) == 4
    ax.get_figure().canvas.draw()
    middles = [
        tuple(np.round(arrow.get_path().interpolated(20).vertices[20], 6)) for arrow in arrows(ax)
    ]
    assert len(set(middles)) == 4
    assert all(type(arrow.get_arrowstyle()).__name__ == "CurveFilledB" for arrow in arrows(ax))
    # The two arrows p3 -> p1 must be visibly apart.
    dots = ax.transData.transform(np.array(middles[:2]))
    assert np.linalg.norm(dots[0] - dots[1]) > 5


def test_landscape_bundles_many_parallel_edges_and_says_how_many():
    graph = graph_of()
    for number in range(9):
        graph.add_edge("p4", "p3", side=0, image=f"students (1 {number + 2})")
    ax = plot.landscape(graph)
    assert len(arrows(ax)) == 5
    assert "×9" in [text.get_text() for text in ax.texts]
    widths = [arrow.get_linewidth() for arrow in arrows(ax)]
    assert max(widths) == widths[-1]


def test_landscape_does_not_depend_on_the_order_of_the_nodes():
    first = plot.landscape(graph_of(), ax=plt.figure().subplots())
    second = plot.landscape(graph_of(order=[3, 1, 0, 2]), ax=plt.figure().subplots())
    np.testing.assert_array_equal(node_places(first), node_places(second))


def test_landscape_without_losses_uses_the_index():
    ax = plot.landscape(graph_of(losses=(None,) * 4))
    assert ax.get_ylabel() == "Morse index"
    assert sorted(node_places(ax)[:, 1]) == [0, 0, 1, 2]


@pytest.mark.parametrize(
    "losses, scale",
    [
        ((0.0, 0.02, 0.1, 0.16), "linear"),
        ((0.0, 1e-6, 1e-3, 1.0), "symlog"),
        ((0.0, 0.07, 0.0701, 0.0702), "rank"),
    ],
)
def test_landscape_chooses_a_scale_that_can_be_read(losses, scale):
    ax = plot.landscape(graph_of(losses))
    heights = np.sort(node_places(ax)[:, 1])
    if scale == "rank":
        assert heights.tolist() == [0, 1, 2, 3]
        shown = [text.get_text() for text in ax.get_yticklabels()]
        assert shown == ["0", "0.07", "0.0701", "0.0702"]
        assert "ranked" in ax.get_ylabel()
    else:
        assert ax.get_yscale() == scale
        assert heights.tolist() == list(losses)
    pixels = np.sort(ax.transData.transform(node_places(ax))[:, 1])
    assert np.diff(pixels).max() < 0.9 * np.ptp(pixels)


def test_equal_losses_share_a_rank():
    ax = plot.landscape(graph_of((0.0, 0.07, 0.07 + 1e-12, 0.0702)), scale="rank")
    assert sorted(node_places(ax)[:, 1]) == [0, 1, 1, 2]


def test_landscape_images_are_named_and_single_nodes_and_loops_are_fine():
    graph = nx.MultiDiGraph()
    graph.add_node("p1", point="p1", image="identity", kind="saddle", index=1, orbit_size=2)
    plot.landscape(graph, ax=plt.figure().subplots())
    graph.add_node(
        "p1 students (1 2)",
        point="p1",
        image="students (1 2) teachers (1 2)",
        kind="saddle",
        index=1,
        orbit_size=2,
    )
    graph.add_edge("p1", "p1")
    graph.add_edge("p1", "p1 students (1 2)", image="students (1 2) teachers (1 2)")
    ax = plot.landscape(graph, ax=plt.figure().subplots())
    ax.get_figure().canvas.draw()
    assert len(arrows(ax)) == 2
    assert [text.get_text() for text in ax.texts] == ["p1", "p1\nstudents (1 2)\nteachers (1 2)"]


def test_landscape_labels_do_not_cover_each_other():
    figure, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
    plot.landscape(graph_of(), ax=ax)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_landscape_options():
    ax = plot.landscape(graph_of(), labels=False, color="red")
    assert not ax.texts
    assert all(to_rgba(arrow.get_edgecolor()) == to_rgba("red") for arrow in arrows(ax))
    with pytest.raises(ValueError, match="no nodes"):
        plot.landscape(nx.MultiDiGraph())
    with pytest.raises(ValueError, match="scale"):
        plot.landscape(graph_of(), scale="log")


def test_sideways_finds_a_drawing_without_crossings():
    edges = [(0, 3), (1, 2)]
    x = sideways(np.array([1.0, 1.0, 0.0, 0.0]), edges, (3.0, 2.0))
    assert (x[0] - x[1]) * (x[3] - x[2]) > 0
    assert x.min() == 0 and x.max() == 1
    np.testing.assert_array_equal(sideways(np.zeros(200), [], (3.0, 2.0)), np.linspace(0, 1, 200))


def test_an_edge_goes_around_a_node_in_its_way():
    column = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    (bend,) = bends(column, [(0, 2)], (2.0, 2.0))
    assert np.linalg.norm(curve(column[0], column[2], bend) - column[1], axis=1).min() > 0.15


# ---- spectrum ----


def tick_heights(ax, name):
    lines = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_label() == name]
    return sorted(segment[0, 1] for line in lines for segment in line.get_segments())


def test_spectrum_of_a_gradient_flow():
    points = [
        record("p1", "global minimum", (0.5, 0.5 + 1e-12, 2.0), index=0),
        record("p2", "saddle", (-1.0, -1e-10, 2e-10, 1.5), nullity=2, explained_nullity=1),
    ]
    ax = plot.spectrum(SimpleNamespace(points=points))
    np.testing.assert_allclose(tick_heights(ax, "stable"), [0.5, 1.5, 2.0])
    assert tick_heights(ax, "unstable") == [-1.0]
    assert [text.get_text() for text in ax.texts] == ["×2", "×1+1"]
    null = places(ax)
    assert set(null) == {"null, explained", "null, unexplained"}
    np.testing.assert_allclose(null["null, explained"][:, 1], 0, atol=1e-9)
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["p1\nglobal\nminimum", "p2\nsaddle"]
    band = ax.patches[0]
    assert band.get_y() < -1e-10 and band.get_y() + band.get_height() > 2e-10
    assert set(legend_texts(ax)) == {"stable", "unstable", *null}


def test_spectrum_of_one_point_and_scales():
    point = record(eigenvalues=(-10.0, -0.01, 0.02, 5.0))
    assert plot.spectrum(point, scale="symlog").get_yscale() == "symlog"
    with pytest.raises(ValueError, match="scale"):
        plot.spectrum(point, scale="log")
    with pytest.raises(ValueError, match="no critical points"):
        plot.spectrum([])


def test_complex_spectra_are_drawn_in_the_plane():
    focus = np.array([-0.2 + 1j, -0.2 - 1j])
    points = [
        record("p1", "sink focus", focus, index=0),
        record("p2", "sink focus", focus, index=0),
        record("p3", "centre", np.array([1j, -1j]), nullity=2),
    ]
    ax = plot.spectrum(points)
    found = places(ax)
    assert list(found) == ["p1, p2 sink focus", "p3 centre (2 null, 0 explained)"]
    np.testing.assert_allclose(found["p1, p2 sink focus"], [[-0.2, 1], [-0.2, -1]])
    hollow = scatters(ax)["p3 centre (2 null, 0 explained)"].get_facecolors()
    assert (hollow[:, :3] == 1).all()
    assert ax.get_xlabel() == r"$\mathrm{Re}\,\lambda$"


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0.01, 3))
def test_apart_keeps_order_gap_and_mean(values, gap):
    targets = np.sort(values)
    moved = apart(targets, gap)
    assert (np.diff(moved) >= gap - 1e-9).all()
    assert moved.mean() == pytest.approx(targets.mean(), abs=1e-9)
    if (np.diff(targets) >= gap).all():
        np.testing.assert_allclose(moved, targets, atol=1e-9)


# ---- trajectories ----


def test_trajectories_in_a_plane():
    runs = [run([[0, 0], [1, 2], [2, 2]]), run([[3, 0], [3, 1]], outcome=Outcome.escaped)]
    ax = plot.trajectories(runs, components=(1, 0))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 0], [2, 1], [2, 2]])
    assert {name: xy.tolist() for name, xy in places(ax).items()} == {
        "start": [[0, 0], [0, 3]],
        "settled": [[2, 2]],
        "escaped": [[1, 3]],
    }
    assert ax.get_xlabel() == "$w_{2}$"
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_trajectories_are_smooth_between_steps_if_the_field_is_known():
    angles = np.linspace(0, 2 * np.pi, 13)
    circle = run(np.stack([np.cos(angles), np.sin(angles)], -1))
    circle.times = angles
    ax = plot.trajectories(circle, field=ROTATION)
    drawn = ax.lines[0].get_xydata()
    assert np.abs(np.linalg.norm(drawn, axis=1) - 1).max() < 1e-3
    np.testing.assert_array_equal(drawn[::8], circle.states)
    assert ax.get_xlabel() == "$x$"


def test_loss_against_time_is_logarithmic_up_to_where_it_rounds_to_zero():
    loss = np.array([1.0, 1e-4, 1e-9, -1e-17, 0.0])
    ax = plot.trajectories(run(np.zeros((5, 2)), loss=loss), components="time")
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 1], [1, 1e-4], [2, 1e-9]])
    assert places(ax)["settled"].tolist() == [[2, 1e-9]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time $t$", "loss $J$")


def test_negative_losses_are_drawn_on_a_linear_axis():
    loss = np.array([1.0, 1e-5, -0.5])
    ax = plot.trajectories(run(np.zeros((3, 2)), loss=loss), components="time")
    assert ax.get_yscale() == "linear"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), loss)


def test_a_component_against_time_and_on_a_plane():
    matrices = run(np.arange(12.0).reshape(3, 2, 2))
    ax = plot.trajectories(matrices, components="time", y=3)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 3], [1, 7], [2, 11]])
    assert ax.get_ylabel() == "$w_{2,2}$"
    ax = plot.trajectories(
        run(np.arange(8.0).reshape(2, 4)), plane=Flat(), ax=plt.figure().subplots()
    )
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 2], [4, 6]])
    assert ax.get_xlabel() == "$s$"


def test_trajectories_over_a_portrait_share_its_legend_and_labels():
    ax = plot.portrait(
        DUFFING, x=(-2, 2), y=(-1, 1), points=[([0.0, 0.0], "saddle")], resolution=20
    )
    plot.trajectories(run([[0, 0.1], [1, 0]]), ax=ax, color="black")
    assert legend_texts(ax)[2:] == ["saddle", "start", "settled"]
    assert ax.get_xlabel() == "$x$"
    assert ax.get_xlim() == (-2, 2)


def test_a_trajectory_that_became_nan_ends_where_it_was_finite():
    ax = plot.trajectories(run([[0, 0], [1, 1], [np.nan, 0]], outcome=Outcome.nonfinite))
    assert places(ax)["nonfinite"].tolist() == [[1, 1]]


@pytest.mark.parametrize(
    "options, needed",
    [
        ({"components": "time"}, "no loss"),
        ({"components": (0, 5)}, "entries"),
        ({"components": "t"}, "components"),
        ({"field": four(0.0)}, "shape"),
    ],
)
def test_trajectories_refuse_bad_input(options, needed):
    with pytest.raises(ValueError, match=needed):
        plot.trajectories(run([[0, 0], [1, 1]]), **options)
    with pytest.raises(ValueError, match="no trajectories"):
        plot.trajectories([])


@pytest.mark.parametrize("style", [{"lw": 3.0}, {"linewidth": 3.0}])
def test_trajectories_take_matplotlib_aliases(style):
    run = SimpleNamespace(
        times=np.arange(3.0), states=np.eye(3)[:, :2], loss=None, outcome=Outcome.settled
    )
    _, ax = plt.subplots()
    plot.trajectories(run, ax=ax, legend=False, **style)
    assert 3.0 in {line.get_linewidth() for line in ax.get_lines()}


def test_lyapunov_shows_the_sign_and_the_worst_point():
    from flowlab.critical import distance_candidate
    from flowlab.fields import BallRegion, zoo

    well, V = zoo.double_well(), distance_candidate([1.0, 0.0])
    window = {"x": (-1.5, 2.0), "y": (-1.0, 1.0), "resolution": 71}
    ax = plot.lyapunov(well, V, **window, region=BallRegion([1.0, 0.0], 1.5))
    mesh = next(c for c in ax.collections if hasattr(c, "get_coordinates"))
    rates = mesh.get_array().reshape(71, 71)
    x, y = np.meshgrid(np.linspace(-1.5, 2, 71), np.linspace(-1, 1, 71))
    assert np.allclose(rates, (x - 1) * (x - x**3) - y**2, atol=1e-13)
    # Blue where it decreases, orange where it does not: the colours change at 0 and nowhere else.
    red, _, blue, _ = mesh.to_rgba(rates.ravel()).T
    clear = np.abs(rates.ravel()) > 1e-12
    assert np.array_equal((red > blue)[clear], (rates.ravel() > 0)[clear])
    texts = [text.get_text() for text in ax.get_legend().texts]
    assert texts == [
        r"$\dot{V} < 0$",
        r"$\dot{V} \geq 0$",
        "level sets of $V$",
        "region",
        "worst point",
    ]
    worst = next(c for c in ax.collections if c.get_label() == "worst point").get_offsets()[0]
    assert -0.5 <= worst[0] < 0 and abs(worst[1]) < 1e-9
    other = plot.lyapunov(
        well, V, **window, worst=SimpleNamespace(point=np.array([0.5, 0.5])), levels=0
    )
    marked = next(c for c in other.collections[::-1] if c.get_label() == "worst point")
    assert marked.get_offsets()[0].tolist() == [0.5, 0.5]
