"""Webhooks: who wants to hear of what, what there is to say, and how far the saying has come."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from gateway.storage.schema.base import Utc, gateway

webhook = Table(
    "webhook",
    gateway,
    Column("webhook_id", String(36), primary_key=True),
    Column("caller", String(128), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("url", String(500), nullable=False),
    Column("topics", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("added_at", Utc, nullable=False),
)

outgoing = Table(
    "outgoing",
    gateway,
    Column("message_id", String(36), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("topic", String(32), nullable=False),
    Column("reference", String(128), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
    Column("at", Utc, nullable=False),
    UniqueConstraint("seq"),
)

# One row for each message and subscriber: what is due, in the order of ``seq``, and to whom it may go next.
delivery = Table(
    "delivery",
    gateway,
    Column("webhook_id", String(36), ForeignKey("webhook.webhook_id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", String(36), ForeignKey("outgoing.message_id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("settled_at", Utc, nullable=True),
    Column("lease", String(128), nullable=False),
    Column("lease_until", Utc, nullable=True),
)
Index("ix_delivery_state_webhook_id_seq", delivery.c.state, delivery.c.webhook_id, delivery.c.seq)
