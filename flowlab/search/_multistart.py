"""Critical points of every index from many starts."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import diffrax as dfx
import jax
import numpy as np

from .._checks import require_float64
from .._outcome import Outcome
from .._types import Key, Sampler
from ..catalog import Catalog, Collector, provenance
from ..critical import CriticalPoint
from ..fields import AbstractField, AbstractSampler
from ..flow import settle, starting_states
from ..symmetry import Isotropy
from ._completeness import Completeness
from ._deflation import FOUND_BY as DEFLATION, deflation_search
from ._ends import add_zeros
from ._slow_points import FOUND_BY as SLOW, slow_point_search
from ._splittings import FOUND_BY as SPLITTINGS, regroup, splitting_search
from ._starts import spread
from ._subspace import FOUND_BY as FIXED, search_subspace, subgroups_of
from ._uphill import FOUND_BY as EIGENVECTORS, eigenvector_search

METHODS = ("flow", "newton")
"""What is used unless something else is asked for."""

EVERY_METHOD = (*METHODS, SLOW, FIXED, EIGENVECTORS, SPLITTINGS, DEFLATION)

LOCAL = {
    SPLITTINGS: splitting_search,
    EIGENVECTORS: eigenvector_search,
}
"""Methods that start from points already known, in this order."""


def find_critical_points(
    field: AbstractField,
    *,
    key: Key | None = None,
    starts: Any = 1_000,
    sampler: AbstractSampler | Sampler | None = None,
    catalog: Catalog | None = None,
    methods: Sequence[str] = METHODS,
    subgroups: Sequence[Isotropy[Any]] | None = None,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Catalog:
    r"""Find critical points of every index, one entry per orbit of the symmetry group.

    From each start the flow is followed to where it settles (sinks, and saddles of starts in their
    stable sets), and a damped Newton iteration is run (points of every index). With the method
    `"slow_points"` Newton's method also runs from where trajectories slow down on their way: these
    are the saddles that the flow visits. With `"fixed_subspaces"` the fixed subspaces of isotropy
    subgroups are searched too, each until nothing new is likely to be left (see
    `search_fixed_subspace`): large symmetric fields have points there that no random start finds.
    With `"splittings"` the critical points of networks with fewer students are found, and each of
    their students is split into two. With `"eigenvectors"` saddles of neighbouring index are looked
    for around each point found, uphill and downhill along the softest eigenvectors of its Hessian,
    and around those again, until nothing is new. With `"deflation"` Newton's method is kept away
    from all images of the points found.

    A zero of the field counts if its residual is at most 1e-12 (for fields of unit scale); minima
    of :math:`|f|` that are not zeros are never listed. Nothing here proves that the list is
    complete: compare runs of different keys and sizes.

    Args:
        field: the field.
        key: random key, needed when `starts` is a number.
        starts: number of starts, or an array (n, *field.shape), float64.
        sampler: what the starts are drawn from; the field's own sampler if not given.
        catalog: points already known, to be extended; they keep their ids and hits.
        methods: which of `"flow"`, `"newton"`, `"slow_points"`, `"fixed_subspaces"`,
            `"splittings"`, `"eigenvectors"` and `"deflation"` to use.
        subgroups: whose fixed subspaces to search. If not given, those of `block_subgroups` with
            two blocks where the field has them, elsewhere those that `isotropy_subgroups` finds.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Catalog`, sorted by loss and index. Points found by `"regrouping"` compute the same as
        others, with their aligned students in other numbers. `hits` counts the starts, of any
        method, that led to each orbit. `provenance["settings"]["search"]` says what each method
        found, and how many orbits random starts have probably missed (see `completeness`).

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> catalog = fl.find_critical_points(
        ...     fl.TeacherStudent(jnp.eye(2)), key=jax.random.key(0), starts=100)
        >>> catalog[0].kind, catalog[0].orbit_size
        ('global minimum', 2)
    """
    require_float64("find_critical_points")
    if not set(methods) <= set(EVERY_METHOD) or not methods:
        raise ValueError(f"methods is {methods!r}; needed: some of {EVERY_METHOD}.")
    random = bool(set(methods) & set(METHODS))
    drawn = random or SLOW in methods
    states = starting_states(field, starts, key, sampler) if drawn else np.zeros(0)
    known = known_before = () if catalog is None else catalog.points
    report: dict[str, Any] = {}
    if "flow" in methods:
        ensemble = settle(
            field, states, catalog=catalog, capture=False, progress_meter=progress_meter
        )
        known, report["flow"] = ensemble.catalog.points, ensemble.counts
    collector = Collector(field, known)
    if "newton" in methods:
        begin = _newton_starts(field, starts, states)
        report["newton"] = Outcome.count(add_zeros(field, collector, begin, "newton"))
    if random:
        report["completeness"] = dataclasses.asdict(_completeness(collector, known_before))
    if SLOW in methods:
        report[SLOW] = slow_point_search(field, collector, states)
    budget = len(starts) if np.ndim(starts) else int(starts)
    if "newton" in methods:
        report["regrouped"] = regroup(field, collector, budget)
    if FIXED in methods:
        report[FIXED] = _subspace_search(field, key, subgroups, collector)
    for method, search in LOCAL.items():
        if method in methods:
            report[method] = search(field, collector, _required(key, method), budget)
    if DEFLATION in methods:
        own = None if np.ndim(starts) else jax.random.fold_in(_required(key, DEFLATION), 1)
        begin = _newton_starts(field, starts, starting_states(field, starts, own, sampler))
        report[DEFLATION] = deflation_search(field, collector, begin)
    for method in methods:
        report[f"found_by_{method}"] = sum(p.found_by == method for p in collector.points)
    record = provenance(field, key=key, extends=catalog, starts=len(states), search=report)
    connections = () if catalog is None else catalog.connections
    found = Catalog(tuple(collector.points), field.spec(), record, connections)
    return found if catalog is not None else found.sorted()


def _newton_starts(field: AbstractField, starts: Any, states: np.ndarray) -> np.ndarray:
    """The states if they were given, else what was drawn at several scales."""
    return states if np.ndim(starts) else spread(field, states)


def _subspace_search(
    field: AbstractField,
    key: Key | None,
    subgroups: Sequence[Isotropy[Any]] | None,
    collector: Collector,
) -> list[dict[str, Any]]:
    """Search the fixed subspaces of subgroups, and say how each search went."""
    key = _required(key, FIXED)
    chosen = subgroups_of(field, key) if subgroups is None else subgroups
    keys = [jax.random.fold_in(key, number) for number in range(len(chosen))]
    pairs = zip(chosen, keys, strict=True)
    return [search_subspace(field, subgroup, collector, own) for subgroup, own in pairs]


def _required(key: Key | None, method: str) -> Key:
    if key is None:
        raise ValueError(f"the method {method!r} draws: pass `key=jax.random.key(...)`.")
    return key


def _completeness(collector: Collector, known: Sequence[CriticalPoint]) -> Completeness:
    """What this run's random starts say of orbits not seen; earlier hits do not count."""
    before = {point.id: point.hits for point in known}
    return Completeness.of(p.hits - before.get(p.id, 0) for p in collector.points)
