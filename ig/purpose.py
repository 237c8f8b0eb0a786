"""The closed vocabularies that agreements, requests and ledger rows share.

Sources: DESIGN sections 3 and 7; purposes after HL7 v3 PurposeOfUse (``design/ig.md`` 3.3); roles after the users of
DESIGN section 1. A word that is not here cannot be granted, asked for or logged.
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why somebody asks. One per caller, taken from its token or session, never from a parameter."""

    DIRECT_CARE = "direct-care"
    EMERGENCY = "emergency"
    DEMOGRAPHIC_TRACE = "demographic-trace"
    RISKSTRAT_CASEFIND = "riskstrat-casefind"
    RISKSTRAT_COMMISSIONING = "riskstrat-commissioning"
    ANALYTICS = "analytics"
    SUBJECT_ACCESS = "subject-access"
    IG_AUDIT = "ig-audit"
    PROCESSING = "processing"


class Level(StrEnum):
    """How close to the person the answer comes. A total is an aggregate."""

    PATIENT = "patient"
    PSEUDONYMISED = "pseudonymised"
    AGGREGATE = "aggregate"


class Role(StrEnum):
    """The one role in which a caller asks. A system administrator can be granted no data."""

    SOCIAL_WORKER = "social-worker"
    NAVIGATOR = "navigator"
    GP = "gp"
    WARD = "ward"
    REVIEWER = "reviewer"
    ANALYST = "analyst"
    IG_OFFICER = "ig-officer"
    PRIVACY_OFFICER = "privacy-officer"
    DATA_TEAM = "data-team"
    SYSTEM_ADMIN = "system-admin"
    SYSTEM = "system"


class OrgClass(StrEnum):
    """What kind of organisation a party is."""

    COUNCIL = "council"
    GP_PRACTICE = "gp-practice"
    ACUTE_TRUST = "acute-trust"
    ICB = "icb"
    SAFE_HAVEN = "safe-haven"


class Dataset(StrEnum):
    """What an agreement shares. ``index`` is the people who can be traced to; ``ledger`` is the record of access."""

    INDEX = "index"
    GP = "gp"
    SOCIAL_CARE = "social_care"
    ACUTE = "acute"
    LEDGER = "ledger"


class Section(StrEnum):
    """A part of the joined record, as a role sees it or does not."""

    DEMOGRAPHICS = "demographics"
    CONTACTS = "contacts"
    REGISTRATION = "registration"
    PROBLEMS = "problems"
    MEDICATIONS = "medications"
    ALLERGIES = "allergies"
    IMMUNISATIONS = "immunisations"
    OBSERVATIONS = "observations"
    CONSULTATIONS = "consultations"
    DOCUMENTS = "documents"
    ENCOUNTERS = "encounters"
    ADMISSIONS = "admissions"
    DISCHARGE = "discharge"
    CARE_NEEDS = "care-needs"
    CARE_SERVICES = "care-services"
    CARE_ASSESSMENTS = "care-assessments"
    CARE_REQUESTS = "care-requests"
    SENSITIVE = "sensitive"


class Element(StrEnum):
    """A field of the index, as tracing shows it; ``evidence`` is why two records were thought one person."""

    NHS_NUMBER = "nhs_number"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    GENDER = "gender"
    ADDRESS = "address"
    TELECOM = "telecom"
    GP = "gp"
    DECEASED = "deceased"
    EVIDENCE = "evidence"


class LedgerField(StrEnum):
    """What a reader of the ledger may be shown of a row."""

    WHEN = "when"
    EVENT = "event"
    ACTOR = "actor"
    ORGANISATION = "organisation"
    ROLE = "role"
    PURPOSE = "purpose"
    AGREEMENT = "agreement"
    DECISION = "decision"
    REASON = "reason"
    SUBJECT = "subject"
    FIELDS = "fields"
    COUNTS = "counts"
    INTEGRITY = "integrity"


SECONDARY_USES = frozenset({Purpose.RISKSTRAT_CASEFIND, Purpose.RISKSTRAT_COMMISSIONING, Purpose.ANALYTICS})
"""Uses beyond the person's own care: an unknown fact denies, a lapse denies at once, a refusal says nothing."""

CARE_USES = frozenset({Purpose.DIRECT_CARE, Purpose.EMERGENCY})
"""Uses that no opt-out from secondary use may ever touch."""

WHOLE_OR_NOTHING = SECONDARY_USES | {Purpose.PROCESSING}
"""Purposes whose query is refused when it names one field too many; elsewhere the field is dropped and labelled."""

LOCATION_FIELDS = frozenset(
    {
        Element.ADDRESS,
        Element.TELECOM,
        Element.GP,
        Section.REGISTRATION,
        "postcode",
        "postcode_sector",
        "lsoa",
        "practice",
        "locality",
        "uprn",
        "site",
    }
)
"""Fields that would tell where a restricted (S-flagged) person lives or is cared for (PDS security R and V)."""
