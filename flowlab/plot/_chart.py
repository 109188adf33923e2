"""A field seen in two coordinates: itself, or its trace on a plane through a larger space."""

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from ..fields import AbstractField, Plane

ON_PLANE = 1e-6
"""A point belongs to the picture if it is no further (largest entry) from the plane than this."""

_BATCH = 4096


@dataclasses.dataclass(frozen=True)
class Chart:
    """Two coordinates of a field; made by `chart_of`."""

    field: "AbstractField"
    plane: "Plane | None"

    @property
    def names(self) -> tuple[str, str]:
        """Names of the two coordinates."""
        first, second = self.field.coordinates if self.plane is None else self.plane.coordinates
        return first, second

    def states(self, z: np.ndarray) -> np.ndarray:
        """Return the states (n, *shape) at the coordinates `z` (n, 2)."""
        return z if self.plane is None else np.asarray(self.plane.lift(z))

    def velocity(self, z: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the velocities (n, 2) at `z` (n, 2), and how much of them leaves the plane.

        The second number is the largest speed off the plane relative to the largest speed; it is
        0 for a field of two dimensions, and rounding for an invariant plane.
        """
        full = batched(lambda w: self.field(0.0, w), self.states(z))
        if self.plane is None:
            return full, 0.0
        rows = full.reshape(len(full), -1)
        basis = np.eye(rows.shape[1]).reshape(-1, *self.field.shape)
        inside = rows @ np.stack([self.plane.direction(entry) for entry in basis])
        back = (self.plane.lift(inside) - self.plane.lift(0 * inside)).reshape(rows.shape)
        finite = np.isfinite(rows).all(-1)
        off = np.linalg.norm((rows - back)[finite], axis=-1).max(initial=0.0)
        largest = np.linalg.norm(rows[finite], axis=-1).max(initial=0.0)
        return inside, float(off / largest) if largest else 0.0

    def loss(self, z: np.ndarray) -> np.ndarray:
        """Return the losses (n,) at `z` (n, 2)."""
        return batched(self.field.loss, self.states(z))  # type: ignore[attr-defined]

    def locate(self, w: Any) -> np.ndarray | None:
        """Return the coordinates (2,) of a state or of a point of the plane; `None` if off it.

        A state of the full space is understood too if the field is a restriction of a larger one.
        """
        w = np.asarray(w, float)
        if w.shape == (2,) and (self.plane is None or self.field.shape != (2,)):
            return w
        view: Any = self.field if self.plane is None else self.plane
        if not hasattr(view, "project") or np.shape(view.lift(np.zeros(2))) != w.shape:
            raise ValueError(
                f"a point has shape {w.shape}; needed: (2,), or a state of the field's shape "
                f"{self.field.shape}."
            )
        z = np.asarray(view.project(w), float)
        gap = np.abs(np.asarray(view.lift(z)) - w).max()
        return z if gap <= ON_PLANE * max(1.0, np.abs(w).max()) else None


def chart_of(field: "AbstractField", plane: "Plane | None") -> Chart:
    """Return the chart, or raise `ValueError` if the field is not flat and no plane is given."""
    if plane is None and tuple(field.shape) != (2,):
        raise ValueError(
            f"the field has shape {tuple(field.shape)}; needed: (2,), or a plane through its state "
            "space: pass `plane=Plane(origin, u, v)`, or restrict the field to an invariant plane."
        )
    if plane is not None and np.shape(plane.lift(np.zeros(2))) != tuple(field.shape):
        raise ValueError(
            f"the plane lies in states of shape {np.shape(plane.lift(np.zeros(2)))}; the field has "
            f"shape {tuple(field.shape)}."
        )
    return Chart(field, plane)


def batched(function: Any, states: np.ndarray) -> np.ndarray:
    """Evaluate a JAX function on many states (n, ...), in pieces, so that memory stays bounded."""
    run = jax.jit(jax.vmap(function))
    size = min(_BATCH, len(states))
    # The last piece is filled up with the last state, so that one shape is compiled.
    padded = np.concatenate([states, np.repeat(states[-1:], -len(states) % size, axis=0)])
    pieces = [
        np.asarray(run(jnp.asarray(padded[start : start + size], float)))
        for start in range(0, len(padded), size)
    ]
    return np.concatenate(pieces)[: len(states)]
