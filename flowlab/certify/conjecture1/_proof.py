"""What a proof of Conjecture 1 says."""

import dataclasses
from fractions import Fraction

from ._regions import Box, Piece, span

Interval = tuple[Fraction, Fraction]


@dataclasses.dataclass(frozen=True)
class OpenBox:
    """A box of a piece on which nothing is proved.

    Attributes:
        piece: the piece.
        box: the box.
    """

    piece: Piece
    box: Box

    @property
    def theta(self) -> Interval:
        """The angles between the students that it reaches, in units of pi."""
        return span(self.piece, self.box, self.piece.region.theta)

    @property
    def phi(self) -> Interval:
        """The signed angles of the teacher that it reaches, in units of pi."""
        low, high = span(self.piece, self.box, self.piece.region.t)
        return (low, high) if self.piece.region.side > 0 else (-high, -low)


@dataclasses.dataclass(frozen=True)
class ProvedBox(OpenBox):
    """A box of a piece on which the claim is proved.

    Attributes:
        bound: a positive decimal below the quotient of the quantity, with the sign claimed, by its
            vanishing factors.
    """

    bound: str


@dataclasses.dataclass(frozen=True)
class Counterexample:
    """A point at which the claim is proved to be false.

    Attributes:
        theta: the angle between the students, in units of pi.
        phi: the signed angle of the teacher, in units of pi.
        claimed: the sign claimed.
        value: L12 there, `"[midpoint +/- radius]"` in decimals.
    """

    theta: Fraction
    phi: Fraction
    claimed: int
    value: str


@dataclasses.dataclass(frozen=True, eq=False)
class Conjecture1Proof:
    """What is proved of Conjecture 1, box by box.

    Attributes:
        theta: the closed interval of the angle between the students, in radians, that was asked
            for; `None` for all of (0, pi).
        signed: whether the quantity is the right one, with the sign of the angle.
        proved: the boxes on which the claim is proved.
        undecided: the boxes on which nothing is proved.
        counterexample: a point at which the claim is false, if one was met; boxes may then be
            missing.
        precision: bits of the ball arithmetic.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> proof = fl.prove_conjecture1(theta=(3.1, 3.14), depth=0)
        >>> proof.verdict, len(proof.undecided) > 0
        ('undecided', True)
        >>> [str(end) for end in proof.undecided[0].theta]
        ['1/2', '1']
    """

    theta: tuple[float, float] | None
    signed: bool
    proved: tuple[ProvedBox, ...]
    undecided: tuple[OpenBox, ...]
    counterexample: Counterexample | None
    precision: int
    versions: dict[str, str]

    @property
    def verdict(self) -> str:
        """`"proved"`, `"counterexample"` or `"undecided"`."""
        if self.counterexample is not None:
            return "counterexample"
        return "undecided" if self.undecided else "proved"

    @property
    def statement(self) -> str:
        """What is proved, in a sentence."""
        range_ = "0 < theta < pi"
        if self.theta is not None:
            range_ += f", {self.theta[0]!r} <= theta <= {self.theta[1]!r}"
        if self.counterexample is not None:
            point = self.counterexample
            return f"False: at theta = {point.theta} pi, phi = {point.phi} pi, L12 = {point.value}."
        claim = "L12 > 0 for 0 < phi < theta, L12 < 0 for -pi < phi < 0 and theta < phi <= pi"
        but = ", outside the undecided boxes" if self.undecided else ""
        return f"For {range_}{but}: {claim}."

    def __repr__(self) -> str:
        counts = f"{len(self.proved)} boxes proved, {len(self.undecided)} undecided"
        return f"<Conjecture 1: {self.verdict}. {self.statement} {counts}>"
