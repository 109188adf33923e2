"""The uncertainty exponent: how much better starts must be known to predict where they go."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import diffrax as dfx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import require_float64
from .._types import Key
from ..catalog import Catalog
from ..fields import AbstractField, Plane
from ._labelled import as_labels, blocks, crop, fill
from ._scaling import Slope, fit_binomial, fit_tiles, local_slopes
from ._sides import Sides

TILES = 8
"""A map is cut into this many tiles along each axis, to see how its parts differ."""


@dataclasses.dataclass(frozen=True, eq=False)
class UncertaintyExponent:
    r"""What `uncertainty_exponent` returns.

    Attributes:
        exponent: :math:`\alpha`; 1 for smooth boundaries, less for fractal ones.
        lower: lower end of its interval.
        upper: upper end of its interval.
        level: confidence level of the interval.
        radii: (m,), the :math:`\varepsilon`; in cells for maps.
        hits: (m,), starts that were uncertain.
        trials: (m,), starts looked at.
        undecided: starts left out because one of the three belongs to no basin; for maps, cells
            without a basin, which were given to the nearest.
        ambient: dimension of the space that the starts fill.
        dispersion: how much the fractions scatter about the law, relative to chance (for maps, to
            what the variation between its parts explains): far above 1, there is no power law over
            these radii. The interval takes it into account.

    Example:
        >>> import jax, numpy as np, flowlab as fl
        >>> half = lambda z: (z[:, 0] > 0.1).astype(int)
        >>> fit = fl.uncertainty_exponent(half, x=(-1, 1), y=(-1, 1), key=jax.random.key(0))
        >>> bool(fit.lower < 1 < fit.upper)
        True
    """

    exponent: float
    lower: float
    upper: float
    level: float
    radii: np.ndarray
    hits: np.ndarray
    trials: np.ndarray
    undecided: int
    ambient: int
    dispersion: float

    @property
    def fractions(self) -> np.ndarray:
        r"""(m,), :math:`f(\varepsilon)`."""
        return self.hits / self.trials

    @property
    def local_exponents(self) -> np.ndarray:
        """(m - 1,), exponents between neighbouring radii."""
        return local_slopes(self.radii, self.fractions)

    @property
    def dimension(self) -> tuple[float, float, float]:
        """Dimension of the boundary in the space of starts: (d, lower end, upper end)."""
        ambient = self.ambient
        return ambient - self.exponent, ambient - self.upper, ambient - self.lower

    def __repr__(self) -> str:
        return (
            f"<UncertaintyExponent {self.exponent:.4f} [{self.lower:.4f}, {self.upper:.4f}] over "
            f"radii from {self.radii.min():.3g} to {self.radii.max():.3g}>"
        )


def uncertainty_exponent(
    source: Any,
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    plane: Plane | None = None,
    key: Key | None = None,
    starts: int = 1_000,
    radii: Sequence[float] | None = None,
    level: float = 0.95,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
) -> UncertaintyExponent:
    r"""Estimate the uncertainty exponent of a basin boundary.

    .. math:: f(\varepsilon) \propto \varepsilon^\alpha, \qquad d = D - \alpha

    A start z is uncertain if z, :math:`z + \varepsilon u` and :math:`z - \varepsilon u` do not all
    lie in one basin, u being a random direction; f is the fraction of uncertain starts, D the
    dimension of the space they fill and d that of the boundary in it. To halve f, starts must be
    known :math:`2^{1/\alpha}` times better. It is a law for small radii: `local_exponents` shows
    from where on it holds.

    - For a field, starts are drawn from the rectangle `x`, `y` and all three followed. The
      interval is that of a maximum likelihood fit to the binomial counts, widened if they scatter
      more about the law.
    - For a map, cells are compared with those a whole number of cells away along each axis. Its
      interval covers scatter about the line and the variation between 8 by 8 parts of the map.
    - For a function that labels an array of points (n, D), D being 1 or 2, as for a field.

    Args:
        source: a field, a map (what `basin_map` returned, or an array of integer labels), or a
            function from points (n, D) to integer labels (n,), negative for no basin.
        x: lower and upper end of the region in the first coordinate; not for maps.
        y: the same in the second coordinate; left out, starts are on a line (D = 1).
        plane: a plane through the state space of a field of any shape.
        key: random key, needed unless `source` is a map; start i uses `fold_in(key, i)`.
        starts: how many at each radius.
        radii: the :math:`\varepsilon`; by default :math:`2^{-4}, \dots, 2^{-11}` of the region's
            shorter side, for maps powers of 2 from 1 cell to 1/32 of the shorter side.
        level: confidence level of the interval.
        catalog: critical points already known.
        solver: an adaptive diffrax solver; the default of `settle` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        escape_radius: as in `settle`.

    Returns:
        An `UncertaintyExponent`.

    Raises:
        ValueError: on bad input, or if hardly a start is uncertain.
        RuntimeError: if JAX runs in 32 bits.

    Source: Grebogi, McDonald, Ott and Yorke, Physics Letters A 99, 415-418 (1983).

    Example:
        >>> import jax, numpy as np, flowlab as fl
        >>> disc = lambda z: (np.linalg.norm(z, axis=-1) < 0.7).astype(int)
        >>> fit = fl.uncertainty_exponent(disc, x=(-1, 1), y=(-1, 1), key=jax.random.key(0))
        >>> bool(fit.lower < 1 < fit.upper), fit.ambient
        (True, 2)
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; needed: a number between 0 and 1.")
    if not callable(source):
        if not (x is y is plane is key is None):
            raise ValueError("a map has its own cells: leave out x, y, plane and key.")
        return _of_map(source, radii, level)
    require_float64("uncertainty_exponent")
    label: Any = source
    if isinstance(source, AbstractField):
        options = dict(solver=solver, rtol=rtol, atol=atol, max_steps=max_steps)
        follow = Sides(source, catalog, escape_radius=escape_radius, **options)
        label = _on_plane(source, follow, plane, y)
    if key is None or x is None:
        raise ValueError("pass the region `x` (and `y`) and `key=jax.random.key(...)`.")
    return _of_starts(label, _region(x, y), key, starts, radii, level)


Labels = Callable[[np.ndarray], np.ndarray]


def _on_plane(
    field: AbstractField, follow: Sides, plane: Plane | None, y: tuple[float, float] | None
) -> Labels:
    """A function from coordinates (n, D) to labels."""
    shape = field.shape if plane is None else plane.origin.shape
    ambient = 1 if y is None else 2
    if shape != field.shape or (plane is None and field.shape != (ambient,)):
        raise ValueError(
            f"the field has shape {field.shape}, the starts {ambient} coordinates and the plane "
            f"{'is not given' if plane is None else f'lies in states of shape {shape}'}: pass a "
            "`Plane(origin, u, v)` through states of the field's shape, and both x and y."
        )
    if plane is None:
        return lambda points: follow(points) + 1
    if y is None:
        raise ValueError("y is missing: a plane has two coordinates.")
    return lambda points: follow(plane.lift(points)) + 1


def _region(x: tuple[float, float], y: tuple[float, float] | None) -> np.ndarray:
    """Lower and upper corner, (2, D)."""
    corners = np.array([x] if y is None else [x, y], float).T
    if corners.shape[0] != 2 or not np.isfinite(corners).all() or (corners[0] >= corners[1]).any():
        raise ValueError(f"the region is x = {x!r}, y = {y!r}; needed: lower < upper, finite.")
    return corners


def _of_starts(
    label: Labels,
    region: np.ndarray,
    key: Key,
    starts: int,
    radii: Sequence[float] | None,
    level: float,
) -> UncertaintyExponent:
    side = (region[1] - region[0]).min()
    chosen = side * 2.0 ** -np.arange(4, 12) if radii is None else np.asarray(radii, float)
    if chosen.ndim != 1 or len(chosen) < 3 or not (chosen > 0).all() or len(set(chosen)) < 3:
        raise ValueError(f"radii is {radii!r}; needed: three or more different positive numbers.")
    if int(starts) != starts or starts < 1:
        raise ValueError(f"starts is {starts!r}; needed: a positive whole number.")
    centres, directions = _draw(key, len(chosen) * int(starts), region)
    reach = np.repeat(chosen, int(starts))[:, None] * directions
    points = np.concatenate([centres, centres + reach, centres - reach])
    labels = np.asarray(label(points))
    if labels.shape != (len(points),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"the function returns an array of shape {labels.shape} and dtype {labels.dtype} for "
            f"{len(points)} points; needed: an integer for each."
        )
    labels = labels.reshape(3, len(chosen), int(starts))
    decided = (labels >= 0).all(0)
    uncertain = decided & (labels != labels[0]).any(0)
    hits, trials = uncertain.sum(-1), decided.sum(-1)
    if np.any(trials == 0):
        raise ValueError(f"no start belongs to a basin at the radii {chosen[trials == 0]}.")
    slope = fit_binomial(chosen, hits, trials, level)
    return _result(slope, level, chosen, hits, trials, int((~decided).sum()), region.shape[1])


def _draw(key: Key, count: int, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uniform points and directions, (count, D) each."""
    places, directions = jax.device_get(_drawn(key, jnp.arange(count), region.shape[1]))
    return region[0] + places * (region[1] - region[0]), np.asarray(directions)


@partial(jax.jit, static_argnums=2)
def _drawn(key: Key, numbers: jax.Array, ambient: int) -> tuple[jax.Array, jax.Array]:
    """Points of the unit cube and of the unit sphere."""

    def one(number: jax.Array) -> tuple[jax.Array, jax.Array]:
        place, turn = jax.random.split(jax.random.fold_in(key, number))
        normal = jax.random.normal(turn, (ambient,))
        return jax.random.uniform(place, (ambient,)), normal / jnp.linalg.norm(normal)

    return jax.vmap(one)(numbers)


def _of_map(basins: Any, radii: Sequence[float] | None, level: float) -> UncertaintyExponent:
    labels = as_labels(basins)
    shortest = min(labels.shape)
    powers = 2 ** np.arange(int(np.log2(max(shortest // 32, 1))) + 1)
    steps = powers if radii is None else np.asarray(radii)
    whole = steps.ndim == 1 and len(set(steps.tolist())) == len(steps) >= 3
    if not whole or not np.all((steps == np.rint(steps)) & (steps >= 1) & (2 * steps < shortest)):
        raise ValueError(
            f"radii is {steps.tolist()} for a map of shape {labels.shape}; needed: three or more "
            "whole numbers of cells, below half the shorter side. A map needs 128 cells a side."
        )
    tile = tuple(max(n // TILES, 1) for n in labels.shape)
    filled = fill(labels)
    counted = [_shifted(filled, int(step), tile) for step in steps]
    hits, trials = (np.stack(parts, -1) for parts in zip(*counted, strict=True))
    slope = fit_tiles(steps.astype(float), hits, trials, level)
    undecided = int((labels < 0).sum())
    return _result(
        slope, level, steps.astype(float), hits.sum(0), trials.sum(0), undecided, labels.ndim
    )


def _shifted(labels: np.ndarray, step: int, tile: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cells, for each axis, that differ from one of the two `step` cells away; tile by tile."""
    hits, trials = np.zeros(labels.shape, np.int64), np.zeros(labels.shape, np.int64)
    for axis in range(labels.ndim):
        cells = np.moveaxis(labels, axis, 0)
        middle = cells[step:-step]
        differs = (cells[2 * step :] != middle) | (cells[: -2 * step] != middle)
        np.moveaxis(hits, axis, 0)[step:-step] += differs
        np.moveaxis(trials, axis, 0)[step:-step] += 1
    return tuple(blocks(crop(part, tile), tile).sum(axis=1) for part in (hits, trials))  # type: ignore[return-value]


def _result(
    slope: Slope,
    level: float,
    radii: np.ndarray,
    hits: np.ndarray,
    trials: np.ndarray,
    undecided: int,
    ambient: int,
) -> UncertaintyExponent:
    return UncertaintyExponent(
        exponent=slope.value,
        lower=slope.lower,
        upper=slope.upper,
        level=level,
        radii=radii,
        hits=hits,
        trials=trials,
        undecided=undecided,
        ambient=ambient,
        dispersion=slope.dispersion,
    )
