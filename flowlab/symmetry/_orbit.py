"""Listing the points of a small orbit."""

import numpy as np

from ._group import AbstractGroup


def enumerate_orbit(
    group: AbstractGroup, w: np.ndarray, *, limit: int = 1_000, tol: float = 1e-6
) -> list[np.ndarray]:
    """List the images of `w` under the finite part of a group: for pictures of small orbits.

    Orbits are *counted* by orbit-stabiliser (`group.orbit_size`), never by listing.

    Args:
        group: the group.
        w: the point, of `group.shape`.
        limit: largest orbit to list.
        tol: images closer than this (max norm) are one.

    Returns:
        The images, `w` first.

    Raises:
        ValueError: if there are more than `limit`.

    Example:
        >>> import numpy as np
        >>> from flowlab.symmetry import SignedPermutations, enumerate_orbit
        >>> len(enumerate_orbit(SignedPermutations(2), np.array([1.0, 0.0])))
        4
    """
    generators = group.generators()
    found = [np.asarray(w, float)]
    for image in found:
        for generator in generators:
            other = np.asarray(group.act(generator, image))
            if all(np.abs(other - known).max() > tol for known in found):
                if len(found) >= limit:
                    raise ValueError(
                        f"the orbit has more than {limit} points; count it with `orbit_size`."
                    )
                found.append(other)
    return found
