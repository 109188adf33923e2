"""Figure 7: how far sampled inputs are from the closed form of the population gating."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure, SubFigure

from ..._checks import require_float64
from ..._types import Key
from ...fields import _relu, empirical_gating, population_gating
from ...fields._namespace import NUMPY
from ...plot._palette import BLUE, GREEN, ORANGE, PURPLE, mixed
from ._settings import require_counts, the_key
from ._style import GHOST, dress, legend, page

_COLOURS, _MARKERS = (BLUE, ORANGE, GREEN, PURPLE), "osD^"


@dataclasses.dataclass(frozen=True, eq=False)
class Figure7Data:
    r"""What Figure 7 shows: relative RMS errors :math:`|E[F] - F|/|F|`.

    Attributes:
        dim: input dimension of panels (a) and (b).
        samples: inputs for each pair of vectors in panel (a).
        theta: (n,), the angle of each pair of panel (a), in [0, pi].
        error: (n,), its error; infinite if both gates were closed for all inputs.
        sizes: (s,), numbers of inputs in panels (b) and (c).
        by_size: (m, s), errors of pairs with angles in [0, pi/2], Gaussian inputs.
        dims: (k,), input dimensions of panel (c).
        uniform: (k, m, s), errors up to a common scale, inputs uniform in [-1/2, 1/2]^d.
        gaussian: (k, m, s), the same for Gaussian inputs.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure7_data(
        ...     pairs=9, samples=50, largest=40, repeats=3, dims=(2,))
        >>> data.error.shape, data.uniform.shape
        ((9,), (1, 3, 1))
    """

    dim: int
    samples: int
    theta: np.ndarray
    error: np.ndarray
    sizes: np.ndarray
    by_size: np.ndarray
    dims: tuple[int, ...]
    uniform: np.ndarray
    gaussian: np.ndarray


def sampling_error(theta: Any, dim: int, samples: Any = 1) -> np.ndarray:
    r"""Return the relative RMS error of the gating over Gaussian inputs, in closed form.

    With :math:`c(\theta) = (\pi-\theta+\sin\theta\cos\theta)/4\pi`, the part of
    :math:`E[(w\cdot x)^2]` for which both gates are open (:math:`|w|=1`),

    .. math:: \frac{\sqrt{E|F - E[F]|^2}}{|E[F]|} =
              \sqrt{\frac{(2d+4)\,c(\theta) - |E[F]|^2}{N\,|E[F]|^2}}.

    Args:
        theta: angles between e and w, in [0, pi).
        dim: input dimension d.
        samples: number N of inputs.

    Returns:
        The error, of the shape of `theta` and `samples` together.

    Example:
        >>> import numpy as np, flowlab as fl
        >>> round(float(fl.paper.figures.sampling_error(0.0, 10, 1_000)), 6)  # sqrt(0.023)
        0.151658
    """
    t = np.asarray(theta, float)
    e = np.stack([np.cos(t), np.sin(t)], -1).reshape(-1, 2)
    mean = _relu.gated_sum(NUMPY, e, np.array([[1.0, 0.0]]), np.ones(1))
    square = np.sum(mean**2, -1).reshape(t.shape)
    open_part = (np.pi - t + np.sin(t) * np.cos(t)) / (4 * np.pi)
    return np.sqrt(((2 * dim + 4) * open_part / square - 1) / np.asarray(samples))


def figure7_data(
    *,
    key: Key | None = None,
    dim: int = 10,
    pairs: int = 800,
    samples: int = 1_000,
    largest: int = 50_000,
    repeats: int = 20,
    dims: tuple[int, ...] = (2, 5, 20),
) -> Figure7Data:
    """Compute what Figure 7 shows. The paper gives neither d nor N.

    Args:
        key: random key; `jax.random.key(0)` if not given.
        dim: input dimension of panels (a) and (b).
        pairs: pairs of vectors in panel (a), each with inputs of its own.
        samples: inputs for each of them.
        largest: the largest number of inputs in panels (b) and (c).
        repeats: pairs of vectors there.
        dims: input dimensions of panel (c).

    Returns:
        The data of the three panels.

    Raises:
        ValueError: on bad input.
        RuntimeError: if JAX runs in 32 bits.

    Source: Tian 2017, Section 7.1.

    Example:
        >>> import flowlab as fl
        >>> data = fl.paper.figures.figure7_data(
        ...     pairs=9, samples=50, largest=40, repeats=3, dims=(2,))
        >>> data.sizes.tolist()
        [40]
    """
    require_float64("figure7_data")
    require_counts(pairs=pairs, samples=samples, repeats=repeats, largest=largest)
    for d in (dim, *dims):
        if int(d) != d or d < 2:
            raise ValueError(f"a dimension is {d!r}; needed: a whole number, at least 2.")
    sizes = _sizes(largest)
    keys = jax.random.split(the_key(key), 2 + len(dims))
    theta, error = _errors(keys[0], pairs, dim, (samples,), jnp.pi)
    _, by_size = _errors(keys[1], repeats, dim, sizes, jnp.pi / 2)
    scaled = [
        _errors(k, repeats, d, sizes, jnp.pi / 2, up_to_scale=True)[1]
        for k, d in zip(keys[2:], dims, strict=True)
    ]
    return Figure7Data(
        dim=dim,
        samples=samples,
        theta=theta,
        error=error[0, :, 0],
        sizes=np.array(sizes),
        by_size=by_size[0],
        dims=tuple(dims),
        uniform=np.array([of_both[1] for of_both in scaled]),
        gaussian=np.array([of_both[0] for of_both in scaled]),
    )


def _sizes(largest: int) -> tuple[int, ...]:
    """Numbers of inputs, two in a decade, down from the largest to at least 30."""
    count = int(2 * np.log10(max(largest, 30) / 30) + 1e-9) + 1
    found = [round(largest * 10 ** (-i / 2)) for i in range(count)]
    return tuple(sorted({max(size, 1) for size in found}))


def _errors(
    key: Key,
    count: int,
    dim: int,
    sizes: tuple[int, ...],
    largest_angle: Any,
    up_to_scale: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Angles (n,) and relative errors (laws, n, s) of random pairs, each over inputs of its own.

    The law is Gaussian; up to a common scale, the error is taken of Gaussian and uniform inputs.
    """

    def one(key: Key) -> tuple[jax.Array, jax.Array]:
        turned, placed, drawn = jax.random.split(key, 3)
        theta = largest_angle * jax.random.uniform(turned)
        e, other = jax.random.normal(placed, (2, dim))
        e = e / jnp.linalg.norm(e)
        across = other - (other @ e) * e
        w = jnp.cos(theta) * e + jnp.sin(theta) * across / jnp.linalg.norm(across)
        shape = (sizes[-1], dim)
        laws = [jax.random.normal(drawn, shape)]
        if up_to_scale:
            laws.append(jax.random.uniform(jax.random.fold_in(drawn, 1), shape) - 0.5)
        return theta, jnp.stack([error(X, e, w) for X in laws])

    def error(X: jax.Array, e: jax.Array, w: jax.Array) -> jax.Array:
        expected = population_gating(e, w)
        # The first inputs serve the smaller samples.
        found = jnp.stack([empirical_gating(X[:size], e, w) for size in sizes])
        if up_to_scale:
            expected = (found @ expected / (expected @ expected))[:, None] * expected
        return jnp.sqrt(jnp.sum((found - expected) ** 2, -1) / jnp.sum(found**2, -1))

    theta, errors = jax.jit(lambda keys: jax.lax.map(one, keys))(jax.random.split(key, count))
    found = np.moveaxis(np.asarray(errors), 0, 1)
    return np.asarray(theta), np.where(np.isfinite(found), found, np.inf)


def figure7(
    data: Figure7Data | None = None, *, figure: Figure | SubFigure | None = None, **settings: Any
) -> Any:
    r"""Draw Figure 7: sampled inputs against the closed form of the population gating.

    (a) The relative error of each of many random pairs against their angle; the line is the RMS
    error that the closed form predicts (`sampling_error`); a triangle on the upper edge is a pair
    for which no input opened both gates. (b) Its RMS over pairs with angles in
    :math:`[0, \pi/2]`, which falls as :math:`N^{-1/2}`; the band holds the middle 80%. (c) The
    same for inputs uniform in :math:`[-1/2, 1/2]^d`, up to a common scale: the error levels off at
    what separates that law from an isotropic one, the lower the larger d. Dashed: Gaussian inputs.

    Args:
        data: from `figure7_data`; computed if not given.
        figure: a figure or subfigure to draw in; a new one of column width if not given.
        **settings: passed to `figure7_data`.

    Returns:
        The figure.

    Source: Tian 2017, Figure 7 and Section 7.1 (which calls panel (c) Fig. 7(d)).

    Example:
        >>> import flowlab as fl
        >>> figure = fl.paper.figure7(pairs=9, samples=50, largest=40, repeats=3, dims=(2,))
        >>> len(figure.axes)
        3
    """
    data = figure7_data(**settings) if data is None else data
    sheet = page(figure, 3.3)
    axes = sheet.subplot_mosaic([["angle", "angle"], ["size", "law"]], height_ratios=(0.9, 1))
    _draw_angles(axes["angle"], data)
    _draw_sizes(axes["size"], data)
    _draw_laws(axes["law"], data)
    low = min(axes[name].get_ylim()[0] for name in ("size", "law"))
    high = max(axes[name].get_ylim()[1] for name in ("size", "law"))
    for name in ("size", "law"):
        axes[name].set_ylim(low, high)
    return sheet


def _draw_angles(ax: Any, data: Figure7Data) -> None:
    style = {"color": mixed(BLUE, 0.4), "linewidths": 0}
    ax.scatter(data.theta / np.pi, data.error, s=4, **style)
    # Pairs for which no input opened both gates stand on the upper edge.
    blind = data.theta[~np.isfinite(data.error)] / np.pi
    edge = ax.get_xaxis_transform()
    ax.scatter(blind, 1 + 0 * blind, s=9, marker="^", transform=edge, clip_on=False, **style)
    theta = np.pi * np.linspace(0, 0.985, 200)
    ax.plot(theta / np.pi, sampling_error(theta, data.dim, data.samples), color="black", lw=1.0)
    ax.set(xlim=(0, 1), yscale="log", xlabel=r"$\theta/\pi$", ylabel="relative error")
    dress(ax, "a", f"Gaussian, $d = {data.dim}$, $N = {data.samples}$")


def _draw_sizes(ax: Any, data: Figure7Data) -> None:
    low, high = np.quantile(data.by_size, [0.1, 0.9], axis=0)
    ax.fill_between(data.sizes, low, high, color=mixed(BLUE, 0.75), linewidth=0)
    ax.plot(data.sizes, _rms(data.by_size), "o", color=BLUE, ms=3)
    middle = (np.arange(64) + 0.5) / 64 * np.pi / 2
    line = np.sqrt(np.mean(sampling_error(middle, data.dim) ** 2) / data.sizes)
    ax.plot(data.sizes, line, color="black", lw=1.0, label=r"$\propto N^{-1/2}$")
    ax.set(xscale="log", yscale="log", xlabel="inputs $N$", ylabel="relative RMS error")
    legend(ax, loc="lower left")
    dress(ax, "b", f"Gaussian, $d = {data.dim}$")


def _draw_laws(ax: Any, data: Figure7Data) -> None:
    for number, d in enumerate(data.dims):
        colour = _COLOURS[number % len(_COLOURS)]
        marker = _MARKERS[number % len(_MARKERS)]
        ax.plot(
            data.sizes, _rms(data.uniform[number]), marker + "-", ms=2.8, lw=0.9, color=colour,
            label=f"{d}",
        )  # fmt: skip
        ax.plot(data.sizes, _rms(data.gaussian[number]), **{**GHOST, "color": mixed(colour, 0.35)})
    ax.set(xscale="log", yscale="log", xlabel="inputs $N$")
    legend(ax, loc="lower left", title="$d$", title_fontsize=6.5, ncols=2)
    dress(ax, "c", "uniform, up to scale")


def _rms(errors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(errors**2, axis=0))
