r"""The normal equation of the critical points, in the matrices of the paper (Tian 2017, 5.1-5.2).

Everything is written against a namespace `xp` and three matrices of each family of pairs: cosine,
sine and angle. Row j is a student, column k what it is paired with; as vectors are rows here,
:math:`E` and :math:`W^*` of the paper are `E.T` and `V.T`.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .._checks import as_state
from . import _relu
from ._namespace import JAX
from ._relu import Angles
from ._teacher_student import require_rows, weights_of


class Constraints(NamedTuple):
    r"""The coefficients of the constraints that only depend on angles (Eqns 11-13)."""

    M: Any
    """(K, K, K): entry `[j, i, k]` is :math:`m_{ji,k}`."""
    M_star: Any
    """(K, K, M)."""
    M_r: Any
    """(K, K)."""
    M_r_star: Any
    """(K, M)."""


def constraints(xp: Any, students: Angles, teachers: Angles) -> Constraints:
    """Return the coefficients for the angles of students with students, and with teachers."""
    return Constraints(
        _coefficients(xp, students, students.cosine),
        _coefficients(xp, teachers, students.cosine),
        _relu.profile(xp, students),
        _relu.profile(xp, teachers),
    )


def _coefficients(xp: Any, pair: Angles, within: Any) -> Any:
    r""":math:`m_{ji,k} = (\pi-\theta_j^k)\cos\theta_i^k + \sin\theta_j^k\cos\theta_i^j`."""
    mass = (xp.pi - pair.theta)[:, None, :]
    return mass * pair.cosine[None] + pair.sine[:, None, :] * within[:, :, None]


def separable(xp: Any, pairs: Constraints) -> Any:
    r""":math:`L_{ji} = m^*_{ji} - v^T M_r^{-1} m_{ji}` of each teacher, (M, K, K) (Eqn 14)."""
    K, M = pairs.M_r_star.shape
    solved = xp.solve(pairs.M_r, pairs.M_r_star)  # M_r is symmetric
    plugged = pairs.M.reshape(K * K, K) @ solved
    return (pairs.M_star.reshape(K * K, M) - plugged).T.reshape(M, K, K)


class NormalEquation(eqx.Module):
    r"""The normal equation at one state, with the names of the paper.

    Magnitudes carry the output weights: :math:`\bar w_j = a_j|w_j|`,
    :math:`\bar w^*_k = b_k|v_k|`, so that the equations are those of the paper where these are 1.

    Attributes:
        Theta: angles between students, radians, (K, K), symmetric.
        Theta_star: angles between teachers (rows) and students (columns), (M, K).
        magnitudes: :math:`\bar w`, (K,).
        magnitudes_star: :math:`\bar w^*`, (M,).
        Y: (K, K) of Eqn 9.
        B_star: :math:`\pi 11^T-\Theta^{*T}`, (K, M).
        M: (K², K) of Eqn 11; row `j K + i` is the constraint of student j, projected on
            :math:`e_i`.
        M_star: (K², M) of Eqn 12.
        M_r: :math:`h(\Theta^T)`, (K, K) of Eqn 13.
        M_r_star: :math:`h(\Theta^{*T})`, (K, M).
        residual: :math:`YE^T - B^*W^{*T}`, (K, d): row j is :math:`2\pi\nabla_jJ/a_j`. The state
            is critical if and only if it is zero.
        in_plane: its part in the principal hyperplane, the span of the teachers, (K, d).
        out_of_plane: the rest, (K, d): :math:`Y` times the parts of the :math:`e_j` outside the
            hyperplane. So a critical point out of plane has a singular :math:`Y`.
        projected: :math:`M\bar w - M^*\bar w^*` of Eqn 10, as (K, K): the rows of `residual`
            projected on each :math:`e_i`.
        solved: the magnitudes that solve Eqn 13 for these angles, (K,); the shortest solution
            where :math:`M_r` is singular, as for collinear students.
        plugged_back: Eqn 10 with these magnitudes, as (K, K): it only depends on the students'
            directions. If it is not zero, and :math:`M_r` is regular, no magnitudes make these
            directions critical.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> p, q = 0.524579222543739, 0.409132475081778  # the saddle out of plane
        >>> here = fl.normal_equation(jnp.array([[p, p, q], [p, p, -q]]), jnp.eye(2, 3))
        >>> bool(abs(jnp.linalg.det(here.Y)) < 1e-12)
        True
    """

    Theta: jax.Array
    Theta_star: jax.Array
    magnitudes: jax.Array
    magnitudes_star: jax.Array
    Y: jax.Array
    B_star: jax.Array
    M: jax.Array
    M_star: jax.Array
    M_r: jax.Array
    M_r_star: jax.Array
    residual: jax.Array
    in_plane: jax.Array
    out_of_plane: jax.Array
    projected: jax.Array
    solved: jax.Array
    plugged_back: jax.Array


def normal_equation(
    W: Any, V: Any, *, output_weights: Any = 1.0, teacher_weights: Any = 1.0
) -> NormalEquation:
    r"""Return the normal equation :math:`YE^T = B^*W^{*T}` and what the paper makes of it.

    With :math:`F` the population gating, :math:`2\pi\sum_k a_kF(e_j,w_k)` is row j of
    :math:`YE^T`, and :math:`2\pi\sum_k b_kF(e_j,v_k)` that of :math:`B^*W^{*T}`. Projected on the
    :math:`e_i`, both are linear in the magnitudes, with coefficients that only depend on angles:
    :math:`M\bar w=M^*\bar w^*`. Its diagonal part :math:`M_r\bar w=M_r^*\bar w^*` gives the
    magnitudes.

    What the paper leaves unsaid: the projected equation is equivalent to the normal equation if
    the students span the principal hyperplane (in particular, are in it), otherwise only
    necessary; and magnitudes solved from the angles belong to a critical point only if each of
    them has the sign of its output weight.

    The function can be traced (`jit`, `vmap`).

    Args:
        W: students, (K, d), rows nonzero.
        V: teachers, (M, d), rows nonzero.
        output_weights: `a`, a nonzero scalar or (K,).
        teacher_weights: `b`, a nonzero scalar or (M,).

    Returns:
        A `NormalEquation`.

    Raises:
        ValueError: on shapes that do not fit, entries that are not finite, zero rows or weights.

    Source: Tian 2017, Eqns 9-13.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> here = fl.normal_equation(jnp.array([[2.0, 0.0], [0.0, 3.0]]), jnp.eye(2))
        >>> bool(jnp.max(jnp.abs(here.residual)) > 1), here.solved.round(12).tolist()
        (True, [1.0, 1.0])
        >>> bool(jnp.max(jnp.abs(here.plugged_back)) < 1e-13)
        True
    """
    W, V = rows_of(W, V)
    a = weights_of(output_weights, W.shape[0], "output_weights")
    b = weights_of(teacher_weights, V.shape[0], "teacher_weights")
    students, teachers = _pairs(W, V)
    pairs = constraints(JAX, students, teachers)
    w, v = a * students.norms_w, b * teachers.norms_u
    asymmetry = students.sine @ w - teachers.sine @ v
    Y = jnp.diag(asymmetry) + (jnp.pi - students.theta) * w
    B = jnp.pi - teachers.theta
    E = W / students.norms_w[:, None]
    residual = Y @ E - B @ (b[:, None] * V)
    in_plane = residual @ (jnp.linalg.pinv(V) @ V)
    K, M = teachers.theta.shape
    solved = jnp.linalg.pinv(pairs.M_r, hermitian=True) @ (pairs.M_r_star @ v)
    taught = pairs.M_star @ v
    return NormalEquation(
        Theta=students.theta,
        Theta_star=teachers.theta.T,
        magnitudes=w,
        magnitudes_star=v,
        Y=Y,
        B_star=B,
        M=pairs.M.reshape(K * K, K),
        M_star=pairs.M_star.reshape(K * K, M),
        M_r=pairs.M_r,
        M_r_star=pairs.M_r_star,
        residual=residual,
        in_plane=in_plane,
        out_of_plane=residual - in_plane,
        projected=pairs.M @ w - taught,
        solved=solved,
        plugged_back=pairs.M @ solved - taught,
    )


def separability(e_star: Any, E: Any) -> jax.Array:
    r"""Return :math:`L_{ji}` of one teacher's direction and the directions of K students.

    .. math:: L_{ji} = m^*_{ji} - v^TM_r^{-1}m_{ji}, \qquad v_l = h(\angle(e^*,e_l))

    If students in these directions are critical, with any magnitudes, then
    :math:`\sum_k\bar w^*_kL_{ji}(e^*_k)=0` for all j and i: each teacher adds a term of its own.
    :math:`L_{ji}=0` if :math:`e^*` is the direction of a student, and always if i = j
    (Proposition 1).

    Args:
        e_star: the teacher, (d,), or several, (M, d); nonzero, of any length.
        E: the students, (K, d); nonzero, of any lengths, no two of one direction.

    Returns:
        Array (K, K), or (M, K, K). For nearly aligned students digits are lost; for aligned ones,
        where :math:`M_r` is singular, the entries are not finite or mean nothing.

    Raises:
        ValueError: on shapes that do not fit, entries that are not finite, or zero rows.

    Source: Tian 2017, Eqn 14 and Proposition 1.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> students = jnp.array([[1.0, 0.0], [0.0, 1.0]])
        >>> between, outside = jnp.array([1.0, 1.0]), jnp.array([-1.0, 1.0])
        >>> float(fl.separability(between, students)[0, 1].round(6))
        0.765994
        >>> bool(fl.separability(outside, students)[0, 1] < 0)
        True
    """
    single = jnp.ndim(e_star) == 1
    W, V = rows_of(E, jnp.asarray(e_star)[None] if single else e_star)
    values = separable(JAX, constraints(JAX, *_pairs(W, V)))
    return values[0] if single else values


def theorem3_signs(W: Any, V: Any, *, tolerance: float = 1e-9) -> jax.Array:
    r"""Return which pairs (j, i) show by Theorem 3 that no critical point has these directions.

    If :math:`L_{ji}(e^*_k)` has one sign for all teachers k, their weighted sum cannot vanish:
    then no positive magnitudes of the teachers, and no magnitudes of the students, make the
    directions of `W` and `V` critical. `not_critical` proves it.

    Args:
        W: students, (K, d), rows nonzero; only their directions count.
        V: teachers, (M, d), rows nonzero; only their directions count.
        tolerance: what is smaller in absolute value counts as no sign.

    Returns:
        Integers (K, K): 1 or -1 where all the L are of that sign, 0 where they are not.

    Raises:
        ValueError: on shapes that do not fit, entries that are not finite, or zero rows.

    Source: Tian 2017, Theorem 3.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> inside = jnp.array([[3.0, 1.0], [1.0, 3.0]])  # both students in the teachers' cone
        >>> fl.theorem3_signs(inside, jnp.eye(2)).tolist()
        [[0, -1], [-1, 0]]
    """
    values = separability(jnp.atleast_2d(jnp.asarray(V)), W)
    above = jnp.all(values > tolerance, axis=0)
    below = jnp.all(values < -tolerance, axis=0)
    return above.astype(int) - below.astype(int)


def rows_of(W: Any, V: Any) -> tuple[jax.Array, jax.Array]:
    """Return students (K, d) and teachers (M, d) as checked arrays of one d."""
    V = jnp.asarray(V)
    if V.ndim != 2 or V.size == 0 or jnp.ndim(W) != 2 or jnp.size(W) == 0:
        raise ValueError(
            f"students have shape {jnp.shape(W)} and teachers {V.shape}; needed: (K, d) and "
            "(M, d), one row each."
        )
    V = as_state(V.shape, V, "teachers")
    W = as_state((jnp.shape(W)[0], V.shape[1]), W, "students")
    require_rows(V, "teachers")
    require_rows(W, "students")
    return W, V


def _pairs(W: jax.Array, V: jax.Array) -> tuple[Angles, Angles]:
    return _relu.sharp_angles(JAX, W, W, True), _relu.sharp_angles(JAX, W, V, False)
