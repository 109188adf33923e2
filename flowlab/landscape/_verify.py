"""Connections checked by another integrator: SciPy's DOP853 at its tightest tolerance."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np
import scipy

from .._checks import require_float64
from ..catalog import Catalog, Connection
from ..critical import refine
from ..fields import AbstractField
from ._trace import Departure, departures, trace_record
from ._verification import Verification, VerifiedConnection

RTOL = 1e-12
"""Relative tolerance of a step of DOP853; its absolute one is a hundredth of that."""

REST = 1e-9
"""The trajectory has arrived when no entry of the field is larger than this, relative to the
largest eigenvalue there and to the size of the state, or 1."""

AT_REST = 1e-4
"""It must then be this close to the critical point."""

PATIENCE = 20.0
"""A trajectory gets so many times the recorded time, and at least `LEAST`."""

LEAST = 1e3

RISE = 1e-13
"""The loss may rise by this much from one step to the next (relative to its size, or to 1):
rounding of its evaluation."""


def verify_connections(
    field: AbstractField,
    catalog: Catalog,
    *,
    rtol: float = RTOL,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Verification:
    r"""Follow every connection of a catalog again, with SciPy's integrator instead of ours.

    Each starts beside its saddle in the recorded direction and is integrated by `DOP853`,
    absolute tolerance a hundredth of `rtol`, until it rests. (One that starts in a
    fixed subspace is integrated in coordinates of that subspace, which holds the exact trajectory.)
    What Newton's method makes of the end must be the recorded image of the recorded target, and the
    loss must decrease from step to step.

    Args:
        field: the field.
        catalog: critical points with `connections` from `trace_connections`.
        rtol: relative tolerance of a step.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Verification`, which prints as a table. A connection that fails is a row of it.

    Raises:
        ValueError: if the catalog does not say in which directions its connections were traced.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> field = fl.zoo.muller_brown()
        >>> catalog = fl.find_critical_points(field, key=jax.random.key(0), starts=100)
        >>> report = fl.verify_connections(field, fl.trace_connections(field, catalog))
        >>> report.ok, len(report.rows)
        (True, 4)
    """
    require_float64("verify_connections")
    record = trace_record(catalog)
    starts: dict[tuple[str, int, int], Departure] = {}
    for point in catalog:
        for departure in departures(field, point, record["key"], record["samples"]):
            direction = departure.direction
            starts[point.id, direction.side, direction.number] = departure
    meter = dfx.NoProgressMeter() if progress_meter is None else progress_meter
    state = meter.init()
    functions = _on_host(field)
    rows = []
    for number, link in enumerate(catalog.connections):
        start = starts.get((link.source, link.side, link.direction))
        rows.append(_verified(field, functions, catalog, link, start, rtol))
        state = meter.step(state, jnp.asarray((number + 1) / len(catalog.connections)))
    meter.close(state)
    return Verification(tuple(rows), rtol)


def _verified(
    field: AbstractField,
    functions: "_Functions",
    catalog: Catalog,
    link: Connection,
    start: Departure | None,
    rtol: float,
) -> VerifiedConnection:
    nan = float("nan")
    if start is None:
        why = "no such direction at its source"
        return VerifiedConnection(link, None, None, nan, nan, nan, 0, why)
    scale = max(1.0, float(np.abs(catalog[link.target].eigenvalues).max()))
    patience = max(LEAST, PATIENCE * link.time)
    run = _follow(field, functions, start.start, scale, patience, rtol)
    target, image, distance = _identified(field, catalog, run.end)
    message = run.message
    if not message and (target is None or distance > AT_REST):
        message = "it ends at no point of the catalog"
    elif not message and (target, image) != (link.target, link.image):
        message = f"it ends at {target} {image}"
    elif not message and run.rise > RISE:
        message = "the loss rises along it"
    return VerifiedConnection(
        link, target, image, distance, run.rise, run.time, run.evaluations, message
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
    end: np.ndarray
    rise: float
    time: float
    evaluations: int
    message: str


def _follow(
    field: AbstractField,
    functions: "_Functions",
    start: np.ndarray,
    scale: float,
    patience: float,
    rtol: float,
) -> _Run:
    """Integrate until the field is at rest, in coordinates of the subspace that holds the start."""
    basis = None
    if not bool(field.surely_generic(start[None])[0]):
        basis = field.invariant_basis(start)
    rows = np.eye(field.size) if basis is None else basis
    velocity = functions.velocity

    def state(y: np.ndarray) -> np.ndarray:
        return (y @ rows).reshape(field.shape)

    def moved(_: float, y: np.ndarray) -> np.ndarray:
        return rows @ velocity(state(y)).reshape(-1)

    def at_rest(_: float, y: np.ndarray) -> float:
        w = state(y)
        return np.abs(velocity(w)).max() - REST * scale * max(1.0, np.abs(w).max())

    at_rest.terminal = True  # type: ignore[attr-defined]
    at_rest.direction = -1  # type: ignore[attr-defined]
    found = scipy.integrate.solve_ivp(
        moved,
        (0.0, patience),
        rows @ start.reshape(-1),
        method="DOP853",
        rtol=rtol,
        atol=rtol / 100,
        events=at_rest,
    )
    states = [state(y) for y in found.y.T]
    message = "" if found.status == 1 else "it does not come to rest"
    rise = _largest_rise([functions.loss(w) for w in states]) if field.has_loss else float("nan")
    return _Run(states[-1], rise, float(found.t[-1]), int(found.nfev), message)


def _largest_rise(losses: list[float]) -> float:
    values = np.array(losses)
    rises = np.diff(values) / np.maximum(1.0, np.abs(values[1:]))
    return max(0.0, float(rises.max(initial=0.0)))


class _Functions(NamedTuple):
    velocity: Callable[[np.ndarray], np.ndarray]
    loss: Callable[[np.ndarray], float]


def _on_host(field: Any) -> _Functions:
    """The field and its loss as compiled functions of NumPy arrays."""
    # A closure: handing the field in at each call would cost more than evaluating it.
    velocity, loss = jax.jit(lambda w: field(0.0, w)), jax.jit(lambda w: field.loss(w))
    return _Functions(lambda w: np.asarray(velocity(w)), lambda w: float(loss(w)))


def _identified(
    field: AbstractField, catalog: Catalog, end: np.ndarray
) -> tuple[str | None, str | None, float]:
    """The point and the image where a trajectory came to rest, and how far from it that was."""
    refined = refine(field, end, throw=False)
    place = np.asarray(refined.location)
    distance = float(np.abs(place - end).max())
    merged = field.representative(place)
    for point in catalog:
        element = field.symmetry.match(point.location, merged)
        if element is not None:
            return point.id, field.symmetry.image_name(element, point.location), distance
    return None, None, float("nan")
