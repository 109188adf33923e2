"""`flowlab certify`: certificates for the points of a catalog, and checking them again."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._catalog_options import read_catalog
from ._console import meter, open_console, plain_table, printable, progress
from ._errors import FAILED, UserError
from ._jax import prepare_jax

if TYPE_CHECKING:
    from rich.console import Console

    from ..catalog import Catalog
    from ..critical import CriticalPoint

WRITE_EVERY = 5.0
"""Seconds between two writes of the file."""

COLUMNS = {
    "id": "left",
    "kind": "left",
    "index": "right",
    "null": "right",
    "loss": "right",
    "λ_min": "right",
    "radius": "right",
    "capture": "right",
}

File = Annotated[
    Path,
    typer.Argument(metavar="CATALOG", help="A catalog: .json or .parquet.", show_default=False),
]
Again = Annotated[bool, typer.Option("--again", help="Certify what is certified already, too.")]
Check = Annotated[
    bool, typer.Option("--check", help="Prove the certificates again instead; write nothing.")
]
Precision = Annotated[
    int | None,
    typer.Option(min=53, max=4096, help="Bits of the balls; raised as needed if not given."),
]


def certify_catalog(
    catalog: File, again: Again = False, check: Check = False, precision: Precision = None
) -> None:
    """Prove by ball arithmetic what the points of a catalog are, or check such proofs.

    Certificates are written into the file, point by point; after Ctrl-C the same
    command goes on. The exit status is 1 if a point could not be certified, or,
    with --check, if a certificate does not hold.
    """
    if catalog.suffix not in (".json", ".parquet"):
        raise UserError(f"{catalog} is no .json or .parquet; export it first.")
    if check and (again or precision is not None):
        raise UserError("--check proves what the file says; it takes no --again or --precision.")
    prepare_jax()
    held = read_catalog(catalog)
    field = _field_of(held)
    console = open_console()
    if check:
        failed = _check(console, held, field)
    else:
        failed = _certify(console, catalog, held, field, again, precision)
    if failed:
        raise typer.Exit(FAILED)


def _field_of(catalog: "Catalog") -> Any:
    try:
        return catalog.field()
    except ValueError as error:
        raise UserError(str(error)) from error


def _certify(
    console: "Console",
    file: Path,
    catalog: "Catalog",
    field: Any,
    again: bool,
    precision: int | None,
) -> bool:
    from ..certify import CertificationError, certify_record

    points, refused = list(catalog.points), {}
    written = time.monotonic()
    todo = [n for n, point in enumerate(points) if again or point.certificate is None]

    def write() -> None:
        _write(file, catalog.replace(points=tuple(points)))

    def interrupted() -> str:
        write()
        return f"{file} has what was proved so far; the same command goes on from there."

    with progress(console, interrupted) as bars:
        bar = meter(bars, "Certifying")
        bar.init()
        for done, place in enumerate(todo):
            try:
                points[place] = certify_record(field, points[place], precision=precision)
            except CertificationError as reason:
                refused[points[place].id] = str(reason)
            if time.monotonic() - written > WRITE_EVERY:
                write()
                written = time.monotonic()
            bar.step(None, (done + 1) / len(todo))
        bar.close(None)
    if len(todo) > len(refused):
        write()
    _show(console, points)
    if len(todo) < len(points):
        console.print(f"{len(points) - len(todo):,} were certified already; --again does it anew.")
    _list(console, refused)
    certified = sum(point.certificate is not None for point in points)
    console.print(f"{certified:,} of {len(points):,} points are certified in {file}.",
                  soft_wrap=True)  # fmt: skip
    return bool(refused)


def _check(console: "Console", catalog: "Catalog", field: Any) -> bool:
    from ..certify import CertificationError, check_record

    points = [point for point in catalog if point.certificate is not None]
    bare = [point.id for point in catalog if point.certificate is None]
    refused = {}
    with progress(console, lambda: "Nothing was written.") as bars:
        bar = meter(bars, "Proving again")
        bar.init()
        for done, point in enumerate(points):
            try:
                check_record(field, point)
            except CertificationError as reason:
                refused[point.id] = str(reason)
            bar.step(None, (done + 1) / len(points))
        bar.close(None)
    _list(console, refused)
    if bare:
        console.print(printable(f"Without a certificate: {', '.join(bare)}"), soft_wrap=True)
    console.print(f"{len(points) - len(refused):,} of {len(points):,} certificates hold.")
    return bool(refused) or not points


def _write(file: Path, catalog: "Catalog") -> None:
    if file.suffix == ".parquet":
        catalog.to_parquet(file)
    else:
        catalog.to_json(file)


def _show(console: "Console", points: "list[CriticalPoint]") -> None:
    table = plain_table(COLUMNS, padding=(0, 1, 0, 0))
    for point in points:
        if point.certificate is not None:
            table.add_row(*map(printable, _row(point)))
    console.print(table)


def _row(point: "CriticalPoint") -> tuple[str, ...]:
    from ..certify import Certificate, CertificationError

    try:
        found = Certificate.from_dict(point.certificate or {})
    except CertificationError:
        return point.id, point.kind, *["?"] * (len(COLUMNS) - 2)
    return (
        point.id,
        point.kind,
        str(found.index),
        str(found.nullity),
        "" if found.loss is None else _middle(found.loss_interval),
        _middle(found.lambda_min_interval),
        f"{found.radius:.0e}",
        f"{found.capture:.2g}" if found.capture else "",
    )


def _middle(interval: tuple[float, float]) -> str:
    middle, width = sum(interval) / 2, interval[1] - interval[0]
    return f"{0.0 if abs(middle) <= width else middle:.8f}"


def _list(console: "Console", refused: dict[str, str]) -> None:
    for name, reason in refused.items():
        console.print(printable(f"{name}: {reason}"), soft_wrap=True)
