"""Run by Alembic for the ledger database: the connection is handed in, the work is ``gateway.storage.upgrade``'s."""

from gateway.storage.schema import ledger
from gateway.storage.upgrade import run_migrations

run_migrations(ledger)
