"""The one enumeration of how a computation ended."""

import enum

import numpy as np


class Outcome(enum.IntEnum):
    """How a trajectory or a Newton iteration ended; every element of every batch has one.

    Integer valued, so that an array of outcomes is a plain `int8` array and a NetCDF flag variable.

    Example:
        >>> import numpy as np
        >>> from flowlab import Outcome
        >>> Outcome.settled.name, int(Outcome.settled)
        ('settled', 0)
        >>> Outcome.count(np.array([0, 0, 2], dtype=np.int8))
        {'settled': 2, 'escaped': 1}
    """

    settled = 0
    """Came to rest at a point where the field vanishes (after a Newton polish)."""
    captured = 1
    """Entered a neighbourhood of a known sink from which nothing leaves."""
    escaped = 2
    """Left the ball of the given escape radius, or the region that can hold zeros of the field."""
    singular = 3
    """Reached a point where the field is not continuous (a student with `w_j = 0`)."""
    exhausted = 4
    """Used up its step budget."""
    nonfinite = 5
    """Met a NaN or an infinity."""
    finished = 6
    """Arrived at the end time that was asked for."""

    @property
    def ok(self) -> bool:
        """Whether the computation did what was asked: settled, captured or finished."""
        return self in (Outcome.settled, Outcome.captured, Outcome.finished)

    @property
    def explanation(self) -> str:
        """One sentence for a person: what happened and what to do about it."""
        return _EXPLANATIONS[self]

    @classmethod
    def count(cls, outcomes) -> dict[str, int]:
        """Count the outcomes in an array, by name, in the order of the enumeration.

        Args:
            outcomes: integer array of any shape.

        Returns:
            A dictionary from names to counts; outcomes that do not occur are left out.
        """
        counts = np.bincount(np.ravel(outcomes), minlength=len(cls))
        return {member.name: int(counts[member]) for member in cls if counts[member]}


_EXPLANATIONS = {
    Outcome.settled: "The trajectory came to rest at a point where the field vanishes.",
    Outcome.captured: "The trajectory entered the capture ball of a known sink.",
    Outcome.escaped: (
        "The trajectory left the escape radius, or came to lie where the field is small and has no "
        "zero. If it should come back, raise `escape_radius`."
    ),
    Outcome.singular: (
        "The trajectory reached a singularity of the field (a student w_j = 0, where the "
        "population gradient depends on the direction of approach). Start elsewhere, or perturb "
        "the start off the invariant set that leads there."
    ),
    Outcome.exhausted: (
        "The step budget ran out before the trajectory settled. Raise `max_steps`, loosen the "
        "tolerances, or, if the field is stiff or has no equilibrium nearby, look at the "
        "trajectory."
    ),
    Outcome.nonfinite: (
        "The state became NaN or infinite. Check that the field is finite along the way; a shorter "
        "`t1` shows where it stops being so."
    ),
    Outcome.finished: "The trajectory arrived at the end time that was asked for.",
}
