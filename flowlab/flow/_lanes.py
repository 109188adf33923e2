"""What is known of many trajectories between steps, in arrays whose last axis counts them."""

from typing import Any, NamedTuple

import numpy as np

LIVE, RESTING, NEAR = -1, -2, -3
"""Status of a lane that goes on, that seems to have settled, or that is slow enough to be in the
capture ball of a known sink; the host decides on the last two. Others: an `Outcome`."""


class Lanes(NamedTuple):
    """The state of n trajectories: `w` (size, n), `projector` (size, size, n), the others (n,)."""

    w: Any
    dt: Any
    """The next step; 0 for a lane that has not begun."""
    time: Any
    rest: Any
    """Time since which no step moved the lane by more than the threshold of rest."""
    escape: Any
    """Euclidean norm beyond which it has escaped."""
    gate: Any
    """Speed below which it may be in a capture ball that is not listed; 0: never."""
    steps: Any
    """Steps, rejected ones included."""
    failures: Any
    """Trial steps that met NaN."""
    armed: Any
    """Whether the lane may be called resting; one released from a saddle must first leave it."""
    number: Any
    """Which of a job's trajectories it is."""
    status: Any
    projector: Any
    """The invariant subspace that the lane is kept in; `None` if all are free."""


FRACTIONAL = ("dt", "time", "rest", "escape", "gate")
WHOLE = ("steps", "failures", "armed", "number", "status")


class Packed(NamedTuple):
    """Lanes in as few arrays as possible: each one costs compilation and every call."""

    fractional: Any
    """(size + 5, n): the state, then `FRACTIONAL`."""
    whole: Any
    """(5, n) int32: `WHOLE`."""
    projector: Any

    @property
    def width(self) -> int:
        """The number n of lanes."""
        return self.whole.shape[-1]

    @property
    def lanes(self) -> Lanes:
        """The lanes; views of NumPy arrays, that may be written to."""
        size = len(self.fractional) - len(FRACTIONAL)
        rows = (*self.fractional[size:], *self.whole)
        return Lanes._make((self.fractional[:size], *rows, self.projector))

    @classmethod
    def fresh(
        cls,
        states: np.ndarray,
        escape: np.ndarray,
        gate: float,
        projector: np.ndarray | None = None,
    ) -> "Packed":
        """Return trajectories that have not begun.

        Args:
            states: (n, *shape).
            escape: (n,).
            gate: of all of them.
            projector: (n, size, size), if they are kept in subspaces.
        """
        flat = states.reshape(len(states), -1).T
        packed = cls(
            np.concatenate([flat, np.zeros((len(FRACTIONAL), len(states)))]),
            np.zeros((len(WHOLE), len(states)), np.int32),
            None if projector is None else np.moveaxis(projector, 0, -1).copy(),
        )
        lanes = packed.lanes
        lanes.escape[:], lanes.gate[:] = escape, gate
        lanes.armed[:], lanes.status[:] = 1, LIVE
        lanes.number[:] = np.arange(len(states))
        return packed

    def some(self, chosen: np.ndarray, count: int) -> "Packed":
        """Return the lanes of the given numbers, and copies of the last to make up `count`."""
        padded = np.empty(count, np.intp)
        padded[: len(chosen)] = chosen
        padded[len(chosen) :] = chosen[-1]
        return Packed(*(None if x is None else np.take(x, padded, -1) for x in self))

    def updated(self, lanes: Lanes) -> "Packed":
        """Return these lanes, JAX arrays, with what steps change replaced."""
        # Row by row: XLA compiles a stack of rows at ten times the length.
        fractional, whole = self.fractional.at[: len(lanes.w)].set(lanes.w), self.whole
        for name in ("dt", "time", "rest"):
            row = len(lanes.w) + FRACTIONAL.index(name)
            fractional = fractional.at[row].set(getattr(lanes, name))
        for name in ("steps", "failures", "armed", "status"):
            whole = whole.at[WHOLE.index(name)].set(getattr(lanes, name))
        return self._replace(fractional=fractional, whole=whole)

    def put(self, new: "Packed") -> None:
        """Replace, in place, lanes by the `new` ones of the same numbers."""
        numbers = new.lanes.number
        self.fractional[:, numbers] = new.fractional
        self.whole[:, numbers] = new.whole
