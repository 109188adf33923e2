"""The two-layer ReLU closed forms in many digits, written from the formulas alone.

Loss, gradient and Hessian of `J = E (sum_j a_j s(w_j x) - sum_k b_k s(v_k x))^2 / 2` for standard
Gaussian `x`. Inputs are float64 arrays (or nested lists of mpf) taken as exact; results are NumPy
object arrays of mpf. Angles come from `acos` of the cosine, which the digits can afford.
"""

import mpmath as mp
import numpy as np

# Products of floats are exact in this many digits, so exactly collinear pairs are recognised.
DIGITS = 120
COLLINEAR = mp.mpf("1e-90")


def _rows(array):
    return [[x if isinstance(x, mp.mpf) else mp.mpf(float(x)) for x in row] for row in array]


def _weights(weights, count):
    if weights is None:
        return [mp.mpf(1)] * count
    return [mp.mpf(float(x)) for x in weights]


def _dot(u, v):
    return mp.fsum(x * y for x, y in zip(u, v, strict=True))


def _norm(u):
    return mp.sqrt(_dot(u, u))


def _unit(u):
    size = _norm(u)
    return [x / size for x in u]


def _angle(u, v):
    """The angle in [0, pi] and its sine; exactly 0 or pi for collinear vectors."""
    squares, product = _dot(u, u) * _dot(v, v), _dot(u, v)
    sine_squared = 1 - product**2 / squares
    if sine_squared < COLLINEAR:
        return (mp.mpf(0) if product > 0 else mp.pi), mp.mpf(0)
    return mp.acos(product / mp.sqrt(squares)), mp.sqrt(sine_squared)


def _orthogonal_unit(v, w):
    """n(v; w): unit vector of the part of `v` orthogonal to `w`."""
    e = _unit(w)
    along = _dot(v, e)
    return _unit([x - along * y for x, y in zip(v, e, strict=True)])


def kernel(u, v):
    """k(u, v) = E s(u x) s(v x)."""
    theta, sine = _angle(u, v)
    return _norm(u) * _norm(v) * ((mp.pi - theta) * mp.cos(theta) + sine) / (2 * mp.pi)


def gating(e, w):
    """F(e, w) of Theorem 1; `e` enters by its direction."""
    with mp.workdps(DIGITS):
        e, w = _rows([e, w])
        theta, sine = _angle(e, w)
        direction, size = _unit(e), _norm(w)
        terms = [(mp.pi - theta) * x + size * sine * y for x, y in zip(w, direction, strict=True)]
        return np.array([term / (2 * mp.pi) for term in terms], dtype=object)


def loss(W, V, a=None, b=None):
    """J(W), an mpf."""
    with mp.workdps(DIGITS):
        rows = _rows(W) + _rows(V)
        signs = _weights(a, len(W)) + [-x for x in _weights(b, len(V))]
        return (
            mp.fsum(
                c * d * kernel(u, v)
                for c, u in zip(signs, rows, strict=True)
                for d, v in zip(signs, rows, strict=True)
            )
            / 2
        )


def gradient(W, V, a=None, b=None):
    """The gradient by the students, (K, d)."""
    with mp.workdps(DIGITS):
        students, teachers = _rows(W), _rows(V)
        a, b = _weights(a, len(students)), _weights(b, len(teachers))
        result = []
        for j, w in enumerate(students):
            total = np.array([mp.mpf(0)] * len(w), dtype=object)
            for c, u in zip(a, students, strict=True):
                total = total + c * gating(w, u)
            for c, v in zip(b, teachers, strict=True):
                total = total - c * gating(w, v)
            result.append(a[j] * total)
        return np.array(result, dtype=object)


def _outer(u, v):
    return np.array([[x * y for y in v] for x in u], dtype=object)


def _identity(d):
    return np.array([[mp.mpf(int(i == j)) for j in range(d)] for i in range(d)], dtype=object)


def _own_part(w, v):
    """g(w, v) = |v| sin(theta) / (2 pi |w|) (I - e e' + n n'); 0 for collinear pairs."""
    _, sine = _angle(w, v)
    if sine == 0:
        return 0 * _identity(len(w))
    e, n = _unit(w), _orthogonal_unit(v, w)
    factor = _norm(v) * sine / (2 * mp.pi * _norm(w))
    return factor * (_identity(len(w)) - _outer(e, e) + _outer(n, n))


def _cross_part(w, u):
    """((pi - theta) I + sin(theta) (p q' + e f')) / (2 pi); I/2 if aligned, 0 if opposite."""
    theta, sine = _angle(w, u)
    block = (mp.pi - theta) * _identity(len(w))
    if sine != 0:
        p, q = _orthogonal_unit(u, w), _orthogonal_unit(w, u)
        block = block + sine * (_outer(p, q) + _outer(_unit(w), _unit(u)))
    return block / (2 * mp.pi)


def hessian(W, V, a=None, b=None):
    """The Hessian by the students, (K, d, K, d)."""
    with mp.workdps(DIGITS):
        students, teachers = _rows(W), _rows(V)
        a, b = _weights(a, len(students)), _weights(b, len(teachers))
        size, dim = len(students), len(students[0])
        result = np.empty((size, dim, size, dim), dtype=object)
        for i, w in enumerate(students):
            own = a[i] ** 2 * _identity(dim) / 2
            for j, u in enumerate(students):
                if j != i:
                    own = own + a[i] * a[j] * _own_part(w, u)
                    result[i, :, j, :] = a[i] * a[j] * _cross_part(w, u)
            for c, v in zip(b, teachers, strict=True):
                own = own - a[i] * c * _own_part(w, v)
            result[i, :, i, :] = own
        return result
