"""One chunk of trajectories, each followed to its end, on all cores."""

import dataclasses
import os
from collections.abc import Callable

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog, Collector
from ..fields import AbstractField
from ._known import KnownSinks
from ._label import Labeller, Labels
from ._lanes import Packed
from ._method import Method
from ._pool import Queue, batch_sizes, drain
from ._threads import in_threads


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """How the trajectories of a chunk ended, in terms that need no catalog.

    Attributes:
        arrays: `outcome`, `state`, `time`, `steps`, and `label`: which of `ends` was reached, -1
            for nothing known.
        ends: (m, *shape), a state for each label, in the order of the first trajectory that went
            there, then saddles at which trajectories only paused.
    """

    arrays: dict[str, np.ndarray]
    ends: np.ndarray


class Follower:
    """Follows chunks of trajectories of one field; what one chunk met speeds up the next.

    Args:
        field: the field.
        method: solver and tolerances.
        catalog: critical points already known.
        capture: whether to stop at capture balls of known sinks.
        max_steps: step budget of each trajectory.
        found_by: name of the method, for new records.
        workers: number of threads; as many as there are cores if not given.
        batch: lanes in a batch; what suits the cache if not given.
    """

    def __init__(
        self,
        field: AbstractField,
        method: Method,
        catalog: Catalog | None,
        *,
        capture: bool,
        max_steps: int,
        found_by: str,
        workers: int | None = None,
        batch: int | None = None,
    ):
        self.field, self.method, self.max_steps = field, method, max_steps
        self.known = KnownSinks(field, catalog if capture else None)
        points = () if catalog is None else catalog.points
        self.labeller = Labeller(field, method, Collector(field, points), self.known, found_by)
        self.batch = batch
        self.workers = len(os.sched_getaffinity(0)) if workers is None else workers

    def follow(
        self, starts: np.ndarray, escape: np.ndarray, on_end: Callable[[int], None]
    ) -> Piece:
        """Follow the trajectories of a chunk.

        Args:
            starts: (n, *shape).
            escape: (n,), escape radius of each.
            on_end: called with the number of trajectories that have ended since the last call.

        Returns:
            A `Piece`.
        """
        labels = Labels.blank(starts)
        self.labeller.passed.clear()
        bases: dict[int, np.ndarray] = {}
        invariant_basis = self.field.invariant_basis  # Equinox makes a new object at each access.
        for i in np.flatnonzero(~self.field.surely_generic(starts)):
            basis = invariant_basis(starts[i])
            if basis is not None:
                bases[int(i)] = basis
        in_subspace = np.zeros(len(starts), bool)
        in_subspace[list(bases)] = True
        special, generic = np.flatnonzero(in_subspace), np.flatnonzero(~in_subspace)
        time, steps = np.zeros(len(starts)), np.zeros(len(starts), int)
        for lanes in (generic, special):
            if len(lanes) == 0:
                continue
            projector = None
            if lanes is special:
                projector = np.stack([bases[i].T @ bases[i] for i in lanes.tolist()])
            paths = Packed.fresh(starts[lanes], escape[lanes], self.known.gate(), projector)
            some = Labels.blank(starts[lanes])
            self._drain(paths, some, on_end)
            if projector is not None:
                # The polish may leave the subspace by a rounding error.
                here = some.outcome == Outcome.settled
                flat = some.state[here].reshape(int(here.sum()), self.field.size, 1)
                some.state[here] = (projector[here] @ flat).reshape(some.state[here].shape)
            for name in ("outcome", "state", "point", "image"):
                getattr(labels, name)[lanes] = getattr(some, name)
            end, settled = paths.lanes, some.outcome == Outcome.settled
            time[lanes], steps[lanes] = np.where(settled, end.rest, end.time), end.steps
        return self._piece(labels, time, steps)

    def _drain(self, paths: Packed, labels: Labels, on_end: Callable[[int], None]) -> None:
        queue = Queue(np.arange(paths.width))
        sizes = batch_sizes(self.field.size, paths.width, self.batch)

        def ended(lanes: np.ndarray, status: np.ndarray) -> np.ndarray:
            again = self.labeller.label(labels, paths.lanes, lanes, status)
            on_end(int(len(lanes) - again.sum()))
            return again

        def work() -> None:
            balls = self.known.for_kernel()
            drain(self.field, self.method, balls, self.max_steps, paths, queue, ended, sizes)

        useful = 1 + paths.width // (2 * sizes[1])
        in_threads(work, min(self.workers, useful), lambda: queue.take(len(queue)))

    def _piece(self, labels: Labels, time: np.ndarray, steps: np.ndarray) -> Piece:
        codes = labels.point * (labels.image.max(initial=0) + 2) + labels.image
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        known = np.flatnonzero(labels.point[first] >= 0)
        order = known[np.argsort(first[known])]
        rank = np.full(len(first), -1)
        rank[order] = np.arange(len(order))
        reached = set(labels.point[first[order]].tolist())
        passed = [s for p, s in sorted(self.labeller.passed.items()) if p not in reached]
        ends = [*labels.state[first[order]], *passed]
        shape = self.field.shape
        arrays = {
            "outcome": labels.outcome, "state": labels.state, "time": time, "steps": steps,
            "label": rank[inverse],
        }  # fmt: skip
        return Piece(arrays, np.array(ends).reshape(-1, *shape))
