"""Numbers for the group elements that lead to symmetric images.

Elements are told apart by name. That tells images apart because they come from `match`, which has
one element for each image of a point.
"""

from typing import Any


class Images:
    """A list of group elements, numbered in the order in which they are met."""

    def __init__(self) -> None:
        self.elements: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, element: Any) -> int:
        """Return the number of an element, a new one if it is met for the first time."""
        name = str(element)
        if name not in self._numbers:
            self._numbers[name] = len(self.elements)
            self.elements.append(element)
        return self._numbers[name]
