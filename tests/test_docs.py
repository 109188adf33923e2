"""The code that readers copy, from the README and the tutorial, runs as it stands."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parents[1]


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_code_on_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = blocks(ROOT / page)
    assert len(code) >= 2, "the page has lost its code"
    names: dict[str, object] = {}
    for block in code:
        exec(compile(block, page, "exec"), names)
    plt.close("all")
    assert len(names["catalog"]) >= 4
