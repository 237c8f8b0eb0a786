"""Codes in words, as staff read them; and times as people in England read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gateway.services.reports.indicators import INDICATORS
from ig.purpose import Purpose, Role

if TYPE_CHECKING:
    from datetime import date, datetime

LONDON: Final = ZoneInfo("Europe/London")

PURPOSES: Final[dict[Purpose, str]] = {
    Purpose.DIRECT_CARE: "direct care",
    Purpose.EMERGENCY: "emergency care",
    Purpose.DEMOGRAPHIC_TRACE: "finding and checking NHS numbers",
    Purpose.RISKSTRAT_CASEFIND: "finding patients at risk",
    Purpose.RISKSTRAT_COMMISSIONING: "planning services by risk",
    Purpose.ANALYTICS: "analysis without identities",
    Purpose.SUBJECT_ACCESS: "answering a person about their own record",
    Purpose.IG_AUDIT: "checking who looked at what",
    Purpose.PROCESSING: "running the gateway",
}

ROLES: Final[dict[Role, str]] = {
    Role.SOCIAL_WORKER: "Social worker",
    Role.NAVIGATOR: "Care navigator",
    Role.GP: "General practitioner",
    Role.WARD: "Ward staff",
    Role.REVIEWER: "Clerical reviewer",
    Role.ANALYST: "Analyst",
    Role.IG_OFFICER: "Information governance officer",
    Role.PRIVACY_OFFICER: "Privacy officer",
    Role.DATA_TEAM: "Data team",
    Role.SYSTEM_ADMIN: "System administrator",
    Role.SYSTEM: "System",
}

STATUSES: Final[dict[str, str]] = {code: f"{code}, {words}" for code, words in INDICATORS.items()}

SOURCES: Final = {"pds": "the Personal Demographics Service", "gp-list": "GP lists", "demo": "the demonstration index"}

SENT_BY: Final = {"social-care": "social care", "gp": "a GP practice", "acute": "a hospital"}

_FIELDS: Final = {
    "nhs_number": "NHS number",
    "family": "family name",
    "given": "given name",
    "other_given": "other given names",
    "birth_date": "date of birth",
    "gp": "GP practice",
    "gp_practice": "GP practice",
    "telecom": "phone and email",
}


def field_words(name: str) -> str:
    """Return a field's name as a person would say it."""
    return _FIELDS.get(name, name.replace("_", " ").replace("-", " "))


def day_words(day: date) -> str:
    """Return a date as ``3 October 2026``."""
    return f"{day.day} {day:%B %Y}"


def moment_words(moment: datetime) -> str:
    """Return an instant as local time in England: ``3 October 2026, 14:05:09``."""
    local = moment.astimezone(LONDON)
    return f"{day_words(local)}, {local:%H:%M:%S}"


def sentence(words: str) -> str:
    """Return ``words`` with a capital first letter, the rest as it is."""
    return words[:1].upper() + words[1:]
