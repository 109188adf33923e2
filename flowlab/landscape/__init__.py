"""The graph between critical points."""

from ._graph import connect as connect
from ._graph import landscape_graph as landscape_graph
from ._graph import quotient as quotient
from ._graph import to_graphml as to_graphml
from ._survey import Survey as Survey
from ._survey import survey as survey
from ._view import plane_of_theorem7 as plane_of_theorem7
from ._view import points_in as points_in
from ._view import saddle_view as saddle_view
from ._view import theorem7_view as theorem7_view
from ._view import View as View
from ._trace import trace_connections as trace_connections
