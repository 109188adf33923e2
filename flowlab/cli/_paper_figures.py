"""`flowlab paper --figure N`: a figure of the paper, drawn from numbers computed now."""

import inspect
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from .._files import write_atomically
from ._console import open_console
from ._errors import UserError
from ._files import require_file_place
from ._jax import prepare_jax

ENDINGS = (".png", ".pdf", ".svg")
DPI = 300

QUICK: dict[int, dict[str, Any]] = {
    2: {"samples": 2_000},
    5: {"starts": 2_000, "followed": 50},
    7: {"pairs": 200, "largest": 10_000, "repeats": 10},
    8: {"students": (2, 5)},
    9: {
        "weights": ((1.0,) * 3, (3.0,) * 3, (1.0, 1.0, -1.0)),
        "noise": (0.1, 10.0, 1_000.0),
        "runs": 3,
        "starts": 24,
    },
    10: {"cells": 60},
}
"""Sizes with which `--fast` takes a moment; figures that do not appear need no more anyway."""

Figure = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Draw a figure of the paper instead: 2, 4, 5, 6, 7, 8, 9 or 10.",
        show_default=False,
    ),
]
FigureFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help=f"Where --figure goes: {', '.join(ENDINGS)}.",
        show_default="figureN.png",
    ),
]


def draw_figure(number: int | None, out: Path | None, seed: int, fast: bool) -> None:
    """Draw a figure of the paper, write it, and say where."""
    from ..paper import FIGURES

    if number is None:
        raise UserError("--out belongs to --figure N; say which figure.")
    if number not in FIGURES:
        known = ", ".join(map(str, FIGURES))
        raise UserError(
            f"--figure is {number}; needed: one of {known}. Figures 1 and 3 are diagrams without "
            "numbers."
        )
    path = Path(f"figure{number}.png") if out is None else out
    if path.suffix not in ENDINGS:
        raise UserError(
            f"--out {path} has the ending {path.suffix!r}; needed: {', '.join(ENDINGS)}."
        )
    require_file_place("--out", path)
    console = open_console()
    with console.status(f"Computing figure {number}"):
        write_atomically(path, _drawn(number, path.suffix[1:], seed, fast))
    console.print(f"Figure {number} of Tian (2017), as wide as a column:\n  {path}", soft_wrap=True)


def _drawn(number: int, kind: str, seed: int, fast: bool) -> bytes:
    prepare_jax()
    import jax
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from ..paper import figures

    settings = dict(QUICK.get(number, {})) if fast else {}
    # What has no key draws nothing at random.
    if "key" in inspect.signature(getattr(figures, f"figure{number}_data")).parameters:
        settings["key"] = jax.random.key(seed)
    figure = getattr(figures, f"figure{number}")(**settings)
    try:
        content = io.BytesIO()
        # TrueType, because journals refuse the fonts that matplotlib embeds otherwise.
        with matplotlib.rc_context({"pdf.fonttype": 42}):
            figure.savefig(content, format=kind, dpi=DPI)
    finally:
        plt.close(figure)
    return content.getvalue()
