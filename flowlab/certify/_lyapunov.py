"""Proving that a candidate for a Lyapunov function decreases: branch and bound with balls."""

import collections
import dataclasses
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Literal

import diffrax as dfx
import jax.numpy as jnp
import numpy as np
from flint import arb

from .._checks import as_state
from ..critical import CriticalPoint
from ..fields import AbstractField, AbstractRegion, name_of
from ._balls import BALLS, balls, flint_versions, working_precision
from ._certificate import BITS
from ._core import Core, core_of
from ._rate import Rate, box_of, rate_of, tried

METHOD = "branch and bound; ball arithmetic on the closed forms; mean value form by dual numbers"

Verdict = Literal["proved", "counterexample", "undecided"]


@dataclasses.dataclass(frozen=True, eq=False)
class LyapunovProof:
    r"""What is proved about :math:`\dot V < 0` on a region.

    Attributes:
        verdict: `"proved"`: :math:`\dot V < 0` at every point of the region; `"counterexample"`: it
            is proved that `counterexample` lies in the region and :math:`\dot V \ge 0` there;
            `"undecided"`: neither, and the boxes that are left are listed.
        statement: what is proved, in words.
        counterexample: the point, of the field's shape (its floats are exact), or `None`.
        rate: the interval of :math:`\dot V` at the counterexample; otherwise, over all boxes where
            it was proved to be negative, an upper bound.
        undecided: corners of the boxes that were not decided, (n, 2, *shape). Outside of them
            :math:`\dot V < 0` on the region, unless a counterexample ended the search.
        decided: the share of the bounding box's volume that was decided.
        boxes: how many boxes were looked at.
        precision: bits of the ball arithmetic.
        method: how it was proved.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> proof = fl.prove_lyapunov(
        ...     fl.zoo.double_well(), fl.distance_candidate([1.0, 0.0]),
        ...     fl.BoxRegion([-0.5, -0.5], [0.9, 0.5]))
        >>> proof.verdict, bool(-0.5 <= proof.counterexample[0] <= 0)
        ('counterexample', True)
    """

    verdict: Verdict
    statement: str
    counterexample: np.ndarray | None
    rate: str
    undecided: np.ndarray
    decided: float
    boxes: int
    precision: int
    method: str
    versions: dict[str, str]

    @property
    def proved(self) -> bool:
        """Whether the verdict is `"proved"`."""
        return self.verdict == "proved"

    def __repr__(self) -> str:
        extra = f", {len(self.undecided)} boxes undecided" if len(self.undecided) else ""
        return (
            f"<LyapunovProof: {self.verdict}. {self.statement} "
            f"({self.boxes} boxes of {self.precision} bits{extra})>"
        )


def prove_lyapunov(
    field: AbstractField,
    V: Callable[[Any], Any],
    region: AbstractRegion,
    *,
    sink: CriticalPoint | Any = None,
    max_boxes: int = 100_000,
    smallest: float = 1e-9,
    precision: int = 64,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> LyapunovProof:
    r"""Prove :math:`\dot V = \langle\nabla V, f\rangle < 0` on all of a region, or refute it.

    The bounding box of the region is halved again and again. A box is done with when balls show
    that it lies outside the region or that :math:`\dot V < 0` on all of it; a midpoint that surely
    lies in the region and surely has :math:`\dot V \ge 0` ends the search. The enclosures contain
    every rounding, so that no false candidate is accepted, however small the set on which it fails.

    At the sink itself :math:`\dot V = 0`. Either the region leaves it out, or it is given as `sink`
    (its floats have to be exact): then :math:`\dot V < 0` is proved on the region less that point,
    by the Jacobian of the field near it. Around other zeros of :math:`\dot V` and around
    singularities of the field the boxes stay undecided. The number of boxes grows like a power of
    the dimension; two to four dimensions are practical.

    Args:
        field: a `TeacherStudent` with inputs `Gaussian()` or `Isotropic(...)`, a flow from
            `one_student_flow`, or a `VectorField` or `GradientFlow` made from a `ClosedForm`.
        V: a `ClosedForm`: `loss_candidate(field)`, `distance_candidate(point)`,
            `quadratic_candidate(field, sink)` or one's own.
        region: a bounded region.
        sink: a point of the region to except: a record, or an array of the field's shape.
        max_boxes: how many boxes to look at before what is left is called undecided.
        smallest: boxes narrower than this, relative to the bounding box, are not halved again.
        precision: bits, 53 to 4096.
        progress_meter: a diffrax progress meter: the share of the volume that is decided.

    Returns:
        A `LyapunovProof`.

    Raises:
        CertificationError: (a `ValueError`) if the field, V or the region cannot be evaluated on
            balls, or V is not proved to decrease near the sink.
        ValueError: if the region is not bounded, has another shape, or an option is out of range.

    Source: Moore, Kearfott and Cloud, Introduction to Interval Analysis (2009), Chapters 5 and 6.

    Example:
        >>> import flowlab as fl
        >>> region, V = fl.BallRegion([1.0, 0.0], 0.9), fl.distance_candidate([1.0, 0.0])
        >>> fl.prove_lyapunov(fl.zoo.double_well(), V, region, sink=[1.0, 0.0]).verdict
        'proved'
    """
    rate = rate_of(field, V)
    lower, upper = map(np.asarray, region.require_bounds())
    as_state(tuple(field.shape), lower, "the region's lower corner")
    require_precision(precision)
    if not isinstance(max_boxes, int) or max_boxes < 1 or not 0 < smallest < 1:
        raise ValueError(
            f"max_boxes is {max_boxes!r}, smallest {smallest!r}; needed: a positive integer, and a "
            "number between 0 and 1."
        )
    with working_precision(precision):
        tried(rate, region, (lower + upper) / 2)
        core = None if sink is None else core_of(field, rate, sink, (upper - lower) / 4)
        search = _Search(rate, region, lower, upper, smallest, core)
        search.run(max_boxes, dfx.NoProgressMeter() if progress_meter is None else progress_meter)
        return search.proof(name_of(V), precision)


def require_precision(precision: Any) -> None:
    """Raise `ValueError` unless this is a number of bits."""
    if not isinstance(precision, int) or not BITS[0] <= precision <= BITS[1]:
        raise ValueError(
            f"precision is {precision!r}; needed: an integer from {BITS[0]} to {BITS[1]} bits."
        )


class _Search:
    """The boxes of one proof, the largest first."""

    def __init__(
        self,
        rate: Rate,
        region: AbstractRegion,
        lower: np.ndarray,
        upper: np.ndarray,
        smallest: float,
        core: Core | None,
    ):
        self.rate, self.region, self.core = rate, region, core
        # A bounding box that is flat in one coordinate still has a scale.
        self.scale = np.where(upper > lower, upper - lower, 1.0)
        self.smallest = smallest
        self.queue = collections.deque([(lower, upper, 1.0)])
        self.tiny: list[tuple[np.ndarray, np.ndarray]] = []
        self.counterexample: np.ndarray | None = None
        self.counter_rate: arb | None = None
        self.boxes, self.decided, self.largest = 0, 0.0, arb.neg_inf()

    def run(self, max_boxes: int, meter: dfx.AbstractProgressMeter) -> None:
        """Look at boxes until all are decided, one refutes, or the budget is spent."""
        state = meter.init()
        while self.queue and self.boxes < max_boxes and self.counterexample is None:
            self.boxes += 1
            self._look(*self.queue.popleft())
            if self.boxes % 256 == 0:
                state = meter.step(state, jnp.asarray(self.decided))
        meter.close(meter.step(state, jnp.asarray(self.decided)))

    def _look(self, lower: np.ndarray, upper: np.ndarray, share: float) -> None:
        box = box_of(lower, upper)
        in_core = self.core is not None and self.core.holds(lower, upper)
        if in_core or self.region.side(BALLS, box) > 0:
            self.decided += share
            return
        bound, widths = self.rate.over(box), None
        if not bound < 0 and bound.mid() < 0:
            sharp, widths = self.rate.sharper(lower, upper)
            # An intersection of two enclosures; an undefined one says nothing.
            bound = bound.intersection(sharp) if sharp.is_finite() else bound
        if bound < 0:
            self.largest, self.decided = self.largest.max(bound), self.decided + share
            return
        middle = lower + (upper - lower) / 2
        if not bound.mid() < 0 and self._refutes(middle):
            return
        self._halve(lower, upper, middle, share, widths)

    def _refutes(self, point: np.ndarray) -> bool:
        """Whether the point surely lies in the region and V surely does not decrease there."""
        ball = balls(point)
        value = self.rate.over(ball)
        excepted = self.core is not None and np.array_equal(point, self.core.sink)
        if value >= 0 and not excepted and self.region.side(BALLS, ball) < 0:
            self.counterexample, self.counter_rate = point, value
        return self.counterexample is not None

    def _halve(
        self,
        lower: np.ndarray,
        upper: np.ndarray,
        middle: np.ndarray,
        share: float,
        widths: np.ndarray | None,
    ) -> None:
        relative = (upper - lower) / self.scale
        if relative.max() < self.smallest:
            self.tiny.append((lower, upper))
            return
        # A side that is already much shorter than another is not the one to halve.
        weights = relative if widths is None else np.where(relative > relative.max() / 8, widths, 0)
        place = np.unravel_index(int(np.argmax(weights)), lower.shape)
        if not lower[place] < middle[place] < upper[place]:
            place = np.unravel_index(int(np.argmax(relative)), lower.shape)
        if not lower[place] < middle[place] < upper[place]:
            self.tiny.append((lower, upper))
            return
        low, high = lower.copy(), upper.copy()
        low[place] = high[place] = middle[place]
        self.queue.append((lower, high, share / 2))
        self.queue.append((low, upper, share / 2))

    def proof(self, name: str, precision: int) -> LyapunovProof:
        """Return what came of it."""
        left = [*self.tiny, *((lower, upper) for lower, upper, _ in self.queue)]
        what, where = f"dV/dt of V = {name}", repr(self.region)
        if self.core is not None:
            where += f" less the sink {self.core.sink.tolist()}"
        if self.counterexample is not None and self.counter_rate is not None:
            verdict, rate = "counterexample", self.counter_rate.str(10)
            place = self.counterexample.tolist()
            statement = f"{what} is {rate}, not negative, at {place} in {where}."
        elif left:
            verdict, rate = "undecided", self.largest.upper().str(10)
            statement = f"{what} is negative on {where} outside of the listed boxes."
        else:
            verdict, rate = "proved", self.largest.upper().str(10)
            statement = f"{what} is negative at every point of {where}."
        return LyapunovProof(
            verdict=verdict,  # type: ignore[arg-type]
            statement=statement,
            counterexample=self.counterexample,
            rate=rate,
            undecided=np.array(left).reshape(len(left), 2, *self.scale.shape),
            decided=min(1.0, self.decided),
            boxes=self.boxes,
            precision=precision,
            method=METHOD,
            versions={"flowlab": version("flowlab"), **flint_versions()},
        )
