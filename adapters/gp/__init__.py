"""General practice: one EMIS extract folder (layouts 5.0 to 5.4) as UK Core records.

All files of a run are handed in together. The sharing agreement is read first: a disabled one stops everything,
because the deletes that come with it would wipe the practice. Then organisations and codes are learnt, and
patients, consultations, coded entries, problems, courses and issues become one `SourceRecord` a row.

Rows of Agreements_SharingOrganisation and of the two coding tables are looked up and give no record; those of
them that cannot be used are quarantined. Tables that are not in `READ_TABLES` (appointments, audits, diary,
locations, staff, referral detail) are left alone. Rows of dummy patients are quarantined as ``test-patient``.

An entry and the Problem row that names it make the same Condition, so either may come again alone. A tombstone
(``Deleted``) becomes a record whose ``deleted`` names every resource the row may have made; that of a Patient
stands for the person, whose other rows EMIS does not delete one by one.
"""

from adapters.gp.extract import READ_TABLES
from adapters.gp.lookups import Lookups
from adapters.gp.reader import read
from adapters.gp.sensitive import SENSITIVE_CODES

__all__ = ["READ_TABLES", "SENSITIVE_CODES", "Lookups", "read"]
