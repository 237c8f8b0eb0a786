"""Who may ask: agreements and who signed them, organisations, facts, callers, sessions; and what was released."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from gateway.storage.schema.base import Utc, gateway

meta = Table(
    "meta",
    gateway,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

agreement_version = Table(
    "agreement_version",
    gateway,
    Column("hash", String(64), primary_key=True),
    Column("agreement_id", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("added_at", Utc, nullable=False),
)
Index(
    "uq_agreement_version_agreement_id_version",
    agreement_version.c.agreement_id,
    agreement_version.c.version,
    unique=True,
)

signature = Table(
    "signature",
    gateway,
    Column("agreement_hash", String(64), ForeignKey("agreement_version.hash"), primary_key=True),
    Column("organisation", String(16), primary_key=True),
    Column("signatory", String(128), nullable=False),
    Column("capacity", String(64), nullable=False),
    Column("signed_at", Utc, nullable=False),
)

organisation = Table(
    "organisation",
    gateway,
    Column("ods", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("org_class", String(32), nullable=False),
    Column("detail", LargeBinary, nullable=False),
)

fact = Table(
    "fact",
    gateway,
    Column("kind", String(32), primary_key=True),
    Column("subject", String(128), primary_key=True, index=True),
    Column("value", String(128), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("as_of", Utc, nullable=False),
    Column("expires", Utc, nullable=True),
)

caller = Table(
    "caller",
    gateway,
    Column("subject", String(128), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("org_class", String(32), nullable=False),
    Column("role", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("purposes", String(500), nullable=False),
    Column("persona", String(32), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("added_at", Utc, nullable=False),
)

# The id is the SHA-256 of the cookie's token: reading this table does not let anybody in.
session = Table(
    "session",
    gateway,
    Column("session_id", String(64), primary_key=True),
    Column("caller", String(128), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("touched_at", Utc, nullable=False),
)

release = Table(
    "release",
    gateway,
    Column("release_id", String(36), primary_key=True),
    Column("agreement", String(200), nullable=False),
    Column("recipient", String(16), nullable=False),
    Column("period", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("created_at", Utc, nullable=False),
)
