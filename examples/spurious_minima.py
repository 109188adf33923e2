"""The spurious minima of K students that learn K orthonormal teachers, and how often one is hit.

For each K the fixed subspaces of the simultaneous permutations of students and axes within one and
two blocks are searched: they have at most six dimensions, whatever K is, and all spurious minima
that are known lie in one. Every point is then classified in the full space of K*K weights. One sees

* that there are none up to K = 5, two at K = 6, and more and more of them, with less and less loss;
* what each one is: its isotropy group, its smallest eigenvalue (positive: a minimum indeed), the
  number of its symmetric images, and how many of them are different functions (networks that
  differ by the order of the students are one);
* for a few K how many random starts W_ij ~ N(0, 1/K) end there, with a 95% interval, beside the
  counts that others found with gradient descent.

It prints the table and writes spurious_minima.csv and spurious_minima.png.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator
from rich import box
from rich.console import Console
from rich.table import Table

import flowlab as fl

# Runs of gradient descent that ended in a spurious minimum (Safran and Shamir 2018).
DESCENT = {6: "3 of 1,000", 7: "55 of 1,000"}

MARKS = "osD^vP*Xdp<>h"

console = Console()


def minima(students: int, seed: int) -> fl.Catalog:
    """Find the minima of K students that one or two blocks of permutations fix."""
    field = fl.TeacherStudent(jnp.eye(students))
    key = jax.random.key(seed)
    blocks = [fl.block_subgroups(field.symmetry, blocks=count) for count in (1, 2)]
    with console.status(f"K = {students}: fixed subspaces"):
        found = fl.find_critical_points(
            field, key=key, methods=("fixed_subspaces",), subgroups=[*blocks[0], *blocks[1]]
        )
    return found.replace(points=tuple(p for p in found if p.index == 0 and p.is_isolated_sink))


def shares(catalog: fl.Catalog, starts: int, seed: int) -> fl.Fractions:
    """Follow the flow from random starts, and count where they end."""
    field = catalog.field()
    students = field.shape[0]
    with console.status(f"K = {students}: {starts:,} starts"):
        return fl.basin_fractions(
            field,
            fl.Normal(students**-0.5),
            key=jax.random.key(seed + 1),
            starts=starts,
            catalog=catalog,
        )


def rows_of(catalog: fl.Catalog, found: fl.Fractions | None) -> list[dict[str, Any]]:
    """Return what the table says of each spurious minimum of one K."""
    students = catalog.field().shape[0]
    rows = []
    for point in catalog:
        if point.kind != "spurious minimum":
            continue
        row = {
            "K": students,
            "isotropy": point.isotropy_name,
            "loss": point.loss,
            "smallest eigenvalue": float(point.eigenvalues.min()),
            "images": point.orbit_size,
            "functions": point.orbit_size // math.factorial(students),
            "hits": "", "starts": "", "lower": "", "upper": "",
        }  # fmt: skip
        if found is not None:
            share = found[point.id]
            row |= {"hits": share.hits, "starts": found.starts}
            row |= {"lower": share.lower, "upper": share.upper}
        rows.append(row)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("K", "isotropy", "loss", "λ_min", "functions", "hit by", "95%"):
        table.add_column(name, justify="left" if name == "isotropy" else "right")
    for row in rows:
        hit = interval = ""
        if row["starts"]:
            hit = f"{row['hits']} of {row['starts']:,}"
            interval = f"{100 * row['lower']:.2f}-{row['upper']:.2%}"
        table.add_row(
            str(row["K"]),
            row["isotropy"],
            f"{row['loss']:.9f}",
            f"{row['smallest eigenvalue']:.6f}",
            f"{row['functions']:,}",
            hit,
            interval,
        )
    console.print(table)
    console.print("functions: images that are not the same students in another order")
    for students, count in DESCENT.items():
        mine = sum(row["hits"] for row in rows if row["K"] == students and row["starts"])
        starts = {row["starts"] for row in rows if row["K"] == students and row["starts"]}
        if starts:
            console.print(
                f"K = {students}: {mine} of {starts.pop():,} starts of the flow end in a spurious "
                f"minimum; gradient descent (Safran and Shamir, 2018): {count}",
                highlight=False,
                soft_wrap=True,
            )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw loss and smallest eigenvalue against K, one mark for each size of the small block."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.4), layout="constrained")
    colours = plt.get_cmap("viridis")
    single = sorted({_singled_out(row) for row in rows})
    for number, count in enumerate(single):
        chosen = [row for row in rows if _singled_out(row) == count]
        style = {
            "marker": MARKS[number % len(MARKS)],
            "color": colours(0.9 * number / max(1, len(single) - 1)),
            "linestyle": "none",
            "markersize": 5,
        }
        for ax, name in zip(axes, ("loss", "smallest eigenvalue"), strict=True):
            label = f"q = {count}"
            ax.plot(
                [row["K"] for row in chosen], [row[name] for row in chosen], label=label, **style
            )
    for ax, name in zip(axes, ("loss $J$", r"smallest eigenvalue $\lambda_{\min}$"), strict=True):
        ax.set_xlabel("students $K$")
        ax.set_ylabel(name)
        ax.set_ylim(bottom=0)
        ax.margins(y=0.1)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        title="isotropy\n$\\Delta(S_{K-q}\\times S_q)$",
        frameon=False,
        loc="outside right center",
    )
    figure.savefig(path, dpi=200)
    plt.close(figure)


def _singled_out(row: dict[str, Any]) -> int:
    """The number q of students outside the largest block."""
    largest = max(int(part.strip("Δ()").removeprefix("S_")) for part in row["isotropy"].split("×"))
    return row["K"] - largest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="K = 5, 6 and 300 starts")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = range(5, 7) if options.fast else range(5, 21)
    starts = {6: 300} if options.fast else {5: 5_000, 6: 5_000, 7: 5_000, 8: 2_000}
    rows = []
    for students in sizes:
        catalog = minima(students, options.seed)
        found = shares(catalog, starts[students], options.seed) if students in starts else None
        new = rows_of(catalog, found)
        if not new:
            console.print(f"K = {students}: no spurious minimum", highlight=False)
        rows += new
    show(rows)
    table, picture = options.out / "spurious_minima.csv", options.out / "spurious_minima.png"
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, picture)
    console.print(f"Written: {picture.name}, {table.name} in {options.out}", soft_wrap=True)


if __name__ == "__main__":
    main()
