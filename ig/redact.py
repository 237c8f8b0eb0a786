"""Cutting an answer down to what a decision allows, and taking a restricted person's whereabouts out of it.

Everything here keeps by name and drops the rest: an element, a resource type or an extension that the tables below do
not know is left out. Inputs are never changed. The rule on whereabouts is the PDS FHIR API's for security R (address,
telecom and practice removed), carried on to every resource that could bring a place back in.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ig.purpose import Dataset, Element, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Resource = dict[str, Any]

NHS_NUMBER_SYSTEM: Final = "https://fhir.nhs.uk/Id/nhs-number"

SECTION_SYSTEM: Final = "https://gateway.example/section"
"""``meta.tag`` system in which the feeds say which section a resource belongs to."""

SENSITIVE_LABELS: Final = frozenset(
    {"SENSITIVE", "R", "V", "ETH", "GDIS", "HIV", "MH", "PSY", "SCA", "SDV", "SEX", "STD"}
)
"""Security labels that put an entry in the sensitive section: the feeds' own, HL7 v3 confidentiality and ActCode."""

_RESTRICTED_LABELS = frozenset({"R", "V"})

SUBSETTED: Final[Mapping[str, str]] = MappingProxyType(
    {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
)
"""The tag FHIR gives a resource that does not hold all there is."""

_ALWAYS = frozenset({"resourceType", "id", "meta"})

_PATIENT_ELEMENTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        Element.NHS_NUMBER: frozenset({"identifier"}),
        Element.NAME: frozenset({"name"}),
        Element.BIRTH_DATE: frozenset({"birthDate", "_birthDate", "multipleBirthInteger", "multipleBirthBoolean"}),
        Element.GENDER: frozenset({"gender", "_gender"}),
        Element.ADDRESS: frozenset({"address"}),
        Element.TELECOM: frozenset({"telecom"}),
        Element.GP: frozenset({"generalPractitioner", "managingOrganization"}),
        Element.DECEASED: frozenset({"deceasedDateTime", "_deceasedDateTime", "deceasedBoolean"}),
        Section.DEMOGRAPHICS: frozenset(
            [
                "active",
                "identifier",
                "name",
                "birthDate",
                "_birthDate",
                "gender",
                "_gender",
                "address",
                "telecom",
                "communication",
                "maritalStatus",
                "deceasedDateTime",
                "_deceasedDateTime",
                "deceasedBoolean",
                "multipleBirthInteger",
                "multipleBirthBoolean",
            ]
        ),
        Section.REGISTRATION: frozenset({"generalPractitioner", "managingOrganization"}),
        Section.CONTACTS: frozenset({"contact"}),
    }
)

_PATIENT_EXTENSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        Element.DECEASED: frozenset({"DeathNotificationStatus"}),
        Section.DEMOGRAPHICS: frozenset({"DeathNotificationStatus", "NHSCommunication", "EthnicCategory"}),
    }
)

_SECTION_OF: Mapping[str, Section] = MappingProxyType(
    {
        "Patient": Section.DEMOGRAPHICS,
        "RelatedPerson": Section.CONTACTS,
        "Condition": Section.PROBLEMS,
        "MedicationRequest": Section.MEDICATIONS,
        "MedicationStatement": Section.MEDICATIONS,
        "Medication": Section.MEDICATIONS,
        "AllergyIntolerance": Section.ALLERGIES,
        "Immunization": Section.IMMUNISATIONS,
        "Observation": Section.OBSERVATIONS,
        "DiagnosticReport": Section.OBSERVATIONS,
        "DocumentReference": Section.DOCUMENTS,
        "Composition": Section.DOCUMENTS,
        "CarePlan": Section.CARE_SERVICES,
        "ServiceRequest": Section.CARE_REQUESTS,
        "Task": Section.CARE_REQUESTS,
        "QuestionnaireResponse": Section.CARE_ASSESSMENTS,
    }
)
"""Where a resource belongs whatever feed it came from."""

_SECTION_BY_DATASET: Mapping[tuple[str, str], Section] = MappingProxyType(
    {
        ("Encounter", Dataset.GP): Section.CONSULTATIONS,
        ("Encounter", Dataset.ACUTE): Section.ENCOUNTERS,
        ("Encounter", Dataset.SOCIAL_CARE): Section.CARE_ASSESSMENTS,
        ("EpisodeOfCare", Dataset.GP): Section.REGISTRATION,
        ("EpisodeOfCare", Dataset.ACUTE): Section.ENCOUNTERS,
        ("EpisodeOfCare", Dataset.SOCIAL_CARE): Section.CARE_SERVICES,
        ("ServiceRequest", Dataset.GP): Section.OBSERVATIONS,
        ("Condition", Dataset.SOCIAL_CARE): Section.CARE_NEEDS,
        ("Flag", Dataset.SOCIAL_CARE): Section.CARE_NEEDS,
        ("Observation", Dataset.SOCIAL_CARE): Section.CARE_NEEDS,
    }
)
"""Where it depends on who sent it."""

_PLACES = (
    frozenset({"address", "telecom", "contact", "location", "birthPlace", "photo", "origin", "destination"})
    | {"managingOrganization", "generalPractitioner", "serviceProvider", "organization", "custodian", "partOf"}
    | {"performer", "author", "asserter", "recorder", "requester", "participant", "sender", "receiver"}
    | {"careManager", "careTeam", "team", "hospitalization"}
)
"""Element names, at any depth, that say or lead to where somebody lives or is looked after."""

_SECTIONS = frozenset(Section)
_PLACE_EXTENSIONS = ("nominatedpharmacy", "preferreddispenser", "medicalappliancesupplier", "birthplace", "residen")


def redact_patient(resource: Resource, fields_allowed: frozenset[str], *, restricted: bool) -> Resource:
    """Return a Patient with only the elements that ``fields_allowed`` (elements or sections) name.

    The id goes too when it is the NHS number and that is not allowed. A restricted person, or a Patient labelled R or
    V, loses whereabouts whatever is allowed.
    """
    keep = _ALWAYS.union(*(_PATIENT_ELEMENTS.get(name, frozenset()) for name in fields_allowed))
    kept = {key: value for key, value in resource.items() if key in keep}
    if not fields_allowed & {Element.NHS_NUMBER, Section.DEMOGRAPHICS} and resource.get("id") in _nhs_numbers(resource):
        del kept["id"]
    wanted = frozenset().union(*(_PATIENT_EXTENSIONS.get(name, frozenset()) for name in fields_allowed))
    extensions = [e for e in resource.get("extension", ()) if _tail(e).removeprefix("Extension-UKCore-") in wanted]
    if extensions:
        kept["extension"] = extensions
    return strip_location(kept) if restricted or _labels(resource) & _RESTRICTED_LABELS else kept


def section_of(resource: Resource, dataset: str) -> Section | None:
    """Return the section that a resource of ``dataset`` belongs to, or None where it belongs to none we know.

    A sensitivity label outranks everything; then the section its feed tagged it with; then its type. On a Patient the
    labels R and V mean whereabouts, not content. An in-patient Encounter is an admission, and once ended a discharge.
    """
    kind = str(resource.get("resourceType", ""))
    if _labels(resource) & SENSITIVE_LABELS and kind != "Patient":
        return Section.SENSITIVE
    tagged = [tag.get("code") for tag in resource.get("meta", {}).get("tag", ()) if tag.get("system") == SECTION_SYSTEM]
    if tagged:
        return Section(tagged[0]) if tagged[0] in _SECTIONS else None
    section = _SECTION_BY_DATASET.get((kind, dataset)) or _SECTION_OF.get(kind)
    if section is Section.ENCOUNTERS and resource.get("class", {}).get("code") in ("IMP", "ACUTE", "NONAC"):
        return Section.DISCHARGE if resource.get("status") == "finished" else Section.ADMISSIONS
    return section


def redact_resource(
    resource: Resource, dataset: str, fields_allowed: frozenset[str], *, restricted: bool
) -> Resource | None:
    """Return the resource as it may be shown, or None when its section is not allowed.

    Narrative and contained resources never pass: they would say again, in words, what was taken out. A GP entry's free
    text (``note``) passes only with the consultations that it comes from.
    """
    if resource.get("resourceType") == "Patient":
        if not fields_allowed & _PATIENT_ELEMENTS.keys():
            return None
        return redact_patient(resource, fields_allowed, restricted=restricted)
    section = section_of(resource, dataset)
    if section is None or section not in fields_allowed:
        return None
    hidden = {"text", "contained"}
    if dataset == Dataset.GP and Section.CONSULTATIONS not in fields_allowed:
        hidden.add("note")
    kept = {key: value for key, value in resource.items() if key not in hidden}
    return strip_location(kept) if restricted else kept


def redact_bundle(
    bundle: Resource, fields_allowed: frozenset[str], dataset_of: Callable[[Resource], str], *, restricted: bool
) -> Resource:
    """Return the bundle with only the entries that may be shown; tagged SUBSETTED, and without a total, if any went.

    A total would count what is not shown, and a count is an aggregate (T04).
    """
    entries = bundle.get("entry", [])
    kept = []
    for entry in entries:
        resource = entry.get("resource", {})
        shown = redact_resource(resource, dataset_of(resource), fields_allowed, restricted=restricted)
        if shown is not None:
            kept.append({**{k: v for k, v in entry.items() if k in ("fullUrl", "search")}, "resource": shown})
    result = {key: value for key, value in bundle.items() if key not in ("entry", "total", "meta")}
    meta = dict(bundle.get("meta", {}))
    if kept != entries:
        meta["tag"] = [*meta.get("tag", ()), dict(SUBSETTED)]
    elif "total" in bundle:
        result["total"] = bundle["total"]
    return {**result, **({"meta": meta} if meta else {}), "entry": kept}


def strip_location(resource: Resource) -> Resource:
    """Return the resource without anything that says where the person lives or is looked after, at any depth.

    Free text and narrative go too: a note may hold an address. The words of a code (``code.text``) stay.
    """
    stripped = _without_places(resource)
    assert isinstance(stripped, dict)
    return stripped


def _without_places(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, list):
        inner = [_without_places(item) for item in value]
        return [item for item in inner if item not in ({}, [])]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        narrative = key == "text" and isinstance(inner, dict)
        if narrative or key.lstrip("_") in _PLACES or key in ("note", "contained"):
            continue
        if key in ("extension", "modifierExtension"):
            inner = [e for e in inner if not _says_where(e)]  # noqa: PLW2901 - the same list, less the places
        result = _without_places(inner)
        if result not in ({}, []) or inner in ({}, []):
            kept[key] = result
    return kept


def _says_where(extension: Resource) -> bool:
    tail = _tail(extension).lower().replace("-", "")
    return any(word in tail for word in _PLACE_EXTENSIONS)


def _labels(resource: Resource) -> set[str]:
    return {str(label.get("code", "")) for label in resource.get("meta", {}).get("security", ())}


def _tail(extension: Resource) -> str:
    return str(extension.get("url", "")).rpartition("/")[2]


def _nhs_numbers(resource: Resource) -> set[str]:
    return {i.get("value", "") for i in resource.get("identifier", ()) if i.get("system") == NHS_NUMBER_SYSTEM}
