"""What is kept, and the only SQL on the system of record.

Two databases: ``gateway`` (what the house knows) and ``ledger`` (what it did), SQLite files or PostgreSQL schemas.
``upgrade`` makes them, ``open_stores`` opens them. Repositories are small; those that read person data take a
:class:`Permit` first, those that write take the :class:`Tx` of ``stores.transaction()``.
"""

from gateway.storage.backup import restore
from gateway.storage.database import Tx
from gateway.storage.permit import Permit
from gateway.storage.stores import Stores, open_stores
from gateway.storage.upgrade import stamped_mode, upgrade

__all__ = ["Permit", "Stores", "Tx", "open_stores", "restore", "stamped_mode", "upgrade"]
