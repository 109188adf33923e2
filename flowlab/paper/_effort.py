"""How much work a table of claims may be, and where its random numbers come from."""

import dataclasses
import os
import zlib
from typing import TypeVar

import jax
import numpy as np

from .._types import Key

T = TypeVar("T")

SAMPLES = 1_000_000, 20_000_000
"""Monte Carlo samples of a quick and of a full table."""


@dataclasses.dataclass(frozen=True)
class Effort:
    """What every check is given.

    Attributes:
        key: random key.
        full: whether to take the time for more samples, students and dimensions.
        samples: Monte Carlo samples, if they are not to be the usual number.
        log: where the log of the proof of Conjecture 1 goes; a temporary file if not given.
    """

    key: Key
    full: bool = False
    samples: int | None = None
    log: str | os.PathLike[str] | None = None

    def of(self, quick: T, full: T) -> T:
        """Return the first, or the second in a full table."""
        return full if self.full else quick

    @property
    def draws(self) -> int:
        """Monte Carlo samples of one row."""
        return self.of(*SAMPLES) if self.samples is None else self.samples

    def key_of(self, name: str) -> Key:
        """Return the key of one row: the same whichever rows are asked for."""
        return jax.random.fold_in(self.key, zlib.crc32(name.encode()))

    def rng(self, name: str) -> np.random.Generator:
        """Return a generator of one row."""
        return generator(self.key_of(name))


def generator(key: Key) -> np.random.Generator:
    """Return a NumPy generator made from a JAX key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())


def random_rotation(rng: np.random.Generator, dim: int) -> np.ndarray:
    """Return a rotation or reflection, uniformly distributed."""
    q, r = np.linalg.qr(rng.standard_normal((dim, dim)))
    return q * np.sign(np.diag(r))
