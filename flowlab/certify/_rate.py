r"""Enclosures of :math:`\dot V = \langle\nabla V, f\rangle` over boxes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from ..fields import AbstractField, AbstractRegion, ClosedForm, evaluate, name_of
from ._balls import BALLS, BallArray, balls
from ._closed import closed_velocity
from ._duals import gradient
from ._refusal import CertificationError


def box_of(lower: np.ndarray, upper: np.ndarray) -> BallArray:
    """Return balls that contain the box between two corners."""
    return np.frompyfunc(arb.union, 2, 1)(balls(lower), balls(upper))


@dataclasses.dataclass(frozen=True, eq=False)
class Rate:
    """The rate of change of a candidate along a field."""

    velocity: ClosedForm
    V: ClosedForm

    def on(self, xp: Any, w: Any) -> Any:
        """Return the rate with the operations of `xp`."""
        return (self.V.gradient(xp, w) * self.velocity.on(xp, w)).sum()

    def over(self, box: BallArray) -> arb:
        """Return a ball that contains the rates over a box: each operation's own enclosure."""
        return _number(self.on(BALLS, box))

    def sharper(self, lower: np.ndarray, upper: np.ndarray) -> tuple[arb, np.ndarray | None]:
        r"""Return a ball by the mean value theorem, and which coordinates it owes its width to.

        .. math:: \dot V(w) \in \dot V(m) + \sum_i \partial_i\dot V(X)\,(X_i - m_i)

        Over small boxes it is much tighter than `over`. Where a derivative is not bounded the ball
        is undefined and the second value `None`.
        """
        box, middle = box_of(lower, upper), balls(lower + (upper - lower) / 2)
        slopes = gradient(self.on, box)
        if not all(slope.is_finite() for slope in slopes.ravel()):
            return arb.nan(), None
        parts = (slopes * (box - middle)).ravel()
        widths = np.array([float(part.abs_upper()) for part in parts]).reshape(lower.shape)
        return self.over(middle) + sum(parts, arb(0)), widths


def rate_of(field: AbstractField, V: Callable[[Any], Any]) -> Rate:
    """Return the rate of a candidate along a field, or refuse.

    Raises:
        CertificationError: if one of them has no closed form.
    """
    if not isinstance(V, ClosedForm):
        raise CertificationError(
            f"{name_of(V)} cannot be evaluated on balls. Needed: a closed form, such as "
            "`loss_candidate(field)`, `distance_candidate(point)`, `quadratic_candidate(field, "
            "sink)` or `ClosedForm(lambda xp, w: ...)`."
        )
    return Rate(closed_velocity(field), V)


def tried(rate: Rate, region: AbstractRegion, w: np.ndarray) -> None:
    """Evaluate everything once, so that what balls cannot evaluate is refused in plain words.

    Raises:
        CertificationError: if a function cannot be evaluated on balls.
    """
    point = balls(w)
    try:
        value, level = _number(rate.on(BALLS, point)), _number(region.level(BALLS, point))
        _number(evaluate(rate.V, BALLS, point))
    except CertificationError:
        raise
    except (TypeError, AttributeError, ValueError) as error:
        raise CertificationError(
            f"V, the field or the region cannot be evaluated on balls: {error}. Closed forms use "
            "the operations of `xp` (see `ClosedForm`) and NumPy constants, not jax.numpy."
        ) from error
    if not (isinstance(value, arb) and isinstance(level, arb)):
        raise CertificationError("V or the level of the region is not a scalar.")


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
