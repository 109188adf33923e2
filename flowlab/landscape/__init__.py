"""The graph between critical points."""

from ._barriers import barriers as barriers
from ._directions import unstable_directions as unstable_directions
from ._directions import UnstableDirection as UnstableDirection
from ._disconnectivity import disconnectivity as disconnectivity
from ._graph import connect as connect
from ._graph import is_attractor as is_attractor
from ._graph import landscape_graph as landscape_graph
from ._graph import quotient as quotient
from ._graph import to_graphml as to_graphml
from ._node_link import from_node_link_json as from_node_link_json
from ._node_link import to_node_link_json as to_node_link_json
from ._reachability import reachability as reachability
from ._reachability import Reachability as Reachability
from ._survey import Survey as Survey
from ._survey import survey as survey
from ._unfold import unfold as unfold
from ._verification import Verification as Verification
from ._verification import VerifiedConnection as VerifiedConnection
from ._verify import verify_connections as verify_connections
from ._view import plane_of_theorem7 as plane_of_theorem7
from ._view import points_in as points_in
from ._view import saddle_view as saddle_view
from ._view import theorem7_view as theorem7_view
from ._view import View as View
from ._trace import trace_connections as trace_connections
from ._trace import trace_record as trace_record
