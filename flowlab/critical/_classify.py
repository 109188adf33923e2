"""What one critical point is."""

from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from ..fields import AbstractField, AbstractGradientFlow
from ._probe import probe
from ._record import CriticalPoint
from ._refine import residual_tolerance
from ._spectrum import NULL, Spectrum, explained_directions, spectrum

ROUGH = 1e6
"""`classify` refuses a point whose residual is this many times above what `refine` reaches."""

FLOOR = 1e-9
"""A minimum whose loss exceeds the floor by less than this is global."""


def classify(
    field: AbstractField, w: Any, *, id: str = "p1", hits: int = 0, found_by: str = "given"
) -> CriticalPoint:
    r"""Classify a critical point: spectrum, Morse index, nullity, kind, isotropy, orbit.

    The nullity is split into what the continuous symmetry explains (rotations that fix the
    teacher's span), what the splitting of aligned students explains, and the rest. A point with an
    unexplained null direction and no unstable one is `"degenerate"`: its linearisation does not
    decide whether it is a minimum.

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
    at = probe(field, state)
    if not at.residual <= ROUGH * residual_tolerance(at, state):
        raise ValueError(
            "w is not a critical point: the largest entry of the field there is "
            f"{at.residual:.3g}. Use `refine` first; if it fails, this is a slow point and "
            "has no index."
        )
    location = np.asarray(state)
    spec = spectrum(field, state)
    explained = len(explained_directions(field, location, spec.null))
    loss = None if at.loss is None else float(at.loss)
    group = field.symmetry
    isotropy = group.isotropy(location)
    return CriticalPoint(
        id=id,
        kind=_kind(field, spec, explained, loss),
        index=spec.index,
        nullity=spec.nullity,
        explained_nullity=explained,
        loss=loss,
        residual=at.residual,
        eigenvalues=spec.eigenvalues,
        location=location,
        isotropy_order=isotropy.order,
        isotropy_name=isotropy.name,
        orbit_size=group.orbit_size(location),
        hits=hits,
        found_by=found_by,
    )


def _kind(field: AbstractField, spec: Spectrum, explained: int, loss: float | None) -> str:
    stable = field.size - spec.index - spec.nullity
    unexplained = spec.nullity - explained
    if not isinstance(field, AbstractGradientFlow):
        return _equilibrium_kind(spec, stable, unexplained)
    if spec.index and stable:
        return "saddle"
    if unexplained:
        return "degenerate"
    if spec.index:
        return "maximum"
    floor = field.loss_floor
    if floor is None or loss is None:
        return "minimum"
    near = loss - floor <= FLOOR * max(1.0, abs(floor))
    return "global minimum" if near else "spurious minimum"


def _equilibrium_kind(spec: Spectrum, stable: int, unexplained: int) -> str:
    values = spec.eigenvalues
    turning = bool(np.any(np.abs(values.imag) > NULL * max(1.0, np.abs(values).max())))
    if spec.index and stable:
        return "saddle focus" if turning else "saddle"
    if unexplained:
        pure = spec.nullity == len(values) == 2 and turning
        return "centre" if pure else "nonhyperbolic"
    return ("source " if spec.index else "sink ") + ("focus" if turning else "node")
