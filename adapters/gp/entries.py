"""Coded entries of an EMIS extract (CareRecord_Observation, CareRecord_Problem) as UK Core resources.

A row with a number is an Observation whatever its category; a row that a Problem row names is a problem list
Condition; otherwise the code's category, and for the mixed category the Read chapter, decides. Free text goes
in ``note`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.gp.people import SOURCE, effective, encounter_id, entered, guid
from adapters.systems import HL7_TERMINOLOGY, UCUM, UKCORE_EXTENSION
from adapters.values import BadField, boolean, decimal, precise_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.gp.lookups import Cells, Meaning
    from adapters.ukcore import Resource

TYPES: Final = (
    "AllergyIntolerance",
    "Condition",
    "FamilyMemberHistory",
    "Immunization",
    "Observation",
    "Procedure",
    "ServiceRequest",
)
"""What an entry may have become: a tombstone names none of its old cells, so it removes whichever there is."""

UNITS: Final = {
    "%": "%",
    "g/dL": "g/dL",
    "g/L": "g/L",
    "mmol/L": "mmol/L",
    "umol/L": "umol/L",
    "mmol/mol": "mmol/mol",
    "mg/mmol": "mg/mmol",
    "ng/L": "ng/L",
    "mu/L": "m[IU]/L",
    "iu/L": "[IU]/L",
    "10*9/L": "10*9/L",
    "10*12/L": "10*12/L",
    "mm/h": "mm/h",
    "mmHg": "mm[Hg]",
    "kg": "kg",
    "cm": "cm",
    "m": "m",
    "kg/m2": "kg/m2",
    "kg/m*2": "kg/m2",
    "bpm": "/min",
    "beats/min": "/min",
    "ml/min": "mL/min",
    "fL": "fL",
    "pg": "pg",
}
"""EMIS unit text to UCUM, where the text means one unit and no other; the text itself is always kept."""
_UNITS = {text.casefold(): code for text, code in UNITS.items()}
_SIGNIFICANCE = {"Significant Problem": "major", "Minor Problem": "minor"}
_STATUS = {"Active Problem": "active", "Past Problem": "inactive", "": "active"}
_UNKNOWN_VACCINE = ukcore.coding(HL7_TERMINOLOGY + "v3-NullFlavor", "UNK", "unknown")


def entry_id(practice: str, key: str) -> str:
    """Give the id of whatever resource an ObservationGuid becomes."""
    return ukcore.resource_id(SOURCE, practice, "entry", key)


def check_problem(problem: Cells) -> bool:
    """Check one row of CareRecord_Problem; False means that it is a tombstone.

    Raises:
        BadField: the first column that cannot be used.
    """
    if boolean(problem.get("Deleted", ""), "Deleted"):
        return False
    if problem["ProblemStatusDescription"] not in _STATUS:
        raise BadField("ProblemStatusDescription", "unknown-code", "neither Active Problem nor Past Problem")
    _ended(problem)
    return True


def _ended(problem: Cells) -> str:
    return precise_date(problem["EndDate"], problem.get("EndDatePrecision", ""), "EndDate")


class Entry:
    """One row of CareRecord_Observation with what its code means and the Problem row that names it, if any."""

    def __init__(
        self, row: Cells, meaning: Meaning, practice: str, problem: Cells | None, labels: list[Resource]
    ) -> None:
        """Check the cells that every route needs.

        Raises:
            BadField: the first column that cannot be used.
        """
        self.row = row
        self.meaning = meaning
        self.problem = problem
        self.id = entry_id(practice, guid(row["ObservationGuid"]))
        self.subject = ukcore.person_id(SOURCE, practice, guid(row["PatientGuid"]))
        self.value = decimal(row["Value"], "Value")
        self.when = effective(row)
        self.recorded = entered(row)
        consultation = guid(row.get("ConsultationGuid", ""))
        self.encounter = ukcore.reference("Encounter", encounter_id(practice, consultation)) if consultation else {}
        self.labels = [*labels, ukcore.RESTRICTED] if boolean(row["IsConfidential"], "IsConfidential") else labels

    @property
    def route(self) -> str:
        """What the row becomes; see the module's first lines."""
        if self.value is not None:
            return "observation"
        return "condition" if self.problem is not None else self.meaning.route

    def begin(self, kind: str, section: str) -> Resource:
        """Begin the entry's resource under its own labels."""
        return ukcore.resource(kind, self.id, section, *self.labels)

    def finish(self, made: Resource, *texts: str) -> Resource:
        """Add what every kind of entry may carry: the consultation it belongs to, and the free texts."""
        if self.encounter and made["resourceType"] != "FamilyMemberHistory":
            made["encounter"] = self.encounter
        if told := ukcore.note(self.row["AssociatedText"], *texts):
            made["note"] = told
        return ukcore.flag_hour(made, self.when, self.recorded)

    def resource(self) -> Resource:
        """Make the resource.

        Raises:
            BadField: a column of this route cannot be used.
        """
        return _MAKERS[self.route](self)


def _observation(entry: Entry) -> Resource:
    category = "laboratory" if entry.meaning.laboratory else ""
    begun = entry.begin("Observation", "observations")
    made = ukcore.observation(begun, entry.subject, code=entry.meaning.concept, category=category)
    if entry.when:
        made["effectiveDateTime"] = entry.when
    if entry.value is not None:
        unit = entry.row["NumericUnit"]
        made["valueQuantity"] = {"value": entry.value} | _unit(unit)
        low = decimal(entry.row.get("NumericRangeLow", ""), "NumericRangeLow")
        high = decimal(entry.row.get("NumericRangeHigh", ""), "NumericRangeHigh")
        bounds = {
            name: {"value": bound} | _unit(unit) for name, bound in (("low", low), ("high", high)) if bound is not None
        }
        if bounds:
            made["referenceRange"] = [bounds]
    return entry.finish(made)


def _unit(text: str) -> Resource:
    if not text:
        return {}
    code = _UNITS.get(text.casefold())
    return {"unit": text, "system": UCUM, "code": code} if code else {"unit": text}


def _condition(entry: Entry) -> Resource:
    problem = entry.problem
    category = ukcore.hl7("condition-category", "problem-list-item" if problem is not None else "encounter-diagnosis")
    begun = entry.begin("Condition", "problems")
    if problem is None:
        made = ukcore.condition(begun, entry.subject, code=entry.meaning.concept, category=category, status="active")
        _dated(entry, made)
        return entry.finish(made)
    status = _STATUS[problem["ProblemStatusDescription"]]
    if significance := _SIGNIFICANCE.get(problem["SignificanceDescription"]):
        begun["extension"] = [{"url": UKCORE_EXTENSION + "ProblemSignificance", "valueCode": significance}]
    made = ukcore.condition(begun, entry.subject, code=entry.meaning.concept, category=category, status=status)
    _dated(entry, made)
    ended = _ended(problem)
    if ended and status == "inactive":
        made["abatementDateTime"] = ended
    return entry.finish(made, problem.get("Comment", ""))


def _dated(entry: Entry, made: Resource) -> None:
    if entry.when:
        made["onsetDateTime"] = entry.when
    if entry.recorded:
        made["recordedDate"] = entry.recorded


def _allergy(entry: Entry) -> Resource:
    made = entry.begin("AllergyIntolerance", "allergies")
    made["clinicalStatus"] = ukcore.hl7("allergyintolerance-clinical", "active")
    made["verificationStatus"] = ukcore.hl7("allergyintolerance-verification", "unconfirmed")
    made["code"] = entry.meaning.concept
    made["patient"] = ukcore.reference("Patient", entry.subject)
    _dated(entry, made)
    return entry.finish(made)


def _immunisation(entry: Entry) -> Resource:
    made = entry.begin("Immunization", "immunisations")
    # the row names the procedure; which product was given is not in the extract
    made["extension"] = [
        {"url": UKCORE_EXTENSION + "VaccinationProcedure", "valueCodeableConcept": entry.meaning.concept}
    ]
    made["status"] = "completed"
    made["vaccineCode"] = ukcore.concept("", _UNKNOWN_VACCINE)
    made["patient"] = ukcore.reference("Patient", entry.subject)
    if entry.when:
        made["occurrenceDateTime"] = entry.when
    else:
        made["occurrenceString"] = "date unknown"
    if entry.recorded:
        made["recorded"] = entry.recorded
    return entry.finish(made)


def _family(entry: Entry) -> Resource:
    made = entry.begin("FamilyMemberHistory", "observations")
    made["status"] = "partial"
    made["patient"] = ukcore.reference("Patient", entry.subject)
    if entry.when:
        made["date"] = entry.when
    made["relationship"] = ukcore.hl7("v3-RoleCode", "FAMMEMB", "family member")
    made["condition"] = [{"code": entry.meaning.concept}]
    return entry.finish(made)


def _procedure(entry: Entry) -> Resource:
    made = entry.begin("Procedure", "problems")
    made["status"] = "completed"
    made["code"] = entry.meaning.concept
    made["subject"] = ukcore.reference("Patient", entry.subject)
    if entry.when:
        made["performedDateTime"] = entry.when
    return entry.finish(made)


def _request(entry: Entry) -> Resource:
    made = entry.begin("ServiceRequest", "care-requests")
    made |= {"status": "active", "intent": "order", "code": entry.meaning.concept}
    made["subject"] = ukcore.reference("Patient", entry.subject)
    if entry.when:
        made["authoredOn"] = entry.when
    return entry.finish(made)


_MAKERS: dict[str, Callable[[Entry], Resource]] = {
    "observation": _observation,
    "condition": _condition,
    "allergy": _allergy,
    "immunisation": _immunisation,
    "family": _family,
    "procedure": _procedure,
    "request": _request,
}
