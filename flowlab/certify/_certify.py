"""Certifying a critical point."""

from importlib.metadata import version
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from ..critical import CriticalPoint
from ..fields import AbstractField
from ._balls import balls, flint_versions, working_precision
from ._certificate import BITS, Certificate, state
from ._field import BallField, ball_field
from ._proof import METHOD, search
from ._refusal import CertificationError, Inconclusive

PRECISIONS = 128, 256, 512
"""Tried in turn. Aligned pairs cost half of the digits, and 53 bits are hardly faster than 128."""

NEAR = 1e-6
"""How far off a critical point may be, relative to its size, where no radius is asked for."""

NULL = 1e-8
"""Eigenvalues below this, relative to the largest, count as zero: the same as in `classify`."""


def certify(
    field: AbstractField,
    point: CriticalPoint | Any,
    *,
    precision: int | None = None,
    radius: float | None = None,
) -> Certificate:
    r"""Prove that an isolated critical point exists, and what it is.

    Everything is computed in ball arithmetic on the closed forms of the field: the Krawczyk
    operator proves that a box around the point holds exactly one zero of the gradient, Gershgorin
    discs of the Hessian over the box prove the Morse index, Taylor's formula encloses the loss.

    Args:
        field: a `TeacherStudent` with inputs `Gaussian()` or `Isotropic(second_moment)`.
        point: a record, or an array of the field's shape, refined to float64 accuracy. If it is a
            record, its index is held against the proof.
        precision: bits, 53 to 4096; 128, 256 and 512 are tried in turn if not given.
        radius: half-width of the box in which to prove that no other critical point exists. If not
            given, the smallest box that can be proved.

    Returns:
        A `Certificate`. Keep it with the point:
        `point.replace(certificate=certificate.to_dict())`.

    Raises:
        CertificationError: (a `ValueError`) with the reason: unsupported field; degenerate point
            (nullity above 0); point that is not critical, such as a slow or displaced one; box
            that touches a zero student; index of the record that is wrong; precision exhausted.
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2, 3))
        >>> p, q = 0.524579222543739, 0.409132475081778
        >>> saddle = jnp.array([[p, p, q], [p, p, -q]])
        >>> certificate = fl.certify(field, saddle, radius=1e-4)
        >>> certificate.index, certificate.radius, certificate.error < 1e-12
        (1, 0.0001, True)
    """
    require_float64("certify")
    numbers = ball_field(field)
    record = point if isinstance(point, CriticalPoint) else None
    centre = np.array(as_state(field.shape, point if record is None else record.location, "point"))
    _require_options(precision, radius)
    near = NEAR * max(1.0, float(np.abs(centre).max()))
    radius = None if radius is None else float(radius)
    with working_precision(PRECISIONS[0]):
        _refuse(numbers, centre, near if radius is None else radius, record)
    certificate = _raise_precision(numbers, centre, precision, radius, near)
    if record is not None and record.index != certificate.index:
        raise CertificationError(
            f"The record {record.id} says index {record.index}; proved is {certificate.index}."
        )
    return certificate


def _raise_precision(
    numbers: BallField,
    centre: np.ndarray,
    precision: int | None,
    radius: float | None,
    near: float,
) -> Certificate:
    reason, bits = None, 0
    for bits in PRECISIONS if precision is None else (precision,):
        try:
            with working_precision(bits):
                proof = search(numbers, centre, radius, near)
                about = {"flowlab": version("flowlab"), **flint_versions()}
                return state(proof, centre, bits, method=METHOD, versions=about)
        except Inconclusive as inconclusive:
            reason = inconclusive
    raise CertificationError(f"No proof with {bits} bits: {reason}.") from reason


def _require_options(precision: int | None, radius: float | None) -> None:
    if precision is not None and (
        not isinstance(precision, int) or not BITS[0] <= precision <= BITS[1]
    ):
        raise ValueError(
            f"precision is {precision!r}; needed: an integer from {BITS[0]} to {BITS[1]} bits."
        )
    if radius is not None and not 0 < radius < np.inf:
        raise ValueError(f"radius is {radius!r}; needed: a positive half-width.")


def _refuse(
    numbers: BallField, centre: np.ndarray, near: float, record: CriticalPoint | None
) -> None:
    """Raise with the reason where floats already show that there will be no proof."""
    numbers.require_nonzero(balls(centre))
    hessian = numbers.approximate_hessian(centre)
    gradient = numbers.gradient(balls(centre))
    slope = max(float(entry.abs_lower()) for entry in gradient)
    # By the mean value theorem no zero within `near` can have a larger gradient here.
    if slope > 2 * near * np.abs(hessian).sum(-1).max():
        raise _not_critical(near, f"the gradient there is up to {slope:.2g}")
    values = np.linalg.eigvalsh(hessian)
    null = int(np.sum(np.abs(values) <= NULL * max(1.0, np.abs(values).max())))
    null = max(null, record.nullity if record is not None else 0)
    if null:
        raise CertificationError(
            f"The point is degenerate: nullity {null}. It lies on a manifold of critical points or "
            "is a bifurcation; proofs are available for isolated points only."
        )
    step = np.linalg.solve(hessian, [float(entry.mid()) for entry in gradient])
    length = float(np.abs(step).max())
    if length > near:
        raise _not_critical(near, f"a Newton step from it is {length:.2g} long")


def _not_critical(near: float, reason: str) -> CertificationError:
    return CertificationError(
        f"No critical point lies within {near:.2g} of the point, as far as can be seen: {reason}. "
        "Use `refine` first; if that fails, it is a slow point."
    )
