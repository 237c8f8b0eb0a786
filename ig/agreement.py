"""An agreement's text becomes a value, or is refused with the line and the rule.

``load`` is strict YAML, then the schema, then construction; ``lint`` (re-exported) asks whether the terms make sense.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jsonschema import Draft202012Validator

from ig.canonical import canonical
from ig.decision import Duty
from ig.lint import Lint, LintRule, Severity, lint
from ig.purpose import Level, OrgClass, Purpose, Role
from ig.schema import SCHEMA
from ig.strict_yaml import AgreementFault, Document, read
from ig.terms import (
    Addendum,
    Agreement,
    Approval,
    Assurance,
    DocumentKind,
    Grant,
    OnLapse,
    OptOut,
    Party,
    PartyRole,
    Recipients,
    SFlag,
    Shape,
    Signature,
    Status,
)

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["Agreement", "AgreementFault", "Lint", "LintRule", "Severity", "instant", "lint", "load", "statement"]

_AROUND_THE_TEXT = frozenset({"status", "signatures", "addenda"})

_LIMITS = (
    ("volume", "max_rows_per_request", Duty.MAX_ROWS),
    ("volume", "max_requests_per_day", Duty.MAX_REQUESTS_PER_DAY),
    ("disclosure_control", "min_cell", Duty.MIN_CELL),
    ("disclosure_control", "round_to", Duty.ROUND_TO),
    ("disclosure_control", "min_contributors", Duty.MIN_CONTRIBUTORS),
    ("disclosure_control", "dominance_percent", Duty.DOMINANCE_PERCENT),
    ("disclosure_control", "overlap_guard", Duty.OVERLAP_GUARD),
)


def load(text: str) -> Agreement:
    """Read one agreement or framework.

    Raises:
        AgreementFault: for what is not strict YAML, not the schema, or not a date; with line, path and rule.
    """
    document = read(text)
    _check_schema(document)
    assert isinstance(document.value, dict)
    return _agreement(document.value, document)


def instant(text: str) -> datetime:
    """Return the UTC instant at which the day ``text`` (ISO) begins in London.

    Raises:
        ValueError: when it is no date.
    """
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=_london()).astimezone(UTC)


def statement(agreement: Agreement, addendum: str = "") -> str:
    """Return the hash that a signature to the version, or to its addendum, is about; empty if there is none such."""
    if not addendum:
        return agreement.hash
    return next((a.hash for a in agreement.addenda if a.id == addendum), "")


@cache
def _london() -> ZoneInfo:
    return ZoneInfo("Europe/London")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _check_schema(document: Document) -> None:
    """Refuse the first thing in the text that the schema does not allow; a key too many before a key too few."""
    faults = [(*_place(document, fault), fault) for fault in _validator().iter_errors(document.value)]
    if faults:
        line, path, fault = min(faults, key=lambda f: (f[2].validator != "additionalProperties", f[0], f[1]))
        # a file that is no agreement at all may be somebody's data: nothing of it is repeated
        foreign = fault.validator == "type" and not fault.absolute_path
        said = "this is not an agreement: a mapping of keys was expected" if foreign else fault.message[:200]
        raise AgreementFault(line, path, f"schema-{fault.validator}", said)


def _place(document: Document, fault: ValidationError) -> tuple[int, str]:
    """The line and the path at fault; where a key is too many, that key's."""
    path = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in fault.absolute_path).lstrip(".")
    if fault.validator == "additionalProperties":
        schema: Any = fault.schema
        instance: Any = fault.instance
        extra = next(key for key in instance if key not in schema["properties"])
        path = f"{path}.{extra}".lstrip(".")
    return document.lines[path], path


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _agreement(raw: dict[str, Any], document: Document) -> Agreement:
    framework = raw.get("framework", {})
    preconditions = raw.get("preconditions", {})
    exclusions = raw.get("exclusions", {})
    dspt = preconditions.get("dspt")
    return Agreement(
        kind=DocumentKind(raw["kind"]),
        id=raw["id"],
        version=raw["version"],
        status=Status(raw["status"]),
        title=raw["title"],
        framework=framework.get("id", ""),
        framework_version=framework.get("min_version", 0),
        valid_from=instant(raw["valid_from"]),
        valid_to=instant(raw["valid_to"]),
        review_by=instant(raw["review_by"]),
        review_grace=timedelta(days=raw.get("review_grace_days", 0)),
        on_lapse=OnLapse(raw.get("on_lapse", OnLapse.DENY)),
        parties=tuple(_party(p) for p in raw["parties"]),
        joint_arrangement=raw.get("joint_arrangement", ""),
        signatures=tuple(_signature(raw["id"], s) for s in raw.get("signatures", ())),
        assurance=_assurance(dspt) if dspt else None,
        approvals=tuple(
            Approval(a["ref"], instant(a["valid_to"]), frozenset(a["covers"]))
            for a in preconditions.get("approvals", ())
        ),
        confidentiality_basis=raw["legal"]["cldc"]["basis"],
        opt_outs=_opt_outs(raw.get("opt_outs", {})),
        opt_outs_stated="opt_outs" in raw,
        opt_out_reason=raw.get("opt_outs", {}).get("reason", ""),
        datasets={name: frozenset(d["fields"]) for name, d in raw["datasets"].items()},
        code_sets=tuple(sorted(exclusions.get("code_sets", ()))),
        s_flag=SFlag(exclusions.get("s_flag", SFlag.EXCLUDE_PERSON)),
        unnumbered_kept=raw.get("unnumbered_people", "keep") == "keep",
        pairs=frozenset(frozenset(pair) for pair in raw.get("linkage", {}).get("permitted_pairs", ())),
        grants=tuple(_grant(g) for g in raw["grants"]),
        addenda=tuple(
            Addendum(a["id"], instant(a["effective_from"]), _grant(a["grant"]), _digest(a))
            for a in raw.get("addenda", ())
        ),
        project=raw.get("pseudonymisation", {}).get("project", ""),
        break_glass=raw.get("break_glass", {}).get("allowed", False),
        obligations=tuple(sorted(raw.get("obligations", ()))),
        hash=_digest({key: value for key, value in raw.items() if key not in _AROUND_THE_TEXT}),
        lines=document.lines,
    )


def _party(raw: dict[str, Any]) -> Party:
    return Party(
        ods=raw["ods"],
        org_class=OrgClass(raw["org_class"]),
        role=PartyRole(raw["role"]),
        joint=raw.get("joint", False),
        provides=frozenset(raw.get("provides", ())),
        contract=raw.get("art28_ref", ""),
    )


def _signature(agreement: str, raw: dict[str, Any]) -> Signature:
    withdrawn = raw.get("withdrawn_on")
    return Signature(
        agreement=agreement,
        version=raw["version"],
        ods=raw["ods"],
        signed=instant(raw["signed_on"]),
        addendum=raw.get("addendum", ""),
        withdrawn=instant(withdrawn) if withdrawn else None,
        text_hash=raw.get("text_hash", ""),
    )


def _assurance(raw: dict[str, Any]) -> Assurance:
    return Assurance(raw["at_least"], "recipients" in raw["applies_to"], "providers" in raw["applies_to"])


def _opt_outs(raw: dict[str, Any]) -> tuple[OptOut, ...]:
    stated: list[tuple[str, dict[str, Any]]] = [(s, raw[s]) for s in ("national", "type1") if s in raw]
    stated += [(f"scheme:{s['code']}", s) for s in raw.get("schemes", ())]
    return tuple(
        OptOut(scheme, timedelta(days=terms["max_cache_age_days"]) if "max_cache_age_days" in terms else None)
        for scheme, terms in stated
        if terms["apply"]
    )


def _grant(raw: dict[str, Any]) -> Grant:
    recipients = raw["recipients"]
    return Grant(
        id=raw["id"],
        purpose=Purpose(raw["purpose"]),
        level=Level(raw["level"]),
        recipients=Recipients(
            organisations=frozenset(recipients.get("organisations", ())),
            org_classes=frozenset(OrgClass(c) for c in recipients.get("org_classes", ())),
            callers=frozenset(recipients.get("callers", ())),
            own_registered_only=recipients.get("own_registered_only", False),
            own_staff_only=recipients.get("own_staff_only", False),
        ),
        roles=frozenset(Role(r) for r in raw["roles"]),
        datasets=frozenset(raw["datasets"]),
        fields=frozenset(raw["fields"]),
        subjects=frozenset(Shape(s) for s in raw["subjects"]),
        relationship=frozenset(raw.get("relationship", ())),
        limits=tuple(f"{duty}:{raw[block][key]}" for block, key, duty in _LIMITS if key in raw.get(block, {})),
    )
