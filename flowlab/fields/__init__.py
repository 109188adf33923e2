"""What flows: fields, input laws, samplers of starts, and a zoo of known systems."""

from . import zoo as zoo
from ._base import AbstractField as AbstractField
from ._base import AbstractGradientFlow as AbstractGradientFlow
from ._functions import GradientFlow as GradientFlow
from ._functions import VectorField as VectorField
from ._inputs import AbstractInputs as AbstractInputs
from ._inputs import Gaussian as Gaussian
from ._inputs import Isotropic as Isotropic
from ._inputs import Sample as Sample
from ._plane import Plane as Plane
from ._restrict import restrict as restrict
from ._restrict import RestrictedField as RestrictedField
from ._samplers import AbstractSampler as AbstractSampler
from ._samplers import Around as Around
from ._samplers import Ball as Ball
from ._samplers import Box as Box
from ._samplers import draw as draw
from ._samplers import Normal as Normal
from ._samplers import OnPlane as OnPlane
from ._samplers import sampler_spec as sampler_spec
from ._spec import field_from_spec as field_from_spec
from ._teacher_student import population_gating as population_gating
from ._teacher_student import TeacherStudent as TeacherStudent
from ._theorem7 import theorem7_plane as theorem7_plane
from ._theorem7 import Theorem7Plane as Theorem7Plane
