"""What `settle` returns: an outcome, an end and a label for every start."""

import dataclasses
from typing import Any

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Where many trajectories went.

    Attributes:
        outcome: (n,) int8, an `Outcome` for every start.
        state: (n, *shape), the end; for settled trajectories the polished critical point.
        point: (n,), index into `catalog.points` of what was reached, -1 for nothing known.
        image: (n,), index into `images`: which symmetric image of that point; -1 if none.
        time: (n,), time since which it rests, or at which it ended otherwise.
        steps: (n,), steps, rejected ones included.
        evaluations: (n,), evaluations of the field.
        images: the group elements g that `image` counts: `state` is the image under g of the
            location of `catalog.points[point]`.
        catalog: the critical points: those given and those reached, one entry per orbit.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> ensemble = fl.settle(fl.zoo.double_wells(2), jnp.array([[0.5, 0.2], [-0.3, 0.4]]))
        >>> ensemble.counts, ensemble.hits()
        ({'settled': 2}, {'p1': 2})
        >>> sorted(str(element) for element in ensemble.images)
        ['flip 1', 'identity']
    """

    outcome: np.ndarray
    state: np.ndarray
    point: np.ndarray
    image: np.ndarray
    time: np.ndarray
    steps: np.ndarray
    evaluations: np.ndarray
    images: tuple[Any, ...]
    catalog: Catalog

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def counts(self) -> dict[str, int]:
        """How many trajectories had which outcome; adds up to the number of starts."""
        return Outcome.count(self.outcome)

    def hits(self) -> dict[str, int]:
        """How many trajectories reached each critical point, by id; only those reached."""
        found, counts = np.unique(self.point[self.point >= 0], return_counts=True)
        return {self.catalog[int(i)].id: int(c) for i, c in zip(found, counts, strict=True)}

    def __repr__(self) -> str:
        reached = ", ".join(f"{name}: {count}" for name, count in self.hits().items())
        ended = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"<Ensemble of {len(self)}: {ended}; reached {reached or 'nothing known'}>"
