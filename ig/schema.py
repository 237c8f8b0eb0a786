"""The JSON Schema (2020-12) of ``gateway/isa/v1``: the shape of an agreement. Its sense is the linter's affair.

It is a module and not a file because this room opens no files; ``docs`` renders it, and anybody may dump it as JSON.
Vocabularies come from the enums, so a word cannot be allowed here and unknown there.
"""

from __future__ import annotations

from typing import Any, Final

from ig.decision import Duty
from ig.purpose import Dataset, Level, OrgClass, Purpose, Role
from ig.terms import DocumentKind, OnLapse, PartyRole, SFlag, Shape, Status

DSPT: Final = ("standards-not-met", "approaching-standards", "standards-met", "standards-exceeded")
"""Data Security and Protection Toolkit statuses, weakest first."""

RELATIONSHIPS: Final = ("registration", "caseload", "episode", "referral", "self-claim")

PLAIN_OBLIGATIONS: Final = (
    Duty.AUDIT_FULL,
    Duty.NOTIFY_CONTROLLER_MONTHLY,
    Duty.SUBJECT_ACCESS_VISIBLE,
    Duty.VERIFY_IDENTITY,
    Duty.NAME_RETIRED_PSEUDONYMS,
)

CONFIDENTIALITY: Final = (
    "implied_consent",
    "explicit_consent",
    "s251",
    "statute",
    "public_interest",
    "not_confidential",
)

_Schema = dict[str, Any]

_TEXT: _Schema = {"type": "string", "minLength": 1, "maxLength": 2000}
_ID: _Schema = {"type": "string", "pattern": r"^[A-Z][A-Z0-9-]{1,47}$"}
_ODS: _Schema = {"type": "string", "pattern": r"^[A-Z0-9]{3,10}$"}
_DATE: _Schema = {"type": "string", "format": "date", "pattern": r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$"}
_NAME: _Schema = {"type": "string", "pattern": r"^[a-z][a-z0-9_-]{0,63}$"}
_CALLER: _Schema = {"type": "string", "pattern": r"^system-[a-z][a-z0-9-]{0,47}$"}
_SHA256: _Schema = {"type": "string", "pattern": r"^[0-9a-f]{64}$"}
_FLAG: _Schema = {"type": "boolean"}
_VERSION: _Schema = {"type": "integer", "minimum": 1, "maximum": 9999}


def _count(minimum: int, maximum: int) -> _Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def _one_of(words: Any) -> _Schema:  # noqa: ANN401 - an enum class or a tuple of words
    return {"enum": [str(word) for word in words]}


def _some(item: _Schema, *, at_least: int = 1) -> _Schema:
    return {"type": "array", "items": item, "minItems": at_least, "maxItems": 2000, "uniqueItems": True}


def _object(required: _Schema, optional: _Schema | None = None) -> _Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


_PARTY = _object(
    {"ods": _ODS, "org_class": _one_of(OrgClass), "role": _one_of(PartyRole)},
    {
        "name": _TEXT,
        "joint": _FLAG,
        "provides": _some(_one_of(Dataset)),
        "art28_ref": _TEXT,
        "function": _TEXT,
        "contacts": {"type": "object", "propertyNames": _NAME, "additionalProperties": _TEXT},
    },
)
_SIGNATURE = _object(
    {"ods": _ODS, "version": _VERSION, "signed_on": _DATE},
    {"addendum": _ID, "withdrawn_on": _DATE, "signatory": _TEXT, "text_hash": _SHA256},
)
_GRANT = _object(
    {
        "id": _ID,
        "purpose": _one_of(Purpose),
        "level": _one_of(Level),
        "recipients": _object(
            {},
            {
                "organisations": _some(_ODS),
                "org_classes": _some(_one_of(OrgClass)),
                "callers": _some(_CALLER),
                "own_registered_only": _FLAG,
                "own_staff_only": _FLAG,
            },
        ),
        "roles": _some(_one_of(Role)),
        "datasets": _some(_one_of(Dataset)),
        "fields": _some(_NAME),
        "subjects": _some(_one_of(Shape)),
    },
    {
        "relationship": _some(_one_of(RELATIONSHIPS)),
        "volume": _object({}, {"max_rows_per_request": _count(1, 10**9), "max_requests_per_day": _count(1, 10**6)}),
        "disclosure_control": _object(
            {"min_cell": _count(1, 1000)},
            {
                "profile": _NAME,
                "round_to": _count(1, 1000),
                "min_contributors": _count(1, 1000),
                "dominance_percent": _count(1, 100),
                "overlap_guard": _count(1, 1000),
            },
        ),
    },
)
_ADDENDUM = _object(
    {"id": _ID, "effective_from": _DATE, "change": {"const": "add_grant"}, "binds": {"const": "signatories_only"}}
    | {"grant": _GRANT},
    {"title": _TEXT},
)
_OPT_OUT = _object({"apply": _FLAG}, {"max_cache_age_days": _count(1, 365)})

SCHEMA: Final[_Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "gateway/isa/v1",
    **_object(
        {
            "schema": {"const": "gateway/isa/v1"},
            "kind": _one_of(DocumentKind),
            "id": _ID,
            "version": _VERSION,
            "status": _one_of(Status),
            "title": _TEXT,
            "valid_from": _DATE,
            "valid_to": _DATE,
            "review_by": _DATE,
            "parties": _some(_PARTY),
            "legal": _object(
                {"art6": _TEXT, "art9": _TEXT, "cldc": _object({"basis": _one_of(CONFIDENTIALITY)}, {"ref": _TEXT})},
                {"statutory_gateways": _some(_TEXT), "art14_notice": _TEXT},
            ),
            "datasets": {
                "type": "object",
                "propertyNames": _one_of(Dataset),
                "additionalProperties": _object({"fields": _some(_NAME)}, {"justification": _TEXT}),
                "minProperties": 1,
            },
            "grants": _some(_GRANT),
        },
        {
            "framework": _object({"id": _ID, "min_version": _VERSION}),
            "documents": _some(
                _object({"kind": _NAME, "title": _TEXT}, {"ref": _TEXT, "sha256": _SHA256, "approved_on": _DATE})
            ),
            "review_grace_days": _count(0, 366),
            "on_lapse": _one_of(OnLapse),
            "joint_arrangement": _TEXT,
            "signatures": _some(_SIGNATURE, at_least=0),
            "preconditions": _object(
                {},
                {
                    "dspt": _object(
                        {"at_least": _one_of(DSPT), "applies_to": _some(_one_of(("recipients", "providers")))}
                    ),
                    "approvals": _some(_object({"ref": _TEXT, "valid_to": _DATE, "covers": _some(_one_of(Dataset))})),
                },
            ),
            "opt_outs": _object(
                {"national": _OPT_OUT, "type1": _OPT_OUT},
                {
                    "schemes": _some(_object({"code": _ID, "apply": _FLAG}, {"max_cache_age_days": _count(1, 365)})),
                    "reason": _TEXT,
                },
            ),
            "exclusions": _object({}, {"code_sets": _some(_NAME), "s_flag": _one_of(SFlag)}),
            "unnumbered_people": _one_of(("keep", "exclude")),
            "linkage": _object(
                {"permitted_pairs": _some({**_some(_one_of(Dataset), at_least=2), "maxItems": 2}, at_least=0)}
            ),
            "addenda": _some(_ADDENDUM),
            "pseudonymisation": _object({"project": _NAME}, {"reidentification": _one_of(("never", "own_list"))}),
            "onward_sharing": _object({"allowed": _FLAG}),
            "retention": _object({"period": {"type": "string", "pattern": r"^P[0-9]{1,3}[YMD]$"}}, {"after": _TEXT}),
            "break_glass": _object({"allowed": _FLAG}),
            "obligations": _some(_one_of(PLAIN_OBLIGATIONS)),
        },
    ),
}
"""The whole schema. Unknown keys are refused at every depth."""
