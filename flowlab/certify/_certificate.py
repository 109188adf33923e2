"""The record of a proof, and checking it again."""

import dataclasses
import re
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from ..fields import AbstractField
from ._field import ball_field
from ._proof import Proof, repeat
from ._refusal import CertificationError, Inconclusive

BITS = 53, 4096
"""Precisions that are accepted."""

TYPE = "isolated critical point"
ROOM = 8
"""Stated intervals are this many times wider than proved, so that another machine's choice of
approximate inverse and eigenvectors proves them too."""

_DECIMAL = r"-?\d{1,60}(?:\.\d{0,60})?(?:e(?:\+\d{1,2}|-\d{1,4}))?"
_BALL = re.compile(rf"\[?({_DECIMAL})?(?: ?\+/- ({_DECIMAL}))?\]?")


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """A proof about an isolated critical point, with all that is needed to repeat it.

    Proved is: the box of half-width `radius` around `centre` holds exactly one critical point; it
    lies within `error` of the centre in every entry; its Hessian is nonsingular with `index`
    negative eigenvalues; loss and smallest eigenvalue lie in the stated intervals. The proof is
    about the field whose teacher and weights are exactly the floats of its arrays.

    Attributes:
        centre: the centre of the box, of the field's shape; its floats are exact.
        radius: half-width of the box in which the point is the only critical one.
        error: how far the point may lie from the centre in each entry; at most `radius`.
        precision: bits of the ball arithmetic.
        index: the Morse index.
        loss: interval of the loss, `"[midpoint +/- radius]"` in decimals.
        lambda_min: interval of the smallest eigenvalue of the Hessian, likewise.
        spurious: whether it is proved that the point is a minimum and that its loss is above the
            smallest possible; `False` means not proved.
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
    loss: str
    lambda_min: str
    spurious: bool
    method: str
    versions: dict[str, str]

    @property
    def loss_interval(self) -> tuple[float, float]:
        """Floats below and above the loss."""
        return _outward(self.loss)

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
        numbers = ball_field(field)
        if self.centre.shape != numbers.shape:
            raise CertificationError(
                f"The certificate is about states of shape {self.centre.shape}; the field's are "
                f"{numbers.shape}."
            )
        try:
            proof = repeat(numbers, self.centre, self.radius, self.error, self.precision)
        except Inconclusive as reason:
            raise CertificationError(f"The certificate does not hold: {reason}.") from reason
        for name in ("index", "spurious"):
            if getattr(self, name) != getattr(proof, name):
                raise CertificationError(
                    f"The certificate says {name} {getattr(self, name)}; proved is "
                    f"{getattr(proof, name)}."
                )
        for name in ("loss", "lambda_min"):
            below, above = _ends(getattr(self, name))
            proved = getattr(proof, name)
            middle, radius = _exact(proved.mid()), _exact(proved.rad())
            if not below <= middle - radius <= middle + radius <= above:
                raise CertificationError(
                    f"The certificate says {name} {getattr(self, name)}; proved is "
                    f"{proved.str(20)}."
                )

    def _require_sound(self) -> None:
        """Raise unless the entries are of the right kind, whoever wrote them."""
        reals = (self.radius, self.error)
        sound = (
            np.ndim(self.centre) == 2
            and bool(np.all(np.isfinite(self.centre)))
            and all(type(x) is float and np.isfinite(x) for x in reals)
            and 0 < self.error <= self.radius
            and type(self.precision) is int
            and BITS[0] <= self.precision <= BITS[1]
            and type(self.index) is int
            and type(self.spurious) is bool
            and all(isinstance(x, str) and _BALL.fullmatch(x) for x in (self.loss, self.lambda_min))
        )
        if not sound:
            raise CertificationError(
                "The certificate is damaged: needed are a finite centre (K, d), 0 < error <= "
                f"radius, a precision from {BITS[0]} to {BITS[1]} bits, an integer index, a "
                "boolean spurious, and intervals of the form '[midpoint +/- radius]'."
            )

    def __repr__(self) -> str:
        kind = "spurious minimum, " if self.spurious else ""
        return (
            f"<Certificate: {kind}index {self.index}, within {self.error:.2g} of its centre, "
            f"unique within {self.radius:.2g}, loss {self.loss}, smallest eigenvalue "
            f"{self.lambda_min}>"
        )


def stated(ball: arb) -> str:
    """Return a decimal interval that contains the ball with room to spare."""
    return arb(ball.mid(), ROOM * ball.rad()).str(30)


def state(proof: Proof, centre: np.ndarray, bits: int, **about: Any) -> Certificate:
    """Return the certificate of a proof."""
    return Certificate(
        centre=centre,
        radius=proof.radius,
        error=proof.error,
        precision=bits,
        index=proof.index,
        loss=stated(proof.loss),
        lambda_min=stated(proof.lambda_min),
        spurious=proof.spurious,
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
