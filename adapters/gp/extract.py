"""The files of one EMIS extract folder: which table each holds, which columns it must have, in which order to apply.

Layouts 5.0 to 5.4 are told apart by their headers alone: misspelt columns of the older packs are read under
their right names, and columns the vendor adds at the end are let through. All files of one run carry the same
time stamp and sharing agreement. Rows are applied by ascending ProcessingId, so that of two rows with one key
the last wins; a file out of order is sorted in memory, any other is streamed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused, Quarantined
from adapters.rows import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.feed import Feed

_NAME = re.compile(r"\d+_([A-Za-z]+_[A-Za-z]+)_(\d{14})_([0-9A-Fa-f-]{36})\.csv")

AGREEMENT: Final = "Agreements_SharingOrganisation"
ORGANISATION: Final = "Admin_Organisation"
PATIENT: Final = "Admin_Patient"
CLINICAL_CODE: Final = "Coding_ClinicalCode"
DRUG_CODE: Final = "Coding_DrugCode"
CONSULTATION: Final = "CareRecord_Consultation"
OBSERVATION: Final = "CareRecord_Observation"
PROBLEM: Final = "CareRecord_Problem"
DRUG_RECORD: Final = "Prescribing_DrugRecord"
ISSUE_RECORD: Final = "Prescribing_IssueRecord"

_ENTRY = "PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision CodeId Deleted ProcessingId"
READ_TABLES: Final[dict[str, frozenset[str]]] = {
    table: frozenset(columns.split())
    for table, columns in {
        AGREEMENT: "OrganisationGuid IsActivated Disabled Deleted",
        ORGANISATION: "OrganisationGuid OrganisationName ODSCode ProcessingId",
        PATIENT: "PatientGuid OrganisationGuid Sex DateOfBirth GivenName Surname NhsNumber DateOfRegistration "
        "DummyType NHSNumberStatus DateOfDeactivation Deleted SpineSensitive IsConfidential ProcessingId",
        CLINICAL_CODE: "CodeId Term ReadTermId SnomedCTConceptId EmisCodeCategoryDescription",
        DRUG_CODE: "CodeId Term DmdProductCodeId",
        CONSULTATION: "ConsultationGuid PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision Deleted "
        "IsConfidential ProcessingId",
        OBSERVATION: f"ObservationGuid {_ENTRY} AssociatedText Value NumericUnit IsConfidential",
        PROBLEM: "ObservationGuid PatientGuid OrganisationGuid EndDate ProblemStatusDescription "
        "SignificanceDescription ProcessingId",
        DRUG_RECORD: f"DrugRecordGuid {_ENTRY} Dosage Quantity QuantityUnit PrescriptionType IsActive IsConfidential",
        ISSUE_RECORD: f"IssueRecordGuid DrugRecordGuid {_ENTRY} Dosage Quantity QuantityUnit IsConfidential",
    }.items()
}
"""The tables this adapter reads and the columns it cannot do without. Other tables of the extract are left alone."""

_MISSPELT = {
    "ClinicanUserInRoleGuid": "ClinicianUserInRoleGuid",
    "ExternalUsusalGP": "ExternalUsualGP",
    "ExternalUsusalGPOrganisation": "ExternalUsualGPOrganisation",
}


def tables_of(feeds: Sequence[Feed]) -> dict[str, Table]:
    """Open every table of an extract, so that a file that cannot be used is refused before any row is given.

    Raises:
        FeedRefused: a name that is not an extract file's, files of different runs, a table twice, a table
            missing that nothing can do without, or a file or header that cannot be used.
    """
    found: dict[str, Table] = {}
    run = None
    for feed in sorted(feeds, key=lambda feed: feed.name):
        name = _NAME.fullmatch(feed.name)
        if not name:
            said = "not named as an extract file (number, domain, table, time stamp, agreement; decrypted .csv)"
            raise FeedRefused(feed.name, "file-name", said)
        if run not in {None, name.group(2, 3)}:
            raise FeedRefused(feed.name, "mixed-runs", "not of the same run as the other files of the folder")
        run = name.group(2, 3)
        table = name.group(1)
        if table in found:
            raise FeedRefused(feed.name, "duplicate-table", "the folder has this table twice")
        if table in READ_TABLES:
            found[table] = _opened(feed, READ_TABLES[table])
    for table in (AGREEMENT, ORGANISATION):
        if table not in found:
            raise FeedRefused(feeds[0].name if feeds else "folder", "missing-table", f"the folder has no {table}")
    return found


def _opened(feed: Feed, required: frozenset[str]) -> Table:
    table = Table(feed)
    table.header = [_MISSPELT.get(name, name) for name in table.header]
    table.require(required)
    return table


def in_order(table: Table) -> Iterator[Row | Quarantined]:
    """Give the rows of a table by ascending ProcessingId; rows of equal number keep their order in the file."""
    if "ProcessingId" not in table.header:
        return table.rows()
    place = table.header.index("ProcessingId")
    return table.rows() if _ascending(table, place) else iter(sorted(table.rows(), key=lambda row: _number(row, place)))


def _ascending(table: Table, place: int) -> bool:
    last = 0
    for row in table.rows():
        number = _number(row, place)
        if number < last and not isinstance(row, Quarantined):
            return False
        last = max(last, number)
    return True


def _number(row: Row | Quarantined, place: int) -> int:
    if isinstance(row, Quarantined):
        return 0
    text = row.cells[place].strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else 0


_LONGEST_NUMBER = 19
