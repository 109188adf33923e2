"""Looking for a point where a candidate for a Lyapunov function does not decrease."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import require_float64
from .._types import Key
from ..fields import AbstractField, AbstractRegion, name_of, traced
from ..fields._namespace import JAX

ROUNDING = 1e-12
"""A cosine between the gradient of V and the velocity that is nearer to 0 counts as 0."""

_BATCH = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class LyapunovCheck:
    r"""What a search for a counterexample to :math:`\dot V < 0` came upon.

    Attributes:
        point: the worst point found: the one with the largest `cosine`.
        rate: :math:`\dot V = \langle\nabla V, f\rangle` there.
        cosine: :math:`\dot V/(|\nabla V||f|)` there, from -1 to 1; 0 where the field vanishes.
        holds: whether the search found no counterexample. It proves nothing.
        counterexamples: how many of the samples have :math:`\dot V \ge 0`.
        undecided: how many are too close to 0 to call in floats.
        nonfinite: how many have no finite rate; they are left out.
        samples: how many points of the region were drawn.
        evaluations: of the rate, climbing included.
        candidate: what V is called.

    Example:
        >>> import jax, flowlab as fl
        >>> check = fl.check_lyapunov(
        ...     fl.zoo.double_well(), fl.distance_candidate([1.0, 0.0]),
        ...     fl.BoxRegion([-0.5, -0.5], [0.9, 0.5]), key=jax.random.key(0), samples=500)
        >>> check.holds, bool(check.point[0] < 0), bool(check.rate > 0)
        (False, True, True)
    """

    point: np.ndarray
    rate: float
    cosine: float
    holds: bool
    counterexamples: int
    undecided: int
    nonfinite: int
    samples: int
    evaluations: int
    candidate: str

    def __repr__(self) -> str:
        place = np.array2string(self.point, precision=6, separator=", ").replace("\n", "")
        found = (
            "no counterexample found (not a proof)"
            if self.holds
            else f"counterexample: {self.counterexamples} of the samples, and worse by climbing"
        )
        extra = "".join(
            f"; {count} {what}"
            for count, what in ((self.undecided, "undecided"), (self.nonfinite, "nonfinite"))
            if count
        )
        return (
            f"<LyapunovCheck of V = {self.candidate}: {found}; worst at {place}, dV/dt = "
            f"{self.rate:.6g}, cosine {self.cosine:.3g}; {self.samples} samples, "
            f"{self.evaluations} evaluations{extra}>"
        )


def check_lyapunov(
    field: AbstractField,
    V: Callable[[Any], Any],
    region: AbstractRegion,
    *,
    key: Key,
    samples: int = 10_000,
    climbers: int = 32,
    steps: int = 100,
) -> LyapunovCheck:
    r"""Look for a point of a region where :math:`\dot V = \langle\nabla V, f\rangle \ge 0`.

    Points are drawn from the region; from the worst ones the cosine between :math:`\nabla V` and
    `f` is made larger by gradient ascent inside the region, along its boundary where that is in the
    way. The cosine has the sign of :math:`\dot V` and no scale, so that slow places count as much
    as fast ones. The region should leave out the sink, where :math:`\dot V = 0`.

    It finds most false candidates within seconds and proves none: `prove_lyapunov` does.

    Args:
        field: the field, of any dimension.
        V: the candidate: a JAX function of the state, such as `field.loss`,
            `distance_candidate(point)` or `quadratic_candidate(field, sink)`.
        region: where it should decrease.
        key: random key; sample i uses `fold_in(key, i)`.
        samples: how many points to draw.
        climbers: from how many of the worst to climb.
        steps: of each climb.

    Returns:
        A `LyapunovCheck`; the same key gives the same result.

    Raises:
        ValueError: if V is not a scalar function of the field's states, or too few points drawn for
            the region lie in it.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> V = fl.distance_candidate([1.0, 0.0])
        >>> ring = fl.Difference(fl.BallRegion([1.0, 0.0], 0.9), fl.BallRegion([1.0, 0.0], 0.1))
        >>> check = fl.check_lyapunov(
        ...     fl.zoo.double_well(), V, ring, key=jax.random.key(0), samples=500)
        >>> check.holds, check.counterexamples
        (True, 0)
    """
    require_float64("check_lyapunov")
    _require_scalar(field, V)
    for value, name in ((samples, "samples"), (climbers, "climbers")):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; needed: a positive integer.")
    states = region.sample(key, samples)
    if states.shape[1:] != tuple(field.shape):
        raise ValueError(
            f"the region holds states of shape {states.shape[1:]}; the field has shape "
            f"{tuple(field.shape)}."
        )
    drawn = _all_rates(field, V, states)
    finite = np.isfinite(drawn.rate)
    if not finite.any():
        raise ValueError("dV/dt is finite at none of the samples: V or the field is not.")
    worst = np.argsort(np.where(finite, -drawn.cosine, np.inf), kind="stable")[:climbers]
    worst = worst[finite[worst]]
    starts = np.resize(states[worst], (climbers, *field.shape))
    climbed = np.asarray(_climb(field, V, traced(region), jnp.asarray(starts), steps))
    ends = _all_rates(field, V, climbed)
    points = np.concatenate([states[worst], climbed])
    reached = np.where(np.isfinite(ends.rate), ends.cosine, -2.0)
    cosines = np.concatenate([drawn.cosine[worst], reached])
    rates = np.concatenate([drawn.rate[worst], ends.rate])
    top = int(np.argmax(cosines))
    return LyapunovCheck(
        point=points[top],
        rate=float(rates[top]),
        cosine=float(cosines[top]),
        holds=not cosines[top] > ROUNDING,
        counterexamples=int(np.sum(finite & (drawn.cosine > ROUNDING))),
        undecided=int(np.sum(finite & (np.abs(drawn.cosine) <= ROUNDING))),
        nonfinite=int(np.sum(~finite)),
        samples=samples,
        evaluations=samples + climbers * (2 * steps + 1),
        candidate=name_of(V),
    )


class Rates(NamedTuple):
    """The rate of change of V along the flow, and the cosine of its gradient and the velocity."""

    rate: Any
    cosine: Any


def rates(field: AbstractField, V: Callable[[Any], Any], w: jax.Array) -> Rates:
    """Return the rate and the cosine at one state."""
    slope, velocity = jax.grad(V)(w), field(0.0, w)
    rate = jnp.sum(slope * velocity)
    size = jnp.sqrt(jnp.sum(slope**2)) * jnp.sqrt(jnp.sum(velocity**2))
    return Rates(rate, jnp.where(size > 0, rate / jnp.where(size > 0, size, 1.0), 0.0))


@eqx.filter_jit
def _batch_of_rates(field: Any, V: Any, states: jax.Array) -> Rates:
    return jax.vmap(lambda w: rates(field, V, w))(states)


def _all_rates(field: AbstractField, V: Callable[[Any], Any], states: np.ndarray) -> Rates:
    size = min(_BATCH, len(states))
    padded = np.concatenate([states, np.repeat(states[-1:], -len(states) % size, axis=0)])
    parts = [
        _batch_of_rates(field, V, jnp.asarray(padded[start : start + size]))
        for start in range(0, len(padded), size)
    ]
    rate, cosine = (np.concatenate(values)[: len(states)] for values in zip(*parts, strict=True))
    return Rates(rate, cosine)


@eqx.filter_jit
def _climb(field: Any, V: Any, region: Any, starts: jax.Array, steps: int) -> jax.Array:
    """Return where ascent of the cosine inside the region leads from each start."""

    def cosine(w):
        return rates(field, V, w).cosine

    def one(start):
        def step(state, _):
            w, height, length = state
            up = _unit(jax.grad(cosine)(w))
            out = _unit(jax.grad(lambda v: region.level(JAX, v))(w))
            # Straight up, and along the boundary as far as that is uphill.
            trials = w + length * jnp.stack([up, _unit(up - jnp.sum(up * out) * out)])
            heights = jax.vmap(cosine)(trials)
            inside = jax.vmap(lambda v: region.level(JAX, v))(trials) <= 0
            heights = jnp.where(inside & jnp.isfinite(heights), heights, -2.0)
            best = jnp.argmax(heights)
            better = heights[best] > height
            w, height = (
                jnp.where(better, new, old)
                for new, old in ((trials[best], w), (heights[best], height))
            )
            return (w, height, length * jnp.where(better, 1.5, 0.5)), None

        first = 0.1 * (jnp.sqrt(jnp.sum(start**2)) + 1e-3)
        return jax.lax.scan(step, (start, cosine(start), first), None, length=steps)[0][0]

    return jax.vmap(one)(starts)


def _unit(v: jax.Array) -> jax.Array:
    v = jnp.where(jnp.isfinite(v), v, 0.0)
    size = jnp.sqrt(jnp.sum(v**2))
    return v / jnp.where(size > 0, size, 1.0)


def _require_scalar(field: AbstractField, V: Callable[[Any], Any]) -> None:
    given = jax.eval_shape(V, jax.ShapeDtypeStruct(tuple(field.shape), jnp.result_type(float)))
    if getattr(given, "shape", None) != ():
        raise ValueError(
            f"V returns {given!r} for a state of shape {tuple(field.shape)}; needed: a scalar."
        )
