"""The record of one critical point."""

import dataclasses
from typing import Any

import numpy as np

from .._types import RealOrComplex


@dataclasses.dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A critical point of a gradient flow, or an equilibrium of another field, and what it is.

    The same names are used in Python, in `catalog.json` and in every table.

    Attributes:
        id: short name, unique in its catalog (`"p1"`, `"p2"`, ...).
        kind: for gradient flows `"global minimum"`, `"spurious minimum"`, `"minimum"`, `"saddle"`,
            `"maximum"` or `"degenerate"`; for other fields `"sink node"`, `"sink focus"`,
            `"source node"`, `"source focus"`, `"saddle"`, `"saddle focus"`, `"centre"` or
            `"nonhyperbolic"`.
        index: Morse index, the dimension of the flow's unstable space.
        nullity: dimension of the null space of the Hessian (of the centre space, in general).
        explained_nullity: the part of it that symmetry and the splitting of aligned students
            account for.
        loss: the loss at the point, `None` for fields without one.
        residual: largest absolute entry of the field there.
        eigenvalues: of the Hessian, ascending (float), or of the Jacobian (complex).
        location: the state, of the field's shape.
        isotropy_order: exact order of the isotropy subgroup.
        isotropy_name: its structure, such as `"ΔS_2"`.
        orbit_size: number of symmetric images (connected components of the orbit), exact.
        hits: how many starts led to the orbit.
        found_by: the method that found it first.
        certificate: proof of existence and index, if there is one.
        capture: a sink's capture ball, if it was looked for: `radius`, `root`, `provenance`, as
            `CaptureBall.to_dict` gives it.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> point = fl.classify(fl.TeacherStudent(jnp.eye(2)), jnp.eye(2))
        >>> point.kind, point.index, point.orbit_size
        ('global minimum', 0, 2)
    """

    id: str
    kind: str
    index: int
    nullity: int
    explained_nullity: int
    loss: float | None
    residual: float
    eigenvalues: RealOrComplex
    location: np.ndarray
    isotropy_order: int
    isotropy_name: str
    orbit_size: int
    hits: int = 0
    found_by: str = "given"
    certificate: dict[str, Any] | None = None
    capture: dict[str, Any] | None = None

    @property
    def unexplained_nullity(self) -> int:
        """Null directions that neither symmetry nor splitting accounts for."""
        return self.nullity - self.explained_nullity

    @property
    def is_isolated_sink(self) -> bool:
        """Whether it is hyperbolic and attracts all of a neighbourhood."""
        return self.index == 0 and self.nullity == 0

    @property
    def is_sink(self) -> bool:
        """Whether nearby starts flow to it (or to the manifold it stands for)."""
        return self.index == 0 and self.unexplained_nullity == 0 and self.kind != "centre"

    def replace(self, **changes: Any) -> "CriticalPoint":
        """Return a copy with some entries changed."""
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        loss = "" if self.loss is None else f", loss {self.loss:.12g}"
        return (
            f"<CriticalPoint {self.id}: {self.kind}, index {self.index}, nullity {self.nullity}"
            f"{loss}, isotropy {self.isotropy_name}, {self.orbit_size} images>"
        )
