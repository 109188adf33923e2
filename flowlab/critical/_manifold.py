"""The critical manifold through a point that is not isolated."""

import dataclasses
from typing import Any

import numpy as np

from .._checks import as_state, require_float64
from ..fields import AbstractField
from ._probe import probe
from ._refine import refine, residual_tolerance
from ._spectrum import explained_directions, span_within, spectrum


@dataclasses.dataclass(frozen=True, eq=False)
class CriticalManifold:
    """What is known of the set of critical points around one of them.

    Attributes:
        location: the point.
        dimension: dimension of the manifold, as far as it is explained: `rotations + splittings`.
        tangents: (dimension, *shape), an orthonormal basis of its tangent space.
        rotations: dimensions due to continuous symmetry: the orbit of the point.
        splittings: further dimensions due to aligned students that divide their weight.
        unexplained: null directions that neither accounts for: a larger manifold, or a degenerate
            point. `confirmed` decides.
        confirmed: how many of the unexplained directions lead to other critical points nearby.
        edge: what bounds the manifold.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> point = fl.refine(fl.TeacherStudent(jnp.eye(2)), jnp.full((2, 2), 0.534))
        >>> around = fl.critical_manifold(fl.TeacherStudent(jnp.eye(2)), point.location)
        >>> around.dimension, around.rotations, around.splittings, around.edge
        (1, 0, 1, 'students vanish')
    """

    location: np.ndarray
    dimension: int
    tangents: np.ndarray
    rotations: int
    splittings: int
    unexplained: int
    confirmed: int
    edge: str


STEP = 1e-3
"""How far a null direction is followed, relative to the size of the state."""


def critical_manifold(field: AbstractField, w: Any) -> CriticalManifold:
    r"""Return the manifold of critical points through `w`: its dimension, and why it is there.

    Rotations that fix the teacher's span act on the part of the students outside it. With K
    students of which that part has rank r, in d dimensions, the orbit has dimension

    .. math:: r(d - M) - r(r + 1)/2

    for M teachers (Tian 2017, Theorem 2, says that it is at least 1 for :math:`d \ge M + 2`).
    Aligned students :math:`w_j = s_ju` of one sign with :math:`\sum s_j` fixed are a simplex; where
    some :math:`s_j = 0` the field is not continuous, so its faces are no critical points.

    A null direction that neither explains is followed a little, and polished: if that leads to
    another critical point at the same distance, it belongs to a larger manifold.

    Args:
        field: the field.
        w: a critical point, of `field.shape`, float64.

    Returns:
        A `CriticalManifold`; of dimension 0 if the point is isolated.

    Raises:
        ValueError: on bad input, or if `w` is not critical.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Theorem 2.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2, 5))
        >>> p, q = 0.524579222543739, 0.409132475081778
        >>> saddle = jnp.array([[p, p, q, 0, 0], [p, p, -q, 0, 0]])
        >>> around = fl.critical_manifold(field, fl.refine(field, saddle).location)
        >>> around.dimension, around.rotations, around.unexplained
        (2, 2, 0)
    """
    require_float64("critical_manifold")
    state = np.asarray(as_state(field.shape, w))
    at = probe(field, state)
    if not at.residual <= 1e3 * residual_tolerance(at, state):
        raise ValueError(
            f"w is not a critical point: the largest entry of the field is {at.residual:.3g}. Use "
            "`refine` first."
        )
    null = spectrum(field, state).null
    rotations = span_within(field.symmetry.tangents(state), null)
    tangents = explained_directions(field, state, null)
    left = _outside(null, tangents)
    splittings = len(tangents) - len(rotations)
    edges = ["students vanish"] if splittings else []
    if len(null) > len(tangents):
        edges.append("not known")
    return CriticalManifold(
        location=state,
        dimension=len(tangents),
        tangents=tangents,
        rotations=len(rotations),
        splittings=splittings,
        unexplained=len(left),
        confirmed=sum(_leads_on(field, state, direction) for direction in left),
        edge=", ".join(edges) or "none",
    )


def _outside(null: np.ndarray, tangents: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the part of the null space orthogonal to the tangents."""
    rows = null.reshape(len(null), int(np.prod(null.shape[1:])))
    inside = tangents.reshape(len(tangents), rows.shape[1])
    rest = rows - rows @ inside.T @ inside
    _, singular, right = np.linalg.svd(rest, full_matrices=False)
    return right[: len(null) - len(tangents)].reshape(-1, *null.shape[1:])


def _leads_on(field: AbstractField, w: np.ndarray, direction: np.ndarray) -> bool:
    step = STEP * max(1.0, float(np.linalg.norm(w)))
    end = refine(field, w + step * direction, throw=False)
    moved = float(np.sum((end.location - w) * direction))
    return end.outcome.name == "settled" and moved > step / 2
