"""Names of point groups, after Schoenflies."""

from collections.abc import Sequence

import numpy as np

from . import _complement as complement, _permutation as permutation
from ._configuration import aligned, centred, distances
from ._isometry import Isometry

_CUBIC = {12: "T", 24: "O", 60: "I"}


def stabilizer_name(
    w: np.ndarray,
    generators: Sequence[Isometry],
    mirrors: Sequence[Isometry],
    order: int,
    tol: float,
) -> str:
    """The name of the point group of a state.

    Args:
        w: The state, (n, d).
        generators: Elements that generate what permutes its atoms.
        mirrors: -1 on the directions that the atoms do not span, if there are any.
        order: The number of components of the group.
        tol: Singular values and distances up to this count as zero.

    Returns:
        The Schoenflies symbol; ``"O(d)"`` when all atoms are in one place; ``"order m"`` in more
        than three dimensions and where atoms coincide, which permutes them without a motion.
    """
    n, dim = w.shape
    rank = complement.rank(centred(w), tol)
    if rank == 0:
        return f"O({dim})"
    if dim - rank == 2:
        return "D_∞h" if order == 4 else "C_∞v"
    if dim > 3 or order > max(120, 4 * n) or distances(w)[np.triu_indices(n, 1)].min() <= tol:
        return f"order {order}"
    known = _closure([g.places for g in generators], n)
    matrices = [aligned(places, w, w, tol).rotation for places in known]
    matrices += [mirror.rotation @ matrix for mirror in mirrors for matrix in matrices]
    return point_group_name(np.array(matrices)) if len(matrices) == order else f"order {order}"


def point_group_name(matrices: np.ndarray) -> str:
    """The name of the finite group with these elements, in one, two or three dimensions.

    In three dimensions a group is known from the order of its principal axis, the number of its
    rotations, and the number of its mirrors; in fewer it is ``C_n`` or ``D_n``.

    Args:
        matrices: All elements, (h, d, d).

    Returns:
        The Schoenflies symbol, such as ``"C_2v"``, ``"D_3h"``, ``"T_d"``, ``"I_h"``; ``"order h"``
        in more than three dimensions, or if the matrices form no group.

    Source: F. A. Cotton, Chemical Applications of Group Theory, chapter 3.

    Example:
        >>> mirrors = np.array([np.diag([a, b, 1.0]) for a in (1, -1) for b in (1, -1)])
        >>> point_group_name(mirrors)
        'C_2v'
    """
    order, dim = matrices.shape[:2]
    proper = np.linalg.det(matrices) > 0
    if dim < 3:
        return f"C_{order}" if proper.all() else f"D_{order // 2}"
    if dim > 3:
        return f"order {order}"
    traces = np.trace(matrices, axis1=1, axis2=2)
    # An improper element turns by t and reflects: trace 2 cos t - 1, so 1 for a mirror alone.
    mirrors = int((~proper & (np.abs(traces - 1) < 1e-3)).sum())
    return _spatial_name(order, int(proper.sum()), _axis(traces[proper]), mirrors)


def _axis(traces: np.ndarray) -> int:
    """The largest order of a rotation: 2 pi over the smallest angle."""
    angles = np.arccos(np.clip((traces - 1) / 2, -1, 1))
    turned = angles[angles > 1e-3]
    return round(2 * np.pi / turned.min()) if len(turned) else 1


def _spatial_name(order: int, rotations: int, axis: int, mirrors: int) -> str:
    if order not in (rotations, 2 * rotations):
        return f"order {order}"
    improper = order > rotations
    if rotations == axis:
        return _cyclic(axis, mirrors) if improper else f"C_{axis}"
    if rotations == 2 * axis:
        # Mirrors through the axis, and one across it for h.
        return f"D_{axis}{'' if not improper else 'h' if mirrors == axis + 1 else 'd'}"
    letter = _CUBIC.get(rotations)
    if letter is None:
        return f"order {order}"
    if not improper:
        return letter
    return "T_d" if letter == "T" and mirrors == 6 else f"{letter}_h"


def _cyclic(axis: int, mirrors: int) -> str:
    if axis == 1:
        return "C_s" if mirrors else "C_i"
    if mirrors == axis:
        return f"C_{axis}v"
    return f"C_{axis}h" if mirrors else f"S_{2 * axis}"


def _closure(generators: list[tuple[int, ...]], n: int) -> list[tuple[int, ...]]:
    """The permutations that some generate."""
    found = [tuple(range(n))]
    seen = set(found)
    for one in found:
        for other in generators:
            product = permutation.compose(other, one)
            if product not in seen:
                seen.add(product)
                found.append(product)
    return found
