"""Who may ask and under what: agreements, organisations, facts, callers and sessions, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.storage.agreements import Agreements
from gateway.storage.callers import Callers, Sessions
from gateway.storage.facts import FactStore, Organisations

if TYPE_CHECKING:
    from gateway.storage.database import Database


class Governance:
    """The repositories of governance."""

    def __init__(self, database: Database) -> None:
        self.agreements = Agreements(database)
        self.organisations = Organisations(database)
        self.facts = FactStore(database)
        self.callers = Callers(database)
        self.sessions = Sessions(database)
