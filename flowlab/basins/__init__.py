"""Basins of attraction."""

from ._map import basin_map as basin_map
from ._plane import Plane as Plane
