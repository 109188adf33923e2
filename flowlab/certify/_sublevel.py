"""The largest sublevel set on which a candidate is proved to decrease."""

import dataclasses
import heapq
import itertools
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import diffrax as dfx
import jax.numpy as jnp
import numpy as np
from flint import arb

from .._checks import as_state
from ..critical import CriticalPoint
from ..fields import AbstractField, BoxRegion, Sublevel, name_of
from ._balls import BALLS, balls, flint_versions, working_precision
from ._core import Core, core_of
from ._lyapunov import require_precision
from ._rate import Rate, box_of, rate_of, tried


@dataclasses.dataclass(frozen=True, eq=False)
class SublevelProof:
    r"""What is proved about the sublevel sets of a candidate; made by `largest_sublevel`.

    Attributes:
        level: `c`: on the box, :math:`\dot V < 0` wherever `floor` :math:`\le V < c` (wherever
            :math:`V < c`, less the sink, if there is one), and
            :math:`V \ge c` on the boundary of the box. Nothing is proved if it is not above
            `floor`.
        floor: below this nothing is claimed; the value at the sink if there is one.
        limit: a level at which this is surely false: a point of the box with this V or less has
            :math:`\dot V \ge 0` or lies on the boundary; infinite if none was met.
        region: the set :math:`V \le c` within the box; `None` if nothing is proved.
        statement: what is proved, in words.
        boxes: how many boxes were looked at.
        precision: bits of the ball arithmetic.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> well = fl.zoo.double_well()
        >>> proof = fl.largest_sublevel(
        ...     well, fl.distance_candidate([1.0, 0.0]), fl.BoxRegion([-1, -2], [3, 2]),
        ...     sink=[1.0, 0.0])
        >>> 0.49 < proof.level <= 0.5 <= proof.limit < 0.51  # (0, 0) is a saddle
        True
    """

    level: float
    floor: float
    limit: float
    region: Sublevel | None
    statement: str
    boxes: int
    precision: int
    versions: dict[str, str]

    @property
    def proved(self) -> bool:
        """Whether a level above the floor is proved."""
        return self.level > self.floor

    def __repr__(self) -> str:
        return f"<SublevelProof: {self.statement} ({self.boxes} boxes of {self.precision} bits)>"


def largest_sublevel(
    field: AbstractField,
    V: Callable[[Any], Any],
    within: BoxRegion,
    *,
    floor: float | None = None,
    sink: CriticalPoint | Any = None,
    tolerance: float = 1e-2,
    max_boxes: int = 100_000,
    smallest: float = 1e-6,
    precision: int = 64,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> SublevelProof:
    r"""Prove :math:`\dot V < 0` on the largest sublevel set of V that one can, less a small core.

    Boxes are taken up in the order of the smallest value that V may have on them, and halved until
    :math:`\dot V < 0` on them. The first one that cannot be decided ends the search: below its
    value everything is proved. So one sweep finds what a bisection over levels would, and no box
    above the answer is refined. The faces of the box count as undecidable: the answer stays below V
    on them, hence :math:`\{V < c\}` is forward invariant, and every trajectory from it reaches
    :math:`\{V \le\}` `floor` in finite time.

    Args:
        field: as for `prove_lyapunov`.
        V: a closed form, as for `prove_lyapunov`.
        within: a box around the sink.
        floor: the level of the core that is left out, where :math:`\dot V` tends to 0; none if not
            given, which needs `sink`.
        sink: the sink, its floats exact, as for `prove_lyapunov`: then nothing is left out but the
            point itself, and every trajectory from :math:`\{V < c\}` converges to it.
        tolerance: stop when the answer is known to this share of `limit - floor`.
        max_boxes: how many boxes to look at; the answer so far is returned then.
        smallest: boxes narrower than this, relative to `within`, are not halved again.
        precision: bits, 53 to 4096.
        progress_meter: a diffrax progress meter: the level that is proved, relative to the limit.

    Returns:
        A `SublevelProof`.

    Raises:
        CertificationError: (a `ValueError`) if something has no closed form.
        ValueError: if the box has another shape than the field, or an option is out of range.

    Source: LaSalle (1960), some extensions of Liapunov's second method.

    Example:
        >>> import flowlab as fl
        >>> duffing = fl.zoo.duffing()
        >>> V = fl.quadratic_candidate(duffing, [1.0, 0.0])
        >>> proof = fl.largest_sublevel(
        ...     duffing, V, fl.BoxRegion([0, -1], [2, 1]), sink=[1.0, 0.0], tolerance=0.1)
        >>> proof.proved
        True
    """
    rate = rate_of(field, V)
    as_state(tuple(field.shape), within.lower, "the lower corner of within")
    require_precision(precision)
    _require_options(floor, sink, tolerance, smallest, max_boxes)
    meter = dfx.NoProgressMeter() if progress_meter is None else progress_meter
    with working_precision(precision):
        tried(rate, within, within.lower + (within.upper - within.lower) / 2)
        spread = (within.upper - within.lower) / 4
        core = None if sink is None else core_of(field, rate, sink, spread)
        sweep = _Sweep(rate, within, floor, tolerance, smallest, core)
        level = sweep.run(max_boxes, meter)
    return _state(sweep, level, V, within, precision)


def _state(
    sweep: "_Sweep", level: float, V: Callable[[Any], Any], within: BoxRegion, precision: int
) -> SublevelProof:
    name, floor, core = name_of(V), sweep.bottom, sweep.core
    if core is None:
        where = f"{floor:.6g} <= V < {level:.10g} in {within!r}"
        end = f"reaches {{V <= {floor:.6g}}}"
    else:
        where = f"V < {level:.10g} in {within!r} less the sink {core.sink.tolist()}"
        end = "converges to the sink"
    if level > floor:
        statement = (
            f"V = {name} has dV/dt < 0 wherever {where}, and V >= {level:.10g} on the boundary of "
            f"that box: {{V < {level:.10g}}} is forward invariant, and every trajectory from it "
            f"{end}."
        )
    else:
        statement = f"no level of V = {name} above {floor:.6g} is proved in {within!r}."
    return SublevelProof(
        level=level,
        floor=floor,
        limit=sweep.limit,
        region=Sublevel(V, level, within) if level > floor else None,
        statement=statement,
        boxes=sweep.boxes,
        precision=precision,
        versions={"flowlab": version("flowlab"), **flint_versions()},
    )


class _Sweep:
    """Boxes by the smallest value that V may have on them."""

    def __init__(
        self,
        rate: Rate,
        within: BoxRegion,
        floor: float | None,
        tolerance: float,
        smallest: float,
        core: Core | None,
    ):
        self.rate, self.tolerance, self.core = rate, tolerance, core
        self.floor = -np.inf if floor is None else float(floor)
        # From where levels are counted.
        self.bottom = self.floor if core is None else _below(self._value(balls(core.sink)))
        self.narrowest = smallest * (within.upper - within.lower)
        self.limit, self.boxes = np.inf, 0
        self.counter = itertools.count()
        self.heap: list[Any] = []
        self._push(within.lower, within.upper, False)
        for lower, upper in _faces(within):
            self._push(lower, upper, True)

    def run(self, max_boxes: int, meter: dfx.AbstractProgressMeter) -> float:
        """Return the level below which everything is proved."""
        state = meter.init()
        while self.boxes < max_boxes and self.heap[0][0] < self._near_limit():
            self.boxes += 1
            top = heapq.heappop(self.heap)
            level, _, lower, upper, face = top
            if not self._settled(lower, upper, face) and not self._halved(lower, upper, face):
                heapq.heappush(self.heap, top)
                break
            if self.boxes % 256 == 0 and self.limit > self.bottom:
                done = (level - self.bottom) / (self.limit - self.bottom)
                state = meter.step(state, jnp.asarray(float(np.clip(done, 0, 1))))
        meter.close(meter.step(state, jnp.asarray(1.0)))
        # Never empty: the faces are only ever halved.
        return float(self.heap[0][0])

    def _near_limit(self) -> float:
        if not np.isfinite(self.limit):
            return self.limit
        return self.limit - self.tolerance * abs(self.limit - self.bottom)

    def _settled(self, lower: np.ndarray, upper: np.ndarray, face: bool) -> bool:
        """Whether nothing is left to prove on a box; lower the limit on the way."""
        box, middle = box_of(lower, upper), balls(lower + (upper - lower) / 2)
        if face:
            self._bound(self._value(middle))
            return False
        in_core = self.core is not None and self.core.holds(lower, upper)
        if in_core or self._value(box) < self.floor:
            return True
        rate = self.rate.over(box)
        if not rate < 0 and rate.mid() < 0:
            rate = self.rate.sharper(lower, upper)[0]
        centre = lower + (upper - lower) / 2
        in_core = self.core is not None and self.core.holds(centre, centre)
        if not rate < 0 and not rate.mid() < 0 and not in_core and self.rate.over(middle) >= 0:
            value = self._value(middle)
            if value >= self.floor:
                self._bound(value)
        return bool(rate < 0)

    def _bound(self, value: arb) -> None:
        self.limit = min(self.limit, float(np.nextafter(float(value.upper()), np.inf)))

    def _halved(self, lower: np.ndarray, upper: np.ndarray, face: bool) -> bool:
        """Keep the halves of a box, unless it is too narrow."""
        relative = (upper - lower) / self.narrowest
        place = np.unravel_index(int(np.argmax(relative)), lower.shape)
        middle = lower[place] + (upper[place] - lower[place]) / 2
        if relative[place] < 1 or not lower[place] < middle < upper[place]:
            return False
        low, high = lower.copy(), upper.copy()
        low[place] = high[place] = middle
        self._push(lower, high, face)
        self._push(low, upper, face)
        return True

    def _push(self, lower: np.ndarray, upper: np.ndarray, face: bool) -> None:
        key = _below(self._value(box_of(lower, upper)))
        heapq.heappush(self.heap, (key, next(self.counter), lower, upper, face))

    def _value(self, box: Any) -> arb:
        value = self.rate.V.on(BALLS, box)
        return value.item() if isinstance(value, np.ndarray) else value


def _below(value: arb) -> float:
    """A float below every number in a ball."""
    return float(np.nextafter(float(value.lower()), -np.inf)) if value.is_finite() else -np.inf


def _require_options(
    floor: float | None, sink: Any, tolerance: float, smallest: float, max_boxes: int
) -> None:
    if (floor is None) == (sink is None):
        raise ValueError(
            "needed: either `floor`, the level of the core that is left out, or `sink`, the point "
            "to which everything is to converge."
        )
    if floor is not None and not np.isfinite(floor):
        raise ValueError(f"floor is {floor!r}; needed: a finite level.")
    if not (0 < tolerance < 1 and 0 < smallest < 1 and max_boxes > 0):
        raise ValueError(
            f"tolerance is {tolerance!r}, smallest {smallest!r}, max_boxes {max_boxes!r}; needed: "
            "two numbers between 0 and 1, and a positive one."
        )


def _faces(within: BoxRegion) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for place in np.ndindex(within.lower.shape):
        for end in (within.lower[place], within.upper[place]):
            lower, upper = within.lower.copy(), within.upper.copy()
            lower[place] = upper[place] = end
            yield lower, upper
