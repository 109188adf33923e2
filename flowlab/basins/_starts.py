"""The sequence of starts of a sampling, a batch at a time."""

import hashlib
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._checks import as_states
from .._types import Key, Sampler
from ..catalog import Catalog
from ..fields import AbstractField, AbstractSampler, draw

PROBES = 3
"""A job in a store knows its field and its sampler by so many starts."""

Take = Callable[[int, int], np.ndarray]
"""Returns `count` starts from number `first` on."""


def given_starts(field: AbstractField, starts: Any) -> Take:
    """Return the sequence of starts that somebody gave."""
    states = np.asarray(as_states(field.shape, starts))
    return lambda first, count: states[first : first + count]


def drawn_starts(
    field: AbstractField, law: AbstractSampler | Sampler, key: Key, block: int
) -> Take:
    """Return the sequence that a key defines: start i uses `fold_in(key, i)`.

    Args:
        field: the field.
        law: what they are drawn from.
        key: the key.
        block: so many are drawn at a time, always, so that drawing compiles once.
    """
    blocks: dict[int, np.ndarray] = {}

    def take(first: int, count: int) -> np.ndarray:
        needed = range(first // block, (first + count - 1) // block + 1)
        for number in [number for number in blocks if number not in needed]:
            del blocks[number]
        for number in needed:
            if number not in blocks:
                blocks[number] = np.asarray(draw(law, key, field.shape, number * block, block))
        offset = first - needed[0] * block
        return np.concatenate([blocks[n] for n in needed])[offset : offset + count]

    return take


def describe_job(
    task: str, field: AbstractField, take: Take, catalog: Catalog | None, made: dict[str, Any]
) -> dict[str, Any]:
    """Return all that decides what becomes of a sequence of starts, in JSON's words.

    The description of a user's function is its name, so a few starts and the field there stand for
    it; rounded, so that other machines agree.
    """
    states = take(0, PROBES)
    values = [np.asarray(field(0.0, jnp.asarray(w), None)) for w in states]
    return {
        "task": task,
        "field": field.spec(),
        "starts": [_rounded(state) for state in states],
        "field_values": [_rounded(value) for value in values],
        "points": None if catalog is None else [[p.id, p.location.tolist()] for p in catalog],
        "key": made["key"],
        "settings": made["settings"],
    }


def digest(states: Any) -> str:
    """Return a checksum of starts that were given."""
    return hashlib.sha256(np.ascontiguousarray(states, float).tobytes()).hexdigest()


def _rounded(state: np.ndarray) -> list[str]:
    return [f"{entry:.8e}" for entry in np.ravel(state)]
