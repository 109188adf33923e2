"""`flowlab catalog build`: every critical point of a field that a search finds, in a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._catalog import print_catalog, read_catalog
from ._console import meter, open_console, progress
from ._errors import UserError
from ._field import Dim, Seed, Settings, Students, System, Teacher, chosen_field, describe

if TYPE_CHECKING:
    from rich.console import Console

    from ..catalog import Catalog

METHODS = (
    *("flow", "newton", "slow_points", "fixed_subspaces"),
    *("splittings", "eigenvectors", "deflation"),
)

Starts = Annotated[int, typer.Option(min=1, help="Random starts of each method.")]
Chosen = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help=f"What to use, of {', '.join(METHODS)}; may be repeated.",
        show_default="flow, newton",
    ),
]
Written = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the catalog goes.")]
Extend = Annotated[
    bool, typer.Option(help="Add to the catalog that --out holds already, if there is one.")
]


def build_catalog(
    students: Students = None,
    teacher: Teacher = None,
    dim: Dim = None,
    system: System = None,
    settings: Settings = None,
    starts: Starts = 1_000,
    method: Chosen = None,
    seed: Seed = 0,
    out: Written = Path("catalog.json"),
    extend: Extend = False,
) -> None:
    """Search for the critical points of a field, and write them to a catalog.

    The flow and Newton's method go from random starts; slow_points goes from
    where the flow slows down on its way; fixed_subspaces searches where
    symmetric points lie, however many students there are; splittings makes
    points of those of fewer students; eigenvectors looks for saddles around
    every point found; deflation runs Newton's method away from all of them.
    A catalog that is there already is replaced, or extended with --extend.
    """
    field = chosen_field(students, teacher, dim, system, settings)
    methods = tuple(method or ("flow", "newton"))
    for name in methods:
        if name not in METHODS:
            raise UserError(f"--method {name} is not known; there is {', '.join(METHODS)}.")
    if not out.parent.is_dir():
        raise UserError(f"--out: there is no directory {out.parent}.")
    before = read_catalog(out) if extend and out.exists() else None
    if before is not None and before.field_spec != field.spec():
        raise UserError(f"{out} is the catalog of another field; it cannot be extended.")
    console = open_console()
    console.print(describe(field))
    catalog = _found(console, field, starts, methods, seed, before)
    print_catalog(console, catalog)
    _print_search(console, catalog)
    catalog.to_json(out)
    console.print(f"Written: {out}", soft_wrap=True)


def _found(
    console: "Console",
    field: Any,
    starts: int,
    methods: tuple[str, ...],
    seed: int,
    before: "Catalog | None",
) -> "Catalog":
    import jax

    from ..search import find_critical_points

    with progress(console, lambda: "Nothing was written.") as bars:
        return find_critical_points(
            field,
            key=jax.random.key(seed),
            starts=starts,
            methods=methods,
            catalog=before,
            progress_meter=meter(bars, "Finding critical points"),
        )


def _print_search(console: "Console", catalog: "Catalog") -> None:
    """Say what each method found, and how much has probably been missed."""
    report = catalog.provenance["settings"]["search"]
    for name in METHODS:
        if f"found_by_{name}" in report:
            console.print(f"Found first by {name}: {report[f'found_by_{name}']:,}")
    seen = report.get("completeness")
    if seen is not None and seen["starts"]:
        console.print(
            f"Random starts reached {seen['observed']:,} orbits, {seen['once']:,} of them once: at "
            f"least {seen['estimate']:,.0f} can be reached ({seen['lower']:,.0f} to "
            f"{seen['upper']:,.0f} with 95%).",
            highlight=False,
            soft_wrap=True,
        )
