"""Basin maps as files: written whole or not at all, checked when they are read."""

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import replacing
from .._outcome import Outcome
from .._store import require_zarr
from ._cells import IN_MEMORY

if TYPE_CHECKING:
    import xarray as xr

TILE = 1_024
"""Cells along each side of a chunk of a Zarr file."""

STRIP = 4_000_000
"""About so many cells are in memory while a Zarr file is written."""

CHECKSUMS = "checksums"
"""Attribute of a map in a file."""

VARIABLES = ("label", "image", "outcome", "settling_time", "integrated")


def save_map(dataset: "xr.Dataset", path: str | os.PathLike[str]) -> None:
    """Write a basin map to a NetCDF file or a Zarr directory.

    It is written under another name first: whoever reads meets the old map, or the new one, whole.
    Both formats are compressed and carry checksums, and open in any program that knows them.

    Args:
        dataset: what `basin_map` returns.
        path: where to; its ending, `.nc` or `.zarr`, chooses the format. A map that is there is
            replaced.

    Raises:
        ValueError: if it is no basin map, on another ending, or if something else is there.
        ModuleNotFoundError: for `.zarr`, if zarr is not installed (extra `zarr`).
        OSError: if it cannot be written; what was there is untouched.

    Example:
        >>> import pathlib, tempfile
        >>> import flowlab as fl
        >>> basins = fl.basin_map(fl.theorem7_plane(2), x=(0, 1), y=(0, 1), resolution=8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fl.save_map(basins, pathlib.Path(folder, "basins.nc"))
        ...     again = fl.load_map(pathlib.Path(folder, "basins.nc"))
        >>> bool((again.label == basins.label).all())
        True
    """
    path = Path(path)
    write = require_place(path)
    _require_map(dataset, "the dataset")
    with replacing(path) as temporary:
        write(dataset.assign_attrs({CHECKSUMS: json.dumps(_checksums(dataset))}), temporary)


def load_map(path: str | os.PathLike[str]) -> "xr.Dataset":
    """Read a basin map that `save_map` wrote. The file is data: nothing in it is executed.

    Args:
        path: a `.nc` file or a `.zarr` directory.

    Returns:
        The dataset, in memory unless it has more than 20 million cells; then its values are read
        when they are asked for.

    Raises:
        ValueError: if it is damaged or no basin map; it is never changed.
        FileNotFoundError: if it is not there.
        ModuleNotFoundError: for `.zarr`, if zarr is not installed (extra `zarr`).

    Example:
        >>> import flowlab as fl
        >>> fl.load_map("basins.txt")
        Traceback (most recent call last):
        ...
        ValueError: basins.txt has the ending '.txt'; needed: .nc (NetCDF) or .zarr.
    """
    path = Path(path)
    read = _by_ending(path, _read_netcdf, _read_zarr)
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there.")
    # Whatever a damaged file makes the libraries raise, there is no map to be had from it.
    try:
        with contextlib.ExitStack() as stack:
            dataset = stack.enter_context(read(path))
            small = math.prod(dataset.sizes.values()) <= IN_MEMORY
            dataset = _checked(dataset.load() if small else dataset, small)
            if not small:
                stack.pop_all()
            return dataset
    except Exception as error:
        raise ValueError(
            f"{path} is damaged or no basin map: {str(error).rstrip('.')}. The file was not "
            "changed."
        ) from error


def require_place(path: Path) -> Callable[..., None]:
    """Return what writes a map to a path.

    Args:
        path: where `save_map` is asked to write.

    Raises:
        ValueError: on another ending, or if something else is there.
        ModuleNotFoundError: for `.zarr`, if zarr is not installed (extra `zarr`).
    """
    write = _by_ending(path, _write_netcdf, _write_zarr)
    if path.is_dir() and any(path.iterdir()) and not _holds_map(path):
        raise ValueError(f"{path} is a directory that holds something else; it was not touched.")
    return write


def _by_ending(path: Path, netcdf: Callable[..., Any], zarr: Callable[..., Any]) -> Any:
    if path.suffix == ".nc":
        return netcdf
    if path.suffix == ".zarr":
        require_zarr()
        return zarr
    raise ValueError(f"{path} has the ending {path.suffix!r}; needed: .nc (NetCDF) or .zarr.")


def _write_netcdf(dataset: "xr.Dataset", path: Path) -> None:
    packed = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
    encoding = {str(name): packed for name in dataset.variables}
    dataset.drop_encoding().to_netcdf(path, engine="h5netcdf", encoding=encoding)


def _read_netcdf(path: Path) -> "xr.Dataset":
    import xarray as xr

    return xr.open_dataset(path, engine="h5netcdf")


def _write_zarr(dataset: "xr.Dataset", path: Path) -> None:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    dataset = dataset.drop_encoding()
    rows, columns = dataset["label"].shape
    chunks = min(TILE, rows), min(TILE, columns)
    codecs = ZstdCodec(level=3), Crc32cCodec()
    encoding = {
        str(name): {"compressors": codecs, **({"chunks": chunks} if array.ndim == 2 else {})}
        for name, array in dataset.variables.items()
    }
    axis = str(dataset["label"].dims[0])
    height = max(STRIP // (columns * TILE), 1) * TILE
    for first in range(0, rows, height):
        strip = dataset.isel({axis: slice(first, first + height)}).load()
        how: dict[str, Any] = {"append_dim": axis} if first else {"mode": "w", "encoding": encoding}
        strip.to_zarr(path, consolidated=False, zarr_format=3, write_empty_chunks=True, **how)


def _read_zarr(path: Path) -> "xr.Dataset":
    import xarray as xr

    zarr = require_zarr()
    for name, array in zarr.open_group(path, mode="r").arrays():
        # Zarr takes a chunk that is not there for one full of zeros.
        if array.nchunks_initialized < array.nchunks:
            raise ValueError(f"chunks of {name} are missing.")
    return xr.open_zarr(path, chunks=None, consolidated=False)


def _holds_map(path: Path) -> bool:
    try:
        return "mislabelled_bound" in json.loads((path / "zarr.json").read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _checked(dataset: "xr.Dataset", whole: bool) -> "xr.Dataset":
    """Return the dataset without its checksums, once they and everything else are found right.

    Args:
        dataset: what was read.
        whole: whether the values are checked too.
    """
    _require_map(dataset, "it")
    try:
        sums = json.loads(dataset.attrs[CHECKSUMS])
    except KeyError:
        raise ValueError("it has no checksums: `save_map` did not write it") from None
    dataset = dataset.drop_attrs(deep=False).assign_attrs(
        {name: value for name, value in dataset.attrs.items() if name != CHECKSUMS}
    )
    found = _checksums(dataset) if whole else {"": _seal(dataset, sums)}
    for name, value in found.items():
        if sums.get(name) != value:
            raise ValueError(f"{name or 'its description'} does not match its checksum")
    if whole:
        _require_values(dataset)
    return dataset


def _checksums(dataset: "xr.Dataset") -> dict[str, str]:
    """Return the checksum of each variable and, as that of the empty name, of the description."""
    sums = {}
    for name, variable in dataset.variables.items():
        height = max(STRIP // max(variable[:1].size, 1), 1)
        checksum = hashlib.sha256()
        for first in range(0, len(variable), height):
            strip = np.ascontiguousarray(variable[first : first + height].values)
            # NaNs have many bit patterns, and no reader promises to keep them.
            strip = np.where(np.isnan(strip), np.nan, strip) if strip.dtype.kind == "f" else strip
            checksum.update(strip.tobytes())
        sums[str(name)] = checksum.hexdigest()
    return {**sums, "": _seal(dataset, sums)}


def _seal(dataset: "xr.Dataset", sums: Mapping[str, str]) -> str:
    def plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
        # Readers return an array of one number as a number.
        return {str(name): np.atleast_1d(value).tolist() for name, value in attributes.items()}

    described = {
        str(name): [sums.get(str(name)), str(v.dtype), v.dims, v.shape, plain(v.attrs)]
        for name, v in dataset.variables.items()
    }
    text = json.dumps([plain(dataset.attrs), described], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _require_map(dataset: "xr.Dataset", name: str) -> None:
    missing = [variable for variable in VARIABLES if variable not in dataset]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}; needed: the result of `basin_map`.")
    dims = dataset["label"].dims
    if len(dims) != 2 or any(dataset[variable].dims != dims for variable in VARIABLES):
        raise ValueError(f"{name} has variables that are not all on the same two dimensions.")
    for axis in dims:
        if axis not in dataset.coords or not np.all(np.diff(dataset[axis]) > 0):
            raise ValueError(f"{name} has coordinates {axis} that do not increase.")
    for attribute in ("points", "images", "provenance", "field"):
        json.loads(dataset.attrs[attribute])


def _require_values(dataset: "xr.Dataset") -> None:
    """Raise unless every number has a meaning."""
    for variable, count in {
        "label": len(json.loads(dataset.attrs["points"])),
        "image": len(json.loads(dataset.attrs["images"])),
        "outcome": len(Outcome),
    }.items():
        values = dataset[variable].values
        if values.dtype.kind != "i" or values.min() < -1 or values.max() >= count:
            raise ValueError(f"{variable} has values without a meaning.")
