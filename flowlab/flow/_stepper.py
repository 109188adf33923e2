"""One trial step for a batch of lanes: by an explicit tableau, or by any diffrax solver.

States are (size, n): with the lanes last, XLA's loops vectorise over them whatever the size. The
stages of an explicit method are written out, so that each adds up no more slopes than there are,
and compiled apart: fused, every stage would compute all stages before it again. diffrax's own step,
which serves every kind of method, takes about 25 ns more an evaluation and lane.
"""

import abc
import functools as ft
from collections.abc import Callable
from typing import Any, cast

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx

from .._kernel import apart
from .._types import ArrayLike
from ..fields import AbstractField
from ._method import Method

Velocity = Callable[[jax.Array], jax.Array]


class AbstractStepper(eqx.Module):
    """How trial steps are taken; memory is what a method keeps between steps."""

    @abc.abstractmethod
    def begin(self, w: jax.Array) -> Any:
        """Return the memory of lanes at `w` (size, n) that have taken no step."""

    @abc.abstractmethod
    def step(self, w: jax.Array, h: jax.Array, memory: Any) -> tuple[Any, Any, Any, Any]:
        """Try a step: state, error, memory, and whether the method itself succeeded (n,)."""

    @abc.abstractmethod
    def choose(self, mask: jax.Array, new: Any, old: Any) -> Any:
        """Return the memory of each lane: `new` where the mask (n,) is true."""


class ExplicitStepper(AbstractStepper):
    """An explicit Runge-Kutta method whose last stage is the first of the next step."""

    velocity: Velocity
    tableau: dfx.ButcherTableau

    @staticmethod
    def fits(solver: Any) -> bool:
        """Whether `solver` is such a method."""
        tableau = getattr(solver, "tableau", None)
        explicit = isinstance(solver, dfx.AbstractERK)
        return explicit and isinstance(tableau, dfx.ButcherTableau) and bool(tableau.fsal)

    def begin(self, w):
        """Return the first stage."""
        return apart(self.velocity, w)

    def step(self, w, h, memory):
        """Take the stages; the last row of the tableau is the solution itself."""
        y, slopes = w, [memory]
        for row in self.tableau.a_lower:
            y = apart(ft.partial(_combine, _used(row)), w, h, slopes)
            slopes.append(apart(self.velocity, y))
        error = ft.partial(_combine, _used(self.tableau.b_error), None)
        return y, apart(error, h, slopes), slopes[-1], jnp.ones(h.shape, bool)

    def choose(self, mask, new, old):
        """Choose between stages."""
        return jnp.where(mask, new, old)


class DiffraxStepper(AbstractStepper):
    """Any adaptive diffrax solver, one lane at a time under `vmap`."""

    term: dfx.AbstractTerm
    solver: dfx.AbstractSolver
    projector: ArrayLike | None

    def begin(self, w):
        """Return the solver's initial states."""
        return jax.vmap(self._begin, (-1, -1))(w, self.projector)

    def _begin(self, w, projector):
        return self.solver.init(self.term, 0.0, 0.0, w, projector)

    def step(self, w, h, memory):
        """Let the solver step."""
        return jax.vmap(self._step, (-1, 0, 0, -1), (-1, -1, 0, 0))(w, h, memory, self.projector)

    def _step(self, w, h, memory, projector):
        zero = jnp.zeros_like(h)
        w1, error, _, after, result = self.solver.step(
            self.term, zero, h, w, projector, memory, False
        )
        return w1, error, after, result == dfx.RESULTS.successful

    def choose(self, mask, new, old):
        """Choose between the solver's states."""
        return jax.tree.map(
            lambda a, b: jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old
        )


def _used(weights: Any) -> tuple[tuple[int, float], ...]:
    """Return the weights that are not 0, with their places."""
    return tuple((place, float(weight)) for place, weight in enumerate(weights) if weight)


def _combine(weights, w, h, slopes):
    """Return `w + h sum_i c_i k_i`, or the second term alone."""
    change = h * sum(weight * slopes[place] for place, weight in weights)
    return change if w is None else w + change


def batch_velocity(field: AbstractField, projector: ArrayLike | None) -> Velocity:
    """Return the field on batches (size, n), projected on each lane's invariant subspace."""

    def velocity(w: jax.Array) -> jax.Array:
        value = field.batch(w.reshape(*field.shape, -1)).reshape(w.shape)
        return value if projector is None else jnp.einsum("ijn,jn->in", projector, value)

    return velocity


def _with_tolerances(method: Method) -> dfx.AbstractSolver:
    """Return the solver with the tolerances that its root finder takes from the step control.

    `diffeqsolve` does the same; until then they hold a placeholder that is no number.
    """
    solver = method.solver
    if not isinstance(solver, dfx.AbstractImplicitSolver):
        return solver
    given = {"rtol": method.rtol, "atol": method.atol, "norm": optx.rms_norm}
    finder = solver.root_finder
    open_names = [
        name
        for name in given
        if not callable(getattr(finder, name))
        and not isinstance(getattr(finder, name), int | float | jax.Array | np.ndarray)
    ]
    return eqx.tree_at(
        lambda s: [getattr(s.root_finder, name) for name in open_names],
        solver,
        [given[name] for name in open_names],
    )


def stepper_of(
    field: AbstractField, method: Method, projector: ArrayLike | None
) -> AbstractStepper:
    """Return the stepper of a method for the lanes of `projector` (size, size, n)."""
    solver = _with_tolerances(method)
    if ExplicitStepper.fits(solver):
        tableau = cast(dfx.AbstractERK, solver).tableau
        assert isinstance(tableau, dfx.ButcherTableau)
        return ExplicitStepper(batch_velocity(field, projector), tableau)

    def vf(t, w, lane_projector):
        value = field(t, w.reshape(field.shape), None).reshape(w.shape)
        return value if lane_projector is None else lane_projector @ value

    return DiffraxStepper(dfx.ODETerm(vf), solver, projector)
