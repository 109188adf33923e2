"""What every test shares: 64-bit floats, no windows, a compilation cache, seeded randomness."""

import gc
import os
import secrets
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
# Run-time errors become NaNs, not host callbacks, which XLA's cache cannot keep.
os.environ.setdefault("EQX_ON_ERROR", "nan")
os.environ.setdefault("MPLBACKEND", "Agg")

import hypothesis
import jax
import matplotlib
import numpy as np
import pytest

jax.config.update("jax_enable_x64", True)
matplotlib.use("Agg")

# The first example of a property compiles, so neither time limit means anything.
hypothesis.settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "ci", parent=hypothesis.settings.get_profile("default"), derandomize=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The test's own seed: fixed by its name, unless FLOWLAB_TEST_SEED says otherwise."""
    asked = os.environ.get("FLOWLAB_TEST_SEED", "")
    if asked == "random":
        value = secrets.randbits(31)
    elif asked:
        value = int(asked)
    else:
        value = zlib.crc32(request.node.nodeid.encode()) >> 1
    print(f"seed of this test: FLOWLAB_TEST_SEED={value}")
    return value


@pytest.fixture
def getkey(seed: int) -> Callable[[], jax.Array]:
    """A function that returns a fresh JAX key at each call."""
    root = jax.random.key(seed)
    calls = 0

    def fresh() -> jax.Array:
        nonlocal calls
        calls += 1
        return jax.random.fold_in(root, calls)

    return fresh


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """A NumPy generator with the test's seed."""
    return np.random.default_rng(seed)


MAPS = Path("/proc/self/maps")
MOST_MAPS = 20_000
"""A program that XLA compiles takes several memory maps, and Linux gives a process 65,530: what
comes after is a segmentation fault inside XLA."""


@pytest.fixture(autouse=True)
def forget_programs():
    """Let go of compiled programs when a test has left too many of them."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(autouse=True)
def close_figures():
    """Leave no figure open behind a test; matplotlib warns at twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        plt.close("all")


@pytest.fixture
def flowlab(monkeypatch, capsys):
    """Run the command line in this process; returns the status and what it printed."""
    from flowlab.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["flowlab", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return run
