"""The same jobs over many machines, with dask.distributed (extra `scale`).

Workers get the description of the field and an array of starts, and return plain numpy arrays; the
labels are put together here, so they are those of one `settle` over all starts.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._checks import as_states, require_float64
from .catalog import Catalog, Collector, provenance
from .fields import AbstractField, field_from_spec
from .flow import Ensemble, settle

if TYPE_CHECKING:
    from distributed import Client


def settle_distributed(
    client: "Client",
    field: AbstractField,
    starts: Any,
    *,
    catalog: Catalog | None = None,
    chunk: int = 4_096,
    **options: Any,
) -> Ensemble:
    """Follow the flow from many starts on the workers of a dask cluster.

    Use processes that are spawned, not forked (JAX has threads), one for each device; dask's
    defaults do. Lost workers' chunks are computed again by dask.

    Args:
        client: a `distributed.Client`.
        field: a field that its description rebuilds (the built-in ones do), see `field_from_spec`.
        starts: (n, *field.shape), float64.
        catalog: critical points already known; they keep their ids.
        chunk: starts in one task.
        **options: further options of `settle`, numbers only (`rtol`, `atol`, `max_steps`, ...).

    Returns:
        An `Ensemble`, as from `settle`: outcomes, labels and images do not depend on the chunks.

    Raises:
        ValueError: if the field cannot be rebuilt from its description, or on bad starts.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> from distributed import Client
        >>> with Client(processes=False, n_workers=1, dashboard_address=None) as client:
        ...     ensemble = fl.scale.settle_distributed(
        ...         client, fl.theorem7_plane(2), np.array([[0.5, 0.1], [0.1, 0.5]]), chunk=1)
        >>> ensemble.counts
        {'settled': 2}
    """
    require_float64("settle_distributed")
    states = np.asarray(as_states(field.shape, starts))
    spec = field.spec()
    field_from_spec(spec)
    if chunk < 1:
        raise ValueError(f"chunk is {chunk!r}; needed: a positive number of starts.")
    pieces = [states[first : first + chunk] for first in range(0, len(states), chunk)]
    futures = [client.submit(_settle_piece, spec, piece, options) for piece in pieces]
    # The declared return covers asynchronous clients too.
    results = cast("list[_Piece]", client.gather(futures))
    settings = {"starts": len(states), "chunk": chunk, **options}
    return _together(field, results, catalog, provenance(field, **settings))


@dataclasses.dataclass(frozen=True)
class _Piece:
    """What a worker returns: arrays, and for each label one end that carries it."""

    arrays: dict[str, np.ndarray]
    ends: np.ndarray
    found_by: list[str]


def _settle_piece(spec: dict[str, Any], starts: np.ndarray, options: dict[str, Any]) -> _Piece:
    import jax

    jax.config.update("jax_enable_x64", True)
    ensemble = settle(field_from_spec(spec), starts, **options)
    pairs = np.stack([ensemble.point, ensemble.image], -1)
    unique, first, inverse = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    label = np.where(unique[inverse.reshape(-1), 0] >= 0, inverse.reshape(-1), -1)
    arrays = {
        name: getattr(ensemble, name)
        for name in ("outcome", "state", "time", "steps", "evaluations")
    }
    found_by = [
        ensemble.catalog.points[point].found_by if point >= 0 else "" for point, _ in unique
    ]
    return _Piece({**arrays, "label": label}, ensemble.state[first], found_by)


def _together(
    field: AbstractField, pieces: list[_Piece], catalog: Catalog | None, record: dict[str, Any]
) -> Ensemble:
    """Label the ends of all pieces with one catalog."""
    collector = Collector(field, () if catalog is None else catalog.points)
    images: dict[str, tuple[int, Any]] = {}
    points, numbers = [], []
    for piece in pieces:
        label = piece.arrays["label"]
        point, image = np.full(len(label), -1), np.full(len(label), -1)
        for value in np.unique(label[label >= 0]):
            members = label == value
            index, element = collector.add(
                piece.ends[value],
                found_by=piece.found_by[value],
                hits=int(members.sum()),
            )
            number, _ = images.setdefault(str(element), (len(images), element))
            point[members], image[members] = index, number
        points.append(point)
        numbers.append(image)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([piece.arrays[name] for piece in pieces])

    return Ensemble(
        outcome=joined("outcome"),
        state=joined("state"),
        point=np.concatenate(points),
        image=np.concatenate(numbers),
        time=joined("time"),
        steps=joined("steps"),
        evaluations=joined("evaluations"),
        images=tuple(e for _, e in images.values()),
        catalog=Catalog(tuple(collector.points), field.spec(), record),
    )
