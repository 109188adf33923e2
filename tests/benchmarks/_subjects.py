"""What the peers are measured on: two flows, their starts, and where each start has to go."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import flowlab as fl

STUDENTS = 5

Velocity = Callable[[Any, Any], tuple[Any, Any]]

SCALARS = SimpleNamespace(sqrt=math.sqrt, atan2=math.atan2, max=max)
ARRAYS = SimpleNamespace(sqrt=jnp.sqrt, atan2=jnp.arctan2, max=jnp.maximum)


class Subject(NamedTuple):
    """A planar flow with known basins.

    Attributes:
        name: for the heading of the table.
        field: flowlab's field.
        velocity: the same field as a function of two scalars, from `SCALARS` or `ARRAYS`.
        points: (p, 2), where trajectories end, to 5 digits.
        starts: (n, 2).
        truth: (n,), the row of `points` that each start flows to.
        window: a time after which all starts off the separatrix rest at |f| < 1e-8.
    """

    name: str
    field: fl.AbstractField
    velocity: Callable[[Any], Velocity]
    points: np.ndarray
    starts: np.ndarray
    truth: np.ndarray
    window: float

    def labels(self, states: np.ndarray) -> np.ndarray:
        """Return the nearest of `points` to each state."""
        return np.linalg.norm(states[:, None] - self.points, axis=-1).argmin(-1)

    def speeds(self, states: np.ndarray) -> np.ndarray:
        """Return max |f| at each state."""
        return np.abs(np.asarray(self.field.batch(jnp.asarray(states.T)))).max(0)

    def check_velocity(self) -> None:
        """Raise if the two forms of the field disagree: then the peers solve another problem."""
        probes = self.starts[:: len(self.starts) // 50]
        velocity = self.velocity(SCALARS)
        scalar = np.array([velocity(*w) for w in probes.tolist()])
        array = self.velocity(ARRAYS)(*jnp.asarray(probes.T))
        ours = self.field.batch(jnp.asarray(probes.T))
        np.testing.assert_allclose(scalar.T, ours, atol=1e-13)
        np.testing.assert_allclose(array, ours, atol=1e-13)


def plane_of_theorem_7(side: int) -> Subject:
    """The plane of Theorem 7 of Tian (2017); the diagonal x = y is the stable set of a saddle."""
    starts = grid(0.0, 1.0, side)
    x, y = starts.T
    points = np.array([[1.0, 0.0], [-0.59408, 0.39673], [0.25684, 0.25684]])
    truth = np.where(x > y, 0, np.where(x < y, 1, 2))
    field = fl.theorem7_plane(STUDENTS)
    name = f"plane of Theorem 7, K = {STUDENTS}"
    return Subject(name, field, plane_velocity, points, starts, truth, 30.0)


def double_well(side: int) -> Subject:
    """The gradient flow of V = (x^2 - 1)^2/4 + y^2/2; x = 0 separates the basins."""
    starts = grid(-2.0, 2.0, side)
    truth = np.where(starts[:, 0] > 0, 0, 1)
    points = np.array([[1.0, 0.0], [-1.0, 0.0]])
    field = fl.zoo.double_well()
    return Subject("double well", field, double_well_velocity, points, starts, truth, 20.0)


def grid(lower: float, upper: float, side: int) -> np.ndarray:
    """Return the cell centres of a square grid, (side^2, 2)."""
    centres = lower + (upper - lower) * (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(centres, centres, indexing="ij"), -1).reshape(-1, 2)


def double_well_velocity(xp: Any) -> Velocity:
    """Return the flow of the double well as a function of two scalars."""
    del xp
    return lambda x, y: (x - x * x * x, -y)


def plane_velocity(xp: Any) -> Velocity:
    """Return the flow on the plane of Theorem 7 (supplement, Eqns 69-70), with `xp`'s functions."""
    others, pi, root, angle, larger = STUDENTS - 1, math.pi, xp.sqrt, xp.atan2, xp.max

    def velocity(x, y):
        alpha = 1 / root(x * x + others * y * y)
        cos_theta, cos_star = alpha * x, alpha * y
        cos_phi = alpha * alpha * (2 * x * y + (others - 1) * y * y)
        gap = alpha * abs(x - y)
        sin_theta = root(larger(1 - cos_theta * cos_theta, 0.0))
        sin_star = root(larger(1 - cos_star * cos_star, 0.0))
        sin_phi = gap * root(larger(2 - gap * gap, 0.0))
        theta, star = angle(sin_theta, cos_theta), angle(sin_star, cos_star)
        phi = angle(sin_phi, cos_phi)
        common = others * (alpha * sin_star - sin_phi) + alpha * sin_theta
        mean = (pi - phi) * (x - 1 + others * y)
        dx = (-mean - theta - phi * (x - 1) + common * x) / (2 * pi)
        dy = (-mean - (star - phi) - phi * y + common * y) / (2 * pi)
        return dx, dy

    return velocity
