"""Webhooks with their outbox, recalls after a wrong link, and who a person is whose number was replaced."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from gateway import ids
from gateway.storage.successions import ends
from linkage.nhs_number import NhsNumber

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the six tables, and find the successions that the index holds already."""
    _outbox()
    _recall()
    op.create_table(
        "succession",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("successor_id", sa.String(length=36), nullable=False),
        sa.Column("survivor_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_succession")),
    )
    op.create_index(op.f("ix_succession_successor_id"), "succession", ["successor_id"])
    op.create_index(op.f("ix_succession_survivor_id"), "succession", ["survivor_id"])
    _fill()


def downgrade() -> None:
    """There is no way back but a backup: what was to be sent, and who was to be told, would be lost."""
    raise NotImplementedError


def _outbox() -> None:
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("topics", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "outgoing",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=128), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("seq", name=op.f("uq_outgoing_seq")),
    )
    op.create_index(op.f("ix_outgoing_source_person_id"), "outgoing", ["source_person_id"])
    op.create_table(
        "delivery",
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=128), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.webhook_id"], name=op.f("fk_delivery_webhook_id_webhook")),
        sa.ForeignKeyConstraint(["message_id"], ["outgoing.message_id"], name=op.f("fk_delivery_message_id_outgoing")),
        sa.PrimaryKeyConstraint("webhook_id", "seq", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_message_id"), "delivery", ["message_id"])
    op.create_index("ix_delivery_state_webhook_id_seq", "delivery", ["state", "webhook_id", "seq"])


def _recall() -> None:
    op.create_table(
        "incident",
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("persons", sa.LargeBinary(), nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incident")),
    )
    op.create_index(op.f("ix_incident_source_person_id"), "incident", ["source_person_id"])
    op.create_table(
        "recall_notice",
        sa.Column("notice_id", sa.String(length=36), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=128), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("disclosure", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=256), nullable=False),
        sa.Column("agreement", sa.String(length=256), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.incident_id"], name=op.f("fk_recall_notice_incident_id_incident")
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_recall_notice")),
    )
    op.create_index(op.f("ix_recall_notice_incident_id"), "recall_notice", ["incident_id"])
    op.create_index(op.f("ix_recall_notice_organisation"), "recall_notice", ["organisation"])


def _fill() -> None:
    connection = op.get_bind()
    held = connection.execute(
        sa.text("SELECT nhs_number, superseded_by FROM index_person WHERE superseded_by <> ''")
    ).all()
    successors = {ids.person_id(NhsNumber.trusted(row[0])): ids.person_id(NhsNumber.trusted(row[1])) for row in held}
    survivors = ends(successors)
    # as text, as the repository writes it: SQLite compares instants as texts
    at = datetime.now(UTC).isoformat()
    statement = sa.text(
        "INSERT INTO succession (person_id, successor_id, survivor_id, at) VALUES (:person, :successor, :survivor, :at)"
    )
    rows = [
        {"person": person, "successor": successor, "survivor": survivors[person], "at": at}
        for person, successor in sorted(successors.items())
    ]
    if rows:
        connection.execute(statement, rows)
