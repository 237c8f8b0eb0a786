"""The words a trace or a verification answers in: one vocabulary for pages, files, FHIR and exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from linkage.person import Security

if TYPE_CHECKING:
    from linkage.explain import Evidence
    from linkage.nhs_number import NhsNumber
    from linkage.person import Person


class Outcome(StrEnum):
    """What a trace found."""

    MATCHED = "matched"
    REVIEW = "review"
    MANY = "many"
    NONE = "none"
    INVALID_INPUT = "invalid-input"
    UNAVAILABLE = "unavailable"


class Verdict(StrEnum):
    """What a verification of a number somebody already holds found."""

    CONFIRMED = "confirmed"
    DEMOGRAPHICS_DIFFER = "demographics-differ"
    SOMEONE_ELSE = "someone-else"
    NOT_IN_INDEX = "not-in-index"
    INVALID_NUMBER = "invalid-number"
    UNAVAILABLE = "unavailable"


class Flag(StrEnum):
    """What rides on an outcome or a verdict."""

    SUPERSEDED = "superseded"
    INVALIDATED = "invalidated"
    DECEASED_FORMAL = "deceased-formal"
    DECEASED_INFORMAL = "deceased-informal"
    RESTRICTED = "restricted"
    DUPLICATE_IN_SOURCE = "duplicate-in-source"


class Step(StrEnum):
    """Which of the three steps of a trace settled it."""

    CROSS_CHECK = "cross-check"
    ALPHANUMERIC = "alphanumeric"
    ALGORITHMIC = "algorithmic"


class Death(StrEnum):
    """How a death is known: by notification (informal) or by the registrar (formal)."""

    NONE = ""
    INFORMAL = "informal"
    FORMAL = "formal"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the index that may be the person asked about."""

    person_id: str
    person: Person
    security: Security = Security.UNRESTRICTED
    superseded_by: NhsNumber | None = None
    death: Death = Death.NONE


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its match weight in bits, its posterior among all candidates, and why."""

    candidate: Candidate
    bits: float
    posterior: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a trace. ``reason`` is a stable code; ``gap`` is in bits, None without a runner-up.

    ``best`` is the person found when ``outcome`` is matched, and otherwise the likeliest one, for review.
    ``others`` are the next likeliest, best first.
    """

    outcome: Outcome
    step: Step | None
    best: Scored | None
    others: tuple[Scored, ...]
    gap: float | None
    flags: frozenset[Flag]
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of a verification. ``current`` is the number in force where one was found."""

    verdict: Verdict
    current: NhsNumber | None
    flags: frozenset[Flag]
    evidence: tuple[Evidence, ...]
    reason: str
