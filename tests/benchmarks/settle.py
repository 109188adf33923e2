"""Where 40,000 starts go: flowlab against what else one could write, on one core and on all.

Each peer's ends are labelled outside the timing with the nearest critical point; flowlab's own
labels are part of its time. Compilation comes first and is stated apart.
"""

import statistics
from typing import Any

from _cores import cores_in_words, rerun_on, usable_cores
from _report import Report, alternating, median_ratio, read_options, timed

SIDE, FAST_SIDE = 200, 100


def main() -> None:
    options = read_options(__doc__)
    if options.cores is not None:
        measure(options)
        return
    every = len(usable_cores())
    rerun_on([every] if options.fast or every == 1 else [1, every])


def measure(options: Any) -> None:
    """Measure every subject on the cores that this process has."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from _subjects import double_well, plane_of_theorem_7

    side = FAST_SIDE if options.fast else SIDE
    for make in (plane_of_theorem_7,) if options.fast else (plane_of_theorem_7, double_well):
        subject = make(side)
        subject.check_velocity()
        title = f"{len(subject.starts):,} starts: {subject.name}, {cores_in_words()}"
        compare(subject, options, Report(title, options.markdown))


def compare(subject: Any, options: Any, report: Report) -> None:
    """Measure flowlab and every peer that is installed on one subject."""
    from _ours import ours, tune

    if options.tune:
        tune(subject, options.cores, report)
    entries = ours(subject, options.cores)
    own = [entry.name for entry in entries]
    theirs, missing = peers(subject, options.cores)
    entries += theirs
    first = {entry.name: entry.compiling + timed(entry.run) for entry in entries}
    seconds = alternating({entry.name: entry.run for entry in entries}, options.runs)
    per_start = {e.name: [s / len(e.starts) for s in seconds[e.name]] for e in entries}
    rows = []
    for entry in entries:
        took = per_start[entry.name]
        ratios = [f"{median_ratio(took, per_start[name]):.2f}" for name in own]
        compiling = max(0.0, first[entry.name] - statistics.median(seconds[entry.name]))
        wrong, unsettled = entry.mistakes()
        rows.append(
            [
                entry.name,
                f"{1 / statistics.median(took):,.0f}",
                *(ratios if entry.name not in own else ["", "", ""]),
                f"{wrong:,}",
                f"{unsettled:,}",
                f"{len(entry.starts):,}",
                f"{compiling:.1f}",
            ]
        )
    report.table(
        ["", "starts/s", "flowlab is ×", "capture ×", "for labels ×"]
        + ["wrong", "unsettled", "of", "compiling, s"],
        rows,
    )
    for line in missing:
        report.remark(f"Not measured: {line}.")


def peers(subject: Any, cores: int) -> tuple[list[Any], list[str]]:
    """Return the peers that are installed, and what there is to say of the others."""
    from _ours import Entry
    from _peers import PEERS, Missing

    found, missing = [], []
    for make in PEERS:
        try:
            peer = make(subject, cores)
        except Missing as error:
            missing.append(str(error))
        else:
            found.append(Entry.of_peer(peer, subject))
    return found, missing


if __name__ == "__main__":
    main()
