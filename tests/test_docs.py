"""The code that readers copy, from the README and every page, runs as it stands."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parents[1]

# What a page may take for granted; the README, the landing page and the tutorial may not.
BEFORE = """
import jax, jax.numpy as jnp, matplotlib.pyplot as plt, numpy as np, flowlab as fl
key = jax.random.key(0)
"""
WHOLE = "README.md", "docs/continuation.md", "docs/index.md", "docs/tutorial.md"


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


PAGES = [
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "_build" not in path.parts and blocks(path)
]


def test_the_pages_that_show_code_are_found():
    assert set(WHOLE) < set(PAGES) and len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES)
def test_code_on_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    if page not in WHOLE:
        exec(BEFORE, names)
    for block in blocks(ROOT / page):
        exec(compile(block, page, "exec"), names)
    plt.close("all")
    if page in ("README.md", "docs/tutorial.md"):
        assert len(names["catalog"]) >= 4
