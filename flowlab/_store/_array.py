"""One array that lies on the disk in many chunks."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class ChunkedArray:
    """One array of all chunks of a store, joined along the first axis; it is read when indexed.

    Made by `JobStore.array`. It has what numpy, xarray and dask ask of an array on a disk: `shape`,
    `dtype`, `ndim`, and indexing.
    """

    def __init__(self, name: str, parts: list[dict[str, Any]], read: Callable[[int], np.ndarray]):
        self._name, self._parts, self._read = name, parts, read
        if len({(part["dtype"], *part["shape"][1:]) for part in parts}) > 1:
            raise ValueError(f"{name} differs in type or shape from chunk to chunk.")
        self._ends = np.cumsum([0, *(part["shape"][0] for part in parts)])
        self.dtype = np.dtype(parts[0]["dtype"])
        self.shape = (int(self._ends[-1]), *parts[0]["shape"][1:])
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def parts(self) -> Iterator[np.ndarray]:
        """Return the array chunk by chunk."""
        return (self._read(number) for number in range(len(self._parts)))

    def __getitem__(self, key: Any) -> np.ndarray:
        key = key if isinstance(key, tuple) else (key,)
        first, rest = (slice(None), key) if key[0] is Ellipsis else (key[0], key[1:])
        rows = np.arange(len(self))[first]
        wanted = np.atleast_1d(rows)
        result = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self._ends, wanted, side="right") - 1
        for number in np.unique(owner).tolist():
            here = owner == number
            result[here] = self._read(number)[wanted[here] - self._ends[number]]
        result = result if np.ndim(rows) else result[0]
        return result[(slice(None),) * np.ndim(rows) + rest] if rest else result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the array is on the disk: there is no memory to share.")
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def __repr__(self) -> str:
        return f"<ChunkedArray {self._name!r}: {self.shape} {self.dtype}>"
