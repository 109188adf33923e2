r"""The population gradient on matrices of blocks, in closed form, at a cost that no size changes.

The students :math:`1..K` fall into r blocks of sizes :math:`p_1, ..., p_r`, and so do the axes. A
matrix that all simultaneous permutations within the blocks leave in place has, in the rows of
block a, one value on the diagonal, one on the other entries of block (a, a), and one on each block
(a, b): these are the coordinates. All students of a block see the same angles, so the sums over
students and teachers are sums over blocks, and the sizes enter as numbers, whole or not.

A pair of rows is compared on three columns of each block: that of the first row, that of the
second, and one that stands for the others, :math:`p_a - 2` times. Every function takes a namespace
`xp` (see `_namespace`) first; coordinates may have one more axis, the last, that counts states.
"""

import dataclasses
import functools as ft
from typing import Any, NamedTuple

import numpy as np

Namespace = Any


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """Where the coordinates of blocks are found; made by `layout`.

    Attributes:
        single: which blocks have one member, hence no other entries in block (a, a), (r,).
        own: coordinate of the diagonal of each block, (r,).
        between: coordinate of the entries of block (a, b) off the diagonal, (r, r).
        row: block of the rows that a coordinate belongs to, (m,).
        column: block of its columns, (m,).
        diagonal: whether it is a diagonal, (m,).
        first: coordinates of the first member of each block at the 3r columns, (r, 3r).
        partner: the same for another member of block b, as seen from one of block a, (r, r, 3r).
        teacher: the coordinates of the identity, (m,).
    """

    single: tuple[bool, ...]
    own: np.ndarray
    between: np.ndarray
    row: np.ndarray
    column: np.ndarray
    diagonal: np.ndarray
    first: np.ndarray
    partner: np.ndarray
    teacher: np.ndarray

    @property
    def blocks(self) -> int:
        """The number r of blocks."""
        return len(self.single)

    @property
    def size(self) -> int:
        """The number m of coordinates."""
        return len(self.row)


@ft.cache
def layout(single: tuple[bool, ...]) -> Layout:
    """Return the layout of blocks of which `single` says which have one member."""
    r = len(single)
    own, between = np.zeros(r, int), np.zeros((r, r), int)
    entries = []
    for a in range(r):
        own[a] = len(entries)
        entries.append((a, a, True))
        for b in range(r):
            # A block of one has no second column; its diagonal stands in, with weight 0.
            between[a, b] = own[a] if a == b and single[a] else len(entries)
            if not (a == b and single[a]):
                entries.append((a, b, False))
    first = np.repeat(between, 3, axis=1)
    first[np.arange(r), 3 * np.arange(r)] = own
    partner = np.tile(first, (r, 1, 1))
    for a in range(r):
        partner[a, a, 3 * a : 3 * a + 2] = between[a, a], own[a]
    row, column, diagonal = (np.array(part) for part in zip(*entries, strict=True))
    teacher = diagonal.astype(float)
    return Layout(single, own, between, row, column, diagonal, first, partner, teacher)


def counts(where: Layout, sizes: Any) -> Any:
    """Return how many entries of the matrix each coordinate stands for, (m,)."""
    rows, columns = sizes[where.row], sizes[where.column]
    same = where.row == where.column
    others = columns - np.where(same, 1.0, 0.0)
    # A diagonal has one entry in each row.
    return rows * (others * np.where(where.diagonal, 0.0, 1.0) + np.where(where.diagonal, 1.0, 0.0))


class Pairs(NamedTuple):
    """Norms, and sines, cosines and angles of pairs of rows (see `pairs`)."""

    norms: Any
    partner_norms: Any
    sine: Any
    cosine: Any
    theta: Any
    own_sine: Any
    own_cosine: Any
    own_theta: Any


def pairs(xp: Namespace, where: Layout, sizes: Any, z: Any, y: Any) -> Pairs:
    r"""Angles of rows of `z` with other rows (r, r) and with the row in their place (r,) of `y`.

    They come from the differences and sums of unit vectors, :math:`|\delta|^2` and
    :math:`|\sigma|^2`, which are accurate at every angle, and so are their derivatives:
    :math:`\sin\theta = |\delta||\sigma|/2`, :math:`\theta = 2\,\mathrm{atan2}(|\delta|,|\sigma|)`.
    """
    metric = metric_of(where, sizes)
    rows, facing, others = z[where.first], y[where.first], y[where.partner]
    norms = xp.root((metric * rows * rows).sum(1))
    partner_norms = xp.root((metric * facing * facing).sum(1))
    units = rows / norms[:, None]
    sine, cosine, theta = _angles(
        xp, metric, units[:, None], others / partner_norms[None, :, None], 2
    )
    own = _angles(xp, metric, units, facing / partner_norms[:, None], 1)
    return Pairs(norms, partner_norms, sine, cosine, theta, *own)


def metric_of(where: Layout, sizes: Any) -> Any:
    """The weights of the 3r columns: 1, 1, p - 2, and 1, 0, 0 for a block of one."""
    many = ~np.array(where.single)
    fixed = np.stack([np.ones(len(many)), 1.0 * many, -2.0 * many], axis=1).ravel()
    growing = np.stack([0.0 * many, 0.0 * many, 1.0 * many], axis=1).ravel()
    like = sizes[np.repeat(np.arange(len(many)), 3)]
    return _fit(fixed, like) + _fit(growing, like) * like


def _angles(xp: Namespace, metric: Any, e: Any, f: Any, axis: int) -> tuple[Any, Any, Any]:
    near = (metric * (f - e) * (f - e)).sum(axis)
    far = (metric * (f + e) * (f + e)).sum(axis)
    sine = xp.root(near) * xp.root(far) / 2
    return sine, (far - near) / 4, 2 * xp.angle(xp.root(near), xp.root(far))


def _fit(constant: np.ndarray, like: Any) -> np.ndarray:
    """A constant with a last axis for the states where there is one."""
    return constant.reshape(constant.shape + (1,) * (like.ndim - 1))


def others_of(where: Layout, sizes: Any) -> Any:
    """The number of rows of block b other than a given one of block a, (r, r)."""
    return sizes[None] - _fit(np.eye(where.blocks), sizes)


def gated_sum(xp: Namespace, where: Layout, sizes: Any, z: Any, y: Any, same: bool = False) -> Any:
    r""":math:`2\pi\sum_i F(e_j, u_i)` for a student `j` of each block, in coordinates, (m,).

    The students are at `z`; the `u_i` are the rows of the point `y`. `same`: `y` is `z`.
    """
    pair = pairs(xp, where, sizes, z, y)
    mass = (xp.pi - pair.theta)[where.row]
    total = (mass * sums_of_rows(where, sizes, y)).sum(1)
    asymmetry = (others_of(where, sizes) * pair.partner_norms[None] * pair.sine).sum(1)
    if same:
        # A student's own term is w_j / 2 exactly; its computed angle may be a rounding error.
        return total + xp.pi * y + (asymmetry / pair.norms)[where.row] * z
    asymmetry = asymmetry + pair.partner_norms * pair.own_sine
    own = (xp.pi - pair.own_theta)[where.row]
    return total + own * y + (asymmetry / pair.norms)[where.row] * z


def sums_of_rows(where: Layout, sizes: Any, y: Any) -> Any:
    """Entry of the sum of the rows of block b, without the row itself, at each coordinate, (m, r).

    In the columns of block b one of the rows has its diagonal: not where the column is that of the
    row that was left out.
    """
    block = np.arange(where.blocks)
    row, column = where.row[:, None], where.column[:, None]
    inside = (column == block) & ~where.diagonal[:, None]
    whole = (column == block) & (row != block)
    # Rows that do not have their diagonal there.
    missing = 1.0 * (row == block) + 1.0 * (inside | whole)
    plain = y[where.between[block[None, :], np.broadcast_to(column, missing.shape)]]
    special = y[np.broadcast_to(where.own, missing.shape)]
    number = sizes[None] - _fit(missing, sizes)
    return _fit(1.0 * (inside | whole), sizes) * special + number * plain


def velocity(xp: Namespace, where: Layout, sizes: Any, z: Any, teacher: Any) -> Any:
    r""":math:`-E[\nabla J]` at `z`, in coordinates, (m,): students and teachers of weight 1."""
    learned = gated_sum(xp, where, sizes, z, z, same=True)
    return (gated_sum(xp, where, sizes, z, teacher) - learned) / (2 * xp.pi)


def loss(xp: Namespace, where: Layout, sizes: Any, z: Any, teacher: Any) -> Any:
    r""":math:`J = \tfrac12\sum k(w_i,w_j) - \sum k(w_i,v_k) + \tfrac12\sum k(v_k,v_l)`."""
    students = _kernel_sum(xp, where, sizes, z, z, same=True)
    teachers = _kernel_sum(xp, where, sizes, teacher, teacher, same=True)
    return (students + teachers) / 2 - _kernel_sum(xp, where, sizes, z, teacher)


def _kernel_sum(
    xp: Namespace, where: Layout, sizes: Any, z: Any, y: Any, same: bool = False
) -> Any:
    pair = pairs(xp, where, sizes, z, y)
    h = (xp.pi - pair.theta) * pair.cosine + pair.sine
    total = (others_of(where, sizes) * pair.partner_norms[None] * h).sum(1)
    own = xp.pi if same else (xp.pi - pair.own_theta) * pair.own_cosine + pair.own_sine
    total = total + pair.partner_norms * own
    return (sizes * pair.norms * total).sum(0) / (2 * xp.pi)


def transverse(xp: Namespace, where: Layout, sizes: Any, z: Any, teacher: Any) -> tuple[Any, Any]:
    r"""The Hessian in directions orthogonal to all axes: its diagonal (r,), the rest (r, r).

    Each such direction adds one copy of the (K, K) matrix with :math:`(\pi-\theta_{ij})/2\pi` off
    the diagonal and :math:`\tfrac12 + (\sum_j \sin\theta_{ij}|w_j| -
    \sum_k \sin\theta_{ik}|v_k|)/(2\pi|w_i|)` on it.
    """
    learned = pairs(xp, where, sizes, z, z)
    taught = pairs(xp, where, sizes, z, teacher)
    others = others_of(where, sizes)
    gap = (others * learned.partner_norms[None] * learned.sine).sum(1)
    gap = gap - (others * taught.partner_norms[None] * taught.sine).sum(1)
    gap = gap - taught.partner_norms * taught.own_sine
    return 0.5 + gap / (2 * xp.pi * learned.norms), (xp.pi - learned.theta) / (2 * xp.pi)
