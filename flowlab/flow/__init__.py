"""Trajectories: one (`integrate`) or many (`settle`), each until it settles."""

from ._ensemble import Ensemble as Ensemble
from ._settle import settle as settle
from ._settle import starting_states as starting_states
from ._trajectory import integrate as integrate
from ._trajectory import Trajectory as Trajectory
