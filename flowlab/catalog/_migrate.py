"""Older forms of a catalog file, brought to today's one step at a time.

A step is a function from the document of one schema version to that of the next; `STEPS` lists
them, the last one leads to `SCHEMA_VERSION`. To change the format: raise `SCHEMA_VERSION`, change
`catalog.schema.json`, append a step, and keep a file of the old version among the tests' resources.
"""

from collections.abc import Callable
from typing import Any

SCHEMA_VERSION = 1

STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()


def oldest() -> int:
    """Return the oldest version that can be read."""
    return SCHEMA_VERSION - len(STEPS)


def migrated(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of an older schema version in today's form.

    Args:
        document: the document, of a version from `oldest()` to `SCHEMA_VERSION`; it is not changed.

    Returns:
        The document of version `SCHEMA_VERSION`. `provenance["migrated_from"]` is the version that
        the file has, the oldest one if it was migrated before.

    Raises:
        ValueError: if an older document lacks what the step needs, or is none.
    """
    version = document["schema_version"]
    if version == SCHEMA_VERSION:
        return document
    current = dict(document)
    for number in range(version, SCHEMA_VERSION):
        try:
            current = {**STEPS[number - oldest()](current), "schema_version": number + 1}
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(
                f"the step from schema {number} to {number + 1} does not find what that version "
                f"has ({type(error).__name__}: {error})"
            ) from error
    made = current.get("provenance")
    if isinstance(made, dict):
        current["provenance"] = {"migrated_from": version} | made
    return current
