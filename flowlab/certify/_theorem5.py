r"""Theorem 5 of Tian (2017), proved, sharpened, and the basin of one student.

Write :math:`r = |w|`, :math:`s = |w^*|`, :math:`\theta = \angle(w, w^*)` and :math:`y = (s, r)`.
With :math:`V = \tfrac12|w-w^*|^2`

.. math:: \dot V = -\frac{1}{2\pi} y^\top M(\theta) y, \qquad
          M = \tfrac12\begin{pmatrix} \sin2\theta + 2\pi - 2\theta
          & -(2\pi-\theta)\cos\theta - \sin\theta \\ \cdot & 2\pi\end{pmatrix}, \qquad
          |w-w^*|^2 = y^\top N y, \quad
          N = \begin{pmatrix} 1 & -\cos\theta\\ \cdot & 1\end{pmatrix}.

For :math:`p = \pi - c` expanding gives the identity

.. math:: 4\det(M - cN) = \sin^2\theta\; Q_p(\theta), \qquad
          Q_p(\theta) = 4p(p-\theta) - (1 - \theta\cot\theta)^2 .

The factor :math:`\sin^2\theta` is all that vanishes at :math:`\theta = 0`: :math:`Q_p(0) = 4p^2`,
and :math:`\theta\cot\theta = \cos\theta/\mathrm{sinc}\,\theta` is evaluated on balls that contain
0.
"""

import dataclasses
from importlib.metadata import version

import numpy as np
from flint import arb

from ._balls import flint_versions, working_precision
from ._cover import bracket_root, positive_on
from ._lyapunov import require_precision
from ._refusal import CertificationError, Inconclusive

_ABOVE_PI = float(np.nextafter(np.pi, 4))
_ABOVE_HALF_PI = float(np.nextafter(np.pi / 2, 4))
"""The float nearest to pi lies below it, and so does the one nearest to pi / 2."""


_TURN = 2.0
"""From this angle on the entries of M are not negative; below it M is positive definite."""


@dataclasses.dataclass(frozen=True, eq=False)
class Theorem5:
    r"""What is proved of Theorem 5; made by `theorem5`.

    Attributes:
        epsilon: the radius of the ball around :math:`w^*` that is left out, relative to
            :math:`|w^*|`.
        contraction: :math:`\lambda` with :math:`\dot V \le -\lambda V` on the whole half-space
            :math:`\theta \le \pi/2`, :math:`\Omega` included.
        slowest: :math:`\dot V \le -` this, times :math:`|w^*|^2`, outside of the ball.
        critical_angle: :math:`M(\theta)` is positive definite for :math:`0 < \theta \le` the first
            float and indefinite from the second to :math:`\pi`.
        statement: what is proved, in words.
        pieces: how many intervals of angles the proof takes.
        precision: bits of the ball arithmetic.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> theorem = fl.theorem5(epsilon=0.01)
        >>> round(theorem.contraction, 4), round(theorem.critical_angle[0], 6)
        (0.4536, 2.327616)
    """

    epsilon: float
    contraction: float
    slowest: float
    critical_angle: tuple[float, float]
    statement: str
    pieces: int
    precision: int
    versions: dict[str, str]

    def __repr__(self) -> str:
        return f"<Theorem5, proved: {self.statement} ({self.pieces} pieces, {self.precision} bits)>"


def theorem5(epsilon: float = 0.1, *, precision: int = 128) -> Theorem5:
    r"""Prove Theorem 5: :math:`\dot V < 0` on :math:`\Omega = \{|w-w^*| < |w^*|\}` for one student.

    In :math:`\Omega` the angle is below :math:`\pi/2`. There :math:`M(\theta)` is positive definite
    for :math:`\theta > 0` (:math:`M_{22} = \pi > 0` and :math:`\det M > 0`), and at
    :math:`\theta = 0` its null vector is :math:`w = w^*` alone. More than that,
    :math:`M - cN` is positive semidefinite with :math:`c = \pi - p`,
    :math:`p = (\pi + \sqrt{\pi^2+4})/4`, so that

    .. math:: \dot V \le -\frac{c}{\pi} V, \qquad |w(t) - w^*| \le e^{-ct/2\pi}|w(0) - w^*|,

    in any dimension and for every ball around :math:`w^*` that is left out, which is why one proof
    serves every :math:`\varepsilon`. The gradient is not continuous at 0, which is no point of
    :math:`\Omega`: a ball around 0 may be left out as well.

    Beyond the critical angle M is indefinite, but no entry of it is negative there, and those of y
    are positive: :math:`\dot V < 0` at every w other than 0 and :math:`w^*`. (:math:`\Omega` is the
    largest ball without 0, where some trajectories end: see `one_student_convergence`.)

    Args:
        epsilon: radius of the ball around :math:`w^*`, relative to :math:`|w^*|`.
        precision: bits, 53 to 4096.

    Returns:
        A `Theorem5`.

    Raises:
        CertificationError: (a `ValueError`) if the proof fails: too few bits.
        ValueError: if `epsilon` is not between 0 and 1.

    Source: Tian 2017, Theorem 5; supplement, Eqns 49-54 with their factor put right.

    Example:
        >>> import flowlab as fl
        >>> fl.theorem5(epsilon=1e-3).slowest > 2.2e-7
        True
    """
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon is {epsilon!r}; needed: between 0 and 1 (the radius of Omega).")
    require_precision(precision)
    with working_precision(precision):
        try:
            return _theorem5(float(epsilon), precision)
        except Inconclusive as reason:
            raise CertificationError(f"No proof with {precision} bits: {reason}.") from reason


def reduced_determinant(p: arb, theta: arb) -> arb:
    r"""Return :math:`Q_p(\theta)`; see the module."""
    defect = 1 - theta.cos() / theta.sinc()
    return 4 * p * (p - theta) - _squared(defect)


def _squared(x: arb) -> arb:
    return arb(0).union((x * x).upper()) if x.contains(0) else x * x


def _theorem5(epsilon: float, precision: int) -> Theorem5:
    pi = arb.pi()
    definite, indefinite = bracket_root(lambda t: reduced_determinant(pi, t), 1.6, 3.0)
    below = positive_on(lambda t: reduced_determinant(arb.pi(), t), 0.0, definite)
    beyond = positive_on(_negated_determinant, indefinite, _ABOVE_PI)
    sided = positive_on(_doubled_mixed_entry, _TURN, _ABOVE_PI)
    if not _TURN < definite:
        raise Inconclusive("the two ranges of angles do not meet")
    # A little more than the root of 4p^2 - 2 pi p - 1, where Q_p(pi/2) = 0: a strict inequality.
    p = (pi + (pi * pi + 4).sqrt()) / 4 + arb(2) ** -44
    half = positive_on(lambda t: reduced_determinant(p, t), 0.0, _ABOVE_HALF_PI)
    contraction = _float_below((arb.pi() - p) / arb.pi())
    slowest = _float_below(arb(contraction) * arb(epsilon) * arb(epsilon) / 2)
    statement = (
        "for one student and one teacher w* in any dimension, V = |w - w*|^2 / 2 has dV/dt <= "
        f"-{contraction:.12g} V wherever the angle between w and w* is at most pi/2, which holds "
        "on Omega = {|w - w*| < |w*|}: dV/dt < 0 on Omega less {w*}, every start in Omega "
        f"converges to w*, and dV/dt <= -{slowest:.6g} |w*|^2 outside of the ball of radius "
        f"{epsilon:.6g} |w*| around w*. Moreover dV/dt < 0 at every w other than 0 and w*. "
        f"M(theta) is positive definite exactly up to an angle in [{definite!r}, {indefinite!r}]."
    )
    return Theorem5(
        epsilon=epsilon,
        contraction=contraction,
        slowest=slowest,
        critical_angle=(definite, indefinite),
        statement=statement,
        pieces=sum(cover.pieces for cover in (below, beyond, sided, half)),
        precision=precision,
        versions={"flowlab": version("flowlab"), **flint_versions()},
    )


def _negated_determinant(theta: arb) -> arb:
    r"""Return :math:`-4\det M`, which is :math:`\pi^2` at the angle pi."""
    gap = theta.sin() - theta * theta.cos()
    return _squared(gap) - 4 * arb.pi() * (arb.pi() - theta) * _squared(theta.sin())


def _doubled_mixed_entry(theta: arb) -> arb:
    return -(2 * arb.pi() - theta) * theta.cos() - theta.sin()


def _float_below(x: arb) -> float:
    return float(np.nextafter(float(x.lower()), -np.inf))


@dataclasses.dataclass(frozen=True, eq=False)
class OneStudentConvergence:
    r"""What is proved of the basin of one student; made by `one_student_convergence`.

    Attributes:
        turning: a lower bound of :math:`\sin\theta/[\theta(\pi-\theta)]` on :math:`[0, \pi]`.
        lifting: a lower bound of :math:`h(\theta)/(\pi-\theta)^3` on :math:`[0, \pi]`.
        statement: what is proved, in words.
        pieces: how many intervals of angles the proof takes.
        precision: bits of the ball arithmetic.
        versions: of the software that proved it.

    Example:
        >>> import flowlab as fl
        >>> basin = fl.one_student_convergence()
        >>> 0 < basin.turning < 0.3184, 0 < basin.lifting < 0.1014  # 1/pi and 1/pi^2
        (True, True)
    """

    turning: float
    lifting: float
    statement: str
    pieces: int
    precision: int
    versions: dict[str, str]

    def __repr__(self) -> str:
        return (
            f"<OneStudentConvergence, proved: {self.statement} ({self.pieces} pieces, "
            f"{self.precision} bits)>"
        )


def one_student_convergence(*, precision: int = 128) -> OneStudentConvergence:
    r"""Prove that one student converges from every start off the ray :math:`\{-cw^*, c \ge 0\}`.

    In norm and angle (`one_student_flow`) two signs decide, and both are proved up to the ends of
    :math:`[0, \pi]` after division by the factors that vanish there:

    * :math:`(\pi-\theta)\sin\theta = \theta(\pi-\theta)^2 q(\theta)` with :math:`q > 0`: the angle
      strictly decreases on :math:`(0, \pi)`;
    * :math:`h(\theta) = (\pi-\theta)\cos\theta + \sin\theta = (\pi-\theta)^3 k(\theta)` with
      :math:`k > 0`: the norm increases where :math:`\pi r < |w^*|h(\theta)`.

    Since :math:`h' = -(\pi-\theta)\sin\theta < 0`, h only grows along the flow, so that
    :math:`r \ge \min(r_0, |w^*|h(\theta_0)/\pi) > 0` and :math:`r \le \max(r_0, |w^*|)` for all
    time. Hence :math:`\dot\theta \le -\kappa\theta` with some :math:`\kappa > 0`: the angle tends
    to 0, and then r to :math:`|w^*|`. On the ray, :math:`\theta = \pi` stays and :math:`\dot r =
    -r/2`: no start there converges to the teacher. For a start with a density the probability of
    convergence is therefore 1; Theorem 6 bounds that of :math:`\Omega`.

    Args:
        precision: bits, 53 to 4096.

    Returns:
        An `OneStudentConvergence`.

    Raises:
        CertificationError: (a `ValueError`) if the proof fails: too few bits.

    Source: Tian 2017, Section 6.1 and Theorem 6, made sharp.

    Example:
        >>> import flowlab as fl
        >>> fl.one_student_convergence().statement[:33]
        'for one student and one teacher w'
    """
    require_precision(precision)
    with working_precision(precision):
        try:
            # sin(theta) / (theta (pi - theta)) is the same at theta and at pi - theta.
            turning = positive_on(lambda t: t.sinc() / (arb.pi() - t), 0.0, _ABOVE_HALF_PI)
            lifting = positive_on(_lift, 0.0, _ABOVE_PI)
        except Inconclusive as reason:
            raise CertificationError(f"No proof with {precision} bits: {reason}.") from reason
        least = _float_below(turning.least), _float_below(lifting.least)
    statement = (
        "for one student and one teacher w* in any dimension d >= 2, every start that is not on "
        "the ray {-c w*, c >= 0} converges to w*, its angle with w* decreasing to 0; no start on "
        "the ray does."
    )
    return OneStudentConvergence(
        *least,
        statement=statement,
        pieces=turning.pieces + lifting.pieces,
        precision=precision,
        versions={"flowlab": version("flowlab"), **flint_versions()},
    )


def _lift(eta: arb) -> arb:
    r"""Return :math:`(\sin\eta - \eta\cos\eta)/\eta^3 = \tfrac13\,{}_0F_1(;\tfrac52;-\eta^2/4)`."""
    return (-eta * eta / 4).hypgeom_0f1(arb(5) / 2) / 3
