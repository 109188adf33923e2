"""A basin map on the screen: what share of the cells goes where, and how sure that is."""

import json
from typing import TYPE_CHECKING

from ._console import plain_table, printable

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from rich.console import Console

LONGEST = 30
"""Of more rows only the largest are shown."""

COLUMNS = {
    "point": "left",
    "kind": "left",
    "image": "left",
    "outcome": "left",
    "cells": "right",
    "share": "right",
}


def print_map(console: "Console", basins: "xr.Dataset") -> None:
    """Print the cells by where they go, how many were followed, and what bounds the others."""
    console.print(_title(basins))
    table = plain_table(COLUMNS)
    # Names of images are long where many students change places.
    table.columns[2].no_wrap = False
    rows = _rows(basins)
    for row in rows[:LONGEST]:
        table.add_row(*map(printable, row))
    console.print(table)
    if len(rows) > LONGEST:
        console.print(f"... and {len(rows) - LONGEST} smaller ones.")
    console.print(how_sure(basins))


def _title(basins: "xr.Dataset") -> str:
    second, first = (str(name) for name in basins["label"].dims)
    settings = json.loads(basins.attrs["provenance"])["settings"]
    ranges = " × ".join("[{:g}, {:g}]".format(*settings[name]) for name in "xy")
    columns, rows = settings["resolution"]
    return f"Window ({first}, {second}) in {ranges}, {columns:,} × {rows:,} cells:"


def _rows(basins: "xr.Dataset") -> list[tuple[str, ...]]:
    """The rows of the table, the largest first."""
    import numpy as np

    points, images = (json.loads(basins.attrs[name]) for name in ("points", "images"))
    keys = np.stack([_flat(basins, name) for name in ("label", "image", "outcome")], -1)
    kinds, counts = np.unique(keys, axis=0, return_counts=True)
    rows = []
    for number in np.argsort(-counts, kind="stable"):
        label, image, outcome = kinds[number].tolist()
        point = points[label] if label >= 0 else {"id": "-", "kind": "no critical point"}
        name = images[image] if image >= 0 else ""
        cells = int(counts[number])
        rows.append((point["id"], point["kind"], name, _outcome(outcome), f"{cells:,}",
                     f"{100 * cells / keys.shape[0]:.2f}%"))  # fmt: skip
    return rows


def _flat(basins: "xr.Dataset", name: str) -> "np.ndarray":
    return basins[name].values.reshape(-1).astype(int)


def _outcome(number: int) -> str:
    from .._outcome import Outcome

    return Outcome(number).name


def how_sure(basins: "xr.Dataset") -> str:
    """Say in plain words how many cells were followed, and how wrong the others can be."""
    followed, inferred = basins.attrs["cells_integrated"], basins.attrs["cells_inferred"]
    if not inferred:
        return f"All {followed:,} cells were followed."
    said = f"{followed:,} cells were followed, {inferred:,} inferred from those around them."
    audits = json.loads(basins.attrs["audits"])
    if not audits:
        return f"{said} No audit was made: nothing bounds how many of these are wrong."
    last, earlier = audits[-1], audits[:-1]
    if earlier:
        wrong = sum(audit["mismatched"] for audit in earlier)
        said += (
            f" {len(earlier)} audit{'s' * (len(earlier) > 1)} found {wrong:,} cells that ended "
            "otherwise than inferred; the map was refined around them."
        )
    confidence = json.loads(basins.attrs["provenance"])["settings"]["confidence"]
    bound, most = basins.attrs["mislabelled_bound"], basins.attrs["mislabelled_cells_bound"]
    again = "Another audit" if earlier else "An audit"
    return (
        f"{said} {again} followed {last['audited']:,} of the inferred cells, drawn at random, and "
        f"all ended as inferred: with {100 * confidence:g}% confidence at most {most:,} of them "
        f"({100 * bound:.2g}%) have a wrong label."
    )
