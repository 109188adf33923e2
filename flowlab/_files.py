"""Writing files so that a reader never meets half of one."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a whole file, or leave what was there untouched.

    The content goes to a temporary file in the same directory, is flushed to the disk, and takes
    the place of the old file in one step.

    Args:
        path: where to; a symbolic link is followed.
        content: bytes, or text, which is encoded as UTF-8 with its line ends as they are.

    Raises:
        FileNotFoundError: if the directory does not exist.
        ValueError: if `path` is there and is not a regular file.
        OSError: if the file cannot be written.
    """
    target = Path(path).resolve()
    data = content.encode() if isinstance(content, str) else content
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no directory {target.parent}.")
    if target.exists() and not target.is_file():
        raise ValueError(f"cannot write {path}: it is there and is not a regular file.")
    temporary = target.parent / f".flowlab-{secrets.token_hex(8)}.tmp"
    try:
        # "x" and not the tempfile module: the file gets the permissions any new file would have.
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    flush_directory(target.parent)


def flush_directory(directory: Path) -> None:
    """Make a rename inside a directory survive a power cut, where the system can."""
    # Some systems cannot open a directory.
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
