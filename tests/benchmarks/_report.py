"""Options of the benchmarks, and tables for the terminal and for the documentation."""

import argparse
import datetime
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _cores import cores_in_words
from rich.console import Console
from rich.table import Table

PACKAGES = ("jax", "diffrax", "scipy", "numba", "numbalsoda", "pybasin")


def read_options(description: str) -> argparse.Namespace:
    """Read the command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--fast", action="store_true", help="smaller, in a minute or two")
    parser.add_argument("--runs", type=int, help="alternating runs; 5 if not given, 3 if fast")
    parser.add_argument("--cores", type=int, help="the cores this process was given; set by itself")
    parser.add_argument("--tune", action="store_true", help="compare solvers for labels first")
    parser.add_argument("--markdown", type=Path, help="append the tables to this file")
    options = parser.parse_args()
    options.runs = options.runs or (3 if options.fast else 5)
    return options


class Report:
    """Tables and remarks, for the terminal and, where a file is given, in Markdown.

    Args:
        title: heading of the section.
        markdown: file that the section is appended to.
    """

    def __init__(self, title: str, markdown: Path | None):
        self._console = Console(width=None if os.isatty(1) else 120)
        self._markdown = markdown
        self._console.print(f"\n[bold]{title}")
        self._append(f"\n## {title}\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table; the first column is text, the others are numbers."""
        table = Table()
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)
        ruler = ["---"] + ["--:"] * (len(columns) - 1)
        lines = ("| " + " | ".join(cells) + " |" for cells in (columns, ruler, *rows))
        self._append("\n" + "\n".join(lines) + "\n")

    def remark(self, text: str) -> None:
        """Say something below a table."""
        self._console.print(text, markup=False, highlight=False)
        self._append(f"\n{text}\n")

    def _append(self, text: str) -> None:
        if self._markdown is not None:
            with self._markdown.open("a", encoding="utf-8") as file:
                file.write(text)


def alternating(jobs: dict[str, Callable[[], Any]], runs: int) -> dict[str, list[float]]:
    """Return the seconds that each job takes, all jobs in turn, `runs` times.

    What slows the machine for a while then slows them all, and their ratios stay.
    """
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name, job in jobs.items():
            seconds[name].append(timed(job))
    return seconds


def timed(job: Callable[[], Any]) -> float:
    """Return how long a job takes."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def median_ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Return the median of the ratios of runs made one after the other."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def surroundings() -> str:
    """Return the date and what was measured on and with, in a sentence."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{datetime.date.today().isoformat()}; {cores_in_words()} of {_processor()}; "
        f"{platform.system()}, Python {platform.python_version()}, {', '.join(versions)}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
