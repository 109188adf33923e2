"""A system of the zoo from its name, as a catalog records it."""

from typing import Any

from .._base import AbstractField
from ._double_wells import double_well, double_wells
from ._duffing import duffing
from ._ghost import saddle_node_ghost
from ._magnetic_pendulum import magnetic_pendulum
from ._muller_brown import muller_brown


def build(name: str, parameters: dict[str, Any]) -> AbstractField:
    """Return the system of the zoo with this name.

    Args:
        name: the name of one of the functions of `flowlab.fields.zoo`.
        parameters: its keyword arguments.

    Returns:
        The field.

    Raises:
        ValueError: if there is no such system, or it does not take these parameters.

    Example:
        >>> from flowlab.fields import zoo
        >>> zoo.build("double_wells", {"n": 3}).shape
        (3,)
    """
    systems = (
        double_well,
        double_wells,
        duffing,
        magnetic_pendulum,
        muller_brown,
        saddle_node_ghost,
    )
    known = {system.__name__: system for system in systems}
    if name not in known:
        raise ValueError(f"the zoo has no {name!r}; it has {', '.join(known)}.")
    try:
        return known[name](**parameters)
    except TypeError as error:
        raise ValueError(f"{name} does not take the parameters {parameters!r}: {error}.") from error
