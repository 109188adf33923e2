"""What a store is for: the description of its job, written once and compared at every restart."""

import json
import os
from pathlib import Path
from typing import Any

from .._files import write_atomically
from ._chunk import METADATA, UNFINISHED, canonical, digest

_STORE_FORMAT = "flowlab job"
_VERSION = 1
_SHOWN = 8
"""Differences between two jobs that a message names."""

Job = tuple[dict[str, Any], int | None]
"""A description and the number of chunks."""


def held_job(path: Path) -> Job | None:
    """Return the job of a store and its number of chunks; `None` if the directory is free.

    Raises:
        ValueError: if the directory holds anything else; nothing is touched.
    """
    if not path.exists():
        return None
    if not path.is_dir():
        raise ValueError(f"{path} is a file; needed: a directory for the store.")
    try:
        content = (path / METADATA).read_bytes()
    except FileNotFoundError:
        if all(_temporary(name) for name in os.listdir(path)):
            return None
        raise ValueError(
            f"{path} holds files that are no store of a job; they were not touched. Give a "
            "directory that is new or empty."
        ) from None
    try:
        held = json.loads(content)["attributes"]["flowlab"]
        ours = held["format"] == _STORE_FORMAT
        version, job, chunks, seal = (held[name] for name in ("version", "job", "chunks", "seal"))
    except (ValueError, KeyError, TypeError, RecursionError):
        ours = False
    if not ours:
        raise ValueError(
            f"{path / METADATA} is damaged or not flowlab's; nothing was touched. Give a directory "
            "that is new or empty."
        )
    if version != _VERSION:
        raise ValueError(f"{path} was written by another flowlab (store format {version!r}).")
    if seal != digest(canonical({"job": job, "chunks": chunks}, "the job")):
        raise ValueError(
            f"{path / METADATA} is damaged: the job does not match its checksum. Nothing was "
            "touched. Delete the directory and run the job again."
        )
    return job, chunks


def _temporary(name: str) -> bool:
    return name.startswith((UNFINISHED, ".flowlab-"))


def create_job(path: Path, job: dict[str, Any], chunks: int | None) -> None:
    if chunks is not None and chunks < 1:
        raise ValueError(f"chunks is {chunks!r}; needed: a positive whole number.")
    path.mkdir(parents=True, exist_ok=True)
    described = {"job": job, "chunks": chunks}
    seal = digest(canonical(described, "the job"))
    own = {"format": _STORE_FORMAT, "version": _VERSION, **described, "seal": seal}
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"flowlab": own}}
    write_atomically(path / METADATA, json.dumps(group, indent=1, ensure_ascii=False) + "\n")


def require_same(path: Path, held: Job, wanted: Job) -> None:
    found = [
        *_differences(held[0], wanted[0]),
        *_differences({"chunks": held[1]}, {"chunks": wanted[1]}),
    ]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ValueError(
            f"{path} holds another job: {'; '.join(found[:_SHOWN])}{more}. Nothing was touched. "
            "Take another directory, or ask for the job that this one holds."
        )


def _differences(old: Any, new: Any, name: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in {**old, **new}:
            where = f"{name}.{key}" if name else key
            if key not in new or key not in old:
                there, now = ("absent" if key not in d else _short(d[key]) for d in (old, new))
                found.append(f"{where} is {there} there and {now} now")
            else:
                found += _differences(old[key], new[key], where)
        return found
    same = canonical(old, name) == canonical(new, name)
    return [] if same else [f"{name} is {_short(old)} there and {_short(new)} now"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:40]} ... {text[-15:]}"
