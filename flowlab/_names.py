"""Names of points, in the order people expect."""

import re
from typing import Any


def natural(name: Any) -> list[tuple[int, str]]:
    """A key that sorts p2 before p10."""
    parts = re.split(r"(\d+)", str(name))
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
