"""The collection of records, one entry per orbit, as data that outlives the process."""

from ._catalog import Catalog as Catalog
from ._collect import Collector as Collector
from ._connection import Connection as Connection
from ._diff import CatalogDiff as CatalogDiff
from ._diff import diff as diff
from ._diff import PointChange as PointChange
from ._error import CatalogError as CatalogError
from ._journal import Journal as Journal
from ._merge import merge as merge
from ._orbits import Orbits as Orbits
from ._provenance import circumstances as circumstances
from ._provenance import provenance as provenance
from ._recheck import Mismatch as Mismatch
from ._recheck import recheck as recheck
