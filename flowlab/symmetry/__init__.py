"""Groups acting on arrays: orbits, isotropy, canonical images, fixed subspaces, tangents."""

from ._block_form import block_form as block_form
from ._block_form import BlockForm as BlockForm
from ._euclidean import EuclideanGroup as EuclideanGroup
from ._group import AbstractGroup as AbstractGroup
from ._group import Element as Element
from ._group import Isotropy as Isotropy
from ._hidden_relabeling import HiddenRelabeling as HiddenRelabeling
from ._hidden_units import HiddenUnitPermutations as HiddenUnitPermutations
from ._isometry import Isometry as Isometry
from ._matrices import MatrixGroup as MatrixGroup
from ._matrix_elements import MatrixElement as MatrixElement
from ._orbit import enumerate_orbit as enumerate_orbit
from ._relabeling import Relabeling as Relabeling
from ._relabeling_group import RelabelingGroup as RelabelingGroup
from ._signed import SignedPermutation as SignedPermutation
from ._signed import SignedPermutations as SignedPermutations
from ._stabilizer import TeacherStabilizer as TeacherStabilizer
from ._students import StudentPermutations as StudentPermutations
from ._trivial import Identity as Identity
from ._trivial import TrivialGroup as TrivialGroup
from ._subgroups import block_subgroups as block_subgroups
from ._subgroups import BlockSubgroup as BlockSubgroup
from ._subgroups import has_block_subgroups as has_block_subgroups
from ._subgroups import isotropy_subgroups as isotropy_subgroups
