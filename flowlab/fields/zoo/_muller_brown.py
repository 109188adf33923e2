"""The surface on which searches for saddles have been tried since 1979."""

from typing import Any

import numpy as np

from .._closed_form import ClosedForm
from .._functions import GradientFlow
from .._samplers import Box
from ._describe import describe

_HEIGHT = np.array([-200.0, -100.0, -170.0, 15.0])
_XX = np.array([-1.0, -1.0, -6.5, 0.7])
_XY = np.array([0.0, 0.0, 11.0, 0.6])
_YY = np.array([-10.0, -10.0, -6.5, 0.7])
_X = np.array([1.0, 0.0, -0.5, -1.0])
_Y = np.array([0.0, 0.5, 1.5, 1.0])


def muller_brown() -> GradientFlow:
    r"""Return the gradient flow of the Müller-Brown potential.

    .. math:: V(x, y) = \sum_{i=1}^4 A_i \exp[a_i(x-x_i)^2 + b_i(x-x_i)(y-y_i) + c_i(y-y_i)^2]

    It has three minima, of which the deepest is at (-0.558, 1.442), and two saddles in a row
    between them. The valleys are curved and the potential grows like an exponential away from
    them, so the flow is stiff. Starts come from [-1.5, 1.2] x [-0.2, 2].

    Returns:
        A `GradientFlow` of shape (2,) with coordinates x, y.

    Source: Müller and Brown, Theoretica Chimica Acta 53 (1979) 75-93.

    Example:
        >>> import jax.numpy as jnp
        >>> from flowlab.fields import zoo
        >>> round(float(zoo.muller_brown().loss(jnp.array([-0.55822363, 1.44172584]))), 2)
        -146.7
    """
    return GradientFlow(
        _POTENTIAL,
        (2,),
        coordinates=("x", "y"),
        sampler=Box([-1.5, -0.2], [1.2, 2.0]),
        spec=describe("muller_brown"),
    )


def _potential(xp: Any, w: Any) -> Any:
    x, y = w[0] - _X, w[1] - _Y
    return (_HEIGHT * xp.exp(_XX * x**2 + _XY * x * y + _YY * y**2)).sum()


# Made once, so that all systems share one compilation.
_POTENTIAL = ClosedForm(_potential)
