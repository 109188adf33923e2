r"""Morse index and smallest eigenvalue of every symmetric matrix inside a matrix of balls.

Let `S` be the symmetric part of the midpoints and :math:`Q` its approximate eigenvectors (floats,
taken as exact), so that :math:`T = Q^T S Q` is nearly diagonal.
:math:`\|I - Q^TQ\|_\infty \le \varepsilon < 1` proves that :math:`Q` is invertible. Then

* every eigenvalue of `T` lies in a Gershgorin disc, and the union of the discs left of 0 holds as
  many eigenvalues as it has discs, if no disc touches 0;
* Ostrowski's theorem: :math:`\lambda_k(T) = \theta_k\lambda_k(S)` with
  :math:`|\theta_k - 1| \le \varepsilon`, so signs are kept (Sylvester's law) and the discs divided
  by :math:`[1-\varepsilon, 1+\varepsilon]` hold the eigenvalues of `S`;
* Weyl's inequality: those of a symmetric matrix `H` inside the balls differ from them by at most
  :math:`\|H - S\|_2 \le \delta`, the largest row sum of the radii.

The smallest eigenvalue of `T` is at least the leftmost end of the discs and at most any diagonal
entry. (Horn & Johnson 2013, Theorems 4.3.1, 4.5.8, 4.5.9 and 6.1.1.)
"""

import dataclasses

import numpy as np
from flint import arb, arb_mat

from ._balls import BallArray, balls, interval, matrix, middles, radii
from ._krawczyk import largest, total
from ._refusal import Inconclusive


@dataclasses.dataclass(frozen=True, eq=False)
class Inertia:
    """What is proved of the eigenvalues of a matrix of balls; none of them is zero."""

    index: int
    smallest: arb
    """Contains the smallest eigenvalue."""


def inertia(hessian: BallArray, approximation: np.ndarray) -> Inertia:
    """Prove the number of negative eigenvalues of the symmetric matrices in `hessian`.

    Args:
        hessian: balls, (n, n).
        approximation: a symmetric float matrix close to them, (n, n).

    Raises:
        Inconclusive: if an eigenvalue cannot be told from 0.
    """
    try:
        vectors = matrix(balls(np.linalg.eigh(approximation)[1]))
    except np.linalg.LinAlgError as error:
        raise Inconclusive("the Hessian has no eigenvectors in floats") from error
    transposed, size = vectors.transpose(), len(hessian)
    defect = _norm(matrix(balls(np.eye(size))) - transposed * vectors)
    if not defect < 1:
        raise Inconclusive("the approximate eigenvectors are not independent")
    middle, spread = middles(hessian), radii(hessian)
    rotated = transposed * matrix((middle + middle.T) / 2) * vectors
    stretch, shift = 1 + interval(-defect, defect), arb(0, _norm(matrix((spread + spread.T) / 2)))
    discs = _discs(rotated)
    places = [disc / stretch + shift for disc in discs]
    touching = [place for place in places if not (place > 0 or place < 0)]
    if touching:
        raise Inconclusive(
            f"{len(touching)} eigenvalues cannot be told from 0, such as {touching[0].str(3)}"
        )
    leftmost = -largest(-disc.lower() for disc in discs)
    bound = -largest(-rotated[i, i].upper() for i in range(size))
    smallest = interval(leftmost, bound) / stretch + shift
    return Inertia(sum(place < 0 for place in places), smallest)


def _magnitudes(square: arb_mat) -> list[list[arb]]:
    size = square.nrows()
    return [[square[i, j].abs_upper() for j in range(size)] for i in range(size)]


def _norm(square: arb_mat) -> arb:
    """An upper bound of the largest row sum of absolute values."""
    return largest(total(row) for row in _magnitudes(square)).upper()


def _discs(square: arb_mat) -> list[arb]:
    """The real parts of the Gershgorin discs."""
    return [
        square[i, i] + arb(0, total(size for j, size in enumerate(row) if j != i))
        for i, row in enumerate(_magnitudes(square))
    ]
