"""One claim of the paper, held against a computation."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Claim:
    """A statement of the paper, the number it implies, the number found, and the verdict.

    Attributes:
        name: where it stands, such as `"Theorem 7 (2)"`.
        statement: what it says, in one line.
        expected: the value that the statement implies.
        found: the value computed just now.
        tolerance: how far the two may be apart.
        method: how `found` was computed, with its error where it has one.
        holds: the verdict.

    Example:
        >>> import jax, flowlab as fl
        >>> claim = fl.paper.theorem7_saddle(2)
        >>> claim.name, claim.holds
        ('Theorem 7 (2), K=2', True)
    """

    name: str
    statement: str
    expected: float
    found: float
    tolerance: float
    method: str
    holds: bool

    @classmethod
    def equal(
        cls, name: str, statement: str, expected: float, found: float, tolerance: float, method: str
    ) -> "Claim":
        """Return the claim that `found` equals `expected` to within the tolerance."""
        holds = bool(abs(found - expected) <= tolerance)
        return cls(name, statement, expected, found, tolerance, method, holds)

    @classmethod
    def at_least(
        cls, name: str, statement: str, expected: float, found: float, method: str
    ) -> "Claim":
        """Return the claim that `found` is not below `expected`."""
        return cls(name, statement, expected, found, 0.0, method, bool(found >= expected))
