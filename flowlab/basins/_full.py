"""Labels of a restricted field in terms of the full field's critical points."""

import jax.numpy as jnp
import numpy as np

from ..catalog import Catalog, Collector
from ..fields import AbstractField, RestrictedField, Theorem7Plane
from ._codes import Codes, Kind


def require_restricted(field: AbstractField) -> RestrictedField | Theorem7Plane:
    """Return the field if it is a restriction of another.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(field, RestrictedField | Theorem7Plane):
        return field
    raise ValueError(
        f"full=True needs a restricted field (`restrict`, `theorem7_plane`), not {field!r}."
    )


def codes_in_full(
    field: RestrictedField | Theorem7Plane, codes: Codes, catalog: Catalog | None
) -> tuple[Codes, Catalog]:
    """Return what the codes of a restricted field mean in the full field.

    Args:
        field: the restricted field.
        codes: what they mean there.
        catalog: critical points of the full field already known.

    Returns:
        The same numbers with points and images of the full field, and these points.
    """
    collector = Collector(field.field, () if catalog is None else catalog.points)
    full = Codes()
    for kind in codes.kinds:
        lifted = np.asarray(field.lift(jnp.asarray(kind.end)))
        point, element = collector.add(lifted, found_by="plane", hits=0)
        name = str(element)
        if name not in full.images:
            full.images.append(name)
        full.kinds.append(Kind(point, full.images.index(name), lifted))
    provenance = {} if catalog is None else catalog.provenance
    return full, Catalog(tuple(collector.points), field.field.spec(), provenance)
