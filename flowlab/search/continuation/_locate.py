"""Finding where something changes along a branch, to more digits than a step has."""

import dataclasses
from collections.abc import Callable

import numpy as np
import scipy

from ._correct import correct, plane
from ._problem import At, Point, Problem

NODES = 8
"""Points around an ill-conditioned place through which a polynomial is laid."""

WINDOW = 0.02
"""Half the length of the piece of branch that they lie on, in scaled coordinates."""

REGULAR = 1e-3
"""The equations of the branch are well conditioned above this smallest singular value."""

Test = Callable[[Point], float]


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """The piece of a branch between two neighbouring points, by distance along the first tangent.

    Attributes:
        start: its first point.
        end: its last point.
    """

    problem: Problem
    start: Point
    end: Point

    @property
    def length(self) -> float:
        """Distance of the end along the tangent at the start."""
        return float(self.start.tangent @ (self.end.at.y - self.start.at.y))

    def at(self, distance: float) -> Point | None:
        """The point of the branch at a distance along the tangent, `None` if Newton fails."""
        share = distance / self.length
        guess = self.start.at.y + share * (self.end.at.y - self.start.at.y)
        row = plane(self.start.tangent, self.start.at.y, distance)
        found = correct(self.problem, guess, row, self.start.ties)
        return None if found is None else self.problem.point(found[0], self.start.tangent)


@dataclasses.dataclass(frozen=True, eq=False)
class Change:
    """Where a test function vanishes: the distance along the piece, and the point there."""

    distance: float
    point: Point


def locate(piece: Piece, test: Test) -> Change | None:
    """Find the zero of a test function that has opposite signs at the ends of a piece.

    Where the equations of the branch are singular, as they are where two branches cross without a
    symmetry that keeps them apart, Newton's method loses digits. There branch and test function are
    interpolated from points to both sides, which have none of this trouble.

    Args:
        piece: the piece of the branch.
        test: the test function.

    Returns:
        The place, `None` if the branch could not be computed there.
    """

    def value(distance: float) -> float:
        point = piece.at(distance)
        # Halfway between the ends is as good a guess as any where Newton fails.
        return np.nan if point is None else test(point)

    ends = test(piece.start), test(piece.end)
    if not ends[0] * ends[1] < 0:
        return None
    root = _bracketed(value, piece.length, ends)
    point = piece.at(root)
    if point is not None and _conditioning(piece, point) > REGULAR:
        return Change(root, point)
    return _interpolated(piece, test, root) or (None if point is None else Change(root, point))


def _bracketed(value: Callable[[float], float], length: float, ends: tuple[float, float]) -> float:
    """Brent's method; a place where the branch cannot be computed is stepped around."""
    known: dict[float, float] = {0.0: ends[0], length: ends[1]}

    def safe(x: float) -> float:
        if x not in known:
            y = value(x)
            near = min(known, key=lambda other: abs(other - x))
            known[x] = y if np.isfinite(y) else known[near]
        return known[x]

    return float(scipy.optimize.brentq(safe, 0.0, length, xtol=1e-15, rtol=1e-14, maxiter=80))


def _conditioning(piece: Piece, point: Point) -> float:
    ties = piece.problem.tie_rows(piece.start.ties)
    matrix = np.vstack([point.at.matrix, piece.start.tangent, ties])
    return float(np.linalg.svd(matrix, compute_uv=False)[-1])


def _interpolated(piece: Piece, test: Test, root: float) -> Change | None:
    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES) * min(WINDOW, piece.length)
    points = [piece.at(root + node) for node in nodes]
    if any(point is None for point in points):
        return None
    states = np.array([point.at.y for point in points if point is not None])
    values = np.array([test(point) for point in points if point is not None])
    curve = scipy.interpolate.BarycentricInterpolator(nodes, values)
    low, high = nodes.min() / 4, nodes.max() / 4
    if not float(curve(low)) * float(curve(high)) < 0:
        return None
    shift = float(scipy.optimize.brentq(lambda x: float(curve(x)), low, high, xtol=1e-15))
    y = scipy.interpolate.BarycentricInterpolator(nodes, states)(shift)
    at: At = piece.problem.at(np.asarray(y))
    return Change(root + shift, piece.problem.point(at, piece.start.tangent))
