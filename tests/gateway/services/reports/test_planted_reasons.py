"""The reasons of the report against the errors that were planted: the table was written before any result was seen.

A planted error is explained when the report names a cause of its row of the table and, where the row names fields, one
of those fields. A missing number explains a row only when nothing else went wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.services.reports.reasons import Cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.services.reports.reasons import Diagnosis

    Accepted = Mapping[Cause, frozenset[str]]

_ANY: Final = frozenset[str]()
_DIFFERS: Final = (Cause.ONE_FIELD, Cause.SEVERAL_FIELDS)
_MISSING: Final = (Cause.NOT_ENOUGH, Cause.SEVERAL_CLOSE)


def _named(causes: tuple[Cause, ...], *fields: str) -> dict[Cause, frozenset[str]]:
    return dict.fromkeys(causes, frozenset(fields))


ACCEPTED: Final[Mapping[str, Accepted]] = {
    "absent": {Cause.LIKELY_ABSENT: _ANY},
    "namesake": {Cause.SEVERAL_CLOSE: _ANY},
    "twin": {Cause.SEVERAL_CLOSE: _ANY},
    "named-after-parent": {Cause.SEVERAL_CLOSE: _ANY},
    "duplicate-record": {Cause.DUPLICATE: _ANY},
    "moved": _named(_DIFFERS, "address"),
    "surname-changed": _named(_DIFFERS, "family"),
    "original-script": _named(_DIFFERS, "family", "given"),
    "spelling": _named(_DIFFERS, "family", "given"),
    "first-name-dropped": _named(_DIFFERS, "given", "other_given"),
    "middle-as-first": _named(_DIFFERS, "given", "other_given"),
    "nickname": _named(_DIFFERS, "given"),
    "initial": {**_named(_DIFFERS, "given"), **_named(_MISSING, "given")},
    "forename-missing": _named(_MISSING, "given"),
    "names-swapped": _named(_DIFFERS, "family", "given"),
    "diacritics-dropped": _named(_DIFFERS, "family", "given"),
    "honorific": _named(_DIFFERS, "given"),
    "surname-typo": _named(_DIFFERS, "family"),
    "forename-typo": _named(_DIFFERS, "given"),
    "birth-estimated": {
        **_named(_DIFFERS, "birth_date"),
        **_named(_MISSING, "birth_date"),
        Cause.PLACEHOLDER: frozenset({"birth_date"}),
    },
    "birth-date-digit": _named(_DIFFERS, "birth_date"),
    "day-month-swap": _named(_DIFFERS, "birth_date"),
    "placeholder": {Cause.PLACEHOLDER: _ANY},
    "postcode-missing": _named(_MISSING, "address"),
    "postcode-typo": _named(_DIFFERS, "address"),
    "number-missing": _named(_MISSING, "nhs_number"),
    "number-somebody-elses": {Cause.NUMBER_SOMEBODY_ELSES: _ANY},
    "number-mistyped": {Cause.NUMBER_INVALID: _ANY},
    "number-superseded": {Cause.NUMBER_SUPERSEDED: _ANY},
}
"""Planted error → the causes that explain it, each with the fields one of which must be named (none: any will do)."""


def agrees(told: Diagnosis, tags: frozenset[str]) -> bool:
    """Whether the cause that the report tells first explains one of the planted errors."""
    candidates = tags - {"number-missing"} or tags
    for tag in candidates & ACCEPTED.keys():
        fields = ACCEPTED[tag].get(told.cause)
        if fields is not None and (not fields or fields & set(told.fields)):
            return True
    return False
