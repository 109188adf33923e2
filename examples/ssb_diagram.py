r"""What a symmetric network chooses between: the branches of broken symmetry, and their shares.

K teachers of norm 1 are pulled apart from one common direction, by equal angles between them: past
the right angle (the orthonormal teachers of Theorem 7) towards the widest angle that K vectors can
have. All K students together can follow their mean: the symmetric solution, Theorem 7's saddle at
the right angle. One sees

* where it loses stability: at angle 0 itself. There all teachers are one, and whatever students
  along it sum up to them are a global minimum; for every angle above 0 the symmetric solution is a
  saddle, of index (K-1)^2 and with a rate kappa that grows from 0;
* what appears: almost all other critical points have loss 0 at angle 0 and part from the symmetric
  solution there. The teachers (K! images, one for each way to divide them among the students), and
  saddles at which only some students have parted: their isotropy subgroups say which. (The others
  point away from the teachers; their losses are beyond the picture.)
* where the symmetric solution changes once more: with t the angle of a teacher to the mean, the
  merged student turns aside where tan t = pi - t (K = 2, a pitchfork) or tan t = 2 (pi - t) (K = 3:
  S_3 acts on a kernel of two dimensions, three branches leave that are images of one another);
* who wins: students perturbed at random end at each permutation equally often, up to the exact
  intervals, since the law of the perturbation has the symmetry that the solution breaks.

It prints the branches and the shares, and writes ssb_diagram.png, ssb_branches.csv (every state of
every branch), ssb_shares.csv, and the symmetric branches as JSON.
"""

import argparse
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import matplotlib
import numpy as np
import pandas as pd
from rich.console import Console
from scipy.optimize import brentq

import flowlab as fl

matplotlib.use("Agg")
import matplotlib.pyplot as plt

RIGHT, FIRST, MARGIN = np.pi / 2, 0.02, 0.03  # radians
STD = 0.01  # of the perturbation, in each weight


def pulled_apart(K: int) -> fl.FieldFamily:
    """The teachers by the angle between them; their mean points along (1, ..., 1)."""
    mean = jnp.full((K, K), 1 / K)

    def field(angle):
        apart, along = 1 - jnp.cos(angle), 1 + (K - 1) * jnp.cos(angle)
        return fl.TeacherStudent(jnp.sqrt(apart) * (jnp.eye(K) - mean) + jnp.sqrt(along) * mean)

    return fl.FieldFamily(field, "angle", spec={"type": "equal angles", "teachers": K})


def diagram(K: int, starts: int) -> list[fl.Branch]:
    """The symmetric branch, those that meet it, and all that pass orthonormal teachers."""
    family, bounds = pulled_apart(K), (FIRST, np.arccos(-1 / (K - 1)) - MARGIN)
    x = (np.sqrt(K - 1) + np.pi - np.arccos(K**-0.5)) / (np.pi * K)
    branches = fl.bifurcation_diagram(family, np.full((K, K), x), parameter=bounds, at=RIGHT)
    known = [np.full((K, K), x)]
    here = family(RIGHT)
    points = fl.find_critical_points(
        here, key=jax.random.key(K), starts=starts, methods=("newton",)
    )
    for point in points:
        if any(here.symmetry.same_orbit(point.location, other, tol=1e-5) for other in known):
            continue
        branches.append(fl.continue_branch(family, point.location, parameter=bounds, at=RIGHT))
        known.append(point.location)
        branches[-1] = branches[-1].replace(images=point.orbit_size)
    return branches


def at_right(branch: fl.Branch) -> int | None:
    """The number of the state nearest to the right angle, if the branch comes near."""
    nearest = int(np.argmin(np.abs(branch.parameter - RIGHT)))
    return nearest if abs(branch.parameter[nearest] - RIGHT) < 0.1 else None


def name_of(branch: fl.Branch) -> str:
    """The isotropy subgroup along a branch, away from the points where others meet it."""
    names = list(branch.isotropy)
    return max(set(names), key=names.count)


def turning(K: int) -> float:
    """The angle at which the merged student turns aside, in closed form (K = 2 and 3)."""
    factor = {2: 1, 3: 2}[K]
    t = brentq(lambda t: np.tan(t) - factor * (np.pi - t), 1.05, 1.55, xtol=1e-15)
    return float(np.arccos((K * np.cos(t) ** 2 - 1) / (K - 1)))


def listed(K: int, branches: list[fl.Branch]) -> pd.DataFrame:
    """A line for each branch."""
    rows = []
    for branch in branches:
        at = at_right(branch)
        place = len(branch) // 2 if at is None else at
        rows.append(
            {
                "K": K,
                "isotropy": name_of(branch),
                "images": branch.images,
                "index": int(branch.index[place]),
                "from": round(float(branch.parameter.min()), 2),
                "to": round(float(branch.parameter.max()), 2),
                "loss at 90°": np.nan if at is None else abs(float(branch.loss[at])),
                "special": " ".join(f"{s.kind} {s.parameter:.4f}" for s in branch.special_points),
            }
        )
    return pd.DataFrame(rows)


def shares(K: int, symmetric: fl.Branch, angles: list[float], starts: int) -> pd.DataFrame:
    """Where perturbations of the symmetric solution end, image by image."""
    along = fl.fractions_along(
        pulled_apart(K), symmetric, angles, std=STD, key=jax.random.key(7), starts=starts
    )
    frames = [
        found.images().assign(K=K, angle=angle, kind=found.rows[0].kind)
        for angle, found in zip(angles, along.shares, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def draw_branches(ax: plt.Axes, K: int, branches: list[fl.Branch]) -> None:
    """Draw the diagram, one colour for each isotropy subgroup, and name the branches."""
    top = 1.08 * branches[0].loss.max()
    shown = [branch for branch in branches if branch.loss.min() < 0.5 * branches[0].loss.max()]
    colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(map(name_of, shown)))}
    labels = []
    for branch in shown:
        colour, at = colours[name_of(branch)], at_right(branch)
        fl.plot.bifurcation(branch, quantity="loss", legend=False, ax=ax, color=colour)
        if at is not None:
            text = f"{name_of(branch)}  ({branch.index[at]}; {branch.images})"
            labels.append((float(branch.loss[np.argmax(branch.parameter)]), text, colour))
    right = max(branch.parameter.max() for branch in shown)
    # Losses gather: labels stand in the order of the branches, joined to them by thin lines.
    labels.sort()
    heights = np.linspace(0, top, len(labels)) if len(labels) > 3 else [v for v, _, _ in labels]
    for (value, text, colour), height in zip(labels, heights, strict=True):
        ax.annotate(
            text, (right, min(value, top)), (1.08 * right, height), va="center", color=colour,
            fontsize="small", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "0.7", "relpos": (0, 0.5)},
        )  # fmt: skip
    handles, names = ax.get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))
    ax.legend(once.values(), once.keys(), frameon=False, loc="upper left", fontsize="small")
    ax.axvline(RIGHT, color="0.85", lw=0.8, zorder=0)
    ax.set(xlabel="angle between the teachers", ylabel="loss $J$", xlim=(0, right))
    ax.set_ylim(-0.02 * top, top)
    ax.set_xticks([0, np.pi / 4, np.pi / 2, 3 * np.pi / 4][: 4 if K == 2 else 3])
    ax.set_xticklabels(["0", "45°", "90°", "135°"][: 4 if K == 2 else 3])
    ax.set_title(f"$K = {K}$:  isotropy  (index; images) at 90°", fontsize="medium", loc="left")
    ax.spines[["top", "right"]].set_visible(False)


def draw_shares(ax: plt.Axes, table: pd.DataFrame) -> None:
    """Draw the share of each permutation with its interval, and the share that symmetry demands."""
    K = int(table.K.iloc[0])
    angles = sorted(table.angle.unique())
    for number, angle in enumerate(angles):
        rows = table[table.angle == angle].sort_values("image")
        x = np.arange(len(rows)) + 0.18 * (number - (len(angles) - 1) / 2)
        bars = [rows.fraction - rows.lower, rows.upper - rows.fraction]
        label = f"{np.degrees(angle):.0f}°"
        ax.errorbar(x, rows.fraction, bars, fmt="o", ms=4, lw=1.2, capsize=2, label=label)
        ax.set_xticks(np.arange(len(rows)), [short(image) for image in rows.image])
    ax.axhline(1 / len(rows), color="0.5", lw=0.9, ls=(0, (4, 2)), zorder=0)
    ax.set(ylim=(0, None), xlabel="permutation reached", ylabel="share of perturbations")
    ax.set_title(f"$K = {K}$", fontsize="medium", loc="left")
    ax.legend(title="angle", frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)


def short(image: str) -> str:
    """The cycles of an image's permutation of students."""
    return image.replace("students ", "") if image != "identity" else "id"


def main() -> None:
    """Follow the branches, perturb the symmetric one, report, draw."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--fast", action="store_true", help="fewer starts, two angles")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default: ./out)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found, tables, ratios = {}, [], []
    angles = [1.0, RIGHT] if options.fast else [0.5, 1.0, RIGHT, 1.8]
    for K in (2, 3):
        with Console().status(f"K = {K}"):
            found[K] = diagram(K, 100 if options.fast else 1_000)
            ratios.append(shares(K, found[K][0], angles, 150 if options.fast else 3_000))
        found[K][0].to_json(options.out / f"ssb_symmetric_{K}.json")
        tables += [
            branch.to_frame().assign(K=K, branch=number) for number, branch in enumerate(found[K])
        ]
        symmetric = found[K][0]
        print(f"\nK = {K}: branches, the symmetric solution first")
        print(listed(K, found[K]).drop(columns="K").to_string(index=False))
        print(f"It turns aside at {symmetric.special_points[0].parameter:.10f};", end=" ")
        print(f"closed form {turning(K):.10f}")
        rates = -symmetric.eigenvalues[:, 0]
        print(f"Its fastest rate: {rates[0]:.4f} at angle {symmetric.parameter[0]:.2f},", end=" ")
        print(f"{rates[at_right(symmetric)]:.4f} near the right angle.")
    table = pd.concat(ratios, ignore_index=True)
    print(f"\nShares of perturbations (std {STD}) of the symmetric solution, by permutation")
    shown = table[["K", "angle", "kind", "image", "fraction", "lower", "upper", "hits"]]
    print(shown.to_string(index=False, float_format="{:.3f}".format))
    pd.concat(tables).to_csv(options.out / "ssb_branches.csv", index=False)
    table.to_csv(options.out / "ssb_shares.csv", index=False)
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 7.6), layout="constrained")
    for column, K in enumerate(found):
        draw_branches(axes[0, column], K, found[K])
        draw_shares(axes[1, column], table[table.K == K])
    figure.savefig(options.out / "ssb_diagram.png", dpi=200)
    print(f"\nWritten: ssb_diagram.png, ssb_branches.csv, ssb_shares.csv in {options.out}")


if __name__ == "__main__":
    main()
