"""Medication courses and issues of an EMIS extract as UK Core resources.

A course (Prescribing_DrugRecord) is both what the patient is on, a MedicationStatement, and what was planned, a
MedicationRequest of intent plan; each issue is a MedicationRequest of intent order based on that plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.gp.people import SOURCE, effective, guid
from adapters.systems import HL7_TERMINOLOGY, UCUM, UKCORE_CODES
from adapters.values import BadField, boolean, count, decimal, iso_date

if TYPE_CHECKING:
    from adapters.gp.lookups import Cells, Meaning
    from adapters.ukcore import Resource

_THERAPY = HL7_TERMINOLOGY + "medicationrequest-course-of-therapy"
THERAPY: Final = {
    "Acute": ukcore.coding(_THERAPY, "acute", "Short course (acute) therapy"),
    "Repeat": ukcore.coding(_THERAPY, "continuous", "Continuous long term therapy"),
    "Repeat Dispensing": ukcore.coding(
        UKCORE_CODES + "MedicationRequestCourseOfTherapy",
        "continuous-repeating-dispensing",
        "Continuous long term (repeat dispensing)",
    ),
}
"""PrescriptionType to course of therapy; another type keeps its text."""


def ids(practice: str, table: str, key: str) -> tuple[str, str]:
    """Give the ids of the MedicationStatement and the MedicationRequest that a row may have become."""
    return (
        ukcore.resource_id(SOURCE, practice, table, "statement", key),
        ukcore.resource_id(SOURCE, practice, table, "request", key),
    )


@dataclass(frozen=True, slots=True)
class Prescribed:
    """One row of either table, what its drug code means, whose extract it is in, and its labels."""

    row: Cells
    meaning: Meaning
    practice: str
    labels: list[Resource]


def course(prescribed: Prescribed) -> tuple[Resource, ...]:
    """Make the MedicationStatement and the plan of one row of Prescribing_DrugRecord.

    Raises:
        BadField: the first column that cannot be used.
    """
    row, practice = prescribed.row, prescribed.practice
    key = guid(row["DrugRecordGuid"])
    statement_id, plan_id = ids(practice, "course", key)
    # a few hundred rows are active with a cancellation date, or inactive without: IsActive is to be trusted
    active = boolean(row["IsActive"], "IsActive")
    since, stopped = effective(row), iso_date(row.get("CancellationDate", ""), "CancellationDate")
    status = "active" if active else "stopped" if stopped else "completed"
    statement = _begin("MedicationStatement", statement_id, prescribed)
    statement["identifier"] = [ukcore.local_identifier(SOURCE, practice, key)]
    statement["status"] = status
    if when := ukcore.period(since, "" if active or stopped < since else stopped):
        statement["effectivePeriod"] = when
    if dosage := row["Dosage"]:
        statement["dosage"] = [{"text": dosage}]
    statement["basedOn"] = [ukcore.reference("MedicationRequest", plan_id)]
    plan = _begin("MedicationRequest", plan_id, prescribed)
    _requested(plan, row, intent="plan", status=status)
    if kind := row["PrescriptionType"]:
        plan["courseOfTherapyType"] = ukcore.concept(kind, *([THERAPY[kind]] if kind in THERAPY else []))
    authorised = count(row.get("NumberOfIssuesAuthorised", ""), "NumberOfIssuesAuthorised")
    if authorised is not None:
        plan.setdefault("dispenseRequest", {})["numberOfRepeatsAllowed"] = authorised
    return statement, plan


def issue(prescribed: Prescribed) -> tuple[Resource, ...]:
    """Make the order of one row of Prescribing_IssueRecord.

    Raises:
        BadField: the first column that cannot be used.
    """
    row, practice = prescribed.row, prescribed.practice
    _, order_id = ids(practice, "issue", guid(row["IssueRecordGuid"]))
    order = _begin("MedicationRequest", order_id, prescribed)
    _requested(order, row, intent="order", status="completed")
    if plan := guid(row["DrugRecordGuid"]):
        order["basedOn"] = [ukcore.reference("MedicationRequest", ids(practice, "course", plan)[1])]
    days = count(row.get("CourseDurationInDays", ""), "CourseDurationInDays")
    if days:
        supply = {"value": days, "unit": "day", "system": UCUM, "code": "d"}
        order.setdefault("dispenseRequest", {})["expectedSupplyDuration"] = supply
    return (order,)


def _begin(kind: str, identity: str, prescribed: Prescribed) -> Resource:
    row, labels = prescribed.row, prescribed.labels
    confidential = boolean(row["IsConfidential"], "IsConfidential")
    made = ukcore.resource(kind, identity, "medications", *labels, *([ukcore.RESTRICTED] if confidential else []))
    made["medicationCodeableConcept"] = prescribed.meaning.concept
    if not row["PatientGuid"]:
        raise BadField("PatientGuid", "blank-mandatory", "blank, and it says whose row this is")
    made["subject"] = ukcore.reference(
        "Patient", ukcore.person_id(SOURCE, prescribed.practice, guid(row["PatientGuid"]))
    )
    return made


def _requested(made: Resource, row: Cells, *, intent: str, status: str) -> None:
    made["status"] = status
    made["intent"] = intent
    if when := effective(row):
        made["authoredOn"] = when
    if dosage := row["Dosage"]:
        made["dosageInstruction"] = [{"text": dosage}]
    amount = decimal(row["Quantity"], "Quantity")
    if amount is not None:
        unit = {"unit": row["QuantityUnit"]} if row["QuantityUnit"] else {}
        made["dispenseRequest"] = {"quantity": {"value": amount} | unit}
    # UK Core asks for it, and a practice prescribes what it names
    made["substitution"] = {"allowedBoolean": False}
