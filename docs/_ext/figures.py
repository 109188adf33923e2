"""Draw the figures of the paper while the pages are built: the repository keeps no picture of them.

They go to `docs/_figures`. One that is newer than every source of the package is left as it is.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

DPI = 200


def newest_source() -> float:
    """When a source of the package was last written."""
    import flowlab

    return max(path.stat().st_mtime for path in Path(flowlab.__file__).parent.rglob("*.py"))


def draw_figures(app: Sphinx) -> None:
    """Draw what is missing or older than the sources."""
    folder = Path(app.srcdir) / "_figures"
    folder.mkdir(exist_ok=True)
    import flowlab as fl

    places = {number: folder / f"figure{number}.png" for number in fl.paper.FIGURES}
    newest = newest_source()
    old = {n: p for n, p in places.items() if not p.exists() or p.stat().st_mtime < newest}
    if not old:
        return
    import jax
    import matplotlib

    jax.config.update("jax_enable_x64", True)
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for number, place in old.items():
        logger.info("drawing figure %d", number)
        figure = getattr(fl.paper, f"figure{number}")()
        figure.savefig(place, dpi=DPI)
        plt.close(figure)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", draw_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
