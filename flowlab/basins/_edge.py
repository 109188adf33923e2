"""The edge state between two basins: what attracts inside the boundary."""

import dataclasses
from typing import Any

import diffrax as dfx
import numpy as np

from .._checks import as_state, require_float64
from .._outcome import Outcome
from ..catalog import Catalog, Collector
from ..critical import CriticalPoint, probe, refine, spectrum
from ..fields import AbstractField
from ._edge_track import Track, recurrence
from ._separatrix import complaint, numbering
from ._sides import ESCAPED, UNDECIDED, Sides

STANDING = 5
"""A point with two unstable directions counts once the track has rested on it this many times."""


@dataclasses.dataclass(frozen=True, eq=False)
class EdgeState:
    r"""What `edge_state` returns.

    Attributes:
        state: (\*shape), the edge state if it is a point, else the last state of the track.
        record: its record, if it is a point: that of its orbit, as in `catalog`; else `None`.
        element: the group element that takes `record.location` to `state`.
        converged: whether an edge state was found: a point whose unstable sides lead to the two
            basins, or a cycle that the track repeats.
        period: of that cycle; `None` for points, and if there is no repetition.
        explanation: one sentence: what was found, or why not.
        point: (2,), indices into `catalog.points` of what the two sides flow to, -1 for a side that
            escapes.
        image: (2,), indices into `images`: which symmetric image; -1 for none.
        times: (m,), times along the track.
        states: (m, \*shape), the track: the boundary trajectory that leads to the edge state.
        returns: how many states the track had each time the pair was brought back to the boundary.
        evaluations: evaluations of the field.
        images: the group elements that `image` counts, as in an `Ensemble`.
        catalog: the critical points given and met, the edge state among them.

    Example:
        >>> import flowlab as fl
        >>> edge = fl.edge_state(fl.zoo.double_well(), [1.5, 0.7], [-0.5, 0.2])
        >>> edge.record.kind, edge.record.index
        ('saddle', 1)
    """

    state: np.ndarray
    record: CriticalPoint | None
    element: Any
    converged: bool
    period: float | None
    explanation: str
    point: np.ndarray
    image: np.ndarray
    times: np.ndarray
    states: np.ndarray
    returns: np.ndarray
    evaluations: int
    images: tuple[Any, ...]
    catalog: Catalog

    @property
    def is_point(self) -> bool:
        """Whether the edge state is a critical point."""
        return self.record is not None

    def __repr__(self) -> str:
        return f"<EdgeState: {self.explanation}>"


def edge_state(
    field: AbstractField,
    a: Any,
    b: Any,
    *,
    width: float = 1e-8,
    divergence: float = 1e-4,
    max_returns: int = 100,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-12,
    atol: float = 1e-14,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
) -> EdgeState:
    r"""Follow the boundary between two basins to the state that attracts inside it.

    Edge tracking: the segment from `a` to `b` is divided until two starts on either side of the
    boundary are close; both are followed until they have moved apart; the segment between them is
    divided again, and so on. The pair shadows a trajectory inside the boundary, which leads to the
    boundary's own attractor. For a generic gradient flow that is a saddle of Morse index 1, the
    lowest pass; in general it may be a cycle or a chaotic set.

    Newton steps from the middle of the pair jump to the end once they lead to the same saddle
    twice; it is accepted when the two sides of its unstable direction flow to the two basins. A
    saddle of higher index attracts inside the boundary only in special subspaces, so the track must
    come to rest on it before it is accepted.

    If the segment enters a third basin first, the edge between that one and the basin of `a` is
    followed; `point` and `image` of the result say which two it separates.

    Args:
        field: the field.
        a: a start of `field.shape`, float64.
        b: a start that settles elsewhere (a symmetric image will do) or escapes.
        width: distance to which the pair is brought together, relative to :math:`|b - a|`.
        divergence: distance at which it is brought back, relative to :math:`|b - a|`.
        max_returns: how often.
        catalog: critical points already known; they keep their ids.
        solver: an adaptive diffrax solver; the defaults of `settle` and `integrate` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        escape_radius: as in `settle`.

    Returns:
        An `EdgeState`; `converged` and `explanation` say whether and how the track ended.

    Raises:
        ValueError: on bad input, or if `a` and `b` do not settle on different points.
        RuntimeError: if JAX runs in 32 bits.

    Source: Skufca, Yorke and Eckhardt, Phys. Rev. Lett. 96, 174101 (2006); the idea goes back to
    Battelino, Grebogi, Ott, Yorke and Yorke, Physica D 32, 296-305 (1988).

    Example:
        >>> import numpy as np, flowlab as fl
        >>> well = fl.zoo.double_well()
        >>> edge = fl.edge_state(well, np.array([1.5, 0.7]), np.array([-0.5, 0.2]))
        >>> edge.record.index, edge.record.loss, edge.state.round(9).tolist()
        (1, 0.25, [0.0, 0.0])
    """
    require_float64("edge_state")
    if not 0 < width < divergence < 1:
        raise ValueError(
            f"width is {width!r} and divergence {divergence!r}; needed: 0 < width < divergence < 1."
        )
    ends = np.stack([np.asarray(as_state(field.shape, e, n)) for e, n in ((a, "a"), (b, "b"))])
    options = dict(solver=solver, rtol=rtol, atol=atol, max_steps=max_steps)
    follow = Sides(field, catalog, escape_radius=escape_radius, **options)
    near, far = follow(ends).tolist()
    if near == far or UNDECIDED in (near, far):
        raise ValueError(complaint(follow, np.array([near]), np.array([far]), single=True))
    length = float(np.linalg.norm(ends[1] - ends[0]))
    track = Track(ends, (near, far), width * length, divergence * length, [], [])
    return _Search(field, follow, track, length).run(max_returns)


class _Search:
    """One run of edge tracking."""

    def __init__(self, field: AbstractField, follow: Sides, track: Track, length: float):
        self.field, self.follow, self.track, self.length = field, follow, track, length
        self.candidate: np.ndarray | None = None
        self.distance = np.inf
        self.rests = 0

    def run(self, max_returns: int) -> EdgeState:
        """Bring back, look, let go, until something is found or nothing can be."""
        track, period = self.track, None
        for _ in range(max_returns):
            if not track.bring_back(self.follow):
                return self._result(None, None)
            if (found := self._look()) is not None:
                return self._result(found, None)
            if (period := self._period()) is not None:
                return self._result(None, period)
            if not track.fly(self.field, self.follow):
                return self._result(None, None)
        track.trouble = (
            f"after {max_returns} returns the track has neither come to rest nor repeated itself: "
            "the edge state is a slow one, a long cycle or a chaotic set; see `states`, or raise "
            "`max_returns`"
        )
        return self._result(None, None)

    def _look(self) -> np.ndarray | None:
        """The point the track runs to, if it is sure."""
        refined = refine(self.field, self.track.middle, throw=False)
        # A polish that goes far has left the boundary: it says nothing about the track.
        if refined.outcome is not Outcome.settled or refined.distance > 0.1 * self.length:
            self.candidate, self.rests = None, 0
            return None
        again = self.candidate is not None and bool(
            np.linalg.norm(refined.location - self.candidate) <= 1e-6 * self.length
        )
        approaching = refined.distance < self.distance
        resting = refined.distance <= 10 * self.track.width
        self.candidate, self.distance = refined.location, refined.distance
        self.rests = self.rests + 1 if resting else 0
        if not (resting or (again and approaching)):
            return None
        unstable = spectrum(self.field, refined.location).unstable
        if len(unstable) == 1:
            return refined.location if self._separates(refined.location, unstable[0]) else None
        return refined.location if len(unstable) and self.rests >= STANDING else None

    def _separates(self, location: np.ndarray, direction: np.ndarray) -> bool:
        """Whether the sides of an unstable direction lead where the pair leads."""
        reach = float(probe(self.field, location).distance)
        step = min(self.track.divergence, 0.1 * reach) * direction
        labels = self.follow(np.stack([location + step, location - step])).tolist()
        return set(labels) == set(self.track.labels)

    def _period(self) -> float | None:
        track = self.track
        velocity = probe(self.field, track.states[-1]).velocity
        return recurrence(np.array(track.times), np.array(track.states), np.asarray(velocity))

    def _result(self, found: np.ndarray | None, period: float | None) -> EdgeState:
        follow, track = self.follow, self.track
        record = element = None
        catalog = follow.catalog
        assert catalog is not None
        state = track.states[-1] if found is None else found
        if found is not None:
            collector = Collector(self.field, catalog.points)
            index, element = collector.add(found, found_by="edge tracking", hits=0)
            catalog = catalog.replace(points=tuple(collector.points))
            record = catalog[index]
        point, image, images = numbering(follow, np.array(track.labels))
        return EdgeState(
            state=state,
            record=record,
            element=element,
            converged=found is not None or period is not None,
            period=period,
            explanation=_explain(record, period, track, catalog, point),
            point=point,
            image=image,
            times=np.array(track.times),
            states=np.array(track.states).reshape(-1, *self.field.shape),
            returns=np.array(track.returns),
            evaluations=follow.evaluations,
            images=images,
            catalog=catalog,
        )


def _explain(
    record: CriticalPoint | None,
    period: float | None,
    track: Track,
    catalog: Catalog,
    point: np.ndarray,
) -> str:
    sides = " and ".join("infinity" if p == ESCAPED else catalog[int(p)].id for p in point)
    if record is not None:
        return f"{record.id}, a {record.kind} of index {record.index}, between {sides}"
    if period is not None:
        return f"a cycle of period {period:.6g}, not a point, between {sides}"
    return track.trouble
