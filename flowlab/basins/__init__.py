"""Basins of attraction."""

from ._files import load_map as load_map
from ._files import save_map as save_map
from ._map import basin_map as basin_map
from ._plane import Plane as Plane
