"""Theorem 6: one student, started in a small ball. The bound, the exact number, the flow."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.special import betainc

from .._types import Key
from ..basins import Fractions, basin_fractions, clopper_pearson
from ..fields import Ball, TeacherStudent, draw
from ._claim import Claim

BATCH = 4_096


def theorem6(dim: int = 10, epsilon: float = 0.1) -> Claim:
    r"""Check the bound of Theorem 6 against the exact probability that :math:`w^0\in\Omega`.

    .. math:: P = \int_0^1 \tfrac12 I_{1-s^2/4}\left(\tfrac{d-1}2, \tfrac12\right)du,
              \qquad s = r u^{1/d}, \quad r = \epsilon\sqrt{2\pi/(d+1)}.

    Args:
        dim: input dimension.
        epsilon: the theorem's epsilon.

    Returns:
        The claim that the probability is at least :math:`(1-\epsilon)/2`.

    Raises:
        ValueError: if `dim` is below 2 or `epsilon` not in (0, 1).

    Source: Tian 2017, Theorem 6.

    Example:
        >>> import flowlab as fl
        >>> round(fl.paper.theorem6(10, 0.1).found, 9)
        0.460065258
    """
    radius = theorem6_radius(dim, epsilon)
    return Claim.at_least(
        f"Theorem 6, d={dim}, ε={epsilon:g}",
        "P(w⁰ ∈ Ω) >= (1 - ε)/2 on the ball of radius r",
        (1 - epsilon) / 2,
        omega_probability(dim, radius),
        "quadrature, to 1e-12",
    )


def omega_probability(dim: int, radius: float) -> float:
    """Return the exact probability that a start uniform on the ball of `radius` <= 2 lies in Ω."""

    def inside(u: float) -> float:
        s = radius * u ** (1 / dim)
        return 0.5 * float(betainc((dim - 1) / 2, 0.5, 1 - s * s / 4))

    return float(quad(inside, 0, 1, epsabs=1e-12)[0])


def theorem6_radius(dim: int, epsilon: float) -> float:
    r"""Return the radius :math:`r = \epsilon\sqrt{2\pi/(d+1)}` of the ball, for a unit teacher.

    Args:
        dim: input dimension.
        epsilon: the theorem's epsilon.

    Returns:
        The radius.

    Raises:
        ValueError: if `dim` is below 2 or `epsilon` not in (0, 1).

    Example:
        >>> import flowlab as fl
        >>> round(fl.paper.theorem6_radius(10, 0.1), 9)
        0.075577686
    """
    if int(dim) != dim or dim < 2:
        raise ValueError(f"dim is {dim!r}; needed: a whole number of dimensions, at least 2.")
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon is {epsilon!r}; needed: a number between 0 and 1.")
    return epsilon * math.sqrt(2 * math.pi / (dim + 1))


@dataclasses.dataclass(frozen=True)
class Theorem6:
    """Theorem 6 measured: what it bounds, what that is exactly, and what the flow does.

    Attributes:
        dim: input dimension.
        epsilon: the theorem's epsilon.
        radius: radius of the ball that starts come from.
        bound: the theorem's bound, (1 - ε)/2.
        exact: the exact probability that a start lies in Ω.
        starts: number of starts drawn.
        inside: how many of them lie in Ω.
        inside_interval: exact interval for the probability that a start lies in Ω.
        followed: how many of the starts were followed by the flow.
        converged: how many of these reached the teacher.
        converged_interval: exact interval for the probability of convergence. The truth is 1.
        outcomes: the followed starts by where they ended.

    Example:
        >>> import jax, flowlab as fl
        >>> found = fl.paper.measure_theorem6(2, 0.5, key=jax.random.key(0), followed=100)
        >>> found.converged, found.inside_interval[0] < found.exact < found.inside_interval[1]
        (100, True)
    """

    dim: int
    epsilon: float
    radius: float
    bound: float
    exact: float
    starts: int
    inside: int
    inside_interval: tuple[float, float]
    followed: int
    converged: int
    converged_interval: tuple[float, float]
    outcomes: Fractions = dataclasses.field(repr=False)


def measure_theorem6(
    dim: int = 10,
    epsilon: float = 0.1,
    *,
    key: Key,
    starts: int = 100_000,
    followed: int = 1_000,
    confidence: float = 0.95,
) -> Theorem6:
    r"""Measure both sides of Theorem 6: the chance of a start in Ω, and that of converging.

    One student learns one teacher :math:`w^*`, :math:`|w^*| = 1`, from starts uniform on the ball
    of radius :math:`r = \epsilon\sqrt{2\pi/(d+1)}`. The theorem says that it converges with
    probability at least :math:`(1-\epsilon)/2`; its proof bounds the probability that
    :math:`w^0\in\Omega = \{|w-w^*| < |w^*|\}`, from where Theorem 5 leads to the teacher.

    The probability of convergence itself is 1, in every dimension :math:`d\ge2` and for every
    radius. The angle :math:`\theta` between student and teacher obeys

    .. math:: \dot\theta = -\frac{|w^*|}{2\pi|w|}(\pi-\theta)\sin\theta < 0
              \quad\text{for } 0 < \theta < \pi,

    so it falls from every start that does not point exactly away from the teacher, which almost no
    start does, and nothing but the teacher is left for the student to rest at.

    Args:
        dim: input dimension.
        epsilon: the theorem's epsilon.
        key: random key; start i uses `fold_in(key, i)`.
        starts: number of starts drawn, to see how many lie in Ω.
        followed: how many of these, the first ones, the flow is followed from.
        confidence: confidence of the intervals.

    Returns:
        A `Theorem6`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorems 5 and 6.

    Example:
        >>> import jax, flowlab as fl
        >>> found = fl.paper.measure_theorem6(2, 0.5, key=jax.random.key(0), followed=100)
        >>> found.bound, round(found.exact, 6)
        (0.25, 0.422173)
    """
    claim, radius = theorem6(dim, epsilon), theorem6_radius(dim, epsilon)
    if not 1 <= followed <= starts:
        raise ValueError(
            f"followed is {followed!r} of {starts!r} starts; needed: 1 or more, and no more than "
            "the starts."
        )
    field, law = TeacherStudent(jnp.eye(1, dim)), Ball(radius)
    inside = _inside(field, law, key, starts)
    outcomes = basin_fractions(field, law, key=key, starts=followed, confidence=confidence)
    teachers = [i for i, p in enumerate(outcomes.catalog) if p.kind == "global minimum"]
    converged = int(outcomes.hits[teachers].sum())
    intervals = [
        tuple(float(end) for end in clopper_pearson(hits, trials, confidence))
        for hits, trials in ((inside, starts), (converged, followed))
    ]
    return Theorem6(
        dim=dim,
        epsilon=epsilon,
        radius=radius,
        bound=claim.expected,
        exact=claim.found,
        starts=starts,
        inside=inside,
        inside_interval=(intervals[0][0], intervals[0][1]),
        followed=followed,
        converged=converged,
        converged_interval=(intervals[1][0], intervals[1][1]),
        outcomes=outcomes,
    )


def _inside(field: TeacherStudent, law: Ball, key: Key, starts: int) -> int:
    """Count the starts that lie in Ω, a batch at a time."""
    teacher, count = np.asarray(field.teacher), 0
    for first in range(0, starts, BATCH):
        size = min(BATCH, starts - first)
        away = np.asarray(draw(law, key, field.shape, first, size)) - teacher
        count += int(np.sum(np.sum(away**2, axis=(1, 2)) < 1))
    return count
