"""Three basin maps: an invariant plane, a potential, and a slice through nine dimensions.

* plane_k5: five students on the plane of Theorem 7, labelled with the critical points of the full
  flow in 25 dimensions. Below x = y everything goes to the teacher; above it, to another critical
  point, a saddle of the full flow. The boundary is exactly the line x = y.
* muller_brown: the potential on which chemists test their methods, three minima.
* slice_k3: the plane through three of the six teachers of K = 3, in the full field. The flow leaves
  this plane at once; the colour of a cell tells which permutation its start ends at.

It prints how many cells end where, and writes basin_map.png and a NetCDF file for each map, which
xarray, ncview, Panoply or R open; labels, names and provenance are inside. Cells lie on a grid:
their counts are areas of the picture, not probabilities of random starts.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import diffrax as dfx
import flowlab as fl
import jax.numpy as jnp
import matplotlib
import numpy as np
import xarray as xr
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

matplotlib.use("Agg")
import matplotlib.pyplot as plt

console = Console()


class Meter(dfx.AbstractProgressMeter):
    """Forwards the share of starts that have settled to a bar on the screen."""

    progress: Progress
    task: Any

    def init(self) -> None:
        """Begin."""

    def step(self, state: None, progress: Any) -> None:
        """Show how far it is."""
        self.progress.update(self.task, completed=float(progress))

    def close(self, state: None) -> None:
        """End."""
        self.progress.update(self.task, completed=1.0)


def jobs(seed: int) -> dict[str, dict[str, Any]]:
    """What to map: the arguments of `basin_map`."""
    students = fl.TeacherStudent(jnp.eye(3))
    teachers = np.eye(3)[[[0, 1, 2], [1, 0, 2], [0, 2, 1]]]
    return {
        "plane_k5": {"field": fl.theorem7_plane(5), "x": (0, 1), "y": (0, 1), "full": True},
        "muller_brown": {"field": fl.zoo.muller_brown(), "x": (-1.7, 1.3), "y": (-0.7, 2.2)},
        "slice_k3": {
            "field": students, "x": (-1, 2), "y": (-1, 2),
            "plane": fl.Plane.through(*teachers, coordinates=("s", "t")),
        },
    }
