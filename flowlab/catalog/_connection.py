"""The record of one connection between two points."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Connection:
    """A heteroclinic connection: where a trajectory that leaves one point arrives.

    Attributes:
        source: id of the point that is left.
        target: id of the point that is reached, up to symmetry.
        image: which symmetric image of `target` is reached, in cycle notation; `"identity"` is the
            image that the catalog holds.
        side: +1 or -1 along the unstable eigenvector; 0 for a sampled direction.
        direction: which unstable eigenvector, or the number of the sample.
        loss_drop: loss at the source minus loss at the target, `None` without a loss.
        time: how long the trajectory took to arrive, in units of the field's time.

    Example:
        >>> from flowlab.catalog import Connection
        >>> edge = Connection("p2", "p1", "(1 2)", side=-1, direction=0, loss_drop=0.25, time=31.0)
        >>> edge
        <Connection p2 -> p1 (1 2), side -1 of direction 0, loss drop 0.25>
    """

    source: str
    target: str
    image: str
    side: int
    direction: int
    loss_drop: float | None
    time: float

    def replace(self, **changes: Any) -> "Connection":
        """Return a copy with some entries changed."""
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        way = f"side {self.side:+d} of direction {self.direction}"
        if self.side == 0:
            way = f"sample {self.direction}"
        drop = "" if self.loss_drop is None else f", loss drop {self.loss_drop:.6g}"
        return f"<Connection {self.source} -> {self.target} {self.image}, {way}{drop}>"
