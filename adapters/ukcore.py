"""The only builder of UK Core R4 resources.

Plain dicts, decimals as `decimal.Decimal`, absent elements left out. Every resource says its profile
(``meta.profile``), the section of an agreement that it belongs to (``meta.tag``, `SECTION_SYSTEM`) and, where
it must not travel freely, a label in ``meta.security``. Free text from a record goes in ``note`` and nowhere
else, so that a filter can take it away and leave the coded entry.

An id is a UUIDv5 of what names the thing at its source (`resource_id`), so the same row always makes the same
resource. The status of an NHS number is 01, present and verified, only where the sender says that the Spine
said so (`verification_status`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack
from uuid import NAMESPACE_URL, uuid5

from adapters.systems import (
    ACT_CODE,
    CONFIDENTIALITY,
    CONTENT_HASH,
    HL7_TERMINOLOGY,
    LOCAL_ID,
    NHS_NUMBER,
    ODS,
    QUALITY_SYSTEM,
    SECTION_SYSTEM,
    SENSITIVITY_SYSTEM,
    UKCORE_CODES,
    UKCORE_EXTENSION,
    UKCORE_PROFILE,
)
from adapters.values import came_twice

if TYPE_CHECKING:
    from collections.abc import Sequence

Resource = dict[str, Any]

RESTRICTED: Final[Resource] = {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}
"""The person's whereabouts, or this item, must not be disclosed without a rule that says so."""
SENSITIVE: Final[Resource] = {"system": SENSITIVITY_SYSTEM, "code": "SENSITIVE", "display": "in a sensitive code set"}
"""The code is in the set that agreements release only by name."""
AMBIGUOUS_HOUR: Final[Resource] = {
    "system": QUALITY_SYSTEM,
    "code": "ambiguous-hour",
    "display": "a local time that came twice; taken the first time",
}

VERIFICATION_STATUS: Final = {
    "01": "Number present and verified",
    "02": "Number present but not traced",
    "03": "Trace required",
    "04": "Trace attempted - No match or multiple match found",
    "05": "Trace needs to be resolved - (NHS number or patient detail conflict)",
    "06": "Trace in progress",
    "07": "Number not present and trace not required",
    "08": "Trace postponed (baby under six weeks old)",
}
"""UKCore-NHSNumberVerificationStatusEngland."""

ETHNIC_CATEGORY: Final = {
    "A": "White - British",
    "B": "White - Irish",
    "C": "White - Any other White background",
    "D": "Mixed - White and Black Caribbean",
    "E": "Mixed - White and Black African",
    "F": "Mixed - White and Asian",
    "G": "Mixed - Any other mixed background",
    "H": "Asian or Asian British - Indian",
    "J": "Asian or Asian British - Pakistani",
    "K": "Asian or Asian British - Bangladeshi",
    "L": "Asian or Asian British - Any other Asian background",
    "M": "Black or Black British - Caribbean",
    "N": "Black or Black British - African",
    "P": "Black or Black British - Any other Black background",
    "R": "Other Ethnic Groups - Chinese",
    "S": "Other Ethnic Groups - Any other ethnic group",
    "Z": "Not stated",
    "99": "Not known",
}
"""UKCore-EthnicCategoryEngland."""

_NAMESPACE = uuid5(NAMESPACE_URL, "https://gateway.example/").bytes
_VERSION_5 = 0x5000
_VARIANT = 0x8000


def resource_id(*parts: str) -> str:
    """Give the UUIDv5 of the natural key ``parts``: source, organisation, and what names the thing there."""
    # the standard uuid5 spends three quarters of its time in UUID objects; this is the same digest
    name = "\x1f".join(parts).encode()
    digest = hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    version = f"{int(digest[12:16], 16) & 0x0FFF | _VERSION_5:04x}"
    variant = f"{int(digest[16:20], 16) & 0x3FFF | _VARIANT:04x}"
    return f"{digest[:8]}-{digest[8:12]}-{version}-{variant}-{digest[20:32]}"


def person_id(source: str, organisation: str, person_ref: str) -> str:
    """Give the id of the Patient resource that stands for a local person, the same on every row."""
    return resource_id(source, organisation, person_ref)


def resource(kind: str, identity: str, section: str, *labels: Resource) -> Resource:
    """Begin a resource: its type, id, profile, section and security labels."""
    meta: Resource = {
        "profile": [UKCORE_PROFILE + kind],
        "tag": [{"system": SECTION_SYSTEM, "code": section}],
    }
    if labels:
        meta["security"] = list(labels)
    return {"resourceType": kind, "id": identity, "meta": meta}


def flag_hour(made: Resource, *instants: str) -> Resource:
    """Tag a resource when one of its instants was told in the local hour that comes twice."""
    if any(came_twice(instant) for instant in instants):
        made["meta"]["tag"].append(AMBIGUOUS_HOUR)
    return made


def section_of(held: Resource) -> str:
    """Give the section a resource was tagged with, or the empty string."""
    tags = held.get("meta", {}).get("tag", ())
    return next((str(tag["code"]) for tag in tags if tag.get("system") == SECTION_SYSTEM), "")


def is_sensitive(held: Resource) -> bool:
    """Say whether a resource carries the label SENSITIVE."""
    return any(label.get("system") == SENSITIVITY_SYSTEM for label in held.get("meta", {}).get("security", ()))


def is_restricted(held: Resource) -> bool:
    """Say whether a resource is labelled restricted or very restricted."""
    labels = held.get("meta", {}).get("security", ())
    return any(label.get("system") == CONFIDENTIALITY and label.get("code") in {"R", "V"} for label in labels)


def concept(text: str, *codings: Resource) -> Resource:
    """Make a CodeableConcept from the source's own words and any codes for them; blank parts are left out."""
    made: Resource = {}
    if codings:
        made["coding"] = list(codings)
    if text:
        made["text"] = text
    return made


def coding(system: str, code: str, display: str = "") -> Resource:
    """Make a Coding; a blank display is left out."""
    if display:
        return {"system": system, "code": code, "display": display}
    return {"system": system, "code": code}


def hl7(system: str, code: str, display: str = "") -> Resource:
    """Make a CodeableConcept with one code of a system of terminology.hl7.org."""
    return {"coding": [coding(HL7_TERMINOLOGY + system, code, display)]}


def national(system: str, code: str, display: str) -> Resource:
    """Make a CodeableConcept with one code of a UK Core code system (its name after ``UKCore-``)."""
    return {"coding": [coding(UKCORE_CODES + system, code, display)]}


def reference(kind: str, identity: str) -> Resource:
    """Make a reference to a resource of the house."""
    return {"reference": f"{kind}/{identity}"}


def organisation(ods: str, name: str = "") -> Resource:
    """Make a reference to an organisation by its ODS code."""
    made: Resource = {"type": "Organization", "identifier": {"system": ODS, "value": ods}}
    if name:
        made["display"] = name
    return made


def note(*texts: str) -> list[Resource]:
    """Make the ``note`` of a resource from its free texts, the only place where they may stand."""
    return [{"text": text} for text in texts if text]


def period(start: str, end: str) -> Resource:
    """Make a Period; blank ends are left out."""
    made: Resource = {}
    if start:
        made["start"] = start
    if end:
        made["end"] = end
    return made


def local_identifier(source: str, sender: str, value: str, kind: str = "") -> Resource:
    """Make the identifier of something under its sender's own numbering."""
    system = f"{LOCAL_ID}{source}/{sender}"
    return {"system": f"{system}/{kind}" if kind else system, "value": value}


def verification_status(said: str) -> str:
    """Give the status 01 to 08 that may be written for a number.

    ``said`` is a national status that the sender got from the Spine (EMIS "Verified", PID-32 NSTS01) or the
    empty string where the source has none; nothing but the sender's own Spine check makes 01.
    """
    return said if said in VERIFICATION_STATUS else "02"


def nhs_number(digits: str, status: str) -> Resource:
    """Make the NHS number identifier with its verification status."""
    code = verification_status(status)
    extension = {
        "url": UKCORE_EXTENSION + "NHSNumberVerificationStatus",
        "valueCodeableConcept": national("NHSNumberVerificationStatusEngland", code, VERIFICATION_STATUS[code]),
    }
    return {"extension": [extension], "system": NHS_NUMBER, "value": digits}


def ethnicity(code: str, text: str) -> Resource:
    """Make the ethnic category extension: the NHS letter where there is one, and always the source's text."""
    known = ETHNIC_CATEGORY.get(code)
    codings = [coding(UKCORE_CODES + "EthnicCategoryEngland", code, known)] if known else []
    return {"url": UKCORE_EXTENSION + "EthnicCategory", "valueCodeableConcept": concept(text or code, *codings)}


def human_name(family: str, given: Sequence[str], prefix: str = "", use: str = "official") -> Resource:
    """Make a HumanName; blank parts are left out."""
    made: Resource = {"use": use}
    if family:
        made["family"] = family
    if kept := [part for part in given if part]:
        made["given"] = kept
    if prefix:
        made["prefix"] = [prefix]
    return made


def address(lines: Sequence[str], postcode: str, city: str = "", district: str = "") -> Resource:
    """Make a home Address; blank parts are left out."""
    made: Resource = {"use": "home"}
    if kept := [line for line in lines if line]:
        made["line"] = kept
    if city:
        made["city"] = city
    if district:
        made["district"] = district
    if postcode:
        made["postalCode"] = postcode
    return made if len(made) > 1 else {}


def telecom(phones: Sequence[tuple[str, str]], email: str = "") -> list[Resource]:
    """Make contact points from (number, use) pairs and an e-mail address; blank ones are left out."""
    made: list[Resource] = [{"system": "phone", "value": number, "use": use} for number, use in phones if number]
    if email:
        made.append({"system": "email", "value": email})
    return made


class PatientSaid(TypedDict, total=False):
    """What a source said about a person, for `patient`; everything may be left out or blank.

    ``deceased`` is a date or instant, or True where only the fact is known; False says that the source took a
    death back. ``practice`` is the ODS code of the general practice.
    """

    name: Resource
    gender: str
    birth_date: str
    deceased: str | bool
    home: Resource
    contacts: list[Resource]
    practice: str
    extensions: list[Resource]
    active: bool
    restricted: bool


def patient(identity: str, identifiers: Sequence[Resource], **said: Unpack[PatientSaid]) -> Resource:
    """Make a Patient. A restricted one carries neither address, nor telecom, nor general practitioner."""
    restricted = said.get("restricted", False)
    made = resource("Patient", identity, "demographics", *([RESTRICTED] if restricted else []))
    name, practice = said.get("name"), said.get("practice")
    optional: Resource = {
        "extension": said.get("extensions"),
        "identifier": list(identifiers),
        "name": [name] if name and len(name) > 1 else None,
        "gender": said.get("gender"),
        "birthDate": said.get("birth_date"),
    }
    if not restricted:
        home = said.get("home")
        optional["telecom"] = said.get("contacts")
        optional["address"] = [home] if home else None
        optional["generalPractitioner"] = [organisation(practice)] if practice else None
    made["active"] = said.get("active", True)
    made |= {element: value for element, value in optional.items() if value}
    deceased = said.get("deceased", "")
    if isinstance(deceased, bool):
        made["deceasedBoolean"] = deceased
    elif deceased:
        made["deceasedDateTime"] = deceased
    return made


def condition(begun: Resource, subject: str, *, code: Resource, category: Resource, status: str = "") -> Resource:
    """Finish a Condition begun with `resource`; ``status`` is a code of condition-clinical or blank."""
    if status:
        begun["clinicalStatus"] = hl7("condition-clinical", status)
    begun["category"] = [category]
    if code:
        begun["code"] = code
    begun["subject"] = reference("Patient", subject)
    return begun


def observation(begun: Resource, subject: str, *, code: Resource, category: str = "") -> Resource:
    """Finish a final Observation begun with `resource`; ``category`` is a code of observation-category."""
    begun["status"] = "final"
    if category:
        begun["category"] = [hl7("observation-category", category)]
    begun["code"] = code
    begun["subject"] = reference("Patient", subject)
    return begun


def encounter(begun: Resource, subject: str, *, status: str, kind: tuple[str, str], when: Resource) -> Resource:
    """Finish an Encounter begun with `resource`; ``kind`` is code and display of v3-ActCode."""
    begun["status"] = status
    begun["class"] = coding(ACT_CODE, *kind)
    begun["subject"] = reference("Patient", subject)
    if when:
        begun["period"] = when
    return begun


def episode_of_care(
    begun: Resource, subject: str, *, status: str, kinds: Sequence[Resource], when: Resource
) -> Resource:
    """Finish an EpisodeOfCare begun with `resource`; ``kinds`` are concepts, empty ones left out."""
    begun["status"] = status
    if kept := [kind for kind in kinds if kind]:
        begun["type"] = kept
    begun["patient"] = reference("Patient", subject)
    if when:
        begun["period"] = when
    return begun


def provenance(  # noqa: PLR0913 - what a provenance says is these six things
    target: str, *, recorded: str, feed: str, row: int, content_hash: str, sender: str
) -> Resource:
    """Say where a resource came from: its sender, the file and row, and the SHA-256 of what was received.

    ``target`` is ``Type/id``; ``recorded`` the instant at which this is said; a blank ``sender`` is said to be
    withheld.
    """
    kind, _, identity = target.partition("/")
    return {
        "resourceType": "Provenance",
        "id": resource_id("provenance", target, content_hash),
        "meta": {"profile": [UKCORE_PROFILE + "Provenance"]},
        "target": [reference(kind, identity)],
        "recorded": recorded,
        "agent": [{"who": organisation(sender) if sender else {"display": "withheld"}}],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {"system": CONTENT_HASH, "value": content_hash},
                    "display": f"{feed}, row {row}",
                },
            }
        ],
    }
