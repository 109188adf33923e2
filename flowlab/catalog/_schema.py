"""Whether a document is what `catalog.schema.json` says, for catalogs of any length."""

import functools
import importlib.resources
import json
from collections.abc import Hashable
from typing import Any

NAMES = {"id", "isotropy_name", "found_by", "source", "target", "image"}
"""Entries of which the schema asks only that they are text, perhaps not empty."""

FREE = {"certificate"}
"""Entries of which the schema asks only for a type."""


def require_schema(document: Any) -> None:
    """Raise unless a document is as the schema says.

    A validator in Python takes a millisecond for each record. Records that the schema cannot tell
    apart (other names, other numbers of the same sign) are checked once.

    Raises:
        ValueError: naming the first wrong entry.
        RecursionError: if lists are nested too deep to be looked at.
    """
    lists = {name: document.get(name) for name in ("points", "connections")}
    lists = {name: entries for name, entries in lists.items() if isinstance(entries, list)}
    _require(_validator(), document | dict.fromkeys(lists, []), "")
    for name, entries in lists.items():
        seen: set[Hashable] = set()
        validator = _validator(name[:-1])
        for number, entry in enumerate(entries):
            form = _record_form(entry)
            if form not in seen:
                _require(validator, entry, f"{name}[{number}]")
                seen.add(form)


def shortened(text: str) -> str:
    """The text, its middle left out if it is long."""
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"


def _require(validator: Any, value: Any, place: str) -> None:
    from jsonschema.exceptions import best_match

    error = best_match(validator.iter_errors(value))
    if error is None:
        return
    where = place + error.json_path.removeprefix("$")
    raise ValueError(f"{where.removeprefix('.') or 'the top level'}: {shortened(error.message)}")


@functools.cache
def _validator(definition: str | None = None) -> Any:
    import jsonschema

    source = importlib.resources.files("flowlab.catalog") / "catalog.schema.json"
    schema = json.loads(source.read_text("utf-8"))
    if definition is not None:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}
    return jsonschema.Draft202012Validator(schema)


def _record_form(entry: Any) -> Hashable:
    if not isinstance(entry, dict):
        return type(entry)
    return tuple([(name, _entry_form(name, value)) for name, value in entry.items()])


def _entry_form(name: str, value: Any) -> Hashable:
    if name in FREE:
        return type(value)
    if name in NAMES and type(value) is str:
        return bool(value)
    return _form(value)


def _form(value: Any) -> Hashable:
    """What the schema can see of a value: runs of floats are alike but for lengths up to 2."""
    kind = type(value)
    if kind is float or kind is int:
        near = value if value in (-1, 0, 1) else value > 0
        return kind, near, value % 1 == 0
    if kind is list:
        if value and set(map(type, value)) == {float}:
            return min(len(value), 3)
        return tuple([_form(entry) for entry in value])
    if kind is dict:
        return kind, tuple([(name, _form(entry)) for name, entry in value.items()])
    return kind, value
