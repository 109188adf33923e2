"""Known systems: small fields whose critical points, basins and gaps are on record."""

from ._build import build as build
from ._double_wells import double_well as double_well
from ._double_wells import double_wells as double_wells
from ._duffing import duffing as duffing
from ._ghost import saddle_node_ghost as saddle_node_ghost
from ._lennard_jones import LennardJones as LennardJones
from ._lennard_jones import lennard_jones as lennard_jones
from ._magnetic_pendulum import magnetic_pendulum as magnetic_pendulum
from ._muller_brown import muller_brown as muller_brown
