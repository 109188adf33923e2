"""What a branch was made with."""

from typing import Any

from ...catalog import circumstances
from ...fields import FieldFamily
from ._follow import Steps


def made_with(family: FieldFamily, parameter: float, steps: Steps) -> dict[str, Any]:
    """Return the provenance of a branch.

    Args:
        family: the family of fields.
        parameter: a parameter of it, to ask the field there for its kind and coordinates.
        steps: how it was followed.

    Returns:
        A JSON-compatible dictionary: `field` (its type), `versions`, `date`, `float64`, `family`
        (the description it was given, or `None`), `coordinates` and `settings`.
    """
    field = family(parameter)
    settings = {
        "step": steps.first,
        "max_step": steps.longest,
        "min_step": steps.shortest,
        "max_points": steps.most,
        "escape_radius": steps.escape,
    }
    return {
        **circumstances(type(field).__name__),
        "family": family.spec,
        "coordinates": list(field.coordinates),
        "settings": settings,
    }
