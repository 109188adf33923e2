"""Jobs whose chunks are kept on the disk: what they are known by, how arrays come back."""

import hashlib
import os
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._store import JobStore
from ..catalog import Catalog
from ..fields import AbstractField
from ._chunk import Piece
from ._merge import Merger

PROBES = 3
"""A job in a store knows its field by the values at so many states."""

LAZY = ("outcome", "state", "time", "steps")


def job_description(
    task: str,
    field: AbstractField,
    probes: np.ndarray,
    catalog: Catalog | None,
    made: dict[str, Any],
    **further: Any,
) -> dict[str, Any]:
    """Return all that decides the result of a job, in JSON's words.

    Args:
        task: what is done.
        field: the field.
        probes: (n, *shape), a few starts, at which the field is evaluated too: the description of
            a user's function is its name only.
        catalog: critical points known beforehand.
        made: the job's provenance, of which key and settings count.
        **further: what else decides.
    """
    values = [np.asarray(field(0.0, jnp.asarray(w), None)) for w in probes]
    return {
        "task": task,
        "field": field.spec(),
        "starts": [_rounded(state) for state in probes],
        "field_values": [_rounded(value) for value in values],
        "points": None if catalog is None else [[p.id, p.location.tolist()] for p in catalog],
        "key": made["key"],
        "settings": made["settings"],
        **further,
    }


def fingerprint(states: Any) -> str | None:
    """Return a checksum of starts that were given, `None` if they were not."""
    if states is None:
        return None
    return hashlib.sha256(np.ascontiguousarray(states, float).tobytes()).hexdigest()


def _rounded(state: np.ndarray) -> list[str]:
    # Rounded, so that other machines agree.
    return [f"{entry:.8e}" for entry in np.ravel(state)]


def run_stored(
    directory: str | os.PathLike[str],
    job: dict[str, Any],
    chunks: int,
    resume: bool,
    compute: Callable[[int], Piece],
    skip: Callable[[int], None],
    merger: Merger,
) -> dict[str, Any]:
    """Run a job chunk by chunk, unless a chunk is in the store.

    Args:
        directory: the store's.
        job: the job's description.
        chunks: number of chunks.
        resume: whether finished chunks may be used.
        compute: follows the chunk of a number.
        skip: called with the number of trajectories of a chunk that was finished before.
        merger: what numbers points and images.

    Returns:
        The arrays of an ensemble; all but `point` and `image` are read when they are indexed.
    """
    points, images = [], []
    with JobStore.open(directory, job, chunks=chunks, resume=resume) as store:
        for number in range(chunks):
            chunk = store.read(number)
            if chunk is None:
                piece = compute(number)
                store.write(number, {**piece.arrays, "ends": piece.ends})
            else:
                arrays = dict(chunk[0])
                piece = Piece(arrays, arrays.pop("ends"))
                skip(len(arrays["outcome"]))
            point, image = merger.add(piece)
            points.append(point.astype(np.int32))
            images.append(image.astype(np.int32))
        lazy = {name: store.array(name) for name in LAZY}
    return {**lazy, "point": np.concatenate(points), "image": np.concatenate(images)}
