"""Pictures of basin maps."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb
from matplotlib.patches import Rectangle

from .._outcome import Outcome
from ._axes import LegendPlace, current_axes, place_legend, symbol
from ._palette import categorical, mixed
from ._points import draw_spots, spots_of

if TYPE_CHECKING:
    import xarray as xr

MANY = 24
"""The legend names no more basins than this, the largest first."""

_PALE = 0.35
_UNLABELLED = {
    Outcome.settled: "#E8E8E8",
    Outcome.captured: "#E8E8E8",
    Outcome.finished: "#E8E8E8",
    Outcome.escaped: "#D0D0D0",
    Outcome.exhausted: "#A0A0A0",
    Outcome.singular: "#606060",
    Outcome.nonfinite: "#202020",
}


@dataclasses.dataclass(frozen=True)
class Region:
    """One colour of the map: a symmetric image of a point, or a way to reach none."""

    text: str
    colour: str
    cells: int


def basins(
    dataset: "xr.Dataset",
    *,
    boundary: bool = True,
    points: Any = None,
    legend: LegendPlace = "below",
    shade: Literal["settling_time"] | None = None,
    ax: Axes | None = None,
    **imshow: Any,
) -> Axes:
    """Draw a basin map: one colour for each symmetric image of each point that is reached.

    Starts that reach no point are grey, a different grey for each way to end.

    Args:
        dataset: what `basin_map` returns.
        boundary: whether to draw lines between the regions.
        points: critical points to mark: an array (n, 2), or a list of records and of pairs
            (location, kind); those of the map itself if not given and two-dimensional, `()` for
            none.
        legend: `"below"`, `"right"` or `False`. It names the largest 24 regions.
        shade: `"settling_time"` darkens cells by the logarithm of the time to settle; cells that
            were inferred have none and stay as they are.
        ax: the axes; the current ones if not given.
        **imshow: passed to `Axes.imshow`.

    Returns:
        The axes. The image's array holds the number of each cell's region (its colours, if shaded).

    Raises:
        ValueError: if the dataset is not a basin map.

    Example:
        >>> import flowlab as fl
        >>> dataset = fl.basin_map(fl.theorem7_plane(2), x=(0, 1), y=(0, 1), resolution=8)
        >>> ax = fl.plot.basins(dataset)
        >>> ax.images[0].get_array().shape
        (8, 8)
    """
    xs, ys = _coordinates(dataset)
    if shade not in (None, "settling_time"):
        raise ValueError(f'shade is {shade!r}; needed: None or "settling_time".')
    numbers, regions = regions_of(dataset)
    window = _edges(xs), _edges(ys)
    spots = spots_of(_own_points(dataset) if points is None else points, _as_place)
    ax = current_axes(ax)
    chosen = {
        "origin": "lower",
        "extent": (*window[0], *window[1]),
        "aspect": ax.get_aspect(),
        "interpolation": "nearest",
        "zorder": 0,
        **imshow,
    }
    if shade is None:
        chosen.setdefault("cmap", ListedColormap([region.colour for region in regions]))
        chosen.setdefault("norm", BoundaryNorm(np.arange(len(regions) + 1) - 0.5, len(regions)))
        ax.imshow(numbers, **chosen)
    else:
        ax.imshow(_shaded(numbers, regions, np.asarray(dataset["settling_time"])), **chosen)
    if boundary and min(numbers.shape) > 1:
        _draw_boundaries(ax, xs, ys, numbers, regions)
    names = dataset["label"].dims
    ax.set(
        xlabel=symbol(str(names[1])), ylabel=symbol(str(names[0])), xlim=window[0], ylim=window[1]
    )
    _explain(ax, regions, shade)
    draw_spots(ax, spots, *window)
    place_legend(ax, legend)
    return ax


def regions_of(dataset: "xr.Dataset") -> tuple[np.ndarray, list[Region]]:
    """Return the number of each cell's region and the regions that occur, in the map's order."""
    label, image, outcome = (
        np.asarray(dataset[name]).astype(int) for name in ("label", "image", "outcome")
    )
    image = np.where(label < 0, -1, image)
    outcome = np.where(label < 0, outcome, -1)
    keys = np.stack([label, image, outcome], -1).reshape(-1, 3)
    # Labelled regions first, so that their colours do not depend on what is left over.
    keys = keys[:, [2, 0, 1]]
    kinds, inverse, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    point_names, image_names = _names(dataset)
    regions = []
    for (ended, point, which), cells in zip(kinds.tolist(), counts.tolist(), strict=True):
        if point < 0:
            regions.append(Region(*_unlabelled(ended), cells))
            continue
        text = point_names.get(point, f"point {point}")
        name = image_names.get(which, f"image {which}" if which >= 0 else "identity")
        text += "" if name == "identity" else f", {name}"
        regions.append(Region(text, mixed(categorical(len(regions)), _PALE), cells))
    return inverse.reshape(label.shape), regions


def _unlabelled(outcome: int) -> tuple[str, str]:
    try:
        member = Outcome(outcome)
    except ValueError:
        return f"no point (outcome {outcome})", "#202020"
    return f"no point ({member.name})", _UNLABELLED[member]


def _names(dataset: "xr.Dataset") -> tuple[dict[int, str], dict[int, str]]:
    """Names of points and images, from the full description or else from the CF flags."""
    names = []
    for variable, attribute in (("label", "points"), ("image", "images")):
        attributes = dataset[variable].attrs
        values = np.atleast_1d(attributes.get("flag_values", [])).tolist()
        meanings = str(attributes.get("flag_meanings", "")).split()
        flags = {
            int(value): meaning.replace("_", " ")
            for value, meaning in zip(values, meanings, strict=False)
        }
        for number, item in enumerate(_described(dataset, attribute)):
            flags[number] = (
                f"{item.get('kind', 'point')} {item.get('id', number)}"
                if isinstance(item, dict)
                else str(item)
            )
        names.append(flags)
    return names[0], names[1]


def _described(dataset: "xr.Dataset", attribute: str) -> list[Any]:
    try:
        value = json.loads(dataset.attrs.get(attribute, "[]"))
    except (TypeError, ValueError):
        return []
    return value if isinstance(value, list) else []


def _own_points(dataset: "xr.Dataset") -> list[tuple[Any, str]]:
    return [
        (item["location"], str(item.get("kind", "critical point")))
        for item in _described(dataset, "points")
        if isinstance(item, dict) and np.shape(item.get("location", ())) == (2,)
    ]


def _as_place(location: Any) -> np.ndarray:
    if np.shape(location) != (2,):
        raise ValueError(
            f"a point has shape {np.shape(location)}; needed: its two coordinates in the map, "
            "such as `plane.project(location)`."
        )
    return np.asarray(location, float)


def _coordinates(dataset: "xr.Dataset") -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in ("label", "image", "outcome") if name not in dataset]
    if missing or dataset["label"].ndim != 2:
        raise ValueError(
            f"the dataset lacks {missing or 'a two-dimensional label'}; needed: the result of "
            "`basin_map`."
        )
    rows, columns = dataset["label"].dims
    return np.asarray(dataset[columns], float), np.asarray(dataset[rows], float)


def _edges(centres: np.ndarray) -> tuple[float, float]:
    """Outer edges of cells, which have to be equally wide."""
    steps = np.diff(centres)
    step = float(steps.mean()) if len(steps) else 1.0
    if step <= 0 or np.abs(steps - step).max(initial=0.0) > 1e-6 * step:
        raise ValueError("the coordinates of the map are not increasing in equal steps.")
    return float(centres[0]) - step / 2, float(centres[-1]) + step / 2


def _shaded(numbers: np.ndarray, regions: list[Region], times: np.ndarray) -> np.ndarray:
    colours = np.array([to_rgb(region.colour) for region in regions])[numbers]
    logs = np.log(np.maximum(times, 1e-12))
    finite = np.isfinite(logs)
    low, high = np.percentile(logs[finite], [2, 98]) if finite.any() else (0.0, 1.0)
    logs = np.where(finite, logs, np.where(np.isnan(times), low, high))
    share = np.clip((logs - low) / ((high - low) or 1.0), 0, 1)
    return colours * (1 - 0.45 * share[..., None])


def _draw_boundaries(
    ax: Axes, xs: np.ndarray, ys: np.ndarray, numbers: np.ndarray, regions: list[Region]
) -> None:
    # Every boundary has a region other than the largest on one side: outlining those is enough.
    largest = max(range(len(regions)), key=lambda number: regions[number].cells)
    for number in range(len(regions)):
        inside = numbers == number
        # A stable manifold one cell wide has no interior; outlining it cell by cell hides it.
        deep = inside[1:-1, 1:-1] & inside[2:, 1:-1] & inside[:-2, 1:-1]
        deep &= inside[1:-1, 2:] & inside[1:-1, :-2]
        if number != largest and deep.any():
            ax.contour(
                xs, ys, inside.astype(float), levels=[0.5], colors="0.15", linewidths=0.5, zorder=1
            )


def _explain(ax: Axes, regions: list[Region], shade: str | None) -> None:
    """Put the largest regions into the legend, in the map's order."""
    named = sorted(sorted(regions, key=lambda region: -region.cells)[:MANY], key=regions.index)
    for region in named:
        ax.add_patch(_swatch(region.colour, region.text))
    if len(named) < len(regions):
        ax.add_patch(_swatch("none", f"and {len(regions) - len(named)} smaller ones"))
    if shade is not None:
        ax.add_patch(_swatch("none", "darker: later to settle"))


def _swatch(colour: str, text: str) -> Rectangle:
    """An empty patch: it only carries a legend entry, so that a later legend has it too."""
    edge = "none" if colour == "none" else "0.15"
    return Rectangle((0, 0), 0, 0, facecolor=colour, edgecolor=edge, linewidth=0.5, label=text)
