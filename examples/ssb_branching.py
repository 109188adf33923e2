r"""How a symmetric network decides: spontaneous symmetry breaking at the saddle of Theorem 7.

K students, all equal to x* (1, ..., 1), rest on a saddle between all the ways to divide K
orthonormal teachers among them. One weight is nudged, up or down, by 1e-2 ... 1e-12, and the flow
is followed. One sees

* when it decides: the time to leave grows like ln(1/eps)/kappa, with the saddle's rate
  kappa = K/(2 pi x* sqrt(K-1)) in closed form;
* what it decides: a single nudge settles the matter for K = 2 only. For K >= 3 student j takes
  axis k, the others stay equal to each other and stop at the next saddle; symmetry has to be
  broken again. The opposite nudge leaves student j alone with all the *other* axes: the same
  function, divided otherwise. A nudge in a random direction breaks everything at once and ends at
  a teacher, most often at the permutation that gains most from the nudge.

It prints the times, the measured rates beside the predicted ones, and what is reached, and writes
ssb_branching.png (the times; the weights reached) and ssb_branching.csv (every run).
"""

import argparse
import dataclasses
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import jax.numpy as jnp
import matplotlib
import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

import flowlab as fl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEFT = 0.1
"""The saddle counts as left when the unstable component has grown to this."""

NEAR = 1e-3
"""The end counts as reached when no weight is farther from it than this."""

LINEAR = 1e-4
"""Rates are fitted to nudges up to this: the time's next term is of the order of the nudge."""

END, EVERY = 200.0, 0.05
"""How long to follow the flow, and how often to look."""

NUDGE = 1e-3
"""Size of the nudges that tell who reaches what."""

SAME = 1e-6
"""Weights that agree to this are the same point."""

COLUMNS = ["students", "side", "eps", "departure_time", "arrival_time"]
SIDES = {1: "up", -1: "down"}
COLOURS = {2: "#0072B2", 3: "#E69F00", 4: "#009E73", 5: "#D55E00"}

console = Console()


@dataclasses.dataclass(frozen=True)
class Saddle:
    """The saddle of Theorem 7 for K students in K dimensions.

    Its Hessian has four eigenspaces. Write a displacement as a matrix D, students by axes, with M
    the averaging matrix (1/K everywhere) and P = I - M what is left of a vector without its mean:

        M D M   all weights together            K/2           dimension 1
        M D P   all students, in one direction  K/2 - kappa             K-1
        P D M   weight traded between students  0                       K-1    (flat)
        P D P   everything else                 -kappa              (K-1)^2    (unstable)

    Moving weight (j, k) alone, D = e_j (x) e_k, has a share in all four. Its unstable part
    P e_j (x) P e_k has length (K-1)/K, so the weight is moved by K/(K-1) eps to make that part eps.
    The stable parts die out; the flat part moves on to a neighbouring saddle, eps/sqrt(K-1) away,
    which changes kappa by as much. Both correct the time to leave by terms of the order of eps.
    """

    students: int

    @property
    def x(self) -> float:
        """Every weight."""
        K = self.students
        return (np.sqrt(K - 1) + np.pi - np.arccos(K**-0.5)) / (np.pi * K)

    @property
    def rate(self) -> float:
        """The rate kappa at which nudges grow."""
        return self.students / (2 * np.pi * self.x * np.sqrt(self.students - 1))

    @property
    def field(self) -> fl.TeacherStudent:
        """The full flow."""
        return fl.TeacherStudent(jnp.eye(self.students))

    # What limits the smallest nudge? First the integrator, which may treat carelessly what is
    # smaller than its tolerance: followed in w to 1e-8, a nudge of 1e-12 leaves the saddle of K = 5
    # by 0.26 (Dopri8) or 2.5 (Tsit5) units of time too late. Followed in v = w - w*, the tolerance
    # is relative to the nudge itself. What remains is the field, which is given w* + v: numbers
    # between 1/4 and 1 are stored in steps of 6e-17 to 1e-16, so a nudge of 1e-12 acts as one that
    # is wrong by 1e-4 of itself, and the time by 1e-4/kappa. At 1e-15 rounding would decide.
    @property
    def displacement(self) -> fl.VectorField:
        """The full flow of v = w - w*; the symmetries of w keep w*, so they are those of v too."""
        field, rest = self.field, self.x
        return fl.VectorField(lambda v: field(0.0, rest + v), field.shape, symmetry=field.symmetry)

    def nudge(self, eps: float, j: int, k: int) -> np.ndarray:
        """Return the move of one weight whose unstable part has size |eps|."""
        v = np.zeros((self.students, self.students))
        v[j, k] = eps * self.students / (self.students - 1)
        return v

    def unstable(self, v: np.ndarray) -> np.ndarray:
        """Return the unstable part of displacements, (..., K, K)."""
        P = np.eye(self.students) - 1 / self.students
        return P @ v @ P


@dataclasses.dataclass(frozen=True)
class Reached:
    """Where all nudges of one kind lead."""

    point: fl.CriticalPoint
    example: np.ndarray
    count: int
    expected: int
    total: int


def one_weight(saddle: Saddle) -> dict[int, Reached]:
    """Nudge each weight up and down: who takes what?

    If nudging (1, 1) leads to W, nudging (j, k) has to lead to W with student 1 and j, and axis 1
    and k, exchanged; `expected` counts for how many it does.
    """
    K = saddle.students
    pairs = [(j, k) for j in range(K) for k in range(K)]
    found = {}
    for side in SIDES:
        starts = np.array([saddle.x + saddle.nudge(side * NUDGE, j, k) for j, k in pairs])
        ensemble = fl.settle(saddle.field, starts, solver=dfx.Tsit5())
        states, point = ensemble.state, ensemble.catalog[int(ensemble.point[0])]
        images = np.array([_exchanged(states[0], j, k) for j, k in pairs])
        same = np.abs(states - images).max((1, 2)) < SAME
        found[side] = Reached(
            point, states[0], ensemble.hits()[point.id], int(same.sum()), len(pairs)
        )
    return found


def _exchanged(w: np.ndarray, j: int, k: int) -> np.ndarray:
    rows, columns = np.arange(len(w)), np.arange(len(w))
    rows[[0, j]], columns[[0, k]] = rows[[j, 0]], columns[[k, 0]]
    return w[rows][:, columns]


def random_directions(saddle: Saddle, count: int, seed: int) -> Reached:
    """Nudge in random unstable directions; `expected` counts the permutations foreseen.

    Foreseen is the one with the largest sum of nudges, the best assignment of students to axes.
    """
    shape = (count, saddle.students, saddle.students)
    draws = np.random.default_rng(seed).normal(size=shape)
    nudges = saddle.unstable(draws)
    nudges *= NUDGE / np.linalg.norm(nudges, axis=(1, 2), keepdims=True)
    ensemble = fl.settle(saddle.field, saddle.x + nudges, solver=dfx.Tsit5())
    point = max(ensemble.catalog, key=lambda point: ensemble.hits().get(point.id, 0))
    here = ensemble.point == ensemble.catalog.points.index(point)
    foreseen = [np.eye(saddle.students)[linear_sum_assignment(-nudge)[1]] for nudge in nudges]
    same = np.abs(ensemble.state - foreseen).max((1, 2)) < SAME
    example = ensemble.state[np.flatnonzero(here)[0]]
    return Reached(point, example, int(here.sum()), int(same.sum()), count)


def follow(saddle: Saddle, sizes: np.ndarray, reached: dict[int, Reached]) -> pd.DataFrame:
    """Nudge weight (1, 1) by each size, up and down, and take the times: one row for each run."""
    # By symmetry every other weight takes the same time.
    field, times = saddle.displacement, np.arange(0, END + EVERY / 2, EVERY)
    method = {"solver": dfx.Tsit5(), "rtol": 1e-9, "atol": 1e-16}
    blocks = []
    for side, word in SIDES.items():
        point, rows = reached[side].point, []
        for eps in sizes:
            run = fl.integrate(field, saddle.nudge(side * eps, 0, 0), saveat=times, **method)
            left = np.linalg.norm(saddle.unstable(run.states), axis=(1, 2))
            far = np.abs(saddle.x + run.states - reached[side].example).max((1, 2))
            departure = _crossing(times, np.log(left / LEFT))
            rows.append(
                (saddle.students, word, eps, departure, _crossing(times, -np.log(far / NEAR)))
            )
        block = pd.DataFrame(rows, columns=COLUMNS)
        small = block[block.eps <= LINEAR]
        slope, _ = np.polyfit(-np.log(small.eps), small.departure_time, 1)
        blocks.append(
            block.assign(
                reached=point.kind,
                reached_index=point.index,
                reached_loss=point.loss,
                kappa=saddle.rate,
                kappa_measured=1 / slope,
            )
        )
    return pd.concat(blocks)


def _crossing(times: np.ndarray, height: np.ndarray) -> float:
    """When `height` rises through 0: logarithms of what grows exponentially are straight lines."""
    above = np.flatnonzero(height > 0)
    if len(above) == 0:
        return float("nan")
    last = above[0]
    return float(np.interp(0.0, height[last - 1 : last + 1], times[last - 1 : last + 1]))


def report(runs: pd.DataFrame, reached: dict[int, dict[int, Reached]]) -> None:
    """Print three tables."""
    console.print(f"[bold]Time to leave the saddle[/] (unstable component {LEFT:g}), nudge up")
    table = _table("eps", *(f"K = {students}" for students in reached))
    for eps, row in runs[runs.side == "up"].groupby("eps", sort=False):
        table.add_row(f"{eps:.0e}", *(f"{time:.3f}" for time in row.departure_time))
    console.print(table)

    console.print(f"[bold]What each factor e of the nudge is worth[/] (eps <= {LINEAR:.0e})")
    table = _table("K", "kappa", "1/kappa", "measured up", "error", "measured down", "error")
    for students, block in runs.groupby("students"):
        rate = Saddle(int(students)).rate
        cells = [str(students), f"{rate:.6f}", f"{1 / rate:.6f}"]
        for word in SIDES.values():
            measured = 1 / block[block.side == word].kappa_measured.iloc[0]
            cells += [f"{measured:.6f}", f"{measured * rate - 1:+.0e}"]
        table.add_row(*cells)
    console.print(table)

    console.print(f"[bold]What is reached[/] (nudge {NUDGE:g})")
    table = _table("K", "nudge", "reached", "index", "isotropy", "loss", "runs", "expected")
    for students, kinds in reached.items():
        for side, found in kinds.items():
            name = "teacher" if found.point.kind == "global minimum" else found.point.kind
            table.add_row(
                str(students),
                f"one weight {SIDES[side]}" if side else "random",
                name,
                str(found.point.index),
                found.point.isotropy_name,
                f"{abs(found.point.loss):.6f}",
                f"{found.count} of {found.total}",
                f"{found.expected} of {found.total}",
            )
    console.print(table)
    console.print(
        "Expected: for one weight, the image in which student j and axis k take the part\n"
        "of student 1 and axis 1; for a random direction, the teacher's permutation that\n"
        "gains most from it. K = 2 has one unstable direction only: nothing to draw.",
        style="dim",
        highlight=False,
    )


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in names:
        left = name in ("nudge", "reached", "isotropy")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table


def draw(runs: pd.DataFrame, reached: dict[int, dict[int, Reached]], path: Path) -> None:
    """Draw the times, and the weights that are reached."""
    figure = plt.figure(figsize=(9.2, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    _draw_times(left.subplots(), runs)
    _draw_weights(right, reached)
    figure.savefig(path, dpi=200)
    plt.close(figure)


def _draw_times(ax: plt.Axes, runs: pd.DataFrame) -> None:
    for K, block in runs.groupby("students"):
        rate, colour = Saddle(int(K)).rate, COLOURS[int(K)]
        up, down = (block[block.side == word] for word in SIDES.values())
        eps, times = up.eps.to_numpy(), up.departure_time.to_numpy()
        offset = np.mean((times + np.log(eps) / rate)[eps <= LINEAR])
        # Exact slope, fitted height: the measured points have to follow it by themselves.
        ax.plot(eps, offset - np.log(eps) / rate, color=colour, lw=1, zorder=1)
        ax.plot(eps, times, "o", color=colour, ms=5.5, mec="white", mew=0.5)
        ax.plot(eps, down.departure_time, "o", mfc="none", mec="0.15", ms=8, mew=0.7)
        text = rf"$K = {K}$:  $1/\kappa = {1 / rate:.3f}$"
        place = {"xytext": (9, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(text, (eps[-1], times[-1]), color=colour, annotation_clip=False, **place)
    ax.plot([], [], "o", color="0.4", ms=5.5, mew=0.5, mec="white", label="weight nudged up")
    ax.plot([], [], "o", mfc="none", mec="0.15", ms=8, mew=0.7, label="weight nudged down")
    ax.plot([], [], color="0.4", lw=1, label=r"slope $1/\kappa$, predicted")
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    ax.set(
        xscale="log",
        xlabel=r"unstable component of the nudge, $\varepsilon$",
        ylabel="time to leave the saddle",
        ylim=(0, None),
    )
    ax.invert_xaxis()
    ax.spines[["top", "right"]].set_visible(False)


def _draw_weights(figure: plt.Figure, reached: dict[int, dict[int, Reached]]) -> None:
    """One small matrix for each K and kind of nudge: students are rows, teachers columns."""
    axes = figure.subplots(len(reached), 3, squeeze=False)
    states = np.concatenate(
        [found.example.ravel() for kinds in reached.values() for found in kinds.values()]
    )
    limit = np.abs(states).max()
    for ax in axes.flat:
        ax.set_axis_off()
        ax.set_box_aspect(1)
    for row, (K, kinds) in zip(axes, reached.items(), strict=True):
        row[0].set_ylabel(f"$K = {K}$", rotation=0, ha="right", va="center", labelpad=8)
        for ax, (side, found) in zip(row, kinds.items(), strict=False):
            ax.set_axis_on()
            image = ax.imshow(found.example, cmap="PuOr_r", vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
            end = "teacher" if found.point.index == 0 else f"index {found.point.index}"
            ax.set_xlabel(end, fontsize="small", labelpad=3)
            if side:
                ax.plot(0, 0, "^" if side > 0 else "v", mfc="white", mec="black", ms=5, mew=0.8)
    for ax, title in zip(axes[0], ("nudged up", "nudged down", "random"), strict=True):
        ax.set_title(title, fontsize="medium", pad=6)
    bar = figure.colorbar(image, ax=axes, shrink=0.55, aspect=22, pad=0.03)
    bar.set_label("weight reached\n(rows: students, columns: teachers)", fontsize="small")
    bar.ax.set_ylim(states.min(), states.max())
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)


def main() -> None:
    """Nudge, follow, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="K = 2 and 5 only, fewer nudges")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument("--seed", type=int, default=0, help="of the random nudges (default: 0)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    students, draws = ((2, 5), 32) if options.fast else ((2, 3, 4, 5), 200)
    sizes = 10.0 ** -np.arange(2, 13, 2 if options.fast else 1)
    blocks: list[pd.DataFrame] = []
    reached: dict[int, dict[int, Reached]] = {}
    for K in students:
        saddle = Saddle(K)
        with console.status(f"K = {K}: who reaches what") as status:
            reached[K] = one_weight(saddle)
            if K > 2:
                reached[K][0] = random_directions(saddle, draws, options.seed)
            status.update(f"K = {K}: how long it takes")
            blocks.append(follow(saddle, sizes, reached[K]))
    runs = pd.concat(blocks)
    report(runs, reached)
    runs.to_csv(options.out / "ssb_branching.csv", index=False)
    draw(runs, reached, options.out / "ssb_branching.png")
    console.print(
        f"\nWritten: ssb_branching.png, ssb_branching.csv in {options.out}", soft_wrap=True
    )


if __name__ == "__main__":
    main()
