"""All claims that are checked, in the order of the paper."""

import jax

from .._checks import require_float64
from .._types import Key
from ._claim import Claim
from ._theorem6 import theorem6
from ._theorems import (
    equation16,
    equation69,
    theorem1,
    theorem2,
    theorem7_flow,
    theorem7_saddle,
)


def check_claims(*, key: Key | None = None, samples: int = 1_000_000) -> tuple[Claim, ...]:
    """Check claims of Tian (2017), each by a computation done now.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        samples: Monte Carlo samples for Theorem 1.

    Returns:
        The claims with their verdicts.

    Raises:
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import flowlab as fl
        >>> all(claim.holds for claim in fl.paper.check_claims(samples=100_000))
        True
    """
    require_float64("check_claims")
    keys = jax.random.split(jax.random.key(0) if key is None else key, 5)
    return (
        theorem1(keys[0], samples=samples),
        theorem2(),
        equation16(keys[1]),
        *(theorem6(dim, epsilon) for dim in (2, 10) for epsilon in (0.1, 0.5)),
        *(equation69(K, keys[2]) for K in (2, 5)),
        *(theorem7_flow(K, keys[3]) for K in (2, 5)),
        *(theorem7_saddle(K) for K in (2, 5)),
    )
