"""What the commands about catalogs share: reading files of any kind, and choosing points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import UserError, reason

if TYPE_CHECKING:
    from ..catalog import Catalog

CatalogFile = Annotated[
    Path,
    typer.Argument(help="A catalog: .json, .parquet, or a journal .jsonl.", show_default=False),
]
CatalogFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="Catalogs: .json, .parquet, or journals .jsonl.", show_default=False
    ),
]
Index = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="Index: a number, or a range such as 1:3 or 1:.", show_default=False
    ),
]
Nullity = Annotated[
    str | None, typer.Option(metavar="N", help="Nullity, likewise.", show_default=False)
]
Kind = Annotated[
    str | None, typer.Option(help="Kind, such as saddle or 'spurious minimum'.", show_default=False)
]
Isotropy = Annotated[
    str | None, typer.Option(help="Isotropy group; DS_4 is ΔS_4 too.", show_default=False)
]
Spurious = Annotated[
    bool | None,
    typer.Option(
        "--spurious/--not-spurious", help="Sinks above the loss floor.", show_default=False
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(metavar="LOW:HIGH", help="Range of the loss.", show_default=False),
]


def read_catalog(file: Path) -> "Catalog":
    """Return the catalog in a file, or end with the reason why it is none."""
    from ..catalog import Catalog, CatalogError

    readers = {".parquet": Catalog.from_parquet, ".jsonl": Catalog.from_journal}
    try:
        return readers.get(file.suffix, Catalog.from_json)(file)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {reason(error)}.") from error
    except (CatalogError, ModuleNotFoundError) as error:
        raise UserError(str(error)) from error


def criteria(
    index: str | None,
    nullity: str | None,
    kind: str | None,
    isotropy: str | None,
    spurious: bool | None,
    loss: str | None,
) -> dict[str, Any]:
    """Return what the options ask for, as `Catalog.search` takes it."""
    found = {
        "index": _number("--index", index, int),
        "nullity": _number("--nullity", nullity, int),
        "kind": kind,
        "isotropy": isotropy,
        "spurious": spurious,
        "loss": _number("--loss", loss, float),
    }
    return {name: value for name, value in found.items() if value is not None}


def _number(option: str, text: str | None, kind: type) -> Any:
    """A number, or a range LOW:HIGH one end of which may be missing."""
    if text is None:
        return None
    ends = text.split(":")
    try:
        if len(ends) == 1:
            return kind(text)
        low, high = (kind(end) if end.strip() else None for end in ends)
        return low, high
    except ValueError:
        raise UserError(
            f"{option} is {text!r}; needed: a number, or a range such as 1:3, 1: or :3."
        ) from None
