"""Signs of functions of one variable over intervals."""

import dataclasses
import itertools
from collections.abc import Callable

from flint import arb

from ._refusal import Inconclusive

DEPTH = 60
"""How often an interval is halved before its sign counts as undecided."""

PARTS = 64

MOST = 200_000
"""Pieces looked at before the sign counts as undecided."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cover:
    """The pieces of an interval on each of which a function is proved to be positive."""

    pieces: int
    least: arb
    """A lower bound of the function on the interval."""


def positive_on(function: Callable[[arb], arb], lower: float, upper: float) -> Cover:
    """Prove that a function on balls is positive on the closed interval between two floats.

    It starts from `PARTS` equal parts, so that the lower bound is not much too low.

    Raises:
        Inconclusive: if a piece cannot be decided, with the piece.
    """
    edges = [lower, *(lower + (upper - lower) * i / PARTS for i in range(1, PARTS)), upper]
    waiting = [(left, right, 0) for left, right in itertools.pairwise(edges)]
    pieces, looked, least = 0, 0, arb.pos_inf()
    while waiting:
        left, right, depth = waiting.pop()
        looked += 1
        value = function(arb(left).union(arb(right)))
        if value > 0:
            pieces, least = pieces + 1, least.min(value.lower())
            continue
        middle = left + (right - left) / 2
        if depth == DEPTH or looked > MOST or not left < middle < right:
            raise Inconclusive(f"the sign on [{left!r}, {right!r}] is undecided")
        waiting += [(left, middle, depth + 1), (middle, right, depth + 1)]
    return Cover(pieces, least)


def bracket_root(
    function: Callable[[arb], arb], positive: float, negative: float
) -> tuple[float, float]:
    """Return neighbouring floats at which a function is surely positive and surely negative.

    Raises:
        Inconclusive: if the sign at an end cannot be decided or is another.
    """
    if not (function(arb(positive)) > 0 and function(arb(negative)) < 0):
        raise Inconclusive("the function does not change sign between the ends")
    while True:
        middle = positive + (negative - positive) / 2
        if middle in (positive, negative):
            return positive, negative
        value = function(arb(middle))
        if value > 0:
            positive = middle
        elif value < 0:
            negative = middle
        else:
            return positive, negative
