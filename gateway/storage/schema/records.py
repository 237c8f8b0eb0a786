"""What the sources sent: the people in their words, each record and its original, the resources, the quarantine."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table

from gateway.storage.schema.base import Utc, gateway

source_person = Table(
    "source_person",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("person_ref", String(128), nullable=False),
    Column("nhs_number", String(10), nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Column("demographics_hash", String(32), nullable=False),
    Column("occurred", String(40), nullable=False),
    Column("traced_under", String(128), nullable=False),
    Column("retired_into", String(36), nullable=True, index=True),
)
Index("ix_source_person_source_nhs_number", source_person.c.source, source_person.c.nhs_number)

# One row per version ever received; ``live`` marks the version whose resources are held. The key begins with what
# tells most records apart, so that no plan, with statistics or without, reads all of one sender's.
source_record = Table(
    "source_record",
    gateway,
    Column("local_id", String(128), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("organisation", String(16), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("content_hash", String(64), primary_key=True),
    Column("feed", String(255), nullable=False),
    Column("row", Integer, nullable=False),
    Column("occurred", String(40), nullable=False),
    Column("source_person_id", String(36), nullable=False),
    Column("live", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# A removed resource stays as a row with an empty body, so that an older message cannot bring it back.
resource = Table(
    "resource",
    gateway,
    Column("resource_id", String(100), primary_key=True),
    Column("type", String(40), nullable=False),
    Column("source_person_id", String(36), nullable=False),
    Column("source", String(64), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("local_id", String(128), nullable=False),
    Column("section", String(32), nullable=False),
    Column("sensitive", Boolean, nullable=False),
    Column("occurred", String(40), nullable=False),
    Column("feed", String(255), nullable=False),
    Column("row", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_resource_source_person_id_section", resource.c.source_person_id, resource.c.section)
Index("ix_resource_local_id_kind_organisation", resource.c.local_id, resource.c.kind, resource.c.organisation)

original = Table(
    "original",
    gateway,
    Column("content_hash", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

quarantine = Table(
    "quarantine",
    gateway,
    Column("quarantine_id", String(36), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("feed", String(255), nullable=False),
    Column("row", Integer, nullable=False),
    Column("field", String(64), nullable=False),
    Column("rule", String(64), nullable=False, index=True),
    Column("message", String(500), nullable=False),
    Column("local_id", String(128), nullable=False),
    Column("original", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Utc, nullable=False),
)
