"""One chunk of a job on the disk: a Zarr group that is wholly there or not at all."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._files import flush_directory, flush_tree

METADATA = "zarr.json"
UNFINISHED = ".writing-"
"""Chunks that are being written have names that begin so."""

ABANDONED = 3_600.0
"""Seconds after which nobody is writing any more."""

_CHUNK_FORMAT = "flowlab job chunk"
_KINDS = "biufc"


class DamagedChunk(ValueError):
    """A chunk is not what was written."""


def require_zarr() -> Any:
    """Return the module zarr, or raise with the way to install it."""
    try:
        import zarr
    except ModuleNotFoundError as error:
        if error.name != "zarr":
            raise
        raise ModuleNotFoundError(
            "a store needs zarr: pip install 'flowlab[zarr]'", name="zarr"
        ) from error
    return zarr


def canonical(value: Any, what: str) -> str:
    """Return JSON text that is the same for equal values.

    Raises:
        ValueError: if JSON has no words for it.
    """
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{what} is not JSON-compatible ({error}); needed: finite numbers, text, true, false, "
            "None, and lists and dictionaries of these."
        ) from error


def digest(text: str) -> str:
    """Return the checksum of a text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def write_chunk(path: Path, arrays: Mapping[str, Any], info: Any, *, job: str, number: int) -> None:
    """Write a chunk under another name, flush it to the disk, and rename it.

    If it is there already, finished by another process, that one stays.

    Args:
        path: its directory.
        arrays: numbers by name.
        info: what else belongs to it, JSON-compatible.
        job: the fingerprint of the job.
        number: the number of the chunk.

    Raises:
        ValueError: on arrays that are no numbers, or an `info` that is not JSON-compatible.
        OSError: if the disk does not take it.
    """
    values = checked(arrays)
    manifest = {
        "format": _CHUNK_FORMAT,
        "job": job,
        "number": number,
        "arrays": {name: _described(array) for name, array in values.items()},
        "info": json.loads(canonical(info, "info")),
    }
    manifest["seal"] = digest(canonical(manifest, "info"))
    temporary = path.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    try:
        _write_group(temporary, values, manifest)
        flush_tree(temporary)
        _move(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    flush_directory(path.parent)
    shutil.rmtree(_aside(path), ignore_errors=True)


def put_aside(path: Path) -> None:
    """Rename a damaged chunk, for every process to see that it is missing."""
    with contextlib.suppress(OSError):
        shutil.rmtree(_aside(path), ignore_errors=True)
        os.rename(path, _aside(path))


def _aside(path: Path) -> Path:
    return path.with_name(f".damaged-{path.name}")


def checked(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays as they are written: numbers, contiguous, in the machine's byte order."""
    return {name: _checked(name, values) for name, values in arrays.items()}


def read_manifest(path: Path, *, job: str, number: int) -> dict[str, Any]:
    """Return what a chunk says about itself.

    Raises:
        DamagedChunk: if it is not what was written, or was written for another job.
    """
    try:
        manifest = json.loads((path / METADATA).read_bytes())["attributes"]["flowlab"]
        seal = manifest.pop("seal")
        intact = seal == digest(canonical(manifest, "manifest"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedChunk(f"{path} is damaged: it cannot be read ({error})") from error
    if not intact:
        raise DamagedChunk(f"{path} is damaged: its description does not match its checksum")
    if (manifest["job"], manifest["number"]) != (job, number):
        raise DamagedChunk(f"{path} is damaged: it belongs to another job")
    return manifest


def read_array(path: Path, name: str, described: Mapping[str, Any]) -> np.ndarray:
    """Return one array of a chunk.

    Raises:
        DamagedChunk: if it is not what was written.
    """
    zarr = require_zarr()
    # Whatever a damaged file makes zarr and its codecs raise, the array is not there.
    try:
        array = zarr.open_array(path / name, mode="r")
        alike = list(array.shape) == described["shape"] and str(array.dtype) == described["dtype"]
        values = np.asarray(array[...]) if alike else None
    except Exception as error:
        raise DamagedChunk(f"{path} is damaged: {name} cannot be read ({error})") from error
    if values is None or _described(values) != described:
        raise DamagedChunk(f"{path} is damaged: {name} does not match its checksum")
    return values


def sweep(directory: Path) -> None:
    """Remove what killed processes left half-written; nobody takes an hour to write a chunk."""
    for path in directory.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path, ignore_errors=True)


def _checked(name: str, values: Any) -> np.ndarray:
    if not name.isidentifier():
        raise ValueError(f"an array is called {name!r}; needed: a name such as 'state'.")
    array = np.asarray(values)
    if array.dtype.kind not in _KINDS or array.ndim == 0:
        raise ValueError(
            f"{name} is {array.ndim}-dimensional of type {array.dtype}; needed: an array of "
            "numbers with at least one axis. What is not an array goes into `info`."
        )
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def _described(array: np.ndarray) -> dict[str, Any]:
    checksum = "sha256:" + hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "checksum": checksum}


def _write_group(path: Path, arrays: dict[str, np.ndarray], manifest: dict[str, Any]) -> None:
    zarr = require_zarr()
    from zarr.codecs import Crc32cCodec, ZstdCodec

    group = zarr.create_group(store=path, attributes={"flowlab": manifest})
    for name, array in arrays.items():
        group.create_array(
            name,
            data=array,
            chunks=tuple(max(size, 1) for size in array.shape),
            # crc32c: readers other than flowlab notice damage too.
            compressors=(ZstdCodec(level=1), Crc32cCodec()),
            dimension_names=("element", *(f"{name}_{i}" for i in range(1, array.ndim))),
            config={"write_empty_chunks": True},
        )


def _move(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError:
        # Another process finished the same chunk first; its content is the same.
        if not target.is_dir():
            raise
