"""flowlab's closed forms on NumPy arrays: what most claims are held against.

They are those of `flowlab.fields`, evaluated without compiling anything.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..fields import _relu as relu
from ..fields._namespace import NUMPY


def gating(e: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return `E[F(e, w)]` of Theorem 1 for rows `e` (..., d) and `w` (..., d)."""
    rows = [relu.gated_sum(NUMPY, a[None], b[None], np.ones(1)) for a, b in _pairs(e, w)]
    return np.reshape(rows, np.broadcast_shapes(np.shape(e), np.shape(w)))


def gradient(W: np.ndarray, V: np.ndarray, a: Any = 1.0, b: Any = 1.0) -> np.ndarray:
    """Return `E[∇J]`, (K, d)."""
    return relu.gradient(NUMPY, W, V, *_weights(W, V, a, b))


def loss(W: np.ndarray, V: np.ndarray, a: Any = 1.0, b: Any = 1.0) -> float:
    """Return `E[J]`."""
    return float(relu.loss(NUMPY, W, V, *_weights(W, V, a, b)))


def hessian(W: np.ndarray, V: np.ndarray, a: Any = 1.0, b: Any = 1.0) -> np.ndarray:
    """Return the Hessian as a matrix (K d, K d)."""
    return relu.hessian(NUMPY, W, V, *_weights(W, V, a, b)).reshape(W.size, W.size)


def angle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the angles between rows, accurate near 0 and π; flowlab's own are not used."""
    u = u / np.linalg.norm(u, axis=-1, keepdims=True)
    v = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))


def h(theta: Any) -> Any:
    r"""Return :math:`h(\theta) = (\pi-\theta)\cos\theta + \sin\theta`."""
    return (np.pi - theta) * np.cos(theta) + np.sin(theta)


def zero_of(function: Callable[[float], float], low: float, high: float) -> float:
    """Return a zero of a function between two places where its signs differ."""
    return float(brentq(function, low, high, xtol=1e-15))  # type: ignore[arg-type]


def refined(W: np.ndarray, V: np.ndarray, steps: int = 60) -> np.ndarray | None:
    """Return the critical point that Newton's method leads to from `W`, or None.

    Steps are damped Levenberg-Marquardt steps, so that points of critical manifolds are found.
    """
    w, damping = np.array(W, float), 1.0
    g = gradient(w, V)
    for _ in range(steps):
        size = np.linalg.norm(g)
        if size < 1e-14:
            break
        H = hessian(w, V)
        # Least squares of both: the Hessian is singular at points of manifolds.
        stacked = np.concatenate([H, np.sqrt(damping * size) * np.eye(w.size)])
        goal = np.concatenate([g.ravel(), np.zeros(w.size)])
        step = np.linalg.lstsq(stacked, goal, rcond=None)[0]
        trial = w - step.reshape(w.shape)
        if np.linalg.norm(trial, axis=1).min() < 1e-6:
            return None
        after = gradient(trial, V)
        better = np.linalg.norm(after) < size
        damping = max(damping / 8, 1e-12) if better else damping * 4
        if better:
            w, g = trial, after
    return w if np.abs(g).max() < 1e-13 else None


def _pairs(e: np.ndarray, w: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    left, right = np.broadcast_arrays(e, w)
    dim = left.shape[-1]
    return list(zip(left.reshape(-1, dim), right.reshape(-1, dim), strict=True))


def _weights(W: np.ndarray, V: np.ndarray, a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.broadcast_to(np.asarray(a, float), len(W)), np.broadcast_to(
        np.asarray(b, float), len(V)
    )
