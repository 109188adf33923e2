"""Basin maps: where every point of a grid flows."""

import contextlib
import os
from typing import TYPE_CHECKING, Any

import diffrax as dfx
import jax

from .._checks import require_float64
from .._store import JobStore
from .._types import Key
from ..catalog import Catalog, provenance
from ..fields import AbstractField, Plane
from ..flow import job_description
from ._cells import CHUNK, Refiner, chunks_of_all, follow_all
from ._dataset import make_dataset
from ._follow import Follower
from ._full import codes_in_full, require_restricted
from ._grid import Grid, make_grid
from ._interval import checked_confidence
from ._progress import Progress

if TYPE_CHECKING:
    import xarray as xr


def basin_map(
    field: AbstractField,
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    plane: Plane | None = None,
    full: bool = False,
    resolution: int | tuple[int, int] = 200,
    refine: bool = False,
    audit: float = 1e-3,
    confidence: float = 0.95,
    key: Key | None = None,
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    escape_radius: float | None = None,
    capture: bool = False,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> "xr.Dataset":
    r"""Follow the flow from the cell centres of a grid and say where each goes.

    With `refine`, only some cells are followed: those of a coarse grid, then, level by level, those
    of blocks in which followed cells differ, so that every boundary that is met is followed along
    its whole length at full resolution. The other cells are inferred from the blocks they lie in.
    An audit then follows cells drawn at random from the inferred ones. A mismatch (an island, a
    filament of a fractal boundary) starts the refinement again around it, and another audit with
    other cells, until one finds none. `n` cells without a mismatch bound the mislabelled fraction
    `p` of the inferred cells: with a larger `p` they would be drawn with a probability below
    :math:`(1-p)^n = \delta`. The doubt :math:`\delta` of the j-th audit is
    :math:`(1 - \mathrm{confidence})/(j(j+1))`: however many audits a map takes, its bound holds
    with the confidence asked for.

    Args:
        field: the field; of shape (2,) unless `plane` is given.
        x: lower and upper end of the grid in the first coordinate.
        y: the same in the second coordinate.
        plane: a plane through the state space of a field of any shape; it need not be invariant.
        full: for a restricted field (`restrict`, `theorem7_plane`): label with the critical points
            of the full field, and with their symmetric images there. `catalog` is then one of the
            full field.
        resolution: number of cells along each axis, or (along x, along y).
        refine: whether to infer what lies between cells that agree.
        audit: the bound that an audit has to prove, below 1; or the number of cells it follows; 0
            for no audit.
        confidence: probability with which the bound holds.
        key: random key of the audits; `jax.random.key(0)` if not given.
        catalog: critical points already known, so that labels agree between maps.
        solver: as in `settle`.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        escape_radius: as in `settle`.
        capture: whether a trajectory may stop in the estimated capture ball of a sink: a few times
            faster, but a basin inside such a ball that the search for balls missed stays unseen.
        workers: number of threads; as many as there are cores if not given. The result does not
            depend on it.
        store: a directory that keeps what is finished, so that the same call after an interruption
            computes what is missing, with the same result (needs the extra `zarr`).
        resume: whether what is finished in the store may be used.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        An `xarray.Dataset` on dimensions (second coordinate, first coordinate) with variables
        `label` (index of the critical point, -1 for none), `image` (which symmetric image of it, -1
        for none), `outcome`, `settling_time` (until it settled or was captured; NaN for inferred
        cells) and `integrated` (whether the cell was followed). `flag_values` and `flag_meanings`
        name the numbers; the attributes `points` and `images` (JSON) describe them in full,
        `provenance` (JSON) says how the map was made. `cells_integrated` and `cells_inferred` add
        up to all cells; `cells_audited`, `cells_mismatched` and `audits` (JSON) report the audits;
        `mislabelled_bound` is the upper confidence bound on the mislabelled fraction of the cells
        that the last audit drew from, `mislabelled_cells_bound` that on their number.

    Raises:
        ValueError: on bad input, or if the store holds another job.
        RuntimeError: if JAX runs in 32 bits.
        ModuleNotFoundError: with `store`, if zarr is not installed.

    Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404-413.

    Example:
        >>> import flowlab as fl
        >>> basins = fl.basin_map(fl.theorem7_plane(2), x=(0, 1), y=(0, 1), resolution=8)
        >>> basins.sizes["x"], int((basins.outcome == fl.Outcome.settled).sum())
        (8, 64)
    """
    require_float64("basin_map")
    grid = make_grid(field, plane, x, y, resolution)
    restricted = require_restricted(field) if full else None
    _require_audit(audit, confidence)
    key = jax.random.key(0) if key is None else key
    options = {
        "solver": solver, "rtol": rtol, "atol": atol, "max_steps": max_steps,
        "escape_radius": escape_radius, "capture": capture,
    }  # fmt: skip
    ways = {"refine": refine, **({"audit": audit, "confidence": confidence} if refine else {})}
    made = provenance(field, key=key if refine else None, **_where(grid, x, y), **ways, **options)
    known = None if full else catalog
    with contextlib.ExitStack() as stack:
        kept = None
        if store is not None:
            job = job_description("basin map", field, grid.probes(), known, made, chunk=CHUNK)
            count = None if refine else chunks_of_all(grid.size)
            kept = stack.enter_context(JobStore.open(store, job, chunks=count, resume=resume))
        follower = Follower(field, grid, known, kept, workers=workers, **options)
        progress = Progress(progress_meter)
        cells = (
            Refiner(follower, key, audit, confidence, progress).run()
            if refine
            else follow_all(follower, progress)
        )
        progress.close()
    codes, points = follower.codes, follower.catalog
    if restricted is not None:
        codes, points = codes_in_full(restricted, codes, catalog)
    return make_dataset(grid, cells, codes, points, made)


def _require_audit(audit: float, confidence: float) -> None:
    if not audit >= 0 or (audit >= 1 and int(audit) != audit):
        raise ValueError(
            f"audit is {audit!r}; needed: a bound between 0 and 1, a whole number of cells, or 0 "
            "for no audit."
        )
    checked_confidence(confidence)


def _where(grid: Grid, x: Any, y: Any) -> dict[str, Any]:
    where: dict[str, Any] = {"x": x, "y": y, "resolution": (len(grid.xs), len(grid.ys))}
    if grid.plane is not None:
        plane = grid.plane
        where["plane"] = {"origin": plane.origin, "u": plane.u, "v": plane.v}
    return where
