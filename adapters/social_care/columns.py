"""The columns of the client level return, by their Release 1 headings, and which list each is read with."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from adapters.social_care.codes import CODES
from adapters.values import BadField

LA_CODE: Final = "LA Code"
NHS_NUMBER: Final = "NHS Number"
PERSON: Final = "LA Person Unique Identifier"
EVENT_TYPE: Final = "Event Type"
START: Final = "Event Start Date"
END: Final = "Event End Date"

CODED: Final = {
    "Gender": "gender",
    "Ethnicity": "ethnicity",
    "Client Type": "client_type",
    "Primary Support Reason": "primary_support_reason",
    "Accommodation Status": "accommodation_status",
    "Employment Status": "employment_status",
    "Has Unpaid Carer": "yes_no_unknown",
    "Autism Spectrum Disorder (ASD)": "yes_no_unknown",
    "Visual Impairment": "visual_impairment",
    "Hearing Impairment": "hearing_impairment",
    "Dementia": "yes_no_unknown",
    "Client Funding Status": "client_funding_status",
    EVENT_TYPE: "event_type",
    "Event Outcome": "event_outcome",
    "Service Type": "service_type",
    "Service Component": "service_component",
    "Delivery Mechanism": "delivery_mechanism",
}
"""Columns with a complete list of values: a text outside the list is quarantined."""

DATED: Final = (
    "Reporting Period Start Date",
    "Reporting Period End Date",
    "Date of Birth",
    "Date of Death",
    START,
    END,
)
NUMERIC: Final = ("Unit Cost", "Planned units per week")

REQUIRED: Final = frozenset({LA_CODE, NHS_NUMBER, PERSON, "Date of Birth", "Client Type", EVENT_TYPE, START, END})
"""Without these a file is not a client level return."""

KNOWN: Final = REQUIRED.union(
    CODED,
    DATED,
    NUMERIC,
    (
        "First Name",
        "Last Name",
        "GP Practice Name",
        "GP Practice Code",
        "Postcode",
        "Event Reference",
        "Event Description",
        "Request: Route of Access",
        "Assessment Type",
        "Eligible Needs Identified",
        "Method of Assessment",
        "Total Hrs Caring per week",
        "No. of adults being cared for",
        "Adult 1 Linked Person_ID",
        "Adult 2 Linked Person_ID",
        "Adult 3 Linked Person_ID",
        "Provider CQC Location Name",
        "Provider CQC Location ID",
        "Review Reason",
        "Review Outcomes Achieved",
        "Method of Review",
        "Cost Frequency (Unit Type)",
    ),
)

_SEPARATORS = str.maketrans(dict.fromkeys("/-:,().", " ") | {"&": " and "})
_SHORTEST_CUT = 20


def heading(name: str) -> str:
    """Give the Release 1 heading that a file's heading stands for, case and spacing aside; else the name itself."""
    return _HEADINGS.get(name.casefold(), name)


_HEADINGS = {name.casefold(): name for name in KNOWN}


def _fold(text: str) -> str:
    return " ".join(text.casefold().translate(_SEPARATORS).split())


_FOLDED = {
    codeset: {_fold(old): new for new, olds in values.items() for old in (new, *olds)}
    for codeset, values in CODES.items()
}


@lru_cache(maxsize=4096)
def _current(codeset: str, text: str) -> str | None:
    """Give the Release 2 text, compared without case and separators; a long text may have lost its end."""
    values, folded = _FOLDED[codeset], _fold(text)
    if folded in values:
        return values[folded]
    cut = {new for old, new in values.items() if len(folded) >= _SHORTEST_CUT and old.startswith(folded)}
    return cut.pop() if len(cut) == 1 else None


def coded(row: dict[str, str], column: str) -> str:
    """Give the Release 2 text of a coded cell; blank stays blank.

    Raises:
        BadField: ``unknown-code``, the text is not in the column's list.
    """
    text = row.get(column, "")
    if not text:
        return ""
    found = _current(CODED[column], text)
    if found is None:
        raise BadField(column, "unknown-code", "not in the list of values for this column")
    return found
