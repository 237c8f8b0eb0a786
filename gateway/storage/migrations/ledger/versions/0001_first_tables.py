"""The first tables of the ledger; rows can be added and never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.migrations.triggers import forbid_change

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, in the order in which they refer to each other."""
    _checkpoint()
    _ledger_entry()
    _ledger_subject()
    forbid_change("ledger_entry")
    forbid_change("ledger_subject")
    forbid_change("checkpoint")


def downgrade() -> None:
    """Refuse: taking the first step back would drop everything that is kept."""
    raise NotImplementedError


def _checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoint")),
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("agreement", sa.String(length=200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_entry")),
    )
    op.create_index("ix_ledger_entry_caller", "ledger_entry", ["caller"])


def _ledger_subject() -> None:
    op.create_table(
        "ledger_subject",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["ledger_entry.seq"], name=op.f("fk_ledger_subject_seq_ledger_entry")),
        sa.PrimaryKeyConstraint("seq", "token", name=op.f("pk_ledger_subject")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_subject_token_seq", "ledger_subject", ["token", "seq"])
