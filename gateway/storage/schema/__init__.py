"""The tables of the system of record and of the ledger, as SQLAlchemy Core; migrations are compared with them."""

from gateway.storage.schema import (
    differences,
    governance,
    mailbox,
    models,
    onward,
    outbox,
    people,
    recall,
    records,
    samples,
    succession,
    work,
)
from gateway.storage.schema import ledger as ledger_tables
from gateway.storage.schema.base import Utc, gateway, ledger, now

__all__ = [
    "Utc",
    "differences",
    "gateway",
    "governance",
    "ledger",
    "ledger_tables",
    "mailbox",
    "models",
    "now",
    "onward",
    "outbox",
    "people",
    "recall",
    "records",
    "samples",
    "succession",
    "work",
]
