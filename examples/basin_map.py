"""Three basin maps: an invariant plane, a potential, and a slice through nine dimensions.

* plane_k5: five students on the plane of Theorem 7, labelled with the critical points of the full
  flow in 25 dimensions. Below the line x = y everything goes to the teacher; above it, to a point
  that attracts within the plane but is a saddle of the full flow. Cells on the line stay on it.
* muller_brown: the potential on which chemists try out their methods, with three minima.
* slice_k3: the plane through three of the six teachers of K = 3, in the full field. The flow leaves
  this plane at once; a colour tells which permutation of the teacher a start ends at. On the line
  s = t students 1 and 3 are mirror images of each other, and the flow keeps them so: near (0, 0)
  they still reach the teacher, farther out they cannot decide and end at a saddle.

It prints how many cells end where, and writes basin_map.png and one NetCDF file for each map, which
xarray, Panoply or R open: labels, names and provenance are inside. Cells lie on a grid: their
counts are areas of the picture, not probabilities of random starts.
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import jax.numpy as jnp
import matplotlib
import numpy as np
import xarray as xr
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import flowlab as fl
from flowlab.catalog import provenance

matplotlib.use("Agg")
import matplotlib.pyplot as plt

console = Console()


@dataclasses.dataclass(frozen=True)
class Job:
    """One map.

    Attributes:
        title: what it shows.
        field: what flows.
        ends: range of both coordinates, first and second.
        catalog: critical points known before, which name the labels.
        points: where to draw them: (coordinates, kind).
        options: further arguments of `basin_map`.
    """

    title: str
    field: fl.AbstractField
    ends: tuple[tuple[float, float], tuple[float, float]]
    catalog: fl.Catalog
    points: list[tuple[np.ndarray, str]]
    options: dict[str, Any]


class Meter(dfx.AbstractProgressMeter):
    """Shows on a bar how many of the starts have settled."""

    progress: Progress
    task: Any

    def init(self) -> None:
        """Begin."""

    def step(self, state: None, progress: Any) -> None:
        """Move the bar."""
        self.progress.update(self.task, completed=float(progress))

    def close(self, state: None) -> None:
        """End."""
        self.progress.update(self.task, completed=1.0)


def plane_k5(key: jax.Array) -> Job:
    """The plane of Theorem 7, with the names and kinds that its points have in the full flow."""
    plane = fl.theorem7_plane(5)
    window = (-0.8, 1.2)
    square = fl.Box([window[0]] * 2, [window[1]] * 2)
    inside = fl.find_critical_points(plane, key=key, starts=100, sampler=square)
    lifted = [plane.lift(jnp.asarray(point.location)) for point in inside]
    records = [fl.classify(plane.field, w, id=f"q{i}") for i, w in enumerate(lifted)]
    known = fl.Catalog(tuple(records), plane.field.spec(), provenance(plane.field, key=key))
    points = [(p.location, q.kind) for p, q in zip(inside, records, strict=True)]
    title = "Theorem 7, K = 5 students"
    return Job(title, plane, (window, window), known.sorted(), points, {"full": True})


def muller_brown(key: jax.Array) -> Job:
    """The Müller-Brown potential."""
    field = fl.zoo.muller_brown()
    known = fl.find_critical_points(field, key=key, starts=200)
    points = [(point.location, point.kind) for point in known]
    return Job("Müller-Brown potential", field, ((-1.7, 1.3), (-0.7, 2.3)), known, points, {})


def slice_k3(key: jax.Array) -> Job:
    """The plane through the teacher and two of its images: students 1 and 2, 2 and 3 exchanged."""
    field = fl.TeacherStudent(jnp.eye(3))
    teachers = [np.eye(3)[list(order)] for order in ((0, 1, 2), (1, 0, 2), (0, 2, 1))]
    plane = fl.Plane.through(*teachers, coordinates=("s", "t"))
    teacher = fl.classify(field, teachers[0])
    known = fl.Catalog((teacher,), field.spec(), provenance(field, key=key))
    points = [(plane.project(w), teacher.kind) for w in teachers]
    return Job("Slice of K = 3", field, ((-1, 2), (-1, 2)), known, points, {"plane": plane})


def compute(job: Job, resolution: int) -> xr.Dataset:
    """Make the map, with a bar on the screen."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{job.title}: {resolution}² starts", total=1.0)
        # Tsit5 compiles in half the time of the default; the labels are the same.
        return fl.basin_map(
            job.field,
            x=job.ends[0],
            y=job.ends[1],
            resolution=resolution,
            catalog=job.catalog,
            solver=dfx.Tsit5(),
            progress_meter=Meter(progress, task),
            **job.options,
        )


def report(title: str, path: Path) -> None:
    """Read a map back and print where its cells end: all that is needed is in the file."""
    with xr.open_dataset(path) as dataset:
        points, images = (json.loads(dataset.attrs[name]) for name in ("points", "images"))
        labels = np.stack([dataset.label.values, dataset.image.values], -1).reshape(-1, 2)
        lost = dataset.outcome.values.reshape(-1)[labels[:, 0] < 0]
        shape = " x ".join(str(size) for size in dataset.label.shape)
    console.print(f"[bold]{title}[/]: {shape} cells, {path.name}", highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("reached", "image"):
        table.add_column(name, no_wrap=True)
    for name in ("index", "loss", "cells"):
        table.add_column(name, justify="right", no_wrap=True)
    kinds, counts = np.unique(labels, axis=0, return_counts=True)
    for (label, image), count in zip(kinds.tolist(), counts.tolist(), strict=True):
        if label >= 0:
            point = points[label]
            loss = point["loss"] if abs(point["loss"]) > 1e-12 else 0.0
            name = f"{point['kind']} {point['id']}"
            table.add_row(name, images[image], str(point["index"]), f"{loss:.6f}", str(count))
    for outcome, count in fl.Outcome.count(lost).items():
        table.add_row(f"no point ({outcome})", "", "", "", str(count))
    console.print(table)


def draw(jobs: list[Job], maps: list[xr.Dataset], path: Path) -> None:
    """Draw the three maps side by side."""
    figure, axes = plt.subplots(1, len(jobs), figsize=(11.4, 5.2), layout="constrained")
    for ax, letter, job, dataset in zip(axes, "abc", jobs, maps, strict=True):
        ax.set_box_aspect(1)
        fl.plot.basins(dataset, points=job.points, ax=ax)
        ax.locator_params(nbins=6)
        ax.set_title(f"({letter}) {job.title}", loc="left", fontsize="medium")
    # The square that the theorem speaks of.
    axes[0].plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color="0.15", lw=0.8, ls="--", zorder=2)
    # Legends of unequal length leave margins of unequal height: cut to what is drawn.
    figure.savefig(path, dpi=200, bbox_inches="tight", pad_inches=0.08)
    plt.close(figure)


def main() -> None:
    """Map, write, read, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="16 x 16 cells instead of 200 x 200")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the search for critical points (default: 0)"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    key = jax.random.key(options.seed)
    jobs, maps = [], []
    for make in (plane_k5, muller_brown, slice_k3):
        with console.status(f"{make.__name__}: critical points"):
            job = make(key)
        dataset = compute(job, 16 if options.fast else 200)
        path = options.out / f"{make.__name__}.nc"
        dataset.to_netcdf(path)
        report(job.title, path)
        jobs.append(job)
        maps.append(dataset)
    draw(jobs, maps, options.out / "basin_map.png")
    console.print(
        f"Written: basin_map.png and {len(maps)} maps (.nc) in {options.out}", soft_wrap=True
    )


if __name__ == "__main__":
    main()
