"""One claim of the paper, held against a computation."""

import dataclasses
from typing import Literal, get_args

Verdict = Literal[
    "holds", "proved", "supported", "sharpened", "corrected", "misprint", "fails", "not checked"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""The words a verdict may be; `Claim` says what they mean."""

Relation = Literal["=", "≥", "≤"]


@dataclasses.dataclass(frozen=True)
class Claim:
    """A statement of the paper, the number it implies, the number found, and the verdict.

    Verdicts: `"holds"`; `"proved"`, by ball arithmetic; `"supported"`, a conjecture that was only
    sampled; `"sharpened"`, true, and more than the paper says was found; `"corrected"`, false as
    printed and true as corrected, both computed; `"misprint"`, a slip of the pen whose meaning was
    checked; `"fails"`; `"not checked"`, where software that the row needs is not installed.

    Attributes:
        name: where it stands, such as `"Theorem 7 (2)"`.
        statement: what it says, in one line; of what is corrected, as corrected.
        expected: the value that the statement implies.
        found: the value computed just now.
        tolerance: how far the two may be apart.
        method: how `found` was computed, with its error where it has one.
        verdict: one of the words above.
        relation: how `found` has to stand to `expected`: "=", "≥" or "≤".
        claimed: the value that the paper as printed implies, where it is another one.
        seconds: how long it took; of the rows of one check together.

    Example:
        >>> import flowlab as fl
        >>> claim, _ = fl.paper.check_claims(only="Lemma 9")
        >>> claim.name, claim.verdict, claim.holds
        ('Lemma 9', 'corrected', True)
    """

    name: str
    statement: str
    expected: float
    found: float
    tolerance: float
    method: str
    verdict: Verdict
    relation: Relation = "="
    claimed: float | None = None
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the claim holds, as printed or as corrected."""
        return self.verdict not in ("fails", "not checked")

    @classmethod
    def judged(
        cls,
        name: str,
        statement: str,
        relation: Relation,
        expected: float,
        found: float,
        tolerance: float,
        method: str,
        verdict: Verdict,
        claimed: float | None = None,
    ) -> "Claim":
        """Return the claim that `found` stands so to `expected`; `verdict` is for when it does."""
        excess = {"=": abs(found - expected), "≥": expected - found, "≤": found - expected}
        word = verdict if excess[relation] <= tolerance else "fails"
        numbers = float(expected), float(found), float(tolerance)
        return cls(name, statement, *numbers, method, word, relation, claimed)

    @classmethod
    def equal(
        cls,
        name: str,
        statement: str,
        expected: float,
        found: float,
        tolerance: float,
        method: str,
        verdict: Verdict = "holds",
    ) -> "Claim":
        """Return the claim that `found` equals `expected` to within the tolerance."""
        return cls.judged(name, statement, "=", expected, found, tolerance, method, verdict)

    @classmethod
    def at_least(
        cls,
        name: str,
        statement: str,
        expected: float,
        found: float,
        method: str,
        verdict: Verdict = "holds",
        claimed: float | None = None,
    ) -> "Claim":
        """Return the claim that `found` is not below `expected`."""
        return cls.judged(name, statement, "≥", expected, found, 0.0, method, verdict, claimed)

    @classmethod
    def at_most(
        cls,
        name: str,
        statement: str,
        expected: float,
        found: float,
        method: str,
        verdict: Verdict = "holds",
        claimed: float | None = None,
    ) -> "Claim":
        """Return the claim that `found` is not above `expected`."""
        return cls.judged(name, statement, "≤", expected, found, 0.0, method, verdict, claimed)

    @classmethod
    def corrected(
        cls,
        name: str,
        statement: str,
        claimed: float,
        expected: float,
        found: float,
        tolerance: float,
        method: str,
    ) -> "Claim":
        """Return the claim that `found` equals `expected` and is not what the paper claims.

        A correction of something that was right all along fails too.
        """
        row = cls.equal(name, statement, expected, found, tolerance, method, "corrected")
        wrong = abs(found - claimed) > 10 * tolerance
        verdict = row.verdict if wrong else "fails"
        return dataclasses.replace(row, verdict=verdict, claimed=float(claimed))

    @classmethod
    def unchecked(cls, name: str, statement: str, why: str) -> "Claim":
        """Return the claim that could not be checked, and why."""
        nothing = float("nan")
        return cls(name, statement, nothing, nothing, 0.0, why, "not checked")
