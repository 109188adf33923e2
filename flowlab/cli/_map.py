"""`flowlab map`: the whole way from a field to a catalog, a graph, a basin map and pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._catalog import print_catalog
from ._console import meter, open_console, progress
from ._errors import UserError
from ._field import Dim, Seed, Settings, Students, System, Teacher, chosen_field, describe
from ._files import Out, save_dataset, save_picture, writable_directory

if TYPE_CHECKING:
    from rich.console import Console

    from ..landscape import Survey

LEGIBLE = 12
"""A graph of more nodes is drawn modulo symmetry."""

Starts = Annotated[int, typer.Option(min=1, help="Starts of the search.")]
Resolution = Annotated[int, typer.Option(min=1, help="Cells of the basin map along each axis.")]


def map_landscape(
    students: Students = None,
    teacher: Teacher = None,
    dim: Dim = None,
    system: System = None,
    settings: Settings = None,
    starts: Starts = 1_000,
    seed: Seed = 0,
    resolution: Resolution = 200,
    out: Out = Path("out"),
) -> None:
    """Map a landscape: of a two-layer ReLU student-teacher network, or of a known system.

    Finds the critical points, classifies them, follows the unstable
    directions of every saddle, maps basins on a plane, and writes a catalog,
    a graph and pictures. `flowlab basins` maps basins alone, on any plane.
    """
    field = chosen_field(students, teacher, dim, system, settings)
    if field.size < 2:
        raise UserError("one student in one dimension has no plane to map: pass --dim 2 or more.")
    writable_directory(out)
    console = open_console()
    console.print(describe(field))
    landscape = _survey(console, field, starts, seed, resolution)
    print_catalog(console, landscape.catalog)
    _print_basins(console, landscape)
    written = _write(landscape, out)
    console.print("Written:")
    for path in written:
        console.print(f"  {path}", soft_wrap=True)


def _survey(console: "Console", field: Any, starts: int, seed: int, resolution: int) -> "Survey":
    import jax

    from ..landscape import survey

    with progress(console, lambda: "Nothing was written.") as bars:
        return survey(
            field,
            key=jax.random.key(seed),
            starts=starts,
            resolution=resolution,
            search_meter=meter(bars, "Finding critical points"),
            trace_meter=meter(bars, "Following unstable directions"),
            basin_meter=meter(bars, "Mapping basins"),
        )


def _print_basins(console: "Console", landscape: "Survey") -> None:
    """Count the cells of the basin map by where they flow."""
    basins, catalog, view = landscape.basins, landscape.catalog, landscape.view
    labels = basins["label"].values
    window = " × ".join(f"[{low:.3g}, {high:.3g}]" for low, high in (view.x, view.y))
    names = ", ".join(str(name) for name in reversed(basins["label"].dims))
    console.print(f"Cells of the plane ({names}), {window}, flow to:")
    ids = [point.id for point in catalog]
    for value in sorted(set(labels.reshape(-1).tolist())):
        cells = int((labels == value).sum())
        name = ids[value] if 0 <= value < len(ids) else "no critical point"
        console.print(f"  {name}: {cells:,} of {labels.size:,}")


def _write(landscape: "Survey", out: Path) -> list[Path]:
    from .. import plot
    from ..landscape import quotient, to_graphml

    view, points = landscape.view, list(landscape.view.points)
    graph = landscape.graph if len(landscape.graph) <= LEGIBLE else quotient(landscape.graph)
    landscape.catalog.to_json(out / "catalog.json")
    to_graphml(landscape.graph, out / "landscape.graphml")

    def portrait(ax: Any) -> None:
        ax.set_box_aspect(1)
        plot.portrait(view.field, x=view.x, y=view.y, plane=view.plane, points=points, ax=ax)

    def basins(ax: Any) -> None:
        ax.set_box_aspect(1)
        plot.basins(landscape.basins, points=points, ax=ax)

    return [
        out / "catalog.json",
        out / "landscape.graphml",
        save_dataset(landscape.basins, out / "basins.nc"),
        save_picture(portrait, out / "portrait.png", (4.8, 5.6)),
        save_picture(basins, out / "basins.png", (4.8, 5.6)),
        save_picture(lambda ax: plot.landscape(graph, ax=ax), out / "landscape.png", (6.0, 4.8)),
    ]
