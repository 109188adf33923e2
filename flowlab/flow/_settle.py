"""Many trajectories, each until it settles."""

from typing import Any

import diffrax as dfx
import jax.numpy as jnp
import numpy as np

from .._checks import as_states, require_float64
from .._outcome import Outcome
from .._types import Key, Sampler
from ..catalog import Catalog, Collector, provenance
from ..fields import AbstractField, AbstractSampler, draw
from ._engine import CANDIDATE, Pool, run
from ._ensemble import Ensemble
from ._label import Labeller, Labels
from ._method import Method, default_method

PASSES = 6
"""How often a lane may be sent on after a rest that was none."""

SMALL = 32
"""Up to this many coordinates, generic lanes run with those kept in invariant subspaces: projecting
costs less than compiling twice."""


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
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Ensemble:
    r"""Follow the flow from many starts until each settles, and say where it went.

    Runs on the host in rounds: all trajectories take a few steps, those that have come to rest are
    retired, the others repacked, so that no trajectory waits for the slowest. Each end is polished
    by Newton steps and labelled with the critical point reached and *which symmetric image* of it.
    Nothing is forced onto the nearest label: an unknown critical point is classified and added to
    the catalog. A trajectory that rests near a saddle is sent on if it is bound to leave it; starts
    that lie exactly in the fixed subspace of a subgroup are kept in it.

    Args:
        field: the field.
        starts: their number, or an array (n, *field.shape), float64.
        key: random key, needed when `starts` is a number; start i uses `fold_in(key, i)`.
        sampler: what the starts are drawn from; the field's own sampler if not given.
        catalog: critical points already known; they keep their ids.
        solver: an adaptive diffrax solver; `Dopri8` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory, rounded up to whole rounds of 16 steps.
        escape_radius: Euclidean norm beyond which a trajectory has escaped; 1e4 times the larger of
            1 and its start's norm if not given.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        An `Ensemble`: an outcome for each start; the counts add up to what was asked.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> ensemble = fl.settle(fl.theorem7_plane(3), 20, key=jax.random.key(0))
        >>> ensemble.counts
        {'settled': 20}
    """
    require_float64("settle")
    states = starting_states(field, starts, key, sampler)
    method = default_method(solver, rtol, atol)
    norms = np.linalg.norm(states.reshape(len(states), -1), axis=-1)
    radius = (
        np.full(len(states), float(escape_radius))
        if escape_radius is not None
        else 1e4 * np.maximum(1.0, norms)
    )
    meter = dfx.NoProgressMeter() if progress_meter is None else progress_meter
    collector = Collector(field, () if catalog is None else catalog.points)
    labeller = Labeller(field, method, collector, "flow")
    job = _Job(field, method, labeller, states, radius, max_steps, meter)
    job.run()
    settings = {
        "starts": len(states),
        "solver": type(method.solver).__name__,
        "rtol": rtol,
        "atol": atol,
        "max_steps": max_steps,
    }
    points = Catalog(tuple(collector.points), field.spec(), provenance(field, key=key, **settings))
    labels = job.labels
    return Ensemble(
        labels.outcome,
        labels.state,
        labels.point,
        labels.image,
        job.time,
        job.steps,
        job.steps * method.stages,
        tuple(labeller.images),
        points,
    )


def starting_states(
    field: AbstractField, starts: Any, key: Key | None, sampler: AbstractSampler | Sampler | None
) -> np.ndarray:
    """Return the starts as an array (n, *shape): those given, or drawn from the sampler."""
    if np.ndim(starts):
        return np.asarray(as_states(field.shape, starts))
    if key is None:
        raise ValueError(
            f"starts is the number {starts!r}, so they are drawn: pass `key=jax.random.key(...)`, "
            "or pass the starts themselves."
        )
    if int(starts) != starts or starts < 1:
        raise ValueError(f"starts is {starts!r}; needed: a positive whole number, or an array.")
    law = field.sampler if sampler is None else sampler
    return np.asarray(draw(law, key, field.shape, 0, int(starts)))


class _Job:
    """The trajectories of one call."""

    def __init__(
        self,
        field: AbstractField,
        method: Method,
        labeller: Labeller,
        states: np.ndarray,
        radius: np.ndarray,
        max_steps: int,
        meter: dfx.AbstractProgressMeter,
    ):
        count = len(states)
        self.field, self.method, self.labeller = field, method, labeller
        self.states, self.radius, self.max_steps = states, radius, max_steps
        self.meter, self.progress, self.done = meter, meter.init(), 0
        self.labels = Labels(
            np.full(count, Outcome.exhausted, np.int8),
            np.array(states),
            np.full(count, -1),
            np.full(count, -1),
        )
        self.time, self.steps = np.zeros(count), np.zeros(count, int)

    def run(self) -> None:
        """Follow all of them, those in invariant subspaces together with the others or apart."""
        bases = {}
        for i in np.flatnonzero(~self.field.surely_generic(self.states)):
            basis = self.field.invariant_basis(self.states[i])
            if basis is not None:
                bases[int(i)] = basis
        everyone = np.arange(len(self.states))
        if not bases:
            self._follow(everyone, {})
        elif self.field.size <= SMALL:
            self._follow(everyone, bases)
        else:
            special = np.array(list(bases))
            self._follow(special, bases)
            self._follow(np.setdiff1d(everyone, special), {})
        self.meter.close(self.progress)

    def _follow(self, lanes: np.ndarray, bases: dict[int, np.ndarray]) -> None:
        """Follow the trajectories `lanes` until each has an outcome."""
        pool = Pool.fresh(self.states[lanes], _projectors(lanes, bases, self.field.size))
        live = np.arange(len(lanes))
        for _ in range(PASSES):
            status = run(
                self.field,
                self.method,
                pool,
                live,
                max_steps=self.max_steps,
                radius=self.radius[lanes],
                on_round=lambda left: self._report(len(lanes) - left),
            )
            ended = live[status[live] != CANDIDATE]
            self.labels.outcome[lanes[ended]] = status[ended]
            self.labels.state[lanes[ended]] = pool.w[ended]
            candidates = live[status[live] == CANDIDATE]
            again = self.labeller.label(self.labels, lanes[candidates], pool.w[candidates])
            live = candidates[again]
            pool.armed[live] = False
            if len(live) == 0:
                break
        self.labels.state[lanes[live]] = pool.w[live]
        settled = self.labels.outcome[lanes] == Outcome.settled
        self.time[lanes] = np.where(settled, pool.rest, pool.time)
        self.steps[lanes] = pool.steps
        self.done += len(lanes)

    def _report(self, finished: int) -> None:
        fraction = (self.done + finished) / len(self.states)
        self.progress = self.meter.step(self.progress, jnp.asarray(fraction))


def _projectors(lanes: np.ndarray, bases: dict[int, np.ndarray], size: int) -> np.ndarray | None:
    """Return the projector of each lane, the identity for generic ones; `None` if all are."""
    if not bases:
        return None
    identity = np.eye(size)
    return np.stack([bases[i].T @ bases[i] if i in bases else identity for i in lanes.tolist()])
