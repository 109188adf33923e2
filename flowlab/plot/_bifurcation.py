"""Branches of equilibria over their parameter."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D

from ._axes import LegendPlace, current_axes, place_legend, symbol
from ._palette import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILLION, Mark, categorical

if TYPE_CHECKING:
    from ..search import Branch

Quantity = str | int | Callable[[np.ndarray], float]

SPECIAL = {
    "fold": Mark(BLACK, "o"),
    "pitchfork": Mark(BLUE, "v", scale=1.1),
    "transcritical": Mark(ORANGE, "s", scale=0.9),
    "branch point": Mark(VERMILLION, "D", scale=0.9),
    "hopf": Mark(GREEN, "*", scale=2.0),
}

OTHER = Mark(PURPLE, "P", scale=1.3)

SIZE = 30.0
"""Area of a round marker in square points."""


def bifurcation(
    branches: "Branch | Sequence[Branch]",
    *,
    quantity: Quantity = "norm",
    legend: LegendPlace = "below",
    ax: Axes | None = None,
    **line: Any,
) -> Axes:
    """Draw branches of equilibria: stable ones solid, unstable ones dashed, special points marked.

    Each branch has its colour; the marker of a special point says of which kind it is.

    Args:
        branches: a branch or several, of one family.
        quantity: what to draw over the parameter: `"norm"` of the state, `"loss"`, the number of an
            entry of the flattened state, or a function of a state.
        legend: `"below"`, `"right"` or `False`.
        ax: the axes; the current ones if not given.
        **line: passed to `Axes.plot`.

    Returns:
        The axes.

    Raises:
        ValueError: if there is no branch, or a branch does not have the quantity.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = lambda mu: fl.VectorField(lambda w: mu + w**2, (1,))
        >>> branch = fl.continue_branch(family, jnp.array([-1.0]), parameter=(-1.0, 1.0))
        >>> ax = fl.plot.bifurcation(branch, quantity=0)
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('$\\\\mu$', '$w_{1}$')
    """
    given: Any = branches
    chosen: list[Branch] = [given] if hasattr(given, "special_points") else list(given)
    if not chosen:
        raise ValueError("there are no branches to draw.")
    ax = current_axes(ax)
    style = normalize_kwargs(line, Line2D)
    for number, branch in enumerate(chosen):
        values = _values(branch, quantity)
        for piece, stable in _pieces(branch):
            drawn = {
                "color": categorical(number),
                "linewidth": 1.6 if stable else 1.1,
                "linestyle": "-" if stable else (0, (4, 2)),
                "zorder": 3 if stable else 2.5,
                "solid_capstyle": "round",
                **style,
            }
            ax.plot(branch.parameter[piece], values[piece], **drawn)
    _mark_special(ax, chosen, quantity)
    _explain(ax, chosen)
    ax.set(xlabel=ax.get_xlabel() or symbol(chosen[0].name))
    ax.set(ylabel=ax.get_ylabel() or _name(chosen[0], quantity))
    ax.margins(x=0.02)
    place_legend(ax, legend)
    return ax


def _values(branch: "Branch", quantity: Quantity) -> np.ndarray:
    flat = branch.states.reshape(len(branch), -1)
    if callable(quantity):
        return np.array([float(quantity(state)) for state in branch.states])
    if quantity == "norm":
        return np.linalg.norm(flat, axis=1)
    if quantity == "loss":
        if branch.loss is None:
            raise ValueError("the branch has no loss; choose another quantity.")
        return branch.loss
    if isinstance(quantity, int) and 0 <= quantity < flat.shape[1]:
        return flat[:, quantity]
    raise ValueError(
        f'quantity is {quantity!r}; needed: "norm", "loss", a function of a state, or the number '
        f"of one of its {flat.shape[1]} entries."
    )


def _name(branch: "Branch", quantity: Quantity) -> str:
    if callable(quantity):
        return getattr(quantity, "__name__", "").replace("<lambda>", "").replace("_", " ")
    if isinstance(quantity, int):
        place = np.unravel_index(quantity, branch.states.shape[1:])
        return symbol("w" + "_".join(str(int(i) + 1) for i in place))
    return {"norm": r"norm $\|w\|$", "loss": "loss $J$"}[quantity]


def _pieces(branch: "Branch") -> list[tuple[slice, bool]]:
    """Runs of points of one stability; neighbouring runs share a point."""
    stable = (branch.index[:-1] == 0) & (branch.index[1:] == 0)
    if not len(stable):
        return [(slice(0, 1), bool(branch.index[0] == 0))]
    starts = np.append(0, np.flatnonzero(np.diff(stable)) + 1)
    ends = np.append(starts[1:], len(stable))
    return [(slice(a, b + 1), bool(stable[a])) for a, b in zip(starts, ends, strict=True)]


def _mark_special(ax: Axes, branches: "list[Branch]", quantity: Quantity) -> None:
    places: dict[str, list[tuple[float, float]]] = {}
    for branch in branches:
        values = _values(branch, quantity)
        for special in branch.special_points:
            place = (special.parameter, float(values[special.position]))
            places.setdefault(special.kind, []).append(place)
    for kind in sorted(places, key=list(SPECIAL).index if places.keys() <= SPECIAL.keys() else str):
        mark = SPECIAL.get(kind, OTHER)
        x, y = np.array(places[kind]).T
        ax.scatter(
            x,
            y,
            s=SIZE * mark.scale,
            marker=mark.marker,
            facecolors=mark.face,
            edgecolors=mark.edge,
            linewidths=0.7,
            label=kind,
            zorder=4,
        )


def _explain(ax: Axes, branches: "list[Branch]") -> None:
    drawn = [stable for branch in branches for _, stable in _pieces(branch)]
    for name, dashes, stable in (("stable", "-", True), ("unstable", (0, (4, 2)), False)):
        if stable in drawn:
            ax.plot([], [], color="0.3", linewidth=1.4, linestyle=dashes, label=name)
