"""The table of all claims that are checked, in the order of the paper."""

import dataclasses
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import jax

from .._checks import require_float64
from .._types import Key
from . import (
    _conjecture1,
    _gating,
    _lemmas,
    _multilayer,
    _noise,
    _normal,
    _one_student,
    _out_of_plane,
    _symmetric,
    _two_students,
)
from ._claim import Claim
from ._effort import Effort


class Check(NamedTuple):
    """One place of the paper and what checks it."""

    name: str
    about: str
    rows: Callable[[Effort], tuple[Claim, ...]]


CHECKS = (
    Check("Theorem 1", "the population gating, by sampling", _gating.theorem1_monte_carlo),
    Check("Theorem 1, all angles", "the same by quadrature", _gating.theorem1_quadrature),
    Check("Eqn 6", "the gradient of one student", _gating.equation6),
    Check("Eqn 7", "isotropic inputs", _gating.equation7),
    Check("Eqn 8", "the gradient of many students", _gating.equation8),
    Check("Eqn 9", "the normal equation", _normal.equation9),
    Check("Theorem 2", "out-of-plane points lie in manifolds", _out_of_plane.theorem2_saddle),
    Check("Theorem 2, rotations", "why they do", _out_of_plane.theorem2_rotations),
    Check("Eqns 10-13", "the normal equation in the plane", _normal.in_plane),
    Check("Eqn 14", "it separates into the teachers", _normal.equation14),
    Check("Proposition 1", "zeros of L", _normal.proposition1),
    Check("Theorem 3", "signs that exclude critical points", _normal.theorem3),
    Check("Eqn S20", "a cosine", _normal.equation_s20),
    Check("Sec. 5.3, saddle", "collinear students", _two_students.saddle_on_the_bisector),
    Check("Sec. 5.3, more points", "what the paper misses", _two_students.further_points),
    Check("Conjecture 1", "the sign of L12", _conjecture1.conjecture1),
    Check("Eqn S45", "the sign of an angle", _conjecture1.equation_s45),
    Check("Theorem 4", "where two students are not critical", _two_students.theorem4),
    Check("Sec. 5.3, complete", "the case that Theorem 4 leaves open", _two_students.complete),
    Check("Eqn 15", "the flow", _one_student.equation15),
    Check("Eqn 16", "the loss decreases", lambda effort: (
        _one_student.equation16(effort.key_of("Eqn 16")),
    )),
    Check("Theorem 5", "one student converges from Ω", _one_student.theorem5_proved),
    Check("Theorem 5, remark", "and from elsewhere", _one_student.theorem5_remark),
    Check("Eqns S49-S54", "the Lyapunov function's rate", _one_student.equation_s50),
    Check("Theorem 6", "the probability of Ω", _one_student.theorem6_bound),
    Check("Theorem 6, flow", "and of converging", _one_student.theorem6_convergence),
    Check("Eqn S61", "bounds of a ratio of gamma functions", _one_student.equation_s61),
    Check("Eqns 17-18", "students that a group permutes", _symmetric.equation17),
    Check("Sec. 6.2, start", "the start of Theorem 7", _symmetric.start_of_theorem7),
    Check("Eqns S69-S70", "the plane of Theorem 7", _symmetric.equations_s69),
    Check("Theorem 7", "symmetric students converge", _symmetric.theorem7),
    Check("Lemma 3", "angles in the triangle", _lemmas.lemma3),
    Check("Lemma 4", "the triangle's edges", _lemmas.lemma4),
    Check("Lemma 5", "one parameter for all angles", _lemmas.lemma5),
    Check("Lemma 6", "the sign of f3", _lemmas.lemma6),
    Check("Lemma 7", "one critical point", _lemmas.lemma7),
    Check("Lemma 8", "convergence in the triangle", _lemmas.lemma8),
    Check("Lemma 9", "the diagonal", _lemmas.lemma9),
    Check("Conjecture 2", "starts with noise", _noise.conjecture2),
    Check("Proposition 2", "the gradient of deep networks", _multilayer.proposition2_rows),
    Check("Sec. 7.1", "simulations of Theorem 1 (Figure 7)", _gating.simulations),
    Check("Fig. 9, noise", "how much noise is too much", _noise.figure9_noise),
    Check("Fig. 9, signs", "output weights of mixed signs", _noise.figure9_signs),
)  # fmt: skip


def claim_names() -> tuple[tuple[str, str], ...]:
    """Return the names of the checks, and what each is about.

    Returns:
        Pairs of a name, which `check_claims(only=...)` takes, and a few words.

    Example:
        >>> import flowlab as fl
        >>> fl.paper.claim_names()[0]
        ('Theorem 1', 'the population gating, by sampling')
    """
    return tuple((check.name, check.about) for check in CHECKS)


def check_claims(
    *,
    key: Key | None = None,
    full: bool = False,
    only: str | Iterable[str] | None = None,
    samples: int | None = None,
    log: str | os.PathLike[str] | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> tuple[Claim, ...]:
    """Check the claims of Tian (2017), each by a computation done now.

    Nothing is stored: every number, those of corrections included, is computed when asked for. A
    row has the same numbers for the same key, whichever others are asked for.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        full: more samples, starts, students and dimensions: minutes instead of seconds.
        only: a name, or several, as `claim_names` lists them, or how they begin: `"Theorem 7"`,
            `"Lemma"`. All if not given.
        samples: Monte Carlo samples; 1,000,000 if not given, or 20,000,000 in a full table.
        log: a file for the log of the proof of Conjecture 1; a temporary one if not given.
        progress: called before each check with its name, its number from 0 and how many there are;
            and once more with `""` at the end.

    Returns:
        The claims with their verdicts, in the order of the paper.

    Raises:
        ValueError: if nothing has such a name, or `samples` is below 1,000.
        RuntimeError: if JAX runs in 32 bits.

    Example:
        >>> import flowlab as fl
        >>> rows = fl.paper.check_claims(only=("Lemma 3", "Eqn 6"))
        >>> [(row.name, row.verdict) for row in rows]
        [('Eqn 6', 'holds'), ('Lemma 3 (2)', 'holds'), ('Lemma 3 (1), (3)', 'holds')]
    """
    require_float64("check_claims")
    if samples is not None and samples < 1_000:
        raise ValueError(f"samples is {samples!r}; needed: 1,000 or more.")
    chosen = tuple(_chosen(only))
    effort = Effort(jax.random.key(0) if key is None else key, full, samples, log)
    rows: list[Claim] = []
    for number, check in enumerate(chosen):
        if progress is not None:
            progress(check.name, number, len(chosen))
        rows += _timed(check, effort)
    if progress is not None:
        progress("", len(chosen), len(chosen))
    return tuple(rows)


def _timed(check: Check, effort: Effort) -> list[Claim]:
    start = time.perf_counter()
    try:
        rows = check.rows(effort)
    except ModuleNotFoundError as missing:
        # Without an extra the other rows are still worth having.
        rows = (Claim.unchecked(check.name, check.about, str(missing)),)
    seconds = time.perf_counter() - start
    return [dataclasses.replace(row, seconds=seconds) for row in rows]


def _chosen(only: str | Iterable[str] | None) -> Iterator[Check]:
    if only is None:
        yield from CHECKS
        return
    wanted = (only,) if isinstance(only, str) else tuple(only)
    for name in wanted:
        if not any(_begins(check.name, name) for check in CHECKS):
            names = ", ".join(repr(check.name) for check in CHECKS)
            raise ValueError(f"no claim is called {name!r}; needed: one of {names}, or its start.")
    for check in CHECKS:
        if any(_begins(check.name, name) for name in wanted):
            yield check


def _begins(name: str, start: str) -> bool:
    """Whether a name begins so, at the end of a word or number: "Eqn 1" is not "Eqn 16"."""
    pattern = re.escape(start.strip()) + r"(?![0-9A-Za-z])"
    return bool(start.strip()) and re.match(pattern, name, re.IGNORECASE) is not None
