r"""The critical sets of two students in the plane of two unit teachers, and all collinear ones.

Let :math:`u` be a unit vector, :math:`t_k` its angles with the teachers and
:math:`m(t)=(\pi-t)\sin t`. Students along :math:`u`, of lengths :math:`s_1, s_2`, have one
gradient,

.. math:: \frac{s_1+s_2}{2}u - \frac1{2\pi}\sum_k[(\pi-t_k)v_k + \sin t_k\,u],

and for :math:`w_1=s_1u`, :math:`w_2=-s_2u` the pair of students drops out
(:math:`F(u,-u)=0`): each is critical, or not, as if it were alone. So the directions in question
are those for which the part of the sum across :math:`u` vanishes. It is the sum of
:math:`\pm m(t_k)` by the side on which the teacher lies. As :math:`m>0` on :math:`(0,\pi)`, the
teachers lie on opposite sides of the line of :math:`u`, and :math:`m(t_1)=m(t_2)`, with
:math:`t_1+t_2=\beta` or :math:`2\pi-\beta`. (A teacher on the line has :math:`m=0`, so the other
one would be on it, too.) The bisector solves both; the part along :math:`u` then says
:math:`\pi s = 2h(t)`, for the sum of lengths :math:`s=s_1+s_2` or for the length of each.
"""

import contextlib
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from ...fields import _relu
from .._balls import BALLS, BallArray, balls, middles
from .._certificate import stated
from .._cover import positive_on
from .._inertia import inertia
from .._refusal import Inconclusive
from ..conjecture1._quantity import c, m, to_ball
from ._equations import RIGHT
from ._proof import CriticalSet

NEAR = 0.05
"""How close to the bisector its uniqueness is read off the derivative, relative to the range."""


def bisector_is_unique(low: Fraction, high: Fraction) -> bool:
    r"""Whether only the bisector of the teachers is proved to have :math:`m(t_1)=m(t_2)`.

    With :math:`t_{1,2}=\tau\mp x` and :math:`0<x<\beta/2`, where :math:`\tau` is :math:`\beta/2` or
    :math:`\pi-\beta/2`, :math:`m(t_2)-m(t_1)` is to keep off 0. Near x = 0 its derivative does. The
    range is open at its end, where a teacher would lie on the line; a little more is covered.
    """
    half = arb.pi() * to_ball(low).union(to_ball(high)) / 2
    end = float(half.upper())
    try:
        for middle, sign in ((half, 1), (arb.pi() - half, -1)):

            def gap(x: arb, middle: arb = middle, sign: int = sign) -> arb:
                return sign * (m(middle + x) - m(middle - x))

            def slope(x: arb, middle: arb = middle, sign: int = sign) -> arb:
                return sign * (_slope(middle + x) + _slope(middle - x))

            positive_on(slope, 0.0, NEAR * end)
            positive_on(gap, NEAR * end, end)
    except Inconclusive:
        return False
    return True


def _slope(t: arb) -> arb:
    """The derivative of m."""
    return (arb.pi() - t) * t.cos() - t.sin()


def critical_sets(turn: Fraction) -> tuple[CriticalSet, ...]:
    """The sets of the teachers, of opposite students, and of students of one direction."""
    beta = arb.pi() * to_ball(turn)
    teacher = _array([[1, 0], [beta.cos(), beta.sin()]])
    if turn == RIGHT:
        teacher = balls(np.eye(2))
    along = _array([(beta / 2).cos(), (beta / 2).sin()])
    # pi - c is h; the lengths are 2 h / pi at the angles of the bisector and of its opposite.
    long, short = (2 - 2 * c(t) / arb.pi() for t in (beta / 2, arb.pi() - beta / 2))
    opposite = _array([along * long, along * -short])
    return (
        _set("teacher", 2, 0, teacher, teacher),
        _set("antipodal", 2, 0, opposite, teacher),
        _set("collinear", 1, 1, _array([along * (long / 2)] * 2), teacher),
        _set("negative", 1, 1, _array([along * (-short / 2)] * 2), teacher),
    )


def _set(
    name: str, images: int, dimension: int, students: BallArray, teacher: BallArray
) -> CriticalSet:
    ones = balls(np.ones(2))
    loss = _relu.loss(BALLS, students, teacher, ones, ones)
    index = None
    if dimension == 0:
        hessian = _relu.hessian(BALLS, students, teacher, ones, ones).reshape(4, 4)
        with contextlib.suppress(Inconclusive):  # near a bifurcation
            index = inertia(hessian, _floats(hessian)).index
    return CriticalSet(name, images, dimension, _floats(students), stated(loss), index)


def _array(rows: Any) -> BallArray:
    flat = [arb(x) for x in np.asarray(rows, dtype=object).ravel()]
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(np.shape(rows))


def _floats(values: BallArray) -> np.ndarray:
    return np.array([float(x) for x in middles(values).ravel()]).reshape(values.shape)
