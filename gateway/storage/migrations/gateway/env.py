"""Run by Alembic for the gateway database: the connection is handed in, the work is ``gateway.storage.upgrade``'s."""

from gateway.storage.schema import gateway
from gateway.storage.upgrade import run_migrations

run_migrations(gateway)
