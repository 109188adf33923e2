"""Many trajectories, each until it settles."""

import os
from collections.abc import Callable
from typing import Any

import diffrax as dfx
import jax.numpy as jnp
import numpy as np

from .._checks import as_states, require_float64
from .._types import Key, Sampler
from ..catalog import Catalog, provenance
from ..fields import AbstractField, AbstractSampler, draw
from ._chunk import Follower, Piece
from ._ensemble import Ensemble
from ._merge import Merger, concatenate
from ._method import ensemble_method
from ._stored import PROBES, fingerprint, job_description, run_stored

CHUNK = 65_536
"""Trajectories that are drawn, followed and stored together."""


def settle(
    field: AbstractField,
    starts: Any,
    *,
    key: Key | None = None,
    sampler: AbstractSampler | Sampler | None = None,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    capture: bool = True,
    workers: int | None = None,
    batch: int | None = None,
    store: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Ensemble:
    r"""Follow the flow from many starts until each settles, and say where it went.

    Trajectories run in a batch of fixed size, in rounds; whatever has ended makes room for the
    next, so that none waits for the slowest. Each end is polished by Newton steps and labelled with
    the critical point reached and *which symmetric image* of it. Nothing is forced onto the nearest
    label: an unknown critical point is classified and added to the catalog. A trajectory that rests
    near a saddle is sent on if it is bound to leave it; starts that lie exactly in the fixed
    subspace of a subgroup are kept in it.

    Where `catalog` holds isolated sinks, a trajectory that enters the capture ball of one, or of a
    symmetric image of it, stops there (outcome `captured`): see `capture_ball`. The catalog that
    is returned keeps the balls.

    Args:
        field: the field.
        starts: their number, or an array (n, *field.shape), float64.
        key: random key, needed when `starts` is a number; start i uses `fold_in(key, i)`.
        sampler: what the starts are drawn from; the field's own sampler if not given.
        catalog: critical points already known; they keep their ids.
        solver: an adaptive diffrax solver; if not given, `Dopri8` for fields of at most 8
            coordinates and `Tsit5` for others, each measured to be faster there.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        escape_radius: Euclidean norm beyond which a trajectory has escaped; 1e4 times the larger of
            1 and its start's norm if not given.
        capture: whether a trajectory stops in the capture ball of a sink of `catalog`.
        workers: number of threads; as many as there are cores if not given.
        batch: trajectories that run side by side in a thread; what suits the cache if not given.
            The result does not depend on it, nor on `workers`.
        store: a directory in which finished chunks of the job are kept (extra `zarr`): a job that
            was killed goes on from there, and memory stays bounded, since the arrays of the
            ensemble are then read from the disk when they are indexed.
        resume: whether chunks that the store holds already may be used.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        An `Ensemble`: an outcome for each start; the counts add up to what was asked.

    Raises:
        ValueError: on bad input, or if the store holds another job.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> ensemble = fl.settle(fl.theorem7_plane(3), 20, key=jax.random.key(0))
        >>> ensemble.counts
        {'settled': 20}
    """
    require_float64("settle")
    source = _Source(field, starts, key, sampler)
    method = ensemble_method(field, solver, rtol, atol)
    settings = {
        **source.settings(),
        "solver": type(method.solver).__name__,
        "rtol": rtol,
        "atol": atol,
        "max_steps": max_steps,
        "escape_radius": escape_radius,
        "capture": capture,
    }
    follower = Follower(
        field, method, catalog,
        capture=capture, max_steps=max_steps, found_by="flow",
        workers=workers, batch=_required_size(batch),
    )  # fmt: skip
    report = _Report(progress_meter, source.count)
    job = _Job(source, follower, escape_radius, report)
    merger = Merger(field, catalog, "flow")
    record = provenance(field, key=key, **settings)
    if store is None:
        pieces = (job.piece(number) for number in range(source.chunks))
        arrays = concatenate(_labelled(piece, merger) for piece in pieces)
    else:
        description = job_description(
            "settle", field, source.states(0)[:PROBES], catalog, record,
            given=fingerprint(source.given), chunk=CHUNK,
        )  # fmt: skip
        arrays = run_stored(store, description, source.chunks, resume, job.piece, report, merger)
    report.close()
    return Ensemble(
        **{name: arrays[name] for name in ("outcome", "state", "point", "image", "time", "steps")},
        evaluations=np.asarray(arrays["steps"]) * method.stages,
        images=tuple(merger.images.elements),
        catalog=merger.catalog(follower.known.balls, record),
    )


def starting_states(
    field: AbstractField, starts: Any, key: Key | None, sampler: AbstractSampler | Sampler | None
) -> np.ndarray:
    """Return the starts as an array (n, *shape): those given, or drawn from the sampler."""
    if np.ndim(starts):
        return np.asarray(as_states(field.shape, starts))
    count = _required_count(starts, key)
    assert key is not None
    law = field.sampler if sampler is None else sampler
    return np.asarray(draw(law, key, field.shape, 0, count))


def _required_count(starts: Any, key: Key | None) -> int:
    if key is None:
        raise ValueError(
            f"starts is the number {starts!r}, so they are drawn: pass `key=jax.random.key(...)`, "
            "or pass the starts themselves."
        )
    if int(starts) != starts or starts < 1:
        raise ValueError(f"starts is {starts!r}; needed: a positive whole number, or an array.")
    return int(starts)


def _required_size(batch: int | None) -> int | None:
    if batch is not None and (int(batch) != batch or batch < 1):
        raise ValueError(f"batch is {batch!r}; needed: a positive whole number of trajectories.")
    return None if batch is None else int(batch)


def _labelled(piece: Piece, merger: Merger) -> dict[str, np.ndarray]:
    point, image = merger.add(piece)
    return {**piece.arrays, "point": point, "image": image}


class _Source:
    """The starts of a job, chunk by chunk: those given, or drawn when they are needed."""

    def __init__(
        self,
        field: AbstractField,
        starts: Any,
        key: Key | None,
        sampler: AbstractSampler | Sampler | None,
    ):
        self.field, self.key = field, key
        self.law = field.sampler if sampler is None else sampler
        self.given = None
        if np.ndim(starts):
            self.given = np.asarray(as_states(field.shape, starts))
            self.count = len(self.given)
        else:
            self.count = _required_count(starts, key)
        self.chunks = -(-self.count // CHUNK)

    def states(self, number: int) -> np.ndarray:
        """Return the starts of a chunk, (n, *shape)."""
        first, last = number * CHUNK, min((number + 1) * CHUNK, self.count)
        if self.given is not None:
            return self.given[first:last]
        assert self.key is not None
        return np.asarray(draw(self.law, self.key, self.field.shape, first, last - first))

    def settings(self) -> dict[str, Any]:
        """Return what provenance says of them."""
        if self.given is not None:
            return {"starts": self.count}
        return {"starts": self.count, "sampler": repr(self.law)}


class _Report:
    """A progress meter that may be stepped from any thread."""

    def __init__(self, meter: dfx.AbstractProgressMeter | None, count: int):
        self._meter = dfx.NoProgressMeter() if meter is None else meter
        self._state, self._count, self._done = self._meter.init(), max(count, 1), 0

    def __call__(self, ended: int) -> None:
        self._done += ended
        if isinstance(self._meter, dfx.NoProgressMeter):
            return
        self._state = self._meter.step(self._state, jnp.asarray(self._done / self._count))

    def close(self) -> None:
        """Say that the job has ended."""
        self._meter.close(self._state)


def settle_piece(
    field: AbstractField,
    starts: np.ndarray,
    *,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    capture: bool = True,
    workers: int | None = None,
) -> Piece:
    """Follow one chunk of a job whose pieces are put together elsewhere; arguments as `settle`."""
    follower = Follower(
        field, ensemble_method(field, solver, rtol, atol), catalog,
        capture=capture, max_steps=max_steps, found_by="flow", workers=workers,
    )  # fmt: skip
    return follower.follow(starts, _escape_radii(starts, escape_radius), lambda ended: None)


def _escape_radii(states: np.ndarray, radius: float | None) -> np.ndarray:
    if radius is not None:
        return np.full(len(states), float(radius))
    return 1e4 * np.maximum(1.0, np.linalg.norm(states.reshape(len(states), -1), axis=-1))


class _Job:
    """A job, chunk by chunk."""

    def __init__(
        self,
        source: _Source,
        follower: Follower,
        escape_radius: float | None,
        report: Callable[[int], None],
    ):
        self.source, self.follower = source, follower
        self.escape_radius, self.report = escape_radius, report

    def piece(self, number: int) -> Piece:
        """Follow the trajectories of one chunk."""
        states = self.source.states(number)
        radii = _escape_radii(states, self.escape_radius)
        return self.follower.follow(states, radii, self.report)
