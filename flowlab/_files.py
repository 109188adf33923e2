"""Writing files so that a reader never meets half of one."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside `path`; the file or directory written there takes its place.

    It is flushed to the disk first and takes its place in one step; of an old directory, which
    cannot be replaced in one step, nothing is removed before. If anything fails, what was there is
    untouched.

    Args:
        path: where to; a symbolic link is followed.

    Raises:
        FileNotFoundError: if the directory does not exist.
        OSError: if it cannot be written.
    """
    target = Path(path).resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no directory {target.parent}.")
    temporary, aside = (target.parent / f".flowlab-{secrets.token_hex(8)}.tmp" for _ in range(2))
    try:
        yield temporary
        flush_tree(temporary)
        if target.is_file():
            shutil.copymode(target, temporary)
        if target.is_dir():
            os.rename(target, aside)
        try:
            os.replace(temporary, target)
        except OSError:
            if aside.exists():
                os.rename(aside, target)
            raise
    finally:
        for leftover in (temporary, aside):
            _remove(leftover)
    flush_directory(target.parent)


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a whole file, or leave what was there untouched.

    Args:
        path: where to; a symbolic link is followed.
        content: bytes, or text, which is encoded as UTF-8 with its line ends as they are.

    Raises:
        FileNotFoundError: if the directory does not exist.
        ValueError: if `path` is there and is not a regular file.
        OSError: if the file cannot be written.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise ValueError(f"cannot write {path}: it is there and is not a regular file.")
    # Not the tempfile module: the file gets the permissions any new file would have.
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def flush_tree(path: Path) -> None:
    """Flush a file, or all files below a directory, to the disk."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with open(file, "rb") as stream:
                os.fsync(stream.fileno())


def flush_directory(directory: Path) -> None:
    """Make a rename inside a directory survive a power cut, where the system can."""
    # Some systems cannot open a directory.
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
