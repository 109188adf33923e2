"""Conjecture 1: the sign of L12, proved; and the sign that Eqn S45 lacks."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort

NAME = "Conjecture 1"
STATEMENT = "L12 > 0 for e* inside Cone(e1, e2), L12 < 0 outside; the same of L21"


def l12(theta: Any, phi: Any) -> Any:
    r"""Return :math:`L_{12}` from its definition (Eqn 14) for K = 2.

    .. math:: L_{12} = m^*_{12} - v^TM_r^{-1}m_{12}, \qquad M_r = \begin{pmatrix}\pi & h(\theta)\\
              h(\theta) & \pi\end{pmatrix}, \quad m_{12} = \begin{pmatrix}\pi\cos\theta\\
              \pi-\theta+\sin\theta\cos\theta\end{pmatrix}

    Args:
        theta: angle from e1 to e2, in (0, π).
        phi: signed angle from e1 to e*, in (-π, π].
    """
    t = np.abs(phi)
    delta = np.abs((phi - theta + np.pi) % (2 * np.pi) - np.pi)
    star = (np.pi - t) * np.cos(delta) + np.sin(t) * np.cos(theta)
    own, other = np.pi * np.cos(theta), np.pi - theta + np.sin(theta) * np.cos(theta)
    mixed, determinant = forms.h(theta), np.pi**2 - forms.h(theta) ** 2
    solved = (np.pi * own - mixed * other, np.pi * other - mixed * own)
    return star - (forms.h(t) * solved[0] + forms.h(delta) * solved[1]) / determinant


def l12_sharp(theta: Any, phi: Any) -> Any:
    r"""Return the same without cancellation, to full accuracy near θ = 0 too.

    .. math:: L_{12} = \sin\theta\Big(\mathrm{sgn}(\varphi)m(t) - m(\theta)
              \frac{\pi(c(\theta)+c(t)-c(\delta)) - c(\theta)c(t)}{c(\theta)(2\pi-c(\theta))}\Big)

    with :math:`m(t)=(\pi-t)\sin t`, :math:`c=\pi-h`, :math:`t=|\varphi|`,
    :math:`\delta=\angle(e^*,e_2)`.
    """
    t = np.abs(phi)
    delta = np.abs((phi - theta + np.pi) % (2 * np.pi) - np.pi)
    c_theta, c_t, c_delta = _c(theta), _c(t), _c(delta)
    bracket = np.pi * (c_theta + c_t - c_delta) - c_theta * c_t
    turned = _m(theta) * bracket / (c_theta * (2 * np.pi - c_theta))
    return np.sin(theta) * (np.sign(phi) * _m(t) - turned)


def _m(t: Any) -> Any:
    return (np.pi - t) * np.sin(t)


def _c(t: Any) -> Any:
    return 2 * np.pi * np.sin(t / 2) ** 2 + t * np.cos(t) - np.sin(t)


def conjecture1(effort: Effort) -> tuple[Claim, ...]:
    """Conjecture 1 for all angles: proved by ball arithmetic, and the log checked by other code.

    Nothing is left out, not the zero lines and not the ends θ → 0, π. The paper looked at a grid;
    so does the second row.
    """
    from ..certify import check_conjecture1, prove_conjecture1

    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log.jsonl" if effort.log is None else Path(effort.log)
        proof = prove_conjecture1(log=log)
        checked = check_conjecture1(log)
    agreed = proof.verdict == checked.verdict == "proved" and checked.theta is None
    return (
        Claim.equal(
            NAME,
            STATEMENT,
            0.0,
            float(checked.undecided) if agreed else np.nan,
            0.0,
            f"certificate: ball arithmetic on {checked.boxes} boxes that cover 0 < θ < π, the log "
            "verified by a separate checker: boxes left undecided",
            "proved",
        ),
        _grid(effort.of(1_000, 10_000)),
    )


def _grid(size: int) -> Claim:
    theta = (np.arange(size) + 0.5) * np.pi / size
    # No point of the grid lies on a zero line, φ = 0 or φ = θ.
    phi = -np.pi + (np.arange(size) + 0.3) * 2 * np.pi / size
    wrong = 0
    for block in np.array_split(theta, max(1, size // 100)):
        inside = (phi > 0) & (phi < block[:, None])
        wrong += int(np.sum((l12_sharp(block[:, None], phi) > 0) != inside))
    return Claim.equal(
        f"{NAME}, grid",
        "the same at the points of a grid (Figure 10(c))",
        0.0,
        float(wrong),
        0.0,
        f"exhaustive: {size:,} by {size:,} angles: points of the wrong sign",
    )


def equation_s45(effort: Effort) -> tuple[Claim, ...]:
    r"""S 45: :math:`u_{12}^Te_1^\perp` needs the signed angle.

    As printed it is :math:`(\pi-\theta_1^*)\sin\theta_1^* - (\pi-\theta)\sin\theta\,\beta`, with
    :math:`\theta_1^*\ge0`; for a teacher on the other side of e1 the first term is negative.
    `prove_conjecture1(signed=False)` finds a point where the printed form has the wrong sign, and
    both forms are compared there with the definition of L12.
    """
    from ..certify import prove_conjecture1

    del effort
    point = prove_conjecture1(signed=False, theta=(0.5, 2.5)).counterexample
    theta, phi = (
        (1.0, -1.0) if point is None else (np.pi * float(point.theta), np.pi * float(point.phi))
    )
    t, delta = abs(phi), abs((phi - theta + np.pi) % (2 * np.pi) - np.pi)
    mixed = forms.h(theta)
    beta = (np.pi * forms.h(delta) - mixed * forms.h(t)) / (np.pi**2 - mixed**2)
    masses = (np.pi - t) * np.sin(t), (np.pi - theta) * np.sin(theta) * beta
    printed, signed = (np.sin(theta) * (s * masses[0] - masses[1]) for s in (1, np.sign(phi)))
    return (
        Claim.corrected(
            "Eqn S45",
            "u12'e1⊥ = ±(π-θ1*) sin θ1* - (π-θ) sin θ β with e*'s side of e1 (printed: +)",
            claimed=printed,
            expected=signed,
            found=l12(theta, phi) if point is not None else np.nan,
            tolerance=1e-12,
            method=f"L12 by its definition at the counterexample of the proof, θ = {theta:.4f}, "
            f"φ = {phi:.4f}",
        ),
    )
