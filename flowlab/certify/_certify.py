"""Certifying a critical point."""

from importlib.metadata import version
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from ..critical import CriticalPoint
from ..fields import AbstractField, as_blocks, has_block_families
from ._balls import balls, flint_versions, working_precision
from ._block_field import BlockBalls
from ._certificate import BITS, Certificate, state
from ._field import BallField
from ._forms import ball_field
from ._proof import METHOD, search
from ._refusal import CertificationError, Inconclusive

PRECISIONS = 128, 256, 512
"""Tried in turn. Aligned pairs cost half of the digits, and 53 bits are hardly faster than 128."""

NEAR = 1e-6
"""How far off a critical point may be, relative to its size, where no radius is asked for."""

FULL = 900
"""States of more coordinates than this are treated in their fixed subspace by default: at 30
students and as many axes a proof on all of them takes ten seconds and a gigabyte."""

NULL = 1e-8
"""Eigenvalues below this, relative to the largest, count as zero: the same as in `classify`."""


def certify(
    field: AbstractField,
    point: CriticalPoint | Any,
    *,
    precision: int | None = None,
    radius: float | None = None,
    in_subspace: bool | None = None,
) -> Certificate:
    r"""Prove that a critical point exists, and what it is.

    Everything is computed in ball arithmetic on the closed forms of the field: the Krawczyk
    operator proves that a box around the point holds exactly one zero of the gradient, Gershgorin
    discs of the Hessian over the box prove the Morse index, Taylor's formula encloses the loss.

    Where rotations around the teachers, or the splitting of aligned students (the simplex
    :math:`\{w_j = s_ju\}` of Theorem 7), make a manifold of critical points, the operator is
    bordered with its tangents, and the manifold is certified across: its dimension, and that the
    Hessian has no kernel but its tangent space.

    In the fixed subspace of simultaneous permutations within blocks (`block_family`) the cost does
    not grow with the number of students. Existence, index (from the isotypic components of the full
    Hessian), loss and spuriousness are those of the full flow; uniqueness is that in the subspace.

    Args:
        field: a `TeacherStudent` with inputs `Gaussian()` or `Isotropic(second_moment)`, a
            `BlockFamily` (its own flow; for the full one pass `family.field` and the lifted
            state), or a `VectorField` or `GradientFlow` made from a `ClosedForm`.
        point: a record, or an array of the field's shape, refined to float64 accuracy. If it is a
            record, its index and nullity are held against the proof.
        precision: bits, 53 to 4096; 128, 256 and 512 are tried in turn if not given.
        radius: half-width of the box in which to prove that no other critical point exists. If not
            given, the smallest box that can be proved.
        in_subspace: whether to work in the fixed subspace of the point's blocks; if not given, for
            states of more than 900 coordinates.

    Returns:
        A `Certificate`. Keep it with the point:
        `point.replace(certificate=certificate.to_dict())`.

    Raises:
        CertificationError: (a `ValueError`) with the reason: unsupported field; degenerate point
            (more nullity than symmetry and splitting explain); point that is not critical, such as
            a slow or displaced one; box that is too wide or touches a singularity, such as a zero
            student; index or nullity of the record that is wrong; precision exhausted.
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
    record = point if isinstance(point, CriticalPoint) else None
    centre = np.array(as_state(field.shape, point if record is None else record.location, "point"))
    _require_options(precision, radius)
    numbers = _numbers(field, centre, in_subspace)
    if isinstance(numbers, BlockBalls):
        centre = numbers.even
    near = NEAR * max(1.0, float(np.abs(centre).max()))
    radius = None if radius is None else float(radius)
    with working_precision(PRECISIONS[0]):
        _refuse(numbers, centre, near if radius is None else radius)
    certificate = _raise_precision(numbers, centre, precision, radius, near)
    if record is not None:
        _compare(record, certificate)
    return certificate


def _numbers(field: AbstractField, centre: np.ndarray, in_subspace: bool | None) -> BallField:
    if in_subspace is not None:
        return ball_field(field, centre, in_subspace)
    if centre.size <= FULL or not has_block_families(field):
        return ball_field(field, centre)
    if as_blocks(field, centre) is not None:
        return ball_field(field, centre, True)
    raise CertificationError(
        f"The state has {centre.size:,} coordinates and no blocks in whose fixed subspace it lies. "
        "A proof in all coordinates takes memory like their square: about a gigabyte for 900. Pass "
        "`in_subspace=False` if there is enough."
    )


def _compare(record: CriticalPoint, certificate: Certificate) -> None:
    for name in ("index", "nullity"):
        if getattr(record, name) != getattr(certificate, name):
            raise CertificationError(
                f"The record {record.id} says {name} {getattr(record, name)}; proved is "
                f"{getattr(certificate, name)}."
            )


def _raise_precision(
    numbers: BallField,
    centre: np.ndarray,
    precision: int | None,
    radius: float | None,
    near: float,
) -> Certificate:
    reason, bits = None, 0
    about = {"flowlab": version("flowlab"), **flint_versions()}
    for bits in PRECISIONS if precision is None else (precision,):
        try:
            with working_precision(bits):
                proof = search(numbers, centre, radius, near)
                return state(
                    proof,
                    centre,
                    precision=bits,
                    scope=numbers.scope,
                    method=METHOD,
                    versions=about,
                )
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


def _refuse(numbers: BallField, centre: np.ndarray, near: float) -> None:
    """Raise with the reason where floats already show that there will be no proof."""
    w = numbers.state(centre)
    numbers.require_regular(balls(w))
    hessian = numbers.approximate_hessian(w)
    gradient = numbers.gradient(balls(w))
    slope = max(float(entry.abs_lower()) for entry in gradient)
    # By the mean value theorem no zero within `near` can have a larger gradient here.
    if slope > 2 * near * np.abs(hessian).sum(-1).max():
        raise _not_critical(near, f"the gradient there is up to {slope:.2g}")
    manifold = numbers.manifold(centre)
    known = 0 if manifold is None else manifold.dimension
    values = np.abs(np.linalg.eigvals(hessian))
    null = int(np.sum(values <= NULL * max(1.0, values.max())))
    if null > known:
        raise CertificationError(
            f"The point is degenerate: nullity {null}, of which rotations around the teachers and "
            f"the splitting of aligned students explain {known}. It lies on a larger manifold of "
            "critical points or is a bifurcation, of which nothing can be proved this way."
        )
    step = np.linalg.lstsq(hessian, [float(entry.mid()) for entry in gradient], rcond=NULL)[0]
    length = float(np.abs(step).max())
    if length > near:
        raise _not_critical(near, f"a Newton step from it is {length:.2g} long")


def _not_critical(near: float, reason: str) -> CertificationError:
    return CertificationError(
        f"No critical point lies within {near:.2g} of the point, as far as can be seen: {reason}. "
        "Use `refine` first; if that fails, it is a slow point."
    )
