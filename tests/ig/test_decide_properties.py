"""What holds for every request, register and fact: the promises that no table of cases could list."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ig.agreement import load
from ig.decide import Asker, Described, Fact, Facts, Known, Population, Request, SubjectRef, decide
from ig.decision import FilterKind
from ig.purpose import CARE_USES, SECONDARY_USES, Dataset, Level, OrgClass, Purpose, Role
from ig.register import Register
from ig.terms import Status

if TYPE_CHECKING:
    from types import SimpleNamespace

_CLASS = {
    "999": OrgClass.COUNCIL,
    "RZZ": OrgClass.ACUTE_TRUST,
    "QZZ": OrgClass.ICB,
    "0ZZ": OrgClass.SAFE_HAVEN,
    **{f"Z9900{n}": OrgClass.GP_PRACTICE for n in range(1, 7)},
    "888": OrgClass.COUNCIL,
}
_FIELDS = (
    *("problems", "consultations", "sensitive", "demographics", "name", "nhs_number", "evidence", "lsoa", "risk_band"),
    *("pseudonym", "when", "actor", "registration", "people"),
)

_askers = st.builds(
    lambda who, ods, role, purpose: Asker(who, ods, _CLASS[ods], role, purpose),
    st.sampled_from(["somebody", "system-ingest", "system-release"]),
    st.sampled_from(sorted(_CLASS)),
    st.sampled_from(Role),
    st.sampled_from(Purpose),
)
_subjects = st.sampled_from([Known(SubjectRef("p")), Described(), Population(), Population(("name",))])
_requests = st.builds(
    Request,
    _askers,
    st.sampled_from(Level),
    st.frozensets(st.sampled_from(sorted(Dataset)), max_size=2),
    st.frozensets(st.sampled_from(_FIELDS), max_size=4),
    _subjects,
    st.frozensets(st.sampled_from(_FIELDS), max_size=1),
)
_instants = st.datetimes(datetime(2025, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def _fact(values: tuple[str, ...]) -> st.SearchStrategy[Fact | None]:
    ends = st.none() | _instants
    return st.none() | st.builds(Fact, st.sampled_from(values), st.just("test"), _instants, ends)


_facts = st.builds(
    Facts,
    st.dictionaries(st.sampled_from(sorted(_CLASS)), _fact(("standards-met", "standards-not-met")).filter(bool)),
    _fact(("none", "registration", "caseload", "episode", "self-claim")),
    _fact(("Z99001", "Z99002", "none")),
    _fact(("U", "R", "V")),
    st.dictionaries(st.sampled_from(["national", "type1"]), _fact(("none", "opted-out")).filter(bool)),
    _fact(("unconscious",)),
)

_LIKELY = [
    Request(Asker("somebody", ods, _CLASS[ods], role, purpose), level, frozenset({dataset}), frozenset(fields), subject)
    for ods, role, purpose, level, dataset, fields, subject in (
        ("999", Role.SOCIAL_WORKER, Purpose.DIRECT_CARE, Level.PATIENT, "gp", ["problems"], Known(SubjectRef("p"))),
        ("Z99001", Role.GP, Purpose.DIRECT_CARE, Level.PATIENT, "gp", ["consultations"], Known(SubjectRef("p"))),
        ("RZZ", Role.WARD, Purpose.DEMOGRAPHIC_TRACE, Level.PATIENT, "index", ["name"], Described()),
        ("Z99001", Role.GP, Purpose.RISKSTRAT_CASEFIND, Level.PATIENT, "gp", ["risk_band"], Population()),
        ("QZZ", Role.ANALYST, Purpose.RISKSTRAT_COMMISSIONING, Level.AGGREGATE, "gp", ["people"], Population()),
        ("QZZ", Role.ANALYST, Purpose.ANALYTICS, Level.PSEUDONYMISED, "gp", ["pseudonym"], Population()),
        ("999", Role.IG_OFFICER, Purpose.IG_AUDIT, Level.PATIENT, "ledger", ["when"], Population()),
    )
]
_NEAR_MISSES: dict[str, list[Any]] = {
    "subject": [Known(SubjectRef("p")), Described(), Population()],
    "level": list(Level),
    "datasets": [frozenset({d}) for d in Dataset] + [frozenset({"gp", "acute"}), frozenset()],
    "fields": [frozenset({f}) for f in _FIELDS] + [frozenset()],
    "filtered_on": [frozenset({f}) for f in _FIELDS],
}
_ASKER_MISSES: dict[str, list[Any]] = {
    "organisation": sorted(_CLASS),
    "org_class": list(OrgClass),
    "role": list(Role),
    "purpose": list(Purpose),
}


def _mutants(request: Request) -> list[Request]:
    """The request with exactly one dimension changed, every way there is."""
    found = [
        replace(request, **{name: value})
        for name, values in _NEAR_MISSES.items()
        for value in values
        if value != getattr(request, name)
    ]
    for name, values in _ASKER_MISSES.items():
        for value in values:
            found.append(replace(request, asker=replace(request.asker, **{name: value})))  # noqa: PERF401
    return found


def _check(request: Request, register: Register, facts: Facts, now: datetime) -> None:
    """Everything that a decision promises, checked from the texts and not from the evaluator."""
    found = decide(request, register, facts, now)
    assert found.fields_allowed | found.fields_dropped == request.fields or not found.permits
    if not found.permits:
        assert found.fields_allowed == found.providers == frozenset()
        assert not found.row_filters
        assert not found.obligations
        return
    agreement = next(a for a in register.agreements if a.id == found.agreement.partition("@")[0])
    grant = next(g for g in agreement.all_grants() if g.id == found.grant)
    party = agreement.party(request.asker.organisation)
    assert register.status(*agreement.key) is Status.ACTIVE
    assert agreement.valid_from <= now < agreement.valid_to
    assert party is not None
    assert party.org_class == request.asker.org_class
    assert request.asker.role in grant.roles
    assert (grant.purpose, grant.level) == (request.asker.purpose, request.level)
    assert found.fields_allowed <= grant.fields
    assert request.filtered_on <= grant.fields
    assert request.datasets <= grant.datasets
    assert found.providers
    _check_signatures(found.providers, agreement, found.agreement, now)
    if request.asker.purpose in SECONDARY_USES:
        assert found.fields_allowed | {"lsoa"} >= request.fields
        names = {o.scheme for o in agreement.opt_outs if o.scheme != "type1" or "gp" in request.datasets}
        (applied,) = (set(f.values) for f in found.row_filters if f.kind is FilterKind.WITHOUT_OPT_OUT)
        assert applied == names
    if request.asker.purpose in CARE_USES:
        assert all(f.kind is not FilterKind.WITHOUT_OPT_OUT for f in found.row_filters)
    assert "sensitive" not in found.fields_allowed or request.asker.purpose is Purpose.PROCESSING


def _check_signatures(providers: frozenset[str], agreement: Any, reference: str, now: datetime) -> None:  # noqa: ANN401
    addendum = reference.partition("+")[2].partition("#")[0]
    for wanted in {"", addendum}:
        live = {s.ods for s in agreement.signatures if s.addendum == wanted and s.signed <= now}
        assert providers <= live


@settings(max_examples=150)
@given(request_=_requests, facts=_facts, at=_instants)
def test_nothing_is_permitted_without_a_live_signed_grant(
    request_: Request, facts: Facts, at: datetime, demo: Register
) -> None:
    _check(request_, demo, facts, at)


@pytest.mark.parametrize("request_", _LIKELY, ids=lambda r: f"{r.asker.role}-{r.asker.purpose}")
def test_changing_one_thing_of_a_permitted_request_never_slips_through(
    request_: Request, demo: Register, favourable: Facts, now: datetime
) -> None:
    """Random requests are nearly all denied; near misses are where mistakes live."""
    tied = replace(favourable, relationship=Fact("caseload", "test", now))
    own = replace(favourable, relationship=Fact("registration", "test", now))
    assert any(decide(request_, demo, facts, now).permits for facts in (tied, own))
    for mutant, facts in itertools.product(_mutants(request_), (tied, own)):
        _check(mutant, demo, facts, now)


@pytest.mark.parametrize("request_", _LIKELY, ids=lambda r: f"{r.asker.role}-{r.asker.purpose}")
def test_an_unknown_fact_never_permits_a_secondary_use(request_: Request, small: SimpleNamespace) -> None:
    if request_.asker.purpose in SECONDARY_USES:
        assert not small.decide(request_, small.demo, assurance={}).permits
        assert not small.decide(request_, small.demo, optouts={}).permits
        one = replace(request_, subject=Known(SubjectRef("p")))
        assert not small.decide(one, small.demo, restricted=None).permits
        assert not small.decide(one, small.demo, registration=None).permits


def _narrower(document: dict[str, Any], how: str, place: int) -> None:
    grant = document["grants"][place % len(document["grants"])]
    match how:
        case "field" if len(grant["fields"]) > 1:
            grant["fields"].pop(place % len(grant["fields"]))
        case "subject" if len(grant["subjects"]) > 1:
            grant["subjects"].pop()
        case "signature":
            document["signatures"].pop(place % len(document["signatures"]))
        case "relationship" if grant.get("relationship", [])[1:]:
            grant["relationship"].pop()
        case "own":
            grant["recipients"]["own_registered_only"] = True
        case "term":
            document["valid_to"] = "2028-02-01"
        case "flag":
            document["exclusions"] = {**document.get("exclusions", {}), "s_flag": "exclude_person"}
        case "status":
            document["status"] = "suspended"


_CELLS = [
    Request(Asker("x", ods, _CLASS[ods], role, purpose), Level.PATIENT, frozenset({"gp"}), frozenset({name}), who)
    for role, ods, purpose, name in (
        (Role.SOCIAL_WORKER, "999", Purpose.DIRECT_CARE, "problems"),
        (Role.SOCIAL_WORKER, "999", Purpose.DIRECT_CARE, "registration"),
        (Role.SOCIAL_WORKER, "999", Purpose.EMERGENCY, "problems"),
        (Role.GP, "Z99001", Purpose.RISKSTRAT_CASEFIND, "name"),
        (Role.GP, "Z99002", Purpose.RISKSTRAT_CASEFIND, "risk_band"),
    )
    for who in (Known(SubjectRef("p")), Population())
]
_narrowings = st.tuples(
    st.sampled_from(["care", "secondary"]),
    st.sampled_from(["field", "subject", "signature", "relationship", "own", "term", "flag", "status"]),
    st.integers(0, 5),
)


@settings(max_examples=40, deadline=None)
@given(narrowing=_narrowings, security=st.sampled_from(["U", "R"]), later=st.sampled_from([0, 500]))
def test_narrowing_an_agreement_never_widens_a_single_cell(
    narrowing: tuple[str, str, int], security: str, later: int, small: SimpleNamespace
) -> None:
    """Cell by cell, what is permitted after a narrowing was permitted before it, from the same or more providers."""
    name, how, place = narrowing
    document = small.raw(name)
    _narrower(document, how, place)
    before, after = small.world(), small.world(**{name: document})
    facts = replace(small.fresh, restricted=Fact(security, "test", small.now))
    for request in _CELLS:
        was, now_is = (decide(request, r, facts, small.now + timedelta(days=later)) for r in (before, after))
        assert was.permits or not now_is.permits
        assert now_is.providers <= was.providers


def test_the_same_question_always_has_the_same_answer(demo: Register, favourable: Facts, now: datetime) -> None:
    for request in _LIKELY:
        assert decide(request, demo, favourable, now) == decide(request, demo, favourable, now)


def test_the_order_of_agreements_does_not_matter(small: SimpleNamespace) -> None:
    documents = [json.dumps(small.raw(name)) for name in ("framework", "secondary", "care")]
    answers = {
        decide(request, Register(tuple(load(text) for text in order)), small.facts, small.now)
        for order in itertools.permutations(documents)
        for request in (small.casefind(),)
    }
    assert len(answers) == 1
