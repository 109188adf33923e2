"""Following the unstable manifold of every saddle to where it ends."""

import dataclasses

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import require_float64
from .._types import Key
from ..catalog import Catalog, Connection
from ..critical import CriticalPoint, spectrum
from ..fields import AbstractField
from ..flow import Ensemble, settle

DEPARTURE = 1e-4
"""Distance from the saddle at which the unstable manifold is replaced by its tangent; the error is
its square."""

ROUNDS = 4
"""Saddles met on the way are followed in turn, this many generations deep."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Departure:
    source: CriticalPoint
    start: np.ndarray
    direction: int
    side: int


def trace_connections(
    field: AbstractField,
    catalog: Catalog,
    *,
    key: Key | None = None,
    samples: int = 16,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Catalog:
    """Follow the unstable directions of every point of positive index, and record where they lead.

    Both sides of every unstable eigenvector are followed; at index 2 and more, so are `samples`
    random directions of the unstable sphere. A departure in a symmetric direction is kept in its
    fixed subspace exactly. Critical points met for the first time are added and followed in turn.

    Args:
        field: the field.
        catalog: its critical points.
        key: random key for the sampled directions; `jax.random.key(0)` if not given.
        samples: how many directions to sample at index 2 and more.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        The catalog with `connections` (replacing those it had) and any new points.

    Raises:
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> field = fl.theorem7_plane(2)
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> catalog = fl.trace_connections(field, catalog)
        >>> len(catalog.connections) >= 2
        True
    """
    require_float64("trace_connections")
    key = jax.random.key(0) if key is None else key
    connections: list[Connection] = []
    followed: set[str] = set()
    for _ in range(ROUNDS):
        sources = [p for p in catalog if p.index > 0 and p.id not in followed]
        if not sources:
            break
        departures = [d for p in sources for d in _departures(field, p, key, samples)]
        starts = np.stack([departure.start for departure in departures])
        ensemble = settle(
            field, starts, catalog=catalog, capture=False, progress_meter=progress_meter
        )
        connections += _connections(field, departures, ensemble)
        followed |= {point.id for point in sources}
        # Ends of connections are no random starts: they must not count as hits.
        fresh = ensemble.catalog.points[len(catalog) :]
        catalog = catalog.replace(
            points=(*catalog.points, *(point.replace(hits=0) for point in fresh))
        )
    return catalog.replace(connections=tuple(connections))


def _departures(
    field: AbstractField, point: CriticalPoint, key: Key, samples: int
) -> list[_Departure]:
    unstable = spectrum(field, jnp.asarray(point.location)).unstable
    distance = DEPARTURE * min(
        1.0, float(field.distance_to_singularity(jnp.asarray(point.location)))
    )
    departures = []
    for number, vector in enumerate(unstable):
        for side in (1, -1):
            start = _symmetric_start(field, point.location + side * distance * vector, distance)
            departures.append(_Departure(point, start, number, side))
    if len(unstable) > 1:
        weights = np.random.default_rng(np.asarray(jax.random.key_data(key))).normal(
            size=(samples, len(unstable))
        )
        weights /= np.linalg.norm(weights, axis=-1, keepdims=True)
        for number, weight in enumerate(weights):
            start = point.location + distance * np.tensordot(weight, unstable, 1)
            departures.append(_Departure(point, start, number, 0))
    return departures


def _symmetric_start(field: AbstractField, start: np.ndarray, distance: float) -> np.ndarray:
    """Return the start with the entries that symmetry makes equal set equal to the bit."""
    group = field.symmetry
    isotropy = group.isotropy(start, tol=1e-4 * distance)
    moved = isotropy.order > 1 or isotropy.reflections
    return np.asarray(group.symmetrize(start, isotropy)) if moved else start


def _connections(
    field: AbstractField, departures: list[_Departure], ensemble: Ensemble
) -> list[Connection]:
    group, found = field.symmetry, []
    for number, departure in enumerate(departures):
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
                side=departure.side,
                direction=departure.direction,
                loss_drop=drop,
                time=float(ensemble.time[number]),
            )
        )
    return found
