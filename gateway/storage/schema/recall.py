"""Recall after a wrong link: the incident, and whoever received the link and has to hear that it was wrong."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from gateway.storage.schema.base import Utc, gateway

# ``persons`` is JSON, the ids of the person wrongly linked, under every number they had, each with the instant of the
# link; it is shown to nobody. ``records`` are those that were theirs by it.
incident = Table(
    "incident",
    gateway,
    Column("incident_id", String(36), primary_key=True),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("organisation", String(16), nullable=False),
    Column("persons", LargeBinary, nullable=False),
    Column("records", LargeBinary, nullable=False),
    Column("decision", String(64), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=True),
    Column("opened_at", Utc, nullable=False),
)

# ``disclosure`` is the decision id of the row in the ledger; empty for a webhook, which has messages instead.
recall_notice = Table(
    "recall_notice",
    gateway,
    Column("notice_id", String(36), primary_key=True),
    Column("incident_id", String(36), ForeignKey("incident.incident_id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("recipient", String(128), nullable=False),
    Column("organisation", String(16), nullable=False, index=True),
    Column("disclosure", String(64), nullable=False),
    Column("job", String(256), nullable=False),
    Column("agreement", String(256), nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("sent_at", Utc, nullable=False),
    Column("state", String(16), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("acknowledged_at", Utc, nullable=True),
)
