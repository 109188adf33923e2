"""What a proof that the critical points of two students are all known says."""

import dataclasses
from fractions import Fraction

import numpy as np

from ..conjecture1 import Conjecture1Proof
from ..conjecture1._regions import Box
from ._equations import RIGHT, Piece


@dataclasses.dataclass(frozen=True)
class OpenBox:
    """A box of directions on which nothing is proved.

    For a range of angles between the teachers, `p` and `q` are those at its middle.

    Attributes:
        piece: the piece, and the angles between the teachers.
        box: the box.
    """

    piece: Piece
    box: Box

    @property
    def p(self) -> tuple[Fraction, Fraction]:
        """The angles from the first student to the teacher inside, in units of pi."""
        (low, high), _ = self.box.ends
        rest, turn = 1 - self.piece.turn, self.piece.turn
        if self.piece.name == "near":
            return rest * low, rest * high
        return rest + turn * low, rest + turn * high

    @property
    def q(self) -> tuple[Fraction, Fraction]:
        """The angles from that teacher to the second student, in units of pi."""
        _, (low, high) = self.box.ends
        return self.piece.turn * low, self.piece.turn * high


@dataclasses.dataclass(frozen=True)
class ProvedBox(OpenBox):
    """A box of directions without critical points, but for the special point it may touch.

    Attributes:
        method: `"F"`, `"G"`, `"zero"` or `"corner"`.
        bound: a decimal between 0 and the quantity that keeps off 0, with its sign.
    """

    method: str
    bound: str


@dataclasses.dataclass(frozen=True)
class CriticalSet:
    """One of the sets of critical points.

    Attributes:
        name: what it is.
        images: how many sets of this kind there are: exchanging the students gives another one,
            except where it maps the set to itself.
        dimension: 0 for a point, 1 for a segment.
        location: a point of it, (2, 2), the first teacher being (1, 0), rounded to floats.
        loss: interval of the loss, `"[midpoint +/- radius]"` in decimals.
        index: the Morse index in the plane, proved; `None` for the segments, and where it could not
            be decided.
    """

    name: str
    images: int
    dimension: int
    location: np.ndarray
    loss: str
    index: int | None


@dataclasses.dataclass(frozen=True)
class Witness:
    """A critical point that is none of those listed: two students that are not collinear.

    Proved is that exactly one lies in the box of half-width `error` around (p, q), that it lies
    inside the piece, and that the lengths of its students are positive.

    Attributes:
        angle: between the teachers, in units of pi.
        piece: `"near"` or `"far"`.
        p: the angle from the first student to the teacher inside their cone, in radians.
        q: the angle from that teacher to the second student, in radians.
        error: half-width of the box.
        lengths: of the students, as intervals in decimals.
        location: the students, (2, 2), the teacher inside being (1, 0) and the other one on the
            side of the second student; rounded to floats.
    """

    angle: Fraction
    piece: str
    p: float
    q: float
    error: float
    lengths: tuple[str, str]
    location: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class K2Proof:
    """What is proved of the critical points of two students in the plane of two teachers.

    Attributes:
        angles: the least and the largest angle between the teachers, in units of pi.
        sets: the critical sets, for a single angle; that they are critical is proved for every
            angle, that there are no others only if the verdict says so.
        proved: the boxes of directions on which there are no others.
        undecided: the boxes on which nothing is proved.
        witness: a critical point that is none of them, if one was met; boxes may then be missing.
        collinear: whether it is proved that there are no other collinear students.
        conjecture1: the proof of Conjecture 1, on which it rests.
        precision: bits of the ball arithmetic.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> proof = fl.prove_k2_complete()
        >>> proof
        <K = 2 complete: proved. 639 boxes proved, 0 undecided>
        >>> [(found.name, found.images, found.dimension) for found in proof.sets]
        [('teacher', 2, 0), ('antipodal', 2, 0), ('collinear', 1, 1), ('negative', 1, 1)]
    """

    angles: tuple[Fraction, Fraction]
    sets: tuple[CriticalSet, ...]
    proved: tuple[ProvedBox, ...]
    undecided: tuple[OpenBox, ...]
    witness: Witness | None
    collinear: bool
    conjecture1: Conjecture1Proof
    precision: int
    versions: dict[str, str]

    @property
    def verdict(self) -> str:
        """`"proved"`, `"counterexample"` or `"undecided"`."""
        if self.witness is not None:
            return "counterexample"
        whole = self.collinear and not self.undecided and self.conjecture1.verdict == "proved"
        return "proved" if whole else "undecided"

    @property
    def statement(self) -> str:
        """What is proved, in words."""
        return describe(self.angles, self.verdict)

    def __repr__(self) -> str:
        counts = f"{len(self.proved)} boxes proved, {len(self.undecided)} undecided"
        return f"<K = 2 complete: {self.verdict}. {counts}>"


def describe(angles: tuple[Fraction, Fraction], verdict: str) -> str:
    """Return what a verdict about angles between the teachers means, in words."""
    low, high = angles
    if low < high:
        teachers = f"two teachers of length 1 at any angle from {low} pi to {high} pi"
    elif low == RIGHT:
        teachers = "two orthonormal teachers"
    else:
        teachers = f"two teachers of length 1 at the angle {low} pi"
    claim = (
        f"the critical points of two nonzero students in the plane of {teachers}, all output "
        "weights 1, are the teachers in either order, two students of one direction along the "
        "bisector of the teachers or against it whose lengths have the right sum, and one student "
        "of each of these directions and lengths"
    )
    match verdict:
        case "proved":
            return f"{claim[0].upper()}{claim[1:]}; there are no others."
        case "counterexample":
            return f"False: that {claim}; there is another one."
    return f"Undecided: whether {claim}, and no others."
