"""EVN, PV1, PV2 and DG1 of an ADT message as the UK Core Encounter and its diagnoses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.acute.er7 import NULL
from adapters.acute.person import SOURCE, told
from adapters.systems import HL7_TERMINOLOGY, ICD10, UKCORE_CODES, UKCORE_EXTENSION
from adapters.values import BadField, ends_before, hl7_instant

if TYPE_CHECKING:
    from adapters.acute.er7 import Message
    from adapters.ukcore import Resource

CLASS: Final = {
    "I": ("IMP", "inpatient encounter"),
    "O": ("AMB", "ambulatory"),
    "E": ("EMER", "emergency"),
    "P": ("PRENC", "pre-admission"),
    "R": ("AMB", "ambulatory"),
    "B": ("IMP", "inpatient encounter"),
}
"""PV1-2 to v3-ActCode; N and blank mean that the message tells of no visit."""
NO_VISIT: Final = frozenset({"N", "", "U"})

STATUS: Final = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A05": "planned",
    "A11": "cancelled",
    "A13": "in-progress",
    "A21": "onleave",
    "A22": "in-progress",
}
"""Trigger event to Encounter.status; A08 and A31 leave it to whether a discharge time is given."""

ADMISSION_METHOD: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "21",
        "22",
        "23",
        "24",
        "25",
        "2A",
        "2B",
        "2C",
        "2D",
        "28",
        "31",
        "32",
        "81",
        "82",
        "83",
        "98",
        "99",
    ]
)
ADMISSION_SOURCE: Final = frozenset(
    ["19", "29", "39", "49", "51", "52", "53", "54", "65", "66", "79", "85", "87", "88", "98", "99"]
)
DISCHARGE_METHOD: Final = frozenset(["1", "3", "4", "5", "6", "7", "8", "9"])
DISCHARGE_DESTINATION: Final = frozenset(
    [
        "19",
        "29",
        "30",
        "37",
        "38",
        "48",
        "49",
        "50",
        "51",
        "52",
        "53",
        "54",
        "65",
        "66",
        "79",
        "84",
        "85",
        "87",
        "88",
        "98",
        "99",
    ],
)
"""The England code systems of UK Core; a local value outside them is kept as text."""

_CONSULTANT = "https://fhir.hl7.org.uk/Id/consultant-code"
_ATTENDER = {"coding": [ukcore.coding(HL7_TERMINOLOGY + "v3-ParticipationType", "ATND", "attender")]}


def resources(message: Message, event: str, organisation: str, ref: str) -> tuple[Resource, ...]:
    """Make the Encounter of a message and its coded diagnoses; nothing where the message tells of no visit.

    Raises:
        BadField: the first field that cannot be used.
    """
    kind = told(message, "PV1", 2).upper()
    if kind in NO_VISIT:
        if event in STATUS:
            raise BadField("PV1-2", "blank-mandatory", "no patient class, and this event is about a visit")
        return ()
    if kind not in CLASS:
        raise BadField("PV1-2", "unknown-code", "not a code of patient class")
    start, end = _period(message, event)
    identity = ukcore.resource_id(SOURCE, organisation, "visit", _visit(message, ref, start))
    subject = ukcore.person_id(SOURCE, organisation, ref)
    status = STATUS.get(event) or ("finished" if end else "in-progress")
    begun = ukcore.resource("Encounter", identity, _section(CLASS[kind][0], status))
    made = ukcore.encounter(begun, subject, status=status, kind=CLASS[kind], when=ukcore.period(start, end))
    _describe(made, message, organisation)
    return ukcore.flag_hour(made, start, end), *_diagnoses(message, identity, subject)


def _section(kind: str, status: str) -> str:
    if kind != "IMP":
        return "encounters"
    return "discharge" if status == "finished" else "admissions"


def _period(message: Message, event: str) -> tuple[str, str]:
    start = hl7_instant(told(message, "PV1", 44), "PV1-44")
    end = "" if event == "A13" else hl7_instant(told(message, "PV1", 45), "PV1-45")
    if event == "A03" and not end:
        end = hl7_instant(told(message, "EVN", 6), "EVN-6")
    if ends_before(end, start):
        raise BadField("PV1-45", "end-before-start", "earlier than the admission")
    return start, end


def _visit(message: Message, ref: str, start: str) -> str:
    """Give the visit number, or the person and admission time where the feed has none."""
    if number := told(message, "PV1", 19):
        return number
    if start:
        return f"{ref}@{start}"
    raise BadField("PV1-19", "blank-mandatory", "neither a visit number nor an admission time")


def _describe(made: Resource, message: Message, organisation: str) -> None:
    if number := told(message, "PV1", 19):
        made["identifier"] = [ukcore.local_identifier(SOURCE, organisation, number, "visit")]
    if method := told(message, "PV1", 36):
        value = _national("DischargeMethodEngland", method, DISCHARGE_METHOD)
        made["extension"] = [{"url": UKCORE_EXTENSION + "DischargeMethod", "valueCodeableConcept": value}]
    if service := told(message, "PV1", 10):
        made["serviceType"] = ukcore.concept(service)
    if reason := told(message, "PV2", 3, 2) or told(message, "PV2", 3):
        made["reasonCode"] = [ukcore.concept(reason)]
    if consultant := told(message, "PV1", 7):
        name = " ".join(part for part in (told(message, "PV1", 7, place) for place in (6, 3, 2)) if part)
        who: Resource = {"identifier": {"system": _CONSULTANT, "value": consultant}}
        made["participant"] = [{"type": [_ATTENDER], "individual": who | ({"display": name} if name else {})}]
    if stay := _hospitalisation(message):
        made["hospitalization"] = stay
    if place := " ".join(part for part in (told(message, "PV1", 3, part) for part in (1, 2, 3)) if part):
        made["location"] = [{"location": {"display": place}}]
    made["serviceProvider"] = ukcore.organisation(organisation)


def _hospitalisation(message: Message) -> Resource:
    made: Resource = {}
    if method := told(message, "PV1", 4):
        value = _national("AdmissionMethodEngland", method, ADMISSION_METHOD)
        made["extension"] = [{"url": UKCORE_EXTENSION + "AdmissionMethod", "valueCodeableConcept": value}]
    if source := told(message, "PV1", 14):
        made["admitSource"] = _national("SourceOfAdmissionEngland", source, ADMISSION_SOURCE)
    if destination := told(message, "PV1", 37):
        made["dischargeDisposition"] = _national("DischargeDestinationEngland", destination, DISCHARGE_DESTINATION)
    return made


def _national(system: str, code: str, known: frozenset[str]) -> Resource:
    upper = code.upper()
    return ukcore.concept(code, *([ukcore.coding(UKCORE_CODES + system, upper)] if upper in known else []))


def _diagnoses(message: Message, encounter: str, subject: str) -> list[Resource]:
    made = []
    for segment in message.segments.get("DG1", ()):
        said = message.components(segment[_DIAGNOSIS]) if len(segment) > _DIAGNOSIS else []
        code, text, system = [*said, "", "", ""][:3]
        if not code or code == NULL:
            continue
        coded = [ukcore.coding(ICD10, code)] if system.upper() in {"ICD10", "I10", "10"} else []
        begun = ukcore.resource("Condition", ukcore.resource_id(encounter, "diagnosis", code), "admissions")
        category = ukcore.hl7("condition-category", "encounter-diagnosis")
        condition = ukcore.condition(
            begun, subject, code=ukcore.concept(text or code, *coded), category=category, status="active"
        )
        condition["encounter"] = ukcore.reference("Encounter", encounter)
        made.append(condition)
    return made


_DIAGNOSIS = 3
