"""The first tables of the system of record; links can be added to and never changed."""

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
    _agreement_version()
    _caller()
    _fact()
    _index_info()
    _index_key()
    _index_patient()
    _index_person()
    _index_term()
    _job()
    _meta()
    _organisation()
    _original()
    _person()
    _quarantine()
    _release()
    _resource()
    _review_case()
    _session()
    _source_person()
    _source_record()
    _trace_result()
    _link()
    _signature()
    _live_link()
    forbid_change("link")


def downgrade() -> None:
    """Refuse: taking the first step back would drop everything that is kept."""
    raise NotImplementedError


def _agreement_version() -> None:
    op.create_table(
        "agreement_version",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_agreement_version")),
    )
    op.create_index(
        "uq_agreement_version_agreement_id_version", "agreement_version", ["agreement_id", "version"], unique=True
    )


def _caller() -> None:
    op.create_table(
        "caller",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("org_class", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("purposes", sa.String(length=500), nullable=False),
        sa.Column("persona", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_caller")),
    )


def _fact() -> None:
    op.create_table(
        "fact",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", "value", name=op.f("pk_fact")),
    )
    op.create_index("ix_fact_subject", "fact", ["subject"])


def _index_info() -> None:
    op.create_table(
        "index_info",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("coverage", sa.String(length=200), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_index_info")),
    )


def _index_key() -> None:
    op.create_table(
        "index_key",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash", "person", name=op.f("pk_index_key")),
        sqlite_with_rowid=False,
    )


def _index_patient() -> None:
    op.create_table(
        "index_patient",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_patient")),
    )


def _index_person() -> None:
    op.create_table(
        "index_person",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=1), nullable=False),
        sa.Column("superseded_by", sa.String(length=10), nullable=False),
        sa.Column("death", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_person")),
    )
    op.create_index("ix_index_person_person_id", "index_person", ["person_id"])


def _index_term() -> None:
    op.create_table(
        "index_term",
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("field", "value", name=op.f("pk_index_term")),
        sqlite_with_rowid=False,
    )


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_state", "job", ["state"])


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )


def _organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("ods", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("org_class", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ods", name=op.f("pk_organisation")),
    )


def _original() -> None:
    op.create_table(
        "original",
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_original")),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
        sa.UniqueConstraint("nhs_number", name=op.f("uq_person_nhs_number")),
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("feed", sa.String(length=255), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("local_id", sa.String(length=128), nullable=False),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_rule", "quarantine", ["rule"])


def _release() -> None:
    op.create_table(
        "release",
        sa.Column("release_id", sa.String(length=36), nullable=False),
        sa.Column("agreement", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_release")),
    )


def _resource() -> None:
    op.create_table(
        "resource",
        sa.Column("resource_id", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("local_id", sa.String(length=128), nullable=False),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("occurred", sa.String(length=40), nullable=False),
        sa.Column("feed", sa.String(length=255), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_resource")),
    )
    op.create_index("ix_resource_local_id_kind_organisation", "resource", ["local_id", "kind", "organisation"])
    op.create_index("ix_resource_source_person_id_section", "resource", ["source_person_id", "section"])


def _review_case() -> None:
    op.create_table(
        "review_case",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("candidates", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_review_case")),
    )
    op.create_index("ix_review_case_source_person_id", "review_case", ["source_person_id"])
    op.create_index("ix_review_case_state", "review_case", ["state"])


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session")),
    )


def _source_person() -> None:
    op.create_table(
        "source_person",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("person_ref", sa.String(length=128), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("demographics_hash", sa.String(length=32), nullable=False),
        sa.Column("occurred", sa.String(length=40), nullable=False),
        sa.Column("traced_under", sa.String(length=128), nullable=False),
        sa.Column("retired_into", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_source_person")),
    )
    op.create_index("ix_source_person_retired_into", "source_person", ["retired_into"])
    op.create_index("ix_source_person_source_nhs_number", "source_person", ["source", "nhs_number"])


def _source_record() -> None:
    op.create_table(
        "source_record",
        sa.Column("local_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("feed", sa.String(length=255), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("occurred", sa.String(length=40), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "local_id", "kind", "organisation", "source", "content_hash", name=op.f("pk_source_record")
        ),
        sqlite_with_rowid=False,
    )


def _trace_result() -> None:
    op.create_table(
        "trace_result",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_trace_result")),
    )


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("bits", sa.Float(), nullable=True),
        sa.Column("posterior", sa.Float(), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("supersedes", sa.String(length=36), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_link_person_id_person")),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link")),
    )
    op.create_index("ix_link_person_id", "link", ["person_id"])
    op.create_index("ix_link_source_person_id", "link", ["source_person_id"])
    op.create_index("uq_link_source_person_id_position", "link", ["source_person_id", "position"], unique=True)


def _signature() -> None:
    op.create_table(
        "signature",
        sa.Column("agreement_hash", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("signatory", sa.String(length=128), nullable=False),
        sa.Column("capacity", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_hash"], ["agreement_version.hash"], name=op.f("fk_signature_agreement_hash_agreement_version")
        ),
        sa.PrimaryKeyConstraint("agreement_hash", "organisation", name=op.f("pk_signature")),
    )


def _live_link() -> None:
    op.create_table(
        "live_link",
        sa.Column("source_person_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("basis", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["link.link_id"], name=op.f("fk_live_link_link_id_link")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_live_link_person_id_person")),
        sa.PrimaryKeyConstraint("source_person_id", name=op.f("pk_live_link")),
    )
    op.create_index("ix_live_link_person_id", "live_link", ["person_id"])
