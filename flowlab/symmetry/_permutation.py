"""Permutations as tuples: ``p[i]`` is the place that ``i`` goes to."""

import numpy as np


def inverse(p: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes `p`."""
    return tuple(int(i) for i in np.argsort(p))


def compose(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, ...]:
    """First `q`, then `p`."""
    return tuple(p[i] for i in q)


def is_identity(p: tuple[int, ...]) -> bool:
    """Whether `p` moves nothing."""
    return all(i == place for i, place in enumerate(p))


def through(source_numbers: np.ndarray, target_numbers: np.ndarray) -> tuple[int, ...]:
    """The permutation that takes each vertex to the one with the same canonical number."""
    return tuple(np.argsort(target_numbers)[np.argsort(np.argsort(source_numbers))].tolist())


def cycle_notation(p: tuple[int, ...]) -> str:
    """Disjoint cycles, 1-based, fixed places left out.

    Args:
        p: A permutation of ``0..n-1``; ``p[i]`` is the place that ``i`` goes to.

    Returns:
        For example ``"(1 2)(3 5 4)"``; the empty string for the identity.

    Example:
        >>> cycle_notation((1, 0, 4, 2, 3))
        '(1 2)(3 5 4)'
    """
    cycles, seen = [], set()
    for start in range(len(p)):
        cycle, place = [], start
        while place not in seen:
            seen.add(place)
            cycle.append(place + 1)
            place = p[place]
        if len(cycle) > 1:
            cycles.append("(" + " ".join(map(str, cycle)) + ")")
    return "".join(cycles)


def transpositions(classes: np.ndarray) -> list[tuple[int, ...]]:
    """Neighbouring swaps within each class: they generate all permutations that keep `classes`."""
    swaps = []
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        for i, j in zip(members[:-1], members[1:], strict=True):
            p = list(range(len(classes)))
            p[i], p[j] = int(j), int(i)
            swaps.append(tuple(p))
    return swaps


def random_within(classes: np.ndarray, rng: np.random.Generator) -> tuple[int, ...]:
    """A uniformly random permutation that keeps `classes`."""
    p = np.arange(len(classes))
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        p[members] = rng.permutation(members)
    return tuple(int(i) for i in p)
