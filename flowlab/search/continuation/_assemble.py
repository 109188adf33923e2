"""From the points that were followed to a branch."""

import dataclasses

import numpy as np

from ..._outcome import Outcome
from ..._types import RealOrComplex
from ._branch import Branch
from ._detect import Event, events
from ._follow import Followed
from ._problem import Point, Problem
from ._special import special_point


@dataclasses.dataclass(frozen=True, eq=False)
class Stop:
    """A point of a branch and what happens there, if anything does."""

    point: Point
    event: Event | None = None


def with_events(problem: Problem, points: list[Point]) -> list[Stop]:
    """Put what happens between neighbouring points in its place among them."""
    stops = [Stop(points[0])]
    for start, end in zip(points[:-1], points[1:], strict=True):
        stops += [Stop(event.point, event) for event in events(problem, start, end)]
        stops.append(Stop(end))
    return stops


def assemble(
    problem: Problem, stops: list[Stop], outcomes: tuple[Outcome, Outcome], closed: bool
) -> Branch:
    """Make a branch of the points along it, in order."""
    points = [stop.point for stop in stops]
    special = tuple(
        special_point(problem, stop.event, position)
        for position, stop in enumerate(stops)
        if stop.event is not None
    )
    losses = [point.at.loss for point in points]
    known = [loss for loss in losses if loss is not None]
    return Branch(
        parameter=np.array([point.at.p for point in points]),
        states=np.array([point.at.w for point in points]),
        index=np.array([point.index for point in points]),
        nullity=np.array([point.nullity for point in points]),
        eigenvalues=_eigenvalues(problem, points),
        loss=np.array(known) if len(known) == len(points) else None,
        isotropy=tuple(_isotropy(problem, point) for point in points),
        special_points=special,
        outcomes=outcomes,
        closed=closed,
        interval=problem.interval,
        name=problem.family.parameter,
    )


def joined(problem: Problem, behind: Followed | None, ahead: Followed) -> Branch:
    """Make one branch of two directions from one point."""
    stops = with_events(problem, ahead.points)
    if ahead.closed:
        return assemble(problem, stops, (Outcome.finished, Outcome.finished), True)
    if behind is None:
        return assemble(problem, stops, (Outcome.finished, ahead.outcome), False)
    back = with_events(problem, behind.points)
    return assemble(problem, back[:0:-1] + stops, (behind.outcome, ahead.outcome), False)


def _eigenvalues(problem: Problem, points: list[Point]) -> RealOrComplex:
    rows = [np.concatenate(list(point.growth.values())) for point in points]
    table = np.full((len(rows), max(map(len, rows))), np.nan, np.complex128)
    for number, rates in enumerate(rows):
        order = np.lexsort((-rates.imag, -rates.real))
        table[number, : len(rates)] = rates[order]
    return -table.real if problem.is_gradient else table


def _isotropy(problem: Problem, point: Point) -> str:
    group = problem.group(point.at.p)
    return group.isotropy(point.at.w).name
