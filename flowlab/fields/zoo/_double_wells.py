"""Double wells: everything about them is known exactly."""

from typing import Any

from ...symmetry import SignedPermutations
from .._closed_form import ClosedForm
from .._functions import GradientFlow
from .._samplers import Box
from ._describe import describe


def double_well() -> GradientFlow:
    r"""Return the gradient flow of a double well in the plane.

    .. math:: V(x, y) = \tfrac14(x^2-1)^2 + \tfrac12 y^2, \qquad \dot x = x - x^3,\ \dot y = -y

    Minima at (±1, 0), a saddle at the origin; the basins are the half-planes x > 0 and x < 0.
    Starts come from [-2, 2] x [-2, 2].

    Returns:
        A `GradientFlow` of shape (2,) with coordinates x, y.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> float(zoo.double_well().loss(jnp.array([0.0, 0.0])))
        0.25
    """
    return GradientFlow(
        _WELL_AND_BOWL,
        (2,),
        coordinates=("x", "y"),
        loss_floor=0.0,
        sampler=Box([-2.0, -2.0], [2.0, 2.0]),
        spec=describe("double_well"),
    )


def double_wells(n: int = 3) -> GradientFlow:
    r"""Return the gradient flow of a product of `n` double wells.

    .. math:: V(u) = \tfrac14\sum_i (u_i^2-1)^2, \qquad \dot u_i = u_i - u_i^3

    There are :math:`3^n` critical points: every vector of entries -1, 0, 1, with the number of
    zeros as Morse index. Under permutations and sign flips they form n + 1 orbits, of
    :math:`\binom{n}{k}2^{n-k}` points of index k. Each orthant is one basin. Starts come from
    :math:`[-2, 2]^n`.

    Args:
        n: how many.

    Returns:
        A `GradientFlow` of shape (n,) with coordinates u1, ..., un and the symmetry
        `SignedPermutations(n)`.

    Raises:
        ValueError: if `n` is not a positive integer.

    Example:
        >>> from flowlab.fields import zoo
        >>> field = zoo.double_wells(3)
        >>> field.coordinates, field.symmetry.order
        (('u1', 'u2', 'u3'), 48)
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n is {n!r}; needed: the number of double wells, 1 or more.")
    return GradientFlow(
        _WELLS,
        (n,),
        coordinates=tuple(f"u{i + 1}" for i in range(n)),
        symmetry=SignedPermutations(n),
        loss_floor=0.0,
        sampler=Box(-2.0, 2.0),
        spec=describe("double_wells", n=n),
    )


def _wells(xp: Any, u: Any) -> Any:
    return ((u**2 - 1) ** 2).sum() / 4


def _well_and_bowl(xp: Any, w: Any) -> Any:
    return _wells(xp, w[:1]) + w[1] ** 2 / 2


# Made once, so that all systems share one compilation.
_WELLS, _WELL_AND_BOWL = ClosedForm(_wells), ClosedForm(_well_and_bowl)
