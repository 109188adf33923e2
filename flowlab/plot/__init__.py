"""Pictures: portraits, basins, landscape graphs, disconnectivity trees, spectra, branches, paths.

Every function draws into `ax` (the current axes if it is not given), forwards further keyword
arguments to matplotlib, returns the axes, shows no window and changes no setting of matplotlib.
Colours are those of Okabe and Ito, cividis and grey; kinds of points differ in shape as well.
Legends stand below or beside the axes: make figures with `layout="constrained"`.
"""

from ._basins import basins as basins
from ._bifurcation import bifurcation as bifurcation
from ._disconnectivity import disconnectivity as disconnectivity
from ._landscape import landscape as landscape
from ._lyapunov import lyapunov as lyapunov
from ._portrait import portrait as portrait
from ._spectrum import spectrum as spectrum
from ._trajectories import trajectories as trajectories
