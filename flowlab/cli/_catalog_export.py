"""`flowlab catalog export`."""

from pathlib import Path
from typing import Annotated

import typer

from ._catalog_options import CatalogFile, read_catalog
from ._errors import UserError
from ._files import require_file_place
from ._jax import prepare_jax

ENDINGS = (".json", ".parquet", ".csv", ".sqlite")

ExportFile = Annotated[
    Path, typer.Option("--to", metavar="FILE", help=f"Where to: {', '.join(ENDINGS)}.")
]


def export_catalog(file: CatalogFile, to: ExportFile) -> None:
    """Write a catalog in another form.

    JSON and Parquet keep everything and can be read back; CSV holds the
    points, SQLite points and connections.
    """
    if to.suffix not in ENDINGS:
        raise UserError(f"--to {to} has the ending {to.suffix!r}; needed: {', '.join(ENDINGS)}.")
    require_file_place("--to", to)
    prepare_jax()
    catalog = read_catalog(file)
    writers = (catalog.to_json, catalog.to_parquet, catalog.to_csv, catalog.to_sqlite)
    try:
        dict(zip(ENDINGS, writers, strict=True))[to.suffix](to)
    except (ValueError, ModuleNotFoundError) as error:
        raise UserError(str(error)) from error
    typer.echo(f"Written:\n  {to}")
