r"""Critical points inside one fixed subspace, until nothing new is likely to be left.

The subspace that a subgroup fixes is invariant under the flow and has few dimensions, whatever the
dimension of the field: most saddles and all known spurious minima of symmetric landscapes lie in
one, and there a search can be nearly exhaustive. Starts of several scales are drawn in rounds, and
damped Newton is run from each; it stops when the starts since the last new orbit are so many that
what has not been seen is rare.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._checks import require_float64
from .._outcome import Outcome
from .._types import Key
from ..catalog import Catalog, Collector, provenance
from ..critical import newton_search, outcome_of
from ..fields import AbstractField, block_family, has_block_families, restrict
from ..symmetry import (
    BlockSubgroup,
    Isotropy,
    RelabelingGroup,
    block_subgroups,
    has_block_subgroups,
    isotropy_subgroups,
)
from ._ends import ROUGH, SAME, alike

ROUND = 512
"""Starts that are drawn together."""

SCALES = (0.3, 1.0, 2.0)
"""Typical sizes of a row of a start; drawn for each start."""

SPREADS = (0.5, 1.0)
"""A coordinate that stands for n entries of a row is that much smaller, to these powers of n."""

CONFIDENCE = 0.95

FOUND_BY = "fixed_subspaces"


@dataclasses.dataclass(frozen=True)
class Budget:
    """When a search of one subspace ends.

    Attributes:
        unseen: once points that a start reaches with this probability would have been seen.
        starts: after that many starts at the latest.
    """

    unseen: float = 2e-3
    starts: int = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.unseen < 1:
            raise ValueError(f"unseen is {self.unseen}; needed: a probability between 0 and 1.")
        if int(self.starts) != self.starts or self.starts < 1:
            raise ValueError(f"starts is {self.starts!r}; needed: a positive whole number.")


BUDGET = Budget()


def search_fixed_subspace(
    field: AbstractField,
    subgroup: Isotropy[Any] | Any,
    *,
    key: Key,
    starts: int = Budget.starts,
    unseen: float = Budget.unseen,
    catalog: Catalog | None = None,
) -> Catalog:
    r"""Find the critical points of a field in the fixed subspace of a subgroup of its symmetry.

    Newton runs in the subspace, in rounds of 512 starts. After n starts since the last that reached
    an orbit not seen before, an orbit that a start reaches with probability
    :math:`1 - 0.05^{1/n}` or more would have been seen in 95 of 100 cases; the search ends when
    that is below `unseen`. That is a rule for stopping and no proof that the list is complete.

    Each point is lifted, checked to be a zero of the full field, and classified there with its full
    spectrum, isotropy and orbit. For block subgroups of an orthonormal teacher neither the flow nor
    the spectrum costs more for more students (see `block_family`, `isotypic_spectrum`).

    Args:
        field: the field.
        subgroup: an isotropy subgroup (of `block_subgroups`, `isotropy_subgroups` or
            `field.symmetry.isotropy(w)`), or a basis (m, *field.shape) of an invariant subspace.
        key: random key.
        starts: largest number of starts.
        unseen: probability per start below which an orbit may be missed.
        catalog: points already known, to be extended; they keep their ids and hits.

    Returns:
        A `Catalog`, sorted by loss and index if it is new. `provenance["settings"]["search"]` says
        how many starts it took, how they ended, and the bound that was reached.

    Raises:
        ValueError: on bad input, or if the flow leaves the subspace.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(6))
        >>> one_block, = fl.block_subgroups(field.symmetry, blocks=1)
        >>> found = fl.search_fixed_subspace(field, one_block, key=jax.random.key(0))
        >>> [(p.kind, p.isotropy_name, p.orbit_size) for p in found][:2]
        [('global minimum', 'ΔS_6', 720), ('spurious minimum', 'ΔS_6', 720)]
    """
    require_float64("search_fixed_subspace")
    collector = Collector(field, () if catalog is None else catalog.points)
    report = search_subspace(field, subgroup, collector, key, Budget(unseen, starts))
    record = provenance(field, key=key, starts=report["starts"], search=report)
    connections = () if catalog is None else catalog.connections
    found = Catalog(tuple(collector.points), field.spec(), record, connections)
    return found if catalog is not None else found.sorted()


def search_subspace(
    field: AbstractField, subgroup: Any, collector: Collector, key: Key, budget: Budget = BUDGET
) -> dict[str, Any]:
    """Search one fixed subspace, add what is found, and say how it went."""
    inside = restricted_to(field, subgroup)
    ends, outcomes, bound = _Ends(inside, collector), [], 1.0
    units = _units(inside)
    while len(outcomes) < budget.starts and bound > budget.unseen:
        numbers = np.arange(len(outcomes), min(len(outcomes) + ROUND, budget.starts))
        starts = np.asarray(_draw(key, jnp.asarray(numbers), *units))
        result = newton_search(inside, starts)
        outcomes += ends.add_all(numbers, np.asarray(result.state), np.asarray(result.residual))
        since = len(outcomes) - 1 - max(ends.first.values(), default=-1)
        bound = 1 - (1 - CONFIDENCE) ** (1 / since) if since else 1.0
    return {
        "subgroup": getattr(subgroup, "name", "basis"),
        "dimension": inside.size,
        "starts": len(outcomes),
        "outcomes": Outcome.count(np.array(outcomes)),
        "orbits": len(ends.first),
        "unseen": float(bound),
    }


def subgroups_of(field: AbstractField, key: Key) -> list[Isotropy[Any]]:
    """Return subgroups of the field's symmetry whose fixed subspaces are worth a search."""
    group = field.symmetry
    if isinstance(group, RelabelingGroup) and group.shape[0] > 1 and has_block_subgroups(group):
        return list(block_subgroups(group))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    return isotropy_subgroups(group, rng)


def restricted_to(field: AbstractField, subgroup: Any) -> Any:
    """Return the field on the fixed subspace of a subgroup, in the cheapest form there is."""
    if isinstance(subgroup, BlockSubgroup) and has_block_families(field):
        return block_family(subgroup.sizes, dim=field.shape[1])
    if isinstance(subgroup, Isotropy):
        subgroup = field.symmetry.fixed_subspace(subgroup)
    return restrict(field, subgroup)


class _Ends:
    """The different ends of Newton iterations, and the orbits of the catalog they lie on."""

    def __init__(self, inside: Any, collector: Collector):
        self.inside, self.collector = inside, collector
        self.locations = np.zeros((0, inside.size))
        self.outcomes: list[Outcome] = []
        self.entries: list[int] = []
        self.first: dict[int, int] = {}

    def add_all(
        self, numbers: np.ndarray, states: np.ndarray, residuals: np.ndarray
    ) -> list[Outcome]:
        """Add the ends of many starts; return what each is."""
        finite = np.isfinite(residuals) & np.isfinite(states).all(axis=1)
        outcomes = [Outcome.exhausted if known else Outcome.nonfinite for known in finite]
        for members in alike(states, np.flatnonzero(finite & (residuals < ROUGH))):
            outcome = self._add(int(numbers[members[0]]), states[members[0]], len(members))
            for member in members:
                outcomes[member] = outcome
        return outcomes

    def _add(self, number: int, state: np.ndarray, hits: int) -> Outcome:
        state = self.inside.representative(state)
        near = np.abs(self.locations - state).max(axis=1, initial=0.0) < SAME
        place = int(np.argmax(near)) if near.any() else self._new(state)
        if self.outcomes[place] is Outcome.settled:
            self.collector.hit(self.entries[place], hits)
            first = self.first.get(self.entries[place], number)
            self.first[self.entries[place]] = min(first, number)
        return self.outcomes[place]

    def _new(self, state: np.ndarray) -> int:
        outcome, entry = outcome_of(self.inside, state), -1
        if outcome is Outcome.settled:
            lifted = np.asarray(self.inside.lift(jnp.asarray(state)))
            entry = self.collector.add(lifted, found_by=FOUND_BY, hits=0)[0]
        self.locations = np.concatenate([self.locations, state[None]])
        self.outcomes.append(outcome)
        self.entries.append(entry)
        return len(self.outcomes) - 1


def _units(inside: Any) -> tuple[jax.Array, jax.Array]:
    """The coordinate that changes entries by 1, and how many entries of a row it changes, (m,)."""
    origin = np.asarray(inside.lift(jnp.zeros(inside.shape)))
    moved = np.stack([np.asarray(inside.lift(row)) - origin for row in jnp.eye(inside.size)])
    largest = np.abs(moved).reshape(inside.size, -1).max(axis=1)
    if moved.ndim < 3:
        return jnp.asarray(1 / largest), jnp.ones(inside.size)
    rows = np.abs(moved).reshape(inside.size, moved.shape[1], -1)
    shares = (rows**2).sum(axis=-1).max(axis=-1) / largest**2
    return jnp.asarray(1 / largest), jnp.asarray(shares)


@jax.jit
def _draw(key: Key, numbers: jax.Array, units: jax.Array, shares: jax.Array) -> jax.Array:
    """Starts number `numbers`, each of its own scale and spread, (n, m)."""

    def one(number):
        own = jax.random.split(jax.random.fold_in(key, number), 3)
        scale = jax.random.choice(own[0], jnp.asarray(SCALES))
        spread = jax.random.choice(own[1], jnp.asarray(SPREADS))
        return jax.random.normal(own[2], units.shape) * scale * units * shares**-spread

    return jax.vmap(one)(numbers)
