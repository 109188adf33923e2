"""`flowlab paper`: claims of Tian (2017), each checked by a computation done now."""

from typing import Annotated

import typer

from ._console import open_console, plain_table
from ._errors import FAILED
from ._field import Seed
from ._jax import prepare_jax
from ._paper_figures import Fast, Figure, FigureFile, draw_figure
from ._theorem6 import show_theorem6

Samples = Annotated[
    int | None,
    typer.Option(
        min=1_000,
        help="Monte Carlo samples for Theorem 1, or starts drawn for --theorem 6.",
        show_default="1000000, or 100000 starts",
    ),
]
Theorem = Annotated[
    int | None,
    typer.Option(min=6, max=6, help="Measure one theorem in full: 6.", show_default=False),
]

COLUMNS = {
    "claim": "left",
    "expected": "right",
    "found": "right",
    "tolerance": "right",
    "verdict": "left",
}


def check_paper(
    seed: Seed = 0,
    samples: Samples = None,
    theorem: Theorem = None,
    figure: Figure = None,
    out: FigureFile = None,
    fast: Fast = False,
) -> None:
    """Check claims of Tian (2017), each by a computation done now, or draw one of its figures."""
    if figure is not None or out is not None or fast:
        draw_figure(figure, out, seed, fast)
        return
    prepare_jax()
    import jax

    from ..paper import check_claims

    key, console = jax.random.key(seed), open_console()
    if theorem == 6:
        show_theorem6(console, key, samples or 100_000)
        return
    claims = check_claims(key=key, samples=samples or 1_000_000)
    table = plain_table(COLUMNS)
    for claim in claims:
        table.add_row(
            claim.name,
            f"{claim.expected:.10g}",
            f"{claim.found:.10g}",
            f"{claim.tolerance:g}" if claim.tolerance else "",
            "holds" if claim.holds else "FAILS",
        )
    console.print(table)
    failed = sum(not claim.holds for claim in claims)
    console.print(f"{len(claims) - failed} of {len(claims)} claims hold.")
    if failed:
        raise typer.Exit(FAILED)
