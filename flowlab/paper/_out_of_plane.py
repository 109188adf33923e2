"""Theorem 2: critical points outside of the teachers' span lie in manifolds."""

import numpy as np

from ..critical import classify, refine
from ..fields import TeacherStudent
from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort, random_rotation

STATEMENT = "out-of-plane critical points lie in manifolds if d ≥ K + 2"

OUT = 1e-2
"""Distance from the span at which a student counts as out of plane."""


def theorem2() -> Claim:
    r"""Check Theorem 2 at the out-of-plane saddle of K = 2, d = 4: it lies on a circle.

    Returns:
        The claim that its nullity, all of it explained by rotations, is d - 3 = 1.

    Source: Tian 2017, Theorem 2.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.theorem2().holds
        True
    """
    field = TeacherStudent(np.eye(2, 4))
    p, q = 0.525, 0.409
    start = np.array([[p, p, q, 0.0], [p, p, -q, 0.0]])
    point = classify(field, refine(field, start).location)
    return Claim.equal(
        "Theorem 2",
        STATEMENT,
        1.0,
        float(point.explained_nullity),
        0.0,
        "K = 2, d = 4: null directions of the Hessian along the orbit of rotations",
    )


def theorem2_saddle(effort: Effort) -> tuple[Claim, ...]:
    """Theorem 2 at one saddle, with the spectrum of its Hessian."""
    del effort
    return (theorem2(),)


def theorem2_rotations(effort: Effort) -> tuple[Claim, ...]:
    """Theorem 2 as its proof goes (S Lemma 1): rotations that fix the span move such points to
    others.

    Newton's method, from random starts, leads to out-of-plane critical points; each is rotated by
    random orthogonal maps that leave the teachers alone, and by a small angle.
    """
    rng, worst, moved, points = effort.rng("Theorem 2"), 0.0, np.inf, 0
    cases = effort.of(((2, 4), (3, 5)), ((2, 4), (2, 5), (3, 5), (3, 6), (4, 6)))
    for K, dim in cases:
        V = _teacher(rng, K, dim)
        for W in _out_of_plane(rng, V, effort.of(6, 20)):
            points += 1
            for turn in (random_rotation(rng, dim - K), _small_turn(dim - K)):
                R = np.eye(dim)
                R[K:, K:] = turn
                worst = max(worst, float(np.abs(forms.gradient(W @ R.T, V)).max()))
            # The small turn of the plane in which the students stick out most.
            _, _, axes = np.linalg.svd(W[:, K:])
            small = axes.T @ _small_turn(dim - K) @ axes
            moved = min(moved, float(np.linalg.norm(W[:, K:] @ small.T - W[:, K:])))
    shown = ", ".join(f"({K}, {dim})" for K, dim in cases)
    return (
        Claim.equal(
            "Theorem 2, rotations",
            "rotations that fix the teachers' span lead from critical points to critical points",
            0.0,
            worst if points else np.nan,
            1e-12,
            f"{points} out-of-plane points by Newton's method, (K, d) = {shown}: largest gradient "
            "at their images",
        ),
        Claim.at_least(
            "Theorem 2, not isolated",
            "such a point has others arbitrarily near: a turn by 0.001 moves it",
            1e-3 * OUT,
            moved if points else np.nan,
            f"the same {points} points: the shortest way moved",
        ),
    )


def _teacher(rng: np.random.Generator, K: int, dim: int) -> np.ndarray:
    """Orthonormal for K = 2, where out-of-plane points are known, else a little off that."""
    V = np.eye(K, dim)
    V[:, :K] += 0.1 * (K > 2) * rng.standard_normal((K, K))
    return V


def _out_of_plane(rng: np.random.Generator, V: np.ndarray, starts: int) -> list[np.ndarray]:
    """Critical points, not all students in the span of the first axes, from random starts."""
    K, found = len(V), []
    for _ in range(starts):
        W = forms.refined(0.5 * rng.standard_normal(V.shape) + 0.3 * V.mean(0), V)
        if W is not None and np.linalg.norm(W[:, K:]) > OUT:
            found.append(W)
    return found


def _small_turn(dim: int) -> np.ndarray:
    """The turn by 0.001 of the first two axes."""
    turn, c, s = np.eye(dim), np.cos(1e-3), np.sin(1e-3)
    turn[:2, :2] = [[c, -s], [s, c]]
    return turn
