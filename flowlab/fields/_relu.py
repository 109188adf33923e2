r"""Closed forms of the two-layer ReLU network under `x ~ N(0, I)`.

Rows of `W` (K, d) are students, rows of `U` (M, d) what they are paired with. Every function takes
a namespace `xp` (see `_namespace`) first. With the namespace of lanes, `angles`, `gated_sum` and
`gradient` take arrays with one more axis, the last, that counts states. The pairs are what
everything is made of:

.. math:: F(e, u) = \frac{1}{2\pi}\left[(\pi-\theta)u + |u|\sin\theta\, e\right],
          \qquad \theta = \angle(e, u) \qquad\text{(Tian 2017, Theorem 1)}.
"""

from typing import Any, NamedTuple

Namespace = Any


class Angles(NamedTuple):
    """Norms and angles of all pairs, from the Gram matrix: the cheap way, for values only.

    `theta` is off by about eps/theta near 0; values feel only `theta * dtheta`, which is exact.
    """

    norms_w: Any
    norms_u: Any
    cosine: Any
    sine: Any
    theta: Any


def angles(xp: Namespace, W: Any, U: Any, same: bool) -> Angles:
    """Norms (K,), (M,) and cosine, sine, angle (K, M) of all pairs; `same`: `U` is `W`."""
    norms_w = xp.root((W * W).sum(1))
    norms_u = norms_w if same else xp.root((U * U).sum(1))
    return angles_of(xp, norms_w, norms_u, xp.products(W, U), same)


def angles_of(xp: Namespace, norms_w: Any, norms_u: Any, products: Any, same: bool) -> Angles:
    """The same from norms (K,), (M,) and inner products (K, M)."""
    cosine = products / (norms_w[:, None] * norms_u[None, :])
    if same:
        cosine = xp.choose(xp.own(norms_w.shape[0]), 1.0, cosine)
    sine = xp.root((1 - cosine) * (1 + cosine))
    return Angles(norms_w, norms_u, cosine, sine, xp.angle(sine, cosine))


def pair_kernel(xp: Namespace, W: Any, U: Any, same: bool = False) -> Any:
    r""":math:`E[\sigma(w\cdot x)\sigma(u\cdot x)] = |w||u|h(\theta)/2\pi` for all pairs, (K, M)."""
    return kernels_of(xp, angles(xp, W, U, same))


def kernels_of(xp: Namespace, pair: Angles) -> Any:
    """The same from norms and angles, (K, M)."""
    h = profile(xp, pair)
    return pair.norms_w[:, None] * pair.norms_u[None, :] * h / (2 * xp.pi)


def profile(xp: Namespace, pair: Angles) -> Any:
    r""":math:`h(\theta) = (\pi-\theta)\cos\theta + \sin\theta` for all pairs, (K, M)."""
    return (xp.pi - pair.theta) * pair.cosine + pair.sine


def loss(xp: Namespace, W: Any, V: Any, a: Any, b: Any) -> Any:
    r""":math:`J = \tfrac12 a'k(W,W)a - a'k(W,V)b + \tfrac12 b'k(V,V)b`."""
    within, across = pair_kernel(xp, W, W, same=True), pair_kernel(xp, W, V)
    return loss_of(within, across, pair_kernel(xp, V, V, same=True), a, b)


def loss_of(students: Any, across: Any, teachers: Any, a: Any, b: Any) -> Any:
    """The same from the kernels of all pairs, (K, K), (K, M), (M, M)."""
    return (a @ (students @ a) + b @ (teachers @ b)) / 2 - a @ (across @ b)


def gated_sum(
    xp: Namespace, W: Any, U: Any, weights: Any, same: bool = False, geometry: Any = angles
) -> Any:
    r""":math:`\sum_i c_i F(e_j, u_i)` for every student `j`, (K, d).

    `geometry` is `angles` or `sharp_angles`.
    """
    return gates(xp, xp.once(geometry, xp, W, U, same), W, U, weights)


def gates(xp: Namespace, pair: Angles, W: Any, U: Any, weights: Any) -> Any:
    """The same from norms and angles; rows are vectors, or any linear image of them."""
    mass = (xp.pi - pair.theta) * weights
    asymmetry = (pair.sine * (pair.norms_u * weights)).sum(1) / pair.norms_w
    return (xp.mixtures(mass, U) + asymmetry[:, None] * W) / (2 * xp.pi)


class Frame(NamedTuple):
    """Geometry of all pairs from differences of unit vectors: accurate at every angle."""

    norms_w: Any
    norms_u: Any
    e: Any
    f: Any
    sine: Any
    theta: Any
    p: Any
    """(K, M, d): unit vector of the part of `u_i` orthogonal to `w_j` (0 for collinear pairs)."""
    q: Any
    """(K, M, d): unit vector of the part of `w_j` orthogonal to `u_i` (0 for collinear pairs)."""


class Differences(NamedTuple):
    """Unit vectors of all pairs, their differences and sums, and the squared lengths of these."""

    norms_w: Any
    norms_u: Any
    e: Any
    f: Any
    delta: Any
    sigma: Any
    near: Any
    far: Any


def differences(xp: Namespace, W: Any, U: Any) -> Differences:
    """Differences `f_i - e_j` and sums of the unit vectors, (K, M, d)."""
    norms_w, norms_u = xp.root((W * W).sum(-1)), xp.root((U * U).sum(-1))
    e, f = W / norms_w[:, None], U / norms_u[:, None]
    delta, sigma = f[None] - e[:, None], f[None] + e[:, None]
    near, far = (delta * delta).sum(-1), (sigma * sigma).sum(-1)
    return Differences(norms_w, norms_u, e, f, delta, sigma, near, far)


def sharp_angles(xp: Namespace, W: Any, U: Any, same: bool) -> Angles:
    """What `angles` returns, from differences of unit vectors.

    On balls of radius r this encloses the angle of nearly aligned or nearly opposite pairs within
    about r, where the Gram matrix gives the root of r.
    """
    pair = differences(xp, W, U)
    near, far = xp.root(pair.near), xp.root(pair.far)
    cosine, sine, theta = 1 - pair.near / 2, near * far / 2, 2 * xp.angle(near, far)
    if same:
        own = xp.own(W.shape[0])
        cosine, sine, theta = (
            xp.choose(own, exact, value)
            for exact, value in ((1.0, cosine), (0.0, sine), (0.0, theta))
        )
    return Angles(pair.norms_w, pair.norms_u, cosine, sine, theta)


def frame(xp: Namespace, W: Any, U: Any) -> Frame:
    r"""Frames of all pairs. With :math:`\delta = f - e`, :math:`\sigma = f + e`,

    .. math:: \sin\theta = |\delta||\sigma|/2, \quad \theta = 2\,\mathrm{atan2}(|\delta|,|\sigma|),

    and :math:`f - \cos\theta\, e = \delta + |\delta|^2 e/2 = \sigma - |\sigma|^2 e/2`: whichever is
    the sum of small terms, so that nearly aligned and nearly opposite pairs lose no digits.
    """
    norms_w, norms_u, e, f, delta, sigma, near, far = differences(xp, W, U)
    sine = xp.root(near) * xp.root(far) / 2
    theta = 2 * xp.angle(xp.root(near), xp.root(far))
    acute = (near < far)[..., None]
    half_near, half_far = near[..., None] / 2, far[..., None] / 2
    u_part = xp.choose(acute, delta + half_near * e[:, None], sigma - half_far * e[:, None])
    w_part = xp.choose(acute, half_near * f[None] - delta, sigma - half_far * f[None])
    p, q = xp.unit(u_part, sine), xp.unit(w_part, sine)
    return Frame(norms_w, norms_u, e, f, sine, theta, p, q)


def gating_jacobians(xp: Namespace, W: Any, U: Any, same: bool = False) -> tuple[Any, Any]:
    r"""Derivatives of `F(e_j, u_i)` by `u_i` and by `w_j`, each (K, M, d, d).

    .. math::
        \partial_u F = \frac{1}{2\pi}\left[(\pi-\theta)I + \sin\theta\,(p q' + e f')\right], \qquad
        \partial_w F = \frac{|u|\sin\theta}{2\pi|w|}\left(I - e e' + p p'\right).

    Both are continuous at aligned and opposite pairs, where every `sin` term vanishes.
    """
    pair = frame(xp, W, U)
    identity = xp.eye(W.shape[-1])
    sine = pair.sine[..., None, None]
    e, f = pair.e[:, None], pair.f[None]
    outer = pair.p[..., :, None] * pair.q[..., None, :] + e[..., :, None] * f[..., None, :]
    by_u = (xp.pi - pair.theta)[..., None, None] * identity + sine * outer
    across = identity - e[..., :, None] * e[..., None, :]
    along = pair.p[..., :, None] * pair.p[..., None, :]
    ratio = (pair.norms_u[None, :] / pair.norms_w[:, None])[..., None, None]
    by_u, by_w = by_u / (2 * xp.pi), ratio * sine * (across + along) / (2 * xp.pi)
    if same:
        # A student's own term is w_j / 2 exactly; its computed angle may be a rounding error.
        own = xp.own(W.shape[0])[:, :, None, None]
        by_u, by_w = xp.choose(own, identity / 2, by_u), xp.choose(own, 0.0, by_w)
    return by_u, by_w


def gradient(xp: Namespace, W: Any, V: Any, a: Any, b: Any, geometry: Any = angles) -> Any:
    r""":math:`\nabla_j J = a_j[\sum_i a_i F(e_j, w_i) - \sum_k b_k F(e_j, v_k)]`, (K, d)."""
    students = gated_sum(xp, W, W, a, True, geometry)
    return a[:, None] * (students - gated_sum(xp, W, V, b, False, geometry))


def hessian(xp: Namespace, W: Any, V: Any, a: Any, b: Any) -> Any:
    """The Hessian of the loss, (K, d, K, d)."""
    by_u, by_w = gating_jacobians(xp, W, W, same=True)
    _, by_w_teacher = gating_jacobians(xp, W, V)
    taught = (b[None, :, None, None] * by_w_teacher).sum(1)
    weighted = (a[None, :, None, None] * by_w).sum(1) - taught
    diagonal = xp.own(W.shape[0])[:, :, None, None]
    blocks = a[None, :, None, None] * by_u + xp.choose(diagonal, weighted[:, None], 0.0)
    return (a[:, None, None, None] * blocks).swapaxes(1, 2)
