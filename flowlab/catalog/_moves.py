"""Connections told of other images of the points they join."""

from typing import Any, NamedTuple

import numpy as np

from ..critical import CriticalPoint, spectrum
from ..fields import AbstractField
from ..symmetry import AbstractGroup
from ._connection import Connection
from ._elements import element_named

PARALLEL = 1e-6
"""Unstable directions whose cosine differs from 1 by less are one."""


class Move(NamedTuple):
    """A point, the entry that stands for it, and the element that takes the entry's place to it."""

    point: CriticalPoint
    entry: CriticalPoint
    element: Any

    @property
    def is_still(self) -> bool:
        """Whether the entry is where the point is, to the bit."""
        return np.array_equal(self.point.location, self.entry.location)


class Mover:
    r"""Tells of each connection between points what it is between the entries for them.

    A trajectory from :math:`a s` to :math:`g b t`, moved by :math:`a^{-1}`, leads from the entry
    :math:`s` to the image :math:`a^{-1} g b\, t` of the entry :math:`t`.

    Args:
        group: the symmetry.
        field: the field, for unstable directions; None if there is none.
        moves: by the id of each point.
    """

    def __init__(self, group: AbstractGroup, field: AbstractField | None, moves: dict[str, Move]):
        self._group, self._field, self._moves = group, field, moves
        self._turns: dict[str, np.ndarray | None] = {}

    def moved(self, edge: Connection) -> Connection:
        """Return the connection between the entries.

        Where eigenvectors of one eigenvalue are turned into one another, what was a side of one is
        no side of any, and becomes a sampled direction (side 0).

        Raises:
            ValueError: if the connection's image is no element of the symmetry.
        """
        source, target = self._moves[edge.source], self._moves[edge.target]
        edge = edge.replace(source=source.entry.id, target=target.entry.id)
        if source.is_still and target.is_still:
            return edge
        image = self._image(edge.image, source, target)
        side, direction = edge.side, edge.direction
        if side and not source.is_still:
            side, direction = self._side(source, side, direction)
        return edge.replace(image=image, side=side, direction=direction)

    def _image(self, name: str, source: Move, target: Move) -> str:
        if source.element.is_identity and target.element.is_identity:
            return name
        group, place = self._group, target.entry.location
        element = element_named(group, name, target.point.location)
        total = source.element.inverse().compose(element.compose(target.element))
        # Of all elements that lead to one image the group has a favourite: one place, one name.
        element = group.match(place, group.act(total, place))
        return group.image_name(total if element is None else element, place)

    def _side(self, source: Move, side: int, direction: int) -> tuple[int, int]:
        turn = self._turn(source)
        if turn is None or direction >= len(turn):
            return 0, direction
        column = int(np.abs(turn[direction]).argmax())
        cosine = turn[direction, column]
        if abs(cosine) < 1 - PARALLEL:
            return 0, direction
        return (side if cosine > 0 else -side), column

    def _turn(self, source: Move) -> np.ndarray | None:
        """Cosines between the unstable directions of the point, moved, and those of the entry."""
        if self._field is None:
            return None
        if source.point.id not in self._turns:
            ours = spectrum(self._field, source.entry.location).unstable
            theirs = spectrum(self._field, source.point.location).unstable
            back = source.element.inverse().apply(theirs) if len(theirs) else theirs
            rows = back.reshape(len(back), -1) @ ours.reshape(len(ours), -1).T
            self._turns[source.point.id] = rows if rows.size else None
        return self._turns[source.point.id]
