"""Section 6.2: symmetric students (Eqns 17-18) and the plane of Theorem 7 (Eqn S69)."""

import itertools
import math
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.optimize import root

from .._types import Key
from ..fields import theorem7_plane
from ..flow import Ensemble, settle
from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort, generator, random_rotation


class Trig(NamedTuple):
    """What Eqn S70 defines, of points (x, y) of the plane; angles are accurate near 0 too."""

    alpha: Any
    theta: Any
    phi_star: Any
    phi: Any


def trig(K: int, x: Any, y: Any) -> Trig:
    """Return the quantities of Eqn S70, for y ≥ 0."""
    alpha = 1 / np.sqrt(x**2 + (K - 1) * y**2)
    theta = np.arctan2(np.sqrt(K - 1) * y, x)
    phi_star = np.arctan2(np.sqrt(x**2 + (K - 2) * y**2), y)
    # Two students differ in two coordinates, by x - y: half their distance is a sine.
    phi = 2 * np.arcsin(np.minimum(1.0, alpha * np.abs(x - y) / np.sqrt(2)))
    return Trig(alpha, theta, phi_star, phi)


def dynamics(K: int, x: Any, y: Any) -> tuple[Any, Any]:
    """Return `(2π/N)(-∇_x, -∇_y)` as Eqn S69 has it, for y ≥ 0."""
    alpha, theta, star, phi = trig(K, x, y)
    shared = -(np.pi - phi) * (x - 1 + (K - 1) * y)
    radial = (K - 1) * (alpha * np.sin(star) - np.sin(phi)) + alpha * np.sin(theta)
    return (
        shared - theta - phi * (x - 1) + radial * x,
        shared - (star - phi) - phi * y + radial * y,
    )


def lift(K: int, x: float, y: float) -> np.ndarray:
    """Return the students (K, K) with x on the diagonal and y elsewhere."""
    return np.full((K, K), y) + (x - y) * np.eye(K)


def equation17(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqns 17 and 18: students and teachers that a group of orthogonal maps permutes.

    If :math:`w_j=P_jw` and :math:`w_j^*=P_jw^*` then :math:`E[\nabla_{w_j}J]=P_jE[\nabla_{w_1}J]`,
    and one equation is left. The groups: cyclic shifts, changes of sign, all permutations of
    three coordinates, turns of a plane; each in random coordinates.
    """
    rng, gaps, reduced, count = effort.rng("Eqn 17"), [0.0], [0.0], 0
    for group in _groups(effort.of(5, 9)):
        dim = group.shape[-1]
        basis = random_rotation(rng, dim)
        P = basis @ group @ basis.T
        w, star = rng.standard_normal((2, dim))
        found = forms.gradient(P @ w, P @ star)
        gaps.append(np.abs(found - P @ found[0]).max())
        own = forms.gating(w, P @ w).sum(0) - forms.gating(w, P @ star).sum(0)
        # With itself a student is aligned: exactly w/2.
        reduced.append(np.abs(own - found[0]).max())
        count += 1
    how = f"{count} groups of 2 to 16 orthogonal matrices, random w and w*: largest difference"
    return (
        Claim.equal("Eqn 17", "E[∇_j J] = P_j E[∇_1 J]", 0.0, max(gaps), 1e-13, how),
        Claim.equal(
            "Eqn 18",
            "E[∇_w J] = Σ E[F(e, P_j w)] - Σ E[F(e, P_j w*)]",
            0.0,
            max(reduced),
            1e-13,
            how,
        ),
    )


def _groups(largest: int) -> list[np.ndarray]:
    """Finite groups of orthogonal matrices, the identity first, each (order, d, d)."""
    shifts = [np.array([np.roll(np.eye(K), j, 0) for j in range(K)]) for K in range(2, largest)]
    signs = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=4)])
    permutations = np.array([np.eye(3)[list(p)] for p in itertools.permutations(range(3))])
    turns = np.array(
        [[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in 2 * np.pi * np.arange(7) / 7]
    )
    return [*shifts, signs, permutations, turns]


def start_of_theorem7(effort: Effort) -> tuple[Claim, ...]:
    r"""P 6.2: the start is :math:`w^0 = x^0w^* + y^0\sum_{j\ne1}P_jw^*`.

    As printed, without :math:`y^0` and with :math:`w_j^*` for :math:`w^*`, the sum is not
    :math:`[x^0,y^0,\dots,y^0]`. Compared are second coordinates.
    """
    del effort
    K, x, y = 3, 0.7, 0.2
    shift = [np.roll(np.eye(K), j, 0) for j in range(K)]
    teachers = [P @ np.eye(K)[0] for P in shift]
    printed = x * teachers[0] + sum(shift[j] @ teachers[j] for j in range(1, K))
    meant = x * teachers[0] + y * sum(shift[j] @ teachers[0] for j in range(1, K))
    return (
        Claim.corrected(
            "Sec. 6.2, start",
            "w⁰ = x⁰ w* + y⁰ Σ_{j≠1} P_j w* is [x⁰, y⁰, ..., y⁰] (printed: Σ P_j w_j*, without y⁰)",
            claimed=printed[1],
            expected=lift(K, x, y)[0, 1],
            found=meant[1],
            tolerance=1e-15,
            method="the second coordinate for K = 3, x⁰ = 0.7, y⁰ = 0.2",
        ),
    )


def equation69(K: int, key: Key) -> Claim:
    """Check the plane's dynamics, and flowlab's, against the full flow restricted to it.

    Args:
        K: number of students.
        key: random key for the points of the plane.

    Returns:
        The claim that the largest difference over 100 points is at most 1e-13.

    Source: Tian 2017, supplement, Eqns 69-70.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.equation69(5, jax.random.key(0)).holds
        True
    """
    points = generator(key).uniform(0, 1, (100, 2))
    points[:20, 0] = points[:20, 1]
    points[20:40, 1] = 0.0
    compiled = np.asarray(jax.jit(theorem7_plane(K).batch)(points.T))
    gap = 0.0
    for (x, y), field in zip(points, compiled.T, strict=True):
        full = -forms.gradient(lift(K, x, y), np.eye(K))
        printed = np.stack(dynamics(K, x, y)) / (2 * np.pi)
        gap = max(gap, *np.abs(full - lift(K, *printed)).ravel(), *np.abs(field - printed))
    return Claim.equal(
        f"Eqns S69-S70, K={K}",
        "the 2-D dynamics are the full flow on the plane",
        0.0,
        gap,
        1e-13,
        "as printed, as flowlab has them and from the gradient of all students, at 100 points, "
        "some on the diagonal and on y = 0: largest difference",
    )


def equations_s69(effort: Effort) -> tuple[Claim, ...]:
    """Eqns S69-S70 for several K."""
    sizes = effort.of((2, 5), (2, 3, 5, 10, 20))
    return tuple(equation69(K, effort.key_of(f"S69, {K}")) for K in sizes)


def theorem7_flow(K: int, key: Key, *, starts: int = 100) -> Claim:
    r"""Check that starts with :math:`1 \ge x > y > 0` flow to the teacher (Theorem 7 (1)).

    Args:
        K: number of students.
        key: random key.
        starts: number of starts in the triangle.

    Returns:
        The claim that all of them end within 1e-8 of (1, 0).

    Source: Tian 2017, Theorem 7.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.theorem7_flow(3, jax.random.key(0), starts=20).holds
        True
    """
    return _arrivals(K, settle(theorem7_plane(K), _triangle(key, starts)))


def theorem7_saddle(K: int) -> Claim:
    r"""Check the saddle of Theorem 7 (2) as the end of a flow from the diagonal.

    .. math:: x^* = \frac{1}{\pi K}\left(\sqrt{K-1} - \arccos(1/\sqrt K) + \pi\right)

    Args:
        K: number of students.

    Returns:
        The claim that the flow from (0.9, 0.9) ends at (x*, x*).

    Source: Tian 2017, Theorem 7.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.theorem7_saddle(3).holds
        True
    """
    return _saddle(K, settle(theorem7_plane(K), np.array([[0.9, 0.9]])).state[0])


def theorem7(effort: Effort) -> tuple[Claim, ...]:
    r"""Theorem 7 (1) and (2) by the flow, and its remark: what lies beyond the diagonal.

    The remark says that other signs of x - y lead to other permutations :math:`P_jw^*`. Permuted
    *coordinates* do: the gradient is equivariant. But the plane holds no permutation of the
    teacher for K ≥ 3, and the flow from x < y ends at the 'type A' point, whose loss is not 0.
    """
    rows = []
    for K in effort.of((2, 5), (2, 3, 5, 10, 20)):
        key, starts = effort.key_of(f"Theorem 7, {K}"), effort.of(60, 1_000)
        triangle = _triangle(key, starts)
        # The diagonal and a start beyond it run with the others: one program for all.
        extra = [[0.9, 0.9], [0.3, 0.31]]
        ensemble = settle(theorem7_plane(K), np.concatenate([extra, triangle]))
        ends = np.asarray(ensemble.state)
        rows += [_arrivals(K, ensemble, skip=len(extra)), _saddle(K, ends[0])]
        if K > 2:
            rows.append(_beyond(K, ends[1]))
    return (*rows, _saddle_index(effort), _equivariance(effort))


def _triangle(key: Key, starts: int) -> np.ndarray:
    draws = np.asarray(jax.random.uniform(key, (starts, 2)))
    return np.sort(draws, axis=1)[:, ::-1]


def _arrivals(K: int, ensemble: Ensemble, skip: int = 0) -> Claim:
    ends = np.asarray(ensemble.state)[skip:]
    arrived = np.abs(ends - np.array([1.0, 0.0])).max(-1) < 1e-8
    return Claim.equal(
        f"Theorem 7 (1), K={K}",
        "x⁰ > y⁰ flows to the teacher, (x, y) = (1, 0)",
        float(len(ends)),
        float(arrived.sum()),
        0.0,
        f"the flow from {len(ends):,} random starts: how many arrive",
    )


def _saddle(K: int, end: np.ndarray) -> Claim:
    return Claim.equal(
        f"Theorem 7 (2), K={K}",
        "x⁰ = y⁰ flows to the saddle x* = y*",
        diagonal(K),
        float(end[0] if end[0] == end[1] else np.nan),
        1e-12,
        "the flow from (0.9, 0.9), kept on the diagonal, polished",
    )


def diagonal(K: int) -> float:
    """Return the x* of Theorem 7 (2)."""
    return (math.sqrt(K - 1) - math.acos(1 / math.sqrt(K)) + math.pi) / (math.pi * K)


def _beyond(K: int, end: np.ndarray) -> Claim:
    """Where x < y leads: the zero of Eqn S69 with x < 0 < y, found by SciPy."""
    zero = root(lambda z: dynamics(K, *z), (2 / K - 1, 2 / K), tol=1e-15).x
    teacher = np.eye(K)
    return Claim.corrected(
        f"Theorem 7, remark, K={K}",
        "x⁰ < y⁰ in the same plane flows to the 'type A' point (claimed: to P_2 w*, of loss 0)",
        claimed=0.0,
        expected=forms.loss(lift(K, *zero), teacher),
        found=forms.loss(lift(K, *end), teacher),
        tolerance=1e-12,
        method="the loss at the end of the flow from (0.3, 0.31); expected at the zero of Eqn S69",
    )


def _saddle_index(effort: Effort) -> Claim:
    """The point of Theorem 7 (2) is a saddle: index (K-1)², nullity K - 1."""
    sizes, wrong = effort.of((2, 3, 5), (2, 3, 5, 10, 15)), 0
    for K in sizes:
        point, teacher = lift(K, diagonal(K), diagonal(K)), np.eye(K)
        values = np.linalg.eigvalsh(forms.hessian(point, teacher))
        signs = int(np.sum(values < -1e-9)), int(np.sum(np.abs(values) <= 1e-9))
        critical = np.abs(forms.gradient(point, teacher)).max() < 1e-13
        wrong += not (critical and signs == ((K - 1) ** 2, K - 1))
    return Claim.equal(
        "Theorem 7 (2), saddle",
        "x = y = x* is a saddle: (K-1)² negative directions, K - 1 flat ones",
        0.0,
        float(wrong),
        0.0,
        f"gradient and Hessian of all students, K = {', '.join(map(str, sizes))}: for how many "
        "K it is otherwise",
    )


def _equivariance(effort: Effort) -> Claim:
    """Permuted coordinates: [y, x, y, ...] flows where the permutation takes the teacher."""
    rng, gaps = effort.rng("equivariance"), []
    for K in (2, 3, 5, 10):
        for _ in range(effort.of(5, 50)):
            order, W = rng.permutation(K), rng.standard_normal((K, K))
            permuted = forms.gradient(W[:, order], np.eye(K))
            gaps.append(np.abs(permuted - forms.gradient(W, np.eye(K))[:, order]).max())
    return Claim.equal(
        "Theorem 7, permuted",
        "w⁰ = [y⁰, x⁰, y⁰, ...] flows to P_2 w*: permuting the coordinates permutes the flow",
        0.0,
        max(gaps),
        1e-13,
        f"E[∇J] at {len(gaps)} random states, permuted and not: largest difference",
    )
