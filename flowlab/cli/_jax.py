"""What JAX is told before a command computes anything."""

import os
from pathlib import Path


def prepare_jax() -> None:
    """Turn on 64 bits and the compilation cache."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(base) / "flowlab" / "jax")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
    # Run-time errors become NaNs, which every outcome reports, not host callbacks, which the cache
    # cannot keep.
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    import jax

    jax.config.update("jax_enable_x64", True)
