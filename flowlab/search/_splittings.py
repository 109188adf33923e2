r"""Critical points made of others, by giving the same function to students in another way.

Where students are aligned only their sum matters: :math:`w_j = u/n` for n students computes what
one student :math:`u` does, and a critical point stays one however its students are dealt out among
the same directions. A point of fewer students becomes one of more when a student is replaced by
the copies :math:`s w_j` and :math:`(1-s) w_j` (collinear splitting; Fukumizu and Amari 2000). An
opposite pair :math:`w_j, -s w_j` (antipodal splitting) is no critical point, but the pair does not
act on itself (:math:`F(e,-se) = 0`), and Newton steps from there often find one.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from .._outcome import Outcome
from .._types import Key
from ..catalog import Collector
from ..critical import CriticalPoint
from ..fields import AbstractField, TeacherStudent, aligned_groups
from ._ends import add_zeros

FOUND_BY, REGROUPED = "splittings", "regrouping"

OPPOSITE = (0.1, 0.5)
"""Lengths of the second student of an opposite pair, relative to the first."""


def regroup(field: AbstractField, collector: Collector, budget: int) -> int:
    """Add what each point with aligned students becomes when they are dealt out otherwise.

    Args:
        field: the field.
        collector: the points known; what is found is added.
        budget: how many ways are tried in all, since they grow fast with the number of students.

    Returns:
        How many orbits that added.
    """
    if not (isinstance(field, TeacherStudent) and _equal(field.output_weights)):
        return 0
    before = len(collector.points)
    ways = (state for point in collector.points[:before] for state in _dealt_out(point.location))
    states = list(itertools.islice(ways, budget))
    if states:
        add_zeros(field, collector, np.stack(states), REGROUPED, hits=False)
    return len(collector.points) - before


def splitting_search(
    field: AbstractField, collector: Collector, key: Key, budget: int
) -> dict[str, Any]:
    """Split the students of the critical points of a network with one student fewer.

    Those are found by Newton from `budget` random starts, and by splitting points of still fewer
    students, down to one.

    Args:
        field: a `TeacherStudent` field with equal output weights, of several students.
        collector: the points known; what is found is added.
        key: random key.
        budget: number of random starts for each smaller network.

    Returns:
        How many points of fewer students there were, how many starts they gave, how those ended.
    """
    if not (isinstance(field, TeacherStudent) and _equal(field.output_weights)):
        return {"starts": 0, "outcomes": {}, "skipped": "not a network of equal output weights"}
    students = field.shape[0]
    if students == 1:
        return {"starts": 0, "outcomes": {}, "skipped": "a single student"}
    smaller = TeacherStudent(
        field.teacher,
        students=students - 1,
        output_weights=float(field.output_weights[0]),
        teacher_weights=field.teacher_weights,
        inputs=field.inputs,
    )
    known = Collector(smaller)
    keys = jax.random.split(key)
    draws = np.random.default_rng(np.asarray(jax.random.key_data(keys[0])).ravel())
    starts = draws.normal(size=(budget, *smaller.shape)) * smaller.sampler.std
    add_zeros(smaller, known, starts, "newton")
    splitting_search(smaller, known, keys[1], budget)
    splits = [state for point in known.points for state in _split(point)]
    outcomes = add_zeros(field, collector, np.array(splits), FOUND_BY) if splits else []
    regroup(field, collector, budget)
    return {
        "starts": len(splits),
        "outcomes": Outcome.count(np.array(outcomes, np.int8)),
        "of": len(known.points),
    }


def _split(point: CriticalPoint) -> Iterator[np.ndarray]:
    """Starts with one student more; of students that are equal one is split."""
    w = point.location
    _, first = np.unique(np.round(w, 6), axis=0, return_index=True)
    for j in sorted(first.tolist()):
        half = np.concatenate([w, w[j : j + 1] / 2])
        half[j] /= 2
        yield half
        for length in OPPOSITE:
            yield np.concatenate([w, -length * w[j : j + 1]])


def _dealt_out(w: np.ndarray) -> Iterator[np.ndarray]:
    """The states that compute the same with other numbers of students in each direction."""
    groups = aligned_groups(w)
    if not groups:
        return
    together = np.concatenate(groups)
    groups = [*groups, *([j] for j in np.setdiff1d(np.arange(len(w)), together))]
    sums = np.stack([w[group].sum(axis=0) for group in groups])
    sizes = tuple(len(group) for group in groups)
    for cuts in itertools.combinations(range(1, len(w)), len(groups) - 1):
        counts = np.diff((0, *cuts, len(w)))
        if tuple(counts.tolist()) != sizes:
            yield np.repeat(sums / counts[:, None], counts, axis=0)


def _equal(weights: Any) -> bool:
    values = np.asarray(weights)
    return bool((values == values[0]).all())
