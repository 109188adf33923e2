"""Basin maps: where every point of a grid flows."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import diffrax as dfx
import numpy as np

from .._checks import require_float64
from .._outcome import Outcome
from ..catalog import Catalog
from ..fields import AbstractField, RestrictedField, Theorem7Plane
from ..flow import Ensemble, settle
from ._full import label_in_full
from ._plane import Plane

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
    catalog: Catalog | None = None,
    solver: dfx.AbstractSolver | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 16_384,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> "xr.Dataset":
    """Follow the flow from the cell centres of a grid and say where each goes.

    Args:
        field: the field; of shape (2,) unless `plane` is given.
        x: lower and upper end of the grid in the first coordinate.
        y: the same in the second coordinate.
        plane: a plane through the state space of a field of any shape; it need not be invariant.
        full: for a restricted field (`restrict`, `theorem7_plane`): label with the critical points
            of the full field, and with their symmetric images there. `catalog` is then one of the
            full field.
        resolution: number of cells along each axis, or (along x, along y).
        catalog: critical points already known, so that labels agree between maps.
        solver: an adaptive diffrax solver; `Dopri8` if not given.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: step budget of each trajectory.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        An `xarray.Dataset` on dimensions (second coordinate, first coordinate) with variables
        `label` (index of the critical point, -1 for none), `image` (which symmetric image of it, -1
        for none), `outcome` and `settling_time`. `flag_values` and `flag_meanings` name the
        numbers; the attributes `points` and `images` (JSON) describe them in full, `provenance`
        (JSON) says how the map was made.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import flowlab as fl
        >>> basins = fl.basin_map(fl.theorem7_plane(2), x=(0, 1), y=(0, 1), resolution=8)
        >>> basins.sizes["x"], int((basins.outcome == fl.Outcome.settled).sum())
        (8, 64)
    """
    require_float64("basin_map")
    names = _names(field, plane)
    cells = resolution if isinstance(resolution, Iterable) else (resolution, resolution)
    columns, rows = cells
    xs, ys = _centres(x, columns, "x"), _centres(y, rows, "y")
    grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    starts = grid if plane is None else plane.lift(grid)
    restricted = _restricted(field) if full else None
    ensemble = settle(
        field,
        starts,
        catalog=None if full else catalog,
        solver=solver,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        progress_meter=progress_meter,
    )
    if restricted is not None:
        ensemble = label_in_full(restricted, ensemble, catalog)
    return _dataset(ensemble, names, xs, ys)


def _restricted(field: AbstractField) -> RestrictedField | Theorem7Plane:
    if isinstance(field, RestrictedField | Theorem7Plane):
        return field
    raise ValueError(
        f"full=True needs a restricted field (`restrict`, `theorem7_plane`), not {field!r}."
    )


def _names(field: AbstractField, plane: Plane | None) -> tuple[str, str]:
    if plane is not None:
        if plane.origin.shape != field.shape:
            raise ValueError(
                f"plane lies in states of shape {plane.origin.shape}; the field has shape "
                f"{field.shape}."
            )
        return plane.coordinates[0], plane.coordinates[1]
    if field.shape != (2,):
        raise ValueError(
            f"the field has shape {field.shape}, so a map needs to know which plane: pass "
            "`plane=Plane(origin, u, v)`, or restrict the field to an invariant plane "
            "(`restrict`, `theorem7_plane`)."
        )
    return field.coordinates[0], field.coordinates[1]


def _centres(ends: tuple[float, float], count: int, name: str) -> np.ndarray:
    low, high = (float(end) for end in ends)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(f"{name} is {ends!r}; needed: (lower, upper), finite, lower < upper.")
    if int(count) != count or count < 1:
        raise ValueError(f"resolution is {count!r}; needed: a positive whole number of cells.")
    return low + (np.arange(int(count)) + 0.5) / int(count) * (high - low)


def _dataset(
    ensemble: Ensemble, names: tuple[str, str], xs: np.ndarray, ys: np.ndarray
) -> "xr.Dataset":
    import xarray as xr

    shape, dims = (len(ys), len(xs)), (names[1], names[0])
    points, images = ensemble.catalog.points, [str(image) for image in ensemble.images]
    point_names = [f"{point.id} {point.kind}" for point in points]
    variables = {
        "label": (ensemble.point, "critical point reached", _flags(point_names, -1)),
        "image": (ensemble.image, "symmetric image of the point", _flags(images, -1)),
        "outcome": (ensemble.outcome, "how the trajectory ended", _flags(Outcome.__members__)),
        "settling_time": (ensemble.time, "time to settle", {}),
    }
    data = {
        name: (dims, _compact(values).reshape(shape), {"long_name": title, **flags})
        for name, (values, title, flags) in variables.items()
    }
    described = [
        {
            "id": p.id,
            "kind": p.kind,
            "index": p.index,
            "loss": p.loss,
            "location": p.location.tolist(),
        }
        for p in points
    ]
    return xr.Dataset(
        data,
        coords={names[0]: xs, names[1]: ys},
        attrs={
            "points": json.dumps(described),
            "images": json.dumps(images, ensure_ascii=False),
            "provenance": json.dumps(ensemble.catalog.provenance),
            "field": json.dumps(ensemble.catalog.field_spec),
        },
    )


def _compact(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32) if values.dtype.kind == "i" and values.itemsize > 4 else values


def _flags(names: Any, first: int = 0) -> dict[str, Any]:
    """CF flag attributes: numbers from `first` on; -1 means none."""
    meanings = (["none"] if first < 0 else []) + [
        "_".join(str(name).replace(")(", ".").replace("(", "").replace(")", "").split())
        for name in names
    ]
    values = np.arange(first, first + len(meanings), dtype=np.int32)
    return {"flag_values": values, "flag_meanings": " ".join(meanings)}
