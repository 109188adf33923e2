"""Text in a picture that is already full: each label takes the free place it likes best."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

Box = tuple[float, float, float, float]

IDENTITY = "identity"
"""The name of the image that the catalog holds."""

_COVERED = 2.0


def node_text(name: str, data: Mapping[str, Any], with_image: bool) -> str:
    """What is written beside a node: of an orbit its size, of an image, if asked, its name."""
    image = data.get("image")
    if image is None:
        orbit = int(data.get("orbit_size", 1))
        return f"{name} ×{orbit}" if orbit > 1 else name
    point = str(data.get("point", name))
    return f"{point}\n{broken(str(image))}" if with_image and image != IDENTITY else point


def broken(image: str) -> str:
    """The name of an image in two short lines rather than a long one."""
    return image.replace(" teachers", "\nteachers")


@dataclasses.dataclass(frozen=True)
class Place:
    """A place for a label: an anchor in pixels and which part of the text is put there."""

    x: float
    y: float
    ha: str = "center"
    va: str = "center"

    def box(self, width: float, height: float) -> Box:
        """Left, bottom, right and top of a text of this size."""
        left = self.x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[self.ha]
        bottom = self.y - height * {"bottom": 0.0, "center": 0.5, "top": 1.0}[self.va]
        return left, bottom, left + width, bottom + height


class LabelPlacer:
    """Places texts one after the other, away from points to avoid and from each other.

    Args:
        ax: the axes, whose layout is final.
        size: font size in points.
        avoid: points (n, 2) in pixels on which no text should lie.
    """

    def __init__(self, ax: Axes, size: float, avoid: np.ndarray):
        self.ax, self.size, self.avoid = ax, size, avoid
        self.taken: list[Box] = []
        self.frame = ax.get_window_extent().extents

    def reserve(self, x: float, y: float, radius: float) -> None:
        """Keep texts off a square around a point."""
        self.taken.append((x - radius, y - radius, x + radius, y + radius))

    def put(
        self, text: str, places: Sequence[Place], *, ground: bool = False, must: bool = True
    ) -> None:
        """Write a text at the best of several places, of which earlier ones are preferred.

        Args:
            text: the text.
            places: where it may go.
            ground: whether it gets a white ground, for texts on lines.
            must: whether it is written even if it lies on another text wherever it goes.
        """
        artist = self.ax.text(
            0,
            0,
            text,
            fontsize=self.size,
            zorder=5,
            linespacing=1.05,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
            if ground
            else None,
            path_effects=None if ground else [withStroke(linewidth=1.8, foreground="white")],
        )
        extent = artist.get_window_extent()
        costs = [
            self._cost(place.box(extent.width, extent.height), ground) + 0.02 * rank
            for rank, place in enumerate(places)
        ]
        if min(costs) > _COVERED and not must:
            artist.remove()
            return
        best = places[int(np.argmin(costs))]
        x, y = self.ax.transData.inverted().transform((best.x, best.y))
        artist.set_position((x, y))
        artist.set(ha=best.ha, va=best.va)
        self.taken.append(best.box(extent.width, extent.height))

    def _cost(self, box: Box, ground: bool) -> float:
        left, bottom, right, top = box
        area = max((right - left) * (top - bottom), 1e-9)
        cost = 0.0
        for other in self.taken:
            wide = min(right, other[2]) - max(left, other[0])
            high = min(top, other[3]) - max(bottom, other[1])
            if wide > 0 and high > 0:
                cost += _COVERED + 4 * wide * high / area
        inside = (
            (self.avoid[:, 0] > left)
            & (self.avoid[:, 0] < right)
            & (self.avoid[:, 1] > bottom)
            & (self.avoid[:, 1] < top)
        )
        # A label on its own edge cannot help touching it; crossing more of them is worse.
        cost += (0.02 if ground else 0.1) * float(inside.sum())
        out = max(self.frame[0] - left, 0) + max(right - self.frame[2], 0)
        out += max(self.frame[1] - bottom, 0) + max(top - self.frame[3], 0)
        return cost + 0.2 * out
