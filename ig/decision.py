"""What comes of a request: the effect, why, under which agreement, and everything the gate must then do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """Whether anything may be read."""

    PERMIT = "permit"
    DENY = "deny"


class Reason(StrEnum):
    """Why, as a stable code for pages, logs and ledger rows."""

    PERMITTED = "permitted"
    NOTHING_ASKED = "nothing-asked"
    PURPOSE_MISMATCH = "purpose-mismatch"
    DATASET_NOT_GRANTED = "dataset-not-granted"
    LEVEL_NOT_GRANTED = "level-not-granted"
    ROLE_NOT_PERMITTED = "role-not-permitted"
    RECIPIENT_NOT_PERMITTED = "recipient-not-permitted"
    NOT_YET_VALID = "isa-not-yet-valid"
    EXPIRED = "isa-expired"
    SUSPENDED = "isa-suspended"
    TERMINATED = "isa-terminated"
    FRAMEWORK_INACTIVE = "framework-inactive"
    REVIEW_LAPSED = "review-lapsed"
    NOT_SIGNED = "not-signed"
    LINKAGE_NOT_PERMITTED = "linkage-not-permitted"
    SUBJECT_NOT_PERMITTED = "subject-not-permitted"
    FIELD_NOT_IN_SCOPE = "field-not-in-scope"
    FILTER_NOT_IN_SCOPE = "filter-not-in-scope"
    APPROVAL_LAPSED = "approval-lapsed"
    ASSURANCE_UNKNOWN = "precondition-dspt-unknown"
    ASSURANCE_NOT_MET = "precondition-dspt"
    REGISTRATION_UNKNOWN = "registration-unknown"
    NOT_OWN_PATIENT = "not-own-patient"
    BREAK_GLASS_REQUIRED = "break-glass-required"
    RELATIONSHIP_REQUIRED = "relationship-required"
    OPT_OUT_UNKNOWN = "optout-unknown"
    OPT_OUT_STALE = "optout-stale"
    OPTED_OUT = "opted-out"
    RESTRICTED_UNKNOWN = "restricted-unknown"
    RESTRICTED_PERSON = "restricted-person"


class FilterKind(StrEnum):
    """The only conditions that a decision may ask storage to join. Every one takes people or rows away."""

    PROVIDERS = "providers"  # rows sent by these organisations only
    REGISTERED_WITH = "registered-with"  # people registered with these practices only
    RELATED_TO = "related-to"  # first value: organisation; the others: accepted kinds of relationship
    WITHOUT_OPT_OUT = "without-opt-out"  # leave out people opted out of any of these schemes
    NOT_RESTRICTED = "not-restricted"  # leave out people whose PDS security is not U
    WITHOUT_CODES = "without-codes"  # leave out entries coded in any of these code sets
    WITH_NHS_NUMBER = "with-nhs-number"  # leave out people for whom no number is known
    ACTORS_OF = "actors-of"  # ledger rows about staff of these organisations only


@dataclass(frozen=True, slots=True, order=True)
class RowFilter:
    """One condition; ``values`` are ODS codes, scheme names or code set names, sorted where order means nothing."""

    kind: FilterKind
    values: tuple[str, ...] = ()


class Duty(StrEnum):
    """What an obligation can be. Written ``duty`` or ``duty:value``."""

    STRIP_LOCATION = "strip-location"  # from every person whose PDS security is not U
    BANNER = "banner"  # tell the practitioner: review-overdue, assurance-lapsed, approval-lapsed, break-glass
    ESCALATE = "escalate"  # tell the IG officer the same
    ALERT = "alert"  # tell the privacy officer: self-claim, break-glass
    PSEUDONYMISE = "pseudonymise"  # in this project's domain
    MIN_CELL = "min-cell"
    MIN_CONTRIBUTORS = "min-contributors"
    ROUND_TO = "round-to"
    DOMINANCE_PERCENT = "dominance-percent"
    OVERLAP_GUARD = "overlap-guard"
    MAX_ROWS = "max-rows"
    MAX_REQUESTS_PER_DAY = "max-requests-per-day"
    AUDIT_FULL = "audit-full"
    NOTIFY_CONTROLLER_MONTHLY = "notify-controller-monthly"
    SUBJECT_ACCESS_VISIBLE = "subject-access-visible"
    VERIFY_IDENTITY = "verify-identity"
    NAME_RETIRED_PSEUDONYMS = (
        "name-retired-pseudonyms"  # a release says which of its pseudonyms took the place of which
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of :func:`ig.decide.decide`.

    ``agreement`` is ``ID@version+ADDENDUM#hash12``; ``providers`` the ODS codes whose data may be used; ``trace`` the
    reasoning in sentences for an IG officer. A denial has no providers, no allowed fields and no filters.
    """

    effect: Effect
    reason: Reason
    grant: str
    agreement: str
    providers: frozenset[str]
    fields_allowed: frozenset[str]
    fields_dropped: frozenset[str]
    row_filters: tuple[RowFilter, ...]
    obligations: tuple[str, ...]
    trace: tuple[str, ...]

    @property
    def permits(self) -> bool:
        """Whether anything may be read."""
        return self.effect is Effect.PERMIT
