"""What was asked of the national services, what they said of each record, and what case systems were told of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table

from gateway.storage.schema.base import Utc, gateway

# ``reference`` is all that a request file says of whose record it is. ``file`` counts the files ever written, 0 for a
# question put directly; ``meaning``, ``code`` and ``found`` are the answer's, empty while there is none.
onward_question = Table(
    "onward_question",
    gateway,
    Column("reference", String(20), primary_key=True),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("demographics_hash", String(32), nullable=False),
    Column("nhs_number", String(10), nullable=False),
    Column("service", String(16), nullable=False),
    Column("file", Integer, nullable=False, index=True),
    Column("meaning", String(16), nullable=False),
    Column("code", String(4), nullable=False),
    Column("found", String(10), nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("answered_at", Utc, nullable=True),
)

# The last word of the national service on each record: for which details, the number to use from now on, and since
# when that is known. ``status`` is the NHS number status indicator.
number_check = Table(
    "number_check",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("reference", String(20), nullable=False),
    Column("demographics_hash", String(32), nullable=False),
    Column("asked_number", String(10), nullable=False),
    Column("nhs_number", String(10), nullable=False),
    Column("status", String(2), nullable=False),
    Column("meaning", String(16), nullable=False),
    Column("code", String(4), nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("service", String(16), nullable=False),
    Column("as_of", Date, nullable=False),
)

# What a source was last told of its own record, and in which of its changes-only files.
told_number = Table(
    "told_number",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("old_number", String(10), nullable=False),
    Column("nhs_number", String(10), nullable=False),
    Column("status", String(2), nullable=False),
    Column("against", String(16), nullable=False),
    Column("checked_on", String(10), nullable=False),
    Column("batch", Integer, nullable=False),
)
Index("ix_told_number_source_batch", told_number.c.source, told_number.c.organisation, told_number.c.batch)
