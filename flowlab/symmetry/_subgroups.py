"""Subgroups whose fixed subspaces are worth a search of their own."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._group import AbstractGroup, Isotropy
from ._names import symmetric
from ._relabeling import Relabeling
from ._relabeling_group import RelabelingGroup

LONGEST = 10_000
"""Elements of higher order than this are taken for rotations of infinite order."""


@dataclasses.dataclass(frozen=True)
class BlockSubgroup(Isotropy[Relabeling]):
    r"""The simultaneous permutations :math:`\Delta(S_{p_1}\times...\times S_{p_r})`.

    They permute students and teachers together within blocks of neighbours, and reflect the
    directions that no teacher uses.

    Args:
        order: The order of the permutations.
        generators: Elements that generate them.
        name: For people.
        reflections: The reflection, if there are such directions.
        sizes: The sizes :math:`p_a` of the blocks, descending.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> group = fl.StudentPermutations(np.ones(5)) * fl.TeacherStabilizer(np.eye(5))
        >>> subgroup = fl.block_subgroups(group)[1]
        >>> subgroup.sizes, subgroup.order, str(subgroup.generators[2])
        ((3, 2), 12, 'students (4 5) teachers (4 5)')
    """

    sizes: tuple[int, ...] = ()


def block_subgroups(group: RelabelingGroup, *, blocks: int = 2) -> list[BlockSubgroup]:
    r"""The subgroups :math:`\Delta(S_{p_1}\times...\times S_{p_r})` for all sizes of r blocks.

    The spurious minima of an orthonormal teacher have isotropy groups of this kind, with one or
    two blocks. Fewer blocks are more symmetry: the subspace that one block fixes lies in those of
    two, which have dimension 6 (5 if one of the blocks is a single student).

    Args:
        group: The group of K equal students and K teachers, all permutations of which are symmetry.
        blocks: The number r of blocks.

    Returns:
        One subgroup for each partition of K into r parts, one of its conjugates.

    Raises:
        ValueError: If students or teachers differ, or there are fewer than r.

    Source: Arjevani and Field, Symmetry and critical points for a model shallow neural network
        (2021).

    Example:
        >>> import numpy as np, flowlab as fl
        >>> group = fl.StudentPermutations(np.ones(6)) * fl.TeacherStabilizer(np.eye(6))
        >>> [subgroup.name for subgroup in fl.block_subgroups(group)]
        ['ΔS_5', 'Δ(S_4×S_2)', 'Δ(S_3×S_3)']
    """
    if not has_block_subgroups(group):
        raise ValueError(
            f"{group!r} does not contain all simultaneous permutations of as many students as "
            "teachers. Use `isotropy_subgroups`, which asks for nothing."
        )
    students = group.shape[0]
    if not 1 <= blocks <= students:
        raise ValueError(f"blocks is {blocks}; needed: from 1 to {students}, the students.")
    return [_block_subgroup(group, sizes) for sizes in _partitions(students, blocks, students)]


def has_block_subgroups(group: AbstractGroup[Any]) -> bool:
    """Whether a group contains all simultaneous permutations of students and teachers."""
    return (
        isinstance(group, RelabelingGroup)
        and len(group.stabilizer.distinct) == group.shape[0]
        and group.order == math.factorial(group.shape[0]) ** 2
    )


def _block_subgroup(group: RelabelingGroup, sizes: tuple[int, ...]) -> BlockSubgroup:
    generators, first = [], 0
    for size in sizes:
        members = list(range(first, first + size))
        # A swap and a cycle generate all permutations.
        swap, cycle = members[1::-1] + members[2:], [*members[1:], members[0]]
        for images in (swap, cycle)[: size - 1]:
            p = list(range(group.shape[0]))
            p[first : first + size] = images
            generators.append(group.element(tuple(p), tuple(p)))
        first += size
    moving = [size for size in sizes if size > 1]
    name = "Δ" + (symmetric(moving) if len(moving) == 1 else f"({symmetric(moving)})")
    one, free = group.identity(), group.stabilizer.continuous_dimensions
    mirror = group.element(one.students, one.teachers, [-np.eye(n) for n in free])
    return BlockSubgroup(
        order=math.prod(map(math.factorial, sizes)),
        generators=tuple(generators),
        name=name if moving else "trivial",
        reflections=(mirror,) if any(free) else (),
        sizes=sizes,
    )


def _partitions(total: int, parts: int, largest: int) -> Iterator[tuple[int, ...]]:
    """The ways to write `total` as a sum of `parts` numbers, descending."""
    if parts == 1:
        if total <= largest:
            yield (total,)
        return
    for first in range(min(largest, total - parts + 1), 0, -1):
        for rest in _partitions(total - first, parts - 1, first):
            yield (first, *rest)


def isotropy_subgroups(
    group: AbstractGroup[Any],
    rng: np.random.Generator,
    *,
    samples: int = 200,
    max_dimension: int = 8,
) -> list[Isotropy[Any]]:
    r"""Isotropy subgroups of any group whose fixed subspaces are small, found by sampling.

    One or two random elements, brought to a random lower order by taking powers, generate a
    subgroup; the isotropy group of a random point that it fixes is the largest group with the same
    fixed subspace. Nothing is known of the group but how its elements act. Subgroups that look
    alike (order, name, dimension, number of images of each entry) are taken as conjugate.

    Args:
        group: Any group.
        rng: Where the elements come from.
        samples: Number of subgroups to try.
        max_dimension: Larger fixed subspaces are passed over.

    Returns:
        The subgroups, those with the larger fixed subspaces first. The trivial subgroup is one if
        all states have no more than `max_dimension` coordinates.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> rng = np.random.default_rng(0)
        >>> found = fl.isotropy_subgroups(fl.SignedPermutations(3), rng, max_dimension=1)
        >>> sorted(subgroup.name for subgroup in found)
        ['B_1×S_2', 'B_2', 'S_3']
    """
    found: dict[Any, tuple[int, Isotropy[Any]]] = {}
    if int(np.prod(group.shape)) <= max_dimension:
        whole = group.isotropy(rng.normal(size=group.shape))
        found[_likeness(group, whole)] = int(np.prod(group.shape)), whole
    for _ in range(samples):
        elements = tuple(_of_lower_order(group, rng) for _ in range(rng.integers(1, 3)))
        basis = group.fixed_subspace(Isotropy(order=0, generators=elements, name=""))
        if not 0 < len(basis) <= max_dimension:
            continue
        point = np.tensordot(rng.normal(size=len(basis)), basis, 1)
        subgroup = group.isotropy(point)
        found.setdefault(_likeness(group, subgroup), (len(basis), subgroup))
    ordered = sorted(found.values(), key=lambda pair: -pair[0])
    return [subgroup for _, subgroup in ordered]


def _of_lower_order(group: AbstractGroup[Any], rng: np.random.Generator) -> Any:
    element = group.random_element(rng)
    powers = [element]
    while not powers[-1].is_identity and len(powers) < LONGEST:
        powers.append(element.compose(powers[-1]))
    order = len(powers)
    divisors = [k for k in range(1, order) if order % k == 0]
    return powers[int(rng.choice(divisors)) - 1] if divisors else element


def _likeness(group: AbstractGroup[Any], subgroup: Isotropy[Any]) -> Any:
    """What conjugate subgroups have in common."""
    basis = group.fixed_subspace(subgroup)
    # The diagonal of the projector: how many entries are equal to each.
    shares = np.einsum("i...,i...->...", basis, basis)
    if len(group.tangents(np.random.default_rng(0).normal(size=group.shape))):
        # Rotations mix the entries of a row.
        shares = shares.sum(axis=-1)
    return subgroup.order, subgroup.name, len(basis), np.sort(shares.ravel()).round(6).tobytes()
