"""Basin fractions as a result: rows with intervals, a table to look at, data to keep."""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import write_atomically
from ..catalog import Catalog
from ._interval import clopper_pearson
from ._schedule import Look
from ._unseen import UnseenMass

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Fraction:
    """The share of the starts that end in one way.

    Attributes:
        point: id of the critical point, `None` for starts that reached none.
        kind: kind of the point, or the outcome (`"escaped"`, `"exhausted"`, ...).
        loss: loss of the point, `None` if there is none.
        fraction: hits divided by starts.
        lower: lower end of the interval for the probability.
        upper: upper end.
        hits: number of starts.

    Example:
        >>> from flowlab.basins import Fraction
        >>> Fraction("p1", "minimum", 0.5, 0.25, 0.125, 0.375, 30).half_width
        0.125
    """

    point: str | None
    kind: str
    loss: float | None
    fraction: float
    lower: float
    upper: float
    hits: int

    @property
    def name(self) -> str:
        """The id of the point, or the outcome of starts that reached none."""
        return self.kind if self.point is None else self.point

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.upper - self.lower) / 2


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Fractions:
    """What share of the starts each critical point attracts, with exact intervals.

    It prints as a table. Iterating gives the rows, largest share first; the hits of all rows add up
    to `starts`. Symmetric images of a point are pooled in its row and listed by `images()`.

    Attributes:
        starts: number of starts.
        catalog: the critical points: those given, then those reached, in the order of the first
            start that reached them; their hits have grown by what was counted here.
        hits: number of starts that reached each point of the catalog.
        unsettled: number of starts by outcome, for outcomes without a critical point.
        image_hits: number of starts by (id of the point, name of the symmetric image).
        confidence: probability with which each interval holds, at least.
        level: confidence of the Clopper-Pearson intervals shown. It is higher than `confidence`
            where the data decided when to stop, or where all intervals are to hold at once.
        half_width: the half-width asked for, `None` if the number of starts was fixed.
        looks: when the sampling might have stopped.
        unseen: bound on the mass of critical points that no start reached.
        provenance: how the result was made: key, sampler, tolerances, versions.
        together: whether the intervals of all rows hold at once with `confidence`.

    Example:
        >>> import jax, flowlab as fl
        >>> shares = fl.basin_fractions(fl.zoo.double_wells(2), key=jax.random.key(0), starts=100)
        >>> shares["p1"].hits, len(shares.images()), round(shares["p1"].lower, 4)
        (100, 4, 0.9638)
    """

    starts: int
    catalog: Catalog
    hits: np.ndarray
    unsettled: Mapping[str, int]
    image_hits: Mapping[tuple[str, str], int]
    confidence: float
    level: float
    half_width: float | None
    looks: tuple[Look, ...]
    unseen: UnseenMass
    provenance: dict[str, Any]
    together: bool = False

    @property
    def rows(self) -> tuple[Fraction, ...]:
        """One row for each point that was reached, each sink that was given, each outcome."""
        shown = [i for i, p in enumerate(self.catalog) if self.hits[i] or p.is_sink]
        shown.sort(key=lambda i: -self.hits[i])
        names = [(p.id, p.kind, p.loss) for p in (self.catalog[i] for i in shown)]
        names += [(None, outcome, None) for outcome in self.unsettled]
        counts = [*(int(self.hits[i]) for i in shown), *self.unsettled.values()]
        ends = self._ends(counts)
        return tuple(
            Fraction(*name, *end, count)
            for name, end, count in zip(names, ends, counts, strict=True)
        )

    def _ends(self, counts: list[int]) -> list[tuple[float, float, float]]:
        """Fraction, lower and upper end for each count."""
        lower, upper = clopper_pearson(np.array(counts, int), self.starts, self.level)
        shares = np.array(counts, float) / self.starts
        return list(zip(shares.tolist(), lower.tolist(), upper.tolist(), strict=True))

    def __iter__(self) -> Iterator[Fraction]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Fraction:
        rows = {row.name: row for row in self.rows}
        if name not in rows:
            raise KeyError(f"no row {name!r}; there is {', '.join(rows)}.")
        return rows[name]

    @property
    def reached(self) -> bool:
        """Whether every interval is as narrow as was asked."""
        return self.half_width is None or all(row.half_width <= self.half_width for row in self)

    def simultaneous(self) -> "Fractions":
        """Return the same with wider intervals that all hold at once (Bonferroni over the rows).

        The number of rows is taken as known: true if every point with a basin was given or
        reached, about which `unseen` tells.
        """
        if self.together:
            return self
        error = (1 - self.level) / len(self)
        return dataclasses.replace(self, level=1 - error, together=True)

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows as a data frame.

        Returns:
            A data frame with the columns `point`, `kind`, `loss`, `fraction`, `lower`, `upper` and
            `hits`; `point` is None for starts that reached none, `loss` NaN where there is none.
        """
        return _frame([dataclasses.asdict(row) for row in self], Fraction)

    def images(self) -> "pd.DataFrame":
        """Return the shares of the symmetric images, those of one point together.

        Returns:
            A data frame with the columns `point`, `image` (the group element that takes the
            location in the catalog there), `fraction`, `lower`, `upper` and `hits`, one row for
            each image reached.
        """
        return _frame(self._image_rows(), _Image)

    def _image_rows(self) -> list[dict[str, Any]]:
        order = {row.point: number for number, row in enumerate(self)}
        pairs = sorted(self.image_hits.items(), key=lambda e: (order[e[0][0]], -e[1], e[0][1]))
        ends = self._ends([count for _, count in pairs])
        return [
            dataclasses.asdict(_Image(*names, *end, count))
            for (names, count), end in zip(pairs, ends, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a JSON-compatible dictionary."""
        points = [
            {
                "id": point.id,
                "kind": point.kind,
                "index": point.index,
                "loss": point.loss,
                "orbit_size": int(point.orbit_size),
                "location": point.location.tolist(),
            }
            for point in self.catalog
        ]
        return {
            "schema_version": SCHEMA_VERSION,
            "field": self.catalog.field_spec,
            "provenance": self.provenance,
            "starts": self.starts,
            "confidence": self.confidence,
            "level": self.level,
            "together": self.together,
            "half_width": self.half_width,
            "looks": [dataclasses.asdict(look) for look in self.looks],
            "fractions": [dataclasses.asdict(row) for row in self],
            "images": self._image_rows(),
            "unseen": dataclasses.asdict(self.unseen),
            "points": points,
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file, whole or not at all.

        Args:
            path: where to; an existing file is replaced.

        Raises:
            OSError: if the file cannot be written; what was there is untouched.
        """
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(path, text + "\n")

    def __repr__(self) -> str:
        from ._shares_table import text

        return text(self)


@dataclasses.dataclass(frozen=True)
class _Image:
    point: str
    image: str
    fraction: float
    lower: float
    upper: float
    hits: int


def _frame(rows: list[dict[str, Any]], record: type) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[entry.name for entry in dataclasses.fields(record)])
    return frame.astype({"loss": float}) if "loss" in frame else frame
