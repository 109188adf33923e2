"""Fields from their descriptions, so that a catalog is of use without the script that made it."""

from typing import Any

import jax.numpy as jnp

from . import zoo
from ._base import AbstractField
from ._block_family import block_family
from ._inputs import AbstractInputs, Gaussian, Isotropic, Sample
from ._multilayer import MultilayerFlow
from ._one_student import one_student_flow
from ._overlaps import OverlapFlow
from ._restrict import restrict
from ._teacher_student import TeacherStudent
from ._theorem7 import theorem7_plane


def field_from_spec(spec: dict[str, Any]) -> AbstractField:
    """Build a built-in field from the description that `field.spec()` returned.

    Args:
        spec: the description, as stored in a catalog.

    Returns:
        The field.

    Raises:
        ValueError: if the field was made from a user's function, which no file can hold, or the
            description is not one of flowlab's.

    Example:
        >>> import flowlab as fl
        >>> fl.field_from_spec(fl.theorem7_plane(3).spec()).students
        3
    """
    try:
        return _build(spec)
    except KeyError as error:
        raise ValueError(f"the description of the field lacks {error}: {spec!r}.") from error


def _build(spec: dict[str, Any]) -> AbstractField:
    match spec.get("type"):
        case "TeacherStudent":
            return TeacherStudent(
                jnp.asarray(spec["teacher"], float),
                output_weights=jnp.asarray(spec["output_weights"], float),
                teacher_weights=jnp.asarray(spec["teacher_weights"], float),
                inputs=_inputs(spec["inputs"]),
            )
        case "Theorem7Plane":
            return theorem7_plane(spec["students"], spec["dim"])
        case "BlockFamily":
            return block_family(spec["sizes"], dim=spec["dim"])
        case "OverlapFlow":
            return OverlapFlow(
                spec["students"],
                len(spec["teacher_overlaps"]),
                teacher_overlaps=spec["teacher_overlaps"],
                output_weights=spec["output_weights"],
                teacher_weights=spec["teacher_weights"],
            )
        case "MultilayerFlow":
            return MultilayerFlow(
                spec["widths"],
                _inputs(spec["inputs"]),
                spec["teacher"],
                output_weights=spec["output_weights"],
            )
        case "OneStudentFlow":
            return one_student_flow(spec["teacher"])
        case "RestrictedField":
            return restrict(
                field_from_spec(spec["field"]),
                jnp.asarray(spec["basis"], float),
                origin=jnp.asarray(spec["origin"], float),
                coordinates=tuple(spec["coordinates"]),
            )
        case "zoo":
            return zoo.build(spec["name"], spec["parameters"])
        case "VectorField" | "GradientFlow":
            raise ValueError(
                f"the field is a {spec['type']} made from the function {spec.get('function')!r}; a "
                "file cannot hold it. Build it in your script and pass it along with the catalog."
            )
        case other:
            raise ValueError(f"{other!r} is not a kind of field that flowlab knows.")


def _inputs(spec: dict[str, Any]) -> AbstractInputs:
    match spec.get("type"):
        case "Gaussian":
            return Gaussian(spec["covariance"])
        case "Isotropic":
            return Isotropic(spec["second_moment"])
        case "Sample":
            return Sample(jnp.asarray(spec["X"], float))
        case other:
            raise ValueError(f"{other!r} is not an input law that flowlab knows.")
