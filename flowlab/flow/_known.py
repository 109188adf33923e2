"""Sinks known beforehand, and the balls around them and their images at which lanes are caught."""

import dataclasses
from typing import Any

import numpy as np

from ..catalog import Catalog
from ..critical import CaptureBall, capture_ball
from ..fields import AbstractField
from ..symmetry import enumerate_orbit
from ._step import Balls

CLOSE = 0.02
"""Of an image that is not listed, no more of the ball is used than this, relative to the state:
farther away it is costly, and often impossible, to tell which image it is."""

LISTED = 32
"""Orbits that make up to this many balls are listed for the kernel; of others it watches the speed,
and the host finds the image."""


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
    """One image of a known sink, with its ball."""

    point: int
    element: Any
    state: np.ndarray
    ball: CaptureBall


class KnownSinks:
    """The isolated sinks of a catalog, each with a capture ball.

    Args:
        field: the field.
        catalog: critical points; balls that their records lack are estimated.
    """

    def __init__(self, field: AbstractField, catalog: Catalog | None):
        self.field = field
        self.balls: dict[int, CaptureBall] = {}
        self.images: list[Image] = []
        self.unlisted: list[int] = []
        self.slowest: dict[int, float] = {}
        self.reach: dict[int, float] = {}
        self.group = field.symmetry
        for number, point in enumerate(() if catalog is None else catalog.points):
            if not point.is_isolated_sink:
                continue
            ball = _ball_of(field, point)
            self.balls[number] = ball
            if ball.radius == 0:
                continue
            if len(self.images) + point.orbit_size <= LISTED:
                self._list(number, point.location, ball)
            elif ball.root is None:
                self.unlisted.append(number)
                self.slowest[number] = float(np.abs(point.eigenvalues.real).min())
                self.reach[number] = min(ball.radius, CLOSE * float(np.linalg.norm(ball.centre)))

    def _list(self, number: int, location: np.ndarray, ball: CaptureBall) -> None:
        group = self.group
        for state in enumerate_orbit(group, location, limit=LISTED):
            element = group.match(location, state)
            root = None
            if ball.root is not None:
                # |R(g'w - c)| = |R g'(w - gc)|, and a row of R g' is g applied to that row of R.
                rows = ball.root.reshape(-1, *self.field.shape)
                root = np.stack([group.act(element, row) for row in rows]).reshape(ball.root.shape)
            moved = CaptureBall(state, ball.radius, root, ball.provenance)
            self.images.append(Image(number, element, state, moved))

    def for_kernel(self) -> Balls | None:
        """Return the listed balls as arrays."""
        if not self.images:
            return None
        balls = [image.ball for image in self.images]
        centres = np.stack([ball.centre.reshape(-1) for ball in balls])
        roots = None
        if any(ball.root is not None for ball in balls):
            identity = np.eye(centres.shape[1])
            roots = np.stack([identity if b.root is None else b.root for b in balls])
        return Balls(centres, np.array([ball.radius for ball in balls]), roots)

    def gate(self) -> float:
        """Return the speed below which a lane may be in an unlisted ball; 0 if there is none."""
        return max((self.slowest[n] * self.reach[n] for n in self.unlisted), default=0.0)

    def find(self, state: np.ndarray, speed: float) -> Image | None:
        """Return the unlisted image in whose ball a state of the given speed lies.

        `None` if there is none, or if the state is still too far away to tell which it is.
        """
        norm = float(np.linalg.norm(state))
        for number in self.unlisted:
            ball = self.balls[number]
            # Near a sink the speed is at least the slowest rate times the distance.
            reach = min(self.reach[number], speed / self.slowest[number])
            # Symmetries preserve norms, so this bounds the distance from every image.
            if abs(norm - float(np.linalg.norm(ball.centre))) >= reach:
                continue
            element = self.group.match(ball.centre, state, tol=reach)
            if element is None:
                continue
            image = np.asarray(self.group.act(element, ball.centre))
            if np.linalg.norm(state - image) < ball.radius:
                return Image(number, element, image, ball)
        return None


def _ball_of(field: AbstractField, point: Any) -> CaptureBall:
    if point.capture is None:
        return capture_ball(field, point)
    root = point.capture["root"]
    root = None if root is None else np.asarray(root, float)
    return CaptureBall(
        point.location, float(point.capture["radius"]), root, point.capture["provenance"]
    )
