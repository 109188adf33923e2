"""The same jobs over many machines, with dask.distributed (extra `scale`).

Workers get the description of the field and an array of starts, and return plain numpy arrays; the
labels are put together here, so they are those of one `settle` over all starts.
"""

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._checks import as_states, require_float64
from .catalog import Catalog, provenance
from .fields import AbstractField, field_from_spec
from .flow import Ensemble, Merger, Piece, concatenate, ensemble_method, settle_piece

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
        **options: further options of `settle`: `solver`, `rtol`, `atol`, `max_steps`,
            `escape_radius`, `capture`.

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
    settings = {"starts": len(states), "chunk": chunk, **options}
    record = provenance(field, **settings)
    wire = None if catalog is None else catalog.to_bytes()
    futures = [
        client.submit(_settle_chunk, spec, wire, states[first : first + chunk], options)
        for first in range(0, len(states), chunk)
    ]
    # The declared return covers asynchronous clients too.
    pieces = cast("list[Piece]", client.gather(futures))
    merger = Merger(field, catalog, "flow")
    labels = [merger.add(piece) for piece in pieces]
    arrays = concatenate(piece.arrays for piece in pieces)
    solver, rtol, atol = (options.get(name, default) for name, default in _DEFAULTS.items())
    return Ensemble(
        **{name: arrays[name] for name in ("outcome", "state", "time", "steps")},
        point=np.concatenate([point for point, _ in labels]),
        image=np.concatenate([image for _, image in labels]),
        evaluations=arrays["steps"] * ensemble_method(field, solver, rtol, atol).stages,
        images=tuple(merger.images.elements),
        catalog=merger.catalog({}, record),
    )


_DEFAULTS = {"solver": None, "rtol": 1e-8, "atol": 1e-10}


def _settle_chunk(
    spec: dict[str, Any], catalog: bytes | None, starts: np.ndarray, options: dict[str, Any]
) -> Piece:
    import jax

    jax.config.update("jax_enable_x64", True)
    known = None if catalog is None else Catalog.from_bytes(catalog, "the catalog")
    return settle_piece(field_from_spec(spec), starts, catalog=known, workers=1, **options)
