"""Basins of attraction."""

from ._files import load_map as load_map
from ._files import save_map as save_map
from ._fractions import basin_fractions as basin_fractions
from ._interval import clopper_pearson as clopper_pearson
from ._map import basin_map as basin_map
from ._plane import Plane as Plane
from ._schedule import Look as Look
from ._shares import Fraction as Fraction
from ._shares import Fractions as Fractions
from ._unseen import UnseenMass as UnseenMass
