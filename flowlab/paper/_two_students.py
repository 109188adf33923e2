"""Section 5.3: the critical points of two students, and Theorem 4."""

import tempfile
from pathlib import Path

import jax
import numpy as np

from ..fields import TeacherStudent
from ..search import find_critical_points
from . import _closed_forms as forms
from ._claim import Claim
from ._conjecture1 import l12_sharp
from ._effort import Effort

RIGHT = np.pi / 2


def saddle_on_the_bisector(effort: Effort) -> tuple[Claim, ...]:
    r"""P 5.3: collinear students rest on a ray; it is the bisector only for teachers of one length.

    As printed: the direction bisects the angle of the teachers, and
    :math:`\pi(|w_1|+|w_2|) = h(\theta^*/2)(|w_1^*|+|w_2^*|)`. In truth, with
    :math:`t_1+t_2=\theta^*`,

    .. math:: (\pi-t_1)\sin t_1|w_1^*| = (\pi-t_2)\sin t_2|w_2^*|, \qquad
              \pi(|w_1|+|w_2|) = h(t_1)|w_1^*| + h(t_2)|w_2^*| .

    Found are both from the gradient alone: the direction where its part across the ray vanishes,
    and the sum of the norms where that along the ray does.
    """
    angle, first, second = 1.2, 1.0, 2.0
    V = _teachers(first, second, angle)

    def across(t: float) -> float:
        W = np.outer([0.4, 0.8], _ray(t))
        return float(forms.gradient(W, V)[0] @ _ray(t + RIGHT))

    found = forms.zero_of(across, 1e-3, angle - 1e-3)

    def along(total: float) -> float:
        W = np.outer([0.3 * total, 0.7 * total], _ray(found))
        return float(forms.gradient(W, V)[0] @ _ray(found))

    def balance(t: float) -> float:
        rest = angle - t
        return (np.pi - t) * np.sin(t) * first - (np.pi - rest) * np.sin(rest) * second

    said = forms.zero_of(balance, 1e-3, angle - 1e-3)
    norms = (forms.h(said) * first + forms.h(angle - said) * second) / np.pi
    where = f"|w1*| = {first:g}, |w2*| = {second:g} at the angle {angle:g}"
    return (
        _bisector(effort),
        Claim.corrected(
            "Sec. 5.3, direction",
            "the saddle's ray: (π-t1) sin t1 |w1*| = (π-t2) sin t2 |w2*| (printed: the bisector)",
            claimed=angle / 2,
            expected=said,
            found=found,
            tolerance=1e-12,
            method=f"zero of the gradient's part across a ray, {where}: t1",
        ),
        Claim.corrected(
            "Sec. 5.3, norms",
            "the saddle's norms: π(|w1|+|w2|) = h(t1)|w1*| + h(t2)|w2*|",
            claimed=float(forms.h(angle / 2) * (first + second) / np.pi),
            expected=float(norms),
            found=forms.zero_of(along, 0.1, 10.0),
            tolerance=1e-12,
            method=f"zero of the gradient's part along that ray, {where}: |w1| + |w2|",
        ),
    )


def _bisector(effort: Effort) -> Claim:
    """The claim as printed, for teachers of one length."""
    rng, largest = effort.rng("Sec. 5.3"), 0.0
    for angle in rng.uniform(0.1, 3.0, effort.of(20, 200)):
        V = _teachers(1.3, 1.3, angle)
        total, share = forms.h(angle / 2) * 2.6 / np.pi, rng.uniform(0.05, 0.95)
        W = np.outer([share * total, (1 - share) * total], _ray(angle / 2))
        largest = max(largest, float(np.abs(forms.gradient(W, V)).max()))
    return Claim.equal(
        "Sec. 5.3, saddle",
        "|w1*| = |w2*|: critical on the bisector if π(|w1|+|w2|) = h(θ*/2)(|w1*|+|w2*|)",
        0.0,
        largest,
        1e-14,
        "random angles and shares of the two students: largest gradient",
    )


def further_points(effort: Effort) -> tuple[Claim, ...]:
    r"""P 5.3 names collinear saddles; there are antipodal and negative-diagonal ones too.

    For two orthonormal teachers and :math:`u=(1,1)/\sqrt2` the gradient of opposite students
    decouples, so that :math:`w_1=s_1u`, :math:`w_2=-s_2u` with :math:`s_1=\sqrt2(3/4+1/\pi)`,
    :math:`s_2=\sqrt2(1/\pi-1/4)`, and by Euler's identity
    :math:`J=\tfrac12(1+1/\pi)-\tfrac14(s_1^2+s_2^2)`. On the diagonal of the plane of Theorem 7 the
    second one is :math:`x_-=-(\sqrt{K-1}-\arccos(1/\sqrt K))/(\pi K)`.
    """
    from ..certify import CertificationError, certify

    V, root = np.eye(2), np.sqrt(2)
    norms = np.array([root * (0.75 + 1 / np.pi), root * (1 / np.pi - 0.25)])
    W = np.outer(norms * [1, -1], np.ones(2) / root)
    try:
        proof = certify(TeacherStudent(V), W)
        found, how = sum(proof.loss_interval) / 2, f"index {proof.index}"
    except CertificationError as refusal:
        found, how = np.nan, str(refusal)
    worst = 0.0
    for K in effort.of((2, 3, 5), (2, 3, 5, 10, 30)):
        x = -(np.sqrt(K - 1) - np.arccos(1 / np.sqrt(K))) / (np.pi * K)
        worst = max(worst, float(np.abs(forms.gradient(np.full((K, K), x), np.eye(K))).max()))
    return (
        _missing(
            "Sec. 5.3, antipodal",
            "opposite students on the bisector are critical too: J = (1 + 1/π)/2 - (s1² + s2²)/4",
            float((1 + 1 / np.pi) / 2 - norms @ norms / 4),
            float(found),
            1e-12,
            f"certificate: ball arithmetic, K = 2 ({how}): the loss",
        ),
        _missing(
            "Sec. 5.3, negative",
            "so are equal students at x_- = -(√(K-1) - arccos(1/√K))/πK on each coordinate",
            0.0,
            worst,
            1e-14,
            "closed form of the gradient, K from 2 on: the largest",
        ),
    )


def complete(effort: Effort) -> tuple[Claim, ...]:
    r"""P 5.3, the case after Theorem 4: one teacher inside the students' cone.

    The paper is "not sure" whether such students are critical. For two orthonormal teachers they
    are not: the teacher, the collinear saddles and the sets of the rows above are all there is,
    proved by ball arithmetic, with the log verified by a separate checker. In a full table so are
    all angles between equally long teachers from 2/5 to 7/10 of π; at 18/25 of π it is otherwise.
    """
    from ..certify import check_k2_complete, prove_k2_complete

    angles = effort.of(("1/2",), ("1/2", ("2/5", "7/10")))
    undecided = boxes = 0
    for angle in angles:
        with tempfile.TemporaryDirectory() as directory:
            log = Path(directory) / "log.jsonl"
            proof, checked = prove_k2_complete(angle=angle, log=log), check_k2_complete(log)
        proved = proof.verdict == checked.verdict == "proved"
        undecided += checked.undecided if proved else np.nan
        boxes += checked.boxes
    wide = prove_k2_complete(angle="18/25")
    return (
        Claim.equal(
            "Sec. 5.3, complete",
            "one teacher inside the students' cone: orthonormal teachers have no critical point so",
            0.0,
            undecided,
            0.0,
            f"certificate: ball arithmetic on {boxes:,} boxes, the log verified by a separate "
            "checker: boxes left undecided",
            "sharpened",
        ),
        Claim.at_most(
            "Sec. 5.3, wide angle",
            "teachers of one length at the angle 18π/25 have one so",
            1e-9,
            np.nan if wide.witness is None else wide.witness.error,
            "certificate: ball arithmetic: half-width of the box that holds exactly one",
            "sharpened",
        ),
    )


def theorem4(effort: Effort) -> tuple[Claim, ...]:
    r"""Theorem 4: students both in the teachers' cone, or both out of it, are not critical.

    It rests on Conjecture 1, which is proved, and so is unconditional (`certify.theorem4`). Looked
    at are besides its hypotheses (in random quadruples that fulfil them :math:`L_{12}` has one
    strict sign for both teachers, so that Theorem 3 applies), its statement (on all critical points
    that a search finds) and its wording.
    """
    rng, count = effort.rng("Theorem 4"), effort.of(50_000, 2_000_000)
    phi = rng.uniform(-np.pi, np.pi, (4, count))
    students, teachers = phi[:2], phi[2:]
    inside = _inside(students, teachers)
    stated = inside[0] == inside[1]
    proved = _inside(teachers, students)
    proved = proved[0] == proved[1]
    theta = np.abs(_wrap(students[1] - students[0]))
    side = np.sign(_wrap(students[1] - students[0]))
    values = [l12_sharp(theta, side * _wrap(t - students[0])) for t in teachers]
    same = np.sign(values[0]) * np.sign(values[1]) == 1
    return (
        _theorem4_proved(),
        Claim.equal(
            "Theorem 4, signs",
            "both students in the teachers' cone or both out: L12 has one sign, so not critical",
            float(stated.sum()),
            float((stated & same).sum()),
            0.0,
            f"of {count:,} random quadruples those that fulfil the hypothesis, and of these those "
            "with one sign",
        ),
        *_theorem4_search(effort),
        Claim.equal(
            "Theorem 4, roles",
            "students in the teachers' cone (statement) is teachers in the students' cone (proof)",
            0.0,
            float((stated != proved).sum()),
            0.0,
            f"{count:,} random quadruples: how many tell the two conditions apart",
            "misprint",
        ),
        _collinear(),
    )


def _theorem4_proved() -> Claim:
    from ..certify import check_theorem4, theorem4

    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log.jsonl"
        proof, checked = theorem4(log=log), check_theorem4(log)
    agreed = proof.verdict == checked.verdict == "proved"
    return Claim.equal(
        "Theorem 4",
        "both students in the teachers' cone, or both out: not critical, Conjecture 1 being proved",
        float(proof.boxes),
        float(checked.boxes) if agreed else np.nan,
        0.0,
        "certificate: ball arithmetic for Conjecture 1, the log verified by a separate checker: "
        "boxes",
        "proved",
    )


def _theorem4_search(effort: Effort) -> tuple[Claim, ...]:
    """The critical points that a search finds, held against Theorem 4."""
    against = found = 0
    key = effort.key_of("Theorem 4, search")
    for number in range(effort.of(2, 12)):
        rng = effort.rng(f"Theorem 4, {number}")
        V = _teachers(1.0, rng.uniform(0.5, 2.0), rng.uniform(0.3, 2.8))
        catalog = find_critical_points(
            TeacherStudent(V),
            key=jax.random.fold_in(key, number),
            starts=effort.of(200, 2_000),
            methods=("newton",),
        )
        for point in catalog:
            W = np.asarray(point.location)
            parts = np.linalg.solve(V.T, W.T) * np.linalg.norm(V, axis=1)[:, None]
            sine = np.linalg.det(W) / np.prod(np.linalg.norm(W, axis=1))
            if abs(sine) < 1e-6:
                continue
            found += 1
            within, without = (parts > 1e-6).all(0), (parts < -1e-6).any(0)
            against += bool(within.all() or without.all())
    return (
        Claim.equal(
            "Theorem 4, search",
            "no critical point with students not collinear has both in the teachers' cone, or out",
            0.0,
            float(against) if found else np.nan,
            0.0,
            f"Newton's method for random pairs of teachers: against it of {found} points found",
        ),
    )


def _collinear() -> Claim:
    """Theorem 4 says w1 ≠ w2; it must be: not collinear."""
    x = (1 + np.pi - np.pi / 4) / (2 * np.pi)
    W = np.outer([0.6 * x, 1.4 * x], np.ones(2))
    return Claim.equal(
        "Theorem 4, wording",
        "'w1 ≠ w2' must read 'not collinear': 0.6 x*(1, 1), 1.4 x*(1, 1) in the cone are critical",
        0.0,
        float(np.abs(forms.gradient(W, np.eye(2))).max()),
        1e-14,
        "the largest component of the gradient there, for orthonormal teachers",
        "corrected",
    )


def _missing(
    name: str, statement: str, expected: float, found: float, tolerance: float, method: str
) -> Claim:
    """Something that the paper leaves out."""
    return Claim.equal(name, statement, expected, found, tolerance, method, "corrected")


def _ray(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _teachers(first: float, second: float, angle: float) -> np.ndarray:
    return np.stack([first * _ray(0.0), second * _ray(angle)])


def _wrap(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _inside(vectors: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Whether directions lie in the cone of two others, all by their angles."""
    opening = _wrap(edges[1] - edges[0])
    place = _wrap(vectors - edges[0]) * np.sign(opening)
    return (place > 0) & (place < np.abs(opening))
