"""Section 8: the gradient of deep networks (Proposition 2, Eqns 19 and S98-S100)."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from ..fields import MultilayerFlow, layer_signals, proposition2
from ._claim import Claim
from ._effort import Effort

WIDTHS = ((3, 4, 3, 1), (4, 5, 3, 4, 2)), ((3, 4, 3, 1), (4, 5, 3, 4, 2), (10, 20, 15, 10, 5, 1))
"""Inputs, hidden layers and outputs of the networks of a quick and of a full table."""


def proposition2_rows(effort: Effort) -> tuple[Claim, ...]:
    r"""Proposition 2: :math:`\nabla_{w_j}J = X_c^TD_jQ_j\sum_{j'}(Q_{j'}u_{j'}-Q^*_{j'}u^*_{j'})`.

    With :math:`Q_k=\sum_jw_{jk}D_jQ_j` from the top (Eqns 19, S98-S100). The gradient is held
    against automatic differentiation of the network's loss; its induction, that
    :math:`\sum_jQ_ju_j` is the network's output at every layer, against the network; and its
    remark, that two layers with output weights 1 are the case :math:`Q=I`, against Eqn 3.
    """
    rng, gaps, sums = effort.rng("Proposition 2"), [], []
    for widths in effort.of(*WIDTHS):
        X = rng.standard_normal((60, widths[0]))
        student, teacher = _network(rng, widths), _network(rng, widths)
        field = MultilayerFlow(widths, X, teacher)
        by_hand = field.pack(proposition2(student, teacher, X))
        slope = field.gradient(field.pack(student))
        gaps.append(np.abs(np.asarray(by_hand - slope)).max() / np.abs(np.asarray(slope)).max())
        output = _forward(student, X)
        for layer in layer_signals(student, X):
            told = np.einsum("njo,nj->no", layer.factors, layer.outputs)
            sums.append(np.abs(told - output).max() / np.abs(output).max())
    how = f"random networks of widths {', '.join(map(str, effort.of(*WIDTHS)))}: largest relative "
    return (
        Claim.equal(
            "Proposition 2",
            "∇_j J = X_c' D_j Q_j Σ (Q_j' u_j' - Q_j'* u_j'*), Q_k = Σ w_jk D_j Q_j (Eqn 19)",
            0.0,
            max(gaps),
            1e-12,
            how + "difference from automatic differentiation",
        ),
        Claim.equal(
            "Proposition 2, induction",
            "Σ_j Q_j u_j is the network's output at every layer (Eqns S98-S100)",
            0.0,
            max(sums),
            1e-12,
            how + "difference from the network's output",
        ),
        _two_layers(rng),
    )


def _two_layers(rng: np.random.Generator) -> Claim:
    """The paper's network: Q = I, and the gradient of Eqn 3."""
    K, dim = 4, 3
    X = rng.standard_normal((60, dim))
    W, V = rng.standard_normal((2, K, dim))
    ones = jnp.ones((1, K))
    found, _ = proposition2((W, ones), (V, ones), X)
    residual = np.maximum(X @ W.T, 0).sum(1) - np.maximum(X @ V.T, 0).sum(1)
    said = ((X @ W.T > 0) * residual[:, None]).T @ X / len(X)
    low, _ = layer_signals((W, ones), X)
    gap = max(np.abs(np.asarray(found) - said).max(), np.abs(np.asarray(low.factors) - 1).max())
    return Claim.equal(
        "Proposition 2, two layers",
        "the two-layered network is the case Q_j = Q_j* = I",
        0.0,
        float(gap),
        1e-13,
        "Q, and the gradient against that of Eqn 3 at a random network: largest difference",
    )


def _network(rng: np.random.Generator, widths: tuple[int, ...]) -> list[np.ndarray]:
    return [
        rng.standard_normal((rows, columns))
        for columns, rows in zip(widths, widths[1:], strict=False)
    ]


def _forward(weights: Sequence[np.ndarray], X: np.ndarray) -> np.ndarray:
    signal = X
    for W in weights[:-1]:
        signal = np.maximum(signal @ W.T, 0)
    return signal @ weights[-1].T
