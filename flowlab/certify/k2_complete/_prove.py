"""Proving that the critical points of two students are all known: branch and bound."""

import os
from fractions import Fraction
from importlib.metadata import version

import diffrax as dfx
import jax.numpy as jnp
from flint import arb

from .._balls import flint_versions, working_precision
from ..conjecture1 import prove_conjecture1
from ..conjecture1._regions import Box
from ._enclose import decide
from ._equations import RIGHT, Piece, pieces
from ._log import write_log
from ._proof import K2Proof, OpenBox, ProvedBox, Witness
from ._sets import bisector_is_unique, critical_sets
from ._witness import find_witness

BITS = 128

DEEPEST = 20
"""Levels that are accepted."""


def prove_k2_complete(
    *,
    angle: Fraction | str = RIGHT,
    depth: int = 11,
    log: str | os.PathLike[str] | None = None,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> K2Proof:
    r"""Prove that two students in the plane of two teachers have no unknown critical points.

    The paper excludes critical points with both teachers inside the cone of the students, or both
    outside (Theorem 4), and leaves the case of one inside open. Here the teachers have length 1 and
    stand at a given angle, by default :math:`\pi/2`, all output weights are 1, and no student is
    zero. Then, in any dimension, the critical points in the plane of the teachers are

    * the teachers in either order;
    * two students of one direction, along the bisector of the teachers or against it, whose
      lengths sum to :math:`2h(\beta/2)/\pi` or :math:`2h(\pi-\beta/2)/\pi`: open segments;
    * one student of each of these directions and lengths, in either order,

    and, for orthonormal teachers, no others. Collinear students are one equation in one variable.
    For others, with one teacher inside the cone, the lengths are eliminated by Eqn 13; what is left
    are two equations :math:`L_{12}=L_{21}=0` in two angles on a compact domain, covered with boxes
    on each of which one of them keeps its sign; where the students become the teachers, or opposite
    along the bisector, the Jacobian is proved to be regular; where they collapse, Taylor's formula
    decides. With both teachers inside the cone or both outside, or one on its boundary, Conjecture
    1 decides, which is proved first.

    The statement is false for wide angles: from about :math:`0.7085\pi` on, where
    :math:`(\pi-t)\sin t` has its maximum at the bisector, there are other collinear critical points;
    and where the search meets a critical point with one teacher inside the cone, it ends with that
    witness.

    Args:
        angle: between the teachers, in units of pi: a fraction between 0 and 1, or its text.
        depth: how often a box is quartered before a witness is looked for, and it is left open.
        log: a file for the boxes, which `check_k2_complete` verifies; none if not given.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `K2Proof`, whose `verdict` is `"proved"`, `"counterexample"` or `"undecided"`.

    Raises:
        ValueError: on bad input.

    Source: Tian 2017, section 5.3, the case that Theorem 4 leaves open.

    Example:
        >>> import flowlab as fl
        >>> fl.prove_k2_complete().verdict
        'proved'
        >>> fl.prove_k2_complete(angle='18/25').verdict
        'counterexample'
    """
    turn = _as_angle(angle)
    if not isinstance(depth, int) or not 0 <= depth <= DEEPEST:
        raise ValueError(f"depth is {depth!r}; needed: an integer from 0 to {DEEPEST}.")
    conjecture1 = prove_conjecture1()
    search = _Search(turn, depth, progress_meter)
    with working_precision(BITS):
        search.run()
        proof = K2Proof(
            angle=turn,
            sets=critical_sets(turn),
            proved=tuple(search.proved),
            undecided=tuple(search.open),
            witness=search.witness,
            collinear=bisector_is_unique(turn),
            conjecture1=conjecture1,
            precision=BITS,
            versions={"flowlab": version("flowlab"), **flint_versions()},
        )
    if log is not None:
        write_log(log, proof)
    return proof


def _as_angle(angle: Fraction | str) -> Fraction:
    try:
        turn = Fraction(angle)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"angle is {angle!r}; needed: a fraction of pi.") from error
    if not 0 < turn < 1:
        raise ValueError(
            f"angle is {turn}; needed: a fraction of pi strictly between 0 and 1, such as "
            "Fraction(1, 2) or '1/2'."
        )
    return turn


class _Search:
    """What has been proved so far."""

    def __init__(self, turn: Fraction, depth: int, meter: dfx.AbstractProgressMeter | None):
        self.pieces = pieces(turn)
        self.depth = depth
        self.meter = dfx.NoProgressMeter() if meter is None else meter
        self.done = 0.0
        self.proved: list[ProvedBox] = []
        self.open: list[OpenBox] = []
        self.witness: Witness | None = None

    def run(self) -> None:
        """Treat both pieces, or stop at a witness."""
        state = self.meter.init()
        for piece in self.pieces:
            for quarter in Box(0, 0, 0).quarters():
                for box in quarter.quarters():
                    self._treat(piece, box)
                    self.done += 1 / 32
                    state = self.meter.step(state, jnp.asarray(self.done))
        self.meter.close(state)

    def _treat(self, piece: Piece, start: Box) -> None:
        boxes = [start]
        while boxes and self.witness is None:
            box = boxes.pop()
            if not piece.holds(box):
                continue
            decided = decide(piece, box)
            if decided is not None:
                method, value = decided
                self.proved.append(ProvedBox(piece, box, method, _short_of(value)))
            elif box.level < self.depth:
                boxes += box.quarters()
            else:
                self.witness = find_witness(piece, box)
                if self.witness is None:
                    self.open.append(OpenBox(piece, box))


def _short_of(value: arb) -> str:
    """A decimal half way between 0 and a ball that keeps off 0: the checker encloses otherwise."""
    return f"{0.5 * float(value.lower() if value > 0 else value.upper()):.3e}"
