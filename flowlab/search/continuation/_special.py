"""What kind of special point it is."""

import dataclasses
from typing import Any

import numpy as np

from ._detect import Event, kernel
from ._problem import At, Point, Problem

VANISHING = 1e-4
"""A coefficient of the normal form counts as zero below this, relative to its scale."""

SLOW = 1e-6
"""A rate turns (Hopf) if its imaginary part exceeds this, relative to the largest rate (or 1)."""

KINDS = ("fold", "pitchfork", "transcritical", "branch point", "hopf")


@dataclasses.dataclass(frozen=True, eq=False)
class SpecialPoint:
    r"""A point of a branch where stability changes or branches meet.

    Attributes:
        kind: `"fold"` (the branch turns back), `"pitchfork"` and `"transcritical"` (one more branch
            passes, at right angles to the parameter or across it), `"branch point"` (a kernel of
            more than one dimension, or one that lies outside of what the field shows), or `"hopf"`
            (a pair of rates crosses the imaginary axis).
        parameter: the parameter there.
        state: the state there, of the field's shape.
        position: its place among the states of the branch.
        kernel: orthonormal basis of the null space of the Jacobian, (k, *shape), without what
            symmetry or splitting explains; empty for Hopf points.
        frequency: imaginary part of the crossing pair, for Hopf points.
        tangent: the branch's direction there, change of the state and change of the parameter.
        isotropy_order: order of the isotropy subgroup of the state.
        isotropy_name: its structure.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = lambda mu: fl.VectorField(lambda w: mu + w**2, (1,))
        >>> branch = fl.continue_branch(family, jnp.array([-1.0]), parameter=(-1.0, 1.0))
        >>> branch.special_points[0].kind, branch.special_points[0].kernel.shape
        ('fold', (1, 1))
    """

    kind: str
    parameter: float
    state: np.ndarray
    position: int
    kernel: np.ndarray
    frequency: float | None
    tangent: tuple[np.ndarray, float]
    isotropy_order: int
    isotropy_name: str

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible description."""
        return {
            "kind": self.kind,
            "parameter": self.parameter,
            "state": self.state.tolist(),
            "position": self.position,
            "kernel": self.kernel.tolist(),
            "frequency": self.frequency,
            "tangent": [self.tangent[0].tolist(), self.tangent[1]],
            "isotropy_order": self.isotropy_order,
            "isotropy_name": self.isotropy_name,
        }

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> "SpecialPoint":
        """Return the special point that `to_dict` described; `KeyError` if an entry lacks."""
        state = np.asarray(entry["state"], float)
        direction, change = entry["tangent"]
        return cls(
            kind=str(entry["kind"]),
            parameter=float(entry["parameter"]),
            state=state,
            position=int(entry["position"]),
            kernel=np.asarray(entry["kernel"], float).reshape(-1, *state.shape),
            frequency=None if entry["frequency"] is None else float(entry["frequency"]),
            tangent=(np.asarray(direction, float), float(change)),
            isotropy_order=int(entry["isotropy_order"]),
            isotropy_name=str(entry["isotropy_name"]),
        )

    def __repr__(self) -> str:
        size = f", kernel of dimension {len(self.kernel)}" if len(self.kernel) > 1 else ""
        return f"<SpecialPoint {self.kind} at {self.parameter:.12g}{size}>"


def special_point(problem: Problem, event: Event, position: int) -> SpecialPoint:
    """Describe what happens at a place that was found."""
    point = event.point
    kind, null, frequency = _kind(problem, event)
    isotropy = problem.group(point.at.p).isotropy(point.at.w)
    direction = problem.scale * (point.tangent[:-1] @ problem.basis)
    return SpecialPoint(
        kind=kind,
        parameter=point.at.p,
        state=point.at.w,
        position=position,
        kernel=null.reshape(-1, *problem.shape),
        frequency=frequency,
        tangent=(direction.reshape(problem.shape), float(problem.length * point.tangent[-1])),
        isotropy_order=isotropy.order,
        isotropy_name=isotropy.name,
    )


def _kind(problem: Problem, event: Event) -> tuple[str, np.ndarray, float | None]:
    found = kernel(problem, event.point)
    null = np.concatenate([right for right, _ in found.values()])
    frequency = _frequency(event)
    if frequency is not None and len(null) == 0:
        return "hopf", null, frequency
    inside = found["inside"]
    if len(null) == 1 and len(inside[0]) == 1:
        return _simple(problem, event.point, inside[0][0], inside[1][0]), null, None
    if len(null) == 1:
        # The isotropy group acts on a line outside of its fixed subspace by a sign.
        return "pitchfork", null, None
    return ("branch point" if len(null) or event.blocks else "fold"), null, None


def _frequency(event: Event) -> float | None:
    """The imaginary part of the rates nearest to the imaginary axis, if it is not 0."""
    rates = np.concatenate([event.point.growth[block] for block in event.blocks] or [np.zeros(1)])
    nearest = rates[np.argsort(np.abs(rates.real), kind="stable")[:2]]
    turning = float(np.abs(nearest.imag).max())
    return turning if turning > SLOW * max(1.0, float(np.abs(rates).max())) else None


def _simple(problem: Problem, point: Point, right: np.ndarray, left: np.ndarray) -> str:
    r"""The kind of a simple zero rate inside the subspace, from the coefficients

    :math:`\psi\cdot\partial_p f` (not zero: fold) and :math:`\psi\cdot f_{ww}\phi\phi` (not zero:
    transcritical).
    """
    at = point.at
    scale = max(1.0, float(np.abs(at.jacobian).max()))
    if abs(left @ at.by_parameter) * problem.length / problem.scale > VANISHING * scale:
        return "fold"
    return "transcritical" if abs(quadratic(problem, at, right, left)) > VANISHING else "pitchfork"


def quadratic(problem: Problem, at: At, right: np.ndarray, left: np.ndarray) -> float:
    r""":math:`\psi\cdot f_{ww}\phi\phi` by central differences of the Jacobian."""
    h = 1e-4 * problem.scale
    ahead, behind = (
        problem.at(problem.join(at.w + step * right.reshape(problem.shape), at.p)).jacobian
        for step in (h, -h)
    )
    return float(left @ (ahead - behind) @ right / (2 * h))
