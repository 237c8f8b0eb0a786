"""Questions to the national services, their last word on each record, and what case systems were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables, and have a trace remember the details that it answered for."""
    op.add_column(
        "trace_result", sa.Column("demographics_hash", sa.String(length=32), nullable=False, server_default="")
    )
    op.create_table(
        "onward_question",
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("demographics_hash", sa.String(length=32), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("meaning", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("found", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_onward_question")),
    )
    op.create_index(op.f("ix_onward_question_source_person_id"), "onward_question", ["source_person_id"])
    op.create_index(op.f("ix_onward_question_file"), "onward_question", ["file"])
    op.create_table(
        "number_check",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("demographics_hash", sa.String(length=32), nullable=False),
        sa.Column("asked_number", sa.String(length=10), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=2), nullable=False),
        sa.Column("meaning", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_number_check")),
    )
    op.create_table(
        "told_number",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("old_number", sa.String(length=10), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=2), nullable=False),
        sa.Column("against", sa.String(length=16), nullable=False),
        sa.Column("checked_on", sa.String(length=10), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_told_number")),
    )
    op.create_index("ix_told_number_source_batch", "told_number", ["source", "organisation", "batch"])


def downgrade() -> None:
    """There is no way back but a backup: answers on their way would come home to nobody."""
    raise NotImplementedError
