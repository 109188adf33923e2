"""A long job on the disk: finished chunks stay, a restart computes what is missing."""

import contextlib
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._array import ChunkedArray
from ._chunk import (
    DamagedChunk,
    canonical,
    checked,
    digest,
    put_aside,
    read_array,
    read_manifest,
    require_zarr,
    sweep,
    write_chunk,
)
from ._job import create_job, held_job, require_same

_CHUNK_NAME = re.compile(r"chunk-(\d{6,})")

Chunk = tuple[dict[str, np.ndarray], Any]
"""Arrays by name, and what else belongs to a chunk."""


class JobStore:
    """The finished chunks of one job, in a directory.

    The directory is a Zarr group that holds one group for each finished chunk; any reader of Zarr
    opens it (`xarray.open_zarr(directory, group="chunk-000000")`). A chunk is written under another
    name, flushed, and renamed, so that it is wholly there or not at all, whenever the process is
    killed; different processes may write different chunks. What is read is compared with its
    checksums: a damaged chunk counts as missing, with a warning.

    As a context manager it tells whoever interrupts the job how to go on.

    Made by `JobStore.open` and `JobStore.load`.

    Attributes:
        directory: where it is.
        job: the description of the job.
        chunks: number of chunks, `None` if only the job itself knows when it has ended.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from flowlab._store import JobStore
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = JobStore.open(pathlib.Path(folder, "squares"), {"power": 2}, chunks=2)
        ...     for number in store.missing():
        ...         store.write(number, {"value": np.arange(3 * number, 3 * number + 3) ** 2})
        ...     store, store.array("value")[2:5]
        (<JobStore 'squares': 2 of 2 chunks>, array([ 4,  9, 16]))
    """

    def __init__(self, directory: Path, job: dict[str, Any], chunks: int | None):
        self.directory = directory
        self.job = job
        self.chunks = chunks
        self._fingerprint = digest(canonical({"job": job, "chunks": chunks}, "the job"))

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        job: Mapping[str, Any],
        *,
        chunks: int | None = None,
        resume: bool = True,
    ) -> "JobStore":
        """Create the store of a job, or open it again.

        Args:
            directory: a directory that is new or empty, or the store of this very job.
            job: all that decides the result, JSON-compatible.
            chunks: number of chunks; `None` if it is not known beforehand.
            resume: whether finished chunks may be used; otherwise there must be none.

        Returns:
            The store.

        Raises:
            ValueError: if the directory holds another job or anything else, which is left as it
                is, or on a job that is not JSON-compatible.
            ModuleNotFoundError: if zarr is not installed (extra `zarr`).
            OSError: if the directory cannot be made.
        """
        require_zarr()
        path = Path(directory)
        wanted = json.loads(canonical(dict(job), "the job"))
        held = held_job(path)
        if held is None:
            create_job(path, wanted, chunks)
            held = held_job(path)
            assert held is not None
        require_same(path, held, (wanted, chunks))
        sweep(path)
        store = cls(path, wanted, chunks)
        if not resume and store.done:
            raise ValueError(
                f"{path} holds this job already, with {store._progress()} finished. To go on from "
                "there say `resume=True` (`--resume`); to begin again, take another directory or "
                "delete this one."
            )
        return store

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "JobStore":
        """Open the store in a directory, whatever job it holds.

        Args:
            directory: where it is.

        Returns:
            The store.

        Raises:
            ValueError: if there is none.
            ModuleNotFoundError: if zarr is not installed (extra `zarr`).
        """
        require_zarr()
        held = held_job(Path(directory))
        if held is None:
            raise ValueError(f"{directory} is not there or empty; needed: the store of a job.")
        return cls(Path(directory), *held)

    @property
    def done(self) -> frozenset[int]:
        """Numbers of the chunks that are finished; a damaged one counts until it is read."""
        found = (_CHUNK_NAME.fullmatch(name) for name in os.listdir(self.directory))
        return frozenset(int(match[1]) for match in found if match)

    def missing(self, *, verify: bool = False) -> list[int]:
        """Return the numbers of the chunks that have to be computed.

        Args:
            verify: read all finished chunks, and count damaged ones as missing.
        """
        if self.chunks is None:
            raise ValueError("the number of chunks of this job is not known beforehand.")
        if verify:
            for number in sorted(self.done):
                self.read(number)
        return sorted(set(range(self.chunks)) - self.done)

    def write(self, number: int, arrays: Mapping[str, Any], info: Any = None) -> None:
        """Finish a chunk. One that is finished and intact stays as it is.

        Args:
            number: its number, from 0.
            arrays: arrays of numbers by name; the first axis runs over the elements of the chunk.
            info: what else belongs to it, JSON-compatible.

        Raises:
            ValueError: if something is given that does not fit.
            OSError: if the disk does not take it; the chunk is then missing.
        """
        write_chunk(self._path(number), arrays, info, job=self._fingerprint, number=number)

    def read(self, number: int) -> Chunk | None:
        """Return the arrays and the info of a chunk, `None` if it is missing or damaged.

        Args:
            number: its number, from 0.
        """
        if number not in self.done:
            return None
        path = self._path(number)
        try:
            manifest = self._manifest(number)
            parts = manifest["arrays"].items()
            arrays = {name: read_array(path, name, described) for name, described in parts}
            return arrays, manifest["info"]
        except DamagedChunk as error:
            put_aside(path)
            warnings.warn(
                f"{error}. It is missing from now on, and computed again when the job runs.",
                stacklevel=2,
            )
            return None

    def obtain(self, number: int, compute: Callable[[], Chunk]) -> Chunk:
        """Return a chunk, computed and written now unless it is finished.

        Args:
            number: its number, from 0.
            compute: returns its arrays and its info.
        """
        chunk = self.read(number)
        if chunk is None:
            arrays, info = compute()
            self.write(number, arrays, info)
            # What is given back is the same whether it was computed now or read.
            chunk = checked(arrays), json.loads(canonical(info, "info"))
        return chunk

    def array(self, name: str) -> "ChunkedArray":
        """Return one array of all chunks joined along the first axis, read when it is indexed.

        Args:
            name: its name.

        Raises:
            ValueError: if a chunk is missing or damaged, or has no such array.
        """
        numbers = range(len(self.done) if self.chunks is None else self.chunks)
        missing = sorted(set(numbers) - self.done)
        if missing or not len(numbers):
            raise ValueError(
                f"{self.directory} is not finished: {len(missing)} chunks are missing. Run the job "
                "again with this store."
            )
        parts = [self._part(number, name) for number in numbers]

        def values(number: int) -> np.ndarray:
            with self._refusing(number):
                return read_array(self._path(number), name, parts[number])

        return ChunkedArray(name, parts, values)

    def _part(self, number: int, name: str) -> dict[str, Any]:
        with self._refusing(number):
            described = self._manifest(number)["arrays"]
        if name not in described:
            raise ValueError(f"there is no array {name!r} in this store; there is {[*described]}.")
        return described[name]

    @contextlib.contextmanager
    def _refusing(self, number: int) -> Iterator[None]:
        """Turn damage into an error that says what to do."""
        try:
            yield
        except DamagedChunk as error:
            put_aside(self._path(number))
            raise ValueError(
                f"{error}. Run the job again with this store: it computes that chunk again."
            ) from error

    def _manifest(self, number: int) -> dict[str, Any]:
        return read_manifest(self._path(number), job=self._fingerprint, number=number)

    def _path(self, number: int) -> Path:
        if number < 0 or (self.chunks is not None and number >= self.chunks):
            raise ValueError(f"there is no chunk {number}: the job has {self.chunks}, from 0.")
        return self.directory / f"chunk-{number:06d}"

    def _progress(self) -> str:
        total = "" if self.chunks is None else f" of {self.chunks}"
        return f"{len(self.done)}{total} chunks"

    def __enter__(self) -> "JobStore":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            error.add_note(
                f"{self._progress()} are finished and kept in {self.directory}: the same call with "
                "this store and `resume=True` (`--resume`) goes on from there."
            )

    def __repr__(self) -> str:
        return f"<JobStore {self.directory.name!r}: {self._progress()}>"
