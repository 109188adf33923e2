r"""Newton's method kept away from the orbits that are known already.

With invariants :math:`q` of the symmetry and the known points :math:`w_i`, the zeros of

.. math:: g(w) = \prod_i\Bigl(1 + \frac{\rho^2}{|q(w)-q(w_i)|^2}\Bigr)\,f(w)

are those of :math:`f` that are on no known orbit: every image of a known point is a pole, so that
an iteration that would end there ends elsewhere (Farrell, Birkisson and Funke 2015, SIAM J. Sci.
Comput. 37, A2026, with the distance of invariants in place of the distance of states).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..critical import newton_search
from ..fields import AbstractField
from ..symmetry import RelabelingGroup, SignedPermutations, TrivialGroup
from ._ends import add_ends

FOUND_BY = "deflation"

REACH = 0.1
"""The factor is 2 where the invariants are that far from a known point's."""

ROUND = 64
"""Starts between two looks at what has been found."""

FAR = 1e30
"""Invariants of no point."""


class Overlaps(eqx.Module):
    """Sums of powers of the overlaps of students with unit teachers and with each other."""

    unit: jax.Array

    def __call__(self, w: jax.Array) -> jax.Array:
        """Return the invariants of a state (K, d), which no relabeling and no rotation changes."""
        across, within = w @ self.unit.T, w @ w.T
        odd = [jnp.sum(across), jnp.sum(across**3)]
        return jnp.stack([*odd, jnp.trace(within), jnp.sum(across**4), jnp.sum(within**2)])


class Powers(eqx.Module):
    """Sums of even powers of the entries."""

    def __call__(self, w: jax.Array) -> jax.Array:
        """Return the invariants of a vector, which no signed permutation changes."""
        return jnp.stack([jnp.sum(w**2), jnp.sum(w**4), jnp.sum(w**6)])


class Entries(eqx.Module):
    """The entries themselves."""

    def __call__(self, w: jax.Array) -> jax.Array:
        """Return the flat state."""
        return w.reshape(-1)


class Loss(eqx.Module):
    """The loss."""

    field: AbstractField

    def __call__(self, w: jax.Array) -> jax.Array:
        """Return the loss of a state, (1,)."""
        return self.field.loss(w)[None]  # type: ignore[attr-defined]


def invariants_of(field: AbstractField) -> Callable[[jax.Array], jax.Array] | None:
    """Return functions of a state that tell orbits apart and that no symmetry changes, if any."""
    group = field.symmetry
    if isinstance(group, TrivialGroup):
        return Entries()
    if isinstance(group, SignedPermutations):
        return Powers()
    if isinstance(group, RelabelingGroup):
        return Overlaps(jnp.asarray(group.stabilizer.unit))
    return Loss(field) if field.has_loss else None


class Deflated(AbstractField):
    """A field times a factor that is infinite on the known orbits.

    Args:
        base: the field.
        invariants: what tells orbits apart.
        known: invariants of the known points, (n, m).
    """

    base: AbstractField
    invariants: Callable[[jax.Array], jax.Array]
    known: jax.Array
    shape: tuple[int, ...]

    def __init__(
        self, base: AbstractField, invariants: Callable[[jax.Array], jax.Array], known: np.ndarray
    ):
        self.base, self.invariants = base, invariants
        self.known, self.shape = jnp.asarray(known), base.shape

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return the velocity of the field times the factor."""
        return jnp.exp(self._logarithm(w)) * self.base(t, w, args)

    def jacobian(self, w: jax.Array) -> jax.Array:
        """Return the derivative, from those of the field and of the factor."""
        logarithm, slope = jax.value_and_grad(self._logarithm)(w)
        axes = (..., *[None] * w.ndim)
        along = self.base(0.0, w)[axes] * slope
        return jnp.exp(logarithm) * (self.base.jacobian(w) + along)

    def _logarithm(self, w: jax.Array) -> jax.Array:
        gaps = jnp.sum((self.invariants(w) - self.known) ** 2, axis=-1)
        # Not infinite at a known point itself, where the field is zero.
        return jnp.sum(jnp.log1p(REACH**2 / jnp.maximum(gaps, 1e-24)))


def deflation_search(
    field: AbstractField, collector: Collector, starts: np.ndarray
) -> dict[str, Any]:
    """Run deflated Newton from many starts; what a round finds is deflated in the next.

    Args:
        field: the field.
        collector: the points known; what is found is added.
        starts: (n, *field.shape).

    Returns:
        How many starts there were, and how they ended.
    """
    invariants = invariants_of(field)
    if invariants is None:
        return {"starts": 0, "outcomes": {}, "skipped": "no invariants of its symmetry are known"}
    outcomes: list[np.ndarray] = []
    seen = eqx.filter_jit(invariants)
    for first in range(0, len(starts), ROUND):
        known = [np.asarray(seen(jnp.asarray(p.location))) for p in collector.points]
        result = newton_search(
            Deflated(field, invariants, _padded(known)), starts[first : first + ROUND]
        )
        ends = np.asarray(result.state)
        # What the factor has made small or large is judged by the field itself.
        residuals = np.array([float(np.abs(field(0.0, jnp.asarray(w))).max()) for w in ends])
        outcomes.append(add_ends(field, collector, ends, residuals, FOUND_BY))
    return {"starts": len(starts), "outcomes": Outcome.count(np.concatenate(outcomes))}


def _padded(known: list[np.ndarray]) -> np.ndarray:
    """The invariants and those of no point, up to a power of two: each number is compiled for."""
    width = 1 << max(3, (len(known) - 1).bit_length())
    size = len(known[0]) if known else 1
    rows = np.full((width, size), FAR)
    rows[: len(known)] = np.array(known).reshape(-1, size)
    return rows
