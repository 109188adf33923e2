r"""What goes through a bias-free ReLU network, up and down: Proposition 2 of Tian 2017.

A network is its weight matrices :math:`W_1, \dots, W_L` from the inputs up, each (n_l, n_{l-1}).
Its hidden units are ReLUs, its outputs are linear.
"""

import functools as ft
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp


class LayerSignals(NamedTuple):
    r"""What one layer of a network receives, lets through and passes on, for N data points.

    Attributes:
        inputs: :math:`X_c`, what is fed into the layer's nodes, (N, n_below).
        gates: diagonals of :math:`D_j`, 1 where node j is active, (N, n).
        outputs: :math:`u_j`, (N, n).
        factors: diagonals of :math:`Q_j`, (N, n, outputs): how much each output of the network
            changes with the output of node j, the gates above held fixed.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> low, top = fl.layer_signals([jnp.eye(2), jnp.ones((1, 2))], jnp.array([[1.0, -3.0]]))
        >>> low.gates.tolist(), top.inputs.tolist()
        ([[1.0, 0.0]], [[1.0, 0.0]])
    """

    inputs: jax.Array
    gates: jax.Array
    outputs: jax.Array
    factors: jax.Array


def network_output(weights: Sequence[jax.Array], X: jax.Array) -> jax.Array:
    """Return what a network computes of the rows of `X`, (N, outputs)."""
    signal = X
    for W in weights[:-1]:
        signal = jax.nn.relu(signal @ W.T)
    return signal @ weights[-1].T


def layer_signals(weights: Sequence[Any], X: Any) -> tuple[LayerSignals, ...]:
    r"""Return what goes through the layers of a network, with the matrices Q of Proposition 2.

    They come from the top: :math:`Q = 1` at an output itself, and below

    .. math:: Q_k = \sum_{j \in [c]} w_{jk} D_j Q_j, \qquad k \in [c+1],

    so that :math:`\sum_{j \in [c]} Q_j u_j` is the network's output at every layer c.

    Args:
        weights: the matrices from the inputs up, (n_l, n_{l-1}) each.
        X: data, (N, n_0).

    Returns:
        One `LayerSignals` for each layer, from the lowest (fed by the data) to the outputs.

    Raises:
        ValueError: if the shapes do not fit.

    Source: Tian 2017, Proposition 2; supplement, Eqn 100.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> weights = [jnp.eye(2), jnp.array([[2.0, -1.0]])]
        >>> low, top = fl.layer_signals(weights, jnp.array([[1.0, 3.0]]))
        >>> low.factors[0, :, 0].tolist(), top.outputs.tolist()
        ([2.0, -1.0], [[-1.0]])
    """
    return _jitted(*checked_layers(weights, X))


def signals(xp: Any, matrices: Sequence[Any], X: Any) -> tuple[LayerSignals, ...]:
    """Return what `layer_signals` does, of arrays of the namespace `xp` (numpy or jax.numpy)."""
    signal, received, gates = X, [], []
    for number, W in enumerate(matrices, 1):
        received.append(signal)
        reached = signal @ W.T
        active = xp.ones_like(reached) if number == len(matrices) else reached > 0
        gates.append(active.astype(reached.dtype))
        signal = gates[-1] * reached
    passed = [*received[1:], signal]
    width = signal.shape[1]
    factors = [xp.broadcast_to(xp.eye(width, dtype=signal.dtype), (len(signal), width, width))]
    for W, active in zip(matrices[:0:-1], gates[:0:-1], strict=True):
        factors.append(xp.einsum("jk,nj,njo->nko", W, active, factors[-1]))
    parts = zip(received, gates, passed, factors[::-1], strict=True)
    return tuple(LayerSignals(*part) for part in parts)


_jitted = eqx.filter_jit(ft.partial(signals, jnp))


def proposition2(student: Sequence[Any], teacher: Sequence[Any], X: Any) -> tuple[jax.Array, ...]:
    r"""Return the gradient of the loss of a student network by Proposition 2, layer by layer.

    .. math:: \nabla_{w_j}J = \frac1N X_c^\top D_j \sum_o Q_{jo} \sum_{j' \in [c]}
              (Q_{j'o}u_{j'} - Q^*_{j'o}u^*_{j'}), \qquad J = \frac1{2N}\sum_o |g_o - g^*_o|^2,

    with the sum over outputs o that the paper, which has one, does not need. The teacher may have
    other widths, and another number of layers: layers are counted from the outputs, and those that
    a teacher lacks are replaced by its lowest.

    Args:
        student: its matrices from the inputs up.
        teacher: those of the teacher.
        X: data, (N, n_0).

    Returns:
        The derivatives by the matrices of the student, of their shapes.

    Raises:
        ValueError: if the shapes do not fit.

    Source: Tian 2017, Eqn 19; supplement, Eqns 98 and 99.

    Example:
        >>> import jax, jax.numpy as jnp, flowlab as fl
        >>> X = jax.random.normal(jax.random.key(0), (50, 2))
        >>> weights = [jnp.eye(2), jnp.ones((1, 2))]
        >>> [float(abs(part).max()) for part in fl.proposition2(weights, weights, X)]
        [0.0, 0.0]
    """
    matrices, data = checked_layers(student, X, "student")
    others, _ = checked_layers(teacher, X, "teacher")
    if len(matrices[-1]) != len(others[-1]):
        raise ValueError(
            f"the student has {len(matrices[-1])} outputs, the teacher {len(others[-1])}; needed: "
            "as many."
        )
    return _gradients(matrices, others, data)


@eqx.filter_jit
def _gradients(student: Any, teacher: Any, X: jax.Array) -> tuple[jax.Array, ...]:
    ours, theirs = signals(jnp, student, X), signals(jnp, teacher, X)
    gradients = []
    for depth, layer in enumerate(reversed(ours), 1):
        other = theirs[max(len(theirs) - depth, 0)]
        difference = _summed(layer) - _summed(other)
        inflow = jnp.einsum("njo,no->nj", layer.factors, difference)
        gradients.append((layer.gates * inflow).T @ layer.inputs / len(layer.inputs))
    return tuple(gradients[::-1])


def _summed(layer: LayerSignals) -> jax.Array:
    return jnp.einsum("njo,nj->no", layer.factors, layer.outputs)


def checked_layers(weights: Sequence[Any], X: Any, name: str = "weights") -> tuple[Any, jax.Array]:
    """Return matrices and data as float arrays, or raise `ValueError` if they do not fit."""
    matrices, data = [jnp.asarray(W, float) for W in weights], jnp.asarray(X, float)
    if not matrices:
        raise ValueError(f"{name} is empty; needed: a matrix for each layer.")
    if data.ndim != 2:
        raise ValueError(f"X has shape {data.shape}; needed: data (N, n_0).")
    below = data.shape[1]
    for number, W in enumerate(matrices, 1):
        if W.ndim != 2 or W.shape[1] != below:
            raise ValueError(
                f"matrix {number} of {name} has shape {W.shape}; needed: (n, {below}), a row for "
                "each unit, a column for each unit of the layer below (or input)."
            )
        below = W.shape[0]
    return matrices, data
