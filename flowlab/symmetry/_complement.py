"""Rotations of the directions that no teacher uses.

A block is the part of a state in such a space, (K, n): the coordinates of the K students in an
orthonormal basis. The group O(n) acts on its rows.
"""

import numpy as np

from ._relabeling import snapped


def rank(block: np.ndarray, tol: float) -> int:
    """The number of singular values above `tol`."""
    if block.size == 0:
        return 0
    return int((np.linalg.svd(block, compute_uv=False) > tol).sum())


def is_spanned(block: np.ndarray, tol: float) -> bool:
    """Whether O(n) makes two components of the block's orbit: mirror images are no rotations."""
    return block.shape[1] > 0 and rank(block, tol) == block.shape[1]


def used_directions(block: np.ndarray, tol: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left, values, right): the part of the singular value decomposition above `tol`.

    Args:
        block: (K, n).
        tol: Singular values up to this count as zero.

    Returns:
        Arrays (K, r), (r,) and (n, r).
    """
    left, values, right = np.linalg.svd(block, full_matrices=False)
    r = int((values > tol).sum())
    return left[:, :r], values[:r], right[:r].T


def unused_projector(block: np.ndarray, tol: float) -> np.ndarray:
    """The projector (n, n) on the directions in which the block vanishes, to `tol`."""
    right = used_directions(block, tol)[2]
    return np.eye(block.shape[1]) - right @ right.T


def aligning_rotation(source: np.ndarray, target: np.ndarray, tol: float) -> np.ndarray:
    r"""The orthogonal `O` for which `source @ O.T` is nearest to `target`.

    Orthogonal Procrustes: the polar factor of :math:`A^\top B`. In directions that neither block
    uses `O` is the identity.

    Args:
        source: (K, n).
        target: (K, n).
        tol: Blocks equal to `tol` get the identity; singular values below it count as zero.

    Returns:
        (n, n), an exact signed permutation if it is one to `tol`.
    """
    n = source.shape[1]
    if np.abs(source - target).max(initial=0.0) <= tol:
        return np.eye(n)
    # Scaled to 1, so that a small block is not lost beside the projectors.
    scale = max(np.abs(source).max(), np.abs(target).max()) ** 2
    unused = unused_projector(source, tol) @ unused_projector(target, tol)
    left, _, right = np.linalg.svd(source.T @ target / scale + unused)
    return snapped((left @ right).T, tol)


def canonical_rotation(block: np.ndarray, tol: float) -> np.ndarray:
    r"""The orthogonal `O` that makes `block @ O.T` the same for all rotated copies of a block.

    Gram-Schmidt on rows chosen by their inner products only: the k-th chosen row gets zeros after
    its k-th coordinate, which is positive (LQ with pivots).

    Args:
        block: (K, n).
        tol: Rows shorter than this, once the directions already chosen are taken out, count as
            zero.

    Returns:
        (n, n).
    """
    n = block.shape[1]
    residual, axes = block.copy(), np.zeros((0, n))
    while len(axes) < n:
        lengths = np.linalg.norm(residual, axis=1)
        longest = lengths.max(initial=0.0)
        if longest <= tol:
            break
        # The first row that is long enough, not the longest: ties are then settled by the order
        # of the rows and not by rounding.
        row = int(np.argmax(lengths > 0.62 * longest))
        axis = residual[row] - axes.T @ (axes @ residual[row])
        axes = np.vstack([axes, axis / np.linalg.norm(axis)])
        residual = block - (block @ axes.T) @ axes
    remaining = np.linalg.svd(axes, full_matrices=True)[2][len(axes) :]
    return np.vstack([axes, remaining])


def rotation_tangents(block: np.ndarray, tol: float) -> np.ndarray:
    r"""Orthonormal basis (m, K, n) of :math:`\{B A : A \text{ skew}\}`, m = rn - r(r+1)/2.

    With the singular value decomposition :math:`B = \sum_a s_a u_a z_a^\top` it is spanned by
    :math:`s_a u_a z_b^\top - s_b u_b z_a^\top` (a < b, both used) and by :math:`u_a z_b^\top`
    (b unused), which are orthogonal to one another.
    """
    left, values, right = used_directions(block, tol)
    r = len(values)
    unused = np.linalg.svd(right.T, full_matrices=True)[2][r:].T
    fields = []
    for a in range(r):
        for b in range(a + 1, r):
            turn = values[a] * np.outer(left[:, a], right[:, b])
            turn -= values[b] * np.outer(left[:, b], right[:, a])
            fields.append(turn / np.hypot(values[a], values[b]))
        fields += [np.outer(left[:, a], z) for z in unused.T]
    return np.array(fields).reshape(len(fields), *block.shape)


def random_rotation(n: int, rng: np.random.Generator) -> np.ndarray:
    """A Haar random matrix of O(n) (Mezzadri, Notices AMS 54, 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return q * np.sign(np.diag(r))
