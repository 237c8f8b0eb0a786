"""Where records differ from the index: differences, what was compared, the feed's count, whom to read anew."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from gateway.storage.schema.base import Utc, gateway

# One row for each (record, field, kind); ``about`` is a digest of the two values, so that what was dismissed stays
# dismissed until one of them changes. ``other`` is the record that a duplicate number is on. ``seq`` is the row's place
# in the feed: a row that changes its state moves to the end.
difference = Table(
    "difference",
    gateway,
    Column("difference_id", String(36), primary_key=True),
    Column("source_person_id", String(36), nullable=False, index=True),
    Column("person_id", String(36), nullable=False, index=True),
    Column("source", String(64), nullable=False),
    Column("organisation", String(16), nullable=False),
    Column("field", String(16), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("state", String(12), nullable=False),
    Column("about", String(64), nullable=False),
    Column("other", String(36), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("note", String(500), nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("decided_at", Utc, nullable=True),
    Column("seq", BigInteger, nullable=False, unique=True),
)
Index("ix_difference_organisation_seq", difference.c.organisation, difference.c.seq)

# What a record was last compared at: with whom, as what, under which rules. Anything else, and it is compared again.
compared = Table(
    "compared",
    gateway,
    Column("source_person_id", String(36), primary_key=True),
    Column("person_id", String(36), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rules", String(16), nullable=False),
)

# One row. Every writer of differences takes its lock before it counts on, and keeps it until it commits: so places in
# the feed become visible in their order, on either database. ``horizon`` is the last place that was cleared away.
change_feed = Table(
    "change_feed",
    gateway,
    Column("feed_id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", String(32), nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
)

# Whom a signal has told to read anew; ``wanted`` and ``held`` are versions of the national record, 0 where unknown.
signalled = Table(
    "signalled",
    gateway,
    Column("nhs_number", String(10), primary_key=True),
    Column("event", String(64), nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("waiting", Integer, nullable=False, index=True),
    Column("told_at", Utc, nullable=False),
)
