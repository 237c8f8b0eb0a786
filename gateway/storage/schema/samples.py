"""Blind samples of links and non-links: what was drawn with which probability, and what reviewers answered."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from gateway.storage.schema.base import Utc, gateway

# ``strata`` is JSON, stratum -> how many pairs it has: the frame that was drawn from.
sample = Table(
    "sample",
    gateway,
    Column("sample_id", String(36), primary_key=True),
    Column("model", String(128), nullable=False),
    Column("strata", LargeBinary, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Utc, nullable=False),
)

sample_item = Table(
    "sample_item",
    gateway,
    Column("item_id", String(36), primary_key=True),
    Column("sample_id", String(36), ForeignKey("sample.sample_id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source_person_id", String(36), nullable=False),
    Column("person_id", String(36), nullable=False),
    Column("stratum", String(64), nullable=False),
    Column("probability", Float, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("decided_at", Utc, nullable=True),
    UniqueConstraint("sample_id", "position"),
)
