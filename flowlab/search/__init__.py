"""Searching for every critical point."""

from ._completeness import completeness as completeness
from ._completeness import Completeness as Completeness
from ._completeness import morse_check as morse_check
from ._completeness import MorseCheck as MorseCheck
from ._multistart import find_critical_points as find_critical_points
from ._subspace import search_fixed_subspace as search_fixed_subspace
from .continuation import bifurcation_diagram as bifurcation_diagram
from .continuation import Branch as Branch
from .continuation import continue_branch as continue_branch
from .continuation import SpecialPoint as SpecialPoint
from .continuation import switch_branches as switch_branches
