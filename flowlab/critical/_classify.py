"""What one critical point is."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._checks import as_state, require_float64
from .._types import RealOrComplex
from ..fields import AbstractField, AbstractGradientFlow, as_blocks
from ..symmetry import AbstractGroup, Isotropy
from ._isotypic import spectrum_of_family
from ._probe import Probe, probe, probes
from ._record import CriticalPoint
from ._refine import residual_tolerance, tolerance_of_scale
from ._spectrum import NULL, explained_directions, spectrum_of

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
    location = np.asarray(as_state(field.shape, w))
    symmetry = Symmetry.at(field.symmetry, location)
    (found,) = classify_all(field, location[None], [symmetry], found_by=found_by)
    return found.replace(id=id, hits=hits)


class Symmetry(NamedTuple):
    """What a group says of a point: its isotropy subgroup, and how many images it has."""

    isotropy: Isotropy[Any]
    orbit_size: int

    @classmethod
    def at(cls, group: AbstractGroup[Any], location: np.ndarray) -> "Symmetry":
        """The symmetry of a point."""
        return cls(group.isotropy(location), group.orbit_size(location))


def classify_all(
    field: AbstractField, states: np.ndarray, symmetries: Sequence[Symmetry], *, found_by: str
) -> list[CriticalPoint]:
    """Classify many critical points whose symmetry is known; see `classify`.

    Args:
        field: the field.
        states: critical points (n, *shape), float64 and finite.
        symmetries: of each.
        found_by: the method that found them, for the records.

    Returns:
        The records, without ids and hits.

    Raises:
        ValueError: if one is not a critical point to within 1e-6.
    """
    records = []
    seen = _seen(field, states)
    for location, at, symmetry in zip(states, seen, symmetries, strict=True):
        if not at.residual <= ROUGH * at.tolerance:
            raise ValueError(
                "w is not a critical point: the largest entry of the field there is "
                f"{at.residual:.3g}. Use `refine` first; if it fails, this is a slow point and "
                "has no index."
            )
        record = CriticalPoint(
            id="",
            kind=_kind(field, at),
            index=at.index,
            nullity=at.nullity,
            explained_nullity=at.explained,
            loss=at.loss,
            residual=at.residual,
            eigenvalues=at.eigenvalues,
            location=location,
            isotropy_order=symmetry.isotropy.order,
            isotropy_name=symmetry.isotropy.name,
            orbit_size=symmetry.orbit_size,
            found_by=found_by,
        )
        records.append(record)
    return records


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


def _seen(field: AbstractField, states: np.ndarray) -> list[_Seen]:
    if field.size >= LARGE:
        return [_seen_in_blocks(field, w) or _seen_at(field, w, probe(field, w)) for w in states]
    pairs = zip(states, probes(field, states), strict=True)
    return [_seen_at(field, w, at) for w, at in pairs]


def _seen_at(field: AbstractField, state: np.ndarray, at: Probe) -> _Seen:
    spec = spectrum_of(field, at.jacobian)
    return _Seen(
        residual=at.residual,
        tolerance=residual_tolerance(at, state),
        loss=None if at.loss is None else float(at.loss),
        eigenvalues=spec.eigenvalues,
        index=spec.index,
        nullity=spec.nullity,
        explained=len(explained_directions(field, state, spec.null)),
    )


def _seen_in_blocks(field: AbstractField, state: Any) -> _Seen | None:
    """The same by isotypic components, for a large field at a state of few blocks."""
    found = as_blocks(field, state)
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
