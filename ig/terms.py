"""What an agreement says, as values: parties, signatures, grants, addenda and the conditions on them.

Instants are UTC; an agreement's dates begin at midnight in London. ``ig.agreement`` makes these from a text that the
schema has passed; the linter of ``ig.lint`` says whether they make sense together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from ig.purpose import Level, OrgClass, Purpose, Role


class DocumentKind(StrEnum):
    """The two tiers. An agreement under an inactive framework is inactive."""

    FRAMEWORK = "framework"
    AGREEMENT = "agreement"


class Status(StrEnum):
    """Where a version stands in its life; see ``ig.lifecycle``."""

    DRAFT = "draft"
    APPROVED = "approved"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    TERMINATED = "terminated"


class PartyRole(StrEnum):
    """A controller decides and signs; a processor acts under a contract (UK GDPR Article 28)."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"


class OnLapse(StrEnum):
    """What a lapsed review, approval or assurance does. Secondary uses may not warn."""

    WARN = "warn"
    DENY = "deny"


class SFlag(StrEnum):
    """What becomes of a person whose PDS security is not U."""

    STRIP_LOCATION = "strip_location"
    EXCLUDE_PERSON = "exclude_person"


class Shape(StrEnum):
    """How a grant lets its subjects be named."""

    KNOWN = "known"
    DESCRIBED = "described"
    POPULATION = "population"


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation bound by the agreement, and the datasets whose controller it is."""

    ods: str
    org_class: OrgClass
    role: PartyRole
    joint: bool = False
    provides: frozenset[str] = frozenset()
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One controller's signature to a version or to one of its addenda, from an instant until it is withdrawn.

    ``text_hash``, where known, binds the signature to the text: it counts for no other.
    """

    agreement: str
    version: int
    ods: str
    signed: datetime
    addendum: str = ""
    withdrawn: datetime | None = None
    text_hash: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's permission from outside, such as section 251 support, for ``covers`` until ``valid_to``."""

    ref: str
    valid_to: datetime
    covers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Assurance:
    """A DSPT status that recipients, providers or both must hold when a decision is made."""

    at_least: str
    of_recipients: bool
    of_providers: bool


@dataclass(frozen=True, slots=True)
class OptOut:
    """A scheme that this agreement applies. The list must be no older than ``max_age``."""

    scheme: str
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who may receive. Every condition present must hold."""

    organisations: frozenset[str] = frozenset()
    org_classes: frozenset[OrgClass] = frozenset()
    callers: frozenset[str] = frozenset()
    own_registered_only: bool = False
    own_staff_only: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing permitted: these roles of these recipients may have these fields, for this purpose, at this level."""

    id: str
    purpose: Purpose
    level: Level
    recipients: Recipients
    roles: frozenset[Role]
    datasets: frozenset[str]
    fields: frozenset[str]
    subjects: frozenset[Shape]
    relationship: frozenset[str] = frozenset()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addendum:
    """A later grant. It uses the data of the controllers that signed it, and of nobody else."""

    id: str
    effective_from: datetime
    grant: Grant
    hash: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """One immutable version of a framework or an agreement.

    ``hash`` is the SHA-256 of the canonical text without status, signatures and addenda, which change around it.
    """

    kind: DocumentKind
    id: str
    version: int
    status: Status
    title: str
    framework: str
    framework_version: int
    valid_from: datetime
    valid_to: datetime
    review_by: datetime
    review_grace: timedelta
    on_lapse: OnLapse
    parties: tuple[Party, ...]
    joint_arrangement: str
    signatures: tuple[Signature, ...]
    assurance: Assurance | None
    approvals: tuple[Approval, ...]
    confidentiality_basis: str
    opt_outs: tuple[OptOut, ...]
    opt_outs_stated: bool
    opt_out_reason: str
    datasets: Mapping[str, frozenset[str]]
    code_sets: tuple[str, ...]
    s_flag: SFlag
    unnumbered_kept: bool
    pairs: frozenset[frozenset[str]]
    grants: tuple[Grant, ...]
    addenda: tuple[Addendum, ...]
    project: str
    break_glass: bool
    obligations: tuple[str, ...]
    hash: str
    lines: Mapping[str, int] = field(compare=False, repr=False, default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """The id and the version: what a status or a signature is about."""
        return self.id, self.version

    def party(self, ods: str) -> Party | None:
        """Return the party with this code, if it is one."""
        return next((p for p in self.parties if p.ods == ods), None)

    def all_grants(self) -> tuple[Grant, ...]:
        """Return the version's own grants and those of its addenda, whether or not in force."""
        return self.grants + tuple(a.grant for a in self.addenda)
