"""The sampled gradient flow of a deep bias-free ReLU student trained on a teacher."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import as_state
from .._types import Key
from ..symmetry import HiddenUnitPermutations
from ._base import AbstractGradientFlow
from ._inputs import Sample
from ._layers import checked_layers, network_output
from ._layers_flat import balanced, flat_directions, without_inactive
from ._samplers import AbstractSampler


class FanIn(AbstractSampler):
    r"""Independent Gaussian weights scaled by the width below: :math:`N(0, g^2/n_{l-1})`.

    The initialisation of He et al. (2015) for ReLU networks with :math:`g^2 = 2`, that of LeCun
    with 1, layer by layer, for flat states.

    Args:
        widths: input dimension and the widths of all layers that are drawn.
        gain: g.

    Raises:
        ValueError: when called for a state of another size.

    Example:
        >>> import jax, flowlab as fl
        >>> fl.FanIn((3, 4, 1))(jax.random.key(0), (16,)).shape
        (16,)
    """

    widths: tuple[int, ...]
    gain: float = 2**0.5

    def __call__(self, key: Key, shape: tuple[int, ...]) -> jax.Array:
        """Draw one state."""
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        scales = np.concatenate([np.full(a * b, self.gain / a**0.5) for a, b in pairs])
        if scales.shape != shape:
            raise ValueError(
                f"widths {self.widths} stand for {len(scales)} weights; the field has {shape}."
            )
        return jnp.asarray(scales) * jax.random.normal(key, shape)


class MultilayerFlow(AbstractGradientFlow):
    r"""Gradient flow of a deep bias-free ReLU network that learns a teacher network from data.

    .. math:: J = \frac1{2N}\sum_{n=1}^N |g(x_n) - g^*(x_n)|^2, \qquad
              g(x) = W_L\sigma(W_{L-1}\cdots\sigma(W_1x))

    A state holds the matrices one after the other, each row by row, as one flat array; `layers`
    and `pack` change between the two. The paper's two-layered network is the one of widths
    (d, K, 1) with `output_weights=1.0`.

    J is smooth where no unit's input vanishes at a data point; its gradient jumps there, and where
    all incoming weights of a unit vanish it depends on the direction of approach: no critical point
    is sought there. Symmetry: the permutations of the hidden units of each layer. Explained as flat
    (`flat_directions`): the positive rescaling of a unit's incoming weights against its outgoing
    ones; any mixing of units of a layer that are active on the same data; changes that no data
    point sees (inactive units, dependent inputs of a unit) or that cancel above. Points that differ
    by rescaling, or by what inactive units hold, are one: `representative` is balanced, incoming
    and outgoing weights of each active unit having one norm. Points that differ by a mixing, or by
    the split of aligned units, are not recognised as one.

    Where the field jumps, trajectories may slide along the jump for long, and an adaptive method
    then takes steps of the size of its tolerance divided by the jump, which is of the order 1/N.
    With `rtol` from 1e-5 to 1e-6 and some hundred data points `integrate` reaches the end from many
    starts, not from all; `settle`, which sends a trajectory on only a few times after a rest that
    was none, often calls it `exhausted`. `find_critical_points` with `"newton"` does not follow it.

    Args:
        widths: input dimension, hidden widths, number of outputs: :math:`(n_0, \dots, n_L)`.
        data: (N, n_0), or a `Sample`.
        teacher: the matrices of the teacher from the inputs up; it may have other hidden widths and
            another number of layers.
        output_weights: :math:`W_L` if it is fixed and no part of the state: a scalar or
            (n_L, n_{L-1}). Trained if not given.

    Raises:
        ValueError: on shapes that do not fit or entries that are not finite.

    Source: Tian 2017, section 8; its Proposition 2 is `proposition2`.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> X = jax.random.normal(jax.random.key(0), (200, 3))
        >>> teacher = [jnp.eye(2, 3), jnp.eye(2), jnp.ones((1, 2))]
        >>> field = fl.MultilayerFlow((3, 4, 2, 1), X, teacher)
        >>> field.shape, [W.shape for W in field.layers(jnp.ones(22))]
        ((22,), [(4, 3), (2, 4), (1, 2)])
    """

    widths: tuple[int, ...] = eqx.field(static=True)
    inputs: Sample
    teacher: tuple[jax.Array, ...]
    output_weights: jax.Array | None
    targets: jax.Array

    def __init__(
        self,
        widths: Sequence[int],
        data: Any,
        teacher: Sequence[Any],
        *,
        output_weights: Any = None,
    ):
        self.widths = tuple(int(width) for width in widths)
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(
                f"widths is {widths!r}; needed: input dimension, hidden widths and number of "
                "outputs, each at least 1."
            )
        self.inputs = data if isinstance(data, Sample) else Sample(data)
        self.inputs.check(self.widths[0])
        matrices, X = checked_layers(teacher, self.inputs.X, "teacher")
        if matrices[-1].shape[0] != self.widths[-1]:
            raise ValueError(
                f"the teacher has {matrices[-1].shape[0]} outputs, the student {self.widths[-1]}."
            )
        self.teacher = tuple(matrices)
        self.targets = network_output(matrices, X)
        if not bool(jnp.all(jnp.isfinite(self.targets))):
            raise ValueError("the teacher's outputs are not finite: check its weights.")
        self.output_weights = _output_weights(output_weights, self.widths)

    @property
    def shape(self) -> tuple[int]:
        """The number of trained weights, as a shape."""
        return self.symmetry.shape

    @property
    def coordinates(self) -> tuple[str, ...]:
        """`w2_1_3` for the weight of layer 2 from unit 3 below to unit 1."""
        return tuple(
            f"w{number}_{i + 1}_{j + 1}"
            for number, (columns, rows) in enumerate(self._trained(), 1)
            for i, j in np.ndindex(rows, columns)
        )

    @property
    def symmetry(self) -> HiddenUnitPermutations:
        """The permutations of the units of each hidden layer that keep fixed output weights."""
        return HiddenUnitPermutations(self.widths, output_weights=self.output_weights)

    @property
    def sampler(self) -> FanIn:
        """Gaussian weights of variance 2/(width below)."""
        return FanIn(self.widths if self.output_weights is None else self.widths[:-1])

    @property
    def loss_floor(self) -> float | None:
        """0 if the student has room for a copy of the teacher, else `None`: not known."""
        theirs = tuple(W.shape[0] for W in self.teacher[:-1])
        ours = self.widths[1:-1]
        # Values above 0 pass further ReLU layers unchanged, so that a deeper student can copy too.
        needed = theirs + theirs[-1:] * (len(ours) - len(theirs))
        if len(ours) != len(needed) or any(a < b for a, b in zip(ours, needed, strict=True)):
            return None
        if self.output_weights is None:
            return 0.0
        fixed, wanted = np.asarray(self.output_weights), np.asarray(self.teacher[-1])
        if len(fixed) > 1:
            return None
        enough = all(np.sum(np.sign(fixed) == s) >= np.sum(np.sign(wanted) == s) for s in (1, -1))
        return 0.0 if enough else None

    def layers(self, w: jax.Array) -> tuple[jax.Array, ...]:
        """Return all matrices of the network from the inputs up, the fixed one included."""
        found, offset = [], 0
        for columns, rows in self._trained():
            found.append(w[offset : offset + rows * columns].reshape(rows, columns))
            offset += rows * columns
        return (*found, *([] if self.output_weights is None else [self.output_weights]))

    def pack(self, layers: Sequence[Any]) -> jax.Array:
        """Return the state of given matrices; fixed output weights may be left out."""
        wanted = [(rows, columns) for columns, rows in self._trained()]
        parts = [jnp.asarray(W, float) for W in layers]
        shapes = [W.shape for W in parts[: len(wanted)]]
        if shapes != wanted:
            raise ValueError(f"layers have shapes {shapes}; needed: {wanted}.")
        return jnp.concatenate([W.reshape(-1) for W in parts[: len(wanted)]])

    def __call__(self, t: Any, w: jax.Array, args: Any = None) -> jax.Array:
        """Return `dw/dt = -∇J`."""
        del t, args
        return -jax.grad(self._loss)(w)

    def loss(self, w: jax.Array) -> jax.Array:
        """Return the loss `J(w)`, a scalar."""
        return self._loss(as_state(self.shape, w))

    def gradient(self, w: jax.Array) -> jax.Array:
        """Return `∇J(w)`, (size,)."""
        return jax.grad(self._loss)(as_state(self.shape, w))

    def hessian(self, w: jax.Array) -> jax.Array:
        """Return the Hessian of the smooth piece that holds `w`, (size, size)."""
        return jax.hessian(self._loss)(as_state(self.shape, w))

    def distance_to_singularity(self, w: jax.Array) -> jax.Array:
        """Return the least norm of a hidden unit's incoming weights, relative to the teacher's."""
        hidden = self.layers(w)[: len(self.widths) - 2]
        if not hidden:
            return jnp.full((), jnp.inf, w.dtype)
        shortest = jnp.min(jnp.stack([jnp.min(jnp.sum(W**2, -1)) for W in hidden]))
        longest = jnp.max(jnp.stack([jnp.max(jnp.sum(W**2, -1)) for W in self.teacher]))
        return jnp.sqrt(shortest / longest)

    def flat_directions(self, w: np.ndarray) -> np.ndarray:
        """Return unit tangents along which the network computes the same of the data, (m, size)."""
        matrices = [np.asarray(W) for W in self.layers(jnp.asarray(w))]
        return flat_directions(matrices, np.asarray(self.inputs.X), len(self._trained()))

    def representative(self, w: np.ndarray) -> np.ndarray:
        """Return the balanced network of the flat family, inactive units holding chosen weights."""
        matrices = [np.asarray(W) for W in self.layers(jnp.asarray(w))]
        trained = len(self._trained())
        chosen = without_inactive(matrices, np.asarray(self.inputs.X), trained)
        return np.concatenate([W.ravel() for W in balanced(chosen, trained)[:trained]])

    def spec(self) -> dict[str, Any]:
        """Return everything that is needed to build the field again, the data included."""
        fixed = self.output_weights
        return {
            "type": "MultilayerFlow",
            "shape": list(self.shape),
            "widths": list(self.widths),
            "teacher": [np.asarray(W).tolist() for W in self.teacher],
            "output_weights": None if fixed is None else np.asarray(fixed).tolist(),
            "inputs": self.inputs.spec(),
        }

    def _trained(self) -> list[tuple[int, int]]:
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        return pairs if self.output_weights is None else pairs[:-1]

    def _loss(self, w: jax.Array) -> jax.Array:
        off = network_output(self.layers(w), self.inputs.X) - self.targets
        return jnp.sum(off**2) / (2 * off.shape[0])


def _output_weights(value: Any, widths: tuple[int, ...]) -> jax.Array | None:
    if value is None:
        return None
    weights, shape = np.asarray(value, float), (widths[-1], widths[-2])
    fits = weights.shape in ((), shape) and len(widths) > 2
    if not fits or not np.all(np.isfinite(weights)):
        raise ValueError(
            f"output_weights has shape {weights.shape} and entries {weights.tolist()}; needed: a "
            f"finite scalar or matrix {shape}, above at least one hidden layer."
        )
    return jnp.broadcast_to(jnp.asarray(weights), shape)
