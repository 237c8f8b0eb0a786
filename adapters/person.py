"""The only place that turns a Patient into what linkage compares.

Everything is passed on as it was said, script and all; folding is linkage's work. A Patient without address,
telecom or general practitioner (a restricted one has none) gives no location evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.systems import NHS_NUMBER, ODS
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.ukcore import Resource

_CURRENT_NAMES = ("usual", "official", "")
_EARLIER_NAMES = frozenset({"old", "maiden"})


def to_demographics(patient: dict[str, Any]) -> Demographics:
    """Give the demographics of a UK Core or PDS-shaped Patient; absent elements come out empty.

    The usual name goes before the official one; old and maiden names give previous family names, old addresses
    previous postcodes.
    """
    names = patient.get("name") or []
    current = _first(names, _CURRENT_NAMES)
    given = [str(part) for part in current.get("given") or []]
    addresses = patient.get("address") or []
    home = _first(addresses, ("home", "", "temp"))
    return Demographics(
        nhs_number=_identifier(patient.get("identifier") or [], NHS_NUMBER),
        family=str(current.get("family", "")),
        given=given[0] if given else "",
        other_given=tuple(given[1:]),
        previous_family=_each(name.get("family") for name in names if name.get("use") in _EARLIER_NAMES),
        birth_date=str(patient.get("birthDate", "")),
        gender=str(patient.get("gender", "")),
        postcode=str(home.get("postalCode", "")),
        previous_postcode=_each(place.get("postalCode") for place in addresses if place.get("use") == "old"),
        address=_lines(home),
        phone=_contacts(patient, "phone"),
        email=_contacts(patient, "email"),
        gp_practice=_practice(patient),
        death_date=str(patient.get("deceasedDateTime", ""))[:10],
    )


def _first(parts: list[Resource], uses: tuple[str, ...]) -> Resource:
    """Give the first part with the earliest of ``uses``; one without a use counts as blank."""
    for use in uses:
        for part in parts:
            if part.get("use", "") == use:
                return part
    return {}


def _each(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _identifier(identifiers: list[Resource], system: str) -> str:
    return next((str(held.get("value", "")) for held in identifiers if held.get("system") == system), "")


def _lines(home: Resource) -> tuple[str, ...]:
    return _each([*(home.get("line") or []), home.get("city"), home.get("district")])


def _contacts(patient: Resource, system: str) -> tuple[str, ...]:
    points = patient.get("telecom") or []
    return _each(point.get("value") for point in points if point.get("system") == system and point.get("use") != "old")


def _practice(patient: Resource) -> str:
    held = [practice.get("identifier") or {} for practice in patient.get("generalPractitioner") or []]
    return _identifier(held, ODS)
