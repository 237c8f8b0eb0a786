"""Stable ids: UUIDv5 of natural keys (DESIGN section 5), so that a second run makes the same rows as the first.

A person's id is never the NHS number, and a person without a number has an id too: that of their own record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from linkage.nhs_number import NhsNumber

PERSON_NAMESPACE: Final = UUID("6f0c3a0e-5a0f-5b7e-9d0e-3f1f6f0b7a11")
LINK_NAMESPACE: Final = UUID("1c2f2e1d-70a4-5f0c-8a57-0b7c4b0f5e22")


def person_id(number: NhsNumber) -> str:
    """Return the id of the person whom the index knows by ``number``."""
    return str(uuid5(PERSON_NAMESPACE, f"nhs-number|{number.digits}"))


def person_id_without_number(source_person_id: str) -> str:
    """Return the id of a person known only through one source's record of them."""
    return str(uuid5(PERSON_NAMESPACE, f"source-person|{source_person_id}"))


def link_id(source_person_id: str, ordinal: int) -> str:
    """Return the id of the ``ordinal``-th link fact about a source's record of a person, counted from 0."""
    return str(uuid5(LINK_NAMESPACE, f"{source_person_id}|{ordinal}"))
