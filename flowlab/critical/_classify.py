"""What one critical point is."""

import dataclasses
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from .._types import RealOrComplex
from ..fields import AbstractField, AbstractGradientFlow, as_blocks
from ._isotypic import spectrum_of_family
from ._probe import probe
from ._record import CriticalPoint
from ._refine import residual_tolerance, tolerance_of_scale
from ._spectrum import NULL, explained_directions, spectrum

ROUGH = 1e6
"""`classify` refuses a point whose residual is this many times above what `refine` reaches."""

FLOOR = 1e-9
"""A minimum whose loss exceeds the floor by less than this is global."""


LARGE = 100
"""From this many coordinates on, points of few blocks are classified by isotypic components."""


def classify(
    field: AbstractField, w: Any, *, id: str = "p1", hits: int = 0, found_by: str = "given"
) -> CriticalPoint:
    r"""Classify a critical point: spectrum, Morse index, nullity, kind, isotropy, orbit.

    The nullity is split into what the continuous symmetry explains (rotations that fix the
    teacher's span), what the splitting of aligned students explains, and the rest. A point with an
    unexplained null direction and no unstable one is `"degenerate"`: its linearisation does not
    decide whether it is a minimum.

    The Hessian of a large `TeacherStudent` field is not formed at points of few blocks (see
    `isotypic_spectrum`): K = 100 is as quick as K = 10.

    Args:
        field: the field.
        w: a critical point, of `field.shape`, float64; use `refine` first.
        id: name for the record.
        hits: number of starts that led here, for the record.
        found_by: the method that found it, for the record.

    Returns:
        The record, a `CriticalPoint`.

    Raises:
        ValueError: on bad input, or if `w` is not a critical point to within 1e-6.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> x = 0.534154943091895
        >>> point = fl.classify(fl.TeacherStudent(jnp.eye(2)), x * jnp.ones((2, 2)))
        >>> point.kind, point.index, point.nullity, point.explained_nullity
        ('saddle', 1, 1, 1)
    """
    require_float64("classify")
    state = as_state(field.shape, w)
    location = np.asarray(state)
    at = _seen_in_blocks(field, state) or _seen(field, state)
    if not at.residual <= ROUGH * at.tolerance:
        raise ValueError(
            "w is not a critical point: the largest entry of the field there is "
            f"{at.residual:.3g}. Use `refine` first; if it fails, this is a slow point and "
            "has no index."
        )
    group = field.symmetry
    isotropy = group.isotropy(location)
    return CriticalPoint(
        id=id,
        kind=_kind(field, at),
        index=at.index,
        nullity=at.nullity,
        explained_nullity=at.explained,
        loss=at.loss,
        residual=at.residual,
        eigenvalues=at.eigenvalues,
        location=location,
        isotropy_order=isotropy.order,
        isotropy_name=isotropy.name,
        orbit_size=group.orbit_size(location),
        hits=hits,
        found_by=found_by,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Seen:
    """What the linearisation at a point says of it."""

    residual: float
    tolerance: float
    loss: float | None
    eigenvalues: RealOrComplex
    index: int
    nullity: int
    explained: int


def _seen(field: AbstractField, state: Any) -> _Seen:
    at = probe(field, state)
    spec = spectrum(field, state)
    return _Seen(
        residual=at.residual,
        tolerance=residual_tolerance(at, state),
        loss=None if at.loss is None else float(at.loss),
        eigenvalues=spec.eigenvalues,
        index=spec.index,
        nullity=spec.nullity,
        explained=len(explained_directions(field, np.asarray(state), spec.null)),
    )


def _seen_in_blocks(field: AbstractField, state: Any) -> _Seen | None:
    """The same by isotypic components, for a large field at a state of few blocks."""
    found = as_blocks(field, state) if field.size >= LARGE else None
    if found is None:
        return None
    family, z = found
    at, components = probe(family, z), spectrum_of_family(family, z)
    values = components.eigenvalues
    scale = float(np.abs(values).max()) * max(1.0, float(np.abs(np.asarray(state)).max()))
    # Within the span of the teacher the group is finite: only splittings explain null directions.
    explained = len(field.flat_directions(np.asarray(state))) if components.nullity else 0
    return _Seen(
        residual=at.residual,
        tolerance=tolerance_of_scale(scale),
        loss=float(at.loss),
        eigenvalues=values,
        index=components.index,
        nullity=components.nullity,
        explained=min(explained, components.nullity),
    )


def _kind(field: AbstractField, at: _Seen) -> str:
    stable = field.size - at.index - at.nullity
    unexplained = at.nullity - at.explained
    if not isinstance(field, AbstractGradientFlow):
        return _equilibrium_kind(at, stable, unexplained)
    if at.index and stable:
        return "saddle"
    if unexplained:
        return "degenerate"
    if at.index:
        return "maximum"
    floor, loss = field.loss_floor, at.loss
    if floor is None or loss is None:
        return "minimum"
    near = loss - floor <= FLOOR * max(1.0, abs(floor))
    return "global minimum" if near else "spurious minimum"


def _equilibrium_kind(at: _Seen, stable: int, unexplained: int) -> str:
    values = at.eigenvalues
    turning = bool(np.any(np.abs(values.imag) > NULL * max(1.0, np.abs(values).max())))
    if at.index and stable:
        return "saddle focus" if turning else "saddle"
    if unexplained:
        pure = at.nullity == len(values) == 2 and turning
        return "centre" if pure else "nonhyperbolic"
    return ("source " if at.index else "sink ") + ("focus" if turning else "node")
