"""What people type into the pages, read once: each form knows its own faults, in the order of its fields.

Messages say what to do and never repeat what was typed. NHS numbers are checked as they are entered (ISB 0149,
requirements 10 and 11).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Final, Self

from gateway.services.tracing.outcomes import OF_VERIFICATION
from linkage.decide import Verdict
from linkage.nhs_number import Fault, NhsNumber, NotAnNhsNumber
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 100
GENDERS: Final = ("female", "male", "other", "")
_TEN_DIGITS: Final = "An NHS number has ten digits"
_NUMBER_FAULTS: Final = {
    Fault.NOT_TEN_DIGITS: _TEN_DIGITS,
    Fault.CHECK_DIGIT: "The last digit does not fit the others: check the number for a typing mistake",
    Fault.REPEATED_DIGIT: "A number of ten equal digits is not an NHS number",
}


@dataclass(frozen=True, slots=True)
class FormFault:
    """One thing to put right: ``field`` is the form's field, ``at`` the id of the box to go to."""

    field: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class VerifyForm:
    """The one form of *verify or find*; every field as typed, without the spaces around it."""

    nhs_number: str = ""
    family: str = ""
    given: str = ""
    birth_day: str = ""
    birth_month: str = ""
    birth_year: str = ""
    postcode: str = ""
    gender: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Read the fields that were sent."""
        return cls(**_typed(cls, sent))

    @property
    def birth_date(self) -> str:
        """The date as ISO text, partial where the day or month is empty."""
        parts = (self.birth_year, self.birth_month, self.birth_day)
        given = [f"{part:0>{4 if place == 0 else 2}}" for place, part in enumerate(parts) if part]
        return "-".join(given)

    @property
    def demographics(self) -> Demographics:
        """What was typed, as a source would say it."""
        first, _, other = self.given.partition(" ")
        return Demographics(
            family=self.family,
            given=first,
            other_given=tuple(other.split()),
            birth_date=self.birth_date,
            gender=self.gender,
            postcode=self.postcode,
        )

    @property
    def without_number(self) -> dict[str, str]:
        """Every field but the number, to ask for the person instead."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "nhs_number"}

    def faults(self, today: date) -> list[FormFault]:
        """Return what must be put right before anybody is looked for."""
        found = [number_fault(self.nhs_number)] if self.nhs_number else []
        if not self.family:
            found.append(FormFault("family", "family", "Enter the family name"))
        for name, words in (("family", "Family name"), ("given", "Given name")):
            if len(getattr(self, name)) > 35:  # noqa: PLR2004 - the length of a name in PDS
                found.append(FormFault(name, name, f"{words} must be 35 characters or fewer"))
        found.append(_birth_fault(self, today))
        if len(self.postcode) > 10:  # noqa: PLR2004 - the longest postcode with room for spaces
            found.append(FormFault("postcode", "postcode", "Enter a postcode of 10 characters or fewer"))
        if self.gender not in GENDERS:
            found.append(FormFault("gender", "gender", "Choose one of the answers"))
        return [fault for fault in found if fault is not None]


@dataclass(frozen=True, slots=True)
class AuditForm:
    """The search of *who looked at what*."""

    nhs_number: str = ""
    staff: str = ""
    since_day: str = ""
    since_month: str = ""
    since_year: str = ""
    until_day: str = ""
    until_month: str = ""
    until_year: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Read the fields that were sent."""
        return cls(**_typed(cls, sent))

    @property
    def since(self) -> date | None:
        """The first day, or None."""
        return whole_date(self.since_day, self.since_month, self.since_year)

    @property
    def until(self) -> date | None:
        """The last day, or None."""
        return whole_date(self.until_day, self.until_month, self.until_year)

    def faults(self) -> list[FormFault]:
        """Return what must be put right before the record of access is searched."""
        if not (self.nhs_number or self.staff):
            return [FormFault("nhs_number", "nhs_number", "Enter an NHS number or a staff identifier")]
        found = [number_fault(self.nhs_number) if self.nhs_number else None]
        for name, words in (("since", "From"), ("until", "To")):
            typed = [getattr(self, f"{name}_{part}") for part in ("day", "month", "year")]
            if any(typed) and getattr(self, name) is None:
                found.append(FormFault(name, f"{name}-day", f"{words} must be a real date"))
        if self.since and self.until and self.until < self.since:
            found.append(FormFault("until", "until-day", "To must be the same as or after From"))
        return [fault for fault in found if fault is not None]


def number_fault(text: str) -> FormFault | None:
    """Return what is wrong with an NHS number as typed, or None."""
    try:
        NhsNumber.parse(text)
    except NotAnNhsNumber as refused:
        heading = OF_VERIFICATION[Verdict.INVALID_NUMBER].heading
        return FormFault("nhs_number", "nhs_number", f"{heading}. {_NUMBER_FAULTS.get(refused.fault, _TEN_DIGITS)}")
    return None


def whole_date(day: str, month: str, year: str) -> date | None:
    """Return the date of three boxes, or None where they hold none."""
    if not all(part.isascii() and part.isdecimal() for part in (day, month, year)):
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _birth_fault(form: VerifyForm, today: date) -> FormFault | None:
    at, text = _birth_rule(form, today)
    return FormFault("birth_date", f"birth_date-{at}", text) if at else None


def _birth_rule(form: VerifyForm, today: date) -> tuple[str, str]:
    """Return the box to go to and what to do, or two empty texts."""
    day, month, year = form.birth_day, form.birth_month, form.birth_year
    if not (day or month or year):
        return "day", "Enter the date of birth"
    if len(year) != 4:  # noqa: PLR2004 - a two-digit year could be a child's or a great-grandparent's
        return "year", "The year of birth must have four digits"
    if day and not month:
        return "month", "Enter the month of birth, or leave the day empty as well"
    # a missing part does not matter here: any real one will do
    full = whole_date(day or "1", month or "1", year)
    if full is None:
        return "day", "The date of birth must be a real date"
    return ("year", "The date of birth must be in the past") if full > today else ("", "")


def _typed(form: type[VerifyForm | AuditForm], sent: Mapping[str, str]) -> dict[str, str]:
    """Return the form's own fields as they were sent: trimmed, and no longer than anything real."""
    return {each.name: sent.get(each.name, "").strip()[:LONGEST] for each in fields(form)}
