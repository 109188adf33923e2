"""`flowlab paper`: claims of Tian (2017), each checked by a computation done now."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import open_console, plain_table
from ._errors import FAILED, Interrupted, UserError
from ._field import Seed
from ._files import require_file_place
from ._jax import prepare_jax
from ._theorem6 import show_theorem6

if TYPE_CHECKING:
    from rich.console import Console

    from ..paper import Claim

Samples = Annotated[
    int | None,
    typer.Option(
        min=1_000,
        help="Monte Carlo samples of a row, or starts drawn for --theorem 6.",
        show_default="1000000, or 20000000 with --full, or 100000 starts",
    ),
]
Theorem = Annotated[
    int | None,
    typer.Option(min=6, max=6, help="Measure one theorem in full: 6.", show_default=False),
]
Full = Annotated[
    bool | None,
    typer.Option(
        "--full/--fast",
        help="More samples, students and dimensions, minutes instead of seconds, or not.",
        show_default="--fast",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        help='Only this, as --list has it, or all that begin so: "Theorem 7"; may be repeated.',
        show_default=False,
    ),
]
Listed = Annotated[bool, typer.Option("--list", help="List what can be checked, and stop.")]
Json = Annotated[
    Path | None, typer.Option("--json", help="Write the table as JSON.", show_default=False)
]
Markdown = Annotated[
    Path | None, typer.Option(help="Write the table as Markdown.", show_default=False)
]
Log = Annotated[
    Path | None,
    typer.Option(
        help="Keep the log of the proof of Conjecture 1, which the checker has read.",
        show_default=False,
    ),
]

COLUMNS = {
    "claim": "left",
    "claimed": "right",
    "expected": "right",
    "found": "right",
    "tolerance": "right",
    "verdict": "left",
    "s": "right",
}

WIDE = 105
"""Columns of a screen on which ten digits, tolerances and times have room too."""


def check_paper(
    seed: Seed = 0,
    samples: Samples = None,
    theorem: Theorem = None,
    full: Full = None,
    only: Only = None,
    listed: Listed = False,
    json: Json = None,
    markdown: Markdown = None,
    log: Log = None,
) -> None:
    """Check the claims of Tian (2017), each by a computation done now."""
    prepare_jax()
    console = open_console()
    if listed:
        _show_names(console)
        return
    for option, path in (("--json", json), ("--markdown", markdown), ("--log", log)):
        if path is not None:
            require_file_place(option, path)
    import jax

    if theorem == 6:
        show_theorem6(console, jax.random.key(seed), samples or 100_000)
        return
    claims = _checked(console, seed, samples, bool(full), only, log)
    _show(console, claims)
    _write(console, claims, {"seed": seed, "samples": samples, "full": bool(full)}, json, markdown)
    if not all(claim.holds or claim.verdict == "not checked" for claim in claims):
        raise typer.Exit(FAILED)


def _show_names(console: "Console") -> None:
    from ..paper import claim_names

    table = plain_table({"claim": "left", "about": "left"})
    for row in claim_names():
        table.add_row(*row)
    console.print(table)


def _checked(
    console: "Console",
    seed: int,
    samples: int | None,
    full: bool,
    only: Sequence[str] | None,
    log: Path | None,
) -> "tuple[Claim, ...]":
    import jax
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ..paper import check_claims

    columns = TextColumn("{task.description:24s}"), BarColumn(), MofNCompleteColumn()
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
            task = bars.add_task("")

            def move(name: str, number: int, total: int) -> None:
                bars.update(task, description=name, completed=number, total=total)

            return check_claims(
                key=jax.random.key(seed),
                full=full,
                only=only or None,
                samples=samples,
                log=log,
                progress=move,
            )
    except ValueError as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        raise Interrupted("Nothing was written. --only picks some of the claims.") from None


def _show(console: "Console", claims: "tuple[Claim, ...]") -> None:
    from ..paper import printed_numbers, summary

    wide = console.width >= WIDE
    columns = COLUMNS if wide else {c: COLUMNS[c] for c in COLUMNS if c not in ("tolerance", "s")}
    table = plain_table(columns)
    for claim in claims:
        loud = claim.verdict.upper() if claim.verdict == "fails" else claim.verdict
        cells = {"claim": claim.name, "verdict": loud, "s": f"{claim.seconds:.1f}"}
        cells |= printed_numbers(claim, 10 if wide else 6)
        table.add_row(*(cells[column] for column in columns))
    console.print(table)
    console.print(summary(claims))
    for claim in claims:
        if not claim.holds:
            console.print(f"{claim.name}: {claim.statement}. {claim.method}", soft_wrap=True)


def _write(
    console: "Console",
    claims: "tuple[Claim, ...]",
    settings: dict[str, object],
    json: Path | None,
    markdown: Path | None,
) -> None:
    from .._files import write_atomically
    from ..paper import claims_to_json, claims_to_markdown

    writers: tuple[tuple[Path | None, Callable[[], str]], ...] = (
        (json, lambda: claims_to_json(claims, **settings)),
        (markdown, lambda: claims_to_markdown(claims)),
    )
    for path, text in writers:
        if path is not None:
            write_atomically(path, text())
            console.print(f"Wrote {path}.", soft_wrap=True)
