"""Basin fractions: the share of random starts that each critical point attracts."""

import contextlib
import os
from typing import Any

import diffrax as dfx
import numpy as np

from .._checks import as_states, require_float64
from .._store import JobStore
from .._types import Key, Sampler
from ..catalog import Catalog, provenance
from ..fields import AbstractField, AbstractSampler, sampler_spec
from ..flow import PROBES, ensemble_method, job_description
from ._interval import checked_confidence
from ._sampling import Sampling
from ._schedule import Look, looks
from ._shares import Fractions
from ._starts import Take, drawn_starts, given_starts


def basin_fractions(
    field: AbstractField,
    sampler: AbstractSampler | Sampler | None = None,
    *,
    key: Key | None = None,
    half_width: float | None = None,
    starts: Any = None,
    confidence: float = 0.95,
    catalog: Catalog | None = None,
    by_image: bool = False,
    batch: int = 4_096,
    max_starts: int | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    capture: bool = False,
    store: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Fractions:
    r"""Estimate the share of random starts that each critical point attracts, with intervals.

    Starts are drawn from `sampler` and followed by `settle`; each ends at a critical point or has
    an outcome that says why not, and every one is counted. Intervals are Clopper-Pearson's. For a
    given number of starts they are exact at `confidence`.

    With `half_width` the sampling stops when every interval is narrow enough. That lets the data
    choose their own number, so it looks only at numbers of starts fixed beforehand, each twice the
    one before, and splits the error probability :math:`\alpha` among the looks: each of the
    intervals shown holds with probability at least `confidence`, whenever it stops. The last look
    is large enough for fractions of 1/2, the worst case, and costs about a tenth more starts than
    an interval of fixed size; fractions near 0 or 1 stop far earlier.

    An interval speaks of the probability under the sampler's law, for starts that are independent,
    and takes every label as right. It holds for each row by itself; `simultaneous()` widens them.

    Args:
        field: the field.
        sampler: what the starts are drawn from; the field's own sampler if not given.
        key: random key; start i uses `fold_in(key, i)`. Needed unless `starts` is an array.
        half_width: stop when half the width of every interval is at most this.
        starts: instead of `half_width`: the number of starts, or an array (n, *field.shape) of
            independent draws.
        confidence: probability with which each interval holds, at least.
        catalog: critical points already known; they keep their ids, and trajectories may end when
            they are sure to reach one of them. Its sinks are listed even if no start reaches them.
        by_image: whether `half_width` is asked of each symmetric image too.
        batch: starts followed at a time; decides the memory, not the result.
        max_starts: stop at this many starts even if `half_width` is not reached.
        solver: as in `settle`.
        rtol: as in `settle`.
        atol: as in `settle`.
        max_steps: as in `settle`.
        escape_radius: as in `settle`.
        capture: whether a trajectory may stop in the estimated capture ball of a sink: a few times
            faster, but a basin inside such a ball that the search for balls missed stays unseen.
        store: a directory that keeps finished batches, so that the same call after an interruption
            computes what is missing, with the same result (needs the extra `zarr`). A call with the
            same key that asks for more starts, or for a smaller `half_width`, goes on from there;
            do not let a first result decide whether to ask (see the page on fractions).
        resume: whether what is finished in the store may be used.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Fractions`: it prints as a table, and its counts add up to the number of starts.

    Raises:
        ValueError: on bad input, or if the store holds another job.
        RuntimeError: if JAX runs in 32 bits.
        ModuleNotFoundError: with `store`, if zarr is not installed.

    Source: Clopper and Pearson, Biometrika 26 (1934), 404-413; Jennison and Turnbull, J. R. Stat.
    Soc. B 51 (1989), 305-361 (intervals repeated at several looks).

    Example:
        >>> import jax, flowlab as fl
        >>> shares = fl.basin_fractions(fl.theorem7_plane(3), key=jax.random.key(0), starts=200)
        >>> [row.hits for row in shares], shares["p1"].lower < 0.5 < shares["p1"].upper
        ([108, 92], True)
    """
    require_float64("basin_fractions")
    sure = checked_confidence(confidence)
    plan = _plan(field, half_width, starts, sure, max_starts)
    size = min(_positive(batch, "batch"), plan[-1].starts)
    take, law = _sequence(field, sampler, key, starts, size)
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps, "escape_radius": escape_radius}
    options["capture"] = capture
    chosen = ensemble_method(field, solver, rtol, atol).solver
    method = {"solver": type(chosen).__name__, **options}
    made = provenance(
        field,
        key=key,
        sampler=law,
        half_width=half_width,
        confidence=confidence,
        by_image=by_image,
        max_starts=max_starts,
        **method,
    )
    with contextlib.ExitStack() as stack:
        kept = None
        if store is not None:
            # When to stop, and how many run at a time, changes no start and no end of one: a store
            # serves all such runs.
            deciding = {name: made["settings"][name] for name in ("sampler", *method)}
            described = {**made, "settings": deciding}
            job = job_description("basin fractions", field, take(0, PROBES), catalog, described)
            kept = stack.enter_context(JobStore.open(store, job, resume=resume))
        settling = {"solver": solver, **options}
        sampling = Sampling(
            field, take, catalog, made, size, progress_meter, kept, law is None, settling
        )
        return sampling.run(plan, sure, half_width, by_image)


def _plan(
    field: AbstractField,
    half_width: float | None,
    starts: Any,
    confidence: float,
    max_starts: int | None,
) -> tuple[Look, ...]:
    if (half_width is None) == (starts is None):
        raise ValueError(
            f"half_width is {half_width!r} and starts is {starts!r}; needed: one of them. "
            "`half_width=0.01` samples until every interval is that narrow, `starts=10_000` takes "
            "that many."
        )
    if starts is not None:
        if max_starts is not None:
            raise ValueError("max_starts goes with half_width; starts says how many by itself.")
        count = len(as_states(field.shape, starts)) if np.ndim(starts) else starts
        return (Look(_positive(count, "starts"), confidence),)
    if not 0 < float(half_width or 0) < 0.5:
        raise ValueError(f"half_width is {half_width!r}; needed: a number between 0 and 0.5.")
    most = None if max_starts is None else _positive(max_starts, "max_starts")
    return looks(float(half_width or 0), confidence, most)


def _positive(value: Any, name: str) -> int:
    if isinstance(value, bool) or value != int(value) or value < 1:
        raise ValueError(f"{name} is {value!r}; needed: a positive whole number.")
    return int(value)


def _sequence(
    field: AbstractField,
    sampler: AbstractSampler | Sampler | None,
    key: Key | None,
    starts: Any,
    block: int,
) -> tuple[Take, dict[str, Any] | None]:
    """Return the sequence of starts, and the description of their law if they are drawn."""
    if np.ndim(starts):
        return given_starts(field, starts), None
    if key is None:
        raise ValueError("the starts are drawn, so `key=jax.random.key(...)` is needed.")
    law = field.sampler if sampler is None else sampler
    if not callable(law) or isinstance(law, type):
        raise ValueError(
            f"sampler is {law!r}; needed: a sampler such as `Normal(0.5)`, or a function of a key. "
            "Starts of your own go to `starts`."
        )
    return drawn_starts(field, law, key, block), sampler_spec(law)
