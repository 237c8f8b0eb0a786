"""Messages that came through a mailbox and what became of each; who may send; when it was last looked into."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from gateway.storage.schema.base import Utc, gateway

# Nothing here is about a person: ids are MESH's, the hash is of a whole response.
mesh_message = Table(
    "mesh_message",
    gateway,
    Column("message_id", String(100), primary_key=True),
    Column("mailbox", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sender", String(32), nullable=False),
    Column("workflow", String(100), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("trouble", String(64), nullable=False),
    Column("caller", String(128), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("response_name", String(64), nullable=False),
    Column("response_hash", String(64), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("sent_id", String(100), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("tried_at", Utc, nullable=True),
    Column("sending_at", Utc, nullable=True),
    Column("lease_owner", String(128), nullable=False),
    Column("lease_until", Utc, nullable=True),
)
Index("ix_mesh_message_mailbox_state", mesh_message.c.mailbox, mesh_message.c.state)
Index("ix_mesh_message_sent_id", mesh_message.c.sent_id)

mesh_sender = Table(
    "mesh_sender",
    gateway,
    Column("mailbox", String(32), primary_key=True),
    Column("caller", String(128), nullable=False),
    Column("added_at", Utc, nullable=False),
)

mesh_poll = Table(
    "mesh_poll",
    gateway,
    Column("mailbox", String(32), primary_key=True),
    Column("polled_at", Utc, nullable=False),
    Column("reason", String(64), nullable=False),
)
