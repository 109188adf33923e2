"""Where starts around a branch go: basin fractions at chosen parameters."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from .._checks import require_float64
from .._types import Key
from ..basins import Fractions, basin_fractions
from ..catalog import Catalog
from ..critical import refine
from ..fields import Around, as_family
from ..search import Branch

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class FractionsAlong:
    """Basin fractions of starts around the states of a branch.

    Attributes:
        name: name of the parameter.
        parameter: the chosen parameters, (n,).
        states: the states of the branch there, polished, (n, *shape).
        shares: a `Fractions` for each parameter, with its own catalog and intervals.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> wells = lambda mu: fl.GradientFlow(
        ...     lambda w: jnp.sum(w**4) / 4 - mu * jnp.sum(w**2) / 2, (1,))
        >>> branch = fl.continue_branch(wells, jnp.zeros(1), parameter=(0.5, 1.0))
        >>> along = fl.fractions_along(
        ...     wells, branch, [0.6, 0.9], std=0.1, key=jax.random.key(0), starts=100)
        >>> len(along.shares), int(along.to_frame().hits.sum())
        (2, 200)
    """

    name: str
    parameter: np.ndarray
    states: np.ndarray
    shares: tuple[Fractions, ...]

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row for each parameter and each end, intervals included.

        Columns: the parameter under its name, those of `Fractions.to_frame`, and the isotropy and
        orbit size of the point. A point's id is that of the catalog at its parameter.
        """
        import pandas as pd

        frames = []
        for value, shares in zip(self.parameter, self.shares, strict=True):
            frame = shares.to_frame()
            frame.insert(0, self.name, value)
            points = {point.id: point for point in shares.catalog}
            known = [points.get(name) for name in frame["point"]]
            frame["isotropy_name"] = [None if p is None else p.isotropy_name for p in known]
            frame["orbit_size"] = [None if p is None else p.orbit_size for p in known]
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        low, high = self.parameter.min(), self.parameter.max()
        starts = sum(shares.starts for shares in self.shares)
        return (
            f"<FractionsAlong {len(self.shares)} states, {self.name} in [{low:.6g}, {high:.6g}], "
            f"{starts:,} starts>"
        )


def fractions_along(
    family: Any,
    branch: Branch,
    parameters: Sequence[float],
    *,
    std: float,
    key: Key,
    half_width: float | None = None,
    starts: int | None = None,
    catalogs: Sequence[Catalog] | None = None,
    **options: Any,
) -> FractionsAlong:
    r"""Estimate where small random perturbations of the states of a branch lead, with intervals.

    At each chosen parameter the state of the branch is interpolated and polished, starts are drawn
    from a Gaussian of standard deviation `std` in each entry around it, and `basin_fractions`
    follows them. On an unstable branch these are the branching ratios of the broken symmetry: the
    shares of the points (and, by `shares[i].images()`, of their images) between which a
    perturbation decides.

    Args:
        family: the family of fields the branch is of, as for `continue_branch`.
        branch: the branch.
        parameters: where, each within what the branch covers. Where it covers one more than once,
            its first pass counts.
        std: standard deviation of the perturbation.
        key: random key; the i-th parameter uses `fold_in(key, i)`.
        half_width: as for `basin_fractions`: sample until every interval is that narrow.
        starts: instead: the number of starts at each parameter.
        catalogs: critical points already known, a catalog for each parameter.
        **options: further ones of `basin_fractions`.

    Returns:
        A `FractionsAlong`.

    Raises:
        ValueError: on bad input, or if the branch does not cover a parameter.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> wells = lambda mu: fl.GradientFlow(
        ...     lambda w: jnp.sum(w**4) / 4 - mu * jnp.sum(w**2) / 2, (1,))
        >>> branch = fl.continue_branch(wells, jnp.zeros(1), parameter=(0.5, 1.0))
        >>> along = fl.fractions_along(
        ...     wells, branch, [0.7], std=0.1, key=jax.random.key(0), starts=100)
        >>> [bool(row.lower < 0.5 < row.upper) for row in along.shares[0]]
        [True, True]
    """
    require_float64("fractions_along")
    named = as_family(family)
    values = np.atleast_1d(np.asarray(parameters, float))
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"parameters is {parameters!r}; needed: one number or several.")
    if catalogs is not None and len(catalogs) != len(values):
        raise ValueError(f"there are {len(catalogs)} catalogs for {len(values)} parameters.")
    states, shares = [], []
    for number, value in enumerate(values.tolist()):
        field = named(value)
        states.append(refine(field, _state_at(branch, value)).location)
        found = basin_fractions(
            field,
            Around(states[-1], std),
            key=jax.random.fold_in(key, number),
            half_width=half_width,
            starts=starts,
            catalog=None if catalogs is None else catalogs[number],
            **options,
        )
        shares.append(found)
    return FractionsAlong(branch.name, values, np.array(states), tuple(shares))


def _state_at(branch: Branch, value: float) -> np.ndarray:
    """The state on the first pass of a branch over a parameter, interpolated."""
    gaps = branch.parameter - value
    crossed = np.flatnonzero(gaps[:-1] * gaps[1:] <= 0)
    if len(crossed) == 0:
        low, high = branch.parameter.min(), branch.parameter.max()
        raise ValueError(
            f"the branch does not cover {branch.name} = {value}; it covers [{low:.6g}, {high:.6g}]."
        )
    at = int(crossed[0])
    step = branch.parameter[at + 1] - branch.parameter[at]
    share = -gaps[at] / step if step else 0.0
    return branch.states[at] + share * (branch.states[at + 1] - branch.states[at])
