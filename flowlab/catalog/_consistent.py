"""Whether the parts of a catalog fit together."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ._connection import Connection


def require_consistent(
    points: Iterable[CriticalPoint], field_spec: dict[str, Any], connections: Iterable[Connection]
) -> None:
    """Raise a `ValueError` unless ids, shapes and connections fit together."""
    shape = field_spec.get("shape")
    shape = None if shape is None else tuple(shape)
    ids: dict[str, None] = {}
    for number, point in enumerate(points):
        found, count = np.shape(point.location), np.size(point.eigenvalues)
        shape = found if shape is None else shape
        if point.id not in ids and found == shape and count == np.size(point.location):
            ids[point.id] = None
            continue
        where = f"points[{number}] ({point.id})"
        if point.id in ids:
            raise ValueError(f"{where}: another point has the id {point.id!r} too.")
        if found != shape:
            raise ValueError(
                f"{where}: its location has shape {found}; the field has shape {shape}."
            )
        raise ValueError(
            f"{where}: it has {count} eigenvalues; needed: one for each of the "
            f"{np.size(point.location)} coordinates."
        )
    for number, edge in enumerate(connections):
        for end, name in (("source", edge.source), ("target", edge.target)):
            if name not in ids:
                raise ValueError(
                    f"connections[{number}]: its {end} {name!r} is no point of the catalog; there "
                    f"is {listed(ids)}."
                )


def listed(names: Iterable[str]) -> str:
    """Return ids for a message, of many the first and the last."""
    ids = list(names)
    return ", ".join(ids if len(ids) <= 12 else [*ids[:6], "...", *ids[-3:]]) or "none"
