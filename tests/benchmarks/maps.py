"""A refined map of a million cells against following every cell, by flowlab's own engine.

Every cell of the full map is followed, so the labels that the refined one inferred are all checked.
"""

import statistics

import jax

jax.config.update("jax_enable_x64", True)

from _cores import cores_in_words, usable_cores
from _report import Report, alternating, median_ratio, read_options

import flowlab as fl

SIDE, FAST_SIDE = 1_000, 250


def main() -> None:
    options = read_options(__doc__)
    side = FAST_SIDE if options.fast else SIDE
    plane = fl.theorem7_plane(5)
    catalog = fl.settle(plane, 200, key=jax.random.key(0)).catalog
    maps = {}

    def draw(resolution: int, refine: bool) -> None:
        maps[refine] = fl.basin_map(
            plane, x=(0, 1), y=(0, 1),
            resolution=resolution, refine=refine, catalog=catalog, workers=len(usable_cores()),
        )  # fmt: skip

    # Compiled for the same batches as the large ones, hence not timed below.
    for refine in (False, True):
        draw(min(side, 300), refine)
    jobs = {"all": lambda: draw(side, False), "refined": lambda: draw(side, True)}
    seconds = alternating(jobs, options.runs)
    followed = maps[True].integrated.values
    different = (maps[True].label != maps[False].label).values
    report = Report(f"Map of {side:,} × {side:,} cells, {cores_in_words()}", options.markdown)
    cells = side * side
    report.table(
        ["", "seconds", "cells followed", "times as fast", "mismatches"],
        [
            ["every cell", f"{statistics.median(seconds['all']):.2f}", f"{cells:,}", "1", ""],
            [
                "refined, audited",
                f"{statistics.median(seconds['refined']):.2f}",
                f"{followed.sum():,} ({followed.mean():.1%})",
                f"{median_ratio(seconds['all'], seconds['refined']):.1f}",
                f"{different.sum():,} of {cells:,}",
            ],
        ],
    )


if __name__ == "__main__":
    main()
