"""Branches of equilibria over a parameter: continuation, special points, switching, diagrams."""

from ._branch import Branch as Branch
from ._continue import continue_branch as continue_branch
from ._diagram import bifurcation_diagram as bifurcation_diagram
from ._special import SpecialPoint as SpecialPoint
from ._switch import switch_branches as switch_branches
