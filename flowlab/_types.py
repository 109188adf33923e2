"""Array aliases shared by every room."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

State: TypeAlias = Float[Array, "..."]
"""One state: a float array of `field.shape`."""

States: TypeAlias = Float[Array, "n ..."]
"""A batch of states, the batch axis first."""

ArrayLike: TypeAlias = jax.Array | np.ndarray
RealOrComplex: TypeAlias = NDArray[np.float64] | NDArray[np.complex128]
Key: TypeAlias = PRNGKeyArray
Sampler: TypeAlias = Callable[[Key], State]
"""A function of a key that returns one start of `field.shape`."""
