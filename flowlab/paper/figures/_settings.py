"""What the figures are asked for: counts and keys."""

from typing import Any

import jax

from ..._types import Key


def the_key(key: Key | None) -> Key:
    """Return the key, or the one of everything that is drawn without being asked for another."""
    return jax.random.key(0) if key is None else key


def require_counts(least: int = 1, /, **counts: Any) -> None:
    """Raise `ValueError` unless every value is a whole number, at least `least`."""
    for name, value in counts.items():
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{name} is {value!r}; needed: a whole number, at least {least}.")
