"""What happens between two neighbouring points of a branch."""

import dataclasses

import numpy as np

from ._locate import Change, Piece, Test, locate
from ._problem import Point, Problem

TOGETHER = 1e-6
"""Changes closer than this along the branch are one."""


@dataclasses.dataclass(frozen=True, eq=False)
class Event:
    """A place where rates cross zero, or where the branch turns back.

    Attributes:
        point: the point of the branch there.
        blocks: in which blocks rates cross.
        turns: whether the parameter turns back.
    """

    point: Point
    blocks: frozenset[str]
    turns: bool


def events(problem: Problem, start: Point, end: Point) -> list[Event]:
    """Return what happens between two neighbouring points, in the order along the branch."""
    piece = Piece(problem, start, end)
    changes: list[tuple[Change, str]] = []
    if start.tangent[-1] * end.tangent[-1] < 0:
        found = locate(piece, lambda point: float(point.tangent[-1]))
        changes += [(found, "turn")] if found is not None else []
    for block in start.growth:
        for number in _crossing(start, end, block):
            found = locate(piece, _rate(block, number))
            changes += [(found, block)] if found is not None else []
    return _merged(changes)


def _crossing(start: Point, end: Point, block: str) -> range:
    """The numbers of the rates, in descending order, that change sign between two points."""
    if len(start.growth[block]) != len(end.growth[block]):
        return range(0)
    (sure, maybe), (sure_after, maybe_after) = start.band(block), end.band(block)
    if sure_after > maybe:
        return range(maybe, sure_after)
    return range(maybe_after, sure)


def _rate(block: str, number: int) -> Test:
    # The rate of a given rank is a continuous function, also where two rates change places.
    return lambda point: float(point.growth[block][number].real)


def _merged(changes: list[tuple[Change, str]]) -> list[Event]:
    """Join the changes at one place; where the branch turns is known best from its tangent."""
    groups: list[list[tuple[Change, str]]] = []
    for change, name in sorted(changes, key=lambda pair: pair[0].distance):
        if groups and change.distance - groups[-1][-1][0].distance < TOGETHER:
            groups[-1].append((change, name))
        else:
            groups.append([(change, name)])
    found = []
    for group in groups:
        names = {name for _, name in group}
        best = min(group, key=lambda pair: pair[1] != "turn")[0]
        found.append(Event(best.point, frozenset(names - {"turn"}), "turn" in names))
    return found


def kernel(problem: Problem, point: Point) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Right and left null vectors at a special point by block, each (k, size)."""
    found = {}
    for name, rows in problem.blocks(point.ties).items():
        left, singular, right = np.linalg.svd(rows @ point.at.jacobian @ rows.T)
        null = singular < NULL_SPACE * max(1.0, float(singular.max(initial=0.0)))
        found[name] = right[null] @ rows, left.T[null] @ rows
    return found


NULL_SPACE = 1e-5
"""Singular values below this, relative to the largest (or to 1), belong to the kernel."""
