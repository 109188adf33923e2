"""Proving that the critical points of two students are all known: branch and bound."""

import dataclasses
import itertools
import math
import os
from fractions import Fraction
from importlib.metadata import version
from typing import Any

import diffrax as dfx
import jax.numpy as jnp
from flint import arb

from .._balls import flint_versions, working_precision
from ..conjecture1 import prove_conjecture1
from ..conjecture1._regions import Box
from ._enclose import decide
from ._equations import RIGHT, pieces
from ._log import write_log
from ._proof import K2Proof, OpenBox, ProvedBox, Witness
from ._sets import bisector_is_unique, critical_sets
from ._witness import find_witness

BITS = 128

DEEPEST = 20
"""Levels that are accepted."""

WIDEST = Fraction(1, 200)
"""Parts of a range of angles between the teachers are at most as wide, in units of pi."""

HALVINGS = 5
"""How often a part is halved before it is left undecided."""

Angle = Fraction | str


def prove_k2_complete(
    *,
    angle: Angle | tuple[Angle, Angle] = RIGHT,
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
    :math:`(\pi-t)\sin t` has its maximum at the bisector, there are other collinear critical
    points; and where the search meets a critical point with one teacher inside the cone, it ends
    with that witness. Wide ranges of angles take minutes.

    Args:
        angle: between the teachers, in units of pi: a fraction between 0 and 1, or its text; a pair
            (low, high) for all angles from one to the other.
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
    low, high = _as_range(angle)
    if not isinstance(depth, int) or not 0 <= depth <= DEEPEST:
        raise ValueError(f"depth is {depth!r}; needed: an integer from 0 to {DEEPEST}.")
    conjecture1 = prove_conjecture1()
    with working_precision(BITS):
        slices = _slices(low, high, depth, progress_meter)
        proof = K2Proof(
            angles=(low, high),
            sets=critical_sets(low) if low == high else (),
            proved=tuple(entry for part in slices for entry in part.proved),
            undecided=tuple(entry for part in slices for entry in part.open),
            witness=slices[-1].witness,
            collinear=all(part.collinear for part in slices),
            conjecture1=conjecture1,
            precision=BITS,
            versions={"flowlab": version("flowlab"), **flint_versions()},
        )
    if log is not None:
        write_log(log, proof)
    return proof


def _as_range(angle: Any) -> tuple[Fraction, Fraction]:
    ends = angle if isinstance(angle, tuple) else (angle, angle)
    try:
        low, high = map(Fraction, ends)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"angle is {angle!r}; needed: a fraction of pi, such as Fraction(1, 2) or '1/2', or a "
            "pair (low, high) of them."
        ) from error
    if not 0 < low <= high < 1:
        raise ValueError(f"angle is {angle!r}; needed: fractions of pi between 0 and 1, in order.")
    return low, high


@dataclasses.dataclass
class _Slice:
    """What has been proved for a range of angles between the teachers."""

    collinear: bool
    proved: list[ProvedBox] = dataclasses.field(default_factory=list)
    open: list[OpenBox] = dataclasses.field(default_factory=list)
    witness: Witness | None = None

    @property
    def complete(self) -> bool:
        return self.collinear and not self.open and self.witness is None


def _slices(
    low: Fraction, high: Fraction, depth: int, meter: dfx.AbstractProgressMeter | None
) -> list[_Slice]:
    """Search range by range; one that cannot be decided is halved."""
    parts = math.ceil((high - low) / WIDEST) or 1
    ends = [low + (high - low) * Fraction(n, parts) for n in range(parts + 1)]
    waiting = [(*pair, HALVINGS if low < high else 0) for pair in itertools.pairwise(ends)][::-1]
    meter = dfx.NoProgressMeter() if meter is None else meter
    state, found = meter.init(), []
    while waiting:
        left, right, halvings = waiting.pop()
        part = _search(left, right, depth, halvings > 0)
        if part.complete or not halvings:
            found.append(part)
            done = float((right - low) / (high - low)) if low < high else 1.0
            state = meter.step(state, jnp.asarray(done))
            if part.witness is not None:
                break
        else:
            middle = (left + right) / 2
            waiting += [(middle, right, halvings - 1), (left, middle, halvings - 1)]
    meter.close(state)
    return found


def _search(low: Fraction, high: Fraction, depth: int, brief: bool) -> _Slice:
    """Treat both pieces, until a witness is met, or if `brief` a box that cannot be decided."""
    found = _Slice(bisector_is_unique(low, high))
    if brief and not found.collinear:
        return found
    boxes = [(piece, Box(0, 0, 0)) for piece in pieces(low, high)[::-1]]
    while boxes:
        piece, box = boxes.pop()
        if not piece.holds(box):
            continue
        decided = decide(piece, box)
        if decided is not None:
            method, value = decided
            found.proved.append(ProvedBox(piece, box, method, _short_of(value)))
        elif box.level < depth:
            boxes += [(piece, quarter) for quarter in box.quarters()]
        else:
            found.witness = None if brief else find_witness(piece, box)
            if found.witness is None:
                found.open.append(OpenBox(piece, box))
            if brief or found.witness is not None:
                break
    return found


def _short_of(value: arb) -> str:
    """A decimal half way between 0 and a ball that keeps off 0: the checker encloses otherwise."""
    return f"{0.5 * float(value.lower() if value > 0 else value.upper()):.3e}"
