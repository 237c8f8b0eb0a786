"""The words of differences: what one is in, why it matters, what became of it, and which work comes first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from datetime import datetime

_NAMESPACE: Final = UUID("1f0a6a0c-6d0e-5f43-9a55-0f5b7f7a3a11")


class Field(StrEnum):
    """What a difference is in."""

    NAME = "name"
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    GP = "gp"
    GENDER = "gender"
    TELECOM = "telecom"
    NHS_NUMBER = "nhs_number"
    DEATH = "death"


class Kind(StrEnum):
    """Why it matters. All but ``formatting`` are a person's to decide."""

    FORMATTING = "formatting"
    SUBSTANTIVE = "substantive"
    SUPERSEDED = "superseded"
    DUPLICATE_NUMBER = "duplicate-number"
    INFORMAL_DEATH = "informal-death"
    FORMAL_DEATH = "formal-death"
    RESTRICTED = "restricted"


class State(StrEnum):
    """``applied`` goes out to the case system; ``superseded`` does not stand any more."""

    OPEN = "open"
    APPLIED = "applied"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"


PRIORITY: Final = (
    Kind.FORMAL_DEATH,
    Kind.RESTRICTED,
    Kind.DUPLICATE_NUMBER,
    Kind.SUPERSEDED,
    Kind.INFORMAL_DEATH,
    Kind.SUBSTANTIVE,
    Kind.FORMATTING,
)
"""Which work comes first."""

BEGINS: Final = {kind: State.APPLIED if kind is Kind.FORMATTING else State.OPEN for kind in Kind}
"""The state in which a difference begins: only what is equal but for its form is an update by rule."""

BY_RULE: Final = "gateway:rules"
"""The actor of what no person decided."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference that was found. ``about`` is a digest of both values; ``other`` the record with the same number."""

    source_person_id: str
    person_id: str
    source: str
    organisation: str
    field: Field
    kind: Kind
    about: str
    other: str = ""

    @property
    def difference_id(self) -> str:
        """The id of the row: of the record, the field and the kind, however often it is found."""
        return str(uuid5(_NAMESPACE, f"{self.source_person_id}|{self.field}|{self.kind}"))


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as it stands. Nothing in it is a value: those are in the record and in the index."""

    difference_id: str
    source_person_id: str
    person_id: str
    source: str
    organisation: str
    local_id: str
    field: Field
    kind: Kind
    state: State
    about: str
    other: str
    actor: str
    note: str
    opened_at: datetime
    decided_at: datetime | None
    seq: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A difference whose state a write changed, for whoever is to hear of it."""

    difference_id: str
    source_person_id: str
    organisation: str
    state: State
