"""Proving Conjecture 1: branch and bound on the pieces of the four regions."""

import math
import numbers
import os
from fractions import Fraction
from importlib.metadata import version

import diffrax as dfx
import jax.numpy as jnp
from flint import arb

from .._balls import flint_versions, working_precision
from ._log import write_log
from ._proof import Conjecture1Proof, Counterexample, OpenBox, ProvedBox
from ._quantity import value
from ._quotient import Quotient
from ._regions import PRINTED, REGIONS, Box, Piece, cover, span

BITS = 192
"""Precision. The Taylor coefficients at a vertex cancel in their first few digits only."""

DEEPEST = 20
"""Levels that are accepted; the sides of the smallest boxes are then below 1e-6."""


def prove_conjecture1(
    *,
    theta: tuple[float, float] | None = None,
    signed: bool = True,
    depth: int = 8,
    log: str | os.PathLike[str] | None = None,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Conjecture1Proof:
    r"""Prove Conjecture 1 of Tian (2017) by ball arithmetic.

    Two students stand at the angle :math:`\theta\in(0,\pi)`, a unit teacher in their plane at the
    signed angle :math:`\varphi\in(-\pi,\pi]` from the first one. The conjecture says of the
    quantity :math:`L_{12}(\theta,\varphi)` of the paper

    .. math::
        L_{12} > 0 \text{ for } 0<\varphi<\theta, \qquad
        L_{12} = 0 \text{ for } \varphi\in\{0,\theta\}, \qquad L_{12} < 0 \text{ elsewhere,}

    and the same of :math:`L_{21}(\theta,\varphi)=L_{12}(\theta,\theta-\varphi)`, which exchanges
    the students. The domain is covered by pieces, blown up at the vertices, on each of which
    :math:`L_{12}` is a positive factor times a monomial times an analytic function Q. Q is enclosed
    by a Taylor polynomial with a rigorous remainder, and boxes are quartered until its sign is
    proved. Nothing is left out: not the zero lines, not the ends :math:`\theta\to0,\pi`.

    Args:
        theta: the closed interval of angles to which the proof is restricted, in radians; all of
            :math:`(0,\pi)` if not given.
        signed: take the angle with its sign, as the quantity needs it. `False` takes equation (45)
            of the supplement as printed, without the sign, of which the claim is false.
        depth: how often a box is quartered before it is left undecided.
        log: a file for the boxes, which `check_conjecture1` verifies; none if not given.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Conjecture1Proof`, whose `verdict` is `"proved"`, `"counterexample"` or `"undecided"`.

    Raises:
        ValueError: on bad input.

    Source: Conjecture 1 and section 5.3 of the paper; equations (32) and (45) of the supplement.

    Example:
        >>> import flowlab as fl
        >>> fl.prove_conjecture1(theta=(3.1, 3.14)).verdict
        'proved'
        >>> fl.prove_conjecture1(theta=(3.1, 3.14), signed=False).verdict
        'counterexample'
    """
    _require_options(theta, depth)
    search = _Search(theta, depth)
    meter = dfx.NoProgressMeter() if progress_meter is None else progress_meter
    state = meter.init()
    pieces = [piece for region in (REGIONS if signed else PRINTED) for piece in cover(region)]
    with working_precision(BITS):
        for place, piece in enumerate(pieces):
            search.treat(piece)
            state = meter.step(state, jnp.asarray((place + 1) / len(pieces)))
            if search.counterexample is not None:
                break
    meter.close(state)
    about = {"flowlab": version("flowlab"), **flint_versions()}
    proof = search.conclude(signed, about)
    if log is not None:
        write_log(log, proof)
    return proof


def _require_options(theta: tuple[float, float] | None, depth: int) -> None:
    if theta is not None:
        real = len(theta) == 2 and all(isinstance(end, numbers.Real) for end in theta)
        if not real or not (0 <= theta[0] <= theta[1] <= math.pi and theta[1] > 0):
            raise ValueError(
                f"theta is {theta!r}; needed: the ends (low, high) of an interval within [0, pi], "
                "in radians, or None for all of it."
            )
    if not isinstance(depth, int) or not 0 <= depth <= DEEPEST:
        raise ValueError(f"depth is {depth!r}; needed: an integer from 0 to {DEEPEST}.")


class _Search:
    """What has been proved so far."""

    def __init__(self, theta: tuple[float, float] | None, depth: int):
        self.theta = None if theta is None else (float(theta[0]), float(theta[1]))
        self.depth = depth
        self.proved: list[ProvedBox] = []
        self.open: list[OpenBox] = []
        self.counterexample: Counterexample | None = None

    def treat(self, piece: Piece) -> None:
        """Prove the sign on a piece, as far as it can be, or until a counterexample is met."""
        boxes = [Box(0, 0, 0)]
        if self._outside(piece, boxes[0]):
            return
        quotient = Quotient(piece)
        while boxes and self.counterexample is None:
            box = boxes.pop()
            if self._outside(piece, box):
                continue
            middle, whole = (piece.region.sign * ball for ball in quotient.enclose(box))
            if whole > 0:
                self.proved.append(ProvedBox(piece, box, _below(whole)))
            elif middle < 0 and self._refuted(piece, box):
                continue
            elif box.level < self.depth:
                boxes += box.quarters()
            else:
                self.open.append(OpenBox(piece, box))

    def conclude(self, signed: bool, versions: dict[str, str]) -> Conjecture1Proof:
        """The proof."""
        return Conjecture1Proof(
            theta=self.theta,
            signed=signed,
            proved=tuple(self.proved),
            undecided=tuple(self.open),
            counterexample=self.counterexample,
            precision=BITS,
            versions=versions,
        )

    def _outside(self, piece: Piece, box: Box) -> bool:
        """Whether the box has no angle between the students within the interval asked for."""
        if self.theta is None:
            return False
        low, high = span(piece, box, piece.region.theta)
        return _exceeds(self.theta[0], high) or _exceeds(low, self.theta[1])

    def _refuted(self, piece: Piece, box: Box) -> bool:
        """Keep the middle of a box if the claim is false there; true if it is."""
        if self.theta is not None:
            theta = piece.angle(piece.region.theta, *box.centre)
            within = _exceeds(theta, self.theta[0]) and _exceeds(self.theta[1], theta)
            if not within:
                return False
        region = piece.region
        angles = [piece.angle(a, *box.centre) for a in (region.theta, region.t, region.delta)]
        found = value(region, *angles)
        if not region.sign * found < 0:
            return False
        self.counterexample = Counterexample(
            angles[0], region.side * angles[1], region.sign, found.str(20)
        )
        return True


def _exceeds(left: float | Fraction, right: float | Fraction) -> bool:
    """Whether it is certain that left > right; floats are radians, fractions units of pi."""
    balls = [
        arb(x) if isinstance(x, float) else arb.pi() * arb(x.numerator) / x.denominator
        for x in (left, right)
    ]
    return bool(balls[0] > balls[1])


def _below(ball: arb) -> str:
    """A decimal below a positive ball, close enough to it to be worth stating."""
    return f"{0.999 * float(ball.lower()):.3e}"
