"""`flowlab catalog show`, and catalogs on the screen."""

from typing import TYPE_CHECKING, Annotated

import typer

from ._catalog_options import (
    CatalogFile,
    Index,
    Isotropy,
    Kind,
    Loss,
    Nullity,
    Spurious,
    criteria,
    read_catalog,
)
from ._console import open_console, plain_table, printable
from ._errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from ..catalog import Catalog
    from ..critical import CriticalPoint

Limit = Annotated[int, typer.Option(min=1, metavar="N", help="Print at most so many points.")]


def show_catalog(
    file: CatalogFile,
    index: Index = None,
    nullity: Nullity = None,
    kind: Kind = None,
    isotropy: Isotropy = None,
    spurious: Spurious = None,
    loss: Loss = None,
    limit: Limit = 100,
) -> None:
    """Print a catalog as a table, and how it was made; with options, the points that match."""
    asked = criteria(index, nullity, kind, isotropy, spurious, loss)
    catalog = read_catalog(file)
    console = open_console()
    total = len(catalog)
    try:
        chosen = catalog.search(**asked) if asked else catalog
    except ValueError as error:
        raise UserError(str(error)) from error
    print_catalog(console, chosen, limit)
    if asked:
        console.print(f"{len(chosen):,} of {total:,} points match.")
    console.print(printable(_origin(catalog)), soft_wrap=True)


def _origin(catalog: "Catalog") -> str:
    """Say whose points these are and when they were found; a file need not know all of it."""
    spec, made = catalog.field_spec, catalog.provenance
    name = spec.get("name") or spec.get("type") or "Unnamed field"
    shape = spec.get("shape") or next((point.location.shape for point in catalog), None)
    where = "" if shape is None else f" of shape {tuple(shape)}"
    versions = made.get("versions")
    version = versions.get("flowlab", "?") if isinstance(versions, dict) else "?"
    return f"{name}{where}; made {made.get('date', '?')} by flowlab {version}."


def print_catalog(console: "Console", catalog: "Catalog", limit: int | None = None) -> None:
    """Print the critical points as a table, and where their unstable directions lead.

    Args:
        console: where.
        catalog: the catalog.
        limit: how many points are printed at most; all if not given.
    """
    import numpy as np

    with_loss = any(point.loss is not None for point in catalog)
    gradient = any(np.isrealobj(point.eigenvalues) for point in catalog)
    what = "Critical points" if gradient else "Equilibria"
    worst = max((point.residual for point in catalog), default=0.0)
    table = plain_table(
        {
            "id": "left",
            "kind": "left",
            "index": "right",
            "null": "right",
            **({"loss": "right"} if with_loss else {}),
            "λ_min" if gradient else "Re λ_max": "right",
            "isotropy": "left",
            "images": "right",
            "hits": "right",
        },
        padding=(0, 1, 0, 0),
    )
    for point in catalog.points[:limit]:
        table.add_row(*map(printable, _row(point, with_loss, gradient)))
    console.print(f"{what}, one for each orbit of the symmetry group:")
    console.print(table)
    if limit is not None and len(catalog) > limit:
        console.print(f"{len(catalog) - limit:,} more; --limit {len(catalog)} shows all")
    console.print(f"null: explained of all null directions; largest residual {worst:.0e}")
    console.print("hits: runs of the flow and of Newton's method that ended there")
    _print_connections(console, catalog, limit)


def _row(point: "CriticalPoint", with_loss: bool, gradient: bool) -> tuple[str, ...]:
    real = point.eigenvalues.real
    loss = (_number(point.loss),) if with_loss else ()
    return (
        point.id,
        point.kind,
        str(point.index),
        f"{point.explained_nullity} of {point.nullity}" if point.nullity else "0",
        *loss,
        f"{real.min() if gradient else real.max():.4f}",
        point.isotropy_name,
        f"{point.orbit_size:,}",
        str(point.hits),
    )


def _number(value: float | None) -> str:
    """Nine decimals; what is only rounding error reads as zero."""
    if value is None:
        return ""
    return "0" if abs(value) < 1e-14 else f"{value:.9f}"


def _print_connections(console: "Console", catalog: "Catalog", limit: int | None) -> None:
    """Say in a line for each saddle where its unstable directions lead."""
    reached: dict[str, dict[str, set[str]]] = {}
    for link in catalog.connections:
        reached.setdefault(link.source, {}).setdefault(link.target, set()).add(link.image)
    if not reached:
        return
    console.print("Where the unstable directions lead:")
    for source, targets in [*reached.items()][:limit]:
        ends = ", ".join(
            f"{target} ({len(images)} image{'s' if len(images) > 1 else ''})"
            for target, images in sorted(targets.items())
        )
        console.print(printable(f"  {source} -> {ends}"))
