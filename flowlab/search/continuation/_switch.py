"""From one branch to those that meet it."""

from collections.abc import Sequence

import numpy as np

from ..._checks import require_float64
from ...fields import as_family
from ._assemble import Stop, assemble, with_events
from ._branch import Branch
from ._continue import Family, turned
from ._correct import correct, plane
from ._depart import Departure, departures
from ._follow import Followed, Steps, follow
from ._made import made_with
from ._problem import At, Point, Problem, Spectrum
from ._special import SpecialPoint

SWITCHED = ("pitchfork", "transcritical", "branch point")
"""Kinds of special points at which branches of equilibria meet."""


def switch_branches(
    family: Family,
    branch: Branch,
    at: SpecialPoint | int | None = None,
    *,
    radius: float = 0.02,
    step: float = 0.02,
    max_step: float = 0.06,
    min_step: float = 1e-7,
    max_points: int = 500,
    escape_radius: float = 1e6,
    spectrum: Spectrum | None = None,
) -> list[Branch]:
    r"""Follow the other branches that meet a branch at its branch points.

    At a branch point with kernel N, the isotropy group H of the state acts on N. By the equivariant
    branching lemma a branch leaves along every line of N that is the fixed subspace of a subgroup
    of H (of an axial subgroup); those are followed in the fixed subspace of their own isotropy
    group, where the kernel is simple. Branches that no symmetry promises are looked for on a small
    sphere around the branch point, from starts all over the sphere of N. Branches that H takes
    into one another are followed once, and their number is counted (`Branch.images`). Where H acts
    on N by more than 2,000 matrices its subgroups are not listed, and only the sphere is searched.

    A branch is followed through the branch point, in both directions: its states start at one
    bound, pass the branch point and end at another.

    Args:
        family: the family of fields, as for `continue_branch`.
        branch: a branch of it.
        at: a special point of the branch, or its number; all at which branches can meet if not
            given.
        radius: radius of the sphere, as a part of the size of the states (or of 1).
        step: first step.
        max_step: longest step.
        min_step: shortest step before giving up.
        max_points: budget of points in each direction.
        escape_radius: a branch whose states have a larger norm has escaped.
        spectrum: as for `continue_branch`.

    Returns:
        The branches up to symmetry, `origin` being the special point that they were found from.
        Empty where nothing else meets (folds, Hopf points).

    Raises:
        ValueError: if `at` is no special point of the branch, or its kernel lies outside of the
            field, so that this family has no branch there.
        RuntimeError: if JAX runs in 32 bits.

    Source: Golubitsky, Stewart and Schaeffer, Singularities and Groups in Bifurcation Theory II
        (1988), chapter XIII.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = lambda mu: fl.VectorField(lambda w: mu * w - w**3, (1,))
        >>> trivial = fl.continue_branch(family, jnp.zeros(1), parameter=(-1.0, 1.0))
        >>> (fork,) = fl.switch_branches(family, trivial)
        >>> bool(fork.stable.any()), fork.states[0].round(9).tolist() in ([1.0], [-1.0])
        (True, True)
    """
    require_float64("switch_branches")
    named = as_family(family)
    steps = Steps(step, max_step, min_step, max_points, escape_radius)
    found = []
    for special in chosen(branch, at):
        whole = Problem(named, branch.interval, special.state, spectrum=spectrum)
        for departure in departures(whole, special, radius):
            found.append(followed(departure, special, steps))
    return found


def chosen(branch: Branch, at: SpecialPoint | int | None) -> Sequence[SpecialPoint]:
    """Return the special points to switch at, checked."""
    if at is None:
        return [s for s in branch.special_points if s.kind in SWITCHED and len(s.kernel)]
    special = branch.special_points[at] if isinstance(at, int) else at
    if not isinstance(special, SpecialPoint):
        raise ValueError(f"at is {at!r}; needed: a special point of the branch, or its number.")
    if special.kind == "branch point" and len(special.kernel) == 0:
        raise ValueError(
            f"the kernel at {branch.name} = {special.parameter:.12g} lies outside of the states of "
            "this field: its rates came from `spectrum`. Switch in the full field."
        )
    return [special] if special.kind in SWITCHED else []


def followed(departure: Departure, special: SpecialPoint, steps: Steps) -> Branch:
    """Follow a branch from its branch point in both directions."""
    problem = departure.problem
    centre = problem.at(problem.join(departure.centre.w, departure.centre.p))
    ahead = _outward(problem, centre, departure.ahead, steps)
    middle = problem.point(centre, ahead.points[0].at.y - centre.y)
    stops = [Stop(middle), *with_events(problem, ahead.points)]
    first = ahead.outcome
    if departure.behind is not None:
        behind = _outward(problem, centre, departure.behind, steps)
        stops = with_events(problem, behind.points)[::-1] + stops
        first = behind.outcome
    branch = assemble(problem, stops, (first, ahead.outcome), False)
    made = made_with(problem.family, special.parameter, steps)
    return branch.replace(images=departure.images, origin=special, provenance=made)


def _outward(problem: Problem, centre: At, end: At, steps: Steps) -> Followed:
    """Follow a branch away from its branch point."""
    away = end.y - centre.y
    point = _point_towards(problem, end, away / np.linalg.norm(away))
    return follow(problem, point, steps)


def _point_towards(problem: Problem, end: At, away: np.ndarray) -> Point:
    # Solved again in the subspace: on the sphere it was solved among all states.
    found = correct(problem, problem.join(end.w, end.p), plane(away, problem.join(end.w, end.p)))
    point = problem.point(end if found is None else found[0], away)
    return point if point.tangent @ away > 0 else turned(point)
