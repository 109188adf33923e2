"""The command line: thin calls of the library, with progress bars, tables and files.

Heavy imports happen inside the commands, so that `flowlab --help` answers at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from .catalog import Catalog
    from .landscape import Survey

app = typer.Typer(
    name="flowlab",
    help="Map differentiable flows: critical points, connections, basins.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalog_app = typer.Typer(help="Look at exported catalogs.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")

BAD_INPUT = 2
FAILED = 1

LEGIBLE = 12
"""A graph of more nodes is drawn modulo symmetry."""


class UserError(Exception):
    """Something that the person at the keyboard can put right."""


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"flowlab {version('flowlab')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command("map")
def map_landscape(
    students: Annotated[int, typer.Option("--students", "-k", help="Number of students K.")] = 2,
    teacher: Annotated[
        str,
        typer.Option(help="'orthonormal' (K unit vectors), or a .npy file of teacher rows (M, d)."),
    ] = "orthonormal",
    dim: Annotated[
        int | None, typer.Option(help="Input dimension d of an orthonormal teacher; K by default.")
    ] = None,
    starts: Annotated[int, typer.Option(help="Starts of the search.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    resolution: Annotated[int, typer.Option(help="Cells of the basin map along each axis.")] = 200,
    out: Annotated[Path, typer.Option(help="Directory of the files.")] = Path("out"),
) -> None:
    """Map the landscape of a two-layer ReLU student-teacher network.

    Finds the critical points of the population-gradient flow, classifies them, follows the unstable
    directions of every saddle, maps basins on a plane, and writes a catalog, a graph and pictures.
    """
    counts = {"--students": students, "--starts": starts, "--resolution": resolution}
    for name, value in counts.items():
        if value < 1:
            raise UserError(f"{name} is {value}; needed: a positive whole number.")
    _prepare_jax()
    console = _console()
    field = _field(students, teacher, dim)
    _make_directory(out)
    count, width = field.shape
    console.print(
        f"Student network of {count} ReLUs on a teacher of {len(field.teacher)}, "
        f"inputs N(0, I) in {width} dimensions."
    )
    landscape = _survey(console, field, starts, seed, resolution)
    console.print(_table(landscape.catalog))
    _print_connections(console, landscape.catalog)
    _print_basins(console, landscape)
    written = _write_files(landscape, out)
    console.print("Written:")
    for path in written:
        console.print(f"  {path}", soft_wrap=True, highlight=False)


@catalog_app.command("show")
def show_catalog(
    file: Annotated[Path, typer.Argument(help="A catalog.json.")],
) -> None:
    """Print a catalog as a table, and how it was made."""
    from .catalog import Catalog, CatalogError

    try:
        catalog = Catalog.from_json(file)
    except (CatalogError, OSError) as error:
        raise UserError(str(error)) from error
    console = _console()
    console.print(_table(catalog))
    _print_connections(console, catalog)
    made, spec = catalog.provenance, catalog.field_spec
    version = made.get("versions", {}).get("flowlab", "?")
    console.print(
        f"{spec['type']} of shape {tuple(spec['shape'])}; made {made.get('date', '?')} by flowlab "
        f"{version}.",
        highlight=False,
    )


@app.command("paper")
def check_paper(
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    samples: Annotated[int, typer.Option(help="Monte Carlo samples for Theorem 1.")] = 1_000_000,
) -> None:
    """Check claims of Tian (2017), each by a computation done now."""
    if samples < 1_000:
        raise UserError(f"--samples is {samples}; needed: at least 1000.")
    _prepare_jax()
    import jax
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from .paper import check_claims

    console = _console()
    claims = check_claims(key=jax.random.key(seed), samples=samples)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, justify in (
        ("claim", "left"),
        ("expected", "right"),
        ("found", "right"),
        ("tolerance", "right"),
        ("verdict", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for claim in claims:
        table.add_row(
            claim.name,
            f"{claim.expected:.10g}",
            f"{claim.found:.10g}",
            f"{claim.tolerance:g}" if claim.tolerance else "",
            "holds" if claim.holds else "FAILS",
        )
    console.print(table)
    failed = sum(not claim.holds for claim in claims)
    console.print(f"{len(claims) - failed} of {len(claims)} claims hold.")
    if failed:
        raise typer.Exit(FAILED)


def _prepare_jax() -> None:
    """Turn on 64 bits and the compilation cache, before JAX computes anything."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(base) / "flowlab" / "jax")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")
    # Run-time errors become NaNs, which every outcome reports, not host callbacks, which the cache
    # cannot keep.
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    import jax

    jax.config.update("jax_enable_x64", True)


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _field(students: int, teacher: str, dim: int | None) -> Any:
    import jax.numpy as jnp
    import numpy as np

    from .fields import TeacherStudent

    if teacher == "orthonormal":
        width = students if dim is None else dim
        if width < students:
            raise UserError(
                f"--dim is {width}, but {students} orthonormal teachers need at least {students} "
                "dimensions. Raise --dim or give the teacher as a file."
            )
        return TeacherStudent(jnp.eye(students, width))
    if dim is not None:
        raise UserError("--dim goes with the orthonormal teacher; a file has its own dimension.")
    try:
        rows = np.load(teacher, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(
            f"--teacher {teacher}: no such file. Needed: 'orthonormal' or a .npy file (M, d)."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"--teacher {teacher} cannot be read as a .npy file of numbers: {error}"
        ) from error
    try:
        return TeacherStudent(rows, students=students)
    except (ValueError, TypeError) as error:
        raise UserError(f"--teacher {teacher}: {error}") from error


def _make_directory(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out} cannot be made a directory: {error}") from error


def _survey(console: "Console", field: Any, starts: int, seed: int, resolution: int) -> "Survey":
    import jax

    from .landscape import survey

    if field.size < 2:
        raise UserError("one student in one dimension has no plane to map: pass --dim 2 or more.")
    with _progress(console) as bars:
        return survey(
            field,
            key=jax.random.key(seed),
            starts=starts,
            resolution=resolution,
            search_meter=_meter(bars, "Finding critical points"),
            trace_meter=_meter(bars, "Following unstable directions"),
            basin_meter=_meter(bars, "Mapping basins"),
        )


@contextmanager
def _progress(console: "Console") -> "Iterator[Progress]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:32s}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        yield bars


def _meter(bars: "Progress", title: str) -> Any:
    """Return a diffrax progress meter that moves a bar of its own."""
    import diffrax as dfx

    task = bars.add_task(title, total=1.0, start=False)

    class Meter(dfx.AbstractProgressMeter):
        """A rich bar as a diffrax progress meter."""

        def init(self) -> None:
            bars.start_task(task)

        def step(self, state: None, progress: Any) -> None:
            bars.update(task, completed=float(progress))

        def close(self, state: None) -> None:
            bars.update(task, completed=1.0)
            bars.stop_task(task)

    return Meter()


def _table(catalog: "Catalog") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    with_loss = any(point.loss is not None for point in catalog)
    worst = max((point.residual for point in catalog), default=0.0)
    table = Table(
        title="Critical points, one for each orbit of the symmetry group",
        box=SIMPLE_HEAD,
        caption=f"null: explained of all null directions; largest residual {worst:.0e}",
        padding=(0, 1, 0, 0),
        title_justify="left",
        caption_justify="left",
        show_edge=False,
        pad_edge=False,
    )
    loss_column = (("loss", "right"),) if with_loss else ()
    for name, justify in (
        ("id", "left"),
        ("kind", "left"),
        ("index", "right"),
        ("null", "right"),
        *loss_column,
        ("λ_min" if with_loss else "Re λ_max", "right"),
        ("isotropy", "left"),
        ("images", "right"),
        ("hits", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for point in catalog:
        real = point.eigenvalues.real
        null = f"{point.explained_nullity} of {point.nullity}" if point.nullity else "0"
        loss = (_number(point.loss),) if point.loss is not None else ("",) if with_loss else ()
        table.add_row(
            point.id,
            point.kind,
            str(point.index),
            null,
            *loss,
            f"{real.min() if with_loss else real.max():.4f}",
            point.isotropy_name,
            f"{point.orbit_size:,}",
            str(point.hits),
        )
    return table


def _number(value: float) -> str:
    """Nine decimals; what is only rounding error reads as zero."""
    return "0" if abs(value) < 1e-14 else f"{value:.9f}"


def _print_connections(console: "Console", catalog: "Catalog") -> None:
    """Say in a line for each saddle where its unstable directions lead."""
    reached: dict[str, dict[str, set[str]]] = {}
    for link in catalog.connections:
        reached.setdefault(link.source, {}).setdefault(link.target, set()).add(link.image)
    if not reached:
        return
    console.print("Where the unstable directions lead:")
    for source, targets in reached.items():
        ends = ", ".join(
            f"{target} ({len(images)} image{'s' if len(images) > 1 else ''})"
            for target, images in sorted(targets.items())
        )
        console.print(f"  {source} -> {ends}", highlight=False)


def _print_basins(console: "Console", landscape: "Survey") -> None:
    """Count the cells of the basin map by where they flow."""
    basins, catalog, view = landscape.basins, landscape.catalog, landscape.view
    labels = basins["label"].values
    window = " × ".join(f"[{low:g}, {high:g}]" for low, high in (view.x, view.y))
    names = ", ".join(str(name) for name in reversed(basins["label"].dims))
    console.print(f"Basin map on the plane ({names}) over {window}: cells by where they flow.")
    ids = [point.id for point in catalog]
    for value in sorted(set(labels.reshape(-1).tolist())):
        cells = int((labels == value).sum())
        name = ids[value] if 0 <= value < len(ids) else "no critical point"
        console.print(f"  {name}: {cells:,} of {labels.size:,}", highlight=False)


def _write_files(landscape: "Survey", out: Path) -> list[Path]:
    from .landscape import to_graphml

    paths = [out / "catalog.json", out / "landscape.graphml", out / "basins.nc"]
    landscape.catalog.to_json(paths[0])
    to_graphml(landscape.graph, paths[1])
    landscape.basins.to_netcdf(paths[2], engine="h5netcdf")
    return paths + _draw(landscape, out)


def _draw(landscape: "Survey", out: Path) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from . import plot
    from .landscape import quotient

    view, written = landscape.view, []

    def save(name: str, draw: Any, size: tuple[float, float]) -> None:
        figure, ax = plt.subplots(figsize=size, layout="constrained")
        draw(ax)
        figure.savefig(out / name, dpi=200)
        plt.close(figure)
        written.append(out / name)

    points = list(view.points)
    save(
        "portrait.png",
        lambda ax: plot.portrait(
            view.field, x=view.x, y=view.y, plane=view.plane, points=points, ax=ax
        ),
        (4.5, 4.8),
    )
    save("basins.png", lambda ax: plot.basins(landscape.basins, points=points, ax=ax), (4.5, 4.8))
    graph = landscape.graph if len(landscape.graph) <= LEGIBLE else quotient(landscape.graph)
    save("landscape.png", lambda ax: plot.landscape(graph, ax=ax), (6.0, 4.8))
    return written


def main() -> None:
    """Run the command line: bad input ends with a message and status 2, never with a traceback."""
    import sys

    try:
        app()
    except UserError as error:
        typer.secho(f"Error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        typer.secho("Interrupted.", err=True)
        sys.exit(130)
    except RuntimeError as error:
        typer.secho(f"Failed: {error}", err=True, fg=typer.colors.RED)
        sys.exit(FAILED)
