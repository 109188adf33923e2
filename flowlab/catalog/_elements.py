"""Group elements from the names that connections give to images."""

import re
from typing import Any

import numpy as np

from ..symmetry import (
    AbstractGroup,
    MatrixGroup,
    RelabelingGroup,
    SignedPermutation,
    SignedPermutations,
)

LISTED = 2_000
"""Elements of a group of another kind that are listed to find a name among them."""

_CYCLES = r"(?:\(\d+(?: \d+)+\))+"
_RELABELING = re.compile(
    rf"(?:students ({_CYCLES}))? ?(?:teachers ({_CYCLES}))? ?(rotation|reflection)?"
)
_SIGNED = re.compile(rf"(?:coordinates ({_CYCLES}))? ?(?:flip (\d+(?: \d+)*))?")


def element_named(group: AbstractGroup, name: str, w: np.ndarray) -> Any:
    """Return an element that takes `w` to the image of it that has this name.

    Args:
        group: the symmetry.
        name: what `group.image_name` returned.
        w: the point whose image it is.

    Returns:
        The element. Where a continuous symmetry joins images to one component, an element that
        leads to that component.

    Raises:
        ValueError: if no element has that name.
    """
    found = _found(group, name, w)
    if found is None:
        raise ValueError(f"the image {name!r} is no element of {group!r}")
    return found


def _found(group: AbstractGroup, name: str, w: np.ndarray) -> Any:
    if name == "identity":
        return group.identity()
    if isinstance(group, RelabelingGroup):
        return _relabeling(group, name, w)
    if isinstance(group, SignedPermutations):
        return _signed(group, name)
    listed = group.elements() if isinstance(group, MatrixGroup) else _generated(group)
    return next((element for element in listed if str(element) == name), None)


def _relabeling(group: RelabelingGroup, name: str, w: np.ndarray) -> Any:
    parts = _RELABELING.fullmatch(name)
    stabilizer = group.stabilizer
    students = parts and _permutation(parts[1], len(group.students.weights))
    teachers = parts and _permutation(parts[2], len(stabilizer.distinct))
    if not parts or students is None or teachers is None:
        return None
    element = group.element(students, teachers)
    if element.name(parts[3] or "") != name:
        return None
    unit, weights = stabilizer.unit, group.students.weights
    carried = np.abs(unit @ element.rotation.T - unit[list(teachers)]).max(initial=0.0) <= 1e-6
    if not carried or not np.array_equal(weights[list(students)], weights):
        return None
    if parts[3] != "reflection":
        return element
    mirrors = [np.eye(sector.complement.shape[1]) for sector in stabilizer.sectors]
    for mirror, sector in zip(mirrors, stabilizer.sectors, strict=True):
        size = len(mirror)
        if size and np.linalg.matrix_rank(w @ sector.complement, tol=1e-6) == size:
            mirror[0, 0] = -1.0
            return group.element(students, teachers, mirrors)
    return None


def _signed(group: SignedPermutations, name: str) -> SignedPermutation | None:
    parts = _SIGNED.fullmatch(name)
    places = parts and _permutation(parts[1], group.n)
    if not parts or places is None:
        return None
    flipped = {int(number) for number in (parts[2] or "").split()}
    if not flipped <= set(range(1, group.n + 1)) or (flipped and not group.signs):
        return None
    signs = tuple(-1 if i + 1 in flipped else 1 for i in range(group.n))
    element = SignedPermutation(places, signs)
    return element if str(element) == name else None


def _permutation(cycles: str | None, size: int) -> tuple[int, ...] | None:
    """The permutation with these cycles, 1-based, or None if they are none of so many places."""
    places, seen = list(range(size)), set()
    for cycle in re.findall(r"\(([\d ]+)\)", cycles or ""):
        # Longer numbers are no places, and slow to read.
        members = [int(number[:9]) - 1 for number in cycle.split()]
        if seen & set(members) or not all(0 <= i < size for i in members):
            return None
        seen |= set(members)
        for here, there in zip(members, members[1:] + members[:1], strict=True):
            places[here] = there
    return tuple(places) if sorted(places) == list(range(size)) else None


def _generated(group: AbstractGroup) -> list[Any]:
    """The elements that words in the generators make, up to a number, told apart by their names."""
    listed = {str(group.identity()): group.identity()}
    generators = group.generators()
    queue = list(listed.values())
    for element in queue:
        for generator in generators:
            product = generator.compose(element)
            if len(listed) < LISTED and str(product) not in listed:
                listed[str(product)] = product
                queue.append(product)
    return list(listed.values())
