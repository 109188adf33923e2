"""flowlab maps differentiable flows: critical points, what they are, what they attract, and why.

Its first subject is the population-gradient flow of a two-layer ReLU student trained on a teacher
(Tian, ICML 2017); any differentiable field `dw/dt = f(w)` will do.

The public names are listed in `__init__.pyi`, one line each, grouped by floor; each is loaded when
first used, so that importing the package costs nothing.
"""

from importlib.metadata import version as _version

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

__version__ = _version("flowlab")
