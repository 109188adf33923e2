"""Whether what records say of points is what the field says of them now."""

import dataclasses
from typing import Any

from .._checks import require_float64
from .._outcome import Outcome
from ..critical import CriticalPoint, classify, outcome_of, probe
from ..fields import AbstractField
from ._catalog import Catalog
from ._diff import EXACT, TOLERANCE, differ, said
from ._fields import shared_field


@dataclasses.dataclass(frozen=True, eq=False)
class Mismatch:
    """An entry of a record that is not what its field gives.

    Attributes:
        id: the point's id.
        entry: name of the entry.
        stated: what the record says.
        found: what was computed.

    Example:
        >>> from flowlab.catalog import Mismatch
        >>> Mismatch("p2", "index", 1, 0)
        <Mismatch p2: index is 1, found 0>
    """

    id: str
    entry: str
    stated: Any
    found: Any

    def __repr__(self) -> str:
        stated, found = said(self.entry, self.stated), said(self.entry, self.found)
        return f"<Mismatch {self.id}: {self.entry} is {stated}, found {found}>"


def recheck(catalog: Catalog, *, field: AbstractField | None = None) -> tuple[Mismatch, ...]:
    """Compute every point of a catalog again from its field, and return what does not agree.

    Each location must be a zero of the field to rounding; spectrum (to 1e-6), index, nullities,
    kind, isotropy, orbit size and loss (to 1e-9) must be what `classify` finds there. Hits,
    connections, capture balls and certificates are not looked at.

    Args:
        catalog: the catalog.
        field: the field, needed if it was made from a user's function.

    Returns:
        The mismatches, none if all agree.

    Raises:
        ValueError: if the field was made from a user's function and is not given, or another one
            is given.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> from flowlab.catalog import recheck
        >>> catalog = fl.find_critical_points(
        ...     fl.zoo.double_well(), key=jax.random.key(0), starts=40)
        >>> recheck(catalog)
        ()
        >>> wrong = catalog[2].replace(index=2)
        >>> recheck(catalog.replace(points=(*catalog.points[:2], wrong)))
        (<Mismatch p3: index is 2, found 1>,)
    """
    require_float64("recheck")
    if field is None:
        field = catalog.field()
    else:
        shared_field((catalog,), field, "recheck")
    return tuple(found for point in catalog for found in _of_point(field, point))


def _of_point(field: AbstractField, point: CriticalPoint) -> list[Mismatch]:
    if outcome_of(field, point.location) is not Outcome.settled:
        residual = probe(field, point.location).residual
        return [Mismatch(point.id, "residual", point.residual, residual)]
    now = classify(field, point.location, hits=point.hits)
    return [
        Mismatch(point.id, name, getattr(point, name), getattr(now, name))
        for name in [*EXACT, "loss", "eigenvalues"]
        if differ(name, point, now, TOLERANCE)
    ]
