"""The command line: thin calls of the library, with progress bars, tables and files.

A command is one function in one file (`_map.py`), and one line here gives it its name. What
commands share: `_field.py` (options that choose a field), `_files.py` (where results go),
`_console.py` (what the screen shows), `_errors.py` (how a run ends that cannot go on).

Heavy imports happen inside the functions, so that `flowlab --help` answers at once.
"""

from typing import Annotated

import typer

from ._basins import map_basins
from ._catalog import show_catalog
from ._catalog_build import build_catalog
from ._catalog_compare import diff_catalogs, merge_catalogs
from ._catalog_export import export_catalog
from ._catalog_validate import validate_catalogs
from ._errors import messages
from ._fractions import estimate_fractions
from ._landscape import show_landscape
from ._map import map_landscape
from ._paper import check_paper
from ._prove import prove_statement

app = typer.Typer(
    name="flowlab",
    help="Map differentiable flows: critical points, connections, basins.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("map")(map_landscape)
app.command("basins")(map_basins)
app.command("fractions")(estimate_fractions)
app.command("landscape")(show_landscape)
app.command("paper")(check_paper)
app.command("prove")(prove_statement)

catalogs = typer.Typer(
    help="Build, show, merge, compare, export and check catalogs.", no_args_is_help=True
)
catalogs.command("build")(build_catalog)
catalogs.command("show")(show_catalog)
catalogs.command("merge")(merge_catalogs)
catalogs.command("diff")(diff_catalogs)
catalogs.command("export")(export_catalog)
catalogs.command("validate")(validate_catalogs)
app.add_typer(catalogs, name="catalog")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"flowlab {version('flowlab')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback()
def _root(version: Version = False) -> None:
    del version


def main() -> None:
    """Run the command line: what a user can put right ends with a message, not a traceback."""
    with messages():
        app()
