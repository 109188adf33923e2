"""Colours and markers that stay apart for colour-blind readers and in grey."""

import dataclasses

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap, to_hex, to_rgb

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"

_CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW)
# How far each further cycle is mixed with white (positive) or black (negative).
_SHIFTS = (0.0, 0.5, -0.45, 0.25, -0.25, 0.7, -0.65)


@dataclasses.dataclass(frozen=True)
class Mark:
    """How one kind of critical point is drawn.

    Attributes:
        colour: of the face, or of the edge if it is hollow.
        marker: matplotlib's code of the shape.
        hollow: whether the face is white.
        scale: area relative to a circle, so that all shapes look equally large.
    """

    colour: str
    marker: str
    hollow: bool = False
    scale: float = 1.0

    @property
    def face(self) -> str:
        """Colour inside."""
        return "white" if self.hollow else self.colour

    @property
    def edge(self) -> str:
        """Colour of the outline; white around a filled marker, so that it stands off any ground."""
        return self.colour if self.hollow else "white"


KINDS = {
    "global minimum": Mark(BLUE, "o"),
    "minimum": Mark(BLUE, "o"),
    "spurious minimum": Mark(ORANGE, "s"),
    "saddle": Mark(VERMILLION, "X", scale=1.3),
    "maximum": Mark(BLACK, "o", hollow=True),
    "degenerate": Mark(PURPLE, "D", hollow=True, scale=0.8),
    "sink node": Mark(BLUE, "o"),
    "sink focus": Mark(GREEN, "p", scale=1.3),
    "source node": Mark(BLACK, "o", hollow=True),
    "source focus": Mark(BLACK, "p", hollow=True, scale=1.3),
    "saddle focus": Mark(VERMILLION, "P", scale=1.3),
    "centre": Mark(GREEN, "s", hollow=True),
    "nonhyperbolic": Mark(PURPLE, "D", hollow=True, scale=0.8),
}
"""Sinks are filled, round or square; sources hollow; saddles crosses; the rest hollow diamonds."""

UNKNOWN = Mark(BLACK, "d", scale=1.2)


def mark_of(kind: str) -> Mark:
    """Return the mark of a kind; a black thin diamond for a kind that is not known."""
    return KINDS.get(kind, UNKNOWN)


def categorical(number: int) -> str:
    """Return colour `number` of an endless list; the first 49 differ.

    The first seven are Okabe and Ito's without black, the next ones their tints and shades.
    """
    cycle, place = divmod(number, len(_CYCLE))
    return mixed(_CYCLE[place], _SHIFTS[cycle % len(_SHIFTS)])


def mixed(colour: str, shift: float) -> str:
    """Return a colour mixed with white (`shift` > 0) or with black (`shift` < 0)."""
    ground = 1.0 if shift > 0 else 0.0
    red, green, blue = (1 - abs(shift)) * np.array(to_rgb(colour)) + abs(shift) * ground
    return to_hex((red, green, blue))


def pale(name: str, shift: float = 0.6) -> ListedColormap:
    """Return a colour map mixed with white: a ground on which lines and markers can be read."""
    colours = matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3]
    return ListedColormap((1 - shift) * colours + shift, name=f"pale {name}")
