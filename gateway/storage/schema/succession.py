"""Who a person is now whose number was replaced: derived from the index, in the transaction that changes it."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from gateway.storage.schema.base import Utc, gateway

# ``successor_id`` is what the index says, ``survivor_id`` the end of the chain: empty where it runs in a ring.
succession = Table(
    "succession",
    gateway,
    Column("person_id", String(36), primary_key=True),
    Column("successor_id", String(36), nullable=False, index=True),
    Column("survivor_id", String(36), nullable=False, index=True),
    Column("at", Utc, nullable=False),
)
