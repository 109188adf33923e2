"""Whose points catalogs hold: that they are of one field, and its symmetry."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import require_float64
from ..fields import AbstractField, field_from_spec
from ..symmetry import AbstractGroup, TrivialGroup
from ._document import plain
from ._schema import shortened

if TYPE_CHECKING:
    from ._catalog import Catalog

BUILT_IN = (
    *("BlockFamily", "MultilayerFlow", "OneStudentFlow", "OverlapFlow"),
    *("TeacherStudent", "Theorem7Plane", "zoo"),
)
"""Fields that their descriptions suffice to build."""


def shared_field(
    catalogs: "tuple[Catalog, ...]", field: AbstractField | None, task: str
) -> AbstractField | None:
    """Return the field of catalogs, or None if it is a user's function and was not given.

    Raises:
        ValueError: if they are not of one field, or not of the given one.
        RuntimeError: if the field has to be built and JAX runs in 32 bits.
    """
    specs = [plain(catalog.field_spec, "field") for catalog in catalogs]
    if field is not None:
        specs.insert(0, plain(field.spec(), "field"))
    for number, spec in enumerate(specs[1:], 1):
        if spec != specs[0]:
            first = "`field`" if field is not None else "catalog 1"
            which = f"catalog {number if field is not None else number + 1}"
            raise ValueError(
                f"cannot {task}: {which} and {first} are of different fields: "
                f"{_difference(spec, specs[0])}."
            )
    shapes = {np.shape(point.location) for catalog in catalogs for point in catalog.points[:1]}
    if len(shapes) > 1:
        raise ValueError(f"cannot {task}: the points have different shapes, {sorted(shapes)}.")
    return field if field is not None else _built(specs[0], task)


def _built(spec: dict[str, Any], task: str) -> AbstractField | None:
    kind = spec.get("type")
    if kind not in (*BUILT_IN, "RestrictedField"):
        return None
    require_float64(task)
    try:
        return field_from_spec(spec)
    except (ValueError, TypeError) as error:
        if kind not in BUILT_IN:
            return None
        raise ValueError(f"cannot {task}: the field cannot be built: {error}") from error


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    for name in [*one, *other]:
        if one.get(name) != other.get(name):
            ours, theirs = (shortened(repr(spec.get(name, "not given"))) for spec in (one, other))
            return f"{name} is {ours} in the one and {theirs} in the other"
    return "they are described in different ways"


def symmetry_of(field: AbstractField | None, catalogs: "tuple[Catalog, ...]") -> AbstractGroup:
    """Return the field's symmetry; without a field none, so that only equal locations match."""
    if field is not None:
        return field.symmetry
    shapes = [tuple(c.field_spec["shape"]) for c in catalogs if "shape" in c.field_spec]
    shapes += [point.location.shape for catalog in catalogs for point in catalog.points[:1]]
    return TrivialGroup(shapes[0] if shapes else ())
