r"""The branches that meet at a branch point: one state on each.

Near a branch point all branches lie close to the kernel N. They are found on a small sphere of N:
states with :math:`|\Phi(w - w_b)| = \varepsilon` that solve the equations, at any parameter. Starts
are the axes that symmetry singles out, on which one branch is certain, and directions all over the
sphere, which find the branches that symmetry does not promise.
"""

import dataclasses
from typing import Any

import numpy as np

from ...symmetry import AbstractGroup
from ._action import action, axes, orbit_of_line
from ._correct import correct, sphere
from ._problem import At, Problem, is_invariant
from ._special import SpecialPoint

NEAR = 4.0
"""States farther from the branch point than so many radii belong to something else."""

MOST = 200
"""Starts on the sphere; small spheres need fewer."""

ALONG = 0.1
"""A state whose direction differs by less from that of a known branch lies on it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Departure:
    """One branch at a branch point, in the subspace it lies in.

    Attributes:
        problem: the equations in the fixed subspace of the branch's isotropy group.
        centre: the branch point.
        ahead: a state on one side of it.
        behind: a state on the other, `None` if none was found.
        images: number of symmetric images of the branch at this branch point.
    """

    problem: Problem
    centre: At
    ahead: At
    behind: At | None
    images: int


def departures(whole: Problem, special: SpecialPoint, radius: float) -> list[Departure]:
    """Find the branches through a branch point other than the one it was found on.

    Args:
        whole: the equations in the space of all states.
        special: the branch point, with its kernel.
        radius: of the sphere, as a part of the size of the states.

    Returns:
        One for each orbit of branches under the isotropy group of the branch point.
    """
    search = _Search(whole, special, radius * whole.scale)
    ends = search.on_axes() + search.on_sphere()
    return search.paired(ends)


class _Search:
    def __init__(self, whole: Problem, special: SpecialPoint, radius: float):
        self.whole, self.radius = whole, radius
        self.centre = whole.at(whole.join(special.state, special.parameter))
        self.ties = whole.ties(self.centre)
        self.kernel = special.kernel.reshape(len(special.kernel), -1)
        self.group: AbstractGroup[Any] = whole.group(special.parameter)
        isotropy = self.group.isotropy(special.state)
        self.matrices = action(self.group, isotropy, special.kernel)
        known = np.append(whole.basis @ special.tangent[0].ravel() / whole.scale, 0.0)
        known[-1] = special.tangent[1] / whole.length
        self.known = known / np.linalg.norm(known)

    def on_axes(self) -> list[At]:
        """The ends on the axes of the isotropy group."""
        lines = axes(self.matrices, len(self.kernel))
        found = [
            self._solve(self._subspace(sign * line), sign * line)
            for line in lines
            for sign in (1.0, -1.0)
        ]
        return [end for ends in found for end in ends]

    def on_sphere(self) -> list[At]:
        """The ends that starts all over the sphere lead to."""
        size = len(self.kernel)
        if size == 1:
            return []
        starts = np.random.default_rng(0).normal(size=(min(12 * size**2, MOST), size))
        found = [self._solve(self.whole, start / np.linalg.norm(start), (0.0,)) for start in starts]
        return [end for ends in found for end in ends]

    def _subspace(self, direction: np.ndarray) -> Problem:
        """The equations in the fixed subspace of the isotropy group of a direction."""
        state = self.centre.w + self.radius * (direction @ self.kernel).reshape(self.whole.shape)
        return self._fixed_by(state)

    def _fixed_by(self, state: np.ndarray) -> Problem:
        basis = np.asarray(self.group.fixed_subspace(self.group.isotropy(state)))
        if len(basis) and is_invariant(self.whole.family, self.whole.interval, basis):
            return self.whole.within(basis)
        return self.whole

    def _solve(
        self,
        problem: Problem,
        direction: np.ndarray,
        shifts: tuple[float, ...] = (0.0, 1.0, -1.0, 4.0, -4.0),
    ) -> list[At]:
        """The ends near one direction, from parameters at and around the branch point's."""
        centre = problem.join(self.centre.w, self.centre.p)
        inner = self.kernel @ problem.basis.T
        rows = problem.scale * np.column_stack([inner, np.zeros(len(inner))])
        state = self.centre.w + self.radius * (direction @ self.kernel).reshape(self.whole.shape)
        found: list[At] = []
        for shift in shifts:
            guess = problem.join(state, self.centre.p)
            guess[-1] += shift * self.radius / problem.scale
            end = correct(problem, guess, sphere(rows, centre, self.radius), self.ties)
            if end is not None and self._is_new(end[0], centre, found):
                found.append(end[0])
        return found

    def _is_new(self, end: At, centre: np.ndarray, found: list[At]) -> bool:
        """Whether an end is near, not on the known branch, and not found before."""
        away = self._away(end)
        size = np.linalg.norm(away)
        if size > NEAR * self.radius / self.whole.scale:
            return False
        across = away - (away @ self.known) * self.known
        if np.linalg.norm(across) < ALONG * size:
            return False
        return all(np.abs(end.y - other.y).max() > 1e-6 for other in found)

    def _away(self, end: At) -> np.ndarray:
        """From the branch point to an end, in the scaled coordinates of all states."""
        return self.whole.join(end.w, end.p) - self.centre.y

    def _direction(self, end: At) -> np.ndarray:
        inner = self.kernel @ (end.w - self.centre.w).ravel()
        return inner / np.linalg.norm(inner)

    def paired(self, ends: list[At]) -> list[Departure]:
        """Join the two ends of each branch, and keep one branch of each orbit."""
        orbits: list[At] = []
        for end in ends:
            if not any(self._same(end, other) for other in orbits):
                orbits.append(end)
        found: list[Departure] = []
        taken: list[At] = []
        for end in orbits:
            if any(self._same(end, other) for other in taken):
                continue
            problem = self._fixed_by(end.w)
            behind = self._opposite(problem, end)
            taken += [end] if behind is None else [end, behind]
            images = len(orbit_of_line(self.matrices, self._direction(end)))
            ahead = problem.at(problem.join(end.w, end.p))
            found.append(Departure(problem, self.centre, ahead, behind, images))
        return found

    def _same(self, one: At, other: At) -> bool:
        if abs(one.p - other.p) > 1e-6 * self.whole.length:
            return False
        return self.group.same_orbit(one.w, other.w, tol=1e-5 * self.whole.scale)

    def _opposite(self, problem: Problem, end: At) -> At | None:
        """The end on the other side of the branch point, on the same smooth curve."""
        shift = (end.p - self.centre.p) * problem.scale / (self.radius * problem.length)
        direction = self._direction(end)
        for other in self._solve(problem, -direction, (-shift, shift)):
            if self._direction(other) @ direction < -0.9:
                return other
        return None
