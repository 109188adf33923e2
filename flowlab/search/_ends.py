"""What searches have in common: which ends are worth a look, and which are one point."""

import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..critical import newton_search, outcomes_of
from ..fields import AbstractField

SAME = 1e-6
"""Ends closer than this are one point."""

ROUGH = 1e-6
"""Ends with a larger residual are no critical points, whatever the exact tolerance is."""


def alike(states: np.ndarray, chosen: np.ndarray) -> list[np.ndarray]:
    """Group those of the `chosen` ends that agree to rounding: each point is looked at once.

    Args:
        states: all ends, (n, *shape).
        chosen: numbers of those to group, ascending.

    Returns:
        Numbers of the members of each group, ascending.
    """
    if len(chosen) == 0:
        return []
    rounded = np.round(states[chosen].reshape(len(chosen), -1) / SAME)
    _, inverse = np.unique(rounded, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return [chosen[inverse == number] for number in range(inverse.max() + 1)]


def add_zeros(
    field: AbstractField,
    collector: Collector,
    starts: np.ndarray,
    found_by: str,
    *,
    hits: bool = True,
) -> np.ndarray:
    """Run Newton from many starts, add the zeros of the field that it ends at.

    Args:
        field: the field.
        collector: the points known; what is found is added.
        starts: (n, *shape).
        found_by: name of the method.
        hits: whether the starts count as hits of what they lead to.

    Returns:
        The outcome of each, (n,).
    """
    result = newton_search(field, starts)
    return add_ends(
        field, collector, np.asarray(result.state), np.asarray(result.residual), found_by, hits
    )


def add_ends(
    field: AbstractField,
    collector: Collector,
    ends: np.ndarray,
    residuals: np.ndarray,
    found_by: str,
    hits: bool = True,
) -> np.ndarray:
    """Add those ends of iterations that are zeros of the field, and return all outcomes, (n,)."""
    outcomes = np.full(len(ends), Outcome.exhausted, np.int8)
    finite = np.isfinite(residuals) & np.isfinite(ends).reshape(len(ends), -1).all(-1)
    outcomes[~finite] = Outcome.nonfinite
    # Only small residuals are worth the Jacobian that the exact tolerance needs.
    near = np.flatnonzero(finite & (residuals < ROUGH))
    outcomes[near] = outcomes_of(field, ends[near])
    groups = alike(ends, np.flatnonzero(outcomes == Outcome.settled))
    counts = [len(members) if hits else 0 for members in groups]
    collector.add_all(ends[[members[0] for members in groups]], found_by=found_by, hits=counts)
    return outcomes
