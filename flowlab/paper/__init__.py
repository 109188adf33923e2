"""Claims of Tian (2017), each checked by a computation."""

from ._claim import Claim as Claim
from ._claim import VERDICTS as VERDICTS
from ._gating import theorem1 as theorem1
from ._one_student import equation16 as equation16
from ._out_of_plane import theorem2 as theorem2
from ._report import claims_from_json as claims_from_json
from ._report import claims_to_json as claims_to_json
from ._report import claims_to_markdown as claims_to_markdown
from ._report import printed_numbers as printed_numbers
from ._report import summary as summary
from ._symmetric import equation69 as equation69
from ._symmetric import theorem7_flow as theorem7_flow
from ._symmetric import theorem7_saddle as theorem7_saddle
from ._table import check_claims as check_claims
from ._table import claim_names as claim_names
from ._theorem6 import measure_theorem6 as measure_theorem6
from ._theorem6 import theorem6 as theorem6
from ._theorem6 import Theorem6 as Theorem6
from ._theorem6 import theorem6_radius as theorem6_radius
