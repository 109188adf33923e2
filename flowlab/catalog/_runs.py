"""Which runs found what: hits that can be added without counting a run twice.

A run is one computation that counted starts. `provenance["runs"]` of a catalog that came from
others lists theirs: `run` (a fingerprint), `provenance`, and `hits` by id. What its points have
beyond those are the hits of its own run. Adding catalogs then means joining sets of runs, which is
idempotent, commutative and associative: a grow-only counter in the sense of Shapiro, Preguiça,
Baquero and Zawirski (2011), with runs in the place of replicas.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..critical import CriticalPoint
from ._document import plain

DERIVED = {"merged", "selection"}
"""With these in its provenance a catalog did not count starts itself."""

_ASIDE = DERIVED | {"runs", "migrated_from"}


class Run(NamedTuple):
    """One run: fingerprint, provenance, and hits by the ids of a catalog."""

    run: str
    provenance: dict[str, Any]
    hits: dict[str, int]

    def restricted(self, ids: Iterable[str]) -> "Run":
        """The run with the hits of some points only."""
        return self._replace(hits={id: self.hits[id] for id in ids if id in self.hits})


def runs_of(points: Iterable[CriticalPoint], provenance: Mapping[str, Any]) -> list[Run]:
    """Return the runs that found the points, the catalog's own run last.

    Raises:
        ValueError: if `provenance["runs"]` is not what this module writes.
    """
    points = list(points)
    ids = [point.id for point in points]
    earlier = [_checked(entry, i) for i, entry in enumerate(_listed(provenance))]
    earlier = [run.restricted(ids) for run in earlier]
    known = total_hits(earlier)
    beyond = {p.id: int(p.hits) - known.get(p.id, 0) for p in points}
    beyond = {id: hits for id, hits in beyond.items() if hits > 0}
    if beyond or not DERIVED & set(provenance):
        made = {name: value for name, value in provenance.items() if name not in _ASIDE}
        earlier.append(Run(_fingerprint(made, points, beyond), made, beyond))
    return earlier


def total_hits(runs: Iterable[Run]) -> dict[str, int]:
    """Return the hits of all runs together, by id."""
    total: dict[str, int] = {}
    for run in runs:
        for id, hits in run.hits.items():
            total[id] = total.get(id, 0) + hits
    return total


def joined(parts: Iterable[tuple[list[Run], Mapping[str, str]]]) -> list[Run]:
    """Return the runs of several catalogs, each of them once.

    Args:
        parts: the runs of each catalog, and the joint id of each of its points.

    Returns:
        The runs by date, with joint ids. A run that several catalogs know counts, at each point,
        as the one that knows most has it.
    """
    found: dict[str, Run] = {}
    for runs, ids in parts:
        for run in runs:
            hits: dict[str, int] = {}
            for id, count in run.hits.items():
                hits[ids[id]] = hits.get(ids[id], 0) + count
            known = found.get(run.run)
            for id, count in (known.hits if known else {}).items():
                hits[id] = max(count, hits.get(id, 0))
            found[run.run] = Run(run.run, known.provenance if known else run.provenance, hits)
    return sorted(found.values(), key=lambda run: (str(run.provenance.get("date")), run.run))


def as_data(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return the runs as `provenance["runs"]` holds them."""
    return [run._asdict() for run in runs]


def renamed(provenance: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    """Return a provenance in which runs name points by their new ids."""
    if not _listed(provenance):
        return dict(provenance)
    runs = [_checked(entry, i) for i, entry in enumerate(_listed(provenance))]
    moved = [
        run._replace(hits={new[id]: count for id, count in run.hits.items() if id in new})
        for run in runs
    ]
    return {**provenance, "runs": as_data(moved)}


def _listed(provenance: Mapping[str, Any]) -> list[Any]:
    runs = provenance.get("runs", [])
    if not isinstance(runs, list):
        raise ValueError(f"provenance.runs is {type(runs).__name__}; needed: a list of runs.")
    return runs


def _checked(entry: Any, number: int) -> Run:
    good = (
        isinstance(entry, Mapping)
        and set(entry) == set(Run._fields)
        and isinstance(entry["run"], str)
        and isinstance(entry["provenance"], Mapping)
        and isinstance(entry["hits"], Mapping)
        and all(type(count) is int and count >= 0 for count in entry["hits"].values())
    )
    if not good:
        raise ValueError(
            f"provenance.runs[{number}] is no run; needed: run (text), provenance, and hits (whole "
            "numbers by the ids of points)."
        )
    return Run(entry["run"], dict(entry["provenance"]), dict(entry["hits"]))


def _fingerprint(
    made: Mapping[str, Any], points: Iterable[CriticalPoint], hits: Mapping[str, int]
) -> str:
    """The date to the microsecond tells runs apart; without one, what they found has to."""
    digest = hashlib.sha256(json.dumps(plain(made, "provenance"), sort_keys=True).encode())
    if "date" not in made:
        found = [(p.location.tobytes(), hits[p.id]) for p in points if p.id in hits]
        for location, count in sorted(found):
            digest.update(location + str(count).encode())
    return digest.hexdigest()[:16]
