"""From known critical points to those of neighbouring index, and on from there."""

from typing import Any

import jax
import numpy as np

from .._outcome import Outcome
from .._types import Key
from ..catalog import Collector
from ..critical import CriticalPoint, newton_batches, outcome_of, spectrum
from ..fields import AbstractField, AbstractGradientFlow
from ._eigenvectors import follow_eigenvectors
from ._ends import ROUGH, alike

FOUND_BY = "eigenvectors"

SOFTEST = 6
"""So many eigenvectors of a point, at most, are followed uphill and downhill each."""

LENGTHS = (0.1, 0.5)
"""How far the starts are from the point, relative to its size (or to 1)."""


def eigenvector_search(
    field: AbstractField, collector: Collector, key: Key, budget: int
) -> dict[str, Any]:
    """Look around every point of the collection, and around what that finds, until nothing is new.

    Args:
        field: a gradient flow.
        collector: the points known; what is found is added.
        key: random key.
        budget: largest number of starts.

    Returns:
        How many starts there were, how they ended, and around how many points.
    """
    if not isinstance(field, AbstractGradientFlow):
        return {"starts": 0, "outcomes": {}, "around": 0, "skipped": "not a gradient flow"}
    outcomes: list[Outcome] = []
    around = 0
    while around < len(collector.points) and len(outcomes) < budget:
        point = collector.points[around]
        rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)).ravel(), around])
        starts, index = _starts(field, point, rng)
        left = budget - len(outcomes)
        outcomes += _add_ends(field, starts[:left], index[:left], collector)
        around += 1
    return {
        "starts": len(outcomes),
        "outcomes": Outcome.count(np.array(outcomes, np.int8)),
        "around": around,
    }


def _starts(
    field: AbstractField, point: CriticalPoint, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Starts around a point, and the index that is wanted from each."""
    around = spectrum(field, point.location)
    flat = around.index + around.nullity
    down = _signed(around.unstable[:SOFTEST], rng)
    up = _signed(np.real(around.eigenvectors[flat : flat + SOFTEST]), rng)
    directions = [*down, *up]
    wanted = [point.index - 1] * len(down) + [point.index + 1] * len(up)
    size = max(1.0, float(np.linalg.norm(point.location)))
    states = [point.location + size * length * v for length in LENGTHS for v in directions]
    shape = (-1, *field.shape)
    return np.array(states).reshape(shape), np.array(wanted * len(LENGTHS), int)


def _signed(vectors: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Both signs of each vector, and of a random one in their span: they may be degenerate."""
    if len(vectors) == 0:
        return []
    mixed = np.tensordot(rng.normal(size=len(vectors)), vectors, 1)
    mixed /= np.linalg.norm(mixed)
    return [sign * v for v in (*vectors, mixed) for sign in (1.0, -1.0)]


def _add_ends(
    field: AbstractField, starts: np.ndarray, index: np.ndarray, collector: Collector
) -> list[Outcome]:
    if len(starts) == 0:
        return []
    ends, residuals, _ = follow_eigenvectors(field, starts, index)
    finite = np.isfinite(residuals) & np.isfinite(ends).reshape(len(ends), -1).all(-1)
    outcomes = [Outcome.exhausted if known else Outcome.nonfinite for known in finite]
    groups = alike(ends, np.flatnonzero(finite & (residuals < ROUGH)))
    if not groups:
        return outcomes
    polished = newton_batches(field, ends[[members[0] for members in groups]])
    for members, state in zip(groups, np.asarray(polished.state), strict=True):
        outcome = outcome_of(field, state)
        if outcome is Outcome.settled:
            collector.add(state, found_by=FOUND_BY, hits=len(members))
        for member in members:
            outcomes[member] = outcome
    return outcomes
