"""Matching models: every version ever offered, which one decides since when by whom, and what was tried before."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table

from gateway.storage.schema.base import Utc, gateway

model_version = Table(
    "model_version",
    gateway,
    Column("hash", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Utc, nullable=False),
)

# Added to and never changed: the last row names the model in use.
model_activation = Table(
    "model_activation",
    gateway,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), ForeignKey("model_version.hash"), nullable=False),
    Column("accepted_lost", Integer, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Utc, nullable=False),
)

shadow_run = Table(
    "shadow_run",
    gateway,
    Column("hash", String(64), ForeignKey("model_version.hash"), primary_key=True),
    Column("index_stamp", String(128), primary_key=True),
    Column("records_stamp", String(64), primary_key=True),
    Column("against", String(64), nullable=False),
    Column("people", Integer, nullable=False),
    Column("gained", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("counts", LargeBinary, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Utc, nullable=False),
)
