"""An index row as a Patient in the shape of the PDS FHIR API, as its clients already read it.

Shape and codes follow the API's specification and sandbox: the verification status still stands under the older
address ``UKCore-NHSNumberVerificationStatus`` there, while records of other sources use the England one.
Status 01 is written only for an index that comes from PDS; any other number is 02, with the index it was checked
against and that index's date beside it. A restricted person carries neither address, telecom nor practice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.spine.index import Death
from adapters.systems import CONFIDENTIALITY, NHS_NUMBER, ODS, UKCORE_CODES, UKCORE_EXTENSION
from linkage.person import Security

if TYPE_CHECKING:
    from adapters.spine.index import IndexRow
    from adapters.ukcore import Resource
    from linkage.person import Demographics

CHECKED_AGAINST: Final = "https://gateway.example/StructureDefinition/checked-against"
"""Extension on the identifier: the source of the index, and the date it was true."""
AS_IT_CAME: Final = "https://gateway.example/pds-shaped"
"""``meta.source`` of a Patient that was loaded as a Patient: its ``meta.versionId`` is that of whoever gave it."""

_SECURITY = {
    Security.UNRESTRICTED: ("U", "unrestricted"),
    Security.RESTRICTED: ("R", "restricted"),
    Security.VERY_RESTRICTED: ("V", "very restricted"),
    Security.INVALIDATED: ("REDACTED", "redacted"),
}
_DEATH = {
    Death.INFORMAL: (
        "1",
        "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
    ),
    Death.FORMAL: ("2", "Formal - death notice received from Registrar of Deaths"),
}
_VERSION = "1.0.0"
_DATE_LENGTH = 10


def pds_patient(row: IndexRow, *, version: int | str, source: str, as_of: str) -> Resource:
    """Make the Patient that a PDS retrieval would give for an index row.

    ``version`` becomes ``meta.versionId`` and so the ETag; ``source`` is the index's (``pds``, ``gp-list``,
    ``demo``) and ``as_of`` its ISO date. Blank values are left out. What came as a Patient stays so, version and
    all (``meta.source`` says so), but for the identifier, which is this index's own.
    """
    person = row.demographics
    if row.patient is not None:
        own = {"versionId": str(version)} if "versionId" not in row.patient["meta"] else {"source": AS_IT_CAME}
        meta = {**row.patient["meta"], **own}
        return {**row.patient, "identifier": [_identifier(person.nhs_number, source, as_of)], "meta": meta}
    code, display = _SECURITY[row.sensitivity]
    made: Resource = {
        "resourceType": "Patient",
        "id": person.nhs_number,
        "identifier": [_identifier(person.nhs_number, source, as_of)],
        "meta": {
            "versionId": str(version),
            "security": [ukcore.coding(CONFIDENTIALITY, code, display)],
        },
    }
    optional: Resource = {
        "name": _names(person),
        "gender": person.gender,
        "birthDate": person.birth_date,
        "deceasedDateTime": _instant(person.death_date),
        "extension": _death(row),
    }
    if row.sensitivity is Security.UNRESTRICTED:
        optional["generalPractitioner"] = _practice(person)
        optional["telecom"] = _telecom(person)
        optional["address"] = _address(person)
    return made | {element: value for element, value in optional.items() if value}


def _identifier(digits: str, source: str, as_of: str) -> Resource:
    status = "01" if source == "pds" else "02"
    coding = ukcore.coding(UKCORE_CODES + "NHSNumberVerificationStatus", status, ukcore.VERIFICATION_STATUS[status])
    extensions: list[Resource] = [
        {
            "url": UKCORE_EXTENSION + "NHSNumberVerificationStatus",
            "valueCodeableConcept": {"coding": [coding | {"version": _VERSION}]},
        }
    ]
    if status != "01":
        parts = [{"url": "source", "valueCode": source}, {"url": "asOf", "valueDate": as_of}]
        extensions.append({"url": CHECKED_AGAINST, "extension": parts})
    return {"system": NHS_NUMBER, "value": digits, "extension": extensions}


def _object_id(person: Demographics, *parts: str) -> str:
    """Give what names one name, address or contact inside its Patient, eight characters as PDS has them."""
    return ukcore.resource_id("pds", person.nhs_number, *parts)[:8].upper()


def _names(person: Demographics) -> list[Resource]:
    given = [person.given, *person.other_given]
    usual = ukcore.human_name(person.family, given, use="usual")
    made = [{"id": _object_id(person, "usual")} | usual] if person.family else []
    old = person.previous_family
    return made + [
        {"id": _object_id(person, "old", family)} | ukcore.human_name(family, given, use="old") for family in old
    ]


def _instant(day: str) -> str:
    return f"{day}T00:00:00+00:00" if len(day) == _DATE_LENGTH else day


def _death(row: IndexRow) -> list[Resource]:
    if row.death is Death.NONE:
        return []
    code, display = _DEATH[row.death]
    coding = ukcore.coding(UKCORE_CODES + "DeathNotificationStatus", code, display) | {"version": _VERSION}
    parts: list[Resource] = [{"url": "deathNotificationStatus", "valueCodeableConcept": {"coding": [coding]}}]
    if row.demographics.death_date:
        # when the status took effect is not in the index; the day of death is the nearest it knows
        parts.append({"url": "systemEffectiveDate", "valueDateTime": _instant(row.demographics.death_date)})
    return [{"url": UKCORE_EXTENSION + "DeathNotificationStatus", "extension": parts}]


def _practice(person: Demographics) -> list[Resource]:
    if not person.gp_practice:
        return []
    identifier = {"system": ODS, "value": person.gp_practice}
    return [{"id": _object_id(person, "gp"), "type": "Organization", "identifier": identifier}]


def _telecom(person: Demographics) -> list[Resource]:
    points = [("phone", value) for value in person.phone] + [("email", value) for value in person.email]
    return [
        {"id": _object_id(person, system, value), "system": system, "value": value, "use": "home"}
        for system, value in points
    ]


def _address(person: Demographics) -> list[Resource]:
    home = ukcore.address(person.address, person.postcode)
    return [{"id": _object_id(person, "home")} | home] if home else []
