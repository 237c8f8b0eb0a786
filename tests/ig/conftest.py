"""Registers, facts and requests to decide on: the demonstration's, and a small world of our own."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.agreements import demo_agreements
from ig.agreement import load
from ig.decide import Asker, Fact, Facts, Known, Request, SubjectRef, decide
from ig.purpose import Level, OrgClass, Purpose, Role
from ig.register import Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from ig.agreement import Agreement
    from ig.decide import Decision

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

_PARTIES: list[dict[str, Any]] = [
    {"ods": "999", "org_class": "council", "role": "controller", "provides": ["social_care", "index"]},
    {"ods": "Z99001", "org_class": "gp-practice", "role": "controller", "provides": ["gp"]},
    {"ods": "Z99002", "org_class": "gp-practice", "role": "controller", "provides": ["gp"]},
    {"ods": "QZZ", "org_class": "icb", "role": "controller"},
    {"ods": "0ZZ", "org_class": "safe-haven", "role": "processor", "art28_ref": "DPA-1"},
]
_LEGAL = {"art6": "6(1)(e)", "art9": "9(2)(h)", "cldc": {"basis": "s251", "ref": "X"}}

_FRAMEWORK: dict[str, Any] = {
    "schema": "gateway/isa/v1",
    "kind": "framework",
    "id": "FW-T",
    "version": 1,
    "status": "active",
    "title": "Framework",
    "valid_from": "2025-01-01",
    "valid_to": "2029-01-01",
    "review_by": "2028-01-01",
    "on_lapse": "warn",
    "parties": _PARTIES,
    "signatures": [{"ods": p["ods"], "version": 1, "signed_on": "2025-01-01"} for p in _PARTIES[:4]],
    "legal": _LEGAL,
    "preconditions": {"approvals": [{"ref": "X", "valid_to": "2029-01-01", "covers": ["gp", "social_care", "index"]}]},
    "datasets": {"index": {"fields": ["nhs_number"]}},
    "grants": [
        {
            "id": "F1",
            "purpose": "processing",
            "level": "patient",
            "recipients": {"organisations": ["0ZZ"], "callers": ["system-link"]},
            "roles": ["system"],
            "datasets": ["index"],
            "fields": ["nhs_number"],
            "subjects": ["population"],
        }
    ],
}

_SECONDARY: dict[str, Any] = {
    **_FRAMEWORK,
    "kind": "agreement",
    "id": "ISA-T",
    "title": "Case finding",
    "framework": {"id": "FW-T", "min_version": 1},
    "on_lapse": "deny",
    "preconditions": {
        "dspt": {"at_least": "standards-met", "applies_to": ["recipients", "providers"]},
        "approvals": [{"ref": "X", "valid_to": "2027-06-01", "covers": ["gp", "social_care"]}],
    },
    "opt_outs": {
        "national": {"apply": True, "max_cache_age_days": 7},
        "type1": {"apply": True},
        "schemes": [{"code": "RS-OBJ", "apply": True}],
    },
    "datasets": {"gp": {"fields": ["name", "risk_band", "lsoa"]}, "social_care": {"fields": ["care_hours"]}},
    "exclusions": {"code_sets": ["sensitive-v1"], "s_flag": "exclude_person"},
    "unnumbered_people": "exclude",
    "linkage": {"permitted_pairs": [["gp", "social_care"]]},
    "grants": [
        {
            "id": "G1",
            "purpose": "riskstrat-casefind",
            "level": "patient",
            "recipients": {"org_classes": ["gp-practice"], "own_registered_only": True},
            "roles": ["gp"],
            "datasets": ["gp", "social_care"],
            "fields": ["name", "risk_band", "lsoa", "care_hours"],
            "subjects": ["known", "population"],
            "volume": {"max_rows_per_request": 100},
        }
    ],
    "addenda": [
        {
            "id": "A1",
            "effective_from": "2026-01-01",
            "change": "add_grant",
            "binds": "signatories_only",
            "grant": {
                "id": "G2",
                "purpose": "riskstrat-commissioning",
                "level": "aggregate",
                "recipients": {"organisations": ["QZZ"]},
                "roles": ["analyst"],
                "datasets": ["gp"],
                "fields": ["risk_band", "lsoa"],
                "subjects": ["population"],
                "disclosure_control": {"min_cell": 8, "round_to": 5},
            },
        }
    ],
    "obligations": ["audit-full"],
}
_SECONDARY["signatures"] = [
    *_FRAMEWORK["signatures"],
    {"ods": "Z99001", "version": 1, "addendum": "A1", "signed_on": "2026-01-01"},
]

_CARE: dict[str, Any] = {
    **_FRAMEWORK,
    "kind": "agreement",
    "id": "ISA-C",
    "title": "Care",
    "framework": {"id": "FW-T", "min_version": 1},
    "legal": {**_LEGAL, "cldc": {"basis": "implied_consent"}},
    "preconditions": {"dspt": {"at_least": "standards-met", "applies_to": ["recipients"]}},
    "datasets": {"gp": {"fields": ["problems", "registration", "consultations"]}},
    "exclusions": {"s_flag": "strip_location"},
    "grants": [
        {
            "id": "C1",
            "purpose": "direct-care",
            "level": "patient",
            "recipients": {"org_classes": ["council"]},
            "roles": ["social-worker"],
            "datasets": ["gp"],
            "fields": ["problems", "registration"],
            "subjects": ["known", "population"],
            "relationship": ["caseload", "self-claim"],
        },
        {
            "id": "C2",
            "purpose": "emergency",
            "level": "patient",
            "recipients": {"org_classes": ["council"]},
            "roles": ["social-worker"],
            "datasets": ["gp"],
            "fields": ["problems"],
            "subjects": ["known"],
        },
    ],
    "break_glass": {"allowed": True},
}
_WORLD = {"framework": _FRAMEWORK, "secondary": _SECONDARY, "care": _CARE}


@pytest.fixture(scope="session")
def now() -> datetime:
    return _NOW


@pytest.fixture(scope="session")
def demo() -> Register:
    return Register(tuple(load(text) for text in demo_agreements()))


@pytest.fixture(scope="session")
def raw() -> Callable[..., dict[str, Any]]:
    """Return a fresh copy of one document of the small world, top-level keys replaced."""

    def make(name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of a document
        return {**copy.deepcopy(_WORLD[name]), **copy.deepcopy(changes)}

    return make


@pytest.fixture(scope="session")
def agreement() -> Callable[[dict[str, Any]], Agreement]:
    """Load a document given as plain values: JSON is YAML, and quotes what must be quoted."""
    once = cache(load)
    return lambda document: once(json.dumps(document))


@pytest.fixture(scope="session")
def world(raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]) -> Callable[..., Register]:
    """Return the small world's register, any document given by name taking the place of the usual one."""

    def make(**changed: dict[str, Any]) -> Register:
        documents = {name: raw(name) for name in _WORLD} | changed
        return Register(tuple(agreement(document) for document in documents.values()))

    return make


@pytest.fixture(scope="session")
def favourable() -> Facts:
    """Facts under which nothing is missing, about a person of practice Z99001."""
    organisations = ("999", "Z99001", "Z99002", "QZZ", "0ZZ", "RZZ", *(f"Z9900{n}" for n in range(3, 7)))
    known = Fact("none", "test", _NOW)
    return Facts(
        assurance={ods: Fact("standards-met", "test", _NOW) for ods in organisations},
        relationship=Fact("caseload", "test", _NOW),
        registration=Fact("Z99001", "test", _NOW),
        restricted=Fact("U", "test", _NOW),
        optouts={"national": known, "type1": known, "scheme:RS-OBJ": known},
        break_glass=Fact("unconscious", "test", _NOW),
    )


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Return a request of the small world's social worker, any part replaced."""

    def make(**parts: Any) -> Request:  # noqa: ANN401 - any part of a request
        asker = Asker(
            parts.pop("who", "sw-1"),
            parts.pop("organisation", "999"),
            parts.pop("org_class", OrgClass.COUNCIL),
            parts.pop("role", Role.SOCIAL_WORKER),
            parts.pop("purpose", Purpose.DIRECT_CARE),
        )
        return Request(
            asker=asker,
            level=parts.pop("level", Level.PATIENT),
            datasets=frozenset(parts.pop("datasets", ["gp"])),
            fields=frozenset(parts.pop("fields", ["problems"])),
            subject=parts.pop("subject", Known(SubjectRef("p-1"))),
            filtered_on=frozenset(parts.pop("filtered_on", [])),
            **parts,
        )

    return make


@pytest.fixture(scope="session")
def casefind(ask: Callable[..., Request]) -> Callable[..., Request]:
    """Return a request of a GP of Z99001 for risk stratification, any part replaced."""

    def make(**parts: Any) -> Request:  # noqa: ANN401 - any part of a request
        usual: dict[str, Any] = {
            "organisation": "Z99001",
            "org_class": OrgClass.GP_PRACTICE,
            "role": Role.GP,
            "who": "gp-1",
        }
        usual |= {"purpose": Purpose.RISKSTRAT_CASEFIND, "fields": ["risk_band"]}
        return ask(**{**usual, **parts})

    return make


@pytest.fixture(scope="session")
def small(  # noqa: PLR0913, PLR0917 - everything a test of the small world uses, in one hand
    raw: Callable[..., dict[str, Any]],
    agreement: Callable[[dict[str, Any]], Agreement],
    world: Callable[..., Register],
    ask: Callable[..., Request],
    casefind: Callable[..., Request],
    favourable: Facts,
    demo: Register,
) -> SimpleNamespace:
    """Return the small world: its documents, its usual requests and facts, and ``decide`` with all of them usual.

    ``fresh`` are the favourable facts for any instant: opt-out lists made in the future are never stale.
    """
    later = {
        scheme: replace(fact, as_of=datetime(2040, 1, 1, tzinfo=UTC)) for scheme, fact in favourable.optouts.items()
    }
    usual = world()

    def decided(request: Request, register: Register = usual, *, at: datetime = _NOW, **facts: Any) -> Decision:  # noqa: ANN401
        return decide(request, register, replace(favourable, **facts), at)

    return SimpleNamespace(
        raw=raw,
        agreement=agreement,
        world=world,
        ask=ask,
        casefind=casefind,
        facts=favourable,
        fresh=replace(favourable, optouts=later),
        now=_NOW,
        decide=decided,
        demo=demo,
    )
