"""Differences in words, for pages, commands and the feed alike; none of them is about anybody."""

from __future__ import annotations

from typing import Final

from gateway.storage.differing import Field, Kind, State

FIELDS: Final[dict[Field, str]] = {
    Field.NAME: "name",
    Field.BIRTH_DATE: "date of birth",
    Field.ADDRESS: "address",
    Field.GP: "GP practice",
    Field.GENDER: "gender",
    Field.TELECOM: "phone and email",
    Field.NHS_NUMBER: "NHS number",
    Field.DEATH: "death",
}

KINDS: Final[dict[Kind, str]] = {
    Kind.FORMATTING: "written differently, the same value",
    Kind.SUBSTANTIVE: "the record and the index say different things",
    Kind.SUPERSEDED: "the record's number has been replaced by another",
    Kind.DUPLICATE_NUMBER: "the record's number has been replaced by one that another of your records has",
    Kind.INFORMAL_DEATH: "somebody has told of a death; no registrar has",
    Kind.FORMAL_DEATH: "a registrar has recorded a death",
    Kind.RESTRICTED: "where this person lives is protected, and the record does not say so",
}

STATES: Final[dict[State, str]] = {
    State.OPEN: "open",
    State.APPLIED: "to be taken over by the case system",
    State.DISMISSED: "dismissed",
    State.SUPERSEDED: "does not stand any more",
}
