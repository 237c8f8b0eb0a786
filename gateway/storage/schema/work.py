"""Durable work: jobs with their checkpoints and leases."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from gateway.storage.schema.base import Utc, gateway

job = Table(
    "job",
    gateway,
    Column("job_id", String(36), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("key", String(255), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("run", Integer, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("lease_owner", String(128), nullable=False),
    Column("lease_until", Utc, nullable=True),
    Column("updated_at", Utc, nullable=False),
)
