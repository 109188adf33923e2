"""`flowlab basins`: one basin map, as a table, a file and a picture."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._basins_table import print_map
from ._console import meter, open_console, progress
from ._errors import UserError
from ._field import Dim, Seed, Settings, Students, System, Teacher, chosen_field, describe
from ._files import require_file_place, save_picture
from ._store import Resume, Store, how_to_go_on
from ._window import Window, chosen_window

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

PICTURES = (".png", ".pdf", ".svg")

PlaneName = Annotated[
    str | None,
    typer.Option(
        "--plane",
        help="'theorem7'; two coordinates such as x,y, the others at 0; or 'saddle', through the "
        "lowest saddle that a search finds.",
        show_default="theorem7 if the network has it, else a planar system's own",
    ),
]
Horizontal = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--x",
        metavar="LOW HIGH",
        help="Range of the first coordinate.",
        show_default="what shows the plane's points, or the box that the field's starts fill",
    ),
]
Vertical = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--y",
        metavar="LOW HIGH",
        help="Range of the second coordinate.",
        show_default="in the same way",
    ),
]
Resolution = Annotated[int, typer.Option(min=1, help="Cells along each axis.")]
Refine = Annotated[
    bool,
    typer.Option(
        "--refine/--no-refine",
        help="Follow the cells along boundaries, infer the others, and audit them.",
    ),
]
Starts = Annotated[int, typer.Option(min=1, help="Starts of the search for --plane saddle.")]
MapFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Where the map goes: .nc (NetCDF) or .zarr.",
        show_default=False,
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Where a picture goes: {', '.join(PICTURES)}.",
        show_default=False,
    ),
]


def map_basins(
    students: Students = None,
    teacher: Teacher = None,
    dim: Dim = None,
    system: System = None,
    settings: Settings = None,
    plane: PlaneName = None,
    x: Horizontal = None,
    y: Vertical = None,
    resolution: Resolution = 200,
    refine: Refine = False,
    starts: Starts = 1_000,
    seed: Seed = 0,
    store: Store = None,
    resume: Resume = True,
    out: MapFile = None,
    picture: Picture = None,
) -> None:
    """Map the basins of a plane: where the flow takes each cell of a grid.

    Prints the share of the cells that each symmetric image of each critical
    point attracts, and writes the map to a file and a picture. With --refine
    a large map costs little more than its boundaries, and says how sure it is.
    """
    _require_ranges(x, y)
    field = chosen_field(students, teacher, dim, system, settings)
    _require_places(out, picture)
    console = open_console()
    console.print(describe(field))
    with progress(console, lambda: how_to_go_on(store)) as bars:
        window, basins = _map(bars, field, plane, (x, y), resolution, refine, starts, seed,
                              store, resume)  # fmt: skip
    console.print(window.title)
    print_map(console, basins)
    _write(console, window, basins, out, picture)


def _require_ranges(*ranges: tuple[float, float] | None) -> None:
    for name, ends in zip("xy", ranges, strict=True):
        if ends is not None and not -math.inf < ends[0] < ends[1] < math.inf:
            raise UserError(
                f"--{name} is {ends[0]:g} {ends[1]:g}; needed: LOW HIGH, the lower end first."
            )


def _require_places(out: Path | None, picture: Path | None) -> None:
    """Find out now, not after minutes, whether the files can be written."""
    if out is not None:
        from ..basins import require_place

        try:
            require_place(out)
        except (ValueError, ModuleNotFoundError) as error:
            raise UserError(f"--out: {error}") from error
        if out.suffix == ".nc":
            require_file_place("--out", out)
    if picture is not None:
        if picture.suffix not in PICTURES:
            raise UserError(
                f"--picture {picture} has the ending {picture.suffix!r}; needed: "
                f"{', '.join(PICTURES)}."
            )
        require_file_place("--picture", picture)


def _map(
    bars: Any,
    field: Any,
    plane: str | None,
    ranges: tuple[Any, Any],
    resolution: int,
    refine: bool,
    starts: int,
    seed: int,
    store: Path | None,
    resume: bool,
) -> tuple[Window, "xr.Dataset"]:
    import jax

    from ..basins import basin_map

    key = jax.random.key(seed)
    window = chosen_window(
        field, plane, key, starts, lambda: meter(bars, "Finding critical points")
    )
    x, y = (
        _range(name, given, suggested)
        for name, given, suggested in zip("xy", ranges, (window.x, window.y), strict=True)
    )
    try:
        basins = basin_map(
            window.field,
            x=x,
            y=y,
            plane=window.plane,
            full=window.full,
            resolution=resolution,
            refine=refine,
            key=key,
            catalog=window.catalog,
            store=store,
            resume=resume,
            progress_meter=meter(bars, "Mapping basins"),
        )
    except (ValueError, ModuleNotFoundError) as error:
        raise UserError(str(error)) from error
    return window, basins


def _range(name: str, given: Any, suggested: Any) -> tuple[float, float]:
    if given is None and suggested is None:
        raise UserError(f"--{name} LOW HIGH is needed: nothing else says which part to map.")
    return suggested if given is None else given


def _write(
    console: "Console", window: Window, basins: "xr.Dataset", out: Path | None, picture: Path | None
) -> None:
    written = []
    if out is not None:
        from ..basins import save_map

        save_map(basins, out)
        written.append(out)
    if picture is not None:
        written.append(save_picture(lambda ax: _draw(ax, window, basins), picture, (4.8, 5.6)))
    if written:
        console.print("Written:")
    for path in written:
        console.print(f"  {path}", soft_wrap=True)


def _draw(ax: Any, window: Window, basins: "xr.Dataset") -> None:
    import json

    from .. import plot
    from ..landscape import points_in

    points = window.points
    if points is None:
        met = json.loads(basins.attrs["points"])
        described = ((point["location"], point["kind"]) for point in met)
        points = points_in(window.field, window.plane, described)
    ax.set_box_aspect(1)
    plot.basins(basins, points=list(points), ax=ax)
