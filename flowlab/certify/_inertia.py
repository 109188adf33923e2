r"""Morse index and smallest eigenvalue of every symmetric matrix inside a matrix of balls.

Let `S` be the symmetric part of the midpoints and :math:`Q` its approximate eigenvectors (floats,
taken as exact), so that :math:`T = Q^T S Q` is nearly diagonal.
:math:`\|I - Q^TQ\|_\infty \le \varepsilon < 1` proves that :math:`Q` is invertible. Then

* :math:`D^- \preceq T \preceq D^+` with the ends of the Gershgorin discs on the diagonals (the
  differences are diagonally dominant), so that the k-th eigenvalue of `T` lies between the k-th
  smallest lower and the k-th smallest upper end;
* Ostrowski's theorem: :math:`\lambda_k(T) = \theta_k\lambda_k(S)` with
  :math:`|\theta_k - 1| \le \varepsilon`, so signs are kept (Sylvester's law) and the discs divided
  by :math:`[1-\varepsilon, 1+\varepsilon]` hold the eigenvalues of `S`;
* Weyl's inequality: those of a symmetric matrix `H` inside the balls differ from them by at most
  :math:`\|H - S\|_2 \le \delta`, the largest row sum of the radii.

If it is known that `H` has a kernel of at least m dimensions, and m discs touch 0, the kernel has
exactly m: there are at least as many eigenvalues of each sign as discs of that sign.

Of a pencil :math:`(B, G)` with positive definite `G` the same is true if `Q` is nearly orthonormal
with respect to `G`: :math:`Q^TGQ` takes the place of :math:`Q^TQ`. (Horn & Johnson 2013, Theorems
4.3.1, 4.5.8, 4.5.9, 6.1.1 and 6.1.10.)
"""

import dataclasses

import numpy as np
import scipy
from flint import acb_mat, arb, arb_mat

from ._balls import BallArray, balls, interval, largest, matrix, middles, radii, total
from ._refusal import Inconclusive


@dataclasses.dataclass(frozen=True, eq=False)
class Inertia:
    """What is proved of the eigenvalues of a matrix of balls."""

    index: int
    smallest: arb
    """Contains the smallest eigenvalue, the kernel that is known left aside."""
    nullity: int = 0


def inertia(hessian: BallArray, approximation: np.ndarray, kernel: int = 0) -> Inertia:
    """Prove the number of negative eigenvalues of the symmetric matrices in `hessian`.

    Args:
        hessian: balls, (n, n).
        approximation: a symmetric float matrix close to them, (n, n).
        kernel: a dimension that the kernel is known to have, at least.

    Raises:
        Inconclusive: if another eigenvalue cannot be told from 0.
    """
    return pencil_inertia(hessian, balls(np.eye(len(hessian))), approximation, kernel=kernel)


def pencil_inertia(
    form: BallArray,
    gram: BallArray,
    approximation: np.ndarray,
    gram_approximation: np.ndarray | None = None,
    kernel: int = 0,
) -> Inertia:
    """Prove the same of `form x = lambda gram x`, `gram` positive definite.

    Args:
        form: symmetric, balls, (n, n).
        gram: symmetric, balls of radius about 0, (n, n).
        approximation: floats close to `form`.
        gram_approximation: floats close to `gram`; the identity if not given.
        kernel: a dimension that the kernel is known to have, at least.

    Raises:
        Inconclusive: if another eigenvalue cannot be told from 0.
    """
    try:
        found = scipy.linalg.eigh(approximation, gram_approximation)[1]
    except (np.linalg.LinAlgError, ValueError) as error:
        raise Inconclusive("the Hessian has no eigenvectors in floats") from error
    vectors = matrix(balls(found))
    transposed, size = vectors.transpose(), len(form)
    defect = _norm(matrix(balls(np.eye(size))) - transposed * matrix(gram) * vectors)
    if not defect < 1:
        raise Inconclusive("the approximate eigenvectors are not independent")
    stretch = 1 + interval(-defect, defect)
    middle, spread = middles(form), radii(form)
    rotated = transposed * matrix((middle + middle.T) / 2) * vectors
    # In coordinates of unit vectors of the Gram matrix the radii weigh as much as |Q|^2 says.
    shift = arb(0, _norm(matrix((spread + spread.T) / 2)))
    if gram_approximation is not None:
        shift *= _norm(vectors) * _norm(transposed) / (1 - defect)
    discs = _discs(rotated)
    return _counted([disc / stretch + shift for disc in discs], kernel)


def _counted(places: list[arb], kernel: int) -> Inertia:
    sure = [place for place in places if place > 0 or place < 0]
    touching = len(places) - len(sure)
    if touching != kernel:
        unsure = [place for place in places if not (place > 0 or place < 0)]
        known = f", and {kernel} are known to be 0" if kernel else ""
        such = f", such as {unsure[0].str(3)}" if unsure else ""
        raise Inconclusive(f"{touching} eigenvalues cannot be told from 0{such}{known}")
    smallest = arb(0)
    if sure:
        lower = -largest(-place.lower() for place in sure)
        smallest = interval(lower, -largest(-place.upper() for place in sure))
    return Inertia(sum(place < 0 for place in sure), smallest, kernel)


def spectral_inertia(matrix_: BallArray) -> Inertia:
    """Count the eigenvalues with negative real part of any matrices in `matrix_`, (n, n).

    `smallest` contains the smallest real part. Arb encloses the eigenvalues, multiple ones in
    clusters.

    Raises:
        Inconclusive: if a real part cannot be told from 0.
    """
    try:
        found = acb_mat(matrix(matrix_)).eig(multiple=True)
    except (ValueError, ZeroDivisionError) as error:
        raise Inconclusive("the eigenvalues of the Jacobian cannot be enclosed") from error
    return _counted([value.real for value in found], 0)


def _magnitudes(square: arb_mat) -> list[list[arb]]:
    rows, columns = square.nrows(), square.ncols()
    return [[square[i, j].abs_upper() for j in range(columns)] for i in range(rows)]


def _norm(square: arb_mat) -> arb:
    """An upper bound of the largest row sum of absolute values."""
    return largest(total(row) for row in _magnitudes(square)).upper()


def _discs(square: arb_mat) -> list[arb]:
    """The real parts of the Gershgorin discs."""
    return [
        square[i, i] + arb(0, total(size for j, size in enumerate(row) if j != i))
        for i, row in enumerate(_magnitudes(square))
    ]
