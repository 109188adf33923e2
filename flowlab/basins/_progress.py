"""One progress meter for a job of many calls."""

from collections.abc import Callable
from typing import Any

import diffrax as dfx
import jax.numpy as jnp


class Progress:
    """A diffrax progress meter that many calls move forward, never back.

    Args:
        meter: the meter; none if `None`.

    Attributes:
        fraction: how much of the whole is done.
    """

    def __init__(self, meter: dfx.AbstractProgressMeter | None):
        self._meter = dfx.NoProgressMeter() if meter is None else meter
        self._state = self._meter.init()
        self.fraction = 0.0

    def part(self, low: float, high: float) -> dfx.AbstractProgressMeter:
        """Return the meter for a call that takes the whole from one fraction to another."""
        return _Part(lambda fraction: self.report(low + fraction * (high - low)))

    def report(self, fraction: float) -> None:
        """Say how much of the whole is done."""
        self.fraction = max(self.fraction, fraction)
        self._state = self._meter.step(self._state, jnp.asarray(self.fraction))

    def close(self) -> None:
        """End."""
        self.report(1.0)
        self._meter.close(self._state)


class _Part(dfx.AbstractProgressMeter):
    report: Callable[[float], None]

    def init(self) -> None:
        return None

    def step(self, state: None, progress: Any) -> None:
        self.report(float(progress))

    def close(self, state: None) -> None:
        return None
