"""Following the unstable manifold of every saddle to where it ends."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import require_float64
from .._outcome import Outcome
from .._types import Key
from ..catalog import Catalog, Connection
from ..critical import CriticalPoint
from ..fields import AbstractField
from ..flow import Ensemble, settle
from ._directions import UnstableDirection, directions_of

DEPARTURE = 1e-4
"""Distance from the saddle at which the unstable manifold is replaced by its tangent; the error is
its square."""

ROUNDS = 4
"""Saddles met on the way are followed in turn, this many generations deep."""


@dataclasses.dataclass(frozen=True, eq=False)
class Departure:
    """The start of a connection: a critical point and the state beside it."""

    source: CriticalPoint
    direction: UnstableDirection
    start: np.ndarray


def trace_connections(
    field: AbstractField,
    catalog: Catalog,
    *,
    key: Key | None = None,
    samples: int = 16,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Catalog:
    """Follow the unstable directions of every point of positive index, and record where they lead.

    Both sides of every unstable eigenvector are followed; at index 2 and more, so are directions in
    the fixed subspaces of the isotropy group and `samples` directions spread over the unstable
    sphere (see `unstable_directions`). A departure in a symmetric direction is kept in its fixed
    subspace exactly. Critical points met for the first time are added and followed in turn.

    Nothing is lost: `catalog.provenance["connections"]` says how many directions were followed
    (`directions`), how they ended (`outcomes`, by name of `Outcome`; the counts add up), how many
    points met in the last generation were not followed (`unfollowed`), and the `key`, `samples` and
    `distance` that decide the directions.

    Args:
        field: the field.
        catalog: its critical points.
        key: random key for the sampled directions; `jax.random.key(0)` if not given.
        samples: how many directions to sample at index 2 and more.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        The catalog with `connections` (replacing those it had) and any new points.

    Raises:
        ValueError: if `samples` is negative.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> catalog = fl.trace_connections(field, catalog)
        >>> made = catalog.provenance["connections"]
        >>> made["directions"] == sum(made["outcomes"].values()) >= 2
        True
    """
    require_float64("trace_connections")
    if samples < 0:
        raise ValueError(f"samples is {samples}; needed: 0 or more.")
    key = jax.random.key(0) if key is None else key
    seed = np.asarray(jax.random.key_data(key)).ravel().tolist()
    connections: list[Connection] = []
    outcomes: list[np.ndarray] = []
    followed: set[str] = set()
    for _ in range(ROUNDS):
        sources = _to_follow(catalog, followed)
        if not sources:
            break
        starts = [d for p in sources for d in departures(field, p, seed, samples)]
        ensemble = settle(
            field,
            np.stack([departure.start for departure in starts]),
            catalog=catalog,
            capture=False,
            progress_meter=progress_meter,
        )
        connections += _connections(field, starts, ensemble)
        outcomes.append(ensemble.outcome)
        followed |= {point.id for point in sources}
        # Ends of connections are no random starts: they must not count as hits.
        fresh = ensemble.catalog.points[len(catalog) :]
        catalog = catalog.replace(
            points=(*catalog.points, *(point.replace(hits=0) for point in fresh))
        )
    counts = Outcome.count(np.concatenate([np.zeros(0, int), *outcomes]))
    record = {
        "key": seed,
        "samples": samples,
        "distance": DEPARTURE,
        "directions": sum(counts.values()),
        "outcomes": counts,
        "unfollowed": len(_to_follow(catalog, followed)),
    }
    return catalog.replace(
        connections=tuple(connections), provenance={**catalog.provenance, "connections": record}
    )


def _to_follow(catalog: Catalog, followed: set[str]) -> list[CriticalPoint]:
    return [point for point in catalog if point.index > 0 and point.id not in followed]


def trace_record(catalog: Catalog) -> dict[str, Any]:
    """Return how the connections of a catalog were traced.

    Raises:
        ValueError: if it does not say, or not in words that can be understood.
    """
    record = catalog.provenance.get("connections")
    if isinstance(record, dict):
        key, samples = record.get("key"), record.get("samples")
        numbers = isinstance(key, list) and all(type(part) is int and part >= 0 for part in key)
        if numbers and type(samples) is int and samples >= 0:
            return record
    raise ValueError(
        "the catalog does not say in which directions its connections were traced. Trace them anew "
        "with `trace_connections`."
    )


def departures(
    field: AbstractField, point: CriticalPoint, seed: Sequence[int], samples: int
) -> list[Departure]:
    """Return the starts beside a critical point, the same ones for the same seed and samples."""
    distance = departure_distance(field, point)
    found = []
    for direction in directions_of(field, point, seed, samples):
        start = point.location + distance * direction.vector
        if direction.symmetric:
            start = _symmetric_start(field, start, distance)
        found.append(Departure(point, direction, start))
    return found


def departure_distance(field: AbstractField, point: CriticalPoint) -> float:
    """How far from the point a trajectory starts: less beside a singularity of the field."""
    room = float(field.distance_to_singularity(jnp.asarray(point.location)))
    return DEPARTURE * min(1.0, room)


def _symmetric_start(field: AbstractField, start: np.ndarray, distance: float) -> np.ndarray:
    """Return the start with the entries that symmetry makes equal set equal to the bit."""
    group = field.symmetry
    isotropy = group.isotropy(start, tol=1e-4 * distance)
    moved = isotropy.order > 1 or isotropy.reflections
    return np.asarray(group.symmetrize(start, isotropy)) if moved else start


def _connections(
    field: AbstractField, starts: list[Departure], ensemble: Ensemble
) -> list[Connection]:
    group, found = field.symmetry, []
    for number, departure in enumerate(starts):
        reached = int(ensemble.point[number])
        if reached < 0:
            continue
        target = ensemble.catalog[reached]
        source = departure.source
        drop = None if source.loss is None or target.loss is None else source.loss - target.loss
        found.append(
            Connection(
                source=source.id,
                target=target.id,
                image=group.image_name(ensemble.images[ensemble.image[number]], target.location),
                side=departure.direction.side,
                direction=departure.direction.number,
                loss_drop=drop,
                time=float(ensemble.time[number]),
            )
        )
    return found
