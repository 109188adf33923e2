"""A two-dimensional plane through state space, invariant or not."""

from typing import Any

import numpy as np


class Plane:
    r"""The plane :math:`\{o + s\,u + t\,v\}` through state space.

    It need not be invariant: trajectories start on it and may leave.

    Args:
        origin: the point `o`, of the field's shape.
        u: first direction.
        v: second direction, not parallel to `u`.
        coordinates: names of `s` and `t`.

    Raises:
        ValueError: if shapes differ or the directions are parallel.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> plane = fl.Plane(np.zeros((2, 2)), np.eye(2), 1 - np.eye(2), coordinates=("x", "y"))
        >>> plane.lift([1.0, 0.0]).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, origin: Any, u: Any, v: Any, *, coordinates: tuple[str, str] = ("u", "v")):
        self.origin, self.u, self.v = (np.asarray(value, float) for value in (origin, u, v))
        if not self.origin.shape == self.u.shape == self.v.shape:
            raise ValueError(
                f"origin, u, v have shapes {self.origin.shape}, {self.u.shape}, {self.v.shape}; "
                "needed: one shape, that of the field."
            )
        self._rows = np.stack([self.u.reshape(-1), self.v.reshape(-1)])
        if np.linalg.matrix_rank(self._rows) < 2:
            raise ValueError("u and v are parallel or zero: they span no plane.")
        if len(coordinates) != 2 or coordinates[0] == coordinates[1]:
            raise ValueError(f"coordinates is {coordinates!r}; needed: two different names.")
        self.coordinates = tuple(coordinates)
        self._dual = np.linalg.pinv(self._rows.T)

    @classmethod
    def through(
        cls, a: Any, b: Any, c: Any, *, coordinates: tuple[str, str] = ("u", "v")
    ) -> "Plane":
        """Return the plane through three states: (0, 0) is `a`, (1, 0) is `b`, (0, 1) is `c`."""
        origin = np.asarray(a, float)
        return cls(origin, np.asarray(b) - origin, np.asarray(c) - origin, coordinates=coordinates)

    def lift(self, z: Any) -> np.ndarray:
        """Return the states at plane coordinates `z` (..., 2), of shape (..., *shape)."""
        return self.origin + np.tensordot(np.asarray(z, float), self._rows, 1).reshape(
            *np.shape(z)[:-1], *self.origin.shape
        )

    def project(self, w: Any) -> np.ndarray:
        """Return the plane coordinates (2,) of the point of the plane nearest to `w`."""
        return self._dual @ (np.asarray(w) - self.origin).reshape(-1)

    def direction(self, velocity: Any) -> np.ndarray:
        """Return the components (2,) of a velocity along the plane."""
        return self._dual @ np.asarray(velocity).reshape(-1)

    def distance(self, w: Any) -> float:
        """Return the Euclidean distance of `w` from the plane."""
        return float(np.linalg.norm(np.asarray(w) - self.lift(self.project(w))))

    def spec(self) -> dict[str, Any]:
        """Return a JSON-compatible description: origin, directions and names."""
        parts = {name: getattr(self, name).tolist() for name in ("origin", "u", "v")}
        return {**parts, "coordinates": list(self.coordinates)}

    def __repr__(self) -> str:
        s, t = self.coordinates
        return f"<Plane of coordinates {s}, {t} in states of shape {self.origin.shape}>"
