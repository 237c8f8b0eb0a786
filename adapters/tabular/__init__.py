"""Any other feed that comes as delimited text: a column map in YAML says which column is what.

One row becomes a Patient and an Encounter or EpisodeOfCare. Maps are data: `maps.NHS111` is shipped, and a
deployer writes their own. A map with a key that means nothing here is refused, so that a slip of the pen cannot
lose a column in silence; so is a file with a column the map neither uses nor names under ``ignore``.
"""

from adapters.tabular.maps import SHIPPED
from adapters.tabular.model import ColumnMap, MapFault, load_map
from adapters.tabular.reader import read

__all__ = ["SHIPPED", "ColumnMap", "MapFault", "load_map", "read"]
