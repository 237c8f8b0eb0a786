"""Do an agreement's terms make sense? The rules that bite, each a small function (``design/ig.md`` 1.2).

An *error* keeps a version out of force; a *warning* is shown to whoever activates it. Nothing here is legal advice.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ig.decision import Duty
from ig.purpose import CARE_USES, SECONDARY_USES, Dataset, Element, LedgerField, Level, Purpose, Role, Section
from ig.terms import DocumentKind, OnLapse, PartyRole, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ig.terms import Agreement, Grant


class Severity(StrEnum):
    """Whether a finding keeps the version out of force."""

    ERROR = "error"
    WARNING = "warning"


class LintRule(StrEnum):
    """The rules, as stable codes."""

    FRAMEWORK = "framework"
    TERM = "term"
    DUPLICATE = "duplicate"
    ARTICLE_26 = "article-26-arrangement"
    ARTICLE_28 = "article-28-contract"
    NOT_A_PARTY = "not-a-party"
    NO_RECIPIENT = "no-recipient"
    NO_PROVIDER = "no-provider"
    UNDECLARED = "undeclared"
    UNKNOWN_FIELD = "unknown-field"
    SYSTEM_CALLERS = "system-callers"
    ADMINISTRATOR = "administrator"
    RELATIONSHIP = "relationship"
    EMERGENCY = "emergency"
    ON_LAPSE = "on-lapse"
    OPT_OUTS = "opt-outs"
    APPROVAL = "approval"
    IDENTIFIABLE = "identifiable"
    PSEUDONYMS = "pseudonyms"
    DISCLOSURE_CONTROL = "disclosure-control"
    LINKAGE = "linkage"
    UNSIGNED = "unsigned"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class Lint:
    """One finding: where (line from 1, path), which rule, and what to do."""

    severity: Severity
    rule: LintRule
    line: int
    path: str
    message: str


_Finding = tuple[Severity, LintRule, str, str]
_COVERS_IDENTIFIABLE = frozenset({"s251", "explicit_consent", "statute", "public_interest"})
_NEEDS_NO_OPT_OUT = frozenset({"explicit_consent", "statute", "public_interest", "not_confidential"})
_VOCABULARY = {
    Dataset.INDEX: frozenset(Element) | frozenset({Section.DEMOGRAPHICS, Section.REGISTRATION}),
    Dataset.LEDGER: frozenset(LedgerField),
}
_RECORD = frozenset(Section)


def lint(agreement: Agreement) -> list[Lint]:
    """Return every finding, errors first, each group in order of line."""
    found = [_error_or_warning(agreement, f) for rule in _RULES for f in rule(agreement)]
    return sorted(found, key=lambda x: (x.severity is Severity.WARNING, x.line, x.rule, x.path))


def errors(agreement: Agreement) -> list[Lint]:
    """Return the findings that keep the version out of force."""
    return [finding for finding in lint(agreement) if finding.severity is Severity.ERROR]


def _error_or_warning(agreement: Agreement, finding: _Finding) -> Lint:
    severity, rule, path, message = finding
    return Lint(severity, rule, agreement.lines.get(path, 1), path, message)


def _bad(rule: LintRule, path: str, message: str) -> _Finding:
    return Severity.ERROR, rule, path, message


def _odd(rule: LintRule, path: str, message: str) -> _Finding:
    return Severity.WARNING, rule, path, message


def _grants(agreement: Agreement) -> Iterator[tuple[str, Grant]]:
    """Every grant with its path."""
    for i, grant in enumerate(agreement.grants):
        yield f"grants[{i}]", grant
    for i, addendum in enumerate(agreement.addenda):
        yield f"addenda[{i}].grant", addendum.grant


def _secondary(agreement: Agreement) -> bool:
    return any(grant.purpose in SECONDARY_USES for grant in agreement.all_grants())


def _framework(a: Agreement) -> Iterator[_Finding]:
    if a.kind is DocumentKind.AGREEMENT and not a.framework:
        yield _bad(LintRule.FRAMEWORK, "", "an agreement stands under a framework: name it")
    if a.kind is DocumentKind.FRAMEWORK and a.framework:
        yield _bad(LintRule.FRAMEWORK, "framework", "a framework stands under no other")


def _term(a: Agreement) -> Iterator[_Finding]:
    if a.valid_from >= a.valid_to:
        yield _bad(LintRule.TERM, "valid_to", "it ends before it begins")
    if a.review_by > a.valid_to:
        yield _bad(LintRule.TERM, "review_by", "the review is due after the end")
    for i, addendum in enumerate(a.addenda):
        if not a.valid_from <= addendum.effective_from < a.valid_to:
            yield _bad(
                LintRule.TERM, f"addenda[{i}].effective_from", "the addendum begins outside the agreement's term"
            )


def _duplicates(a: Agreement) -> Iterator[_Finding]:
    named = {
        "parties": [p.ods for p in a.parties],
        "grants": [g.id for g in a.all_grants()],
        "addenda": [d.id for d in a.addenda],
    }
    for path, ids in named.items():
        for name, count in Counter(ids).items():
            if count > 1:
                yield _bad(LintRule.DUPLICATE, path, f"{name} is there {count} times")


def _parties(a: Agreement) -> Iterator[_Finding]:
    if any(p.joint for p in a.parties) and not a.joint_arrangement:
        yield _bad(LintRule.ARTICLE_26, "parties", "joint controllers need their arrangement: name joint_arrangement")
    for i, party in enumerate(a.parties):
        if party.role is PartyRole.PROCESSOR and not party.contract:
            yield _bad(LintRule.ARTICLE_28, f"parties[{i}]", "a processor needs its contract: name art28_ref")
    for i, signature in enumerate(a.signatures):
        if a.party(signature.ods) is None:
            yield _bad(LintRule.NOT_A_PARTY, f"signatures[{i}]", f"{signature.ods} signs and is no party")
        if signature.addendum and signature.addendum not in {d.id for d in a.addenda}:
            yield _bad(LintRule.NOT_A_PARTY, f"signatures[{i}]", f"there is no addendum {signature.addendum}")


def _recipients(a: Agreement) -> Iterator[_Finding]:
    for path, grant in _grants(a):
        to = grant.recipients
        if not to.organisations and not to.org_classes:
            yield _bad(LintRule.NO_RECIPIENT, f"{path}.recipients", "name organisations or their classes")
        for ods in sorted(to.organisations):
            if a.party(ods) is None:
                yield _bad(LintRule.NOT_A_PARTY, f"{path}.recipients", f"{ods} receives and is no party")
        for org_class in sorted(to.org_classes - {p.org_class for p in a.parties}):
            yield _bad(LintRule.NOT_A_PARTY, f"{path}.recipients", f"no party is of class {org_class}")


def _roles(a: Agreement) -> Iterator[_Finding]:
    for path, grant in _grants(a):
        if Role.SYSTEM_ADMIN in grant.roles:
            yield _bad(LintRule.ADMINISTRATOR, f"{path}.roles", "a system administrator is granted no data")
        system = Role.SYSTEM in grant.roles
        if system and (not grant.recipients.callers or len(grant.roles) > 1):
            yield _bad(
                LintRule.SYSTEM_CALLERS, f"{path}.recipients", "the system role is granted to named callers alone"
            )
        if not system and grant.recipients.callers:
            yield _bad(LintRule.SYSTEM_CALLERS, f"{path}.recipients", "callers are named for the system role only")
        if grant.purpose is Purpose.PROCESSING and not system:
            yield _bad(LintRule.SYSTEM_CALLERS, f"{path}.roles", "processing is granted to the system role")


def _scope(a: Agreement) -> Iterator[_Finding]:
    provided = frozenset(itertools.chain.from_iterable(p.provides for p in a.parties))
    for path, grant in _grants(a):
        for name in sorted(grant.datasets - frozenset(a.datasets)):
            yield _bad(LintRule.UNDECLARED, f"{path}.datasets", f"the dataset {name} is not declared")
        for name in sorted(grant.datasets - provided):
            yield _bad(LintRule.NO_PROVIDER, f"{path}.datasets", f"no party provides {name}")
        declared = frozenset(itertools.chain.from_iterable(a.datasets.get(d, ()) for d in grant.datasets))
        for name in sorted(grant.fields - declared):
            yield _bad(LintRule.UNDECLARED, f"{path}.fields", f"the field {name} is declared in none of its datasets")
        if Section.SENSITIVE in grant.fields and grant.purpose is not Purpose.PROCESSING:
            yield _odd(LintRule.SENSITIVE, f"{path}.fields", "this shares the sensitive section")
        if any(frozenset(pair) not in a.pairs for pair in itertools.combinations(sorted(grant.datasets), 2)):
            yield _odd(LintRule.LINKAGE, f"{path}.datasets", "not every pair of its datasets may be linked")


def _vocabulary(a: Agreement) -> Iterator[_Finding]:
    """Where a person is shown, fields are sections and elements; releases name columns of their own."""
    if _secondary(a):
        return
    for dataset, fields in a.datasets.items():
        for name in sorted(fields - _VOCABULARY.get(Dataset(dataset), _RECORD)):
            yield _bad(LintRule.UNKNOWN_FIELD, f"datasets.{dataset}.fields", f"{dataset} has no field {name}")


def _care(a: Agreement) -> Iterator[_Finding]:
    for path, grant in _grants(a):
        if grant.purpose is Purpose.DIRECT_CARE and not grant.relationship:
            yield _bad(LintRule.RELATIONSHIP, path, "direct care needs a relationship: name the kinds")
        narrow = grant.level is Level.PATIENT and grant.subjects == {Shape.KNOWN}
        if grant.purpose is Purpose.EMERGENCY and not (a.break_glass and narrow):
            yield _bad(
                LintRule.EMERGENCY, path, "emergency access is to one known patient, where break_glass is allowed"
            )
    if a.on_lapse is OnLapse.WARN and _secondary(a):
        yield _bad(LintRule.ON_LAPSE, "on_lapse", "a lapse must deny secondary uses")


def _opt_outs(a: Agreement) -> Iterator[_Finding]:
    applied = {rule.scheme for rule in a.opt_outs}
    if applied and any(g.purpose in CARE_USES for g in a.all_grants()):
        yield _bad(LintRule.OPT_OUTS, "opt_outs", "opt-outs from secondary use never touch direct care")
    if not _secondary(a):
        return
    if not a.opt_outs_stated:
        yield _bad(LintRule.OPT_OUTS, "", "a secondary use states which opt-outs it applies")
    elif "national" not in applied and a.confidentiality_basis not in _NEEDS_NO_OPT_OUT and not a.opt_out_reason:
        yield _bad(
            LintRule.OPT_OUTS, "opt_outs", "on this basis the national opt-out applies: apply it or give the reason"
        )
    elif "national" in applied and a.confidentiality_basis in _NEEDS_NO_OPT_OUT and not a.opt_out_reason:
        yield _odd(LintRule.OPT_OUTS, "opt_outs", "on this basis the national opt-out need not apply: give the reason")


def _approval(a: Agreement) -> Iterator[_Finding]:
    """Section 251 support names its data; what it does not name needs another basis (rule 1)."""
    if a.confidentiality_basis != "s251":
        return
    covered = frozenset(itertools.chain.from_iterable(x.covers for x in a.approvals))
    for path, grant in _grants(a):
        for name in sorted(grant.datasets - covered):
            yield _bad(LintRule.APPROVAL, f"{path}.datasets", f"no approval covers {name}")


def _secondary_use(a: Agreement) -> Iterator[_Finding]:
    for path, grant in _grants(a):
        if grant.purpose not in SECONDARY_USES:
            continue
        if grant.level is Level.PATIENT and a.confidentiality_basis not in _COVERS_IDENTIFIABLE:
            yield _bad(LintRule.IDENTIFIABLE, path, "this basis does not cover identifiable data in a secondary use")
        if grant.level is Level.PSEUDONYMISED and not a.project:
            yield _bad(LintRule.PSEUDONYMS, path, "pseudonymised data needs its project: name pseudonymisation")
        controlled = any(limit.startswith(f"{Duty.MIN_CELL}:") for limit in grant.limits)
        if grant.level is Level.AGGREGATE and not controlled:
            yield _bad(LintRule.DISCLOSURE_CONTROL, path, "an aggregate needs disclosure_control")


def _signed(a: Agreement) -> Iterator[_Finding]:
    signed = {s.ods for s in a.signatures if s.version == a.version and not s.addendum}
    for i, party in enumerate(a.parties):
        if party.role is PartyRole.CONTROLLER and party.ods not in signed:
            yield _odd(LintRule.UNSIGNED, f"parties[{i}]", f"{party.ods} has not signed: none of its data will be used")


_RULES: tuple[Callable[[Agreement], Iterator[_Finding]], ...] = (
    _framework,
    _term,
    _duplicates,
    _parties,
    _recipients,
    _roles,
    _scope,
    _vocabulary,
    _care,
    _opt_outs,
    _approval,
    _secondary_use,
    _signed,
)
