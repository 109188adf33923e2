"""The log of a proof that the critical points of two students are all known: JSON lines."""

import json
import os

from ..._files import write_atomically
from ..conjecture1._log import entries as conjecture1_entries
from ._equations import pieces
from ._proof import K2Proof

FORMAT = "flowlab: critical points of two students"
SCHEMA_VERSION = 1


def write_log(path: str | os.PathLike[str], proof: K2Proof) -> None:
    """Write what `check_k2_complete` reads.

    The first line says what was asked for; the second one holds the log of Conjecture 1; then each
    piece with its boxes `[level, i, j, method, bound]` and the undecided ones `[level, i, j]`; the
    last line is the verdict.

    Args:
        path: the file.
        proof: the proof.
    """
    head = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "angle": str(proof.angle),
        "precision": proof.precision,
        "versions": proof.versions,
    }
    lines = [
        head,
        {"conjecture1": conjecture1_entries(proof.conjecture1)},
        *(_piece(proof, piece.name) for piece in pieces(proof.angle)),
        _verdict(proof),
    ]
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines))


def _piece(proof: K2Proof, name: str) -> dict:
    return {
        "piece": name,
        "boxes": [
            [entry.box.level, entry.box.i, entry.box.j, entry.method, entry.bound]
            for entry in proof.proved
            if entry.piece.name == name
        ],
        "undecided": [
            [entry.box.level, entry.box.i, entry.box.j]
            for entry in proof.undecided
            if entry.piece.name == name
        ],
    }


def _verdict(proof: K2Proof) -> dict:
    point = proof.witness
    return {
        "verdict": proof.verdict,
        "collinear": proof.collinear,
        "boxes": len(proof.proved),
        "undecided": len(proof.undecided),
        "witness": None
        if point is None
        else {"piece": point.piece, "p": point.p, "q": point.q, "error": point.error},
    }
