"""Sections 5.1-5.2: the normal equation in matrices, what it separates into, and Theorem 3."""

import contextlib
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from scipy.optimize import nnls

from ..fields import NormalEquation, TeacherStudent, normal_equation, separability, theorem3_signs
from . import _closed_forms as forms
from ._claim import Claim
from ._conjecture1 import l12
from ._effort import Effort

SHAPES = ((2, 2, 2), (3, 3, 4)), ((2, 2, 2), (3, 3, 4), (3, 2, 3), (5, 5, 5), (8, 6, 12))
"""Students, teachers and dimensions of random states, of a quick and of a full table."""

LANES = 20
"""States that a compiled function takes at a time: one program for any number of them."""

_compiled: dict[Any, Callable[..., Any]] = {
    function: eqx.filter_jit(jax.vmap(function))  # pyright: ignore[reportArgumentType]
    for function in (normal_equation, separability, theorem3_signs)
}


def _at(function: Callable[..., Any], left: np.ndarray, right: np.ndarray) -> Any:
    """Return what a function of two arrays gives at many of them, as NumPy arrays."""
    pieces = []
    for first in range(0, len(left), LANES):
        pair = [array[first : first + LANES] for array in (left, right)]
        size = len(pair[0])
        padded = [np.resize(array, (LANES, *array.shape[1:])) for array in pair]
        found = _compiled[function](*padded)
        pieces.append(jax.tree.map(lambda array, size=size: np.asarray(array)[:size], found))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *pieces)


def _states(
    rng: np.random.Generator, shape: tuple[int, int, int], count: int
) -> tuple[np.ndarray, np.ndarray]:
    K, M, dim = shape
    return rng.standard_normal((count, K, dim)), rng.standard_normal((count, M, dim))


def equation9(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqn 9: :math:`YE^T=B^*W^{*T}` says that the gradient vanishes.

    Y and B* are set up again as the paper writes them, with :math:`\Theta=[\theta^i_j]` (row i,
    column j) and :math:`\Theta^*=[\theta^{*i}_j]`:
    :math:`Y=\mathrm{diag}(\sin\Theta^T\bar w-\sin\Theta^{*T}\bar w^*)+(\pi11^T-\Theta^T)
    \mathrm{diag}\,\bar w`, :math:`B^*=\pi11^T-\Theta^{*T}`, and
    :math:`YE^T-B^*W^{*T}=2\pi E[\nabla J]`.
    """
    rng, matrices, residuals = effort.rng("Eqn 9"), [], []
    for shape in effort.of(*SHAPES):
        W, V = _states(rng, shape, 20)
        found = _at(normal_equation, W, V)
        for number, (w, v) in enumerate(zip(W, V, strict=True)):
            here = jax.tree.map(lambda array, number=number: array[number], found)
            Y, B = _as_printed(w, v)
            matrices += [np.abs(here.Y - Y).max(), np.abs(here.B_star - B).max()]
            slope = 2 * np.pi * forms.gradient(w, v)
            E = w / np.linalg.norm(w, axis=1)[:, None]
            residuals += [np.abs(here.residual - slope).max(), np.abs(Y @ E - B @ v - slope).max()]
    how = f"{len(residuals) // 2} random states, (K, M, d) = {_shown(effort)}: largest difference"
    return (
        Claim.equal(
            "Eqn 9",
            "Y E' - B* W*' = (2π/N) E[∇J], so that critical points are its zeros",
            0.0,
            max(residuals),
            1e-12,
            how,
        ),
        Claim.equal(
            "Eqn 9, matrices",
            "Y and B* as defined are those of `normal_equation`",
            0.0,
            max(matrices),
            1e-12,
            how,
        ),
    )


def _as_printed(w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    norms, stars = np.linalg.norm(w, axis=1), np.linalg.norm(v, axis=1)
    theta = forms.angle(w[:, None], w[None])
    star = forms.angle(v[:, None], w[None])  # row: teacher, column: student
    Y = np.diag(np.sin(theta).T @ norms - np.sin(star).T @ stars) + (np.pi - theta.T) * norms
    return Y, np.pi - star.T


def in_plane(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqns 10-13 at critical points in the plane of the teachers, found by Newton's method.

    There :math:`M\bar w=M^*\bar w^*`; where :math:`M_r` is regular the magnitudes solved from
    :math:`M_r\bar w=M_r^*\bar w^*` are the students' own.
    """
    rng, projected, solved, count, apart = effort.rng("Eqn 10"), [0.0], [0.0], 0, 0
    for K in effort.of((2, 3), (2, 3, 4, 5)):
        W, V = _critical_points(rng, K, effort.of(25, 100))
        count += len(W)
        if not count:
            continue
        found = _at(normal_equation, W, V)
        projected.append(np.abs(found.projected).max())
        # Students of one direction share their magnitude: M_r is singular.
        regular = np.linalg.cond(found.M_r) < 1e6
        apart += int(regular.sum())
        if regular.any():
            solved.append(np.abs(found.solved - found.magnitudes)[regular].max())
    how = f"points by Newton's method for random teachers, K = d = {effort.of('2, 3', '2 to 5')}"
    return (
        Claim.equal(
            "Eqn 10",
            "in-plane critical points fulfil M w̄ = M* w̄*",
            0.0,
            max(projected) if count else np.nan,
            1e-11,
            f"{count} {how}: largest difference",
        ),
        Claim.equal(
            "Eqn 13",
            "M_r w̄ = M_r* w̄* gives their magnitudes back",
            0.0,
            max(solved) if apart else np.nan,
            1e-9,
            f"the {apart} of them with M_r regular: largest difference",
        ),
        _coefficients(effort),
        _not_enough(),
    )


def _critical_points(
    rng: np.random.Generator, K: int, starts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Critical points and their teachers, from random starts."""
    states, teachers = [], []
    for _ in range(starts):
        V = np.eye(K) + 0.3 * rng.standard_normal((K, K))
        W = forms.refined(0.7 * rng.standard_normal((K, K)), V)
        if W is not None:
            states.append(W)
            teachers.append(V)
    return np.reshape(states, (-1, K, K)), np.reshape(teachers, (-1, K, K))


def _coefficients(effort: Effort) -> Claim:
    r"""Eqns 11-12: :math:`m_{ji,k}=2\pi\,e_i\cdot E[F(e_j,e_k)]`, and so for the teachers."""
    rng, gaps = effort.rng("Eqn 11"), []
    for shape in effort.of(*SHAPES):
        W, V = _states(rng, shape, 5)
        found = _at(normal_equation, W, V)
        for w, v, M, M_star in zip(W, V, found.M, found.M_star, strict=True):
            E, F = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (w, v))
            for rows, coefficients in ((E, M), (F, M_star)):
                gated = 2 * np.pi * forms.gating(E[:, None], rows[None])  # (K, M, d)
                said = np.einsum("jkd,id->jik", gated, E)
                gaps.append(np.abs(np.reshape(coefficients, said.shape) - said).max())
    return Claim.equal(
        "Eqns 11-12",
        "m_jj',k = (π - θ) cos θ + sin θ cos θ is (2π/N) e_j'·E[F(e_j, e_k)]; and so m*",
        0.0,
        max(gaps),
        1e-12,
        f"random states, (K, M, d) = {_shown(effort)}: largest difference",
    )


def _not_enough() -> Claim:
    """Eqn 10 is weaker than Eqn 9 where the students do not span the plane: a counterexample."""
    V, ray = np.eye(2), np.array([np.cos(0.3), np.sin(0.3)])

    def along(total: float) -> float:
        return float(forms.gradient(np.outer([0.4 * total, 0.6 * total], ray), V)[0] @ ray)

    total = forms.zero_of(along, 0.1, 5.0)
    W = np.outer([0.4 * total, 0.6 * total], ray)
    here: NormalEquation = _at(normal_equation, W[None], V[None])
    solved = float(np.abs(here.projected).max()) < 1e-12
    return Claim.at_least(
        "Eqn 10, converse",
        "Eqn 10 is equivalent to Eqn 9 only if the students span the teachers' plane",
        0.1,
        float(np.abs(here.residual).max()) if solved else np.nan,
        "two students on one ray that fulfil Eqn 10: largest residual of Eqn 9",
        "corrected",
        claimed=0.0,
    )


def equation14(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqn 14: what plugging back leaves is a sum over the teachers, each by itself.

    :math:`M\bar w-M^*\bar w^*=-\sum_k\bar w^*_kL(e^*_k)` with :math:`\bar w` from Eqn 13. For two
    students L12 is held against its definition written out for K = 2.
    """
    rng, sums, pairs = effort.rng("Eqn 14"), [], []
    for shape in effort.of(*SHAPES):
        W, V = _states(rng, shape, 20)
        found, L = _at(normal_equation, W, V), _at(separability, V, W)
        total = np.einsum("nk,nkji->nji", found.magnitudes_star, L)
        taught = np.einsum("nck,nk->nc", found.M_star, found.magnitudes_star)
        scale = np.linalg.cond(found.M_r) * np.abs(taught).max(1)
        sums.append((np.abs(found.plugged_back + total).max((1, 2)) / scale).max())
    theta = rng.uniform(0.2, np.pi - 0.1, 200)
    phi = rng.uniform(-np.pi, np.pi, (200, 2))
    E = np.stack([np.stack([np.ones(200), 0 * theta], -1), _rays(theta)], 1)
    L, theta = _at(separability, _rays(phi), E), theta[:, None]
    pairs.append(np.abs(L[..., 0, 1] - l12(theta, phi)).max())
    mirrored = np.abs(L[..., 1, 0] - l12(theta, _wrap(theta - phi))).max()
    return (
        Claim.equal(
            "Eqn 14",
            "plugged back, the magnitudes of Eqn 13 leave -Σ w̄*_k L(e*_k), a sum over teachers",
            0.0,
            max(sums),
            1e-12,
            f"random states, (K, M, d) = {_shown(effort)}: largest difference, relative to the "
            "condition of M_r",
        ),
        Claim.equal(
            "Eqn 14, K=2",
            "L12(θ, φ) is m* - v'M_r⁻¹m written out, and L21(θ, φ) = L12(θ, θ - φ)",
            0.0,
            max(*pairs, mirrored),
            1e-11,
            "400 random directions: largest difference",
        ),
    )


def proposition1(effort: Effort) -> tuple[Claim, ...]:
    """Proposition 1: L = 0 if the teacher has the direction of a student; L_jj = 0 always."""
    rng, along, own = effort.rng("Proposition 1"), [], []
    for K, _, dim in effort.of(*SHAPES):
        W, V = _states(rng, (K, K, dim), 20)
        # Nearly aligned students lose digits: a condition of 1e4 leaves 1e-12.
        usual = np.linalg.cond(_at(normal_equation, W, V).M_r) < 1e4
        lengths = rng.uniform(0.5, 2, (20, K, 1))
        along.append(np.abs(_at(separability, lengths * W, W))[usual].max())
        diagonal = np.einsum("nkjj->nkj", _at(separability, V, W))
        own.append(np.abs(diagonal)[usual].max())
    how = f"random students, (K, d) = {', '.join(str((K, d)) for K, _, d in effort.of(*SHAPES))}"
    return (
        Claim.equal(
            "Proposition 1",
            "L_jj' = 0 if e* = e_l for some l",
            0.0,
            max(along),
            1e-10,
            f"{how}, each teacher along each of them: the largest",
        ),
        Claim.equal(
            "Proposition 1, diagonal",
            "L_jj = 0 for every e*",
            0.0,
            max(own),
            1e-10,
            f"{how} and random teachers: the largest",
        ),
    )


def theorem3(effort: Effort) -> tuple[Claim, ...]:
    r"""Theorem 3: where L has one sign for all teachers, w is not critical.

    Three looks at it. At critical points, found by Newton's method, no L has one sign. Where the
    signs exclude random directions, no magnitudes of students and teachers (not negative, the
    teachers' not all zero) come near a critical point: the residual of Eqn 9 is linear in them, and
    SciPy's nonnegative least squares finds the smallest. And ball arithmetic proves it for boxes.
    """
    from ..certify import CertificationError, not_critical

    rng, against, points = effort.rng("Theorem 3"), 0, 0
    for K in effort.of((2, 3), (2, 3, 4, 5)):
        W, V = _critical_points(rng, K, effort.of(25, 100))
        if len(W):
            # Of students in one direction L means nothing.
            apart = np.linalg.cond(_at(normal_equation, W, V).M_r) < 1e6
            against += int(np.sum(_at(theorem3_signs, W, V)[apart] != 0))
            points += int(apart.sum())
    least, attempted, proved = [], 0, 0
    for K in effort.of((2, 3), (2, 3, 4, 5)):
        W, V = _states(rng, (K, K, K), effort.of(60, 500))
        decided = np.any(_at(theorem3_signs, W, V) != 0, axis=(1, 2))
        excluded = list(zip(W[decided], V[decided], strict=True))
        least += [_least_residual(w, v) for w, v in excluded]
        for w, v in excluded[: effort.of(10, 100)]:
            attempted += 1
            with contextlib.suppress(CertificationError):
                not_critical(TeacherStudent(v), w)
                proved += 1
    return (
        Claim.equal(
            "Theorem 3",
            "L_jj' of one sign for all teachers excludes a critical point: at none is it so",
            0.0,
            float(against) if points else np.nan,
            0.0,
            f"{points} critical points by Newton's method: pairs (j, j') of one sign",
        ),
        Claim.at_least(
            "Theorem 3, magnitudes",
            "no magnitudes make such directions critical",
            1e-9,
            min(least, default=np.nan),
            f"nonnegative least squares at {len(least)} random states that the signs exclude: "
            "least residual",
        ),
        Claim.equal(
            "Theorem 3, proofs",
            "the same, proved for given directions",
            float(attempted),
            float(proved),
            0.0,
            "certificate: ball arithmetic at some of these states: how many proofs",
            "proved",
        ),
    )


def _least_residual(w: np.ndarray, v: np.ndarray) -> float:
    """The smallest residual of Eqn 9 over all magnitudes, the teachers' adding up to 1."""
    E, F = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (w, v))
    students, teachers = (forms.gating(E[:, None], rows[None]) for rows in (E, F))
    # Row (j, component), column k: students, then teachers.
    columns = np.concatenate([students, -teachers], 1).transpose(0, 2, 1)
    matrix = columns.reshape(E.size, -1)
    heavy = 1e3 * np.concatenate([np.zeros(len(E)), np.ones(len(F))])
    goal = np.append(np.zeros(E.size), 1e3)
    magnitudes, _ = nnls(np.vstack([matrix, heavy]), goal)
    return float(np.linalg.norm(matrix @ magnitudes))


def equation_s20(effort: Effort) -> tuple[Claim, ...]:
    r"""S 20: :math:`(W^*)^TE=\mathrm{diag}(\bar w^*)\cos\Theta^*`; printed without the cosine."""
    w, v = effort.rng("S20").standard_normal((2, 3, 3))
    norms = np.linalg.norm(v, axis=1)
    angle = float(_at(normal_equation, w[None], v[None]).Theta_star[0, 0, 1])
    return (
        Claim.corrected(
            "Eqn S20",
            "(W*)'E = diag(w̄*) cos Θ* (printed: diag(w̄*) Θ*)",
            claimed=norms[0] * angle,
            expected=norms[0] * np.cos(angle),
            found=float(v[0] @ w[1] / np.linalg.norm(w[1])),
            tolerance=1e-13,
            method="one entry at a random state, K = 3: the inner product",
        ),
    )


def _rays(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _wrap(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _shown(effort: Effort) -> str:
    return ", ".join(map(str, effort.of(*SHAPES)))
