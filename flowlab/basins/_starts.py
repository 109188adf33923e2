"""The sequence of starts of a sampling, a batch at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import as_states
from .._types import Key, Sampler
from ..fields import AbstractField, AbstractSampler, draw

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
