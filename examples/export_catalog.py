"""Write what was found to open formats, read it back, and check it.

Two students learn two orthonormal teachers in 2, 3 and 4 input dimensions. For each the critical
points are found and connected, and OUT/k2_d2, OUT/k2_d3, OUT/k2_d4 are filled with

    catalog.json       the records and the connections: what flowlab reads back
    points.csv         one line per point, for spreadsheets, R, pandas
    landscape.graphml  one node per symmetric image reached, for networkx, Gephi, Cytoscape

Then everything is read from the files alone, the field included. It prints a table per dimension:
what each point is, the largest entry of the field there (0 up to rounding), and whether the record
is right: loss, index and nullity are computed anew, and the decimals in the CSV give the same bits.
Last it shows that files with a changed digit, cut in half, or from a later version are refused.
"""

import argparse
import csv
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

import flowlab as fl

TOLERANCE = 1e-12
"""Largest entry of the field that counts as zero: some thousand roundings of numbers of size 1."""

console = Console()


def build(dim: int, starts: int, seed: int) -> fl.Catalog:
    """Find the critical points of two students in `dim` dimensions, and what flows into what."""
    field = fl.TeacherStudent(jnp.eye(2, dim))
    keys = jax.random.split(jax.random.key(seed))
    with console.status(f"d = {dim}: critical points from {starts} starts"):
        catalog = fl.find_critical_points(field, key=keys[0], starts=starts)
    with console.status(f"d = {dim}: connections of {len(catalog)} critical points"):
        return fl.trace_connections(field, catalog, key=keys[1])


def write(catalog: fl.Catalog, folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    catalog.to_json(folder / "catalog.json")
    table = catalog.to_frame().drop(columns=["location", "eigenvalues", "certificate"])
    places = np.array([point.location.reshape(-1) for point in catalog])
    names = list(catalog.field().coordinates)
    table = table.join(pd.DataFrame(places, index=table.index, columns=names))
    table.to_csv(folder / "points.csv", index=False)
    fl.to_graphml(fl.landscape_graph(catalog), folder / "landscape.graphml")


def check(folder: Path) -> list[bool]:
    """Read the three files, print what they hold, and say for each point whether it is right."""
    catalog = fl.Catalog.from_json(folder / "catalog.json")
    with open(folder / "points.csv", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    graph = nx.read_graphml(folder / "landscape.graphml")
    field = catalog.field()
    students, dim = field.shape
    console.print(
        f"[bold]{students} students, d = {dim}[/], read from {folder}",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("id", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("index", "nullity", "loss", "images", "field"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("right", no_wrap=True)
    verdicts = []
    for point in catalog:
        residual, right = judge(field, point)
        # Writing decimals loses nothing here: every double is written so that it comes back.
        entries = [float(rows[point.id][name]) for name in field.coordinates]
        right &= entries == point.location.ravel().tolist()
        verdicts.append(bool(right))
        table.add_row(
            point.id,
            point.kind,
            str(point.index),
            str(point.nullity),
            shown(point.loss),
            str(point.orbit_size),
            f"{residual:.0e}",
            "[green]yes[/]" if right else "[bold red]NO[/]",
        )
    console.print(table)
    downhill = sum(data["loss_drop"] > 0 for *_, data in graph.edges(data=True))
    console.print(
        f"{len(graph)} nodes and {graph.number_of_edges()} edges in the graph, {downhill} edges "
        f"downhill; {len(catalog.connections)} connections on file\n",
        highlight=False,
    )
    return [*verdicts, downhill == graph.number_of_edges()]


def judge(field: fl.TeacherStudent, point: fl.CriticalPoint) -> tuple[float, bool]:
    """Return the largest entry of the field at a record's location, and if the record is right."""
    w = jnp.asarray(point.location)
    residual = float(jnp.abs(field(0.0, w)).max())
    eigenvalues = np.linalg.eigvalsh(np.asarray(field.hessian(w)).reshape(w.size, w.size))
    return residual, bool(
        residual <= TOLERANCE
        and abs(float(field.loss(w)) - point.loss) <= TOLERANCE
        and np.sum(eigenvalues < -1e-8) == point.index
        and np.sum(np.abs(eigenvalues) <= 1e-8) == point.nullity
    )


def shown(loss: float) -> str:
    """Ten digits, without the sign that rounding gives to zero."""
    return f"{loss if abs(loss) > TOLERANCE else 0.0:.10f}"


def damage(folder: Path, out: Path) -> bool:
    """Spoil copies of a catalog in three ways and show what the reader says to each."""
    content = (folder / "catalog.json").read_bytes()
    loss = content.index(b'"loss"', content.index(b'"saddle"'))
    place = loss + content[loss:].index(b"0.") + 2
    digit = b"%d" % ((int(content[place : place + 1]) + 1) % 10)
    spoiled = {
        "one digit of a loss changed": content[:place] + digit + content[place + 1 :],
        "cut in half": content[: len(content) // 2],
        "from a later version": content.replace(b'"schema_version": 1', b'"schema_version": 99'),
    }
    refused = 0
    for what, data in spoiled.items():
        copy = out / f"{what.replace(' ', '_')}.json"
        copy.write_bytes(data)
        try:
            fl.Catalog.from_json(copy)
        except fl.CatalogError as error:
            refused += copy.read_bytes() == data
            console.print(f"[bold]{what}[/]: refused")
            console.print(f"  {error}", highlight=False, style="dim", soft_wrap=True)
        else:
            console.print(f"[bold red]{what}: read as if nothing had happened[/]")
        copy.unlink()
    return refused == len(spoiled)


def main() -> None:
    """Build, write, read, check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="fewer starts, d = 3 only")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument("--seed", type=int, default=0, help="of the starts (default: 0)")
    options = parser.parse_args()
    starts, dims = (150, (3,)) if options.fast else (1_000, (2, 3, 4))
    verdicts: list[bool] = []
    for dim in dims:
        folder = options.out / f"k2_d{dim}"
        write(build(dim, starts, options.seed), folder)
        verdicts += check(folder)
    verdicts.append(damage(options.out / "k2_d3", options.out))
    if not all(verdicts):
        raise SystemExit("Some checks failed: see above.")
    console.print("\nEverything read back as it was written.")


if __name__ == "__main__":
    main()
