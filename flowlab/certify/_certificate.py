"""The record of a proof, and checking it again."""

import dataclasses
import re
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from ..fields import AbstractField
from ._field import BallField
from ._forms import ball_field
from ._proof import SHARE, Proof, repeat
from ._refusal import CertificationError, Inconclusive

BITS = 53, 4096
"""Precisions that are accepted."""

TYPE = "critical point"
SCOPES = "all states", "fixed subspace"
ROOM = 8
"""Stated intervals are this many times wider than proved, so that another machine's choice of
approximate inverse and eigenvectors proves them too."""

_DECIMAL = r"-?\d{1,60}(?:\.\d{0,60})?(?:e(?:\+\d{1,2}|-\d{1,4}))?"
_BALL = re.compile(rf"\[?({_DECIMAL})?(?: ?\+/- ({_DECIMAL}))?\]?")


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """A proof about a critical point, with all that is needed to repeat it.

    Proved is: the box of half-width `radius` around `centre` holds exactly one critical point; it
    lies within `error` of the centre in every entry; its Hessian has exactly `index` negative
    eigenvalues and a kernel of exactly `nullity` dimensions; loss and smallest eigenvalue lie in
    the stated intervals; every trajectory from within `capture` of the centre converges to it.

    If `nullity` is not 0, the point lies on a manifold of so many dimensions, all critical, that
    rotations and the splitting of aligned students make, and the kernel of its Hessian is the
    tangent space: critical points in the box that differ do so along the manifold, none by a vector
    orthogonal to its tangents at the centre.

    The proof is about the field whose teacher and weights are exactly the floats of its arrays.

    Attributes:
        centre: the centre of the box, of the field's shape; its floats are exact.
        radius: half-width of the box in which the point is the only critical one.
        error: how far the point may lie from the centre in each entry; at most `radius`.
        precision: bits of the ball arithmetic.
        index: the Morse index, or the dimension of the unstable space of a field that is no
            gradient.
        nullity: dimension of the kernel of the Hessian, and of the manifold.
        loss: interval of the loss, `"[midpoint +/- radius]"` in decimals; `None` without a loss.
        lambda_min: interval of the smallest eigenvalue of the Hessian, its kernel left aside; the
            smallest real part of those of minus the Jacobian for a field that is no gradient.
        spurious: whether it is proved that the point is a minimum and that its loss is above the
            smallest possible; `False` means not proved.
        capture: Euclidean radius of a ball around the centre from which every trajectory converges
            to the point; 0 if there is none, or none is proved.
        scope: `"all states"`, or `"fixed subspace"`: the box, and uniqueness in it, are those of
            the subspace that the point's symmetry fixes; all else is about the full flow.
        method: how it was proved.
        versions: of the software that proved it.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> certificate = fl.certify(field, jnp.eye(2))
        >>> lower, upper = certificate.lambda_min_interval
        >>> bool(lower < 1 / 4 - 1 / (2 * jnp.pi) < upper), certificate.spurious
        (True, False)
        >>> fl.Certificate.from_dict(certificate.to_dict()).check(field)
    """

    centre: np.ndarray
    radius: float
    error: float
    precision: int
    index: int
    nullity: int
    loss: str | None
    lambda_min: str
    spurious: bool
    capture: float
    scope: str
    method: str
    versions: dict[str, str]

    @property
    def loss_interval(self) -> tuple[float, float]:
        """Floats below and above the loss; NaN without one."""
        return (np.nan, np.nan) if self.loss is None else _outward(self.loss)

    @property
    def lambda_min_interval(self) -> tuple[float, float]:
        """Floats below and above the smallest eigenvalue of the Hessian."""
        return _outward(self.lambda_min)

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as JSON-compatible data, for a record's `certificate`."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            "type": TYPE,
            **entries,
            "centre": self.centre.tolist(),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Certificate":
        """Return the certificate that `to_dict` described; it claims, `check` proves.

        Raises:
            CertificationError: if the data are not of that form.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(data, dict) or set(data) != {"type", *names} or data["type"] != TYPE:
            raise CertificationError(
                f"Not a certificate of type {TYPE!r}; its entries are type, {', '.join(names)}."
            )
        try:
            centre = np.array(data["centre"], dtype=float)
        except (TypeError, ValueError) as error:
            raise CertificationError("The certificate's centre is not an array.") from error
        certificate = cls(**{**{name: data[name] for name in names}, "centre": centre})
        certificate._require_sound()
        return certificate

    def check(self, field: AbstractField) -> None:
        """Prove every claim again, from the box and the data of the field alone.

        Args:
            field: the field it is about.

        Raises:
            CertificationError: if a claim cannot be proved; the message says which.
        """
        self._require_sound()
        numbers = self._numbers(field)
        try:
            # Floats only choose: where they overflow, nothing is proved.
            with np.errstate(all="ignore"):
                proof = repeat(numbers, self.centre, self.radius, self.error, self.precision)
        except Inconclusive as reason:
            raise CertificationError(f"The certificate does not hold: {reason}.") from reason
        for name in ("index", "nullity", "spurious"):
            if getattr(self, name) != getattr(proof, name):
                raise CertificationError(
                    f"The certificate says {name} {getattr(self, name)}; proved is "
                    f"{getattr(proof, name)}."
                )
        if (self.loss is None) != (proof.loss is None):
            raise CertificationError("The certificate and the field do not agree about a loss.")
        for name in ("loss", "lambda_min"):
            if getattr(self, name) is not None:
                self._require_within(name, getattr(proof, name))
        if self.capture > proof.capture / SHARE:
            raise CertificationError(
                f"The certificate says capture {self.capture:.6g}; proved is "
                f"{proof.capture / SHARE:.6g}."
            )

    def _numbers(self, field: AbstractField) -> BallField:
        """The field on balls, in which the certificate's box is."""
        if self.centre.shape != tuple(field.shape):
            raise CertificationError(
                f"The certificate is about states of shape {self.centre.shape}; the field's are "
                f"{tuple(field.shape)}."
            )
        numbers = ball_field(field, self.centre, self.scope != SCOPES[0])
        if numbers.scope != self.scope or not numbers.holds(self.centre):
            raise CertificationError(
                f"The certificate is about {self.scope}; its centre is in no such place."
            )
        return numbers

    def _require_within(self, name: str, proved: arb) -> None:
        below, above = _ends(getattr(self, name))
        middle, radius = _exact(proved.mid()), _exact(proved.rad())
        if not below <= middle - radius <= middle + radius <= above:
            raise CertificationError(
                f"The certificate says {name} {getattr(self, name)}; proved is {proved.str(20)}."
            )

    def _require_sound(self) -> None:
        """Raise unless the entries are of the right kind, whoever wrote them."""
        reals = (self.radius, self.error, self.capture)
        intervals = [self.lambda_min] + [self.loss] * (self.loss is not None)
        sound = (
            np.ndim(self.centre) >= 1
            and bool(np.all(np.isfinite(self.centre)))
            and all(type(x) is float and np.isfinite(x) for x in reals)
            and 0 < self.error <= self.radius
            and self.capture >= 0
            and type(self.precision) is int
            and BITS[0] <= self.precision <= BITS[1]
            and all(type(x) is int and x >= 0 for x in (self.index, self.nullity))
            and type(self.spurious) is bool
            and self.scope in SCOPES
            and all(isinstance(x, str) and _BALL.fullmatch(x) for x in intervals)
        )
        if not sound:
            raise CertificationError(
                "The certificate is damaged: needed are a finite centre, 0 < error <= radius, a "
                f"capture radius, a precision from {BITS[0]} to {BITS[1]} bits, integers index and "
                "nullity, a boolean spurious, a scope, and intervals of the form "
                "'[midpoint +/- radius]'."
            )

    def __repr__(self) -> str:
        kind = "spurious minimum, " if self.spurious else ""
        null = f", nullity {self.nullity}" if self.nullity else ""
        where = "" if self.scope == SCOPES[0] else f" of the {self.scope}"
        loss = "" if self.loss is None else f", loss {self.loss}"
        return (
            f"<Certificate: {kind}index {self.index}{null}, within {self.error:.2g} of its centre, "
            f"unique within {self.radius:.2g}{where}{loss}, smallest eigenvalue {self.lambda_min}>"
        )


def stated(ball: arb) -> str:
    """Return a decimal interval that contains the ball with room to spare."""
    return arb(ball.mid(), ROOM * ball.rad()).str(30)


def state(proof: Proof, centre: np.ndarray, **about: Any) -> Certificate:
    """Return the certificate of a proof."""
    return Certificate(
        centre=centre,
        radius=proof.radius,
        error=proof.error,
        index=proof.index,
        nullity=proof.nullity,
        loss=None if proof.loss is None else stated(proof.loss),
        lambda_min=stated(proof.lambda_min),
        spurious=proof.spurious,
        capture=proof.capture,
        **about,
    )


def _ends(text: str) -> tuple[Fraction, Fraction]:
    """The ends of a stated interval, exactly: what a decimal claims is not rounded."""
    match = _BALL.fullmatch(text)
    middle, radius = (Fraction(x or 0) for x in match.groups()) if match else (1, -1)
    return Fraction(middle - radius), Fraction(middle + radius)


def _exact(number: arb) -> Fraction:
    """The value of a ball of radius 0."""
    mantissa, exponent = number.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _outward(text: str) -> tuple[float, float]:
    below, above = (float(end) for end in _ends(text))
    return float(np.nextafter(below, -np.inf)), float(np.nextafter(above, np.inf))
