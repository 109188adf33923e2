r"""That students in given directions are not critical: Theorem 3 of the paper, on balls.

If students are critical, :math:`\sum_k b_k|v_k|\,L_{ji}(e^*_k) = 0` for all j and i, whatever the
magnitudes and output weights of the students, provided that :math:`M_r` is regular: Eqn 13 then
gives the magnitudes, and Eqn 10 says that this sum vanishes. The definition of L is that of
`separability`, evaluated on balls.
"""

import dataclasses
from typing import Any

import numpy as np

from .._checks import as_state
from ..critical import CriticalPoint
from ..fields import AbstractField, TeacherStudent, _normal_equation, _relu
from ._balls import BALLS, BallArray, balls, working_precision
from ._certificate import BITS
from ._field import StudentBalls, student_balls
from ._refusal import CertificationError, Inconclusive

PRECISION = 128
"""Bits. Students at an angle t cost about as many digits as t^2 has zeros."""

ANY, GIVEN = "teachers of any length", "teachers of the given lengths"
TYPE = "directions that are not critical"


@dataclasses.dataclass(frozen=True, eq=False)
class NotCritical:
    """A proof that no students in given directions are critical, whatever their lengths.

    Attributes:
        centre: the students, (K, d); their floats are exact, and only their directions count.
        radius: half-width of the box around the centre whose directions are all excluded.
        scope: `"teachers of any length"`, where Theorem 3 excludes them by the signs of L alone,
            or `"teachers of the given lengths"`, where it takes the weighted sum of L.
        pair: the students (j, i), counted from 0, whose L decides.
        sign: the sign of L (times that of the teacher's output weight), or of the sum.
        bound: a positive number below L in absolute value for every teacher, or below the sum.
        precision: bits of the ball arithmetic.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> proof = fl.not_critical(field, jnp.array([[3.0, 1.0], [1.0, 3.0]]))
        >>> proof.check(field)
        >>> proof
        <Not critical: L_12 < -0.182 for all teachers of any length>
    """

    centre: np.ndarray
    radius: float
    scope: str
    pair: tuple[int, int]
    sign: int
    bound: float
    precision: int

    def to_dict(self) -> dict[str, Any]:
        """Return the proof as JSON-compatible data."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"type": TYPE, **entries, "centre": self.centre.tolist(), "pair": list(self.pair)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "NotCritical":
        """Return the proof that `to_dict` described; it claims, `check` proves.

        Raises:
            CertificationError: if the data are not of that form.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(data, dict) or set(data) != {"type", *names} or data["type"] != TYPE:
            raise CertificationError(
                f"Not a proof of type {TYPE!r}; its entries are type, {', '.join(names)}."
            )
        try:
            centre, pair = np.array(data["centre"], dtype=float), tuple(map(int, data["pair"]))
        except (TypeError, ValueError) as error:
            raise CertificationError("The centre or the pair is damaged.") from error
        return cls(**{name: data[name] for name in names} | {"centre": centre, "pair": pair})

    def check(self, field: AbstractField) -> None:
        """Prove the claim again for the field it is about.

        Raises:
            CertificationError: if it cannot be proved.
        """
        numbers = _numbers(field)
        reals = isinstance(self.radius, float) and isinstance(self.bound, float)
        sound = (
            self.centre.shape == numbers.shape
            and bool(np.all(np.isfinite(self.centre)))
            and self.sign in (1, -1)
            and reals
            and 0 <= self.radius < np.inf
            and 0 < self.bound < np.inf
            and type(self.precision) is int
            and BITS[0] <= self.precision <= BITS[1]
        )
        if not sound:
            raise CertificationError("The proof is about another field, or damaged.")
        try:
            values = _values(numbers, self.centre, self.radius, self.precision)
        except Inconclusive as reason:
            raise CertificationError(f"The proof does not hold: {reason}.") from reason
        if self.scope not in values or not all(0 <= i < len(self.centre) for i in self.pair):
            raise CertificationError("The proof is damaged: no such scope or pair.")
        for value in values[self.scope][(slice(None), *self.pair)]:
            if not self.sign * value > self.bound:
                raise CertificationError(f"L_{_name(self.pair)} is {value.str(5)}: not proved.")

    def __repr__(self) -> str:
        relation = ">" if self.sign > 0 else "<"
        what = f"L_{_name(self.pair)}"
        about = f"for all {self.scope}" if self.scope == ANY else f"summed over {self.scope}"
        return f"<Not critical: {what} {relation} {self.sign * self.bound:.3g} {about}>"


def not_critical(
    field: AbstractField,
    w: CriticalPoint | Any,
    *,
    radius: float = 0.0,
    precision: int = PRECISION,
) -> NotCritical:
    r"""Prove that no students in the directions of `w` are critical, by Theorem 3.

    :math:`b_kL_{ji}(e^*_k)` of one sign for all teachers excludes the directions for every length
    of the teachers and every length and output weight of the students. Where the signs do not
    decide, :math:`\sum_k b_k|v_k|L_{ji}(e^*_k)\ne0` excludes them for the teachers as they are.

    Args:
        field: a `TeacherStudent` with inputs `Gaussian()` or `Isotropic(second_moment)`.
        w: the students, an array of the field's shape or a record.
        radius: half-width of a box around `w`; every state in it is excluded.
        precision: bits of the ball arithmetic.

    Returns:
        A `NotCritical`, with the pair of students whose L decides best.

    Raises:
        CertificationError: (a `ValueError`) if it cannot be proved: the students may be critical,
            two of them may have one direction, or the box is too large.
        ValueError: on bad input.

    Source: Tian 2017, Theorem 3; supplement, Lemma 2.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> field = fl.TeacherStudent(jnp.eye(2))
        >>> apart = jnp.array([[1.0, -0.1], [-0.2, 1.0]])
        >>> proof = fl.not_critical(field, apart, radius=0.003)
        >>> proof.scope, proof.pair, proof.sign
        ('teachers of any length', (0, 1), 1)
    """
    numbers = _numbers(field)
    location = w.location if isinstance(w, CriticalPoint) else w
    centre = np.array(as_state(field.shape, location, "w"), float)
    if not 0 <= radius < np.inf:
        raise ValueError(f"radius is {radius!r}; needed: a half-width, 0 or more.")
    if not isinstance(precision, int) or not BITS[0] <= precision <= BITS[1]:
        raise ValueError(
            f"precision is {precision!r}; needed: an integer from {BITS[0]} to {BITS[1]} bits."
        )
    try:
        values = _values(numbers, centre, float(radius), precision)
    except Inconclusive as reason:
        raise CertificationError(
            f"Not proved: {reason}. Two students of one direction make M_r singular; Theorem 3 "
            "says nothing about them."
        ) from reason
    for scope, candidates in values.items():
        best = max(_decisive(candidates), key=lambda found: found[2], default=None)
        if best is not None:
            return NotCritical(centre, float(radius), scope, *best, precision)
    raise CertificationError(
        "Not proved: no L_ji has one certain sign for all teachers, and no weighted sum of them is "
        "certainly not zero. The students may be critical, or the box is too large."
    )


def _numbers(field: AbstractField) -> StudentBalls:
    if not isinstance(field, TeacherStudent):
        raise CertificationError(
            f"Theorem 3 is about TeacherStudent fields; given: {type(field).__name__}."
        )
    return student_balls(field)


def _values(
    numbers: StudentBalls, centre: np.ndarray, radius: float, precision: int
) -> dict[str, BallArray]:
    """What must be of one sign, for each scope: (number, K, K)."""
    with working_precision(precision):
        W, V = balls(centre, radius), balls(numbers.teacher)
        numbers.require_regular(W)
        students = _relu.sharp_angles(BALLS, W, W, True)
        teachers = _relu.sharp_angles(BALLS, W, V, False)
        L = _normal_equation.separable(
            BALLS, _normal_equation.constraints(BALLS, students, teachers)
        )
        b = balls(numbers.teacher_weights)
        signed = L * balls(np.sign(numbers.teacher_weights))[:, None, None]
        weighted = L * (b * teachers.norms_u)[:, None, None]
        return {ANY: signed, GIVEN: weighted.sum(0)[None]}


def _decisive(values: BallArray) -> list[tuple[tuple[int, int], int, float]]:
    """The pairs whose values are of one certain sign, that sign, and a bound below them."""
    found = []
    for j, i in np.ndindex(values.shape[1:]):
        for sign in (1, -1):
            # Of a pair (j, j) the value is exactly 0.
            if j != i and all(sign * value > 0 for value in values[:, j, i]):
                least = min(float((sign * value).lower()) for value in values[:, j, i])
                found.append(((j, i), sign, 0.99 * least))
    return found


def _name(pair: tuple[int, int]) -> str:
    separator = "" if max(pair) < 9 else ","
    return separator.join(str(place + 1) for place in pair)
