"""Basins of attraction, and the boundaries between them."""

from ._dimension import boundary_dimension as boundary_dimension
from ._dimension import BoundaryDimension as BoundaryDimension
from ._edge import edge_state as edge_state
from ._edge import EdgeState as EdgeState
from ._entropy import basin_entropy as basin_entropy
from ._entropy import BasinEntropy as BasinEntropy
from ._files import load_map as load_map
from ._files import require_place as require_place
from ._files import save_map as save_map
from ._fractions import basin_fractions as basin_fractions
from ._interval import clopper_pearson as clopper_pearson
from ._map import basin_map as basin_map
from ._schedule import Look as Look
from ._shares import Fraction as Fraction
from ._shares import Fractions as Fractions
from ._unseen import UnseenMass as UnseenMass
from ._separatrix import separatrix_point as separatrix_point
from ._separatrix import SeparatrixPoint as SeparatrixPoint
from ._uncertainty import uncertainty_exponent as uncertainty_exponent
from ._uncertainty import UncertaintyExponent as UncertaintyExponent
