"""Trajectories: one (`integrate`) or many (`settle`), each until it settles."""

from ._ensemble import Ensemble as Ensemble
from ._settle import settle as settle
from ._settle import settle_piece as settle_piece
from ._settle import starting_states as starting_states
from ._trajectory import integrate as integrate
from ._trajectory import Trajectory as Trajectory
from ._chunk import Follower as Follower
from ._chunk import Piece as Piece
from ._merge import concatenate as concatenate
from ._merge import Merger as Merger
from ._method import ensemble_method as ensemble_method
from ._stored import fingerprint as fingerprint
from ._stored import job_description as job_description
from ._stored import PROBES as PROBES
