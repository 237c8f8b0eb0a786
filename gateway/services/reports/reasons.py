"""Why a record is not settled, in the words of whoever mends it: the cause, the fields to look at, the next step.

The causes are those that the withdrawn national analysis of unmatched rows gave, and staff ask for still
(``design/nhs-tracing.md`` 1 and 7). Which of them holds is read from what the one engine found
(`gateway.services.reports.causes`); nothing is matched here a second time. No sentence holds a value of anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cause(StrEnum):
    """Why a record is not settled; stable codes, safe to log and to show."""

    NUMBER_INVALID = "number-invalid"
    NUMBER_SUPERSEDED = "number-superseded"
    NUMBER_WITHDRAWN = "number-withdrawn"
    NUMBER_SOMEBODY_ELSES = "number-somebody-elses"
    DUPLICATE = "duplicate"
    PLACEHOLDER = "placeholder"
    NOT_ENOUGH = "not-enough-data"
    ONE_FIELD = "one-field"
    SEVERAL_FIELDS = "several-fields"
    SEVERAL_CLOSE = "several-close"
    KEPT_APART = "kept-apart"
    LIKELY_ABSENT = "likely-absent"
    ROW_REFUSED = "row-refused"


@dataclass(frozen=True, slots=True)
class Words:
    """How a cause is told: its name, what it means, and what somebody does about it."""

    name: str
    meaning: str
    next_step: str


WORDS: Final[Mapping[Cause, Words]] = {
    Cause.NUMBER_INVALID: Words(
        "NHS number not valid",
        "The NHS number has not ten digits, or its last digit does not check the others.",
        "Copy the number again from a letter or the person's record; if there is none, leave it empty.",
    ),
    Cause.NUMBER_SUPERSEDED: Words(
        "NHS number replaced",
        "The NHS number was replaced by another.",
        "Put the current number in its place; the trace response names it.",
    ),
    Cause.NUMBER_WITHDRAWN: Words(
        "NHS number withdrawn",
        "The NHS number was withdrawn and must not be used.",
        "Remove the number, check the details with the person, and trace the record again.",
    ),
    Cause.NUMBER_SOMEBODY_ELSES: Words(
        "NHS number of somebody else",
        "The NHS number is valid, and the other details are not those of the person who has it.",
        "Stop using the number. Check the details with the person, then find their own number.",
    ),
    Cause.DUPLICATE: Words(
        "Duplicate inside the file",
        "Another record of the same system is the same person.",
        "Compare the two records and merge them in your own system.",
    ),
    Cause.PLACEHOLDER: Words(
        "Placeholder instead of a detail",
        "A detail says 'not known' in disguise, such as Unknown, Baby, 1 January 1900 or ZZ99.",
        "Put the real detail in its place, or leave it empty.",
    ),
    Cause.NOT_ENOUGH: Words(
        "Not enough data",
        "What is given does not differ from anybody's, but it is too little to be sure.",
        "Add the details named here.",
    ),
    Cause.ONE_FIELD: Words(
        "Close but one field",
        "Somebody is close, and one detail is not the same.",
        "Check that one detail with the person. If it is right, a reviewer decides.",
    ),
    Cause.SEVERAL_FIELDS: Words(
        "Close but several fields",
        "Somebody may be close, and several details are not the same.",
        "Check the details named here with the person, the first one first.",
    ),
    Cause.SEVERAL_CLOSE: Words(
        "Several people are close",
        "Two or more people fit what is given nearly equally well.",
        "Add a detail that tells them apart: those named here are not given.",
    ),
    Cause.KEPT_APART: Words(
        "Kept apart by a decision",
        "A person decided that this record is not who it seems to be.",
        "Nothing, unless that decision was wrong: then ask a reviewer to take it back.",
    ),
    Cause.LIKELY_ABSENT: Words(
        "Likely absent from the index",
        "Nobody in the index is near.",
        "Check the spelling and the date of birth, and give whole what is named here. If all is right, send the record "
        "to the national tracing service.",
    ),
    Cause.ROW_REFUSED: Words(
        "Row not readable",
        "The row breaks a rule of its format and was set aside.",
        "Mend the field named here in your system; the next extract brings the row again.",
    ),
}
"""Cause → its words. The order is that of the report where two causes hold equally many records."""


NUMBER_FAULTS: Final = frozenset(
    {Cause.NUMBER_INVALID, Cause.NUMBER_SUPERSEDED, Cause.NUMBER_WITHDRAWN, Cause.NUMBER_SOMEBODY_ELSES}
)
"""The causes that lie in the number which the record came with."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why one record is not settled. ``fields`` are those to look at, the likeliest first (`linkage.explain.LABELS`).

    ``also`` are further causes that hold besides.
    """

    cause: Cause
    fields: tuple[str, ...] = ()
    also: tuple[Cause, ...] = ()
