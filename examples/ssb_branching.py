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

This is how symmetry breaks in time; `ssb_diagram.py` has the branches of broken symmetry, and the
share of perturbations that each of them takes.

It prints the times, the measured rates beside the predicted ones, and what is reached, and writes
ssb_branching.png (the times; the weights reached) and ssb_branching.csv (every run).
"""

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import jax.numpy as jnp
import matplotlib
import numpy as np
import pandas as pd
from rich.console import Console
from scipy.optimize import linear_sum_assignment

import flowlab as fl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEFT, NEAR = 0.1, 1e-3  # unstable component that counts as left, distance that counts as arrived
LINEAR = 1e-4  # rates are fitted to nudges up to this: the next term is of their order
NUDGE, SAME = 1e-3, 1e-6  # nudges that tell who reaches what; weights this close are the same
TIMES = np.arange(0, 200.025, 0.05)
SIDES = {"up": 1, "down": -1}
COLOURS = {2: "#0072B2", 3: "#E69F00", 4: "#009E73", 5: "#D55E00"}


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

    def __init__(self, K: int):
        self.students, self.field = K, fl.TeacherStudent(jnp.eye(K))
        self.x = (np.sqrt(K - 1) + np.pi - np.arccos(K**-0.5)) / (np.pi * K)
        self.rate = K / (2 * np.pi * self.x * np.sqrt(K - 1))

    def nudge(self, eps: float, j: int = 0, k: int = 0) -> np.ndarray:
        """Return the move of one weight whose unstable part has size |eps|."""
        K = self.students
        return eps * K / (K - 1) * np.outer(np.eye(K)[j], np.eye(K)[k])

    def unstable(self, v: np.ndarray) -> np.ndarray:
        """Return the unstable part of displacements, (..., K, K)."""
        P = np.eye(self.students) - 1 / self.students
        return P @ v @ P


def settle(saddle: Saddle, side: str, nudges: np.ndarray, foresee: Callable) -> dict:
    """Follow nudges (n, K, K); `foresee` says from one end where each of them ought to lead."""
    ensemble = fl.settle(saddle.field, saddle.x + nudges, solver=dfx.Tsit5())
    most = np.bincount(ensemble.point[ensemble.point >= 0]).argmax()
    point, here = ensemble.catalog[int(most)], ensemble.point == most
    end = ensemble.state[np.flatnonzero(here)[0]]
    same = np.abs(ensemble.state - foresee(end)).max((1, 2)) < SAME
    return {
        "students": saddle.students,
        "side": side,
        **{name: getattr(point, name) for name in ("kind", "index", "isotropy_name", "loss")},
        "runs": f"{here.sum()} of {len(nudges)}",
        "expected": f"{same.sum()} of {len(nudges)}",
        "weights": end,
    }


def one_weight(saddle: Saddle, side: str) -> dict:
    """Nudge each weight by itself: who takes what?

    If nudging (1, 1) leads to W, nudging (j, k) has to lead to W with student 1 and j, and axis 1
    and k, exchanged; `expected` counts for how many it does.
    """
    K = saddle.students
    pairs = list(np.ndindex(K, K))
    swap = [[j, *range(1, j), 0, *range(j + 1, K)] if j else [*range(K)] for j in range(K)]
    nudges = np.array([saddle.nudge(SIDES[side] * NUDGE, j, k) for j, k in pairs])
    return settle(saddle, side, nudges, lambda w: [w[swap[j]][:, swap[k]] for j, k in pairs])


def random_directions(saddle: Saddle, count: int, seed: int) -> dict:
    """Nudge in random unstable directions; foreseen is the assignment that gains most from it."""
    K = saddle.students
    nudges = saddle.unstable(np.random.default_rng(seed).normal(size=(count, K, K)))
    nudges *= NUDGE / np.linalg.norm(nudges, axis=(1, 2), keepdims=True)
    best = np.array([np.eye(K)[linear_sum_assignment(-nudge)[1]] for nudge in nudges])
    return settle(saddle, "random", nudges, lambda end: best)


def follow(saddle: Saddle, sizes: np.ndarray, ends: dict) -> pd.DataFrame:
    """Nudge weight (1, 1) by each size and take the times; by symmetry the others take the same.

    What limits the smallest nudge? First the integrator: followed in w to 1e-8, one of 1e-12 leaves
    the saddle of K = 5 by 0.26 (Dopri8) or 2.5 (Tsit5) units of time too late. Followed in
    v = w - x*, the tolerance is relative to the nudge. What remains is the field, which is given
    x* + v: numbers between 1/4 and 1 are stored in steps of 6e-17 to 1e-16, so a nudge of 1e-12
    acts as one wrong by 1e-4 of itself, the time by 1e-4/kappa. At 1e-15 rounding would decide.
    """
    # The symmetries of w keep x*, so they are those of v too.
    field, x, method = saddle.field, saddle.x, {"solver": dfx.Tsit5(), "rtol": 1e-9, "atol": 1e-16}
    flow = fl.VectorField(lambda v: field(0.0, x + v), field.shape, symmetry=field.symmetry)
    rows = []
    for side, eps in itertools.product(SIDES, sizes):
        v = fl.integrate(flow, saddle.nudge(SIDES[side] * eps), saveat=TIMES, **method).states
        grown = np.linalg.norm(saddle.unstable(v), axis=(1, 2))
        far = np.abs(x + v - ends[side]["weights"]).max((1, 2))
        rows.append((saddle.students, side, eps, crossing(grown / LEFT), crossing(NEAR / far)))
    runs = pd.DataFrame(rows, columns=["students", "side", "eps", "departure_time", "arrival_time"])
    small = runs[runs.eps <= LINEAR].groupby("side")
    slope = {side: np.polyfit(-np.log(r.eps), r.departure_time, 1)[0] for side, r in small}
    return runs.assign(kappa=saddle.rate, kappa_measured=1 / runs.side.map(slope))


def crossing(ratio: np.ndarray) -> float:
    """When `ratio` rises through 1: logarithms of what grows exponentially are straight lines."""
    after = int(np.argmax(ratio > 1))
    span = slice(after - 1, after + 1)
    return float(np.interp(0.0, np.log(ratio[span]), TIMES[span])) if after else float("nan")


def report(runs: pd.DataFrame, ends: pd.DataFrame) -> None:
    """Print three tables."""
    times = runs[runs.side == "up"].pivot(index="eps", columns="students", values="departure_time")
    fit = runs.groupby(["students", "side"], sort=False)[["kappa", "kappa_measured"]].first()
    worth = {"kappa": fit.kappa, "1/kappa": 1 / fit.kappa, "measured": 1 / fit.kappa_measured}
    rates = pd.DataFrame(worth).assign(error=fit.kappa / fit.kappa_measured - 1)
    what = ends.assign(loss=ends.loss.abs().round(12)).set_index("students")
    tables = {
        f"Time to leave the saddle (unstable component {LEFT:g}), nudge up, by K": times[::-1],
        f"What each factor e of the nudge is worth (eps <= {LINEAR:.0e})": rates,
        f"What is reached (nudge {NUDGE:g})": what.drop(columns="weights"),
    }
    for title, table in tables.items():
        short = table.reset_index().rename(columns={"students": "K", "isotropy_name": "isotropy"})
        text = short.to_string(index=False, float_format="{:.7g}".format)
        print(f"\n{title}\n{text}")
    print("\nExpected: for weight (j, k), the image with students and axes exchanged alike;")
    print("for a random direction (K = 2 has only one), the permutation that gains most.")


def draw_times(ax: plt.Axes, runs: pd.DataFrame) -> None:
    """Draw the measured times on lines of the predicted slope."""
    up = {"marker": "o", "ls": "", "ms": 5.5, "mec": "white", "mew": 0.5}
    down = {"marker": "o", "ls": "", "ms": 8, "mec": "0.15", "mew": 0.7, "mfc": "none"}
    for K, block in runs.groupby("students"):
        rate, colour, ups = block.kappa.iloc[0], COLOURS[int(K)], block[block.side == "up"]
        eps, times = ups.eps.to_numpy(), ups.departure_time.to_numpy()
        # Exact slope, fitted height: the measured points have to follow it by themselves.
        height = np.mean((times + np.log(eps) / rate)[eps <= LINEAR])
        ax.plot(eps, height - np.log(eps) / rate, color=colour, lw=1, zorder=1)
        ax.plot(eps, times, color=colour, **up)
        ax.plot(eps, block[block.side == "down"].departure_time, **down)
        text = rf"   $K = {K}$:  $1/\kappa = {1 / rate:.3f}$"
        ax.annotate(text, (eps[-1], times[-1]), color=colour, va="center", annotation_clip=False)
    ax.plot([], [], color="0.4", label="weight nudged up", **up)
    ax.plot([], [], label="weight nudged down", **down)
    ax.plot([], [], color="0.4", lw=1, label=r"slope $1/\kappa$, predicted")
    ax.legend(frameon=False, loc="upper left")
    ax.set(xlabel=r"unstable component of the nudge, $\varepsilon$", xscale="log")
    ax.set(ylabel="time to leave the saddle", ylim=(0, None))
    ax.invert_xaxis()
    ax.spines[["top", "right"]].set_visible(False)


def draw_ends(figure: plt.Figure, ends: pd.DataFrame) -> None:
    """Draw a small matrix for each K and kind of nudge: students are rows, teachers columns."""
    axes = figure.subplots(ends.students.nunique(), 3, squeeze=False)
    limit = max(np.abs(w).max() for w in ends.weights)
    for row, (K, block) in zip(axes, ends.groupby("students"), strict=True):
        row[0].set_ylabel(f"$K = {K}$", rotation=0, ha="right", va="center", labelpad=8)
        for ax, mark, (_, end) in zip(row, ("^", "v", ""), block.iterrows(), strict=False):
            image = ax.imshow(end.weights, cmap="PuOr_r", vmin=-limit, vmax=limit)
            ax.plot(0, 0, mark, mfc="white", mec="black", ms=5, mew=0.8)
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel("teacher" if end["index"] == 0 else f"index {end['index']}")
        for ax in row[len(block) :]:
            ax.set_axis_off()
    for ax, title in zip(axes[0], ("nudged up", "down", "random"), strict=True):
        ax.set_title(title, fontsize="medium")
    bar = figure.colorbar(image, ax=axes, shrink=0.55, aspect=22)
    bar.set_label("weight reached\n(rows: students, columns: teachers)")
    bar.outline.set_visible(False)


def main() -> None:
    """Nudge, follow, report, draw."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--fast", action="store_true", help="K = 2 and 5 only, fewer nudges")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    parser.add_argument("--seed", type=int, default=0, help="of the random nudges (default: 0)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = 10.0 ** -np.arange(2, 13, 2 if options.fast else 1)
    blocks, found = [], []
    for K in (2, 5) if options.fast else (2, 3, 4, 5):
        saddle = Saddle(K)
        with Console().status(f"K = {K}"):
            ends = {side: one_weight(saddle, side) for side in SIDES}
            found += ends.values()
            if K > 2:
                found.append(random_directions(saddle, 32 if options.fast else 200, options.seed))
            blocks.append(follow(saddle, sizes, ends))
    runs, reached = pd.concat(blocks), pd.DataFrame(found)
    report(runs, reached)
    table = runs.merge(reached.drop(columns="weights"), on=["students", "side"])
    table.to_csv(options.out / "ssb_branching.csv", index=False)
    figure = plt.figure(figsize=(9.6, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    draw_times(left.subplots(), runs)
    draw_ends(right, reached)
    figure.savefig(options.out / "ssb_branching.png", dpi=200)
    print(f"\nWritten: ssb_branching.png, ssb_branching.csv in {options.out}")


if __name__ == "__main__":
    main()
