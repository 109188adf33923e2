"""What searches have in common: which ends are worth a look, and which are one point."""

import numpy as np

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
