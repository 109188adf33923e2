r"""Looking for zeros from many starts far away.

Damped steps (as in `_newton`) run over many starts side by side. What has arrived, and what gets
nowhere, leaves its place to the next at once: at 36 coordinates a quarter of the starts end in
minima of :math:`|f|` that are no zeros, and would cost more than all the others. The field and its
Jacobian are compiled; the linear algebra is numpy's, which for stacks of small matrices is three
times as fast as XLA's.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from ..fields import AbstractField
from ._newton import NewtonResult, newton_batches

DAMPING, HARDER, EASIER = 0.1, 2.0, 8.0
"""First damping factor, and what it is multiplied and divided by after a step that was rejected or
very good: at 36 coordinates these find the most different zeros with the least work."""

FLOOR = 1e-15
"""Keeps the matrix positive beside rounding errors."""

GOAL = 1e-14
"""Residual in the max norm at which a start has arrived."""

WINDOW, STALE, REJECTED, BUDGET = 16, 0.95, 16, 150
"""A start is given up when its :math:`|f|` is above this share of what it was so many steps before,
after so many rejected steps in a row, and after so many steps."""

ENTRIES, MOST, LEAST = 100_000, 256, 4
"""Entries of the Jacobians of a batch, which should stay in the cache; most and fewest starts."""


def newton_search(field: AbstractField, starts: np.ndarray, *, near: float = 1e-6) -> NewtonResult:
    """Look for zeros from starts far away: quick steps first, exact ones where they end near one.

    Args:
        field: the field whose zeros are wanted.
        starts: (n, *shape).
        near: largest residual, after the quick steps, of an end that is worth exact ones.

    Returns:
        A `NewtonResult`; the residual says which ends are zeros.
    """
    flat = np.array(starts, float).reshape(-1, field.size)
    states, residuals, steps = _search(field, flat)
    states = states.reshape(-1, *field.shape)
    close = np.flatnonzero((residuals < near) & (residuals > GOAL))
    if len(close):
        end = newton_batches(field, states[close])
        states[close], residuals[close] = end.state, end.residual
        steps[close] += end.steps
    return NewtonResult(states, residuals, steps)  # pyright: ignore[reportArgumentType]


class _Lanes(NamedTuple):
    """Starts on their way; arrays with leading axis n, changed in place."""

    number: np.ndarray
    w: np.ndarray
    f: np.ndarray
    jacobian: np.ndarray
    norm: np.ndarray
    factor: np.ndarray
    rejected: np.ndarray
    steps: np.ndarray
    before: np.ndarray

    @classmethod
    def blank(cls, count: int, size: int) -> "_Lanes":
        return cls(
            number=np.zeros(count, int),
            w=np.zeros((count, size)),
            f=np.zeros((count, size)),
            jacobian=np.zeros((count, size, size)),
            norm=np.zeros(count),
            factor=np.zeros(count),
            rejected=np.zeros(count, int),
            steps=np.zeros(count, int),
            before=np.zeros(count),
        )

    def begin(self, places: np.ndarray, number: np.ndarray, starts: np.ndarray) -> None:
        """Put starts at places; their first step is one of length 0, which is taken."""
        self.number[places], self.w[places], self.f[places] = number, starts, 0.0
        self.jacobian[places], self.norm[places] = np.eye(starts.shape[1]), np.inf
        self.factor[places], self.before[places] = DAMPING * EASIER, np.inf
        self.rejected[places], self.steps[places] = 0, -1

    def only(self, chosen: np.ndarray) -> "_Lanes":
        return _Lanes(*(leaf[chosen] for leaf in self))

    @property
    def residual(self) -> np.ndarray:
        return np.where(np.isfinite(self.norm), np.abs(self.f).max(axis=1), np.inf)

    def over(self) -> np.ndarray:
        """Which have arrived, or get nowhere; moves the marks that progress is measured by."""
        over = (self.residual <= GOAL) | (self.rejected >= REJECTED) | (self.steps >= BUDGET)
        looked = (self.steps % WINDOW == 0) & (self.steps > 0)
        over |= looked & ~(self.norm < STALE * self.before)
        self.before[looked] = self.norm[looked]
        return over


def _search(field: AbstractField, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends, residuals and numbers of steps of all starts (n, size)."""
    count = len(starts)
    ends, residuals, steps = starts.copy(), np.full(count, np.inf), np.zeros(count, int)
    wide = 1 << int(np.clip(ENTRIES // field.size**2, LEAST, MOST)).bit_length() - 1
    lanes, taken = _Lanes.blank(min(count, wide), field.size), min(count, wide)
    lanes.begin(np.arange(taken), np.arange(taken), starts[:taken])
    while len(lanes.w):
        _step(field, lanes, wide if len(lanes.w) > wide // 4 else wide // 4)
        free = np.flatnonzero(lanes.over())
        if len(free) == 0:
            continue
        done = lanes.only(free)
        ends[done.number], residuals[done.number] = done.w, done.residual
        steps[done.number] = done.steps
        new = np.arange(taken, min(taken + len(free), count))
        lanes.begin(free[: len(new)], new, starts[new])
        taken += len(new)
        if len(new) < len(free):
            lanes = lanes.only(np.setdiff1d(np.arange(len(lanes.w)), free[len(new) :]))
    return ends, residuals, steps


def _step(field: AbstractField, lanes: _Lanes, width: int) -> None:
    """One damped step in each lane, taken where it makes the velocity smaller."""
    with np.errstate(over="ignore", invalid="ignore"):
        step = _damped(lanes)
        w = lanes.w + step
        f, jacobian = _evaluated(field, w, width)
        old, new = lanes.norm, np.linalg.norm(f, axis=1)
        better, shrink = new < old, new < 0.5 * old
        tiny = np.abs(step).max(axis=1) < 1e-14 * (1 + np.abs(lanes.w).max(axis=1))
    lanes.w[better], lanes.f[better], lanes.norm[better] = w[better], f[better], new[better]
    lanes.jacobian[better] = jacobian[better]
    lanes.factor[:] *= np.where(better, np.where(shrink, 1 / EASIER, 1.0), HARDER)
    # At the rounding floor nothing decreases any more: two rejections of tiny steps end it.
    lanes.rejected[:] = np.where(better, 0, lanes.rejected + np.where(tiny, REJECTED // 2, 1))
    lanes.steps[:] += 1


def _damped(lanes: _Lanes) -> np.ndarray:
    """The damped steps (n, size), from the normal equations: exact enough far from a zero."""
    normal = np.swapaxes(lanes.jacobian, 1, 2) @ lanes.jacobian
    downhill = -np.einsum("nij,ni->nj", lanes.jacobian, lanes.f)
    diagonal = np.einsum("nii->ni", normal)
    # The trace is the sum of the squares of the Jacobian, and finite only if all else is.
    trace = diagonal.sum(axis=1)
    diagonal += (lanes.factor * np.linalg.norm(lanes.f, axis=1) + FLOOR * trace)[:, None]
    lost = ~np.isfinite(trace)
    normal[lost], downhill[lost] = np.eye(normal.shape[1]), 0.0
    return np.linalg.solve(normal, downhill[..., None])[..., 0]


def _evaluated(field: AbstractField, w: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The field (n, size) and its Jacobian (n, size, size) at states, of which `width` fit."""
    padded = np.concatenate([w, np.repeat(w[-1:], width - len(w), 0)])
    f, jacobian = jax.device_get(_evaluate(field, padded.reshape(-1, *field.shape)))
    n, size = w.shape
    return f[:n].reshape(n, size), jacobian[:n].reshape(n, size, size)


@eqx.filter_jit
def _evaluate(field: AbstractField, states: np.ndarray):
    # Reshaping in here would make XLA twice as slow.
    return jax.vmap(lambda w: (field(0.0, w), field.jacobian(w)))(states)
