"""Draw the picture of the README: `python docs/make_figure.py`."""

from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import flowlab as fl

OUT = Path(__file__).parent / "_static" / "landscape.png"


def main() -> None:
    field = fl.TeacherStudent(jnp.eye(3))
    landscape = fl.survey(field, key=jax.random.key(0), starts=800, resolution=300)
    view = landscape.view
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.0, 4.6), layout="constrained", width_ratios=(1, 1.15)
    )
    points = list(view.points)
    fl.plot.basins(landscape.basins, points=points, legend=False, ax=left)
    starts = [(1e-3, 0.0), (0.9, 0.75), (0.55, 1.05), (-0.3, 0.05), (1.1, -0.3), (0.02, 0.05)]
    runs = [fl.integrate(view.field, np.array(start)) for start in starts]
    fl.plot.trajectories(
        runs, field=view.field, legend=False, ax=left, color="black", linewidth=0.8
    )
    left.set_title("three students on the plane of Theorem 7", fontsize=10)
    fl.plot.landscape(fl.quotient(landscape.graph), ax=right)
    right.set_title("all critical points found, modulo symmetry", fontsize=10)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=150)


if __name__ == "__main__":
    main()
