"""How a run ends that cannot go on: with one message on stderr and an exit status."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

BAD_INPUT = 2
"""Exit status when the person at the keyboard can put it right; the parser's own, too."""

FAILED = 1
"""Exit status when the input was fine and the computation, or writing its result, was not."""


INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the message says what is left, and how to go on."""


class UserError(Exception):
    """Something that the person at the keyboard can put right."""


@contextmanager
def messages() -> Iterator[None]:
    """Turn errors that explain themselves into messages; anything else is a bug and is shown."""
    try:
        yield
    except UserError as error:
        _leave(BAD_INPUT, f"Error: {error}")
    except Interrupted as error:
        _leave(INTERRUPTED, f"Interrupted. {error}")
    except MemoryError as error:
        _leave(FAILED, f"Failed: not enough memory. {error}".rstrip())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _leave(FAILED, f"Failed: {where}{reason(error)}")
    except RuntimeError as error:
        _leave(FAILED, f"Failed: {error}")


def reason(error: OSError) -> str:
    """Return what the system said, without the number it has for that."""
    return error.strerror or str(error)


def _leave(status: int, message: str) -> None:
    typer.secho(message, err=True, fg=typer.colors.RED)
    sys.exit(status)
