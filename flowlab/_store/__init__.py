"""Long jobs on the disk: finished chunks stay, a restart computes what is missing."""

from ._array import ChunkedArray as ChunkedArray
from ._chunk import require_zarr as require_zarr
from ._store import Chunk as Chunk
from ._store import JobStore as JobStore
