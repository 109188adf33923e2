"""How wrong a map can be whose inferred cells were sampled and found right."""

import dataclasses
import math

import jax
import numpy as np

from .._types import Key
from ._interval import upper_limit


@dataclasses.dataclass(frozen=True)
class Audit:
    """One audit of the inferred cells of a map.

    Attributes:
        inferred: number of cells that were inferred when it began.
        audited: how many of them, drawn at random, were followed.
        mismatched: how many of these did not end as inferred.
        doubt: the probability with which `bound` may be wrong.
    """

    inferred: int
    audited: int
    mismatched: int
    doubt: float

    @property
    def bound(self) -> float:
        """Upper confidence bound on the fraction of the inferred cells that are mislabelled."""
        if self.audited == self.inferred:
            return self.mismatched / self.inferred if self.inferred else 0.0
        # For draws without replacement the binomial limit errs on the safe side.
        return float(upper_limit(self.mismatched, self.audited, self.doubt))


def audit_size(bound: float, doubt: float) -> int:
    """Return how many cells without a mismatch prove the bound."""
    return math.ceil(math.log(doubt) / math.log1p(-bound))


def doubt_of(number: int, confidence: float) -> float:
    """Return the doubt that audit number 1, 2, ... is allowed.

    A map is audited until an audit passes, so each audit is one more chance for a bad map to pass
    by luck. The doubts of all of them add up to `1 - confidence`.
    """
    return (1 - confidence) / (number * (number + 1))


def draw_cells(key: Key, number: int, cells: np.ndarray, count: int) -> np.ndarray:
    """Return `count` different cells for audit `number`, uniformly drawn, in increasing order."""
    words = np.asarray(jax.random.key_data(jax.random.fold_in(key, number)))
    generator = np.random.default_rng(words)
    return np.sort(cells[generator.choice(len(cells), count, replace=False, shuffle=False)])
