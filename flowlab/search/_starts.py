"""Starts of Newton iterations: those of the flow, at several scales and in fewer directions."""

import numpy as np

from ..fields import AbstractField
from ..symmetry import RelabelingGroup

SCALES = (1.0, 0.3, 2.0, 0.6)
"""Newton starts are the drawn starts at these scales in turn: saddles tend to be smaller or larger
than what the flow is started from."""


def spread(field: AbstractField, states: np.ndarray) -> np.ndarray:
    """Return drawn starts (n, *shape) at scales in turn, every other one of them flattened.

    Directions that no teacher uses can be rotated at will: a point in which the students use r of
    them lies, up to symmetry, in the subspace of the first r, which Newton steps do not leave. The
    more there are, the more rarely does a start in all of them end at a point in few.
    """
    scales = np.resize(SCALES, len(states)).reshape(-1, *[1] * len(field.shape))
    scaled, group = states * scales, field.symmetry
    if not isinstance(group, RelabelingGroup):
        return scaled
    for sector in group.stabilizer.sectors:
        free = sector.complement.shape[1]
        rounds = np.arange(len(states)) // len(SCALES)
        for used in range(free):
            chosen = (rounds % 2 == 1) & (rounds // 2 % free == used)
            unused = sector.complement[:, used:]
            scaled[chosen] -= scaled[chosen] @ unused @ unused.T
    return scaled
