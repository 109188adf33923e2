"""What one critical point is: its record, its refinement, its spectrum, its class."""

from ._capture import capture_ball as capture_ball
from ._capture import CaptureBall as CaptureBall
from ._check_lyapunov import check_lyapunov as check_lyapunov
from ._check_lyapunov import LyapunovCheck as LyapunovCheck
from ._classify import classify as classify
from ._isotypic import isotypic_spectrum as isotypic_spectrum
from ._isotypic import IsotypicComponent as IsotypicComponent
from ._isotypic import IsotypicSpectrum as IsotypicSpectrum
from ._manifold import critical_manifold as critical_manifold
from ._manifold import CriticalManifold as CriticalManifold
from ._lyapunov import distance_candidate as distance_candidate
from ._lyapunov import quadratic_candidate as quadratic_candidate
from ._newton import newton_batches as newton_batches
from ._newton import newton_search as newton_search
from ._newton import NewtonResult as NewtonResult
from ._probe import losses as losses
from ._probe import probe as probe
from ._probe import Probe as Probe
from ._record import CriticalPoint as CriticalPoint
from ._refine import outcome_of as outcome_of
from ._refine import refine as refine
from ._refine import Refined as Refined
from ._spectrum import explained_directions as explained_directions
from ._spectrum import spectrum as spectrum
from ._spectrum import Spectrum as Spectrum
from ._spectrum import unstable_projector as unstable_projector
