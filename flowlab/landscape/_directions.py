"""The directions in which a critical point is left: eigenvectors, symmetric axes, a sample."""

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import numpy as np
import scipy

from .._checks import require_float64
from .._types import Key
from ..critical import CriticalPoint
from ..fields import AbstractField
from ._unstable import (
    equivalent,
    fixed_subspaces,
    isotropy_on,
    settled_basis,
    unstable_basis,
)


@dataclasses.dataclass(frozen=True, eq=False)
class UnstableDirection:
    """A direction of the unstable space of a critical point.

    Attributes:
        side: +1 or -1 along a basis vector of the unstable space, 0 for any other direction.
        number: of the basis vector, or of the other direction; with `side` what a `Connection`
            keeps.
        vector: the direction, of the field's shape and length 1.
        symmetric: whether it lies in an eigenspace's basis or in a fixed subspace, so that the
            trajectory is kept in the fixed subspace of whatever fixes it.

    Example:
        >>> import flowlab as fl
        >>> field = fl.zoo.double_well()
        >>> saddle = fl.classify(field, [0.0, 0.0])
        >>> [(d.side, d.number, d.vector.tolist()) for d in fl.unstable_directions(field, saddle)]
        [(1, 0, [1.0, 0.0]), (-1, 0, [-1.0, 0.0])]
    """

    side: int
    number: int
    vector: np.ndarray
    symmetric: bool


def unstable_directions(
    field: AbstractField, point: CriticalPoint, *, key: Key | None = None, samples: int = 16
) -> tuple[UnstableDirection, ...]:
    r"""Return the directions in which `trace_connections` leaves a critical point.

    They are both sides of a basis of each unstable eigenspace; at index 2 and more also, with side
    0, one direction of each class of fixed subspaces of subgroups of the isotropy group (both of an
    axis), and then `samples` directions spread over the unstable sphere: the golden angle on a
    circle, a Kronecker sequence through the normal quantile function on higher spheres, shifted at
    random. They are chosen at the canonical image of the point and brought back, so that the
    directions at an image :math:`gw` are those at :math:`w` moved by :math:`g`, up to the isotropy
    group: what the graph looks like does not depend on which image a catalog holds.

    Args:
        field: the field.
        point: the critical point.
        key: random key of the shift; `jax.random.key(0)` if not given.
        samples: how many directions to sample at index 2 and more. The first of many are those of
            few.

    Returns:
        The directions; none at index 0.

    Raises:
        ValueError: if `samples` is negative.
        RuntimeError: if JAX runs in 32 bits.

    Source: fixed subspaces as in M. Golubitsky, I. Stewart and D. G. Schaeffer, *Singularities and
    Groups in Bifurcation Theory II*, 1988, XIII; the sequence is that of M. Roberts' generalised
    golden ratio.

    Example:
        >>> import flowlab as fl
        >>> field = fl.zoo.double_wells(2)
        >>> top = fl.classify(field, [0.0, 0.0])
        >>> directions = fl.unstable_directions(field, top, samples=0)
        >>> [(d.side, d.number, d.vector.round(3).tolist()) for d in directions][-1]
        (0, 0, [0.707, 0.707])
    """
    require_float64("unstable_directions")
    if samples < 0:
        raise ValueError(f"samples is {samples}; needed: 0 or more.")
    key = jax.random.key(0) if key is None else key
    seed = np.asarray(jax.random.key_data(key)).ravel().tolist()
    return directions_of(field, point, seed, samples)


def directions_of(
    field: AbstractField, point: CriticalPoint, seed: Sequence[int], samples: int
) -> tuple[UnstableDirection, ...]:
    """The directions of `unstable_directions`, for the integers of the key."""
    if point.index == 0:
        return ()
    place, element = field.symmetry.canonical_image(point.location)
    basis = unstable_basis(field, np.asarray(place))
    back = np.asarray(field.symmetry.act(element.inverse(), basis))
    found = []
    for side, number, weights, symmetric in _chosen(field, np.asarray(place), basis, seed, samples):
        vector = np.tensordot(weights, back, 1)
        found.append(UnstableDirection(side, number, vector, symmetric))
    return tuple(found)


def _chosen(
    field: AbstractField, place: np.ndarray, basis: np.ndarray, seed: Sequence[int], samples: int
) -> Iterator[tuple[int, int, np.ndarray, bool]]:
    """Side, number and coordinates of each direction, and whether symmetry is to be kept."""
    count = len(basis)
    units = np.eye(count)
    for number, unit in enumerate(units):
        yield 1, number, unit, True
        yield -1, number, -unit, True
    if count < 2:
        return
    number = 0
    for weights in _in_fixed_subspaces(field, place, basis, seed):
        yield 0, number, weights, True
        number += 1
    for weights in spread(seed, samples, count):
        yield 0, number, weights, False
        number += 1


def _in_fixed_subspaces(
    field: AbstractField, place: np.ndarray, basis: np.ndarray, seed: Sequence[int]
) -> list[np.ndarray]:
    """One direction of each class of fixed subspaces, both of an axis, but no basis vector."""
    elements = isotropy_on(field, place, basis)
    known = [*np.eye(len(basis)), *-np.eye(len(basis))]
    start = len(known)
    for projector in fixed_subspaces(elements):
        rank = round(np.trace(projector))
        inside = settled_basis(projector, rank)
        for weights in spread(seed, 1, rank) if rank > 1 else np.array([[1.0], [-1.0]]):
            vector = weights @ inside
            if not equivalent(elements, vector, known):
                known.append(vector)
    return known[start:]


def spread(seed: Sequence[int], count: int, size: int) -> np.ndarray:
    """Return `count` unit vectors (count, size) that are spread over the sphere.

    Args:
        seed: integers that decide the random shift.
        count: how many.
        size: dimension of the space, 2 or more.

    Returns:
        The vectors; the first of many are those of few.
    """
    cube = 1 if size == 2 else size
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (cube + 1))
    steps = ratio ** -np.arange(1.0, cube + 1)
    shift = np.random.default_rng(list(seed)).uniform(size=cube)
    places = (shift + np.arange(count)[:, None] * steps) % 1.0
    if size == 2:
        angle = 2 * np.pi * places[:, 0]
        return np.stack([np.cos(angle), np.sin(angle)], -1)
    normal = scipy.special.ndtri(np.clip(places, 1e-12, 1 - 1e-12))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)
