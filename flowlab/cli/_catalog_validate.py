"""`flowlab catalog validate`."""

from pathlib import Path
from typing import Annotated

import typer

from ._catalog_options import CatalogFiles, read_catalog
from ._console import open_console, printable
from ._errors import FAILED, UserError
from ._jax import prepare_jax

SHOWN = 10
"""So many mismatches of a file are printed."""

Recompute = Annotated[
    bool,
    typer.Option(
        "--recompute", help="Compute residual, spectrum, index and the rest of each point again."
    ),
]


def validate_catalogs(files: CatalogFiles, recompute: Recompute = False) -> None:
    """Check that files are catalogs: checksum, schema, and, if asked, every point.

    The exit status is 1 if any of them is not, and the lines say which and why.
    """
    prepare_jax()
    console = open_console()
    failed = False
    for file in files:
        problems = _problems(file, recompute)
        failed |= bool(problems)
        for problem in problems[:SHOWN]:
            console.print(printable(f"{file}: {problem}"), soft_wrap=True)
        if len(problems) > SHOWN:
            console.print(f"{file}: and {len(problems) - SHOWN} more", soft_wrap=True)
        if not problems:
            console.print(printable(f"{file}: valid"), soft_wrap=True)
    if failed:
        raise typer.Exit(FAILED)


def _problems(file: Path, recompute: bool) -> list[str]:
    from ..catalog import recheck

    try:
        catalog = read_catalog(file)
        found = recheck(catalog) if recompute else ()
    except (UserError, ValueError) as error:
        return [str(error).removeprefix(f"{file} ")]
    return [repr(mismatch).strip("<>").removeprefix("Mismatch ") for mismatch in found]
