"""A critical point of two students that are not collinear, proved to exist: Krawczyk's operator."""

import numpy as np
from flint import arb, arb_mat

from .._certificate import stated
from ..conjecture1._quantity import c, to_ball
from ..conjecture1._regions import Box
from ._enclose import jacobian
from ._equations import Piece, equations
from ._proof import Witness

STEPS = 20
RADII = (1e-13, 1e-11, 1e-9)
"""Half-widths that are tried, in radians."""


def find_witness(piece: Piece, box: Box) -> Witness | None:
    """Look for a critical point from the middle of a box; return it if everything is proved.

    Of a range of angles between the teachers it takes the middle.
    """
    piece = piece.at(piece.turn)
    u, v = map(to_ball, box.centre)
    centre = _newton(piece, np.array([float(x) for x in piece.radians(u, v, piece.beta)]))
    if centre is None:
        return None
    for radius in RADII:
        p, q = (arb(x, radius) for x in centre)
        if inside(piece, p, q) and holds_one(piece, centre, radius):
            lengths = _lengths(piece, p, q)
            if all(length > 0 for length in lengths):
                return Witness(
                    angle=piece.turn,
                    piece=piece.name,
                    p=float(centre[0]),
                    q=float(centre[1]),
                    error=radius,
                    lengths=(stated(lengths[0]), stated(lengths[1])),
                    location=_students(centre, lengths),
                )
    return None


def inside(piece: Piece, p: arb, q: arb) -> bool:
    """Whether both angles are certainly in the interior of the piece, off every boundary."""
    beta = piece.beta
    rest = arb.pi() - beta
    sides = (p < rest,) if piece.name == "near" else (p > rest, p + q < arb.pi())
    return all((p > 0, q > 0, q < beta, *sides))


def holds_one(piece: Piece, centre: np.ndarray, radius: float) -> bool:
    """Whether the box around a point is proved to hold exactly one zero of (F, G)."""
    p, q = map(float, centre)
    slopes = jacobian(piece, arb(p, radius), arb(q, radius), piece.beta)
    matrix = arb_mat(2, 2, [x for row in slopes for x in row])
    middle = np.array([[float(matrix[i, j].mid()) for j in (0, 1)] for i in (0, 1)])
    if not np.all(np.isfinite(middle)) or np.linalg.det(middle) == 0:
        return False
    inverse = arb_mat(2, 2, [arb(float(x)) for x in np.linalg.inv(middle).ravel()])
    step = inverse * arb_mat(2, 1, list(equations(piece, arb(p), arb(q), piece.beta)))
    defect = arb_mat(2, 2, [1, 0, 0, 1]) - inverse * matrix
    return all(
        bool(abs(step[i, 0]) + (abs(defect[i, 0]) + abs(defect[i, 1])) * radius < radius)
        for i in (0, 1)
    )


def _newton(piece: Piece, start: np.ndarray) -> np.ndarray | None:
    point = start
    for _ in range(STEPS):
        p, q = (arb(float(x)) for x in point)
        values = np.array([float(x) for x in equations(piece, p, q, piece.beta)])
        matrix = np.array([[float(x) for x in row] for row in jacobian(piece, p, q, piece.beta)])
        if not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix)) < 1e-300:
            return None
        point = point - np.linalg.solve(matrix, values)
        if not np.all(np.isfinite(point)) or np.abs(point - start).max() > 0.1:
            return None
    return point


def _lengths(piece: Piece, p: arb, q: arb) -> tuple[arb, arb]:
    """The lengths of the students from Eqn 13 of the paper; h is pi - c."""
    beta = piece.beta
    t = p + beta if piece.name == "near" else 2 * arb.pi() - beta - p
    first, second = (2 * arb.pi() - c(x) - c(y) for x, y in ((p, t), (q, beta - q)))
    h = arb.pi() - c(p + q)
    determinant = arb.pi() ** 2 - h * h
    return (
        (arb.pi() * first - h * second) / determinant,
        (arb.pi() * second - h * first) / determinant,
    )


def _students(centre: np.ndarray, lengths: tuple[arb, arb]) -> np.ndarray:
    p, q = centre
    directions = np.array([[np.cos(p), -np.sin(p)], [np.cos(q), np.sin(q)]])
    return directions * np.array([[float(length)] for length in lengths])
