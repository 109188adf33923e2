r"""Critical points that the flow passes by, rather than ends at.

A trajectory slows down where it passes a saddle: the local minima of :math:`|f|` along it are
starts from which Newton's method finds the saddles that the flow visits, those on the boundaries
between basins first. Most minima of :math:`|f|` are no zeros, and only zeros are kept.
"""

from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._outcome import Outcome
from ..catalog import Collector
from ..fields import AbstractField
from ._ends import add_zeros

FOUND_BY = "slow_points"

MOST = 256
"""Most trajectories, whose every step is kept; they are followed `BATCH` at a time."""

BATCH, STEPS = 64, 512

RTOL, ATOL = 1e-4, 1e-6
"""Where a trajectory slows down does not need to be known well."""

AT_REST = 1e-5
"""A trajectory ends where it is slower than this, relative to 1 + |w|."""

NEAR = 1e-2
"""Of slow points this close (relative to the largest entry) one is enough: at rest a trajectory
hovers, and passes many."""

FAR = 1e6
"""Longest time: no trajectory takes so long in so few steps, unless it is at rest."""


def slow_point_search(
    field: AbstractField, collector: Collector, starts: np.ndarray
) -> dict[str, Any]:
    """Run Newton from where trajectories are slowest.

    Args:
        field: the field.
        collector: the points known; what is found is added.
        starts: (n, *shape); the first `MOST` are followed.

    Returns:
        How many trajectories were followed, how many slow points they passed, and how Newton's
        method ended from those.
    """
    chosen = starts[:MOST]
    found = [np.zeros((0, *field.shape))]
    for first in range(0, len(chosen), BATCH):
        some = chosen[first : first + BATCH]
        # Every batch has one size, so that it is compiled once.
        padded = np.pad(some, [(0, BATCH - len(some)), *[(0, 0)] * len(field.shape)], mode="edge")
        states, speeds = (np.asarray(x) for x in _followed(field, jnp.asarray(padded)))
        runs = zip(states[: len(some)], speeds[: len(some)], strict=True)
        found += [w[minima(v[np.isfinite(v)])] for w, v in runs]
    passed = _thinned(np.concatenate(found))
    outcomes = np.zeros(0, np.int8)
    if len(passed):
        # One trajectory may pass a point often, so these are no independent hits.
        outcomes = add_zeros(field, collector, passed, FOUND_BY, hits=False)
    return {
        "trajectories": len(chosen),
        "starts": len(passed),
        "outcomes": Outcome.count(outcomes),
    }


def _thinned(states: np.ndarray) -> np.ndarray:
    """Return one of those states that are near each other."""
    flat = states.reshape(len(states), -1)
    size = NEAR * max(1.0, float(np.abs(flat).max(initial=0.0)))
    return states[np.sort(np.unique(np.round(flat / size), axis=0, return_index=True)[1])]


def minima(values: np.ndarray) -> np.ndarray:
    """Return where a sequence is smaller than before and not larger than after, its end included.

    The first place is none: a start was slow before anything was passed.
    """
    following = np.append(values[2:], np.inf)
    inner = values[1:]
    return 1 + np.flatnonzero((inner < values[:-1]) & (inner <= following[: len(inner)]))


@eqx.filter_jit
def _followed(field: AbstractField, starts: jax.Array) -> tuple[jax.Array, jax.Array]:
    """States (n, steps, *shape) along trajectories, speeds (n, steps); infinite after the end."""

    def speed(w: jax.Array) -> jax.Array:
        return jnp.linalg.norm(field(0.0, w).reshape(-1))

    def at_rest(t, y, args, **_):
        return speed(y) < AT_REST * (1 + jnp.linalg.norm(y.reshape(-1)))

    def follow(w0: jax.Array) -> tuple[jax.Array, jax.Array]:
        solution = dfx.diffeqsolve(
            dfx.ODETerm(lambda t, y, args: field(t, y)),
            dfx.Tsit5(),
            0.0,
            FAR,
            None,
            w0,
            saveat=dfx.SaveAt(steps=True, fn=lambda t, y, args: (y, speed(y))),
            stepsize_controller=dfx.PIDController(rtol=RTOL, atol=ATOL),
            event=dfx.Event(at_rest),
            max_steps=STEPS,
            throw=False,
        )
        kept: Any = solution.ys
        return kept

    return jax.vmap(follow)(starts)
