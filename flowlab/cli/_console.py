"""What the screen shows: a console, tables, progress bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._errors import Interrupted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


def open_console() -> "Console":
    """Return a console on stdout."""
    from rich.console import Console

    # Text of a file is shown as it is: none of it is markup.
    return Console(highlight=False, markup=False, emoji=False)


def printable(text: object) -> str:
    """Return text that a file holds with what a terminal would obey, not show, replaced."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)
    )


def plain_table(columns: dict[str, str], **options: Any) -> "Table":
    """Return an empty table with one rule under its head.

    Args:
        columns: what each column is called, and "left" or "right".
        **options: of `rich.table.Table`.

    Returns:
        The table; its columns are never wrapped.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, **options)
    for name, justify in columns.items():
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table


@contextmanager
def progress(console: "Console", on_interrupt: Callable[[], str]) -> Iterator["Progress"]:
    """Show bars while the block runs; `meter` adds one.

    Args:
        console: where.
        on_interrupt: says, after Ctrl-C, what is left and how to go on.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:32s}"), BarColumn(), TimeElapsedColumn()
    try:
        with Progress(*columns, console=console) as bars:
            yield bars
    except KeyboardInterrupt:
        raise Interrupted(on_interrupt()) from None


def meter(bars: "Progress", title: str) -> Any:
    """Return a diffrax progress meter that moves a bar of its own."""
    import diffrax as dfx

    task = bars.add_task(title, total=1.0, start=False)

    class Meter(dfx.AbstractProgressMeter):
        """A rich bar as a diffrax progress meter."""

        def init(self) -> None:
            bars.start_task(task)

        def step(self, state: None, progress: Any) -> None:
            bars.update(task, completed=float(progress))

        def close(self, state: None) -> None:
            # Work that was done at once may close it without a step.
            bars.start_task(task)
            bars.update(task, completed=1.0)
            bars.stop_task(task)

    return Meter()
