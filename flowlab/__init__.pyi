"""The public API, one line a name, grouped by floor."""

# ruff: noqa: I001 (grouped by floor, not by alphabet)

# Floor 0: how computations end.
from ._outcome import Outcome as Outcome

# Floor 1: symmetry.
from .symmetry import AbstractGroup as AbstractGroup
from .symmetry import block_subgroups as block_subgroups
from .symmetry import BlockSubgroup as BlockSubgroup
from .symmetry import enumerate_orbit as enumerate_orbit
from .symmetry import isotropy_subgroups as isotropy_subgroups
from .symmetry import EuclideanGroup as EuclideanGroup
from .symmetry import HiddenUnitPermutations as HiddenUnitPermutations
from .symmetry import MatrixGroup as MatrixGroup
from .symmetry import RelabelingGroup as RelabelingGroup
from .symmetry import SignedPermutations as SignedPermutations
from .symmetry import StudentPermutations as StudentPermutations
from .symmetry import TeacherStabilizer as TeacherStabilizer
from .symmetry import TrivialGroup as TrivialGroup

# Floor 2: fields, input laws, samplers.
from .fields import AbstractField as AbstractField
from .fields import AbstractGradientFlow as AbstractGradientFlow
from .fields import Around as Around
from .fields import Ball as Ball
from .fields import block_family as block_family
from .fields import BlockFamily as BlockFamily
from .fields import AbstractRegion as AbstractRegion
from .fields import BallRegion as BallRegion
from .fields import Box as Box
from .fields import BoxRegion as BoxRegion
from .fields import ClosedForm as ClosedForm
from .fields import Difference as Difference
from .fields import FanIn as FanIn
from .fields import field_from_spec as field_from_spec
from .fields import FieldFamily as FieldFamily
from .fields import Gaussian as Gaussian
from .fields import GradientFlow as GradientFlow
from .fields import HalfSpace as HalfSpace
from .fields import Intersection as Intersection
from .fields import Isotropic as Isotropic
from .fields import layer_signals as layer_signals
from .fields import LayerSignals as LayerSignals
from .fields import MultilayerFlow as MultilayerFlow
from .fields import Normal as Normal
from .fields import one_student_flow as one_student_flow
from .fields import OnPlane as OnPlane
from .fields import OverlapFlow as OverlapFlow
from .fields import Plane as Plane
from .fields import population_gating as population_gating
from .fields import proposition2 as proposition2
from .fields import RandomOverlaps as RandomOverlaps
from .fields import restrict as restrict
from .fields import Sample as Sample
from .fields import Sublevel as Sublevel
from .fields import TeacherStudent as TeacherStudent
from .fields import theorem7_plane as theorem7_plane
from .fields import VectorField as VectorField
from .fields import zoo as zoo

# Floor 3: one critical point.
from .critical import capture_ball as capture_ball
from .critical import CaptureBall as CaptureBall
from .critical import check_lyapunov as check_lyapunov
from .critical import classify as classify
from .critical import critical_manifold as critical_manifold
from .critical import CriticalManifold as CriticalManifold
from .critical import CriticalPoint as CriticalPoint
from .critical import isotypic_spectrum as isotypic_spectrum
from .critical import IsotypicSpectrum as IsotypicSpectrum
from .critical import distance_candidate as distance_candidate
from .critical import LyapunovCheck as LyapunovCheck
from .critical import quadratic_candidate as quadratic_candidate
from .critical import refine as refine
from .critical import spectrum as spectrum

# Floor 4: the collection of records.
from .catalog import Catalog as Catalog
from .catalog import CatalogError as CatalogError
from .catalog import Connection as Connection

# Floor 5: trajectories.
from .flow import Ensemble as Ensemble
from .flow import integrate as integrate
from .flow import settle as settle
from .flow import Trajectory as Trajectory

# Floor 6: all points, basins, proofs.
from .basins import basin_fractions as basin_fractions
from .basins import basin_map as basin_map
from .basins import Fractions as Fractions
from .basins import basin_entropy as basin_entropy
from .basins import BasinEntropy as BasinEntropy
from .basins import boundary_dimension as boundary_dimension
from .basins import BoundaryDimension as BoundaryDimension
from .basins import edge_state as edge_state
from .basins import EdgeState as EdgeState
from .basins import load_map as load_map
from .basins import save_map as save_map
from .basins import separatrix_point as separatrix_point
from .basins import SeparatrixPoint as SeparatrixPoint
from .basins import uncertainty_exponent as uncertainty_exponent
from .basins import UncertaintyExponent as UncertaintyExponent
from .certify import Certificate as Certificate
from .certify import CertificationError as CertificationError
from .certify import certify as certify
from .certify import check_conjecture1 as check_conjecture1
from .certify import CheckedLog as CheckedLog
from .certify import Conjecture1Proof as Conjecture1Proof
from .certify import largest_sublevel as largest_sublevel
from .certify import loss_candidate as loss_candidate
from .certify import LyapunovProof as LyapunovProof
from .certify import one_student_convergence as one_student_convergence
from .certify import OneStudentConvergence as OneStudentConvergence
from .certify import prove_conjecture1 as prove_conjecture1
from .certify import prove_lyapunov as prove_lyapunov
from .certify import SublevelProof as SublevelProof
from .certify import theorem5 as theorem5
from .certify import Theorem5 as Theorem5
from .search import bifurcation_diagram as bifurcation_diagram
from .search import Branch as Branch
from .search import completeness as completeness
from .search import Completeness as Completeness
from .search import continue_branch as continue_branch
from .search import find_critical_points as find_critical_points
from .search import morse_check as morse_check
from .search import MorseCheck as MorseCheck
from .search import search_fixed_subspace as search_fixed_subspace
from .search import SpecialPoint as SpecialPoint
from .search import switch_branches as switch_branches

# Floor 7: the graph between critical points, and the whole way there.
from . import landscape as landscape
from .landscape import barriers as barriers
from .landscape import connect as connect
from .landscape import disconnectivity as disconnectivity
from .landscape import fractions_along as fractions_along
from .landscape import FractionsAlong as FractionsAlong
from .landscape import from_node_link_json as from_node_link_json
from .landscape import landscape_graph as landscape_graph
from .landscape import quotient as quotient
from .landscape import Reachability as Reachability
from .landscape import reachability as reachability
from .landscape import Survey as Survey
from .landscape import survey as survey
from .landscape import to_graphml as to_graphml
from .landscape import to_node_link_json as to_node_link_json
from .landscape import trace_connections as trace_connections
from .landscape import unfold as unfold
from .landscape import unstable_directions as unstable_directions
from .landscape import UnstableDirection as UnstableDirection
from .landscape import Verification as Verification
from .landscape import verify_connections as verify_connections

# Floor 8: the paper's claims, pictures, many machines.
from . import paper as paper
from . import plot as plot
from . import scale as scale

__version__: str
