"""Newton's method for the equations of a branch and one equation more."""

from collections.abc import Callable

import numpy as np

from ._problem import At, Problem

Row = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""The equation that picks a point of a branch: its value and its gradient at `y`."""

STEPS = 25


def plane(normal: np.ndarray, origin: np.ndarray, offset: float = 0.0) -> Row:
    """The equation of a hyperplane: `normal . (y - origin) = offset`."""
    return lambda y: (float(normal @ (y - origin)) - offset, normal)


def fixed_parameter(problem: Problem, p: float) -> Row:
    """The equation that holds the parameter."""
    unit = np.append(np.zeros(problem.dimension), 1.0)
    return plane(unit, unit * (p / problem.length))


def sphere(rows: np.ndarray, centre: np.ndarray, radius: float) -> Row:
    """The equation `|rows (y - centre)| = radius`."""

    def equation(y: np.ndarray) -> tuple[float, np.ndarray]:
        inner = rows @ (y - centre)
        return float(inner @ inner / radius - radius) / 2, rows.T @ inner / radius

    return equation


def correct(
    problem: Problem,
    guess: np.ndarray,
    row: Row,
    ties: np.ndarray | None = None,
    max_steps: int = STEPS,
) -> tuple[At, int] | None:
    """Solve the equations of the branch together with `row`, by Newton steps that must descend.

    Args:
        problem: the branch's equations.
        guess: where to start, in `y`.
        row: the equation that picks a point.
        ties: explained null directions along which no step moves, (m, size).
        max_steps: budget.

    Returns:
        The solution and the number of steps, `None` if there is none nearby.
    """
    tied = problem.tie_rows(np.zeros((0, problem.size)) if ties is None else ties)
    at = problem.at(guess)
    value, gradient = row(guess)
    steps = 0
    while steps < max_steps:
        steps += 1
        if not at.finite:
            return None
        residual = np.concatenate([at.equations, [value], np.zeros(len(tied))])
        size = float(np.linalg.norm(residual))
        matrix = np.vstack([at.matrix, gradient, tied])
        move = np.linalg.lstsq(matrix, -residual, rcond=1e-14)[0]
        better = None
        for damping in (1.0, 0.5, 0.25, 0.1, 0.02):
            y = at.y + damping * move
            trial, trial_row = problem.at(y), row(y)
            if trial.finite and np.hypot(np.linalg.norm(trial.equations), trial_row[0]) < size:
                better = trial, trial_row
                break
            if size < 1e-9:
                # At the rounding floor nothing decreases: a shorter step would not either.
                break
        if better is None:
            break
        at, (value, gradient) = better
        if np.abs(move).max() < 1e-15:
            break
    good = np.abs(at.velocity).max() <= 10 * at.tolerance and abs(value) < 1e-10
    return (at, steps) if good else None
