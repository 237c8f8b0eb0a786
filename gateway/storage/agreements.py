"""Agreement versions, immutable and content-addressed, and who has signed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.errors import Conflict, NotFound
from gateway.storage.schema import governance, now
from gateway.storage.schema.base import utc

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_VERSION = governance.agreement_version
_SIGNATURE = governance.signature


@dataclass(frozen=True, slots=True)
class AgreementText:
    """One version: ``hash`` is that of its canonical form (hex), ``text`` the YAML as it was checked."""

    agreement_id: str
    version: str
    hash: str
    text: str
    status: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One organisation's signature under one version, by whom and in which capacity."""

    agreement_hash: str
    organisation: str
    signatory: str
    capacity: str
    signed_at: datetime


class Agreements:
    """The repository of agreements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tx: Tx, agreement: AgreementText) -> bool:
        """Add a version; returns False when that very version is there already.

        Raises:
            Conflict: the version exists with another content. Versions do not change: add a new one.
        """
        held = tx.row(
            sa.select(_VERSION.c.hash).where(
                _VERSION.c.agreement_id == agreement.agreement_id, _VERSION.c.version == agreement.version
            )
        )
        if held is not None:
            if held[0] == agreement.hash:
                return False
            raise Conflict("this version exists with another content", reason="agreement-version")
        tx.insert(_VERSION, [_row(agreement)], update=())
        return True

    def set_status(self, tx: Tx, agreement_hash: str, status: str) -> None:
        """Activate, suspend or end a version.

        Raises:
            NotFound: there is no such version.
        """
        if not tx.run(sa.update(_VERSION).where(_VERSION.c.hash == agreement_hash).values(status=status)):
            raise NotFound("there is no such agreement version", reason="agreement")

    def sign(self, tx: Tx, signature: Signature) -> None:
        """Add a signature; one given before stays as it was.

        Raises:
            NotFound: there is no such version.
        """
        if tx.value(sa.select(_VERSION.c.hash).where(_VERSION.c.hash == signature.agreement_hash)) is None:
            raise NotFound("there is no such agreement version", reason="agreement")
        row = {
            "agreement_hash": signature.agreement_hash,
            "organisation": signature.organisation,
            "signatory": signature.signatory,
            "capacity": signature.capacity,
            "signed_at": signature.signed_at,
        }
        tx.insert(_SIGNATURE, [row], update=())

    def all(self) -> list[AgreementText]:
        """Return every version, by id and in order of arrival: what a register is made of."""
        sql = (
            "SELECT agreement_id, version, hash, text, status FROM agreement_version "
            "ORDER BY agreement_id, added_at, version"
        )
        return [AgreementText(*row) for row in self._database.ask(sql)]

    def get(self, agreement_hash: str) -> AgreementText | None:
        """Return one version, or None."""
        return next((one for one in self.all() if one.hash == agreement_hash), None)

    def signatures(self) -> list[Signature]:
        """Return every signature, by version and organisation."""
        sql = "SELECT agreement_hash, organisation, signatory, capacity, signed_at FROM signature ORDER BY 1, 2"
        return [Signature(*(*row[:4], utc(row[4]))) for row in self._database.ask(sql)]


def _row(agreement: AgreementText) -> dict[str, object]:
    return {
        "hash": agreement.hash,
        "agreement_id": agreement.agreement_id,
        "version": agreement.version,
        "status": agreement.status,
        "text": agreement.text,
        "added_at": now(),
    }
