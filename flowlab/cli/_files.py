"""Where a command's results go: one directory, every file whole or not there."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._files import write_atomically
from ._errors import UserError, reason

if TYPE_CHECKING:
    import xarray as xr

Out = Annotated[Path, typer.Option(help="Directory of the files.")]

DPI = 200


def writable_directory(out: Path, option: str = "--out") -> Path:
    """Make a directory if need be, and find out now, not after minutes, whether it takes files."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{option} {out} cannot be made a directory: {reason(error)}.") from error
    try:
        with tempfile.TemporaryFile(dir=out):
            return out
    except OSError as error:
        raise UserError(f"{option} {out} does not take files: {reason(error)}.") from error


def require_file_place(option: str, path: Path) -> None:
    """Raise unless a file can be written there; its directory is made if need be."""
    if path.is_dir():
        raise UserError(f"{option} {path} is a directory; needed: a file.")
    writable_directory(path.parent, option)


def save_dataset(dataset: "xr.Dataset", path: Path) -> Path:
    """Write a dataset as NetCDF 4, and return the path."""
    content = io.BytesIO()
    dataset.to_netcdf(content, engine="h5netcdf")
    write_atomically(path, content.getvalue())
    return path


def save_picture(draw: Callable[[Any], Any], path: Path, size: tuple[float, float]) -> Path:
    """Call `draw` on the axes of a new figure of `size` inches, save it, and return the path."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=size, layout="constrained")
    try:
        draw(ax)
        content = io.BytesIO()
        # A square box beside a long legend leaves margins: cut to what is drawn.
        cut = {"bbox_inches": "tight", "pad_inches": 0.06}
        figure.savefig(content, format=path.suffix[1:], dpi=DPI, **cut)
    finally:
        plt.close(figure)
    write_atomically(path, content.getvalue())
    return path
