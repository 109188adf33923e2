"""Which points of a catalog are meant: criteria, and choosing by them."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..critical import CriticalPoint
from ._orbits import SAME_LOSS

COUNTS = (
    "index nullity explained_nullity unexplained_nullity isotropy_order orbit_size hits"
).split()
REALS = ("loss", "residual")
TEXTS = {"id": "id", "kind": "kind", "isotropy": "isotropy_name", "found_by": "found_by"}
FLAGS = ("spurious", "certified", "hyperbolic", "sink")

_SPELLING = str.maketrans({"Δ": "D", "×": "x"})

Test = Callable[[CriticalPoint], bool]


def selected(points: Iterable[CriticalPoint], criteria: Mapping[str, Any]) -> list[CriticalPoint]:
    """Return the points that meet all criteria.

    Raises:
        ValueError: if a criterion is unknown or asks for what no point can be.
    """
    points = list(points)
    tests = [_test(name, value, points) for name, value in criteria.items() if value is not None]
    return [point for point in points if all(test(point) for test in tests)]


def _test(name: str, value: Any, points: list[CriticalPoint]) -> Test:
    if name in COUNTS or name in REALS:
        return _number_test(name, value)
    if name in TEXTS:
        return _text_test(name, value)
    if name in FLAGS:
        return _flag_test(name, value, points)
    raise ValueError(
        f"no criterion {name!r}; there is {', '.join([*COUNTS, *REALS, *TEXTS, *FLAGS])}."
    )


def _number_test(name: str, value: Any) -> Test:
    if isinstance(value, tuple):
        low, high = _ends(name, value)

        def between(point: CriticalPoint) -> bool:
            found = getattr(point, name)
            return found is not None and low <= found <= high

        return between
    if name in REALS:
        number = _number(name, value)

        def near(point: CriticalPoint) -> bool:
            found = getattr(point, name)
            return found is not None and abs(found - number) <= SAME_LOSS * max(1.0, abs(number))

        return near
    several = isinstance(value, list | set | frozenset | range)
    wanted = {_number(name, one) for one in (value if several else [value])}
    return lambda point: getattr(point, name) in wanted


def _ends(name: str, value: tuple[Any, ...]) -> tuple[float, float]:
    if len(value) == 2:
        low = -math.inf if value[0] is None else _number(name, value[0])
        high = math.inf if value[1] is None else _number(name, value[1])
        if low <= high:
            return low, high
    raise ValueError(
        f"{name} is {value!r}; needed: a number, or a range (low, high) with both ends included, "
        "None for no end" + ("." if name in REALS else ", or a list of numbers.")
    )


def _number(name: str, value: Any) -> float:
    real = isinstance(value, int | float | np.integer | np.floating)
    if not real or isinstance(value, bool) or math.isnan(value):
        raise ValueError(f"{name} is {value!r}; needed: a number, or a range (low, high).")
    return value  # type: ignore[return-value]


def _text_test(name: str, value: Any) -> Test:
    several = isinstance(value, list | tuple | set | frozenset)
    wanted = list(value) if several else [value]
    if not all(isinstance(one, str) for one in wanted):
        raise ValueError(f"{name} is {value!r}; needed: a text, or a list of texts.")
    # Names of groups can be typed: DS_4 is ΔS_4, S_2xS_2 is S_2×S_2.
    spell: Callable[[str], str] = str if name != "isotropy" else _typed
    spelled = {spell(one) for one in wanted}
    return lambda point: spell(getattr(point, TEXTS[name])) in spelled


def _typed(name: str) -> str:
    return name.translate(_SPELLING)


def _flag_test(name: str, value: Any, points: list[CriticalPoint]) -> Test:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; needed: True or False.")
    tests: dict[str, Test] = {
        "certified": lambda point: point.certificate is not None,
        "hyperbolic": lambda point: point.nullity == 0,
        "sink": lambda point: point.is_sink,
    }
    test = _spurious(points) if name == "spurious" else tests[name]
    return lambda point: test(point) is bool(value)


def _spurious(points: list[CriticalPoint]) -> Test:
    """Sinks above the loss floor, which where it is unknown lies no higher than any loss known."""
    losses = [point.loss for point in points if point.loss is not None]
    if points and not losses:
        raise ValueError("spurious needs a loss, and the points of this catalog have none.")
    lowest = min(losses, default=0.0)
    floor = lowest + SAME_LOSS * max(1.0, abs(lowest))

    def test(point: CriticalPoint) -> bool:
        if "minimum" in point.kind and point.kind != "minimum":
            return point.kind == "spurious minimum"
        return point.is_sink and point.loss is not None and point.loss > floor

    return test
