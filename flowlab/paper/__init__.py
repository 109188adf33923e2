"""Claims of Tian (2017), each checked by a computation, and its figures."""

import importlib
from typing import TYPE_CHECKING, Any

from ._claim import Claim as Claim
from ._claim import VERDICTS as VERDICTS
from ._gating import theorem1 as theorem1
from ._one_student import equation16 as equation16
from ._out_of_plane import theorem2 as theorem2
from ._report import claims_from_json as claims_from_json
from ._report import claims_to_json as claims_to_json
from ._report import claims_to_markdown as claims_to_markdown
from ._report import printed_numbers as printed_numbers
from ._report import summary as summary
from ._symmetric import equation69 as equation69
from ._symmetric import theorem7_flow as theorem7_flow
from ._symmetric import theorem7_saddle as theorem7_saddle
from ._table import check_claims as check_claims
from ._table import claim_names as claim_names
from ._theorem6 import measure_theorem6 as measure_theorem6
from ._theorem6 import theorem6 as theorem6
from ._theorem6 import Theorem6 as Theorem6
from ._theorem6 import theorem6_radius as theorem6_radius

if TYPE_CHECKING:
    from . import figures as figures
    from .figures import figure2 as figure2
    from .figures import figure4 as figure4
    from .figures import figure5 as figure5
    from .figures import figure6 as figure6
    from .figures import figure7 as figure7
    from .figures import figure8 as figure8
    from .figures import figure9 as figure9
    from .figures import figure10 as figure10

FIGURES = (2, 4, 5, 6, 7, 8, 9, 10)
"""The figures that can be drawn: `figure2` and so on. Figures 1 and 3 hold no numbers."""


def __getattr__(name: str) -> Any:
    # Claims are checked without matplotlib: the figures wait until one is asked for.
    if name == "figures" or name in _figure_names():
        figures = importlib.import_module("flowlab.paper.figures")
        return figures if name == "figures" else getattr(figures, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "figures", *_figure_names()})


def _figure_names() -> set[str]:
    return {f"figure{number}" for number in FIGURES}
