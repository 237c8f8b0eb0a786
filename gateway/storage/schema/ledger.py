"""The ledger: rows that are added and never changed, in a database of their own.

``caller``, ``organisation`` and ``agreement`` repeat the body for searching; ``Ledger.misfiled`` proves that they,
and the subject tokens, still say what the hashed body says.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from gateway.storage.schema.base import Utc, ledger

# SQLite gives a rowid only to a column declared INTEGER; PostgreSQL needs the room of a BIGINT.
_SEQ = BigInteger().with_variant(Integer(), "sqlite")

ledger_entry = Table(
    "ledger_entry",
    ledger,
    Column("seq", _SEQ, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("caller", String(128), nullable=False, index=True),
    Column("organisation", String(16), nullable=False),
    Column("agreement", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

ledger_subject = Table(
    "ledger_subject",
    ledger,
    Column("seq", _SEQ, ForeignKey("ledger_entry.seq"), primary_key=True, autoincrement=False),
    Column("token", String(128), primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_ledger_subject_token_seq", ledger_subject.c.token, ledger_subject.c.seq)

checkpoint = Table(
    "checkpoint",
    ledger,
    Column("size", _SEQ, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", Utc, nullable=False),
)
