"""Searching for every critical point."""

from ._completeness import completeness as completeness
from ._completeness import Completeness as Completeness
from ._completeness import morse_check as morse_check
from ._completeness import MorseCheck as MorseCheck
from ._multistart import find_critical_points as find_critical_points
from ._subspace import search_fixed_subspace as search_fixed_subspace
