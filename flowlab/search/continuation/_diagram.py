"""All branches that hang together with one."""

from typing import Any

import numpy as np

from ..._checks import require_float64
from ...fields import FieldFamily, as_family
from ._branch import Branch
from ._continue import Family, continue_branch
from ._correct import correct, fixed_parameter
from ._depart import departures
from ._follow import Steps
from ._problem import At, Problem, Spectrum
from ._special import SpecialPoint
from ._switch import chosen, followed


def bifurcation_diagram(
    family: Family,
    start: Any,
    *,
    parameter: tuple[float, float],
    at: float | None = None,
    max_branches: int = 20,
    max_depth: int = 4,
    radius: float = 0.02,
    step: float = 0.02,
    max_step: float = 0.06,
    min_step: float = 1e-7,
    max_points: int = 500,
    escape_radius: float = 1e6,
    spectrum: Spectrum | None = None,
) -> list[Branch]:
    r"""Follow a branch, those that meet it, those that meet these, and so on, up to symmetry.

    A branch that was followed before, or a symmetric image of one, is not followed again. Branches
    that hang together with none of these are not found: start from further equilibria
    (`find_critical_points` at one parameter).

    Args:
        family: the family of fields, as for `continue_branch`.
        start: an equilibrium of the first branch, or a state near one.
        parameter: the interval `(p0, p1)`.
        at: the parameter of `start`; `p0` if not given.
        max_branches: budget of branches.
        max_depth: number of switches that lead to the last branches.
        radius: as for `switch_branches`.
        step: first step.
        max_step: longest step.
        min_step: shortest step before giving up.
        max_points: budget of points of each branch in each direction.
        escape_radius: a branch whose states have a larger norm has escaped.
        spectrum: as for `continue_branch`.

    Returns:
        The branches, the first one first.

    Raises:
        ValueError: on bad input, or if there is no equilibrium near the start.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> wells = lambda mu: fl.GradientFlow(
        ...     lambda w: jnp.sum(w**4) / 4 - mu * jnp.sum(w**2) / 2, (2,),
        ...     symmetry=fl.SignedPermutations(2))
        >>> branches = fl.bifurcation_diagram(wells, jnp.zeros(2), parameter=(-0.5, 1.0))
        >>> sorted((b.images, int(b.index[-1])) for b in branches)
        [(1, 2), (2, 0), (2, 1)]
    """
    require_float64("bifurcation_diagram")
    named = as_family(family)
    steps = Steps(step, max_step, min_step, max_points, escape_radius)
    first = continue_branch(
        named,
        start,
        parameter=parameter,
        at=at,
        step=step,
        max_step=max_step,
        min_step=min_step,
        max_points=max_points,
        escape_radius=escape_radius,
        spectrum=spectrum,
    )
    branches, depths, visited = [first], [0], []
    for branch, depth in zip(branches, depths, strict=False):
        if depth >= max_depth:
            continue
        for special in chosen(branch, None):
            if _is_known(named, special, visited):
                continue
            visited.append(special)
            whole = Problem(named, branch.interval, special.state, spectrum=spectrum)
            for departure in departures(whole, special, radius):
                if len(branches) >= max_branches:
                    return branches
                if not any(lies_on(whole, departure.ahead, other) for other in branches):
                    branches.append(followed(departure, special, steps))
                    depths.append(depth + 1)
    return branches


def _is_known(family: FieldFamily, special: SpecialPoint, visited: list[SpecialPoint]) -> bool:
    """Whether branches were switched at this point, or at an image of it, before."""
    group = family(special.parameter).symmetry
    return any(
        abs(special.parameter - other.parameter) < 1e-6
        and group.same_orbit(special.state, other.state, tol=1e-5)
        for other in visited
    )


def lies_on(whole: Problem, end: At, branch: Branch) -> bool:
    """Whether a state lies on a branch or on a symmetric image of it."""
    group = whole.group(end.p)
    above = branch.parameter > end.p
    for number in np.flatnonzero(above[1:] != above[:-1]):
        old, new = branch.parameter[number], branch.parameter[number + 1]
        share = (end.p - old) / (new - old)
        state = branch.states[number] + share * (branch.states[number + 1] - branch.states[number])
        guess = whole.join(state, end.p)
        found = correct(whole, guess, fixed_parameter(whole, end.p), whole.ties(whole.at(guess)))
        if found is not None and group.same_orbit(found[0].w, end.w, tol=1e-5 * whole.scale):
            return True
    return False
