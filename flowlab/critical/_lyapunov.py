"""Candidates for a Lyapunov function of a sink, as closed forms."""

from typing import Any

import numpy as np
import scipy

from .._checks import as_state, require_float64
from ..fields import AbstractField, ClosedForm
from ._probe import probe
from ._record import CriticalPoint


def require_sink(jacobian: np.ndarray) -> None:
    """Raise `ValueError` unless all eigenvalues have a clearly negative real part."""
    if np.linalg.eigvals(jacobian).real.max() >= -1e-10 * max(1.0, np.abs(jacobian).max()):
        raise ValueError(
            "the point is not an isolated sink: the Jacobian there has an eigenvalue whose real "
            "part is not negative, so nearby starts need not converge to it."
        )


def lyapunov_form(jacobian: np.ndarray) -> np.ndarray:
    """Return the symmetric solution `P` of the Lyapunov equation `A'P + PA = -I`."""
    form = scipy.linalg.solve_continuous_lyapunov(jacobian.T, -np.eye(len(jacobian)))
    return (form + form.T) / 2


def distance_candidate(point: CriticalPoint | Any) -> ClosedForm:
    r"""Return :math:`V(w) = \tfrac12|w - c|^2`, half the squared distance from a point.

    Args:
        point: `c`: a record, or an array of the field's shape.

    Returns:
        The candidate, for `check_lyapunov`, `prove_lyapunov` and `Sublevel`.

    Raises:
        ValueError: if the point is not finite.

    Source: Tian 2017, Theorem 5.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> float(fl.distance_candidate([1.0, 0.0])(jnp.array([1.0, 2.0])))
        2.0
    """
    location = point.location if isinstance(point, CriticalPoint) else point
    centre = np.asarray(as_state(np.shape(location), location, "point"), float)
    return ClosedForm(
        lambda xp, w: xp.square(w - centre).sum() / 2,
        lambda xp, w: w - centre,
        name=f"|w - c|^2 / 2, c = {centre.tolist()}",
    )


def quadratic_candidate(field: AbstractField, sink: CriticalPoint | Any) -> ClosedForm:
    r"""Return :math:`V(w) = \tfrac12 (w-c)^\top P (w-c)` from the Lyapunov equation at a sink.

    .. math:: A^\top P + P A = -I, \qquad A = Df(c).

    The linearised flow has :math:`\dot V = -\tfrac12|w-c|^2`, so that V decreases near every sink,
    also one that distances do not decrease towards. `P` is rounded to floats; what is proved is
    proved of the rounded one.

    Args:
        field: the field.
        sink: `c`: a record, or a location (refine it first).

    Returns:
        The candidate, for `check_lyapunov`, `prove_lyapunov` and `Sublevel`.

    Raises:
        ValueError: if the Jacobian has an eigenvalue whose real part is not negative.
        RuntimeError: if JAX runs in 32 bits.

    Source: Khalil, Nonlinear Systems (2002), Theorem 4.6.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> V = fl.quadratic_candidate(fl.zoo.duffing(), jnp.array([1.0, 0.0]))
        >>> float(V(jnp.array([1.0, 0.0]))), bool(V(jnp.array([1.1, 0.0])) > 0)
        (0.0, True)
    """
    require_float64("quadratic_candidate")
    location = sink.location if isinstance(sink, CriticalPoint) else sink
    centre = np.asarray(as_state(field.shape, location, "sink"), float)
    jacobian = np.asarray(probe(field, centre).jacobian)
    require_sink(jacobian)
    form = lyapunov_form(jacobian)

    def value(xp: Any, w: Any) -> Any:
        gap = (w - centre).reshape(-1)
        return (gap * (form @ gap)).sum() / 2

    def slope(xp: Any, w: Any) -> Any:
        return (form @ (w - centre).reshape(-1)).reshape(centre.shape)

    return ClosedForm(value, slope, name=f"(w - c)'P(w - c) / 2, c = {centre.tolist()}")
