"""The log of a proof that the critical points of two students are all known: JSON lines."""

import json
import os

from ..._files import write_atomically
from ..conjecture1._log import entries as conjecture1_entries
from ._proof import K2Proof, ProvedBox

FORMAT = "flowlab: critical points of two students"
SCHEMA_VERSION = 1


def write_log(path: str | os.PathLike[str], proof: K2Proof) -> None:
    """Write what `check_k2_complete` reads.

    The first line says what was asked for; the second one holds the log of Conjecture 1; then each
    piece with a range of angles between the teachers, its boxes `[level, i, j, method, bound]` and
    the undecided ones `[level, i, j]`; the last line is the verdict.

    Args:
        path: the file.
        proof: the proof.
    """
    head = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "angles": [str(end) for end in proof.angles],
        "precision": proof.precision,
        "versions": proof.versions,
    }
    lines = [
        head,
        {"conjecture1": conjecture1_entries(proof.conjecture1)},
        *_pieces(proof),
        _verdict(proof),
    ]
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines))


def _pieces(proof: K2Proof) -> list[dict]:
    lines = {}
    for entry in (*proof.proved, *proof.undecided):
        piece = entry.piece
        angles = [str(piece.low), str(piece.high)]
        empty = {"piece": piece.name, "angles": angles, "boxes": [], "undecided": []}
        line, box = lines.setdefault(piece, empty), [entry.box.level, entry.box.i, entry.box.j]
        if isinstance(entry, ProvedBox):
            line["boxes"].append([*box, entry.method, entry.bound])
        else:
            line["undecided"].append(box)
    return list(lines.values())


def _verdict(proof: K2Proof) -> dict:
    point = proof.witness
    return {
        "verdict": proof.verdict,
        "collinear": proof.collinear,
        "boxes": len(proof.proved),
        "undecided": len(proof.undecided),
        "witness": None
        if point is None
        else {
            "angle": str(point.angle),
            "piece": point.piece,
            "p": point.p,
            "q": point.q,
            "error": point.error,
        },
    }
