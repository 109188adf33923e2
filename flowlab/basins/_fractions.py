"""Basin fractions: the share of random starts that each critical point attracts."""

from collections.abc import Callable
from typing import Any

import diffrax as dfx
import jax.numpy as jnp
import numpy as np

from .._checks import as_states, require_float64
from .._types import Key, Sampler
from ..catalog import Catalog, provenance
from ..fields import AbstractField, AbstractSampler, draw, sampler_spec
from ..flow import settle
from ._interval import checked_confidence
from ._schedule import Look, looks, widest
from ._shares import Fractions
from ._tally import Tally
from ._unseen import UnseenMass

PILOT = 256
"""Starts of the first batch when no catalog is given: few, so that most trajectories may end early
in the neighbourhood of what it finds."""


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
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Fractions`: it prints as a table, and its counts add up to the number of starts.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

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
    size = _positive(batch, "batch")
    law = None if np.ndim(starts) else _law(field, sampler, key)
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps, "escape_radius": escape_radius}
    made = provenance(
        field,
        key=key,
        sampler=None if law is None else sampler_spec(law),
        half_width=half_width,
        confidence=confidence,
        by_image=by_image,
        max_starts=max_starts,
        solver=type(dfx.Dopri8() if solver is None else solver).__name__,
        **options,
    )
    total = plan[-1].starts
    take = _given(field, starts) if law is None else _drawn(field, law, key, min(size, total))
    job = _Job(field, catalog, made, {"solver": solver, **options}, total, progress_meter)
    look = plan[0]
    for look in plan:
        job.follow(take, look.starts, size)
        if half_width is not None and job.narrow(look, half_width, by_image):
            break
    job.meter.close(job.progress)
    return job.result(look, plan, sure, half_width)


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


def _law(
    field: AbstractField, sampler: AbstractSampler | Sampler | None, key: Key | None
) -> AbstractSampler | Sampler:
    if key is None:
        raise ValueError("the starts are drawn, so `key=jax.random.key(...)` is needed.")
    law = field.sampler if sampler is None else sampler
    if not callable(law) or isinstance(law, type):
        raise ValueError(
            f"sampler is {law!r}; needed: a sampler such as `Normal(0.5)`, or a function of a key. "
            "Starts of your own go to `starts`."
        )
    return law


class _Job:
    """The starts of one call and what became of them."""

    def __init__(
        self,
        field: AbstractField,
        catalog: Catalog | None,
        made: dict[str, Any],
        options: dict[str, Any],
        total: int,
        meter: dfx.AbstractProgressMeter | None,
    ):
        self.field, self.given, self.made, self.options = field, catalog, made, options
        self.tally = Tally(field, catalog)
        self.done, self.total = 0, total
        self.meter = dfx.NoProgressMeter() if meter is None else meter
        self.progress = self.meter.init()

    def follow(self, take: "Take", until: int, size: int) -> None:
        """Follow the starts up to number `until`, a batch at a time."""
        while self.done < until:
            pilot = self.done == 0 and self.given is None
            count = min(PILOT if pilot else size, size, until - self.done)
            ensemble = settle(
                self.field,
                take(self.done, count),
                catalog=self._catalog(),
                progress_meter=_Part(self._reporter(count)),
                **self.options,
            )
            self.tally.add(ensemble, self.done)
            self.done += count

    def narrow(self, look: Look, half_width: float, by_image: bool) -> bool:
        """Whether every interval is narrow enough at this look."""
        counts = [*self.tally.hits, *self.tally.unsettled.values()]
        counts += self.tally.images.values() if by_image else ()
        return widest(np.array(counts, int), look) <= half_width

    def result(
        self, look: Look, plan: tuple[Look, ...], confidence: float, half_width: float | None
    ) -> Fractions:
        """Return what was counted."""
        catalog, tally = self._catalog(), self.tally
        connections = () if self.given is None else self.given.connections
        hits = np.array(tally.hits, int)
        points = [p.replace(hits=p.hits + int(h)) for p, h in zip(catalog, hits, strict=True)]
        ids = [point.id for point in points]
        return Fractions(
            starts=self.done,
            catalog=catalog.replace(points=tuple(points), connections=connections),
            hits=hits,
            unsettled=dict(sorted(tally.unsettled.items())),
            image_hits={(ids[i], name): n for (i, name), n in tally.images.items()},
            confidence=confidence,
            level=look.confidence,
            half_width=half_width,
            looks=plan,
            unseen=UnseenMass.of(tally.hits, tally.first, self.done, look.confidence),
            provenance=self.made,
        )

    def _catalog(self) -> Catalog:
        return Catalog(tuple(self.tally.collector.points), self.field.spec(), self.made)

    def _reporter(self, count: int) -> Callable[[float], None]:
        def report(share: float) -> None:
            fraction = (self.done + share * count) / self.total
            self.progress = self.meter.step(self.progress, jnp.asarray(fraction))

        return report


class _Part(dfx.AbstractProgressMeter):
    """The progress of one batch, as a part of the whole."""

    report: Callable[[float], None]

    def init(self) -> None:
        """Begin; the whole has begun already."""

    def step(self, state: None, progress: Any) -> None:
        """Pass the progress on."""
        self.report(float(progress))

    def close(self, state: None) -> None:
        """End; the whole goes on."""


Take = Callable[[int, int], np.ndarray]
"""Returns `count` starts from number `first` on."""


def _given(field: AbstractField, starts: Any) -> Take:
    states = np.asarray(as_states(field.shape, starts))
    return lambda first, count: states[first : first + count]


def _drawn(field: AbstractField, law: AbstractSampler | Sampler, key: Any, block: int) -> Take:
    """Draw in blocks of one size, so that drawing compiles once, and keep the last few."""
    blocks: dict[int, np.ndarray] = {}

    def take(first: int, count: int) -> np.ndarray:
        needed = range(first // block, (first + count - 1) // block + 1)
        for number in [number for number in blocks if number not in needed]:
            del blocks[number]
        for number in needed:
            if number not in blocks:
                blocks[number] = np.asarray(draw(law, key, field.shape, number * block, block))
        offset = first - needed[0] * block
        return np.concatenate([blocks[n] for n in needed])[offset : offset + count]

    return take
