"""`flowlab prove`: theorems, each proved by ball arithmetic at that moment, or a log checked.

A statement is one function from what was asked to a `Finding`, and one line in `STATEMENTS`.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ._console import meter, open_console, progress
from ._errors import FAILED, UserError, reason
from ._jax import prepare_jax


@dataclasses.dataclass(frozen=True)
class Asked:
    """What was asked for: a proof with a meter and perhaps a log, or a log to check."""

    meter: Any
    log: Path | None = None
    check: Path | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """`"proved"`, `"counterexample"` or `"undecided"`; of what exactly; and how it was found."""

    verdict: str
    statement: str
    details: str


@dataclasses.dataclass(frozen=True)
class Statement:
    """Something that can be proved, and whether a log of its proof can be written and checked."""

    prove: Callable[[Asked], Finding]
    has_log: bool = False


def _conjecture1(asked: Asked) -> Finding:
    from ..certify import check_conjecture1, prove_conjecture1

    if asked.check is not None:
        checked = check_conjecture1(asked.check)
        range_ = "0 < theta < pi" if checked.theta is None else f"theta in {list(checked.theta)}"
        quantity = "" if checked.signed else " printed without the sign of the angle"
        statement = f"the signs of L12{quantity} that Conjecture 1 claims, for {range_}."
        return Finding(checked.verdict, statement, _boxes(checked.boxes, checked.undecided))
    proof = prove_conjecture1(log=asked.log, progress_meter=asked.meter)
    details = _boxes(len(proof.proved), len(proof.undecided))
    return Finding(proof.verdict, proof.statement, details)


def _theorem4(asked: Asked) -> Finding:
    from ..certify import check_theorem4, theorem4

    if asked.check is not None:
        proof = check_theorem4(asked.check)
    else:
        proof = theorem4(log=asked.log, progress_meter=asked.meter)
    return Finding(proof.verdict, proof.statement, f"{proof.boxes:,} boxes of Conjecture 1")


def _theorem5(asked: Asked) -> Finding:
    del asked
    from ..certify import theorem5

    proof = theorem5()
    return Finding("proved", proof.statement, f"{proof.pieces:,} pieces, {proof.precision} bits")


def _one_student(asked: Asked) -> Finding:
    del asked
    from ..certify import one_student_convergence

    proof = one_student_convergence()
    return Finding("proved", proof.statement, f"{proof.pieces:,} pieces, {proof.precision} bits")


def _k2_complete(asked: Asked) -> Finding:
    from ..certify import check_k2_complete, prove_k2_complete
    from ..certify.k2_complete import describe

    if asked.check is not None:
        checked = check_k2_complete(asked.check)
        statement = describe(checked.angles, checked.verdict)
        return Finding(checked.verdict, statement, _boxes(checked.boxes, checked.undecided))
    proof = prove_k2_complete(log=asked.log, progress_meter=asked.meter)
    details = _boxes(len(proof.proved), len(proof.undecided))
    return Finding(proof.verdict, proof.statement, details)


STATEMENTS = {
    "conjecture1": Statement(_conjecture1, has_log=True),
    "theorem4": Statement(_theorem4, has_log=True),
    "k2-complete": Statement(_k2_complete, has_log=True),
    "theorem5": Statement(_theorem5),
    "k1-convergence": Statement(_one_student),
}

Name = Annotated[str, typer.Argument(metavar="STATEMENT", help=f"One of {', '.join(STATEMENTS)}.")]
Log = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the boxes of the proof there.")
]
Check = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Verify that log instead, by code that shares nothing."),
]


def prove_statement(statement: Name, log: Log = None, check: Check = None) -> None:
    """Prove a theorem by ball arithmetic, or check the log of a proof.

    The last line says proved, counterexample or undecided, and of what exactly;
    the exit status is 0 only if it is proved.
    """
    chosen = STATEMENTS.get(statement)
    if chosen is None:
        raise UserError(f"{statement} is not known; there is {', '.join(STATEMENTS)}.")
    if (log or check) and not chosen.has_log:
        raise UserError(
            f"the proof of {statement} has no log: it takes less than a second, prove it again."
        )
    if log and check:
        raise UserError("--log writes a log, --check verifies one; give one of them.")
    if log and not log.absolute().parent.is_dir():
        raise UserError(f"--log: there is no directory {log.parent}.")
    prepare_jax()
    console = open_console()
    with progress(console, lambda: "Nothing was written.") as bars:
        title = f"{'Checking' if check else 'Proving'} {statement}"
        finding = _found(chosen, Asked(meter(bars, title), log, check))
    console.print(finding.details)
    if log:
        console.print(f"Written: {log}", soft_wrap=True)
    console.print(f"{finding.verdict}: {finding.statement}", soft_wrap=True)
    if finding.verdict != "proved":
        raise typer.Exit(FAILED)


def _found(chosen: Statement, asked: Asked) -> Finding:
    from ..certify import CertificationError

    try:
        finding = chosen.prove(asked)
    except CertificationError as refusal:
        return Finding("undecided", str(refusal), "No proof was found.")
    except (OSError, ValueError) as error:
        # Anything else that a proof refuses is a bug, and is shown.
        if asked.check is None:
            raise
        if isinstance(error, OSError):
            raise UserError(f"{asked.check} cannot be read: {reason(error)}.") from error
        raise UserError(f"{asked.check}: {str(error).removeprefix(f'{asked.check} ')}") from error
    asked.meter.close(None)
    return finding


def _boxes(proved: int, undecided: int) -> str:
    return f"{proved:,} boxes proved, {undecided:,} undecided"
