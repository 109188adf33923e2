"""Continuation of one branch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._checks import as_state, require_float64
from ...fields import AbstractField, FieldFamily, as_family
from ._assemble import joined
from ._branch import Branch
from ._correct import correct, fixed_parameter
from ._follow import Followed, Steps, follow
from ._made import made_with
from ._problem import Point, Problem, Spectrum, is_invariant

Family = Callable[[Any], AbstractField] | FieldFamily


def continue_branch(
    family: Family,
    start: Any,
    *,
    parameter: tuple[float, float],
    at: float | None = None,
    step: float = 0.02,
    max_step: float = 0.06,
    min_step: float = 1e-7,
    max_points: int = 500,
    escape_radius: float = 1e6,
    spectrum: Spectrum | None = None,
) -> Branch:
    r"""Follow an equilibrium while one parameter of the field changes.

    Pseudo-arclength continuation: the curve :math:`f(w, p) = 0` is followed by its own length, so
    that it may turn back in the parameter. Steps adapt to the curvature and to Newton's method, and
    are halved until no direction changes its stability unseen. A branch stays in the fixed
    subspace of the isotropy group of its start (if the flow of all members of the family leaves
    that invariant), and so passes points where symmetry breaks, whatever the dimension of the
    kernel; the rates outside of the subspace tell where they are. Null directions that continuous
    symmetry or the splitting of aligned students explains are left out.

    Where rates change sign or the branch turns back, the place is located by a bracketing method
    (to about 1e-12 in the parameter) and classified. Between two neighbouring points nothing is
    seen that comes and goes within the step: choose a smaller `max_step` if in doubt.

    Args:
        family: a function from the parameter to a field, of a fixed shape, that JAX can trace; or
            a `FieldFamily`.
        start: an equilibrium, or a state near one, of the fields' shape.
        parameter: the interval `(p0, p1)`, in either order.
        at: the parameter of `start`; `p0` if not given. From inside the interval the branch is
            followed in both directions.
        step: first step, in units of the interval's length and of the size of the start (or 1).
        max_step: longest step.
        min_step: shortest step before giving up.
        max_points: budget of points in each direction.
        escape_radius: a branch whose states have a larger norm has escaped.
        spectrum: a function of a field and a state that returns growth rates, as many at every
            point: eigenvalues of the Jacobian of the flow that decides about stability, when that
            is larger than the field itself (a field on a fixed subspace, say). The field's own
            Jacobian if not given.

    Returns:
        A `Branch`.

    Raises:
        ValueError: on bad input, or if there is no equilibrium near the start.
        RuntimeError: if JAX runs in 32 bits.

    Source: Keller, Numerical solution of bifurcation and nonlinear eigenvalue problems (1977);
        Golubitsky, Stewart and Schaeffer, Singularities and Groups in Bifurcation Theory II (1988).

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = lambda mu: fl.GradientFlow(
        ...     lambda w: jnp.sum(w**4) / 4 - mu * jnp.sum(w**2) / 2, (1,))
        >>> branch = fl.continue_branch(family, jnp.zeros(1), parameter=(-1.0, 1.0))
        >>> [(s.kind, round(s.parameter, 9) + 0.0) for s in branch.special_points]
        [('pitchfork', 0.0)]
        >>> branch.index[[0, -1]].tolist(), branch.outcomes[1].name
        ([0, 1], 'finished')
    """
    require_float64("continue_branch")
    named = as_family(family)
    interval, value = checked_interval(parameter, at)
    steps = Steps(step, max_step, min_step, max_points, escape_radius)
    problem, first = _beginning(named, start, interval, value, spectrum)
    branch = both_ways(problem, first, steps, value)
    return branch.replace(provenance=made_with(named, value, steps))


def both_ways(problem: Problem, first: Point, steps: Steps, value: float) -> Branch:
    """Follow a branch from a point towards the far bound, or towards both from inside."""
    ahead = follow(problem, first, steps)
    if value not in problem.interval:
        behind = None if ahead.closed else follow(problem, turned(first), steps)
        return joined(problem, behind, ahead)
    if len(ahead.points) == 1:
        # At a bound the tangent of a fold may lead out either way.
        ahead = _longer(ahead, follow(problem, turned(first), steps))
    return joined(problem, None, ahead)


def _longer(one: Followed, other: Followed) -> Followed:
    return one if len(one.points) >= len(other.points) else other


def turned(point: Point) -> Point:
    """The same point with its tangent reversed."""
    return Point(point.at, -point.tangent, point.ties, point.growth)


def checked_interval(parameter: Any, at: float | None) -> tuple[tuple[float, float], float]:
    """Return the interval and the parameter of the start, or raise `ValueError`."""
    try:
        first, last = (float(bound) for bound in parameter)
    except (TypeError, ValueError) as error:
        raise ValueError(f"parameter is {parameter!r}; needed: two numbers (p0, p1).") from error
    if not (np.isfinite(first) and np.isfinite(last) and first != last):
        raise ValueError(f"parameter is {parameter!r}; needed: two different finite numbers.")
    value = first if at is None else float(at)
    if not min(first, last) <= value <= max(first, last):
        raise ValueError(f"at is {value}; needed: a parameter within {(first, last)}.")
    return (first, last), value


def _beginning(
    family: FieldFamily,
    start: Any,
    interval: tuple[float, float],
    value: float,
    spectrum: Spectrum | None,
) -> tuple[Problem, Point]:
    field = family(value)
    state = np.asarray(as_state(field.shape, start, "start"), float)
    whole = Problem(family, interval, state, spectrum=spectrum)
    guess = whole.join(state, value)
    ties = whole.ties(whole.at(guess))
    found = correct(whole, guess, fixed_parameter(whole, value), ties)
    if found is None:
        raise ValueError(
            f"there is no equilibrium near the start at {family.parameter} = {value}: Newton's "
            "method does not converge. Use `refine` or `find_critical_points` on that member of "
            "the family first."
        )
    problem = whole.within(invariant_basis(family, interval, value, found[0].w))
    guess = problem.join(found[0].w, value)
    inner = correct(problem, guess, fixed_parameter(problem, value), ties)
    if inner is None:
        problem, inner = whole, found
    towards = np.append(np.zeros(problem.dimension), np.sign(interval[1] - interval[0]))
    point = problem.point(inner[0])
    return problem, point if point.tangent @ towards >= 0 else turned(point)


def invariant_basis(
    family: FieldFamily, interval: tuple[float, float], value: float, w: np.ndarray
) -> np.ndarray:
    """A basis of the fixed subspace of the isotropy group of `w`, or of all states.

    The group is that of a nearby member of the family: a single one may have more symmetry.
    """
    middle = sum(interval) / 2
    group = family(value + 1e-3 * (middle + 0.07 * (interval[1] - interval[0]) - value)).symmetry
    basis = np.asarray(group.fixed_subspace(group.isotropy(w)))
    if len(basis) and is_invariant(family, interval, basis):
        return basis
    return np.eye(w.size).reshape(-1, *w.shape)
