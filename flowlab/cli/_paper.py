"""`flowlab paper`: claims of Tian (2017), each checked by a computation done now."""

from typing import Annotated

import typer

from ._console import open_console, plain_table
from ._errors import FAILED
from ._field import Seed
from ._jax import prepare_jax

Samples = Annotated[int, typer.Option(min=1_000, help="Monte Carlo samples for Theorem 1.")]

COLUMNS = {
    "claim": "left",
    "expected": "right",
    "found": "right",
    "tolerance": "right",
    "verdict": "left",
}


def check_paper(seed: Seed = 0, samples: Samples = 1_000_000) -> None:
    """Check claims of Tian (2017), each by a computation done now."""
    prepare_jax()
    import jax

    from ..paper import check_claims

    claims = check_claims(key=jax.random.key(seed), samples=samples)
    table = plain_table(COLUMNS)
    for claim in claims:
        table.add_row(
            claim.name,
            f"{claim.expected:.10g}",
            f"{claim.found:.10g}",
            f"{claim.tolerance:g}" if claim.tolerance else "",
            "holds" if claim.holds else "FAILS",
        )
    console = open_console()
    console.print(table)
    failed = sum(not claim.holds for claim in claims)
    console.print(f"{len(claims) - failed} of {len(claims)} claims hold.")
    if failed:
        raise typer.Exit(FAILED)
