"""Points of the boundary between basins, by section of segments."""

import dataclasses
from typing import Any

import diffrax as dfx
import numpy as np

from .._checks import as_states, require_float64
from ..catalog import Catalog
from ..fields import AbstractField
from ._bracket import Bracket, section
from ._sides import ESCAPED, UNDECIDED, Sides


@dataclasses.dataclass(frozen=True, eq=False)
class SeparatrixPoint:
    r"""What `separatrix_point` returns: for one segment scalars and a state, for many arrays.

    Attributes:
        parameter: s in [0, 1] where the segment :math:`a + s(b - a)` leaves the basin of `a`.
        location: (\*shape), the state there.
        width: width of the bracket in s: the starts at its two ends flow to different points.
        inner: (\*shape), the end of the bracket in the basin of `a`.
        outer: (\*shape), its other end.
        point: (2,), indices into `catalog.points` of what `inner` and `outer` flow to, -1 for one
            that escapes.
        image: (2,), indices into `images`, -1 for one that escapes.
        third: whether `outer` does not flow where `b` does: a third basin lies between.
        basins: how many different destinations were met on the segment.
        converged: whether the bracket is as narrow as was asked.
        evaluations: evaluations of the field, for all segments together.
        images: the group elements that `image` counts, as in an `Ensemble`.
        catalog: the critical points given and met.

    Example:
        >>> import flowlab as fl
        >>> found = fl.separatrix_point(fl.zoo.double_well(), [1.0, 0.5], [-1.0, 0.5])
        >>> bool(abs(found.location[0]) < 1e-9)
        True
    """

    parameter: Any
    location: np.ndarray
    width: Any
    inner: np.ndarray
    outer: np.ndarray
    point: np.ndarray
    image: np.ndarray
    third: Any
    basins: Any
    converged: Any
    evaluations: int
    images: tuple[Any, ...]
    catalog: Catalog

    def __repr__(self) -> str:
        if np.ndim(self.parameter):
            done = int(np.sum(self.converged))
            return f"<SeparatrixPoint of {len(self.parameter)} segments, {done} converged>"
        sides = " | ".join("infinity" if p < 0 else self.catalog[int(p)].id for p in self.point)
        return f"<SeparatrixPoint: {sides} at s = {self.parameter:.10g} ± {self.width / 2:.2g}>"


def separatrix_point(
    field: AbstractField,
    a: Any,
    b: Any,
    *,
    tol: float = 1e-10,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-12,
    atol: float = 1e-14,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    throw: bool = True,
) -> SeparatrixPoint:
    r"""Find where the segment from `a` to `b` leaves the basin of `a`.

    The segment :math:`a + s(b - a)` is divided until a start that flows where `a` does and one that
    flows elsewhere are `tol` apart in s. Many segments are divided together, several starts on each
    at a time. Symmetric images of one point are different destinations, and infinity is one too.

    If the segment crosses more than one boundary, the result is a crossing out of the basin of `a`,
    not always the first; `third` says when it does not lead into the basin of `b`. Starts on the
    segment that reach no attractor, because they lie on the boundary itself (exactly, by symmetry,
    or so closely that the integrator cannot tell), are neither side's; the bracket contains them.

    How well the boundary of the *computed* flow agrees with the true one depends on the solver's
    tolerances, which are therefore tighter here than elsewhere.

    Args:
        field: the field.
        a: a start of `field.shape`, or many, (n, *shape), float64.
        b: a start that settles elsewhere, or many; one start goes with many on the other side.
        tol: width of the final bracket in s.
        catalog: critical points already known; they keep their ids.
        solver: an adaptive diffrax solver; the default of `settle` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        escape_radius: as in `settle`.
        throw: raise if two starts do not settle on different points; otherwise `converged` is false
            and `parameter` NaN for them.

    Returns:
        A `SeparatrixPoint`.

    Raises:
        ValueError: on bad input, or with `throw` if the two ends of a segment settle on the same
            point, or one of them on none.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> plane = fl.theorem7_plane(3)
        >>> on = fl.separatrix_point(plane, np.array([0.9, 0.2]), np.array([0.1, 0.3]))
        >>> bool(abs(on.location[0] - on.location[1]) < 1e-10), bool(on.third)
        (True, False)
    """
    require_float64("separatrix_point")
    if not 0 < tol < 1:
        raise ValueError(f"tol is {tol!r}; needed: a width between 0 and 1.")
    first, second, single = _ends(field, a, b)
    options = dict(solver=solver, rtol=rtol, atol=atol, max_steps=max_steps)
    follow = Sides(field, catalog, escape_radius=escape_radius, **options)
    near, far = np.split(follow(np.concatenate([first, second])), 2)
    problem = (near == far) | (near == UNDECIDED) | (far == UNDECIDED)
    if throw and problem.any():
        raise ValueError(complaint(follow, near, far, single=single))
    good = np.flatnonzero(~problem)
    bracket = section(
        follow, first[good], second[good], near[good], far[good], np.full(len(good), tol)
    )
    return _result(follow, first, second, near, far, good, bracket, tol, single)


def _ends(field: AbstractField, a: Any, b: Any) -> tuple[np.ndarray, np.ndarray, bool]:
    """The two ends as arrays (n, *shape), and whether there was only one segment."""
    rank = len(field.shape)
    single = np.ndim(a) == rank and np.ndim(b) == rank
    ends = [np.asarray(end)[None] if np.ndim(end) == rank else end for end in (a, b)]
    first, second = (
        np.asarray(as_states(field.shape, end, name))
        for end, name in zip(ends, ("a", "b"), strict=True)
    )
    counts = {len(first), len(second)} - {1}
    if len(counts) > 1 or 0 in counts:
        raise ValueError(
            f"a has {len(first)} starts and b {len(second)}; needed: as many of one as of the "
            "other, or a single one on one side."
        )
    count = max(len(first), len(second))
    shape = (count, *field.shape)
    return np.broadcast_to(first, shape), np.broadcast_to(second, shape), single


def complaint(follow: Sides, near: np.ndarray, far: np.ndarray, *, single: bool) -> str:
    """Say what the ends of the first segment without two basins settle on."""
    problem = np.flatnonzero((near == far) | (near == UNDECIDED) | (far == UNDECIDED))
    i = int(problem[0])
    which = "" if single else f" of segment {i} (of {len(problem)} such)"
    if near[i] == far[i] != UNDECIDED:
        return (
            f"both ends{which} flow to the same place, {follow.describe(near[i])}: there may be no "
            "boundary between them. Choose ends in different basins (`basin_map` shows them)."
        )
    end, label = ("a", near[i]) if near[i] == UNDECIDED else ("b", far[i])
    return (
        f"the end {end}{which} flows to {follow.describe(label)}: it lies on a boundary itself, or "
        "it did not settle (`settle` tells its outcome). Move it, or raise `max_steps`."
    )


def _result(
    follow: Sides,
    first: np.ndarray,
    second: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    good: np.ndarray,
    bracket: Bracket,
    tol: float,
    single: bool,
) -> SeparatrixPoint:
    count, ends = len(first), np.stack([near, far], -1)
    parameters = np.full((3, count), np.nan)
    parameters[:, good] = bracket.middle, bracket.low, bracket.high
    ends[good, 1] = bracket.far
    width = parameters[2] - parameters[1]
    met = np.array([len({one, other}) for one, other in ends])
    met[good] = [len(labels) for labels in bracket.met]
    s = parameters.reshape(3, count, *(1,) * (first.ndim - 1))
    middle, inner, outer = first + s * (second - first)
    point, image, images = numbering(follow, ends)
    values = dict(
        parameter=parameters[0],
        location=middle,
        width=width,
        inner=inner,
        outer=outer,
        point=point,
        image=image,
        third=(ends[:, 1] != far),
        basins=met,
        converged=width <= tol,
    )
    if single:
        values = {name: value[0] for name, value in values.items()}
    assert follow.catalog is not None
    return SeparatrixPoint(
        **values, evaluations=follow.evaluations, images=images, catalog=follow.catalog
    )


def numbering(follow: Sides, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[Any, ...]]:
    """Labels as points of the catalog and images, in the manner of an `Ensemble`.

    Args:
        follow: what gave the labels.
        labels: of any shape.

    Returns:
        Indices of points and of images, of the shape of `labels`, -1 where there is none; and the
        group elements that the latter count.
    """
    point, image = np.full(labels.shape, -1), np.full(labels.shape, -1)
    images: list[Any] = []
    for number in np.unique(labels[labels > ESCAPED]).tolist():
        destination = follow.destinations[number]
        names = [str(element) for element in images]
        if str(destination.element) not in names:
            names.append(str(destination.element))
            images.append(destination.element)
        point[labels == number] = destination.point
        image[labels == number] = names.index(str(destination.element))
    return point, image, tuple(images)
