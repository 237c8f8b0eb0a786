"""The index (people who can be traced to), the persons known here, and the links that join records to them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, ForeignKey, Index, Integer, LargeBinary, String, Table

from gateway.storage.schema.base import Utc, gateway

# ``id`` is the first nine digits of the NHS number: the tenth follows from them, the number is found by rowid, and
# the same people have the same ids whatever order they were loaded in. ``keys`` remembers which index_key rows are
# this person's (8-byte big-endian integers), so that an update removes exactly those.
index_person = Table(
    "index_person",
    gateway,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("person_id", String(36), nullable=False, index=True),
    Column("nhs_number", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("security", String(1), nullable=False),
    Column("superseded_by", String(10), nullable=False),
    Column("death", String(8), nullable=False),
    Column("source", String(16), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Column("keys", LargeBinary, nullable=False),
)

# Apart from the row above, so that a trace's forty candidates lie on few pages.
index_patient = Table(
    "index_patient",
    gateway,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("patient", LargeBinary, nullable=False),
)

index_key = Table(
    "index_key",
    gateway,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

index_term = Table(
    "index_term",
    gateway,
    Column("field", String(32), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

index_info = Table(
    "index_info",
    gateway,
    Column("source", String(16), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("coverage", String(200), nullable=False),
    Column("people", Integer, nullable=False),
    Column("loaded_at", Utc, nullable=False),
)

person = Table(
    "person",
    gateway,
    Column("person_id", String(36), primary_key=True),
    Column("nhs_number", String(10), nullable=True, unique=True),
)

link = Table(
    "link",
    gateway,
    Column("link_id", String(36), primary_key=True),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("person_id", String(36), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("basis", String(32), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("bits", Float, nullable=True),
    Column("posterior", Float, nullable=True),
    Column("evidence", LargeBinary, nullable=False),
    Column("supersedes", String(36), nullable=True),
    Column("sealed", Boolean, nullable=False),
    Column("at", Utc, nullable=False),
)
Index("uq_link_source_person_id_position", link.c.source_person_id, link.c.position, unique=True)

# Derived from ``link`` in the same transaction: which person each source person is, now.
live_link = Table(
    "live_link",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("person_id", String(36), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("link_id", String(36), ForeignKey("link.link_id"), nullable=False),
    Column("basis", String(32), nullable=False),
)

trace_result = Table(
    "trace_result",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("step", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("flags", String(200), nullable=False),
    Column("nhs_number", String(10), nullable=False),
    Column("person_id", String(36), nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("model", String(128), nullable=False),
    Column("demographics_hash", String(32), nullable=False, server_default=""),
    Column("at", Utc, nullable=False),
)

review_case = Table(
    "review_case",
    gateway,
    Column("case_id", String(36), primary_key=True),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("reason", String(64), nullable=False),
    Column("candidates", LargeBinary, nullable=False),
    Column("model", String(128), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("decision", String(16), nullable=False),
    Column("person_id", String(36), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("note", String(500), nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("decided_at", Utc, nullable=True),
)
