r"""Capture balls of teacher-student fields: a radius within which everything converges to a sink.

For :math:`x = w - w^*` and the mean of Hessians on the segment from the sink

.. math:: \tfrac12\tfrac{d}{dt}|x|^2 = -\langle x, \nabla J(w)\rangle
          \le -\Bigl(\lambda_{\min} - \tfrac L2|x|\Bigr)|x|^2,

L being a Lipschitz constant of the Hessian on the ball. Where :math:`L|x| < 2\lambda_{\min}` the
distance falls, so that a ball of that radius is forward invariant and all of it converges.

**The constant.** The pair kernel :math:`k(w, u) = |w||u|h(\theta)/2\pi` has, in the plane of w and
u and across it, third derivatives whose norms are found exactly. If w moves by :math:`\delta`,

.. math:: |d\,\partial_w\partial_u k| \le c_1\frac{|\delta|}{|w|}, \qquad
          |d\,\partial_w^2 k| \le c_2\frac{|u||\delta|}{|w|^2}, \qquad
          c_1 = \frac{\sqrt5}{2\pi}, \quad c_2 = \frac{\sqrt{31/3}}{2\pi} ;

and if u moves, :math:`|d\,\partial_w^2 k| \le c_1|\delta|/|w|`, being the same tensor. At aligned
and opposite pairs the second derivatives are continuous, so that the bounds hold along any segment
without a zero student. If :math:`\delta` has unit norm, the block :math:`H_{ii}` contributes at
most :math:`c_2|a_i|(\sum_{j\ne i}|a_jw_j| + \sum_k|b_kv_k|)/|w_i|^2` by the motion of its own
student, and with :math:`A = \max|a_i|`, :math:`m = \min|w_i|` all that is left is at most
:math:`c_1A^2(\sqrt{K-1} + 2\sqrt K)/m`, by Cauchy's inequality.
"""

from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from ._balls import BallArray, balls, largest, total

if TYPE_CHECKING:
    from ._field import StudentBalls

RATIO = 0.95
"""Of neighbouring radii that are tried."""

TRIES = 200


def student_ball(field: "StudentBalls", centre: np.ndarray, error: arb, smallest: arb) -> float:
    """Return the radius of a ball around `centre` from which all converges to the sink; 0 if none.

    Args:
        field: the field.
        centre: a state, (K, d).
        error: how far the sink may lie from it, in the Euclidean norm.
        smallest: contains the smallest eigenvalue of the Hessian at the sink.
    """
    least = smallest.lower()
    if not least > 0:
        return 0.0
    norms = [total(entry * entry for entry in student).sqrt() for student in balls(centre)]
    radius = float(np.linalg.norm(centre, axis=1).min())
    for _ in range(TRIES):
        # The ball around the sink that holds the one around the centre, and what it reaches.
        wide = arb(radius) + error
        bound = lipschitz(field, norms, wide + error)
        if bound is not None and bound * wide < 2 * least:
            return radius
        radius *= RATIO
    return 0.0


def lipschitz(field: "StudentBalls", norms: list[arb], reach: arb) -> arb | None:
    """Return an upper bound of the Lipschitz constant of the Hessian near a state.

    Args:
        field: the field.
        norms: those of the students at the state.
        reach: how far each student may move from there.

    Returns:
        The bound; `None` if a student may be zero within `reach`.
    """
    shortest, longest = [n - reach for n in norms], [n + reach for n in norms]
    if not all(n > 0 for n in shortest):
        return None
    a = [abs(x) for x in balls(field.output_weights)]
    b = [abs(x) for x in balls(field.teacher_weights)]
    K, tau = len(a), 2 * arb.pi()
    c1, c2 = arb(5).sqrt() / tau, (arb(31) / 3).sqrt() / tau
    taught = total(x * _norm(v) for x, v in zip(b, balls(field.teacher), strict=True))
    learned = [x * n for x, n in zip(a, longest, strict=True)]
    own = largest(
        a[i] * (total(learned[:i] + learned[i + 1 :]) + taught) / (shortest[i] * shortest[i])
        for i in range(K)
    )
    heaviest, thinnest = largest(a), -largest(-n for n in shortest)
    others = heaviest * heaviest / thinnest * (arb(K - 1).sqrt() + 2 * arb(K).sqrt())
    return (field.scale * (c2 * own + c1 * others)).upper()


def _norm(vector: BallArray) -> arb:
    return total(entry * entry for entry in vector).sqrt()
