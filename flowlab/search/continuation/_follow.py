"""Following a branch, step by step."""

import dataclasses

import numpy as np
import scipy

from ..._outcome import Outcome
from ._correct import correct, fixed_parameter, plane
from ._problem import At, Point, Problem

TURN = 0.97
"""Least cosine between the tangents of neighbouring points."""

ALIKE = 0.5
"""Unstable spaces of one dimension with a smaller overlap than this have exchanged a direction."""

SINGULAR = 1e-6
"""Closer than this to a singularity of the field a branch ends."""

NEAR_SINGULAR = 1e-3
"""A branch that cannot go on this close to a singularity has met it."""

RESOLVED = 10
"""Steps of up to so many times the shortest are not shortened for the sake of detection."""


@dataclasses.dataclass(frozen=True)
class Steps:
    """How a branch is stepped along; lengths are in scaled coordinates of order one.

    Attributes:
        first: length of the first step.
        longest: longest step.
        shortest: shortest step before giving up.
        most: largest number of points in one direction.
        escape: largest norm of a state.
    """

    first: float = 0.02
    longest: float = 0.06
    shortest: float = 1e-7
    most: int = 500
    escape: float = 1e6


@dataclasses.dataclass(frozen=True, eq=False)
class Followed:
    """One direction of a branch: its points and why it ends; `closed` says it is a loop."""

    points: list[Point]
    outcome: Outcome
    closed: bool = False


def follow(problem: Problem, first: Point, steps: Steps) -> Followed:
    """Follow a branch from a point in the direction of its tangent.

    Args:
        problem: the equations.
        first: the first point.
        steps: the lengths of steps.

    Returns:
        The points, the first included.
    """
    points, length, tries = [first], steps.first, 0
    while len(points) < steps.most:
        if length < steps.shortest:
            return Followed(points, _gave_up(points[-1].at))
        last = points[-1]
        found = _advance(problem, last, length)
        if found is not None and _is_outside(problem, found[0].at.p):
            bound = _at_bound(problem, last, found[0])
            if bound is not None:
                moved = np.abs(bound.at.y - last.at.y).max() > 1e-12
                return Followed([*points, bound] if moved else points, Outcome.finished)
            found = None
        if found is None or not _is_continuous(problem, last, found[0], length, steps):
            length *= 0.5
            continue
        point, newton_steps = found
        if tries < 3 and point.nullity > last.nullity:
            # On a crossing nothing can be said of its sides; a shorter step stops before it.
            length, tries = 0.8 * length, tries + 1
            continue
        outcome = _ended(point.at, steps)
        if outcome is not None:
            return Followed(points, outcome)
        loop = _closing(problem, points, point, length)
        if loop is not None:
            return Followed([*points, loop], Outcome.finished, closed=True)
        points.append(point)
        tries = 0
        turned = float(point.tangent @ last.tangent)
        growth = 1.4 if newton_steps <= 5 and turned > 0.995 else 1.0 if turned > 0.99 else 0.7
        length = min(length * growth, steps.longest * _unit(point))
    return Followed(points, Outcome.exhausted)


def _unit(point: Point) -> float:
    """The step along the tangent that changes state or parameter by one, relative to its size."""
    size = max(1.0, float(np.linalg.norm(point.at.y[:-1])))
    along = float(np.linalg.norm(point.tangent[:-1])) / size
    return 1.0 / max(along, abs(float(point.tangent[-1])))


def _gave_up(at: At) -> Outcome:
    return Outcome.singular if at.distance < NEAR_SINGULAR else Outcome.exhausted


def _is_outside(problem: Problem, p: float) -> bool:
    return not min(problem.interval) <= p <= max(problem.interval)


def _at_bound(problem: Problem, last: Point, beyond: Point) -> Point | None:
    """The point at the bound of the parameter that lies between two points."""
    old, new = last.at, beyond.at
    bound = min(problem.interval) if new.p < min(problem.interval) else max(problem.interval)
    guess = old.y + (bound - old.p) / (new.p - old.p) * (new.y - old.y)
    found = correct(problem, guess, fixed_parameter(problem, bound), last.ties)
    if found is None or np.linalg.norm(found[0].y - guess) > 0.5 * np.linalg.norm(new.y - old.y):
        return None
    return problem.point(dataclasses.replace(found[0], p=bound), last.tangent)


def _advance(problem: Problem, last: Point, length: float) -> tuple[Point, int] | None:
    """The point one step ahead, in the plane across the tangent; `None` if Newton fails."""
    guess = last.at.y + length * last.tangent
    found = correct(problem, guess, plane(last.tangent, guess), last.ties)
    if found is None or np.linalg.norm(found[0].y - guess) > 0.5 * length:
        return None
    return problem.point(found[0], last.tangent), found[1]


def _is_continuous(
    problem: Problem, last: Point, point: Point, length: float, steps: Steps
) -> bool:
    """Whether a step is short enough to be sure that it stays on the branch and skips nothing."""
    if point.tangent @ last.tangent < TURN:
        return False
    if length < RESOLVED * steps.shortest or length < 1e-3 * steps.first:
        return True
    return not _exchanged(problem, last, point)


def _exchanged(problem: Problem, last: Point, point: Point) -> bool:
    """Whether as many directions became stable as unstable, in one block."""
    if problem.spectrum is not None:
        return False
    before, after = problem.blocks(last.ties), problem.blocks(point.ties)
    for name in set(before) & set(after) & set(last.growth):
        count = last.band(name)
        if count != point.band(name) or count[0] in (0, len(last.growth[name])):
            continue
        old = _unstable(before[name], last.at.jacobian, count[0])
        new = _unstable(after[name], point.at.jacobian, count[0])
        if np.linalg.svd(old @ new.T, compute_uv=False)[-1] < ALIKE:
            return True
    return False


def _unstable(rows: np.ndarray, jacobian: np.ndarray, count: int) -> np.ndarray:
    """An orthonormal basis of the invariant space of the `count` most growing directions."""
    matrix = rows @ jacobian @ rows.T
    values = np.sort(np.linalg.eigvals(matrix).real)[::-1]
    middle = (values[count - 1] + values[count]) / 2 if count < len(values) else -np.inf
    vectors = scipy.linalg.schur(matrix, output="complex", sort=lambda x: x.real > middle)[1]
    return vectors[:, :count].conj().T @ rows


def _ended(at: At, steps: Steps) -> Outcome | None:
    if at.distance < SINGULAR:
        return Outcome.singular
    if np.linalg.norm(at.w) > steps.escape:
        return Outcome.escaped
    return None


def _closing(problem: Problem, points: list[Point], point: Point, length: float) -> Point | None:
    """The first point again, if the step from the last point to this one passes it."""
    first, last = points[0], points[-1]
    if len(points) < 5:
        return None
    before = first.tangent @ (last.at.y - first.at.y)
    after = first.tangent @ (point.at.y - first.at.y)
    near = np.linalg.norm(point.at.y - first.at.y) < 1.5 * length
    if not (before < 0 <= after and near and point.tangent @ first.tangent > TURN):
        return None
    found = correct(problem, point.at.y, plane(first.tangent, first.at.y), first.ties)
    if found is None or np.abs(found[0].y - first.at.y).max() > 1e-6:
        return None
    return first
