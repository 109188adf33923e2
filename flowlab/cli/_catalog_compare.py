"""`flowlab catalog merge` and `flowlab catalog diff`."""

from pathlib import Path
from typing import Annotated

import typer

from ._catalog import print_catalog
from ._catalog_options import CatalogFile, CatalogFiles, read_catalog
from ._console import open_console, plain_table, printable
from ._errors import UserError
from ._files import require_file_place
from ._jax import prepare_jax

MergedFile = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="The merged catalog: .json or .parquet."),
]
Hits = Annotated[
    bool, typer.Option("--hits/--ignore-hits", help="Whether numbers of hits are compared.")
]


def merge_catalogs(files: CatalogFiles, out: MergedFile) -> None:
    """Put the catalogs of several runs on one field together.

    Symmetric images become one entry, hits add, and no run counts twice.
    """
    if out.suffix not in (".json", ".parquet"):
        raise UserError(f"--out {out} has the ending {out.suffix!r}; needed: .json or .parquet.")
    require_file_place("--out", out)
    prepare_jax()
    catalogs = [read_catalog(file) for file in files]
    from ..catalog import merge

    try:
        merged = merge(*catalogs)
        merged.to_parquet(out) if out.suffix == ".parquet" else merged.to_json(out)
    except (ValueError, ModuleNotFoundError) as error:
        raise UserError(str(error)) from error
    console = open_console()
    print_catalog(console, merged)
    console.print(f"Written:\n  {out}", soft_wrap=True)


def diff_catalogs(first: CatalogFile, second: CatalogFile, hits: Hits = True) -> None:
    """Compare two catalogs of one field modulo symmetry.

    The exit status is 0 if they agree, 1 if they differ, 2 if they cannot be
    compared.
    """
    prepare_jax()
    catalogs = read_catalog(first), read_catalog(second)
    from ..catalog import diff

    try:
        found = diff(*catalogs, hits=hits)
    except ValueError as error:
        raise UserError(str(error)) from error
    console = open_console()
    if not found:
        console.print("The catalogs agree.")
        return
    heads = ("", "first", "second", "entry", "in the first", "in the second")
    table = plain_table(dict.fromkeys(heads, "left"), padding=(0, 1, 0, 0))
    for row in found.rows():
        table.add_row(*map(printable, row))
    console.print(table)
    raise typer.Exit(1)
