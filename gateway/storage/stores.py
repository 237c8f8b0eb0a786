"""The stores of one house: every repository, on two databases, behind one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from gateway.storage import backup, digest, engines, upgrade
from gateway.storage.compared import Compared
from gateway.storage.database import Database, Place, Tx
from gateway.storage.differences import Differences
from gateway.storage.governance import Governance
from gateway.storage.index import PersonIndex
from gateway.storage.jobs import Jobs
from gateway.storage.keyring import Keyring
from gateway.storage.ledger import Ledger
from gateway.storage.links import Links
from gateway.storage.mailbox import Mailbox
from gateway.storage.models import Models
from gateway.storage.onward import Onward
from gateway.storage.outbox import Outbox
from gateway.storage.quarantine import Quarantine
from gateway.storage.recalls import Recalls
from gateway.storage.records import Records
from gateway.storage.releases import Releases
from gateway.storage.reporting import Reporting
from gateway.storage.reviews import Reviews
from gateway.storage.samples import Samples
from gateway.storage.signals import Signals
from gateway.storage.successions import Successions
from gateway.storage.traces import Traces
from gateway.storage.whole_index import WholeIndex

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gateway.settings import Settings


class Stores:
    """Everything that is kept. Threads and forked processes may share one: connections are each process's own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(Place.gateway(settings))
        self.keys = Keyring(settings.keys_dir)
        self.index = PersonIndex(self._database)
        self.whole_index = WholeIndex(self._database)
        self.successions = Successions(self._database)
        self.records = Records(self._database)
        self.links = Links(self._database)
        self.traces = Traces(self._database)
        self.reporting = Reporting(self._database)
        self.reviews = Reviews(self._database)
        self.onward = Onward(self._database)
        self.compared = Compared(self._database)
        self.differences = Differences(self._database)
        self.signals = Signals(self._database)
        self.models = Models(self._database)
        self.samples = Samples(self._database)
        self.quarantine = Quarantine(self._database)
        self.jobs = Jobs(self._database)
        self.mailbox = Mailbox(self._database)
        self.governance = Governance(self._database)
        self.releases = Releases(self._database)
        self.outbox = Outbox(self._database)
        self.recalls = Recalls(self._database)
        self.ledger = Ledger(Place.ledger(settings), self.keys)

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open the one write transaction on the system of record: whole, or nothing.

        Raises:
            Unavailable: another writer kept the database for 30 seconds, or it cannot be reached.
        """
        return self._database.write()

    def digest(self) -> str:
        """Return the SHA-256 of the domain tables: equal for an interrupted and an undisturbed run."""
        with self._database.read() as view:
            return digest.digest(view)

    def optimise(self) -> None:
        """Let the database look at what it holds, after a load: plans made for empty tables are slow ones.

        Harmless to leave out and to repeat; PostgreSQL does it by itself, some minutes later.
        """
        with self._database.write() as tx:
            tx.change("ANALYZE" if self._database.postgres else "PRAGMA optimize=0x10002")

    def backup(self, folder: Path) -> list[Path]:
        """Copy both SQLite databases into ``folder`` while the house works. See ``gateway.storage.backup``."""
        self.ledger.flush()
        return backup.backup(self._settings, folder)

    def versions(self) -> dict[str, str]:
        """Return which database libraries and servers are in use, for ``gateway doctor``."""
        with self._database.read() as view:
            if self._database.postgres:
                return {"PostgreSQL": str(view.raw("SHOW server_version")[0][0])}
        return {"SQLite": engines.sqlite_version()}

    def close(self) -> None:
        """Make queued ledger rows durable and give every connection back."""
        self.ledger.close()
        self._database.close()

    def __enter__(self) -> Self:
        """Use as ``with open_stores(settings) as stores``."""
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_stores(settings: Settings) -> Stores:
    """Open the databases that ``gateway db upgrade`` made.

    Raises:
        Unavailable: they are missing, not up to date, or SQLite is too old to be safe.
        Conflict: they were stamped with the other mode.
    """
    upgrade.refuse_unfit(settings)
    return Stores(settings)
