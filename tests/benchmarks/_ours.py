"""flowlab's own ways to label starts, and the entries of the comparison."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import diffrax as dfx
import numpy as np
from _peers import REST, Peer
from _report import Report, timed
from _subjects import Subject

import flowlab as fl

FOR_LABELS: dict[str, Any] = {"solver": dfx.Tsit5(), "rtol": 1e-6, "atol": 1e-8}
"""The fastest at rtol 1e-6 on the plane without a wrong label; `--tune` compares `CHOICES`."""

CHOICES = [
    {"solver": solver, "rtol": rtol, "atol": rtol / 100}
    for rtol in (1e-6, 1e-5)
    for solver in (dfx.Tsit5(), dfx.Dopri5(), dfx.Dopri8(), dfx.Bosh3())
]


@dataclasses.dataclass
class Entry:
    """One row of a comparison.

    Attributes:
        name: what it is called.
        starts: those it follows.
        follow: follows them and returns what `judge` wants.
        judge: returns how many labels were wrong and how many starts did not settle.
        compiling: seconds spent on compiling before the first run.
        last: what the last run returned.
    """

    name: str
    starts: np.ndarray
    follow: Callable[[np.ndarray], Any]
    judge: Callable[[Any], tuple[int, int]]
    compiling: float = 0.0
    last: Any = None

    def run(self) -> None:
        """Follow the starts."""
        self.last = self.follow(self.starts)

    def mistakes(self) -> tuple[int, int]:
        """Return how many labels of the last run were wrong, and how many starts did not settle."""
        return self.judge(self.last)

    @classmethod
    def of_peer(cls, peer: Peer, subject: Subject) -> "Entry":
        """The entry of a peer: its ends are labelled with the nearest critical point."""
        chosen = np.arange(len(subject.starts))
        if len(chosen) > peer.most:
            chosen = np.sort(np.random.default_rng(0).permutation(chosen)[: peer.most])

        def judge(ends: np.ndarray) -> tuple[int, int]:
            wrong = subject.labels(ends) != subject.truth[chosen]
            # An event located by a root finder ends within its tolerance of the threshold.
            unsettled = ~(subject.speeds(ends) <= 1.01 * REST)
            return int((wrong & ~unsettled).sum()), int(unsettled.sum())

        return cls(peer.name, subject.starts[chosen], peer.run, judge, peer.compiling)


def ours(subject: Subject, workers: int) -> list[Entry]:
    """flowlab brute force, with capture, and with capture at a tolerance for labels."""
    began = time.perf_counter()
    catalog = known(subject)
    brute = _entry("flowlab", subject, workers=workers)
    brute.compiling = time.perf_counter() - began
    return [
        brute,
        _entry("flowlab, capture", subject, workers=workers, catalog=catalog),
        _entry("flowlab, for labels", subject, workers=workers, catalog=catalog, **FOR_LABELS),
    ]


def known(subject: Subject) -> fl.Catalog:
    """Return the catalog of two runs over some of the starts; the second one keeps the balls."""
    some = subject.starts[:: len(subject.starts) // 500]
    catalog = fl.settle(subject.field, some).catalog
    return fl.settle(subject.field, some, catalog=catalog).catalog


def _entry(name: str, subject: Subject, **options: Any) -> Entry:
    def judge(ensemble: fl.Ensemble) -> tuple[int, int]:
        settled = np.isin(ensemble.outcome, (fl.Outcome.settled, fl.Outcome.captured))
        settled &= ensemble.point >= 0
        wrong = subject.labels(_labelled(subject.field, ensemble)) != subject.truth
        return int((wrong & settled).sum()), int((~settled).sum())

    return Entry(
        name, subject.starts, lambda starts: fl.settle(subject.field, starts, **options), judge
    )


def _labelled(field: fl.AbstractField, ensemble: fl.Ensemble) -> np.ndarray:
    """Return the image of a critical point that each trajectory is labelled with, not its end."""
    places = np.zeros(ensemble.state.shape)
    labels = np.stack([ensemble.point, ensemble.image])
    for point, image in np.unique(labels, axis=1).T:
        if point >= 0:
            place = field.symmetry.act(
                ensemble.images[image], ensemble.catalog[int(point)].location
            )
            places[(ensemble.point == point) & (ensemble.image == image)] = place
    return places


def tune(subject: Subject, workers: int, report: Report) -> None:
    """Show how fast and how right each of `CHOICES` is on a subject."""
    catalog, rows = known(subject), []
    for choice in CHOICES:
        entry = _entry("", subject, workers=workers, catalog=catalog, **choice)
        entry.run()
        rate = len(subject.starts) / statistics.median(timed(entry.run) for _ in range(3))
        solver = type(choice["solver"]).__name__
        counts = [str(count) for count in entry.mistakes()]
        rows.append([f"{solver}, rtol {choice['rtol']:g}", f"{rate:,.0f}", *counts])
    report.table(["with capture", "starts/s", "wrong", "unsettled"], rows)
