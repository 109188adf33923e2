"""Labels of a restricted field in terms of the full field's critical points."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..catalog import Catalog, Collector
from ..fields import RestrictedField, Theorem7Plane
from ..flow import Ensemble


def label_in_full(
    field: RestrictedField | Theorem7Plane, ensemble: Ensemble, catalog: Catalog | None
) -> Ensemble:
    """Return the ensemble with `point`, `image` and `catalog` those of the full field.

    Args:
        field: the restricted field.
        ensemble: what `settle` returned for it.
        catalog: critical points of the full field already known.

    Returns:
        An `Ensemble` with the same outcomes, times and (restricted) states.
    """
    collector = Collector(field.field, () if catalog is None else catalog.points)
    point, image = np.full_like(ensemble.point, -1), np.full_like(ensemble.image, -1)
    elements: list[Any] = []
    pairs = np.stack([ensemble.point, ensemble.image], -1)
    for pair in np.unique(pairs[ensemble.point >= 0], axis=0):
        members = (pairs == pair).all(-1)
        state = ensemble.state[np.flatnonzero(members)[0]]
        lifted = np.asarray(field.lift(jnp.asarray(state)))
        number, element = collector.add(lifted, found_by="plane", hits=0)
        names = [str(other) for other in elements]
        if str(element) not in names:
            elements.append(element)
            names.append(str(element))
        point[members], image[members] = number, names.index(str(element))
    provenance = ensemble.catalog.provenance if catalog is None else catalog.provenance
    full = Catalog(tuple(collector.points), field.field.spec(), provenance)
    return dataclasses.replace(
        ensemble, point=point, image=image, images=tuple(elements), catalog=full
    )
