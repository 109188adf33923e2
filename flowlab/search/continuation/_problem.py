"""The equations of a branch in coordinates fit for continuation.

A state is written in an orthonormal basis of a subspace that the flow of every member of the family
leaves invariant: the fixed subspace of the branch's isotropy group. There the branch meets no
kernel that breaks its symmetry, so it passes such branch points as if nothing were there. States
and the parameter are scaled to order one, and put one after the other: `y = (z / scale, p /
length)`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ...fields import AbstractField, AbstractGradientFlow, FieldFamily, family_jet
from ...symmetry import AbstractGroup

NULL = 1e-8
"""A growth rate counts as zero below this, relative to the largest one (or to 1)."""

INVARIANT = 1e-9
"""By how much the flow may seem to leave an invariant subspace, relative to its speed."""

Rates = NDArray[np.complex128]

Spectrum = Callable[[AbstractField, Any], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class At:
    """The family at one state and parameter, and the equations there."""

    y: np.ndarray
    w: np.ndarray
    p: float
    velocity: np.ndarray
    jacobian: np.ndarray
    by_parameter: np.ndarray
    loss: float | None
    distance: float
    equations: np.ndarray
    """The velocity in the coordinates of the subspace, (r,)."""
    matrix: np.ndarray
    """Its derivative by `y`, (r, r + 1)."""

    @property
    def tolerance(self) -> float:
        """What the velocity may be at an equilibrium computed in float64."""
        rows = np.abs(self.jacobian).sum(-1).max(initial=0.0)
        return 1e-12 * max(1.0, float(rows) * max(1.0, float(np.abs(self.w).max())))

    @property
    def finite(self) -> bool:
        """Whether velocity and derivatives are numbers."""
        return bool(np.isfinite(self.velocity).all() and np.isfinite(self.matrix).all())


@dataclasses.dataclass(frozen=True, eq=False)
class Point:
    """A point of a branch: what `At` says, and the spectrum, the tangent and the null directions.

    Attributes:
        at: the family there.
        tangent: unit vector along the branch in `y`.
        ties: null directions that symmetry or splitting explains, orthonormal, (m, size).
        growth: growth rates by block, complex, descending real part.
        arclength: along the branch, in `y`.
    """

    at: At
    tangent: np.ndarray
    ties: np.ndarray
    growth: dict[str, Rates]

    def band(self, block: str) -> tuple[int, int]:
        """How many rates of a block are surely positive, and how many are not surely negative."""
        rates = self.growth[block].real
        null = NULL * max(1.0, float(np.abs(self.growth[block]).max(initial=0.0)))
        return int(np.sum(rates > null)), int(np.sum(rates >= -null))

    @property
    def index(self) -> int:
        """The number of growing directions."""
        return sum(self.band(block)[0] for block in self.growth)

    @property
    def nullity(self) -> int:
        """The number of directions that neither grow nor decay, explained ones not counted."""
        return sum(high - low for low, high in (self.band(block) for block in self.growth))


class Problem:
    """A family restricted to an invariant subspace, with the scales of its coordinates."""

    def __init__(
        self,
        family: FieldFamily,
        interval: tuple[float, float],
        example: np.ndarray,
        *,
        basis: np.ndarray | None = None,
        spectrum: Spectrum | None = None,
    ):
        self.family, self.interval, self.spectrum = family, interval, spectrum
        field = family(sum(interval) / 2)
        self.shape, self.size = field.shape, field.size
        self.is_gradient = isinstance(field, AbstractGradientFlow)
        self.scale = max(1.0, float(np.linalg.norm(example)))
        self.length = abs(interval[1] - interval[0])
        self.basis = np.eye(self.size) if basis is None else basis.reshape(len(basis), -1)
        full = np.linalg.svd(self.basis, full_matrices=True)[2]
        self.rest = full[len(self.basis) :]
        generic = np.random.default_rng(0).normal(size=self.shape)
        flat = type(field).flat_directions is not AbstractField.flat_directions
        self.has_ties = flat or len(field.symmetry.tangents(generic)) > 0
        self._group = field.symmetry if _is_constant(family, interval, generic) else None

    def within(self, basis: np.ndarray) -> "Problem":
        """The same family in another subspace."""
        inner = object.__new__(Problem)
        inner.__dict__.update(self.__dict__)
        inner.basis = basis.reshape(len(basis), -1)
        inner.rest = np.linalg.svd(inner.basis, full_matrices=True)[2][len(inner.basis) :]
        return inner

    def group(self, p: float) -> AbstractGroup[Any]:
        """The symmetry of the family at a parameter, made once if it is the same everywhere."""
        return self.family(p).symmetry if self._group is None else self._group

    @property
    def dimension(self) -> int:
        """The dimension r of the subspace."""
        return len(self.basis)

    def join(self, w: np.ndarray, p: float) -> np.ndarray:
        """Scaled coordinates of a state (or the nearest one in the subspace) and a parameter."""
        return np.append(self.basis @ np.ravel(w) / self.scale, p / self.length)

    def at(self, y: np.ndarray) -> At:
        """Evaluate the family."""
        w = self.scale * (y[:-1] @ self.basis).reshape(self.shape)
        p = float(y[-1] * self.length)
        jet = jax.device_get(family_jet(self.family.fn, jnp.asarray(w), jnp.asarray(p)))
        velocity, jacobian, by_parameter, loss, distance = jet
        columns = self.scale * self.basis @ jacobian @ self.basis.T
        along = self.length * self.basis @ by_parameter
        return At(
            y=y,
            w=w,
            p=p,
            velocity=velocity,
            jacobian=jacobian,
            by_parameter=by_parameter,
            loss=None if loss is None else float(loss),
            distance=float(distance),
            equations=self.basis @ velocity,
            matrix=np.column_stack([columns, along]),
        )

    def ties(self, at: At) -> np.ndarray:
        """The null directions that continuous symmetry and splitting explain, (m, size)."""
        if not self.has_ties:
            return np.zeros((0, self.size))
        field = self.family(at.p)
        found = np.concatenate([field.symmetry.tangents(at.w), field.flat_directions(at.w)])
        return orthonormal(found.reshape(-1, self.size))

    def blocks(self, ties: np.ndarray) -> dict[str, np.ndarray]:
        """Bases of the subspace and of its complement, both without the explained directions."""
        parts = {"inside": self.basis, "outside": self.rest}
        return {name: without(rows, ties) for name, rows in parts.items() if len(rows)}

    def growth(self, at: At, ties: np.ndarray) -> dict[str, Rates]:
        """Growth rates by block, descending real part."""
        if self.spectrum is not None:
            given = self.spectrum(self.family(at.p), jnp.asarray(at.w))
            return {"given": _descending(np.asarray(given).ravel())}
        rates = {}
        for name, rows in self.blocks(ties).items():
            matrix = rows @ at.jacobian @ rows.T
            values = (
                np.linalg.eigvalsh((matrix + matrix.T) / 2)
                if self.is_gradient
                else np.linalg.eigvals(matrix)
            )
            rates[name] = _descending(values)
        return rates

    def point(self, at: At, towards: np.ndarray | None = None) -> Point:
        """The point of the branch at a solution; its tangent leans towards a given vector."""
        ties = self.ties(at)
        return Point(at, self.tangent(at, ties, towards), ties, self.growth(at, ties))

    def tangent(self, at: At, ties: np.ndarray, towards: np.ndarray | None) -> np.ndarray:
        """The unit tangent of the branch."""
        rows = np.vstack([at.matrix, self.tie_rows(ties)])
        if towards is None:
            _, singular, right = np.linalg.svd(rows, full_matrices=True)
            rank = int(np.sum(singular > 1e-7 * max(1.0, singular.max(initial=0.0))))
            null = right[min(rank, len(right) - 1) :]
            # At a branch point take the direction that follows the parameter.
            tangent = null[:, -1] @ null
            tangent = tangent if np.linalg.norm(tangent) > 1e-8 else null[0]
        else:
            goal = np.append(np.zeros(len(rows)), 1.0)
            tangent = np.linalg.lstsq(np.vstack([rows, towards]), goal, rcond=1e-13)[0]
        return tangent / np.linalg.norm(tangent)

    def tie_rows(self, ties: np.ndarray) -> np.ndarray:
        """Equations that keep a step from moving along explained null directions."""
        inner = orthonormal(ties @ self.basis.T)
        return np.column_stack([inner, np.zeros(len(inner))])


def orthonormal(rows: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the span of `rows`."""
    if len(rows) == 0:
        return rows
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    return right[singular > 1e-6]


def without(rows: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the part of the span of `rows` that is orthogonal to `ties`."""
    if len(ties) == 0 or len(rows) == 0:
        return rows
    inner = orthonormal(ties @ rows.T)
    rank = len(inner)
    if rank == 0:
        return rows
    return np.linalg.svd(inner, full_matrices=True)[2][rank:] @ rows


def is_invariant(family: FieldFamily, interval: tuple[float, float], basis: np.ndarray) -> bool:
    """Whether every member of a family leaves a linear subspace invariant, by trial."""
    rows = basis.reshape(len(basis), -1)
    rng = np.random.default_rng(0)
    for share in (0.137, 0.481, 0.893):
        p = interval[0] + share * (interval[1] - interval[0])
        w = (rng.normal(size=len(rows)) @ rows).reshape(basis.shape[1:])
        velocity = family_jet(family.fn, jnp.asarray(w), jnp.asarray(p))[0]
        speed = np.asarray(velocity)
        off = speed - rows.T @ (rows @ speed)
        if not np.abs(off).max() <= INVARIANT * (1 + np.abs(speed).max()):
            return False
    return True


def _is_constant(family: FieldFamily, interval: tuple[float, float], generic: np.ndarray) -> bool:
    """Whether the generators of the symmetry act alike at three parameters."""
    groups = [family(p).symmetry for p in (*interval, sum(interval) / 2)]
    images = [[np.asarray(group.act(g, generic)) for g in group.generators()] for group in groups]
    return (
        all(
            len(other) == len(images[0]) and np.array_equal(np.array(other), np.array(images[0]))
            for other in images[1:]
        )
        and len({type(group) for group in groups}) == 1
        and not any(len(group.tangents(generic)) for group in groups)
    )


def _descending(values: Any) -> Rates:
    rates = np.asarray(values, np.complex128)
    return rates[np.lexsort((-rates.imag, -rates.real))]
