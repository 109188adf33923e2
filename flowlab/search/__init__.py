"""Searching for every critical point."""

from ._multistart import find_critical_points as find_critical_points
from ._subspace import search_fixed_subspace as search_fixed_subspace
