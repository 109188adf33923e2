"""The collection of records, one entry per orbit, as data that outlives the process."""

from ._catalog import Catalog as Catalog
from ._collect import Collector as Collector
from ._connection import Connection as Connection
from ._error import CatalogError as CatalogError
from ._provenance import provenance as provenance
