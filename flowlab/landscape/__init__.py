"""The graph between critical points."""

from ._graph import connect as connect
from ._graph import landscape_graph as landscape_graph
from ._graph import quotient as quotient
from ._graph import to_graphml as to_graphml
from ._survey import Survey as Survey
from ._survey import survey as survey
from ._survey import View as View
from ._trace import trace_connections as trace_connections
