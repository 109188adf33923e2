"""Lemmas 3-9 of the supplement: the steps to Theorem 7, on random points and on the worst ones.

Everything is about Eqn S69, which the row of that name holds against the full flow.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import root

from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort
from ._symmetric import diagonal, dynamics, lift, trig

QUICK = 2, 3, 5, 10
FULL = 2, 3, 4, 5, 7, 10, 30, 100
"""Numbers of students."""

SLACK = -1e-13
"""A margin that is 0 at some points may come out this much below."""


def _sizes(effort: Effort) -> tuple[int, ...]:
    return effort.of(QUICK, FULL)


def _shown(effort: Effort) -> str:
    return f"K = {', '.join(map(str, _sizes(effort)))}"


def _triangle(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points with x > y ≥ 0: random ones, and ones near y = 0, the diagonal and the origin."""
    y, gap = rng.uniform(0, 1, count), rng.uniform(0, 1, count)
    small = 10.0 ** rng.uniform(-6, 0, (2, count))
    y = np.concatenate([y, small[0], y, 1e-3 * y, 0 * y])
    gap = np.concatenate([gap, gap, small[1], 1e-3 * gap, gap])
    gap = np.maximum(gap, 1e-6)
    return y + gap, y


def lemma3(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 3: angles in the triangle :math:`x > y \ge 0`.

    (1) :math:`\varphi,\varphi^*\in[0,\pi/2]`, :math:`\theta<\arccos(1/\sqrt K)`; (2)
    :math:`\cos\varphi=1-\alpha^2(x-y)^2`,
    :math:`\sin\varphi=\alpha(x-y)\sqrt{2-\alpha^2(x-y)^2}`; (3) :math:`\varphi^*\ge\varphi` and
    :math:`\varphi^*>\theta`. The angles are those of the students and teachers themselves.
    """
    rng, gaps, margins = effort.rng("Lemma 3"), [], []
    for K in _sizes(effort):
        x, y = _triangle(rng, effort.of(20, 200))
        angles = np.array([_measured(K, *z) for z in zip(x, y, strict=True)]).T
        theta, star, phi = angles
        reach = (x - y) / np.sqrt(x**2 + (K - 1) * y**2)
        gaps += [np.abs(np.cos(phi) - (1 - reach**2)).max()]
        gaps += [np.abs(np.sin(phi) - reach * np.sqrt(2 - reach**2)).max()]
        gaps += [np.abs(np.stack(trig(K, x, y)[1:]) - angles).max()]
        limits = (phi, star, np.pi / 2 - phi, np.pi / 2 - star, np.arccos(K**-0.5) - theta)
        margins += [np.min(limits), (star - phi).min(), (star - theta).min()]
    return (
        Claim.equal(
            "Lemma 3 (2)",
            "cos φ = 1 - α²(x-y)², sin φ = α(x-y) √(2 - α²(x-y)²)",
            0.0,
            max(gaps),
            1e-13,
            f"angles of the vectors themselves, {_shown(effort)}: largest difference",
        ),
        Claim.at_least(
            "Lemma 3 (1), (3)",
            "φ, φ* in [0, π/2], θ < arccos 1/√K, φ* ≥ φ, φ* > θ where x > y ≥ 0",
            SLACK,
            min(margins),
            f"the same points, also near y = 0 and x = y, {_shown(effort)}: least margin",
        ),
    )


def _measured(K: int, x: float, y: float) -> tuple[float, float, float]:
    w, e = lift(K, x, y), np.eye(K)
    pairs = ((w[0], e[0]), (w[0], e[1]), (w[0], w[1]))
    theta, star, phi = (float(forms.angle(u, v)) for u, v in pairs)
    return theta, star, phi


def lemma4(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 4: the flow goes inwards on the three edges of :math:`\Omega_\epsilon`.

    On y = 0 its second component is :math:`\tfrac\pi2(1-x)\ge0`; on x = 1 its first is not
    positive; on :math:`x=y+\epsilon` the inward component is
    :math:`f_3\ge\epsilon\alpha(K-1)(C_1-\epsilon C_2)`, with :math:`C_1=\sqrt{1-1/K}` and
    :math:`C_2=\sqrt2(1+\pi/2(K-1))`.
    """
    rng, bottom, side, edge = effort.rng("Lemma 4"), [], [], []
    count = effort.of(2_000, 100_000)
    for K in _sizes(effort):
        x = np.append(rng.uniform(1e-6, 1, count), 1.0)
        bottom.append(np.abs(dynamics(K, x, 0 * x)[1] - np.pi / 2 * (1 - x)).max())
        y = np.concatenate([rng.uniform(0, 1, count), 10.0 ** rng.uniform(-9, 0, count), [0, 1]])
        side.append(dynamics(K, np.ones_like(y), y)[0].max())
        C1, C2 = np.sqrt(1 - 1 / K), np.sqrt(2) * (1 + np.pi / (2 * (K - 1)))
        epsilon = (
            C1
            / C2
            * np.concatenate([rng.uniform(1e-4, 1, count), 10.0 ** rng.uniform(-4, 0, count)])
        )
        y = np.resize(y, len(epsilon))
        dx, dy = dynamics(K, y + epsilon, y)
        alpha = trig(K, y + epsilon, y).alpha
        edge.append(((dx - dy) / epsilon - alpha * (K - 1) * (C1 - epsilon * C2)).min())
    return (
        Claim.equal(
            "Lemma 4, y = 0",
            "the flow goes inwards: -(2π/N)∇_y = (π/2)(1 - x) ≥ 0",
            0.0,
            max(bottom),
            1e-13,
            f"{count:,} points, {_shown(effort)}: largest difference",
        ),
        Claim.at_most(
            "Lemma 4, x = 1",
            "the flow goes inwards: -∇_x ≤ 0",
            -SLACK,
            max(side),
            f"{2 * count:,} points, also near y = 0, {_shown(effort)}: largest -(2π/N)∇_x",
        ),
        Claim.at_least(
            "Lemma 4, x = y + ε",
            "the flow goes inwards: f3 ≥ εα(K-1)(C1 - ε C2), positive for small ε",
            1e3 * SLACK,
            min(edge),
            f"{2 * count:,} points, {_shown(effort)}: least margin, over ε",
        ),
    )


def lemma5(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 5: one parameter :math:`\beta` for all angles.

    With :math:`\epsilon=x-y`, :math:`\beta=\sqrt{K-(K-1)\alpha^2\epsilon^2}` and
    :math:`\beta_2=\sqrt{(K-\beta^2)/(K-1)}`: :math:`K\alpha y=\beta-\beta_2`,
    :math:`K\alpha x=\beta+(K-1)\beta_2`, :math:`\alpha=\beta_2/\epsilon`, and
    :math:`\beta=\cos\theta+\sqrt{K-1}\sin\theta`, with :math:`\beta\in[1,\sqrt K)`,
    :math:`\beta_2\in(0,1]`.
    """
    rng, gaps, margins = effort.rng("Lemma 5"), [], []
    for K in _sizes(effort):
        x, y = _triangle(rng, effort.of(500, 20_000))
        # Near the diagonal beta_2 is the root of a difference of equal numbers.
        far = (x - y) * trig(K, x, y).alpha > 0.05
        x, y = x[far], y[far]
        alpha, theta, _, _ = trig(K, x, y)
        beta = np.sqrt(K - (K - 1) * alpha**2 * (x - y) ** 2)
        second = np.sqrt(np.maximum(K - beta**2, 0) / (K - 1))
        pairs = (
            (K * alpha * y, beta - second),
            (K * alpha * x, beta + (K - 1) * second),
            (alpha * (x - y), second),
            (beta, np.cos(theta) + np.sqrt(K - 1) * np.sin(theta)),
        )
        gaps += [np.abs(left - right).max() / K for left, right in pairs]
        margins += [(beta - 1).min(), (np.sqrt(K) - beta).min(), second.min(), (1 - second).min()]
    return (
        Claim.equal(
            "Lemma 5",
            "K α(x, y, 1) = (β + (K-1)β2, β - β2, Kβ2/ε), β = cos θ + √(K-1) sin θ",
            0.0,
            max(gaps),
            1e-11,
            f"random points, {_shown(effort)}: largest difference, over K",
        ),
        Claim.at_least(
            "Lemma 5, ranges",
            "β in [1, √K), β2 in (0, 1]",
            SLACK,
            min(margins),
            f"the same points, {_shown(effort)}: least margin",
        ),
    )


def lemma6(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 6: :math:`f_3(\beta,\epsilon)\ge0` for :math:`0<\epsilon\le\beta_2/\beta`, and 0 only
    at the teacher.

    So :math:`f_3` divided by the distance from (x, y) = (1, 0) stays above a positive number. The
    proof uses :math:`\beta\sin\theta\ge\theta`, which is checked too.
    """
    rng, least, inner = effort.rng("Lemma 6"), [], []
    for K in _sizes(effort):
        beta = 1 + (np.sqrt(K) - 1) * _unit(rng, effort.of(5_000, 500_000))
        second = np.sqrt((K - beta**2) / (K - 1))
        share = rng.choice([1.0, np.nan], len(beta))
        share = np.where(np.isnan(share), _unit(rng, len(beta))[: len(beta)], share)
        epsilon = np.maximum(share, 1e-6) * second / beta
        y = epsilon * (beta - second) / (K * second)
        x = y + epsilon
        away = np.hypot(x - 1, y)
        dx, dy = dynamics(K, x, y)
        least.append(((dx - dy) / away)[away > 1e-5].min())
        theta = np.arccos(K**-0.5) * _unit(rng, 5_000)
        inner.append((np.cos(theta) + np.sqrt(K - 1) * np.sin(theta)) * np.sin(theta) - theta)
    return (
        Claim.at_least(
            "Lemma 6",
            "f3 ≥ 0 for 0 < ε ≤ β2/β, and 0 only at the teacher",
            1e-3,
            min(least),
            f"random points, half of them at ε = β2/β, {_shown(effort)}: least f3 over the "
            "distance from the teacher",
        ),
        Claim.at_least(
            "Lemma 6, in its proof",
            "β sin θ - θ ≥ 0 for θ < arccos 1/√K",
            SLACK,
            float(np.min(inner)),
            f"random angles, {_shown(effort)}: the least",
        ),
    )


def _unit(rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers in (0, 1), as many near the ends as between."""
    return np.clip(rng.beta(0.4, 0.4, count), 1e-5, 1 - 1e-5)


def lemma7(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 7: the teacher is the only critical point with :math:`x > y \ge 0`.

    By Lemma 6 (the text says 7) a critical point has :math:`f_3 = 0` and so
    :math:`\epsilon>\beta_2/\beta`; there :math:`-\nabla_y<0`. Both are checked on the curve
    :math:`f_3=0`, and SciPy's root finder is started all over the triangle.
    """
    rng, found, beyond, slopes = effort.rng("Lemma 7"), 0, [], []
    for K in _sizes(effort):
        for start in rng.uniform(0, 1, (effort.of(40, 400), 2)):
            y, x = np.sort(start)
            end = root(lambda z, K=K: dynamics(K, z[0], abs(z[1])), (x, y), tol=1e-13)
            x, y = end.x[0], abs(end.x[1])
            exact = np.abs(dynamics(K, x, y)).max() < 1e-10
            inside = x > y + 1e-6 and np.hypot(x - 1, y) > 1e-6
            found += bool(end.success and exact and inside)
        for epsilon, y in _zeros_of_f3(K, effort.of(100, 2_000)):
            alpha = float(trig(K, y + epsilon, y).alpha)
            beta = np.sqrt(K - (K - 1) * (alpha * epsilon) ** 2)
            beyond.append(epsilon - alpha * epsilon / beta)
            slopes.append(dynamics(K, y + epsilon, y)[1])
    return (
        Claim.equal(
            "Lemma 7",
            "the only critical point with x > y ≥ 0 is the teacher",
            0.0,
            float(found),
            0.0,
            f"SciPy's root finder from random points, {_shown(effort)}: others found",
        ),
        Claim.at_least(
            "Lemma 7, citation",
            "its proof rests on Lemma 6 (printed: 7): f3 = 0 needs ε > β2/β",
            0.0,
            min(beyond, default=np.nan),
            f"{len(beyond)} points with f3 = 0, {_shown(effort)}: least ε - β2/β",
            "misprint",
        ),
        Claim.at_most(
            "Lemma 7, in its proof",
            "where f3 = 0, -∇_y < 0",
            0.0,
            max(slopes, default=np.nan),
            "the same points: largest -(2π/N)∇_y",
        ),
    )


def _zeros_of_f3(K: int, count: int) -> list[tuple[float, float]]:
    """Points (ε, y) off the teacher where the components of the flow are equal."""

    def f3(epsilon: float, y: float) -> float:
        dx, dy = dynamics(K, y + epsilon, y)
        return float(dx - dy)

    zeros = []
    for y in np.linspace(0.005, 1, count).tolist():
        grid = np.linspace(1e-3, 1.5, 60)
        signs = np.sign([f3(epsilon, y) for epsilon in grid])
        for place in np.flatnonzero(signs[1:] != signs[:-1]):
            low, high = grid[place : place + 2]
            zeros.append((forms.zero_of(lambda epsilon, y=y: f3(epsilon, y), low, high), y))
    return zeros


def lemma8(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 8: trajectories in the triangle converge to :math:`(y,\epsilon)=(0,1)`.

    Printed is (1, 0). Followed is Eqn S69 by SciPy's DOP853; compared is :math:`\epsilon=x-y`.
    """
    rng, ends, rises = effort.rng("Lemma 8"), [], []
    for K in effort.of((3,), (2, 3, 5, 10)):
        for start in rng.uniform(0.01, 1, (effort.of(5, 30), 2)):
            y, x = np.sort(start)
            path = solve_ivp(
                lambda t, z, K=K: np.stack(dynamics(K, z[0], max(z[1], 0.0))) / (2 * np.pi),
                (0, 150), (x, y), method="DOP853", rtol=1e-10, atol=1e-12,
            ).y  # fmt: skip
            ends.append(path[0, -1] - path[1, -1])
            losses = [forms.loss(lift(K, *z), np.eye(K)) for z in path.T]
            rises.append(np.diff(losses).max())
    return (
        Claim.corrected(
            "Lemma 8",
            "every trajectory in x > y ≥ 0 tends to (y, ε) = (0, 1) (printed: (1, 0))",
            claimed=0.0,
            expected=1.0,
            found=min(ends),
            tolerance=1e-6,
            method=f"SciPy's DOP853 from {len(ends)} random starts to t = 150: least ε",
        ),
        Claim.at_most(
            "Lemma 8, in its proof",
            "the loss does not rise along them",
            1e-9,
            max(rises),
            "the same trajectories: largest rise of the loss in a step",
        ),
    )


def lemma9(effort: Effort) -> tuple[Claim, ...]:
    r"""Lemma 9: on the diagonal :math:`-\tfrac{2\pi}N\nabla_x=-\pi K(x-x^*)`, a linear equation.

    Its solution is :math:`x(t)=x^*+Ce^{-NKt/2}`. Printed is :math:`x^0+Ce^{-(K/2N)t}`, which starts
    at :math:`x^0` only if C = 0: it stays there.
    """
    rng, gaps = effort.rng("Lemma 9"), []
    for K in _sizes(effort):
        for x in rng.uniform(0.01, 1, 20):
            slope = -forms.gradient(lift(K, x, x), np.eye(K))[0]
            gaps.append(np.abs(slope + K * (x - diagonal(K)) / 2).max())
    K, start, time = 3, 0.9, 1.3
    path = solve_ivp(
        lambda t, z: -forms.gradient(lift(K, z[0], z[0]), np.eye(K))[0, :1],
        (0, time), (start,), method="DOP853", rtol=1e-12, atol=1e-14,
    )  # fmt: skip
    star = diagonal(K)
    return (
        Claim.corrected(
            "Lemma 9",
            "x(t) = x* + C e^(-NKt/2) on the diagonal (printed: x⁰ + C e^(-(K/2N)t))",
            claimed=start,
            expected=star + (start - star) * np.exp(-K * time / 2),
            found=float(path.y[0, -1]),
            tolerance=1e-10,
            method=f"SciPy's DOP853 with the full gradient, K = {K}, from x⁰ = {start} to "
            f"t = {time}",
        ),
        Claim.equal(
            "Lemma 9, field",
            "on the diagonal -(2π/N)∇_x = -πK (x - x*)",
            0.0,
            max(gaps),
            1e-13,
            f"the full gradient, {_shown(effort)}: largest difference, over 2π",
        ),
    )
