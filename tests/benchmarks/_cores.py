"""Running a benchmark again on a given number of cores."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence


def usable_cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cores_in_words() -> str:
    """Return "1 core", "2 cores", ..."""
    count = len(usable_cores())
    return "1 core" if count == 1 else f"{count} cores"


def rerun_on(counts: Sequence[int]) -> None:
    """Run this script again, in a new process for each number of cores, with `--cores`.

    Thread pools take their size from the cores that a process has when it starts. The processes
    share a compilation cache that is empty at first, so the first of them really compiles.
    """
    cores = usable_cores()
    with tempfile.TemporaryDirectory() as cache:
        for count in counts:
            environment = {"JAX_COMPILATION_CACHE_DIR": cache, "NUMBA_NUM_THREADS": str(count)}
            subprocess.run(
                [sys.executable, *sys.argv, "--cores", str(count)],
                env=os.environ | environment,
                preexec_fn=lambda keep=cores[-count:]: _keep_to(keep),
                check=True,
            )


def _keep_to(cores: list[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
