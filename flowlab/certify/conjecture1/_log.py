"""The log of a proof of Conjecture 1: JSON lines, one for each piece."""

import json
import os

from ..._files import write_atomically
from ._proof import Conjecture1Proof
from ._regions import WIDTH, Piece

FORMAT = "flowlab: signs of Conjecture 1"
SCHEMA_VERSION = 1


def write_log(path: str | os.PathLike[str], proof: Conjecture1Proof) -> None:
    """Write what `check_conjecture1` reads.

    The first line says what was asked for; each further line is a piece with its boxes
    `[level, i, j, bound]` and the undecided ones `[level, i, j]`; the last line is the verdict.

    Args:
        path: the file.
        proof: the proof.
    """
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in entries(proof)))


def entries(proof: Conjecture1Proof) -> list[dict]:
    """Return the lines of the log as data."""
    head = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "signed": proof.signed,
        "theta": None if proof.theta is None else list(proof.theta),
        "precision": proof.precision,
        "versions": proof.versions,
    }
    return [head, *_pieces(proof), _verdict(proof)]


def _pieces(proof: Conjecture1Proof) -> list[dict]:
    lines = {}
    for entry in (*proof.proved, *proof.undecided):
        lines.setdefault(entry.piece.name, _describe(entry.piece))
    for entry in proof.proved:
        box = entry.box
        lines[entry.piece.name]["boxes"].append([box.level, box.i, box.j, entry.bound])
    for entry in proof.undecided:
        box = entry.box
        lines[entry.piece.name]["undecided"].append([box.level, box.i, box.j])
    return list(lines.values())


def _describe(piece: Piece) -> dict:
    return {
        "region": piece.region.name,
        "pair": piece.pair,
        "low": [int(low / WIDTH) for low in piece.low],
        "blown": piece.blown,
        "orders": list(piece.orders),
        "boxes": [],
        "undecided": [],
    }


def _verdict(proof: Conjecture1Proof) -> dict:
    point = proof.counterexample
    return {
        "verdict": proof.verdict,
        "boxes": len(proof.proved),
        "undecided": len(proof.undecided),
        "counterexample": None
        if point is None
        else {"theta": str(point.theta), "phi": str(point.phi), "claimed": point.claimed},
    }
