"""A first small job as a whole process: import, compile, follow 1,000 starts, label them.

Cold: JAX's compilation cache is empty. Warm: it holds what an earlier process compiled.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from _report import Report, read_options, timed

JOB = """
import jax
jax.config.update("jax_enable_x64", True)
import flowlab as fl
ensemble = fl.settle(fl.theorem7_plane(5), 1_000, key=jax.random.key(0))
assert ensemble.counts == {"settled": 1_000}, ensemble
"""


def seconds(cache: str) -> float:
    """Return how long the job takes as a process with a compilation cache."""
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    }
    return timed(lambda: subprocess.run([sys.executable, "-c", JOB], env=environment, check=True))


def main() -> None:
    options = read_options(__doc__)
    cold, warm = [], []
    seconds_of_imports = timed(
        lambda: subprocess.run([sys.executable, "-c", "import jax, flowlab.flow"], check=True)
    )
    for _ in range(1 if options.fast else 3):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(seconds(cache))
            warm += [seconds(cache) for _ in range(1 if options.fast else 2)]
    report = Report("A first job of 1,000 starts, as a whole process", options.markdown)
    report.table(
        ["", "seconds"],
        [
            ["imports alone", f"{seconds_of_imports:.1f}"],
            ["cold compilation cache", f"{statistics.median(cold):.1f}"],
            ["warm compilation cache", f"{statistics.median(warm):.1f}"],
        ],
    )


if __name__ == "__main__":
    main()
