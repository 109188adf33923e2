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
import csv
import dataclasses
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import flowlab as fl
import jax.numpy as jnp
import matplotlib
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEFT = 0.1
"""The saddle counts as left when the unstable component has grown to this."""

ARRIVED = 1e-3
"""The end counts as reached when no weight is farther from it than this."""

LINEAR = 1e-4
"""Rates are fitted to nudges up to this: the time's next term is of the order of the nudge."""

END, EVERY = 200.0, 0.05
"""How long to follow the flow, and how often to look."""

NUDGE = 1e-3
"""Size of the nudges that tell who reaches what."""

SIDES = {1: "up", -1: "down"}
COLOURS = {2: "#0072B2", 3: "#E69F00", 4: "#009E73", 5: "#D55E00"}

# What limits the smallest nudge? Weights between 1/4 and 1 are stored in steps of 6e-17 to 1e-16,
# so 1e-12 is in the state to about 1e-4 of itself, and a relative error of 1e-4 in eps shifts the
# time by only 1e-4/kappa. The integrator is the stricter limit: what is still smaller than its
# tolerance it may treat carelessly, and at the usual 1e-8 it strides past the saddle with steps
# that are wrong by several per cent. So the tolerance has to lie below the nudge. Below about
# 1e-15 nothing is left to follow: rounding itself is the nudge, and the direction is an accident.
TIGHT = {"rtol": 1e-13, "atol": 1e-14, "solver": dfx.Tsit5(), "max_steps": 2**16}

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
    The stable parts die out; the flat part moves the saddle along its line by eps/sqrt(K-1), which
    changes kappa by as much. Both are corrections of the order of eps to the time to leave.
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

    def nudged(self, eps: float, j: int, k: int) -> np.ndarray:
        """Move one weight so that the unstable component is |eps|."""
        w = np.full((self.students, self.students), self.x)
        w[j, k] += eps * self.students / (self.students - 1)
        return w

    def unstable(self, w: np.ndarray) -> np.ndarray:
        """Return the unstable part of the displacement from the saddle, (..., K, K)."""
        P = np.eye(self.students) - 1 / self.students
        return P @ (w - self.x) @ P


@dataclasses.dataclass(frozen=True)
class Run:
    """One nudge of weight (1, 1) and when it leaves and arrives."""

    students: int
    side: int
    eps: float
    departure: float
    arrival: float


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
    starts = [saddle.nudged(side * NUDGE, j, k) for side in SIDES for j, k in pairs]
    ensemble = fl.settle(saddle.field, np.array(starts), solver=dfx.Tsit5())
    found = {}
    for number, side in enumerate(SIDES):
        block = slice(number * K * K, (number + 1) * K * K)
        states, points = ensemble.state[block], ensemble.point[block]
        images = (_exchanged(states[0], j, k) for j, k in pairs)
        same = [np.abs(w - image).max() < 1e-6 for w, image in zip(states, images, strict=True)]
        count = int(np.sum((points == points[0]) & (points >= 0)))
        found[side] = Reached(
            ensemble.catalog[int(points[0])], states[0], count, int(np.sum(same)), K * K
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
    nudges = saddle.unstable(saddle.x + draws)
    nudges *= NUDGE / np.linalg.norm(nudges, axis=(1, 2), keepdims=True)
    ensemble = fl.settle(saddle.field, saddle.x + nudges, solver=dfx.Tsit5())
    point = max(ensemble.catalog, key=lambda point: ensemble.hits().get(point.id, 0))
    here = ensemble.point == ensemble.catalog.points.index(point)
    foreseen = [np.eye(saddle.students)[linear_sum_assignment(-nudge)[1]] for nudge in nudges]
    same = np.abs(ensemble.state - foreseen).max((1, 2)) < 1e-6
    example = ensemble.state[np.flatnonzero(here)[0]]
    return Reached(point, example, int(here.sum()), int(same.sum()), count)


def departures(saddle: Saddle, sizes: np.ndarray, ends: dict[int, np.ndarray]) -> list[Run]:
    """Nudge weight (1, 1) by each size and side and take the times."""
    # By symmetry every other weight takes the same time.
    times = np.arange(0, END + EVERY / 2, EVERY)
    runs = []
    for side in SIDES:
        for eps in sizes:
            start = saddle.nudged(side * eps, 0, 0)
            run = fl.integrate(saddle.field, start, saveat=times, **TIGHT)
            left = np.linalg.norm(saddle.unstable(run.states), axis=(1, 2))
            far = np.abs(run.states - ends[side]).max((1, 2))
            departure = _crossing(times, np.log(left / LEFT))
            arrival = _crossing(times, np.log(ARRIVED / far))
            runs.append(Run(saddle.students, side, float(eps), departure, arrival))
    return runs


def _crossing(times: np.ndarray, height: np.ndarray) -> float:
    """When `height` rises through 0: logarithms of what grows exponentially are straight lines."""
    above = np.flatnonzero(height > 0)
    if len(above) == 0:
        return float("nan")
    last = above[0]
    return float(np.interp(0.0, height[last - 1 : last + 1], times[last - 1 : last + 1]))


def fitted_rate(runs: list[Run]) -> float:
    """The rate kappa from the slope of time over ln(1/eps)."""
    small = [run for run in runs if run.eps <= LINEAR]
    slope, _ = np.polyfit([-np.log(run.eps) for run in small], [run.departure for run in small], 1)
    return 1 / slope


def select(runs: list[Run], students: int, side: int) -> list[Run]:
    """The runs of one K and side."""
    return [run for run in runs if (run.students, run.side) == (students, side)]


def report(runs: list[Run], reached: dict[int, dict[int, Reached]]) -> None:
    """Print three tables."""
    sizes = list(dict.fromkeys(run.eps for run in runs))
    table = _table(f"Time to leave the saddle (unstable component {LEFT:g}), nudge up", "eps")
    for students in reached:
        table.add_column(f"K = {students}", justify="right")
    for number, eps in enumerate(sizes):
        times = (select(runs, students, 1)[number].departure for students in reached)
        table.add_row(f"{eps:.0e}", *(f"{time:.3f}" for time in times))
    console.print(table)

    table = _table(f"Time gained per factor e of the nudge, eps <= {LINEAR:.0e}", "K")
    for name in ("kappa", "1/kappa", "measured up", "error", "measured down", "error"):
        table.add_column(name, justify="right")
    for students in reached:
        rate = Saddle(students).rate
        cells = []
        for side in SIDES:
            measured = 1 / fitted_rate(select(runs, students, side))
            cells += [f"{measured:.6f}", f"{measured * rate - 1:+.0e}"]
        table.add_row(str(students), f"{rate:.6f}", f"{1 / rate:.6f}", *cells)
    console.print(table)

    table = _table(f"What is reached (nudge {NUDGE:g})", "K")
    for name in ("nudge", "reached", "index", "loss", "runs", "as expected"):
        table.add_column(name, justify="left" if name in ("nudge", "reached") else "right")
    for students, kinds in reached.items():
        for side, found in kinds.items():
            table.add_row(
                str(students), f"one weight {SIDES[side]}" if side else "random direction",
                f"{found.point.kind}, {found.point.isotropy_name}", str(found.point.index),
                f"{abs(found.point.loss):.6f}", f"{found.count} of {found.total}",
                f"{found.expected} of {found.total}",
            )
    console.print(table)
    console.print(
        "As expected: for one weight, the image in which student j and axis k take the part\n"
        "of student 1 and axis 1; for a random direction, the permutation that gains most.",
        style="dim",
    )


def _table(title: str, first: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column(first, justify="right")
    return table


def draw(runs: list[Run], reached: dict[int, dict[int, Reached]], path: Path) -> None:
    """Draw the times, and the weights that are reached."""
    figure = plt.figure(figsize=(9.2, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    _draw_times(left.subplots(), runs, list(reached))
    _draw_weights(right, reached)
    figure.savefig(path, dpi=200)
    plt.close(figure)


def _draw_times(ax: plt.Axes, runs: list[Run], students: list[int]) -> None:
    for K in students:
        rate, colour = Saddle(K).rate, COLOURS[K]
        up, down = (select(runs, K, side) for side in SIDES)
        eps = np.array([run.eps for run in up])
        times = np.array([run.departure for run in up])
        offset = np.mean((times + np.log(eps) / rate)[eps <= LINEAR])
        # Exact slope, fitted height: the measured points have to follow it by themselves.
        ax.plot(eps, offset - np.log(eps) / rate, color=colour, lw=1, zorder=1)
        ax.plot(eps, times, "o", color=colour, ms=5.5, mec="white", mew=0.5)
        ax.plot(eps, [run.departure for run in down], "o", mfc="none", mec="0.15", ms=8, mew=0.7)
        ax.annotate(
            rf"$K = {K}$:  $1/\kappa = {1 / rate:.3f}$", (eps[-1], times[-1]), (9, 0),
            textcoords="offset points", va="center", color=colour, annotation_clip=False,
        )
    ax.plot([], [], "o", color="0.4", ms=5.5, mew=0.5, mec="white", label="weight nudged up")
    ax.plot([], [], "o", mfc="none", mec="0.15", ms=8, mew=0.7, label="weight nudged down")
    ax.plot([], [], color="0.4", lw=1, label=r"slope $1/\kappa$, predicted")
    ax.legend(frameon=False, loc="upper left", fontsize="small")
    ax.set(
        xscale="log", xlabel=r"unstable component of the nudge, $\varepsilon$",
        ylabel="time to leave the saddle", ylim=(0, None),
    )
    ax.invert_xaxis()
    ax.spines[["top", "right"]].set_visible(False)


def _draw_weights(figure: plt.Figure, reached: dict[int, dict[int, Reached]]) -> None:
    """One small matrix for each K and kind of nudge: students are rows, teacher axes columns."""
    axes = figure.subplots(len(reached), 3, squeeze=False)
    titles = ("one weight up", "one weight down", "random direction")
    limit = max(np.abs(found.example).max() for kinds in reached.values() for found in kinds.values())
    for row, (K, kinds) in zip(axes, reached.items(), strict=True):
        row[0].set_ylabel(f"$K = {K}$", rotation=0, ha="right", va="center", labelpad=8)
        for ax, (side, found) in zip(row, kinds.items(), strict=True):
            image = ax.imshow(found.example, cmap="PuOr_r", vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
            point = found.point
            kind = "minimum" if point.index == 0 else f"{point.kind}, index {point.index}"
            ax.set_xlabel(kind, fontsize="small", labelpad=3)
            if side:
                ax.add_patch(
                    plt.Rectangle((-0.38, -0.38), 0.76, 0.76, fill=False, ec="0.1", lw=0.9, ls=":")
                )
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize="medium", pad=6)
    bar = figure.colorbar(image, ax=axes, shrink=0.55, aspect=22, pad=0.03)
    bar.set_label("weight reached (rows: students, columns: teachers)", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)


def write(runs: list[Run], reached: dict[int, dict[int, Reached]], path: Path) -> None:
    """Write one line for each run."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            "students side eps departure_time arrival_time reached reached_index reached_loss "
            "kappa kappa_measured".split()
        )
        for run in runs:
            point = reached[run.students][run.side].point
            measured = fitted_rate(select(runs, run.students, run.side))
            writer.writerow([
                run.students, SIDES[run.side], run.eps, run.departure, run.arrival, point.kind,
                point.index, point.loss, Saddle(run.students).rate, measured,
            ])


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
    runs: list[Run] = []
    reached: dict[int, dict[int, Reached]] = {}
    for K in students:
        saddle = Saddle(K)
        with console.status(f"K = {K}: who reaches what") as status:
            reached[K] = one_weight(saddle)
            reached[K][0] = random_directions(saddle, draws, options.seed)
            status.update(f"K = {K}: how long it takes")
            ends = {side: reached[K][side].example for side in SIDES}
            runs += departures(saddle, sizes, ends)
    report(runs, reached)
    write(runs, reached, options.out / "ssb_branching.csv")
    draw(runs, reached, options.out / "ssb_branching.png")
    console.print(f"\nWritten: {options.out / 'ssb_branching.png'}, .csv", highlight=False)


if __name__ == "__main__":
    main()
