"""One round of integration for a bucket of lanes, and the verdict on where they stand."""

from typing import NamedTuple

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp

from ..fields import AbstractField
from ._method import SETTLED, Method, first_step, term_of

ROUND = 16
"""Steps in a round: enough that a round costs more than its overhead, few enough that a lane that
has settled does not go on for long."""

SINGULAR = 1e-8
"""A lane this close to a singularity of the field (relative) has reached it."""


class Verdict(NamedTuple):
    """How a lane stands.

    `movement` is the distance of one step in units of the settling threshold: below 1 the lane is
    a candidate. Measured per step it needs no time scale: around a sink an explicit method hovers
    with steps at its stability limit, moving by a few times the error of a step.
    """

    movement: jax.Array
    finite: jax.Array
    singular: jax.Array
    norm: jax.Array


class Lanes(NamedTuple):
    """The state of a bucket of lanes between rounds."""

    w: jax.Array
    dt: jax.Array
    """The next step; 0 for a lane that has not begun."""
    time: jax.Array
    rest: jax.Array
    """Time since which the lane has not moved by more than the threshold."""
    steps: jax.Array


def judge(
    field: AbstractField, method: Method, w: jax.Array, dt: jax.Array, projector: jax.Array | None
) -> Verdict:
    """Return the verdict on one state with next step `dt`."""
    velocity = term_of(field).vf(0.0, w, projector)
    movement = jnp.max(jnp.abs(velocity)) * dt / (SETTLED * method.noise(w))
    finite = jnp.all(jnp.isfinite(w)) & jnp.isfinite(movement)
    singular = field.distance_to_singularity(w) < SINGULAR
    return Verdict(movement, finite, singular, jnp.sqrt(jnp.sum(w**2)))


@eqx.filter_jit
def advance(
    field: AbstractField, method: Method, lanes: Lanes, projector: jax.Array | None
) -> tuple[Lanes, Verdict]:
    """Take `ROUND` steps in every lane of a bucket.

    The controller has no memory but its next step, and diffrax's explicit solvers none but the last
    stage, so a lane is continued from `(w, dt)` alone and one compilation serves all rounds.

    Args:
        field: the field.
        method: solver and tolerances.
        lanes: the lanes, leading axis n.
        projector: `None`, or (n, size, size): the invariant subspace of each lane.

    Returns:
        The lanes after the round and the verdicts on them.
    """

    def one(lane: Lanes, projector: jax.Array | None) -> tuple[Lanes, Verdict]:
        dt = jnp.where(lane.dt > 0, lane.dt, first_step(field, lane.w))
        solution = dfx.diffeqsolve(
            term_of(field),
            method.solver,
            0.0,
            jnp.inf,
            dt,
            lane.w,
            projector,
            stepsize_controller=method.controller,
            max_steps=ROUND,
            throw=False,
            saveat=dfx.SaveAt(t1=True, controller_state=True),
            adjoint=dfx.ForwardMode(),
        )
        memory = solution.controller_state
        assert solution.ys is not None and solution.ts is not None and memory is not None
        w, moving = solution.ys[0], memory.moving_until
        after = Lanes(
            w,
            memory.next_step,
            lane.time + solution.ts[0],
            jnp.where(moving > 0, lane.time + moving, lane.rest),
            lane.steps + solution.stats["num_steps"],
        )
        return after, judge(field, method, w, memory.next_step, projector)

    return jax.vmap(one)(lanes, projector)
