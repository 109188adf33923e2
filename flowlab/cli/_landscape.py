"""`flowlab landscape`: connections, barriers, reachability and the tree of a catalog."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._catalog import CatalogFile, read_catalog
from ._console import meter, open_console, plain_table, printable, progress
from ._errors import UserError
from ._field import Seed
from ._files import Out, save_picture, writable_directory
from ._jax import prepare_jax
from ._landscape_tables import print_barriers, print_edges, print_reachability

if TYPE_CHECKING:
    import networkx as nx
    from rich.console import Console

    from ..catalog import Catalog
    from ..fields import AbstractField

LEGIBLE = 12
"""A graph of more nodes is drawn modulo symmetry."""

LEAVES = 40
"""A tree of more minima is drawn modulo symmetry."""

IMAGES = 2_000
"""The images of more points are not laid out."""

Trace = Annotated[bool, typer.Option("--trace", help="Follow the unstable directions anew.")]
Samples = Annotated[
    int | None,
    typer.Option(min=0, help="Directions sampled at index 2 and more.", show_default="16"),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Follow every connection again with SciPy's DOP853.")
]


def show_landscape(
    file: CatalogFile,
    trace: Trace = False,
    samples: Samples = None,
    seed: Seed = 0,
    verify: Verify = False,
    out: Out = Path("out"),
) -> None:
    """Draw the landscape of a catalog: connections, barriers, disconnectivity tree.

    Follows the unstable directions of every saddle if the catalog has no
    connections yet, prints where they lead, the barriers between minima and
    what each saddle decides between, and writes graphs and pictures.
    """
    prepare_jax()
    catalog = read_catalog(file)
    if len(catalog) == 0:
        raise UserError(f"{file} has no points: there is no landscape to draw.")
    field = _field_of(catalog)
    untraced = not catalog.connections and any(point.index for point in catalog)
    if (trace or untraced or verify) and field is None:
        raise UserError(
            f"{file} does not say what its field is, so that nothing can be followed: the field "
            "was made from a function. Use `trace_connections` and `verify_connections` in Python."
        )
    if samples is not None and not (trace or untraced):
        raise UserError("--samples decides what is followed; this catalog is. Add --trace.")
    if verify and not (trace or untraced):
        _require_directions(file, catalog)
    writable_directory(out)
    console = open_console()
    if field is not None and (trace or untraced):
        catalog = _traced(console, field, catalog, seed, 16 if samples is None else samples)
    _report(console, field, catalog, out, keep=trace or untraced)
    if verify and field is not None:
        _verify(console, field, catalog)


def _field_of(catalog: "Catalog") -> "AbstractField | None":
    try:
        return catalog.field()
    except ValueError:
        return None


def _require_directions(file: Path, catalog: "Catalog") -> None:
    from ..landscape import trace_record

    try:
        trace_record(catalog)
    except ValueError as error:
        raise UserError(
            f"{file} does not say in which directions its connections were traced, so that they "
            "cannot be verified. Trace them anew: --trace."
        ) from error


def _traced(
    console: "Console", field: "AbstractField", catalog: "Catalog", seed: int, samples: int
) -> "Catalog":
    import jax

    from ..landscape import trace_connections

    with progress(console, lambda: "Nothing was written.") as bars:
        return trace_connections(
            field,
            catalog,
            key=jax.random.key(seed),
            samples=samples,
            progress_meter=meter(bars, "Following unstable directions"),
        )


def _report(
    console: "Console", field: "AbstractField | None", catalog: "Catalog", out: Path, keep: bool
) -> None:
    """Print the tables and write the files."""
    from ..landscape import landscape_graph, quotient

    graph = landscape_graph(catalog)
    merged = quotient(graph)
    images = _unfolded(field, catalog)
    print_edges(console, merged)
    with_loss = all(point.loss is not None for point in catalog)
    if with_loss:
        print_barriers(console, merged if images is None else images)
    else:
        console.print("The field has no loss: there are no barriers, and no tree.")
    print_reachability(console, merged if images is None else images)
    written = _write(catalog, graph, merged, images if with_loss else None, out, keep, with_loss)
    console.print("Written:")
    for path in written:
        console.print(f"  {path}", soft_wrap=True)


def _unfolded(field: "AbstractField | None", catalog: "Catalog") -> "nx.MultiDiGraph | None":
    """The graph of all images, where it can be had."""
    from ..landscape import unfold

    if field is None:
        return None
    try:
        return unfold(field, catalog, limit=IMAGES)
    except ValueError:
        return None


def _write(
    catalog: "Catalog",
    graph: "nx.MultiDiGraph",
    merged: "nx.MultiDiGraph",
    images: "nx.MultiDiGraph | None",
    out: Path,
    keep: bool,
    with_loss: bool,
) -> list[Path]:
    from .. import plot
    from ..landscape import is_attractor, to_graphml, to_node_link_json

    written = [out / "landscape.graphml", out / "landscape.json"]
    if keep:
        catalog.to_json(out / "catalog.json")
        written.insert(0, out / "catalog.json")
    to_graphml(graph, out / "landscape.graphml")
    to_node_link_json(graph, out / "landscape.json")
    shown = graph if len(graph) <= LEGIBLE else merged
    written.append(
        save_picture(lambda ax: plot.landscape(shown, ax=ax), out / "landscape.png", (6.0, 4.8))
    )
    minima = [is_attractor(data) for _, data in (images or merged).nodes(data=True)]
    if with_loss and any(minima):
        few = images is not None and sum(minima) <= LEAVES
        written.append(_draw_tree(images if few and images is not None else merged, out))
    return written


def _draw_tree(graph: "nx.MultiDiGraph", out: Path) -> Path:
    from .. import plot
    from ..landscape import disconnectivity

    tree = disconnectivity(graph)

    def draw(ax: Any) -> None:
        plot.disconnectivity(tree, ax=ax)

    return save_picture(draw, out / "disconnectivity.png", (6.0, 4.8))


def _verify(console: "Console", field: "AbstractField", catalog: "Catalog") -> None:
    """Follow every connection again; end with a failure if one does not hold."""
    from ..landscape import verify_connections

    with progress(console, lambda: "The files are written.") as bars:
        report = verify_connections(
            field, catalog, progress_meter=meter(bars, "Verifying connections")
        )
    good, total = len(report.rows) - len(report.failures), len(report.rows)
    falls = ", and the loss falls along them" if field.has_loss else ""
    console.print(
        f"{good} of {total} connections end at the recorded image by SciPy's DOP853 at rtol "
        f"{report.rtol:g}{falls}."
    )
    if report.failures:
        table = plain_table({"connection": "left", "image": "left", "what is wrong": "left"})
        for row in report.failures:
            link = row.connection
            ends = f"{link.source} -> {link.target}", link.image, row.message
            table.add_row(*map(printable, ends))
        console.print(table)
        raise RuntimeError(f"{total - good} of {total} connections do not hold.")
