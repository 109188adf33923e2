r"""Theorem 4 of Tian (2017), proved from Conjecture 1, with any number of teachers.

Let :math:`e_1, e_2` be the directions of two students at the angle :math:`\theta\in(0,\pi)`,
:math:`p_j = a_j|w_j|` and :math:`q_k = b_k|v_k|`. With :math:`m(z)=(\pi-z)\sin z` and :math:`h(z) =
(\pi-z)\cos z+\sin z`, a critical point fulfils, in the direction orthogonal to :math:`e_1` and
along :math:`e_1` and :math:`e_2`,

.. math::
    m(\theta)p_2 = \sum_k q_k\,\mathrm{sgn}(\varphi_k)m(t_k), \quad
    \pi p_1 + h(\theta)p_2 = \sum_k q_k h(t_k), \quad
    h(\theta)p_1 + \pi p_2 = \sum_k q_k h(\delta_k).

The last two give :math:`p_2`, and the first one then reads

.. math:: \sum_k q_k\,L_{12}(\theta, \varphi_k) = 0,

whatever :math:`p_1` and :math:`p_2` are. Where no term has the sign of another, and one is not 0,
that is impossible.
"""

import dataclasses
import os
from typing import Literal

import diffrax as dfx

from .conjecture1 import check_conjecture1, prove_conjecture1

CLAIM = (
    "two students, not collinear with each other and of any output weights other than 0, in the "
    "plane of one or more teachers of positive weight, are no critical point of the population "
    "loss if both teachers (all of them) are strictly inside the cone of the students, or all are "
    "strictly outside; nor if teachers on its boundary are added"
)


@dataclasses.dataclass(frozen=True)
class Theorem4:
    """What is proved of Theorem 4; made by `theorem4` and `check_theorem4`.

    Attributes:
        verdict: `"proved"`, or `"undecided"` where Conjecture 1 is not proved on all angles.
        statement: what is proved, in words.
        boxes: how many boxes the proof of Conjecture 1 takes.

    Example:
        >>> import flowlab as fl
        >>> fl.Theorem4("proved", "...", 144)
        Theorem4(verdict='proved', statement='...', boxes=144)
    """

    verdict: Literal["proved", "undecided"]
    statement: str
    boxes: int


def theorem4(
    *,
    log: str | os.PathLike[str] | None = None,
    progress_meter: dfx.AbstractProgressMeter | None = None,
) -> Theorem4:
    r"""Prove Theorem 4: where two students in the plane of their teachers cannot be critical.

    The paper derives it from Conjecture 1, which is proved here first. A teacher inside the cone of
    the students has :math:`L_{12} > 0`, one outside :math:`L_{12} < 0`, one on the boundary
    :math:`L_{12} = 0`, and at a critical point :math:`\sum_k b_k|v_k| L_{12}(\theta,\varphi_k)=0`.

    Args:
        log: a file for the boxes of Conjecture 1, which `check_theorem4` verifies.
        progress_meter: a diffrax progress meter; none if not given.

    Returns:
        A `Theorem4`.

    Source: Tian 2017, Theorem 4; supplement, Eqns 27-32 and 47.

    Example:
        >>> import flowlab as fl
        >>> fl.theorem4().verdict
        'proved'
    """
    proof = prove_conjecture1(log=log, progress_meter=progress_meter)
    return _concluded(proof.verdict, len(proof.proved))


def check_theorem4(log: str | os.PathLike[str]) -> Theorem4:
    """Verify the log of a proof of Theorem 4, by the checker of Conjecture 1.

    Args:
        log: the file that `theorem4` or `prove_conjecture1` wrote.

    Returns:
        A `Theorem4`; undecided if the log is not about all angles.

    Raises:
        ValueError: if the log does not hold.

    Example:
        >>> import pathlib, tempfile, flowlab as fl
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     log = pathlib.Path(directory) / "proof.jsonl"
        ...     proof = fl.prove_conjecture1(theta=(3.1, 3.14), log=log)
        ...     fl.check_theorem4(log).verdict
        'undecided'
    """
    checked = check_conjecture1(log)
    whole = checked.signed and checked.theta is None
    return _concluded(checked.verdict if whole else "undecided", checked.boxes)


def _concluded(verdict: str, boxes: int) -> Theorem4:
    # A counterexample to the conjecture would leave the theorem open, not refute it.
    if verdict == "proved":
        return Theorem4("proved", f"{CLAIM}.", boxes)
    return Theorem4("undecided", f"whether {CLAIM}: Conjecture 1 is not proved.", boxes)
