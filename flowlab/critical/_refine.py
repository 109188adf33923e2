"""Refining an approximate critical point to machine precision."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from .._outcome import Outcome
from ..fields import AbstractField
from ._newton import newton_batches
from ._probe import Probe, probe, probes

SINGULAR = 1e-6
"""Closer than this to a singularity of the field nothing counts as a critical point."""

RESIDUAL = 1e-12
"""What a critical point's residual must reach, relative to the scale of the field around it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Refined:
    """What `refine` returns.

    Attributes:
        location: the refined state.
        residual: largest absolute entry of the field there.
        outcome: `settled`, or why it is not a critical point.
        steps: number of iterations.
        distance: Euclidean distance from the start.
    """

    location: np.ndarray
    residual: float
    outcome: Outcome
    steps: int
    distance: float


def residual_tolerance(at: Probe, w: Any) -> float:
    """Return the residual below which `w` counts as a zero of the field in float64.

    1e-12 for fields of unit scale; for others it grows with the Jacobian, whose product with the
    rounding error of `w` is what no iteration can remove.
    """
    scale = np.abs(at.jacobian).sum(-1).max() * max(1.0, float(np.abs(np.asarray(w)).max()))
    return tolerance_of_scale(scale)


def tolerance_of_scale(scale: float) -> float:
    """Return the tolerance where the Jacobian times the state is of the size `scale`."""
    return RESIDUAL * max(1.0, 1e-2 * scale)


def refine(field: AbstractField, w0: Any, *, max_steps: int = 100, throw: bool = True) -> Refined:
    r"""Refine an approximate zero of the field by damped Newton steps.

    Levenberg-Marquardt with :math:`\mu = \nu|f|` (Fan & Yuan 2005): quadratic also towards
    critical manifolds, where the Jacobian is singular and plain Newton fails.

    Args:
        field: the field.
        w0: approximate location, of `field.shape`, float64.
        max_steps: iteration budget.
        throw: raise if no zero is reached; otherwise say so in `outcome`.

    Returns:
        A `Refined`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits, or (with `throw`) if the iteration ends elsewhere: at
            a slow point (a minimum of :math:`|f|` that is not a zero) or at a singularity.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> point = fl.refine(field, jnp.array([[0.9, 0.1], [0.0, 1.1]]))
        >>> point.residual <= 1e-12, point.outcome.name
        (True, 'settled')
    """
    require_float64("refine")
    start = as_state(field.shape, w0, "w0")
    result = newton_batches(field, np.asarray(start)[None], max_steps=max_steps)
    location, residual = np.asarray(result.state[0]), float(result.residual[0])
    outcome = outcome_of(field, location)
    distance = float(np.linalg.norm(location - np.asarray(start)))
    if throw and outcome is not Outcome.settled:
        raise RuntimeError(_message(outcome, residual, location))
    return Refined(location, residual, outcome, int(result.steps[0]), distance)


def outcome_of(field: AbstractField, location: np.ndarray) -> Outcome:
    """Return `settled` if the location is a zero of the field, else what it is."""
    if not np.all(np.isfinite(location)):
        return Outcome.nonfinite
    return _outcome(field.may_rest, probe(field, location), location)


def outcomes_of(field: AbstractField, locations: np.ndarray) -> np.ndarray:
    """Return what `outcome_of` says of each of many finite locations, (n,)."""
    may_rest = field.may_rest  # Equinox makes a new object at each access.
    pairs = zip(probes(field, locations), locations, strict=True)
    return np.array([_outcome(may_rest, at, location) for at, location in pairs], np.int8)


def _outcome(may_rest: Callable[[np.ndarray], bool], at: Probe, location: np.ndarray) -> Outcome:
    if float(at.distance) < SINGULAR:
        return Outcome.singular
    if not np.all(np.isfinite(at.velocity)):
        return Outcome.nonfinite
    if at.residual <= residual_tolerance(at, location):
        return Outcome.settled if may_rest(location) else Outcome.escaped
    return Outcome.exhausted


def _message(outcome: Outcome, residual: float, location: np.ndarray) -> str:
    where = f"near {np.array2string(location, precision=4, separator=', ')}"
    if outcome is Outcome.exhausted:
        return (
            f"No critical point: the iteration ended {where} with a residual of {residual:.3g}. "
            "That is a slow point (a minimum of |f| that is not a zero) or a start too far away. "
            "Start closer, for example at the end of `settle` or `integrate`, or raise `max_steps`."
        )
    return f"No critical point {where}: {outcome.explanation}"
