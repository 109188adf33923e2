r"""The derivative of the gradient on matrices of blocks, along a tangent, in closed form.

With :math:`F(e, u) = [(\pi-\theta)u + |u|\sin\theta\,e]/2\pi` and the unit vectors p and q of the
parts of u orthogonal to w and of w orthogonal to u (see `_relu.gating_jacobians`),

.. math::
    2\pi\,\partial_uF\,\delta u = (\pi-\theta)\delta u + \sin\theta\,[p\,(q\cdot\delta u)
    + e\,(f\cdot\delta u)], \qquad
    2\pi\,\partial_wF\,\delta w = \tfrac{|u|\sin\theta}{|w|}
    [\delta w - e\,(e\cdot\delta w) + p\,(p\cdot\delta w)] .

All terms are continuous where students and teachers are aligned or opposite, so that balls enclose
them there, which derivatives of angles by themselves do not allow. The tangent is in the family:
all members of a block, as seen from a student, move alike, and sums over them are sums over blocks.
"""

from typing import Any

import numpy as np

from ._blocks import Layout, Namespace, metric_of, others_of, pairs, sums_of_rows


def velocity_along(
    xp: Namespace, where: Layout, sizes: Any, z: Any, teacher: Any, tangent: Any
) -> Any:
    """The derivative of `_blocks.velocity` at `z` along a tangent of the family, (m,)."""
    taught = _gated_along(xp, where, sizes, z, teacher, tangent, same=False)
    learned = _gated_along(xp, where, sizes, z, z, tangent, same=True)
    return (taught - learned) / (2 * xp.pi)


def _gated_along(
    xp: Namespace, where: Layout, sizes: Any, z: Any, y: Any, tangent: Any, same: bool
) -> Any:
    """That of `_blocks.gated_sum`; `same`: the point `y` is `z`, and moves as well."""
    pair, metric = pairs(xp, where, sizes, z, y), metric_of(where, sizes)
    row, others = where.row, others_of(where, sizes)
    e, change = z[where.first] / pair.norms[:, None], tangent[where.first]
    f = y[where.partner] / pair.partner_norms[None, :, None]
    direction = z / pair.norms[row]
    across = tangent - (metric * e * change).sum(1)[row] * direction
    p = xp.unit(f - pair.cosine[..., None] * e[:, None], pair.sine)
    along_p = (metric * p * change[:, None]).sum(2)
    lever = pair.partner_norms[None] * pair.sine / pair.norms[:, None]
    parts = _sums_of_parts(xp, where, sizes, y, pair, direction)
    total = (others * lever).sum(1)[row] * across + ((lever * along_p)[row] * parts).sum(1)
    if same:
        moved = tangent[where.partner]
        q = xp.unit(e[:, None] - pair.cosine[..., None] * f, pair.sine)
        along_q, along_f = (metric * q * moved).sum(2), (metric * f * moved).sum(2)
        turned = ((pair.sine * along_q)[row] * parts).sum(1)
        turned = turned + (others * pair.sine * along_f).sum(1)[row] * direction
        mass = (xp.pi - pair.theta)[row]
        return (
            total + turned + (mass * sums_of_rows(where, sizes, tangent)).sum(1) + xp.pi * tangent
        )
    facing = y[where.first] / pair.partner_norms[:, None]
    own = xp.unit(facing - pair.own_cosine[:, None] * e, pair.own_sine)
    part = y / pair.partner_norms[row] - pair.own_cosine[row] * direction
    own_part = xp.unit(part[:, None], pair.own_sine[row])[:, 0]
    own_lever = (pair.partner_norms * pair.own_sine / pair.norms)[row]
    return total + own_lever * (across + own_part * (metric * own * change).sum(1)[row])


def _sums_of_parts(
    xp: Namespace, where: Layout, sizes: Any, y: Any, pair: Any, direction: Any
) -> Any:
    """Entries of the sums of the unit vectors p of a student with the others of a block, (m, r)."""
    row = where.row
    count = others_of(where, sizes)[row]
    parts = sums_of_rows(where, sizes, y) / pair.partner_norms[None]
    parts = parts - count * pair.cosine[row] * direction[:, None]
    # No entry of a unit vector is above 1, and there are no more of them than this.
    most = np.abs(sizes)[None] + 3.0
    return xp.unit((parts / most)[..., None], pair.sine[row])[..., 0] * most
