"""Matching models as stored facts: versions, which one is in use, and the shadow runs that were made of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.migrations.triggers import forbid_change

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables; activations can be added to and never changed."""
    op.create_table(
        "model_version",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_model_version")),
    )
    _model_activation()
    _shadow_run()
    forbid_change("model_activation")


def downgrade() -> None:
    """There is no way back but a backup: which model decided when is a fact that would be lost."""
    raise NotImplementedError


def _model_activation() -> None:
    op.create_table(
        "model_activation",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("accepted_lost", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["model_version.hash"], name=op.f("fk_model_activation_hash_model_version")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_model_activation")),
    )


def _shadow_run() -> None:
    op.create_table(
        "shadow_run",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("index_stamp", sa.String(length=128), nullable=False),
        sa.Column("records_stamp", sa.String(length=64), nullable=False),
        sa.Column("against", sa.String(length=64), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("gained", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["model_version.hash"], name=op.f("fk_shadow_run_hash_model_version")),
        sa.PrimaryKeyConstraint("hash", "index_stamp", "records_stamp", name=op.f("pk_shadow_run")),
    )
