"""What a result was made with."""

import datetime
import functools
import importlib.metadata
import math
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ..fields import AbstractField
from ._runs import as_data, runs_of

if TYPE_CHECKING:
    from ._catalog import Catalog

PACKAGES = ("flowlab", "jax", "diffrax", "equinox", "numpy", "scipy")


def provenance(
    field: AbstractField, *, key: Any = None, extends: "Catalog | None" = None, **settings: Any
) -> dict[str, Any]:
    """Return what is needed to tell how, when and with what a result was made.

    Args:
        field: the field that was studied.
        key: the JAX random key that was used, of either style, or `None`.
        extends: the catalog that the result adds to, if any. Its runs are remembered, so that
            `merge` does not count them twice.
        **settings: everything else that decides the result: tolerances, counts, solvers. What JSON
            has no word for is written as text (`"inf"`, `"Dopri8()"`).

    Returns:
        A JSON-compatible dictionary: `field`, `versions`, `date` (UTC, which tells runs apart),
        `float64`, `key` (the integers of the key), `settings`, and `runs` of what it extends.

    Raises:
        ValueError: if `key` is not a JAX random key, or the runs of `extends` are damaged.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> from flowlab.catalog import provenance
        >>> made = provenance(fl.TeacherStudent(jnp.eye(2)), key=jax.random.key(7), starts=100)
        >>> made["key"], made["settings"]
        ([0, 7], {'starts': 100})
    """
    made = {
        **circumstances(type(field).__name__),
        "key": None if key is None else _key_data(key),
        "settings": {name: _setting(value) for name, value in settings.items()},
    }
    if extends is not None:
        made["runs"] = as_data(runs_of(extends.points, extends.provenance))
    return made


def circumstances(field: Any) -> dict[str, Any]:
    """Return the part of a provenance that does not depend on what was done."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "field": field,
        "versions": {
            "python": platform.python_version(),
            **{package: _version(package) for package in PACKAGES},
        },
        "date": now.isoformat(timespec="microseconds"),
        "float64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
    }


# Reading a package's metadata takes milliseconds, and every batch of a long job asks.
@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _key_data(key: Any) -> list[int]:
    try:
        return np.asarray(jax.random.key_data(key)).ravel().tolist()
    except TypeError as error:
        raise ValueError(
            f"key is {key!r}; needed: a JAX random key, such as `jax.random.key(0)`."
        ) from error


def _setting(value: Any) -> Any:
    """The value in JSON's words; as text if it has none."""
    match value:
        case None | bool() | str():
            return value
        case np.generic() | np.ndarray() | jax.Array():
            return _setting(np.asarray(value).tolist())
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else str(float(value))
        case Mapping():
            return {str(name): _setting(entry) for name, entry in value.items()}
        case list() | tuple():
            return [_setting(entry) for entry in value]
    # A function's repr holds an address, which differs from run to run.
    return str(getattr(value, "__qualname__", None) or repr(value))
