"""What became of connections that were followed again."""

import dataclasses
from typing import TYPE_CHECKING

from ..catalog import Connection

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class VerifiedConnection:
    """One connection, followed again.

    Attributes:
        connection: what the catalog records.
        target: id of the point that DOP853 reached, `None` if it is none of the catalog.
        image: which image of it.
        distance: largest entry of the difference between where it came to rest and the critical
            point there; NaN if it reached none.
        rise: the largest rise of the loss from one step to the next; 0 if it never rises, NaN for
            fields without a loss.
        time: how long it took.
        evaluations: of the field.
        message: why it failed; empty if it did not.
    """

    connection: Connection
    target: str | None
    image: str | None
    distance: float
    rise: float
    time: float
    evaluations: int
    message: str

    @property
    def ok(self) -> bool:
        """Whether it ends at the recorded image and the loss decreases along it."""
        return not self.message


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """What `verify_connections` returns; it prints as a table.

    Attributes:
        rows: one for each connection, in the order of the catalog.
        rtol: relative tolerance of the integrator.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.double_well()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=50)
        >>> report = fl.verify_connections(field, fl.trace_connections(field, catalog))
        >>> report.ok, len(report.rows)
        (True, 2)
    """

    rows: tuple[VerifiedConnection, ...]
    rtol: float

    @property
    def ok(self) -> bool:
        """Whether every connection was verified."""
        return all(row.ok for row in self.rows)

    @property
    def failures(self) -> tuple[VerifiedConnection, ...]:
        """The connections that were not."""
        return tuple(row for row in self.rows if not row.ok)

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame with a row for each connection."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    **dataclasses.asdict(row.connection),
                    "reached": row.target,
                    "reached_image": row.image,
                    "distance": row.distance,
                    "rise": row.rise,
                    "verified_time": row.time,
                    "evaluations": row.evaluations,
                    "ok": row.ok,
                    "message": row.message,
                }
                for row in self.rows
            ]
        )

    def __repr__(self) -> str:
        good = len(self.rows) - len(self.failures)
        head = f"{good} of {len(self.rows)} connections verified (DOP853, rtol {self.rtol:g})"
        lines = [("connection", "image", "way", "distance", "rise", "verdict")]
        lines += [_line(row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join([head, *table])


def _line(row: VerifiedConnection) -> tuple[str, ...]:
    link = row.connection
    way = f"{link.side:+d} of {link.direction}" if link.side else f"sample {link.direction}"
    return (
        f"{link.source} -> {link.target}",
        link.image,
        way,
        f"{row.distance:.1e}",
        f"{row.rise:.1e}",
        row.message or "ok",
    )
