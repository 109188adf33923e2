"""Figure 9: convergence from noisy starts, and with output weights of any size and sign."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure

from ..._checks import require_float64
from ..._types import Key
from ...basins import clopper_pearson
from ...fields import Around, TeacherStudent, draw
from ...flow import integrate, settle
from ...plot._palette import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from ._settings import require_counts, the_key
from ._style import dress, legend, page

ALIGNED = 1e-3
"""Starts are `ALIGNED` times the teacher plus noise; the unit of the noise is the same."""

REACHED = 1e-8
"""A teacher is reached if the end is no farther from it, in the largest entry."""

WEIGHTS = ((1.0,) * 5, (3.0,) * 5, (1.0,) * 4 + (-1.0,), (1.0,) * 3 + (-1.0,) * 2)

_COLOURS = (BLUE, ORANGE, VERMILLION, PURPLE, GREEN, BLACK)
_MARKERS, _DASHES = "osXD^v", ("-", "-", (0, (4, 1.2)), (0, (4, 1.2)), "-", "-")


@dataclasses.dataclass(frozen=True)
class Shares:
    """How many starts with one set of output weights and one level of noise reached the teacher.

    Attributes:
        weights: the output weights, those of student and teacher.
        noise: the level; the standard deviation of an entry is 1e-3 times that.
        starts: number of starts.
        itself: how many reached w* itself.
        teacher: how many reached a global minimum: w* up to the order of its students (and to their
            lengths, where weights of one sign differ).
        itself_interval: Clopper-Pearson interval of the probability of the former.
        teacher_interval: the same for the latter.
        outcomes: how the starts ended, counted by outcome.

    Example:
        >>> import jax, flowlab as fl
        >>> shares = fl.paper.figures.count_shares((1.0, 1.0), 0.1, key=jax.random.key(0), starts=8)
        >>> shares.itself, shares.teacher
        (8, 8)
    """

    weights: tuple[float, ...]
    noise: float
    starts: int
    itself: int
    teacher: int
    itself_interval: tuple[float, float]
    teacher_interval: tuple[float, float]
    outcomes: dict[str, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Figure9Data:
    """What Figure 9 shows. Teacher: the unit vectors e_1, ..., e_K in K dimensions.

    Attributes:
        times: (m,), times of the curves.
        curves: (noise levels, runs, m), losses with all output weights 1.
        levels: the noise of these curves.
        weight_curves: (weight sets, runs, m), losses with each set of output weights.
        weight_level: the noise of these curves.
        weights: the sets of output weights, the first of them that of the upper row.
        noise: noise levels at which starts are counted.
        shares: the counts, (weight sets, noise levels).

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure9_data(
        ...     weights=((1.0, 1.0),), levels=(1.0,), noise=(1.0,), runs=1, starts=8)
        >>> data.curves.shape[:2], data.shares[0][0].teacher
        ((1, 1), 8)
    """

    times: np.ndarray
    curves: np.ndarray
    levels: tuple[float, ...]
    weight_curves: np.ndarray
    weight_level: float
    weights: tuple[tuple[float, ...], ...]
    noise: tuple[float, ...]
    shares: tuple[tuple[Shares, ...], ...]


def figure9_data(
    *,
    key: Key | None = None,
    weights: tuple[tuple[float, ...], ...] = WEIGHTS,
    levels: tuple[float, ...] = (1.0, 1_000.0),
    weight_level: float = 1.0,
    noise: tuple[float, ...] = (0.1, 1.0, 10.0, 1_000.0),
    runs: int = 8,
    starts: int = 64,
    t1: float = 400.0,
    confidence: float = 0.95,
) -> Figure9Data:
    r"""Compute what Figure 9 shows.

    Starts are :math:`w^0 = 10^{-3}w^* + \epsilon` with independent entries
    :math:`\epsilon\sim N(0, (10^{-3}\,\mathrm{noise})^2)`; the teacher is orthonormal, d = K, and
    has the output weights of the student. The paper gives neither K nor d, and does not say whether
    its :math:`N(0, 10^{-3}\,\mathrm{noise})` names a variance.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        weights: sets of output weights, each of K of them; the first for the upper row.
        levels: noise levels of the curves in the upper row.
        weight_level: noise level of the curves in the lower row.
        noise: noise levels at which starts are counted.
        runs: curves of each kind.
        starts: starts of each count.
        t1: last time of the curves.
        confidence: of the intervals.

    Returns:
        The data of the four panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Section 7.3.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure9_data(
        ...     weights=((1.0, -1.0),), levels=(), noise=(1.0,), runs=1, starts=8)
        >>> data.shares[0][0].outcomes
        {'settled': 8}
    """
    require_float64("figure9_data")
    require_counts(runs=runs, starts=starts)
    if not weights or len({len(one) for one in weights}) != 1:
        raise ValueError(f"weights is {weights!r}; needed: sets of K output weights each, one K.")
    curving, counting = jax.random.split(the_key(key))
    times = np.concatenate([[0.0], np.geomspace(1e-4 * t1, t1, 200)])
    shares = tuple(
        tuple(
            count_shares(one, level, key=counting, starts=starts, confidence=confidence)
            for level in noise
        )
        for one in weights
    )
    return Figure9Data(
        times=times,
        curves=np.array([_losses(weights[0], level, curving, runs, times) for level in levels]),
        levels=tuple(levels),
        weight_curves=np.array(
            [_losses(one, weight_level, curving, runs, times) for one in weights]
        ),
        weight_level=weight_level,
        weights=tuple(tuple(one) for one in weights),
        noise=tuple(noise),
        shares=shares,
    )


def count_shares(
    weights: tuple[float, ...],
    noise: float,
    *,
    key: Key,
    starts: int = 64,
    confidence: float = 0.95,
) -> Shares:
    """Count the starts near 1e-3 w* from which the flow reaches the teacher.

    Args:
        weights: the K output weights of student and teacher.
        noise: noise level; the standard deviation of an entry is 1e-3 times that.
        key: random key; start i uses `fold_in(key, i)`.
        starts: number of starts.
        confidence: of the intervals.

    Returns:
        A `Shares`.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import jax, flowlab as fl
        >>> found = fl.paper.figures.count_shares((1.0, -1.0), 1.0, key=jax.random.key(0), starts=8)
        >>> found.teacher
        8
    """
    field, law = _setting(weights, noise)
    ends = settle(field, starts, key=key, sampler=law)
    # The last one is what -1, nothing known, points at.
    best = np.array([*(point.kind == "global minimum" for point in ends.catalog), False])
    taught = np.abs(ends.state - np.asarray(field.teacher)).max((1, 2)) < REACHED
    reached = best[ends.point]
    itself, arrived = int(np.sum(reached & taught)), int(np.sum(reached))
    lower, upper = clopper_pearson(np.array([itself, arrived]), starts, confidence)
    return Shares(
        weights=tuple(weights),
        noise=float(noise),
        starts=starts,
        itself=itself,
        teacher=arrived,
        itself_interval=(float(lower[0]), float(upper[0])),
        teacher_interval=(float(lower[1]), float(upper[1])),
        outcomes=ends.counts,
    )


def _setting(weights: tuple[float, ...], noise: float) -> tuple[TeacherStudent, Around]:
    teacher, weigh = np.eye(len(weights)), np.array(weights)
    field = TeacherStudent(teacher, output_weights=weigh, teacher_weights=weigh)
    return field, Around(ALIGNED * teacher, ALIGNED * noise)


def _losses(
    weights: tuple[float, ...], noise: float, key: Key, runs: int, times: np.ndarray
) -> np.ndarray:
    """The losses along some trajectories, (runs, m)."""
    field, law = _setting(weights, noise)
    drawn = draw(law, key, field.shape, 0, runs)
    return np.array([integrate(field, w0, saveat=jnp.asarray(times)).loss for w0 in drawn])


def figure9(
    data: Figure9Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    """Draw Figure 9: convergence from noisy starts, and for output weights of any sign.

    (a) Loss along runs from 1e-3 w* plus noise, all output weights 1. (b) The share of starts that
    reach w* itself (hollow) and w* up to the order of its students (filled), with intervals: as
    the noise grows, it decides about the order, not about convergence. (c) The same losses for
    other output weights, noise 1. (d) The share that reaches w* up to the order of its students:
    weights of mixed signs, too, converge from small starts; from large ones some of them end in
    spurious minima.

    Args:
        data: from `figure9_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure9_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 9, whose statements on large noise and on mixed signs are not general
    (see the errata).

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure9(
        ...     weights=((1.0, 1.0),), levels=(1.0,), noise=(0.1, 1.0), runs=1, starts=8)
        >>> len(figure.axes)
        4
    """
    data = figure9_data(**settings) if data is None else data
    sheet = page(figure, 3.6)
    axes = sheet.subplots(2, 2)
    names = [f"noise {level:g}" for level in data.levels]
    K = len(data.weights[0])
    _draw_losses(axes[0, 0], data.times, data.curves, names)
    dress(axes[0, 0], "a", f"$K = d = {K}$")
    _draw_orders(axes[0, 1], data)
    _draw_losses(axes[1, 0], data.times, data.weight_curves, [])
    dress(axes[1, 0], "c", f"noise {data.weight_level:g}")
    _draw_weights(axes[1, 1], data)
    sheet.legend(
        *axes[1, 1].get_legend_handles_labels(), loc="outside lower center", ncols=2,
        fontsize=6.5, frameon=False, handlelength=1.8, columnspacing=1.5,
    )  # fmt: skip
    return sheet


def _draw_losses(ax: Any, times: np.ndarray, curves: np.ndarray, names: list[str]) -> None:
    for number, losses in enumerate(curves):
        shown = np.ma.masked_less_equal(losses, 1e-12)
        style = {"color": _colour(number), "lw": 0.7, "alpha": 0.75, "ls": _dashes(number)}
        lines = ax.plot(times, shown.T, **style)
        if names:
            lines[0].set_label(names[number])
    ax.set(yscale="log", xscale="log", xlim=times[[1, -1]], xlabel="time $t$", ylabel="loss $J$")
    ax.set_ylim(bottom=1e-7)
    if names:
        legend(ax, loc="lower left")


def _draw_orders(ax: Any, data: Figure9Data) -> None:
    row = data.shares[0]
    for name, hits, ends, face in (
        ("any order", [s.teacher for s in row], [s.teacher_interval for s in row], BLUE),
        ("$w^*$ itself", [s.itself for s in row], [s.itself_interval for s in row], "white"),
    ):
        share = np.array(hits) / row[0].starts
        _draw_shares(ax, data.noise, share, np.array(ends), BLUE, "o", face, name)
    legend(ax, loc="center right", bbox_to_anchor=(1.0, 0.65))
    _finish_shares(ax, data, "b", r"all $a_j$ equal" if len(set(data.weights[0])) == 1 else "")


def _draw_weights(ax: Any, data: Figure9Data) -> None:
    middle = (len(data.weights) - 1) / 2
    for number, row in enumerate(data.shares):
        share = np.array([s.teacher / s.starts for s in row])
        ends = np.array([s.teacher_interval for s in row])
        # Side by side, so that no interval hides another.
        places = np.array(data.noise) * 10 ** (0.13 * (number - middle))
        name = "$a = (" + ", ".join(f"{value:g}" for value in data.weights[number]) + ")$"
        colour, marker = _colour(number), _MARKERS[number % len(_MARKERS)]
        _draw_shares(ax, places, share, ends, colour, marker, colour, name, _dashes(number))
    _finish_shares(ax, data, "d", "any order")


def _draw_shares(
    ax: Any, places: Any, share: np.ndarray, ends: np.ndarray, colour: str, marker: str,
    face: str, name: str, dashes: Any = "-",
) -> None:  # fmt: skip
    bars = np.abs(ends.T - share)
    ax.errorbar(
        places, share, bars, color=colour, marker=marker, mfc=face, ms=3.2, mew=0.8, lw=0.8,
        ls=dashes, elinewidth=0.7, label=name,
    )  # fmt: skip


def _finish_shares(ax: Any, data: Figure9Data, letter: str, title: str) -> None:
    ax.set(xscale="log", ylim=(-0.03, 1.05), xlabel="noise", ylabel="share of starts")
    dress(ax, letter, title)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _dashes(number: int) -> Any:
    return _DASHES[number % len(_DASHES)]
