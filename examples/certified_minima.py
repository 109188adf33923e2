"""Spurious minima of 6 to 20 students, proved: types II and A of Arjevani and Field.

For each K the two families are searched in their fixed subspaces (five coordinates and two,
whatever K is), and each point is certified by ball arithmetic in all K*K coordinates. One sees

* the loss and the smallest eigenvalue of the Hessian as intervals that contain them for certain;
* the Morse index, and whether the point is proved to be a spurious minimum: index 0, loss above 0;
* the half-width of the box in which it is the only critical point, and how long the proof took.

Last comes type II with 50 students: existence and uniqueness in the fixed subspace, index by
isotypic components of the full Hessian of 2,500 rows, which is never formed.

It prints the table and writes certified_minima.csv, and certified_minima.json with certificates
that `flowlab.Certificate.from_dict(...).check(field)` proves again.
"""

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import flowlab as fl

console = Console()


def type_two(students: int, seed: int) -> np.ndarray:
    """Find the minimum at which one student points away from its teacher."""
    family = fl.block_family((students - 1, 1))
    points = [p for p in search(family, seed) if p.location[0] > 0.5 and p.location[3] < 0]
    return np.asarray(family.lift(lowest(points)))


def type_a(students: int, seed: int) -> np.ndarray:
    """Find the minimum at which every student points away from its teacher."""
    family = fl.block_family((students,))
    points = [p for p in search(family, seed) if p.location[0] < 0 < p.location[1]]
    return np.asarray(family.lift(lowest(points)))


def search(family: fl.BlockFamily, seed: int) -> fl.Catalog:
    """Find critical points of the flow on a fixed subspace."""
    return fl.find_critical_points(
        family, key=jax.random.key(seed), starts=200, methods=("newton",)
    )


def lowest(points: list[fl.CriticalPoint]) -> jax.Array:
    """Return where the point of least loss lies."""
    return jnp.asarray(min(points, key=lambda point: point.loss or 0.0).location)


def prove(name: str, state: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Certify a point; return a row of the table, and the certificate as data."""
    students = len(state)
    field = fl.TeacherStudent(jnp.eye(students))
    begin = time.perf_counter()
    certificate = fl.certify(field, state)
    seconds = time.perf_counter() - begin
    row = {
        "K": students,
        "type": name,
        "loss": certificate.loss,
        "smallest eigenvalue": certificate.lambda_min,
        "index": certificate.index,
        "spurious": certificate.spurious,
        "radius": certificate.radius,
        "scope": certificate.scope,
        "seconds": round(seconds, 2),
    }
    return row, {"K": students, "type": name, "certificate": certificate.to_dict()}


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("K", "type", "loss", "λ_min", "index", "spurious", "radius", "seconds"):
        table.add_column(name, justify="left" if name in ("type", "spurious") else "right")
    for row in rows:
        table.add_row(
            str(row["K"]),
            row["type"],
            shortened(row["loss"], 12),
            shortened(row["smallest eigenvalue"], 9),
            str(row["index"]),
            "proved" if row["spurious"] else "no",
            f"{row['radius']:.0e}" + ("*" if row["scope"] == "fixed subspace" else ""),
            f"{row['seconds']:.2f}",
        )
    console.print(table)
    console.print("(1): the last digit is certain to within 1. The certificates have more of them.")
    if any(row["scope"] == "fixed subspace" for row in rows):
        console.print("* the only critical point in a box of the fixed subspace")


def shortened(interval: str, digits: int) -> str:
    """Return an interval rounded outward to so many digits behind the point: value(1)."""
    middle, _, radius = interval.strip("[]").partition(" +/- ")
    unit = 10.0**-digits
    while float(radius or 0) > unit / 2:
        digits, unit = digits - 1, 10 * unit
    return f"{float(middle):.{digits}f}(1)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="K = 6 and 7")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything that is drawn")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(K, find) for K in range(6, 8 if options.fast else 21) for find in (type_two, type_a)]
    if not options.fast:
        jobs.append((50, type_two))
    rows, certificates = [], []
    for students, find in jobs:
        name = "II" if find is type_two else "A"
        with console.status(f"K = {students}: type {name}"):
            row, certificate = prove(name, find(students, options.seed))
        rows.append(row)
        certificates.append(certificate)
    show(rows)
    table, data = options.out / "certified_minima.csv", options.out / "certified_minima.json"
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    data.write_text(json.dumps(certificates))
    console.print(f"Written: {table.name}, {data.name} in {options.out}", soft_wrap=True)


if __name__ == "__main__":
    main()
