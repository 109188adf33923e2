"""Certificates of records: proving them, keeping them, and holding a record against its own."""

from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ..fields import AbstractField
from ._certificate import Certificate
from ._certify import certify
from ._refusal import CertificationError

CLOSE = 1e-9
"""How far a record's loss, smallest eigenvalue and location may be from what is proved."""


def certify_record(field: AbstractField, record: CriticalPoint, **options: Any) -> CriticalPoint:
    """Return a record with the certificate of its point, and with the capture ball it proves.

    Args:
        field: the field.
        record: the record, of a catalog for instance.
        **options: of `certify`.

    Returns:
        The record with `certificate`, and with a `capture` of provenance `"certified"` if a ball is
        proved; `settle` uses it in place of an estimated one.

    Raises:
        CertificationError: (a `ValueError`) with the reason, or if the record says something else
            than what is proved.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> record = fl.certify_record(field, fl.classify(field, jnp.eye(2)))
        >>> record.certificate["index"], record.capture["provenance"]
        (0, 'certified')
        >>> fl.check_record(field, record)
    """
    certificate = certify(field, record, **options)
    _require_agreement(record, certificate)
    changes: dict[str, Any] = {"certificate": certificate.to_dict()}
    radius = _around(record, certificate)
    if radius > 0:
        changes["capture"] = {"radius": radius, "root": None, "provenance": "certified"}
    return record.replace(**changes)


def check_record(field: AbstractField, record: CriticalPoint) -> None:
    """Prove a record's certificate again, and that the record says nothing else.

    Index and nullity must be those proved, loss, smallest eigenvalue and location lie in the proved
    intervals to 1e-9, the kind must fit, and a capture ball that calls itself certified must lie in
    the one that is proved. Nothing in the certificate is taken on trust.

    Args:
        field: the field.
        record: a record with a certificate.

    Raises:
        CertificationError: (a `ValueError`) that says what does not hold.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> record = fl.certify_record(field, fl.classify(field, jnp.eye(2)))
        >>> try:
        ...     fl.check_record(field, record.replace(index=1))
        ... except fl.CertificationError as error:
        ...     print(error)
        The record p1 says index 1; proved is 0.
    """
    if record.certificate is None:
        raise CertificationError(f"The record {record.id} has no certificate.")
    certificate = Certificate.from_dict(record.certificate)
    certificate.check(field)
    _require_agreement(record, certificate)
    ball = record.capture
    if ball is not None and ball["provenance"] == "certified":
        radius = _around(record, certificate)
        if ball["root"] is not None or not ball["radius"] <= radius:
            raise CertificationError(
                f"The record {record.id} says that a capture ball of radius {ball['radius']:.6g} "
                f"is certified; proved is {radius:.6g}."
            )


def _around(record: CriticalPoint, certificate: Certificate) -> float:
    """The radius of the ball around the record's location that lies in the certified one."""
    gap = float(np.linalg.norm(record.location - certificate.centre))
    return certificate.capture if gap == 0 else certificate.capture * (1 - 1e-12) - 1.01 * gap


def _require_agreement(record: CriticalPoint, certificate: Certificate) -> None:
    for name in ("index", "nullity"):
        if getattr(record, name) != getattr(certificate, name):
            raise _other(record, name, getattr(record, name), getattr(certificate, name))
    gap = float(np.abs(record.location - certificate.centre).max())
    if not gap <= certificate.radius + CLOSE * max(1.0, float(np.abs(record.location).max())):
        raise _other(record, "location", "another one", f"{gap:.3g} from it")
    if (record.loss is None) and certificate.loss is not None:
        raise _other(record, "loss", None, certificate.loss)
    if record.loss is not None and certificate.loss is not None:
        _require_close(record, "loss", record.loss, certificate.loss_interval)
    smallest = _smallest(record)
    if smallest is not None:
        _require_close(record, "eigenvalues", smallest, certificate.lambda_min_interval)
    spurious = record.kind == "spurious minimum"
    minimum = "minimum" in record.kind
    if spurious != certificate.spurious or (minimum and certificate.index):
        proved = "a spurious minimum" if certificate.spurious else f"index {certificate.index}"
        raise _other(record, "kind", record.kind, f"{proved} and no more")


def _smallest(record: CriticalPoint) -> float | None:
    """The smallest of the record's eigenvalues that are not its kernel's, with the proof's sign."""
    values = record.eigenvalues.real
    # Those of a field that is no gradient are of the Jacobian, not of minus it.
    values = -values if np.iscomplexobj(record.eigenvalues) else values
    rest = np.sort(np.abs(values))[record.nullity :]
    if len(rest) == 0:
        return None
    return float(values[np.abs(values) >= rest[0]].min())


def _require_close(
    record: CriticalPoint, name: str, value: float, interval: tuple[float, float]
) -> None:
    room = CLOSE * max(1.0, float(np.abs(record.eigenvalues).max()), abs(value))
    if not interval[0] - room <= value <= interval[1] + room:
        raise _other(record, name, value, list(interval))


def _other(record: CriticalPoint, name: str, said: Any, proved: Any) -> CertificationError:
    return CertificationError(f"The record {record.id} says {name} {said}; proved is {proved}.")
