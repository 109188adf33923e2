"""Section 6.1: the flow, its energy, and one student (Eqns 15-16, Theorem 5, around Theorem 6)."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np

from .._types import Key
from ..fields import TeacherStudent
from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort
from ._gating import slopes, smooth_states
from ._theorem6 import measure_theorem6, theorem6


def equation15(effort: Effort) -> tuple[Claim, ...]:
    """Eqn 15: the field is minus the gradient of the population loss."""
    rng, gaps = effort.rng("Eqn 15"), []
    for K, dim in effort.of(((2, 3),), ((2, 3), (5, 5), (4, 10))):
        V, W = smooth_states(rng, K, dim)
        gaps.append(np.abs(np.asarray(TeacherStudent(V)(0.0, jnp.asarray(W))) + slopes(W, V)).max())
    return (
        Claim.equal(
            "Eqn 15",
            "dw/dt = -E[∇J]: the field is minus the slope of the loss",
            0.0,
            max(gaps),
            1e-9,
            "differences of fourth order of the closed form of the loss: largest difference",
        ),
    )


def equation16(key: Key, *, K: int = 3) -> Claim:
    r"""Check the energy identity of Eqn 16 with its sign put right.

    .. math:: \frac{dE[J]}{dt} = E[\nabla J]^T\frac{dw}{dt} = -|E[\nabla J]|^2

    Args:
        key: random key for a state.
        K: number of students.

    Returns:
        The claim that the derivative of the loss along the field is minus the squared gradient.

    Source: Tian 2017, Eqn 16 (the paper's middle term has the wrong sign).

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.equation16(jax.random.key(0)).verdict
        'corrected'
    """
    field = TeacherStudent(jnp.eye(K))
    w = jax.random.normal(key, field.shape)
    velocity = field(0.0, w)
    _, rate = jax.jvp(field.loss, (w,), (velocity,))
    return Claim.corrected(
        "Eqn 16",
        "dE[J]/dt = +E[∇J]'dw/dt = -|E[∇J]|² (printed: a minus in the middle)",
        claimed=-float(jnp.sum(field.gradient(w) * velocity)),
        expected=-float(jnp.sum(field.gradient(w) ** 2)),
        found=float(rate),
        tolerance=1e-13,
        method=f"the loss differentiated along the field at a random state, K = {K}",
    )


def theorem5_proved(effort: Effort) -> tuple[Claim, ...]:
    r"""Theorem 5, proved in every dimension by ball arithmetic, with the rate.

    .. math:: \dot V \le -\lambda V, \qquad \lambda = 1 - \frac{\pi+\sqrt{\pi^2+4}}{4\pi}
              \quad\text{wherever } \theta \le \pi/2,

    and a sample of Ω in several dimensions, with the gradient as it is, on which
    :math:`\dot V/V` has to stay below that.
    """
    from ..certify import CertificationError, theorem5

    rate = 1 - (np.pi + np.sqrt(np.pi**2 + 4)) / (4 * np.pi)
    try:
        proof = theorem5(1e-6)
        found, how = proof.contraction, f"{proof.pieces} pieces, {proof.precision} bits"
    except CertificationError as refusal:
        found, how = np.nan, str(refusal)
    rng, worst, count = effort.rng("Theorem 5"), -np.inf, effort.of(2_000, 100_000)
    for dim in (2, 3, 10, 100):
        star = np.eye(1, dim)
        directions = rng.standard_normal((count // 4, dim))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        # As many near the ends of the radius, where the proof is hard, as elsewhere.
        radii = rng.beta(0.3, 0.3, count // 4)
        for away in directions * np.clip(radii, 1e-6, 1 - 1e-9)[:, None]:
            velocity = -forms.gradient(star + away, star)[0]
            worst = max(worst, 2 * float(away @ velocity) / float(away @ away))
    return (
        Claim.equal(
            "Theorem 5",
            "on Ω = {|w - w*| < |w*|} dV/dt < 0, so that w → w*: dV/dt ≤ -λV",
            rate,
            found,
            1e-9,
            f"certificate: ball arithmetic, any d ({how}); expected λ = 1 - (π + √(π²+4))/4π",
            "proved",
        ),
        Claim.at_most(
            "Theorem 5, sample",
            "dV/dt ≤ -λV on Ω for the gradient as computed",
            -rate,
            worst,
            f"{count:,} states of Ω, d = 2, 3, 10, 100: the largest (dV/dt)/V",
        ),
    )


def equation_s50(effort: Effort) -> tuple[Claim, ...]:
    r"""S 49-54: :math:`\dot V = -\frac{N}{2\pi}y^TMy`, and the determinant of M.

    As printed the factor is missing. The determinant is expanded to

    .. math:: 4\det M = (4\pi^2-4\pi\theta-1)\sin^2\theta +
              \theta\cos\theta(2\sin\theta-\theta\cos\theta) .
    """
    rng = effort.rng("S49")
    star, w = rng.standard_normal((2, 4))
    theta, y = forms.angle(star, w), np.array([np.linalg.norm(star), np.linalg.norm(w)])
    form = float(y @ _matrix(float(theta)) @ y)
    angles = np.linspace(0, np.pi, effort.of(1_000, 100_000))
    s, c = np.sin(angles), np.cos(angles)
    expanded = (4 * np.pi**2 - 4 * np.pi * angles - 1) * s**2 + angles * c * (2 * s - angles * c)
    determinant = 4 * np.linalg.det(np.moveaxis(_matrix(angles), -1, 0))
    return (
        Claim.corrected(
            "Eqns S49-S50",
            "dV/dt = -(N/2π) y'My (printed: without N/2π)",
            claimed=-form,
            expected=-form / (2 * np.pi),
            found=-float((w - star) @ forms.gradient(w[None], star[None])[0]),
            tolerance=1e-13,
            method="the gradient at a random state, d = 4",
        ),
        Claim.equal(
            "Eqns S51-S54",
            "4 det M = (4π² - 4πθ - 1) sin²θ + θ cos θ (2 sin θ - θ cos θ)",
            0.0,
            float(np.abs(expanded - determinant).max()),
            1e-12,
            f"the determinant at {len(angles):,} angles from 0 to π: largest difference",
        ),
    )


def _matrix(theta: float | np.ndarray) -> np.ndarray:
    """The M of S 50, for one angle or many (the last axis)."""
    mixed = -(2 * np.pi - theta) * np.cos(theta) - np.sin(theta)
    corner = np.sin(2 * theta) + 2 * np.pi - 2 * theta
    return np.array([[corner, mixed], [mixed, 2 * np.pi + 0 * theta]]) / 2


def theorem5_remark(effort: Effort) -> tuple[Claim, ...]:
    """The remark to Theorem 5: convergence is not bounded by Ω.

    The paper has half of the starts near 0 in Ω. In fact the angle decreases strictly, so that all
    starts off the ray {-c w*} converge: proved by ball arithmetic (`one_student_convergence`).
    """
    from ..certify import CertificationError, one_student_convergence

    try:
        proof = one_student_convergence()
        least, how = min(proof.turning, proof.lifting), f"{proof.pieces} pieces"
    except CertificationError as refusal:
        least, how = np.nan, str(refusal)
    return (
        Claim.at_least(
            "Theorem 5, remark",
            "one student converges from every start off the ray {-c w*}, so with probability 1",
            0.0,
            least,
            f"certificate: ball arithmetic ({how}): least of sin θ/θ(π-θ) and h(θ)/(π-θ)³",
            "sharpened",
        ),
    )


def theorem6_bound(effort: Effort) -> tuple[Claim, ...]:
    """Theorem 6: P(w⁰ ∈ Ω) on the ball of radius ε √(2π/(d+1)), exactly."""
    dims = effort.of((2, 10, 100), (2, 3, 5, 10, 30, 100, 1000))
    return tuple(theorem6(dim, epsilon) for dim in dims for epsilon in (0.1, 0.5))


def theorem6_convergence(effort: Effort) -> tuple[Claim, ...]:
    """Theorem 6: the probability of converging to the teacher, from starts that the flow follows.

    The bound is (1 - ε)/2; all starts converge.
    """
    name, epsilon, confidence = "Theorem 6, flow", 0.5, 0.999
    rows = []
    for dim in effort.of((2,), (2, 10)):
        found = measure_theorem6(
            dim,
            epsilon,
            key=effort.key_of(name),
            starts=effort.of(10_000, 100_000),
            followed=effort.of(300, 2_000),
            confidence=confidence,
        )
        rows.append(
            Claim.at_least(
                f"{name}, d={dim}",
                "P(w → w*) ≥ (1 - ε)/2; it is 1",
                found.bound,
                found.converged_interval[0],
                f"the flow from {found.followed:,} starts, {found.converged:,} converge: lower "
                f"end of the exact {confidence:.1%} interval, ε = {epsilon:g}",
                "sharpened" if found.converged == found.followed else "holds",
            )
        )
    return tuple(rows)


def equation_s61(effort: Effort) -> tuple[Claim, ...]:
    r"""S 61: both bounds of :math:`\Gamma(x+1)/\Gamma(x+s)`, and the name of the upper one.

    .. math:: x^{1-s} < \frac{\Gamma(x+1)}{\Gamma(x+s)} < (x+s)^{1-s}

    The upper bound is Wendel's (1948); Gautschi's (1959) is :math:`(x+1)^{1-s}`, and weaker: with
    it the radius of Theorem 6 would be :math:`\epsilon\sqrt{2\pi/(d+2)}`.
    """
    rng, margins = effort.rng("S61"), []
    points = [(d / 2, 0.5) for d in range(1, effort.of(200, 2_000))]
    points += [(10.0**u, s) for u, s in rng.uniform([-2, 0.01], [4, 0.99], (200, 2))]
    with mpmath.workdps(30):
        for x, s in points:
            ratio = mpmath.gamma(x + 1) / mpmath.gamma(mpmath.mpf(x) + s)
            lower, upper = mpmath.mpf(x) ** (1 - s), (mpmath.mpf(x) + s) ** (1 - s)
            gautschi = mpmath.mpf(x + 1) ** (1 - s)
            margins.append(min(ratio / lower, upper / ratio, gautschi / upper) - 1)
    return (
        Claim.at_least(
            "Eqn S61",
            "x^(1-s) < Γ(x+1)/Γ(x+s) < (x+s)^(1-s): the upper bound is Wendel's, not Gautschi's",
            0.0,
            float(min(margins)),
            f"30 digits at {len(points)} points: least relative margin of the bounds, and between "
            "Wendel's and Gautschi's",
            "misprint",
        ),
    )
