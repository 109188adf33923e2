"""A system of the zoo from its name, as a catalog records it."""

import inspect
from collections.abc import Mapping
from typing import Any

from .._base import AbstractField
from ._double_wells import double_well, double_wells
from ._duffing import duffing
from ._ghost import saddle_node_ghost
from ._lennard_jones import lennard_jones
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
        lennard_jones,
        magnetic_pendulum,
        muller_brown,
        saddle_node_ghost,
    )
    known = {system.__name__: system for system in systems}
    if name not in known:
        raise ValueError(f"the zoo has no {name!r}; it has {', '.join(known)}.")
    _require_fitting(name, inspect.signature(known[name]), parameters)
    return known[name](**parameters)


def _require_fitting(
    name: str, signature: inspect.Signature, parameters: Mapping[str, Any]
) -> None:
    taken = signature.parameters
    needed = [key for key, value in taken.items() if value.default is inspect.Parameter.empty]
    listed = ", ".join(taken) or "none"
    for key in parameters:
        if key not in taken:
            raise ValueError(f"{name} has no parameter {key!r}; its parameters: {listed}.")
    for key in needed:
        if key not in parameters:
            raise ValueError(f"{name} needs the parameter {key!r}; its parameters: {listed}.")
