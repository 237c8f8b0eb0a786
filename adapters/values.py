"""The cell values of every source, read strictly: NHS numbers, dates, times, decimals, yes and no.

Each function takes the text and the name of its field, gives the value in the form FHIR wants, and raises
`BadField` with a stable rule code where the text cannot be one. Messages carry the rule and never the text.
Times without an offset are Europe/London; the hour that comes twice in October is taken the first time, and
`came_twice` tells it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from linkage.nhs_number import NhsNumber, NotAnNhsNumber

LONDON = ZoneInfo("Europe/London")

_UK_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: 00:00(?::00)?)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_HL7_DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})?)?", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?", re.ASCII)
_HL7_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)(?:([0-5]\d)(?:\.\d+)?)?([+-](?:0\d|1[0-4])[0-5]\d)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
_DASHES_IN_A_DATE = 2
_DATE_LENGTH = 10
_DECIMAL = re.compile(r"-?\d{1,14}(?:\.\d{1,6})?", re.ASCII)


class BadField(ValueError):
    """A cell that cannot be used. Carries field and rule, never the value."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        super().__init__(f"{field}: {message} [{rule}]")
        self.field = field
        self.rule = rule


def nhs_number(text: str, field: str) -> str:
    """Give the ten digits of an NHS number, or the empty string for a blank cell.

    Raises:
        BadField: the number breaks a rule of `linkage.nhs_number`; the rule is the fault code.
    """
    if not text:
        return ""
    try:
        return NhsNumber.parse(text).digits
    except NotAnNhsNumber as fault:
        raise BadField(field, str(fault.fault), "not a well-formed NHS number") from fault


def uk_or_iso_date(text: str, field: str) -> str:
    """Give ``dd/mm/yyyy`` or ``yyyy-mm-dd`` (a midnight time may follow) as an ISO date; blank stays blank.

    Raises:
        BadField: ``not-a-date`` for another shape, ``impossible-date`` for a day the calendar does not have.
    """
    found = _date(text)
    if found.startswith("!"):
        raise _bad_date(field, found[1:])
    return found


def iso_date(text: str, field: str) -> str:
    """Give ``yyyy-mm-dd`` as it is; blank stays blank.

    Raises:
        BadField: as `uk_or_iso_date`.
    """
    if "/" in text:
        raise _bad_date(field, "not-a-date")
    return uk_or_iso_date(text, field)


def hl7_date(text: str, field: str) -> str:
    """Give the date part of an HL7 timestamp (``yyyy``, ``yyyyMM``, ``yyyyMMdd...``) at its own precision.

    Raises:
        BadField: as `uk_or_iso_date`.
    """
    if not text:
        return ""
    found = _HL7_DATE.match(text)
    if not found or not (found.end() == len(text) or _HL7_CLOCK.fullmatch(text, found.end())):
        raise _bad_date(field, "not-a-date")
    year, month, day = found.groups()
    uk_or_iso_date(f"{year}-{month or '01'}-{day or '01'}", field)
    return "-".join(part for part in (year, month, day) if part)


def _bad_date(field: str, rule: str) -> BadField:
    said = "not a day of the calendar" if rule == "impossible-date" else "not a date in this format"
    return BadField(field, rule, said)


@lru_cache(maxsize=1 << 16)
def _date(text: str) -> str:
    """Give the ISO date, or ``!`` and a rule: a cache keeps no exceptions."""
    if not text:
        return ""
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    elif found := _UK_DATE.fullmatch(text):
        day, month, year = found.groups()
    else:
        return "!not-a-date"
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return "!impossible-date"


def precise_date(text: str, precision: str, field: str) -> str:
    """Cut an EMIS date to what ``precision`` says is real: U nothing, Y, YM, YMD, YMDT (with its time, if given).

    Raises:
        BadField: the date is wrong, or the precision is not one of these (``unknown-code``).
    """
    if precision == "U" or not text:
        return ""
    if precision == "YMDT" and len(text) > _DATE_LENGTH:
        return london_time(text[:_DATE_LENGTH], text[_DATE_LENGTH + 1 :], field)
    whole = iso_date(text, field)
    try:
        return whole[: _PRECISIONS[precision]]
    except KeyError as fault:
        raise BadField(f"{field}Precision", "unknown-code", "not a known precision") from fault


_PRECISIONS = {"": 10, "Y": 4, "YM": 7, "YMD": 10, "YMDT": 10}


def london_time(day: str, clock: str, field: str) -> str:
    """Give an ISO instant from a local date and ``HH:mm[:ss]``; the date alone where the clock is blank.

    Raises:
        BadField: either part is wrong.
    """
    on = iso_date(day, field)
    if not clock or not on:
        return on
    found = _CLOCK.fullmatch(clock)
    if not found:
        raise BadField(field, "not-a-time", "not a time of the day")
    hour, minute, second = found.groups()
    return _in_london(f"{on}T{hour}:{minute}:{second or '00'}")


@lru_cache(maxsize=1 << 14)
def _in_london(clock: str) -> str:
    """Give a local time as an ISO instant; of an hour that came twice, the first."""
    return datetime.fromisoformat(clock).replace(tzinfo=LONDON, fold=0).isoformat()


def came_twice(instant: str) -> bool:
    """Say whether an instant made from London time could also have been an hour later, its clock reading the same.

    That happens in one hour of the year, after one o'clock on the last Sunday of October; a wrong text is no
    instant and gives False.
    """
    if instant[5:7] != "10" or instant[11:13] != "01" or not instant.endswith("+01:00"):
        return False
    local = datetime.fromisoformat(instant).replace(tzinfo=LONDON)
    return local.utcoffset() != local.replace(fold=1).utcoffset()


def hl7_instant(text: str, field: str) -> str:
    """Read an HL7 timestamp, ``yyyyMMddHHmm[ss[.ffff]][+zzzz]``, as an ISO instant; a bare date stays a date.

    Raises:
        BadField: the text is not a timestamp, or not a time that exists.
    """
    day = hl7_date(text, field)
    rest = text[len(day.replace("-", "")) :]
    if not rest:
        return day
    found = _HL7_CLOCK.fullmatch(rest)
    if not found or day.count("-") < _DASHES_IN_A_DATE:
        raise BadField(field, "not-a-time", "not a time of the day")
    hour, minute, second, offset = found.groups()
    clock = f"{day}T{hour}:{minute}:{second or '00'}"
    return f"{clock}{offset[:3]}:{offset[3:]}" if offset else _in_london(clock)


def in_utc(instant: str) -> str:
    """Give an instant in UTC, so that texts sort as the times do; a date stays a date."""
    return datetime.fromisoformat(instant).astimezone(UTC).isoformat() if "T" in instant else instant


def ends_before(end: str, start: str) -> bool:
    """Say whether an end lies before its start; two values of different precision are compared at the coarser."""
    last, first = in_utc(end), in_utc(start)
    shorter = min(len(last), len(first))
    return bool(end and start) and last[:shorter] < first[:shorter]


def decimal(text: str, field: str) -> Decimal | None:
    """Give a decimal exactly as written (72.50 stays 72.50); None for a blank cell.

    Raises:
        BadField: not a plain decimal number of at most 14 digits before and 6 behind the point.
    """
    if not text:
        return None
    if not _DECIMAL.fullmatch(text):
        raise BadField(field, "not-a-number", "not a decimal number")
    return Decimal(text)


def count(text: str, field: str) -> int | None:
    """Give a whole number of things; None for a blank cell.

    Raises:
        BadField: not a whole number below a million.
    """
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise BadField(field, "not-a-number", "not a whole number")
    return int(text)


def boolean(text: str, field: str) -> bool:
    """Give an EMIS ``true`` or ``false`` in any case; blank is false.

    Raises:
        BadField: any other text.
    """
    said = text.lower()
    if said == "true":
        return True
    if said in {"false", ""}:
        return False
    raise BadField(field, "unknown-code", "neither true nor false")
