"""Organisations, patients and consultations of an EMIS extract as UK Core resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.systems import ODS
from adapters.values import BadField, boolean, ends_before, iso_date, london_time, nhs_number, precise_date

if TYPE_CHECKING:
    from adapters.gp.lookups import Cells
    from adapters.ukcore import Resource

SOURCE: Final = "gp"
GENDER: Final = {"M": "male", "F": "female", "I": "other", "U": "unknown", "": "unknown"}

_REGULAR = frozenset({"", "Regular"})
_TEMPORARY = "Temporary"
_PLACES = (
    ("home", ("HH", "home health")),
    ("telephone", ("VR", "virtual")),
    ("video", ("VR", "virtual")),
    ("online", ("VR", "virtual")),
)


def guid(text: str) -> str:
    """Give an EMIS identifier in lower case and without braces."""
    return text.strip("{}").lower()


def organisation(row: Cells) -> Resource:
    """Make the Organization of one row of Admin_Organisation."""
    ods = row["ODSCode"].upper()
    made = ukcore.resource("Organization", ukcore.resource_id("organisation", ods), "registration")
    made["identifier"] = [{"system": ODS, "value": ods}]
    if row["OrganisationName"]:
        made["name"] = row["OrganisationName"]
    return made


def patient(row: Cells, practice: str, ref: str) -> tuple[Resource, ...]:
    """Make the Patient and the registration of one row of Admin_Patient.

    Raises:
        BadField: the first column that cannot be used.
    """
    if row["Sex"] not in GENDER:
        raise BadField("Sex", "unknown-code", "not one of M, F, I, U")
    restricted = boolean(row["SpineSensitive"], "SpineSensitive") or boolean(row["IsConfidential"], "IsConfidential")
    left = iso_date(row["DateOfDeactivation"], "DateOfDeactivation")
    kind = row.get("PatientTypeDescription", "")
    subject = ukcore.person_id(SOURCE, practice, ref)
    person = ukcore.patient(
        subject,
        _identifiers(row, practice, ref),
        name=ukcore.human_name(
            row["Surname"], [row["GivenName"], *row.get("MiddleNames", "").split()], row.get("Title", "")
        ),
        gender=GENDER[row["Sex"]],
        birth_date=iso_date(row["DateOfBirth"], "DateOfBirth"),
        deceased=iso_date(row.get("DateOfDeath", ""), "DateOfDeath"),
        home=_address(row, kind),
        contacts=ukcore.telecom(
            [(row.get("HomePhone", ""), "home"), (row.get("MobilePhone", ""), "mobile")], row.get("EmailAddress", "")
        ),
        practice=practice if kind in _REGULAR else "",
        active=not left,
        restricted=restricted,
    )
    return person, _registration(row, practice, subject, left=left, restricted=restricted)


def _identifiers(row: Cells, practice: str, ref: str) -> list[Resource]:
    made = []
    if digits := nhs_number(row["NhsNumber"], "NhsNumber"):
        # Verified is EMIS's own word for its trace against the Spine; anything else is a number not traced
        made.append(ukcore.nhs_number(digits, "01" if row["NHSNumberStatus"] == "Verified" else ""))
    made.append(ukcore.local_identifier(SOURCE, practice, ref))
    if number := row.get("PatientNumber"):
        made.append(ukcore.local_identifier(SOURCE, practice, number, "patient-number"))
    return made


def _address(row: Cells, kind: str) -> Resource:
    lines = [row.get(column, "") for column in ("HouseNameFlatNumber", "NumberAndStreet", "Village")]
    made = ukcore.address(lines, row.get("Postcode", "").upper(), row.get("Town", ""), row.get("County", ""))
    if made and kind == _TEMPORARY:
        # a temporary patient's row holds the address they stay at; their home is not in the extract
        made["use"] = "temp"
    return made


def _registration(row: Cells, practice: str, subject: str, *, left: str, restricted: bool) -> Resource:
    since = iso_date(row["DateOfRegistration"], "DateOfRegistration")
    labels = [ukcore.RESTRICTED] if restricted else []
    if ends_before(left, since):
        raise BadField("DateOfDeactivation", "end-before-start", "earlier than the registration")
    # a new date of registration is a new episode
    begun = ukcore.resource(
        "EpisodeOfCare", ukcore.resource_id(subject, "registration", since), "registration", *labels
    )
    kind = ukcore.concept(row.get("PatientTypeDescription", ""))
    status = "finished" if left else "active"
    made = ukcore.episode_of_care(begun, subject, status=status, kinds=[kind], when=ukcore.period(since, left))
    if not restricted:
        made["managingOrganization"] = ukcore.organisation(practice)
    return made


def consultation(row: Cells, practice: str, key: str, ref: str) -> Resource:
    """Make the Encounter of one row of CareRecord_Consultation.

    Raises:
        BadField: the first column that cannot be used.
    """
    labels = [ukcore.RESTRICTED] if boolean(row["IsConfidential"], "IsConfidential") else []
    begun = ukcore.resource("Encounter", encounter_id(practice, key), "consultations", *labels)
    place = row.get("ConsultationSourceTerm", "")
    kind = next((code for word, code in _PLACES if word in place.lower()), ("AMB", "ambulatory"))
    status = "finished" if boolean(row.get("Complete", "true"), "Complete") else "in-progress"
    when = ukcore.period(effective(row), "")
    made = ukcore.encounter(begun, ukcore.person_id(SOURCE, practice, ref), status=status, kind=kind, when=when)
    if place:
        made["type"] = [ukcore.concept(place)]
    made["serviceProvider"] = ukcore.organisation(practice)
    return made


def encounter_id(practice: str, key: str) -> str:
    """Give the id of the Encounter that stands for a consultation."""
    return ukcore.resource_id(SOURCE, practice, "consultation", key)


def effective(row: Cells) -> str:
    """Give the clinical date of a row, as precise as it says it is.

    Raises:
        BadField: a wrong date or precision.
    """
    return precise_date(row["EffectiveDate"], row["EffectiveDatePrecision"], "EffectiveDate")


def entered(row: Cells) -> str:
    """Give the instant (or the date, in layout 5.0) a row was typed in; blank where it does not say.

    Raises:
        BadField: a wrong date or time.
    """
    return london_time(row.get("EnteredDate", ""), row.get("EnteredTime", ""), "EnteredDate")
