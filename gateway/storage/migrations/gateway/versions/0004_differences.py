"""Differences between records and the index, what was compared, the feed's count, and who is to be read anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "difference",
        sa.Column("difference_id", sa.String(length=36), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("other", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("difference_id", name=op.f("pk_difference")),
        sa.UniqueConstraint("seq", name=op.f("uq_difference_seq")),
    )
    op.create_index(op.f("ix_difference_source_person_id"), "difference", ["source_person_id"])
    op.create_index(op.f("ix_difference_person_id"), "difference", ["person_id"])
    op.create_index("ix_difference_organisation_seq", "difference", ["organisation", "seq"])
    op.create_table(
        "compared",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_compared")),
    )
    op.create_table(
        "change_feed",
        sa.Column("feed_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_change_feed")),
    )
    op.create_table(
        "signalled",
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nhs_number", name=op.f("pk_signalled")),
    )
    op.create_index(op.f("ix_signalled_waiting"), "signalled", ["waiting"])


def downgrade() -> None:
    """There is no way back but a backup: what people decided would be lost."""
    raise NotImplementedError
