"""Section 4: the population gating, the gradient it gives, and their simulations (Eqns 5-8)."""

import math

import numpy as np
from scipy.integrate import quad_vec

from .._types import Key
from ..fields import Isotropic, population_gating
from . import _closed_forms as forms
from ._claim import Claim
from ._effort import Effort, generator

ERRORS = 5.0
"""Standard errors that a Monte Carlo mean may be off: all rows together miss it once in some
10,000 tables."""

BATCH = 100_000


def theorem1(key: Key, *, dim: int = 5, samples: int = 1_000_000) -> Claim:
    r"""Check the population gating of Theorem 1 against Monte Carlo.

    Args:
        key: random key for the vectors and the samples.
        dim: input dimension.
        samples: number of Gaussian inputs.

    Returns:
        The claim that the largest deviation, in standard errors, over the components is at most 5.

    Source: Tian 2017, Theorem 1 (Eqn 5).

    Example:
        >>> import jax, flowlab as fl
        >>> fl.paper.theorem1(jax.random.key(0), samples=100_000).holds
        True
    """
    rng = generator(key)
    e, w = rng.standard_normal((2, dim))

    def gated(x: np.ndarray) -> np.ndarray:
        return np.where(x @ e > 0, np.maximum(x @ w, 0), 0.0)[:, None] * x

    inputs = (rng.standard_normal((size, dim)) for size in batches(samples))
    mean, error = mean_and_error(gated(x) for x in inputs)
    deviation = np.abs(mean - np.asarray(population_gating(e, w))) / error
    return Claim.at_most(
        f"Theorem 1, d={dim}",
        "E[F(e, w)] = N/2π [(π - θ) w + |w| sin θ e] (Eqn 5)",
        ERRORS,
        float(np.max(deviation)),
        f"Monte Carlo, {samples:,} samples: largest deviation of a component in standard errors",
    )


def theorem1_monte_carlo(effort: Effort) -> tuple[Claim, ...]:
    """Theorem 1 (Eqn 5) in several dimensions, by Monte Carlo."""
    return tuple(
        theorem1(effort.key_of(f"Theorem 1, {dim}"), dim=dim, samples=effort.draws)
        for dim in effort.of((2, 5), (2, 5, 20))
    )


def theorem1_quadrature(effort: Effort) -> tuple[Claim, ...]:
    r"""Theorem 1 (Eqn 5) at any angle, both ends included, by quadrature.

    In the plane of e and w, with :math:`x = r u(\varphi)` and :math:`E[r^2] = 2`,

    .. math:: E[F] = \frac1\pi\int_{\theta-\pi/2}^{\pi/2} u\,(u\cdot w)\,d\varphi .
    """
    special = np.array([0.0, 1e-9, 1e-4, np.pi / 2, np.pi - 1e-4, np.pi])
    some = effort.rng("quadrature").uniform(0, np.pi, effort.of(8, 200))
    e, gaps = np.array([1.0, 0.0]), []
    for theta in (*special, *some):
        w = 1.7 * np.array([np.cos(theta), np.sin(theta)])

        def integrand(phi: float, w: np.ndarray = w) -> np.ndarray:
            u = np.array([np.cos(phi), np.sin(phi)])
            return u * (u @ w) / np.pi

        found, _ = quad_vec(integrand, theta - np.pi / 2, np.pi / 2, epsabs=1e-15)
        gaps.append(np.abs(found - np.asarray(population_gating(e, w))).max())
    return (
        Claim.equal(
            "Theorem 1, all angles",
            "E[F(e, w)] is the integral over the half-planes' intersection, at θ = 0 and π too",
            0.0,
            max(gaps),
            1e-14,
            f"quadrature at {len(gaps)} angles: largest difference",
        ),
    )


def equation6(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqn 6: the gradient of one student in closed form.

    .. math:: E[\nabla J] = \tfrac12(w-w^*) + \tfrac1{2\pi}\Big(\theta w^* -
              \tfrac{|w^*|}{|w|}\sin\theta\,w\Big)

    Written out here and held against the general gradient, at random states and where w and w* are
    aligned, opposite, or nearly so.
    """
    rng, gaps = effort.rng("Eqn 6"), []
    for dim in (2, 3, 10, 50):
        star = rng.standard_normal(dim)
        turned = rng.standard_normal(dim)
        states = [*rng.standard_normal((50, dim)), star, 3 * star, -star, star + 1e-7 * turned]
        for w in states:
            theta, ratio = forms.angle(w, star), np.linalg.norm(star) / np.linalg.norm(w)
            said = (w - star) / 2 + (theta * star - ratio * np.sin(theta) * w) / (2 * np.pi)
            found = forms.gradient(w[None], star[None])[0]
            gaps.append(np.abs(found - said).max() / np.linalg.norm(star))
    return (
        Claim.equal(
            "Eqn 6",
            "one student: E[∇J] = (w - w*)/2 + (θ w* - |w*|/|w| sin θ w)/2π",
            0.0,
            max(gaps),
            1e-14,
            f"closed forms at {len(gaps)} states, d = 2 to 50: largest difference",
        ),
    )


def equation7(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqn 7: under any isotropic law :math:`E[F] = A(\theta)w + |w|B(\theta)e`.

    The law is uniform on the unit ball of three dimensions, where :math:`\kappa = E|x|^2/3 = 1/5`.
    The paper asks for A(0) = N/2, A(π) = 0, B(0) = B(π) = 0, N/2 being the Gaussian value.
    """
    rng, law, dim = effort.rng("Eqn 7"), Isotropic(second_moment=0.2), 3
    e, w = rng.standard_normal((2, dim))
    e /= np.linalg.norm(e)

    def gated(size: int) -> np.ndarray:
        x = rng.standard_normal((size, dim))
        x *= (rng.uniform(size=size) ** (1 / dim) / np.linalg.norm(x, axis=1))[:, None]
        return np.where(x @ e > 0, np.maximum(x @ w, 0), 0.0)[:, None] * x

    mean, error = mean_and_error(gated(size) for size in batches(effort.draws))
    theta = forms.angle(e, w)
    said = float(law.mass(theta)) * w + np.linalg.norm(w) * float(law.asymmetry(theta)) * e
    gaussian = Isotropic(second_moment=1.0)
    ends = [gaussian.mass(0.0) - 0.5, gaussian.mass(np.pi)]
    ends += [gaussian.asymmetry(0.0), gaussian.asymmetry(np.pi)]
    return (
        Claim.at_most(
            "Eqn 7",
            "isotropic inputs: E[F(e, w)] = A(θ) w + |w| B(θ) e, the Gaussian one times E|x|²/d",
            ERRORS,
            float(np.max(np.abs(mean - said) / error)),
            f"Monte Carlo, uniform law on the ball, d = 3, {effort.draws:,} samples: largest "
            "deviation of a component in standard errors",
        ),
        Claim.equal(
            "Eqn 7, ends",
            "A(0) = N/2, A(π) = 0, B(0) = B(π) = 0",
            0.0,
            max(abs(float(end)) for end in ends),
            1e-15,
            "closed forms: largest difference",
        ),
    )


def equation8(effort: Effort) -> tuple[Claim, ...]:
    r"""Eqn 8: the gradient of K students, from samples and from differences of the loss.

    Sampled is the gradient of the loss of each input,
    :math:`x\,[w_j\cdot x>0](g(x;w)-g(x;w^*))`.
    """
    rng, K, dim = effort.rng("Eqn 8"), 3, 4
    W, V = rng.standard_normal((2, K, dim))

    def gradients(size: int) -> np.ndarray:
        x = rng.standard_normal((size, dim))
        residual = np.maximum(x @ W.T, 0).sum(1) - np.maximum(x @ V.T, 0).sum(1)
        return (np.where(x @ W.T > 0, residual[:, None], 0.0)[..., None] * x[:, None]).reshape(
            size, -1
        )

    mean, error = mean_and_error(gradients(size) for size in batches(effort.draws))
    deviation = np.abs(mean - forms.gradient(W, V).ravel()) / error
    gaps = []
    for count, inputs in effort.of(((3, 4),), ((3, 4), (5, 5), (10, 12))):
        W, V = smooth_states(rng, count, inputs)
        gaps.append(np.abs(slopes(W, V) - forms.gradient(W, V)).max())
    return (
        Claim.at_most(
            "Eqn 8",
            "E[∇_j J] = Σ E[F(e_j, w_i)] - Σ E[F(e_j, w_i*)]",
            ERRORS,
            float(np.max(deviation)),
            f"Monte Carlo, K = {K}, d = {dim}, {effort.draws:,} samples: largest deviation of a "
            "component in standard errors",
        ),
        Claim.equal(
            "Eqn 8, the loss",
            "the same is the gradient of E[J]",
            0.0,
            max(gaps),
            1e-9,
            "differences of fourth order of the closed form of the loss: largest difference",
        ),
    )


def simulations(effort: Effort) -> tuple[Claim, ...]:
    r"""Section 7.1: errors of samples against the formula.

    The error :math:`|E[F]-F|/|F|` falls like :math:`N^{-1/2}` (Figure 7(b)). With inputs uniform on
    :math:`[-1/2,1/2]^d` the formula, times 1/12, serves in high dimension: the errors are no larger
    than those of Gaussian samples of the same size. The text calls the panel (d); it is (c).
    """
    rng, trials = effort.rng("Sec. 7.1"), effort.of(60, 400)
    sizes = np.array([300, 3_000, 30_000])
    errors = [rms_error(rng, 10, size, trials, "normal") for size in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    dim, size, repeats = effort.of((100, 5_000, 20), (300, 20_000, 40))
    uniform, normal = (
        rms_error(rng, dim, size, repeats, law, uniform_angle=False)
        for law in ("uniform", "normal")
    )
    return (
        Claim.equal(
            "Sec. 7.1, Fig. 7(b)",
            "the error of N samples falls like N^(-1/2)",
            -0.5,
            float(slope),
            0.07,
            f"fit over N = 300 to 30,000, {trials} pairs e, w each, d = 10",
        ),
        Claim.at_most(
            "Sec. 7.1, Fig. 7(d)",
            "Fig. 7(c) is meant: inputs uniform on [-1/2, 1/2]^d follow the formula for large d",
            1.05,
            uniform / normal,
            f"error of {size:,} uniform inputs over that of Gaussian ones, d = {dim}, {repeats} "
            "pairs e, w",
            "misprint",
        ),
    )


def rms_error(
    rng: np.random.Generator,
    dim: int,
    size: int,
    trials: int,
    law: str,
    uniform_angle: bool = True,
) -> float:
    """Return the root mean square of the relative errors of `size` samples over `trials` pairs."""
    squares = []
    for _ in range(trials):
        e, w = rng.standard_normal((2, dim))
        e /= np.linalg.norm(e)
        if uniform_angle:
            across = w - (w @ e) * e
            theta = rng.uniform(0, np.pi / 2)
            w = np.cos(theta) * e + np.sin(theta) * across / np.linalg.norm(across)
        x = (
            rng.standard_normal((size, dim))
            if law == "normal"
            # The scale of a law divides out: of variance 1.
            else rng.uniform(-math.sqrt(3), math.sqrt(3), (size, dim))
        )
        sampled = np.where(x @ e > 0, np.maximum(x @ w, 0), 0.0) @ x / size
        said = forms.gating(e, w)
        squares.append(np.sum((said - sampled) ** 2) / np.sum(sampled**2))
    return float(np.sqrt(np.mean(squares)))


def smooth_states(rng: np.random.Generator, K: int, dim: int) -> np.ndarray:
    """Return random students and teachers, no shorter than 1/2: near 0 the loss is not smooth."""
    rows = rng.standard_normal((2, K, dim))
    lengths = rng.uniform(0.5, 2, (2, K, 1))
    return lengths * rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def slopes(W: np.ndarray, V: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Return the gradient of the loss by central differences of fourth order."""
    found = np.empty_like(W)
    for place in np.ndindex(W.shape):
        unit = np.zeros_like(W)
        unit[place] = step
        near = forms.loss(W + unit, V) - forms.loss(W - unit, V)
        far = forms.loss(W + 2 * unit, V) - forms.loss(W - 2 * unit, V)
        found[place] = (8 * near - far) / (12 * step)
    return found


def batches(samples: int) -> list[int]:
    """Return sizes of batches that add up to `samples`."""
    whole, rest = divmod(samples, BATCH)
    return [BATCH] * whole + [rest] * (rest > 0)


def mean_and_error(pieces: object) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over the rows of all pieces, and its standard error."""
    count, total, square = 0, 0.0, 0.0
    for piece in pieces:  # type: ignore[attr-defined]
        count += len(piece)
        total, square = total + piece.sum(0), square + (piece**2).sum(0)
    mean = np.asarray(total) / count
    return mean, np.sqrt((np.asarray(square) / count - mean**2) / count)
