"""`flowlab paper --theorem 6`: the bound, the exact probability, and what the flow does."""

import math
from typing import TYPE_CHECKING, Any

from ._console import plain_table

if TYPE_CHECKING:
    from rich.console import Console

DIMENSIONS = (2, 3, 10, 100)
EPSILONS = (0.1, 0.5)
CONFIDENCE = 0.99

COLUMNS = {
    "d": "right",
    "ε": "right",
    "bound": "right",
    "P(w⁰ ∈ Ω)": "right",
    "measured": "left",
    "converged": "right",
    "probability": "left",
}

EXPLANATION = (
    "Starts are uniform on the ball of radius ε√(2π/(d+1)); Ω is the unit ball around the teacher. "
    "Theorem 6 bounds P(w⁰ ∈ Ω) from below by (1 - ε)/2, and so the probability of converging. "
    "That probability is 1: the angle to the teacher falls strictly from every start that does "
    "not point exactly away from it, and almost no start does."
)


def show_theorem6(console: "Console", key: Any, starts: int) -> None:
    """Measure Theorem 6 for a few dimensions and radii, and print a table."""
    from ..paper import measure_theorem6

    title = f"Theorem 6 (measured: exact {CONFIDENCE:.0%} intervals from {starts:,} starts)"
    table = plain_table(COLUMNS, title=title, title_justify="left")
    with console.status("Following starts"):
        for dim in DIMENSIONS:
            for epsilon in EPSILONS:
                found = measure_theorem6(
                    dim, epsilon, key=key, starts=starts, confidence=CONFIDENCE
                )
                table.add_row(
                    str(dim),
                    f"{epsilon:g}",
                    f"{found.bound:g}",
                    f"{found.exact:.6f}",
                    _interval(found.inside_interval),
                    f"{found.converged:,}/{found.followed:,}",
                    _interval(found.converged_interval),
                )
    console.print(table)
    console.print(EXPLANATION)


def _interval(ends: tuple[float, float]) -> str:
    # Rounded outward.
    lower, upper = math.floor(ends[0] * 1e4) / 1e4, math.ceil(ends[1] * 1e4) / 1e4
    return f"[{lower:.4f}, {upper:.4f}]"
