"""The person columns of a client level row: the Patient, and what the authority says of their needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.social_care.columns import NHS_NUMBER, coded
from adapters.systems import CLD
from adapters.values import nhs_number, uk_or_iso_date

if TYPE_CHECKING:
    from adapters.ukcore import Resource

GENDER: Final = {"Male": "male", "Female": "female", "Other": "other", "Unknown": "unknown"}

LETTER: Final = {
    "White: English, Welsh, Scottish, Northern Irish or British": "A",
    "White: Irish": "B",
    "White: Gypsy or Irish Traveller": "C",
    "White: Roma": "C",
    "White: Any other White background": "C",
    "Mixed or multiple ethnic groups: White and Black Caribbean": "D",
    "Mixed or multiple ethnic groups: White and Black African": "E",
    "Mixed or multiple ethnic groups: White and Asian": "F",
    "Mixed or multiple ethnic groups: Any other Mixed or multiple ethnic background": "G",
    "Asian or Asian British: Indian": "H",
    "Asian or Asian British: Pakistani": "J",
    "Asian or Asian British: Bangladeshi": "K",
    "Asian or Asian British: Chinese": "R",
    "Asian or Asian British: Any other Asian background": "L",
    "Black, Black British, Caribbean or African: African": "N",
    "Black, Black British, Caribbean or African: Caribbean": "M",
    "Black, Black British, Caribbean or African: Any other Black, Black British or Caribbean background": "P",
    "Other ethnic group: Arab": "S",
    "Other ethnic group: Any other ethnic group": "S",
    "No data: Refused": "Z",
    "No data: Undeclared or not known": "99",
}
"""Census group to the older NHS letters. Three census groups share C and two share S: the text is kept beside."""

OBSERVED: Final = (
    "Accommodation Status",
    "Employment Status",
    "Has Unpaid Carer",
    "Autism Spectrum Disorder (ASD)",
    "Visual Impairment",
    "Hearing Impairment",
    "Dementia",
    "Client Funding Status",
)
"""Columns that become an Observation of what the authority asserts, unless blank or Unknown."""


def cld_concept(codeset: str, text: str) -> Resource:
    """Make the concept of a client level value: the house's code system for the list, the text itself as code."""
    if not text:
        return {}
    # a FHIR code holds single spaces only
    code = " ".join(text.split())
    return ukcore.concept(text, ukcore.coding(CLD + codeset.lower().replace(" ", "-"), code))


def person_resources(row: dict[str, str], organisation: str, ref: str) -> tuple[Resource, ...]:
    """Make the Patient and the needs of one row; the same person columns always make the same resources.

    Raises:
        BadField: the first person column that cannot be used.
    """
    subject = ukcore.person_id("social-care", organisation, ref)
    return (_patient(row, organisation, ref, subject), *_needs(row, subject))


def _patient(row: dict[str, str], organisation: str, ref: str, subject: str) -> Resource:
    identifiers = [ukcore.local_identifier("social-care", organisation, ref)]
    # the return has no status column, so a number is only ever "not traced" here
    if digits := nhs_number(row[NHS_NUMBER], NHS_NUMBER):
        identifiers.insert(0, ukcore.nhs_number(digits, ""))
    group = coded(row, "Ethnicity")
    return ukcore.patient(
        subject,
        identifiers,
        name=ukcore.human_name(row.get("Last Name", ""), [row.get("First Name", "")]),
        gender=GENDER.get(coded(row, "Gender"), "unknown"),
        birth_date=uk_or_iso_date(row["Date of Birth"], "Date of Birth"),
        deceased=uk_or_iso_date(row.get("Date of Death", ""), "Date of Death"),
        home=ukcore.address((), row.get("Postcode", "").upper()),
        practice=row.get("GP Practice Code", "").upper(),
        extensions=[ukcore.ethnicity(LETTER[group], group)] if group else [],
    )


def _needs(row: dict[str, str], subject: str) -> list[Resource]:
    made = []
    if reason := coded(row, "Primary Support Reason"):
        begun = ukcore.resource("Condition", ukcore.resource_id(subject, "support-reason"), "care-needs")
        code = cld_concept("primary-support-reason", reason)
        category = ukcore.concept("", ukcore.coding(CLD + "category", "social-care", "Social care"))
        made.append(ukcore.condition(begun, subject, code=code, category=category, status="active"))
    for column in OBSERVED:
        said = coded(row, column)
        if said and said != "Unknown":
            begun = ukcore.resource("Observation", ukcore.resource_id(subject, column), "care-needs")
            code = cld_concept("column", column)
            seen = ukcore.observation(begun, subject, code=code, category="social-history")
            seen["valueCodeableConcept"] = cld_concept(column, said)
            made.append(seen)
    return made
