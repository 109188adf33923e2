"""What a catalog writes down to find a system of the zoo again."""

import math
from typing import Any


def describe(name: str, **parameters: Any) -> dict[str, Any]:
    """Return what `build` needs to make the system again, as `field.spec()` gives it."""
    return {"type": "zoo", "name": name, "parameters": parameters}


def finite(value: float, name: str) -> float:
    """Return a parameter as a float, or raise `ValueError` if it is not a finite number."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise ValueError(f"{name} is {value!r}; needed: a finite number.")
