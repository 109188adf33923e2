"""Options of commands that keep what is finished, and what an interrupted one says."""

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    Path | None,
    typer.Option(help="Directory that keeps what is finished.", show_default=False),
]
Resume = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Use what is finished in the store.")
]


def how_to_go_on(store: Path | None) -> str:
    """Say what an interruption leaves, and what to do.

    Args:
        store: `--store`.

    Returns:
        A sentence.
    """
    if store is None:
        return "Nothing is kept; with --store DIR, the same command could go on."
    from .._store import JobStore

    try:
        done = len(JobStore.load(store).done)
    except (ValueError, OSError):
        done = 0
    if not done:
        return "Nothing was finished yet."
    pieces = "1 finished piece is" if done == 1 else f"{done:,} finished pieces are"
    return f"{pieces} kept in {store}: the same command goes on from there."
