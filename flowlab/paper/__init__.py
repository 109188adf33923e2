"""Claims of Tian (2017), each checked by a computation."""

from ._check import check_claims as check_claims
from ._claim import Claim as Claim
from ._theorem6 import measure_theorem6 as measure_theorem6
from ._theorem6 import theorem6 as theorem6
from ._theorem6 import Theorem6 as Theorem6
from ._theorem6 import theorem6_radius as theorem6_radius
from ._theorems import equation16 as equation16
from ._theorems import equation69 as equation69
from ._theorems import theorem1 as theorem1
from ._theorems import theorem2 as theorem2
from ._theorems import theorem7_flow as theorem7_flow
from ._theorems import theorem7_saddle as theorem7_saddle
