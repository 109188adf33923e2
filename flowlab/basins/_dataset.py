"""Basin maps as xarray datasets that explain themselves."""

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._outcome import Outcome
from ..catalog import Catalog
from ._cells import Cells
from ._codes import Codes
from ._grid import Grid

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class Variable:
    """One variable of the dataset: how its values come from the cells, and what they mean."""

    title: str
    dtype: Any
    source: Any
    values: Callable[[np.ndarray], np.ndarray]
    flags: dict[str, Any]


def make_dataset(
    grid: Grid,
    cells: Cells,
    codes: Codes,
    catalog: Catalog,
    provenance: dict[str, Any],
) -> "xr.Dataset":
    """Return the dataset that `basin_map` describes.

    Args:
        grid: the cells' places.
        cells: how they end.
        codes: what their codes mean.
        catalog: the critical points that `codes` counts.
        provenance: how the map was made.
    """
    import xarray as xr

    dims = (grid.names[1], grid.names[0])
    data = {}
    for name, variable in _variables(cells, codes, catalog).items():
        attributes = {"long_name": variable.title, **variable.flags}
        data[name] = (dims, _on_grid(variable, grid.shape), attributes)
    described = [
        {"id": p.id, "kind": p.kind, "index": p.index, "loss": p.loss,
         "location": p.location.tolist()}
        for p in catalog.points
    ]  # fmt: skip
    return xr.Dataset(
        data,
        coords={grid.names[0]: grid.xs, grid.names[1]: grid.ys},
        attrs={
            "points": json.dumps(described),
            "images": json.dumps(codes.images, ensure_ascii=False),
            "provenance": json.dumps(provenance),
            "field": json.dumps(catalog.field_spec),
            **_counts(cells, grid.size),
        },
    )


def _variables(cells: Cells, codes: Codes, catalog: Catalog) -> dict[str, Variable]:
    points = _flags([f"{point.id} {point.kind}" for point in catalog.points], -1)
    images, outcomes = _flags(codes.images, -1), _flags(Outcome.__members__)
    known = np.broadcast_to(True, len(cells.code))
    if cells.integrated is not None:
        known = cells.integrated
    same = np.asarray
    return {
        "label": Variable("critical point reached", "i4", cells.code, codes.points, points),
        "image": Variable(
            "symmetric image of the point", "i4", cells.code, codes.image_numbers, images
        ),
        "outcome": Variable("how the trajectory ended", "i1", cells.outcome, same, outcomes),
        "settling_time": Variable("time to settle or to be captured", "f8", cells.time, same, {}),
        "integrated": Variable("whether the cell was followed, not inferred", "?", known, same, {}),
    }


def _counts(cells: Cells, size: int) -> dict[str, Any]:
    """Return how many cells were followed, how many inferred, and how sure these are."""
    inferred = 0 if cells.integrated is None else int(size - cells.integrated.sum())
    last = cells.audits[-1] if cells.audits else None
    bound = 0.0 if inferred == 0 else 1.0 if last is None else last.bound
    most = 0 if inferred == 0 else inferred if last is None else int(bound * last.inferred)
    return {
        "cells_integrated": size - inferred,
        "cells_inferred": inferred,
        "cells_audited": sum(audit.audited for audit in cells.audits),
        "cells_mismatched": sum(audit.mismatched for audit in cells.audits),
        "mislabelled_bound": bound,
        "mislabelled_cells_bound": min(most, inferred),
        "audits": json.dumps(
            [{**dataclasses.asdict(audit), "bound": audit.bound} for audit in cells.audits]
        ),
    }


def _on_grid(variable: Variable, shape: tuple[int, int]) -> Any:
    source = variable.source
    if not isinstance(source, np.ndarray):
        return _lazily(variable, shape)
    return variable.values(source).astype(variable.dtype, copy=False).reshape(shape)


def _lazily(variable: Variable, shape: tuple[int, int]) -> Any:
    """Return a variable whose cells lie in a store and are read when they are asked for."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class StoredCells(BackendArray):
        """Rows of cells, read from a store."""

        def __init__(self) -> None:
            self.shape, self.dtype = shape, np.dtype(variable.dtype)

        def __getitem__(self, key: Any) -> Any:
            basic = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(key, self.shape, basic, self._get)

        def _get(self, key: tuple[Any, Any]) -> np.ndarray:
            rows = np.atleast_1d(np.arange(shape[0])[key[0]])
            first, last = (int(rows.min()), int(rows.max())) if len(rows) else (0, -1)
            flat = variable.source[first * shape[1] : (last + 1) * shape[1]]
            block = variable.values(flat).astype(self.dtype, copy=False).reshape(-1, shape[1])
            chosen = block[rows - first]
            return (chosen if isinstance(key[0], slice) else chosen[0])[..., key[1]]

    return indexing.LazilyIndexedArray(StoredCells())


def _flags(names: Any, first: int = 0) -> dict[str, Any]:
    """CF flag attributes: numbers from `first` on; -1 means none."""
    meanings = (["none"] if first < 0 else []) + [
        "_".join(str(name).replace(")(", ".").replace("(", "").replace(")", "").split())
        for name in names
    ]
    values = np.arange(first, first + len(meanings), dtype=np.int32)
    return {"flag_values": values, "flag_meanings": " ".join(meanings)}
