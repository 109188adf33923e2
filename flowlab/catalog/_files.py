"""Catalogs as JSON: writing, and reading files that nobody vouches for."""

import hashlib
import json
import math
import re
from json.encoder import encode_basestring
from typing import Any

from ._document import from_document, require_version
from ._error import CatalogError

LARGEST = 2**32
"""Files of more bytes are refused unread: what is read must fit into the memory."""

_NO_CHECKSUM = "sha256:" + 64 * "0"
_SEAL = re.compile("sha256:[0-9a-f]{64}")
_MAY_OVERFLOW = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{300}")
_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return the content of a catalog file for what `to_document` returned."""
    # The first occurrence is the entry itself: only the version comes before it.
    return sealed((layout(document) + "\n").encode())


def sealed(data: bytes) -> bytes:
    """The data with the first blank checksum in it replaced by their own."""
    return data.replace(_NO_CHECKSUM.encode(), checksum(data).encode(), 1)


def checksum(data: bytes) -> str:
    """The SHA-256 of data, as files have it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layout(value: Any, depth: int = 0) -> str:
    """JSON with one entry a line, except that a list of plain values stays on one line."""
    if isinstance(value, dict):
        items = [f"{_atom(name)}: {layout(entry, depth + 1)}" for name, entry in value.items()]
        ends = "{}"
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        items = [layout(entry, depth + 1) for entry in value]
        ends = "[]"
    else:
        return _atom(value)
    if not items:
        return ends
    pad = "\n" + " " * depth
    return ends[0] + ",".join([f"{pad} {item}" for item in items]) + pad + ends[1]


def _atom(value: Any) -> str:
    """JSON on one line; the commonest kinds without the encoder, which takes its time to begin."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is float or kind is int:
        return repr(value)
    if kind is list and set(map(type, value)) == {float}:
        return f"[{', '.join(map(repr, value))}]"
    return _PLAIN(value)


def from_bytes(data: bytes, name: str, *, verify_checksum: bool = True) -> dict[str, Any]:
    """Return what a file called `name` holds: `points`, `field_spec`, `provenance`, `connections`.

    What is checked first is what explains most: that it is JSON at all, that this version can know
    the format, that no byte has changed, that every entry is what the schema says.

    Raises:
        CatalogError: if it is damaged, foreign, from a newer version, or not as the schema says.
    """
    document = parsed(data, name)
    if not isinstance(document, dict):
        document = {}
    require_version(document.get("schema_version"), name, "JSON")
    if verify_checksum:
        require_checksum(document.get("checksum"), data, name)
    return from_document(document, name)


def parsed(data: bytes, name: str) -> Any:
    """Return what JSON says, of which every number is finite and no entry occurs twice.

    Raises:
        CatalogError: if it is something else.
    """
    if not data.strip():
        raise CatalogError(f"{name} is empty: it was truncated, or never written.")
    try:
        text = data.decode()
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_finite,
            # A function of ours is called for each number: only where one can overflow.
            parse_float=_finite if _MAY_OVERFLOW.search(text) else None,
        )
        if "\\u" in text:  # half a surrogate pair can be written so, and is no text
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogError(
            f"{name} is damaged: line {line} is not UTF-8 text. The file was not changed."
        ) from error
    except json.JSONDecodeError as error:
        raise CatalogError(
            f"{name} is damaged or truncated: it stops being JSON at line {error.lineno}, column "
            f"{error.colno} ({error.msg}). The file was not changed."
        ) from error
    except (ValueError, RecursionError) as error:
        raise CatalogError(
            f"{name} is damaged or not a catalog: {error}. The file was not changed."
        ) from error


def require_size(size: int, name: str) -> None:
    """Raise a `CatalogError` if a file is too large to be read."""
    if size > LARGEST:
        raise CatalogError(
            f"{name} has {size:,} bytes; the largest catalog that is read has {LARGEST:,}. If it "
            "is a catalog, split it (`Catalog.search`) where it was made."
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the entry {twice!r} occurs twice in one place")
    return result


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"it holds {literal}, and every number must be finite")
    return value


def require_checksum(value: Any, data: bytes, name: str, *, blanked: bool = False) -> None:
    """Raise a `CatalogError` unless `value` seals the data, in which it stands unless `blanked`."""
    if isinstance(value, str) and _SEAL.fullmatch(value):
        if not blanked:
            data = data.replace(value.encode(), _NO_CHECKSUM.encode(), 1)
        if checksum(data) == value:
            return
    raise CatalogError(
        f"{name} is damaged or was edited by hand: its content does not match its checksum. The "
        "file was not changed. If the edit was meant, read it with `verify_checksum=False` and "
        "write it again."
    )
