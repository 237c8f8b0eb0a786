"""Each rule of the decision on its own: what it takes to be let in, and the reason given when one thing is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ig.decide import Described, Effect, Fact, FilterKind, Known, Population, Reason, RowFilter, SubjectRef
from ig.purpose import Level, OrgClass, Purpose, Role

if TYPE_CHECKING:
    from types import SimpleNamespace

_SOMEBODY = Known(SubjectRef("p-1"))


def _old(small: SimpleNamespace, fact: Fact, **age: float) -> Fact:
    return Fact(fact.value, fact.source, small.now - timedelta(**age))


def _gone(small: SimpleNamespace, value: str) -> Fact:
    """A fact that expires at this very instant."""
    return Fact(value, "test", small.now - timedelta(days=1), expires=small.now)


def test_a_permitted_care_access_says_what_was_relied_on(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(fields=["problems", "consultations"]))
    assert (found.effect, found.reason, found.grant) == (Effect.PERMIT, Reason.PERMITTED, "C1")
    assert found.agreement.startswith("ISA-C@1#")
    assert (found.fields_allowed, found.fields_dropped) == ({"problems"}, {"consultations"})
    assert found.row_filters == (RowFilter(FilterKind.PROVIDERS, ("Z99001", "Z99002")),)
    words = " ".join(found.trace)
    assert "caseload" in words
    assert "Left out: consultations." in words


def test_a_denial_gives_nothing_away(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(role=Role.NAVIGATOR))
    assert (found.permits, found.fields_allowed, found.providers) == (False, frozenset(), frozenset())
    assert (found.row_filters, found.obligations, found.fields_dropped) == ((), (), {"problems"})
    assert found.trace


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"datasets": []}, Reason.NOTHING_ASKED),
        ({"fields": []}, Reason.NOTHING_ASKED),
        ({"purpose": Purpose.ANALYTICS}, Reason.PURPOSE_MISMATCH),
        ({"datasets": ["acute"]}, Reason.DATASET_NOT_GRANTED),
        ({"datasets": ["gp", "social_care"]}, Reason.DATASET_NOT_GRANTED),
        ({"level": Level.AGGREGATE}, Reason.LEVEL_NOT_GRANTED),
        ({"role": Role.GP}, Reason.ROLE_NOT_PERMITTED),
        ({"role": Role.SYSTEM_ADMIN}, Reason.ROLE_NOT_PERMITTED),
        ({"organisation": "888"}, Reason.RECIPIENT_NOT_PERMITTED),
        ({"organisation": "Z99001", "org_class": OrgClass.GP_PRACTICE}, Reason.RECIPIENT_NOT_PERMITTED),
        ({"org_class": OrgClass.ICB}, Reason.RECIPIENT_NOT_PERMITTED),
        ({"subject": Described()}, Reason.SUBJECT_NOT_PERMITTED),
        ({"fields": ["consultations"]}, Reason.FIELD_NOT_IN_SCOPE),
        ({"fields": ["Problems"]}, Reason.FIELD_NOT_IN_SCOPE),
        ({"filtered_on": ["consultations"]}, Reason.FILTER_NOT_IN_SCOPE),
        ({"subject": Population(("consultations",))}, Reason.FILTER_NOT_IN_SCOPE),
    ],
)
def test_one_thing_wrong_in_a_care_request_denies_it_by_name(
    parts: dict[str, Any], reason: Reason, small: SimpleNamespace
) -> None:
    assert small.decide(small.ask()).permits
    assert small.decide(small.ask(**parts)).reason is reason


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"fields": ["risk_band", "nhs_number"]}, Reason.FIELD_NOT_IN_SCOPE),
        ({"level": Level.AGGREGATE}, Reason.LEVEL_NOT_GRANTED),
        ({"role": Role.ANALYST}, Reason.ROLE_NOT_PERMITTED),
        ({"organisation": "999", "org_class": OrgClass.COUNCIL}, Reason.RECIPIENT_NOT_PERMITTED),
        ({"filtered_on": ["nhs_number"]}, Reason.FILTER_NOT_IN_SCOPE),
        ({"organisation": "Z99002"}, Reason.NOT_OWN_PATIENT),
    ],
)
def test_one_thing_wrong_in_a_secondary_use_denies_the_whole_of_it(
    parts: dict[str, Any], reason: Reason, small: SimpleNamespace
) -> None:
    """T04, T06, T07, T10."""
    assert small.decide(small.casefind()).permits
    assert small.decide(small.casefind(**parts)).reason is reason


def test_two_datasets_need_their_pair_to_be_linkable(small: SimpleNamespace) -> None:
    """T09."""
    both = small.casefind(datasets=["gp", "social_care"], fields=["risk_band", "care_hours"])
    assert small.decide(both).permits
    unlinked = small.raw("secondary")
    del unlinked["linkage"]
    assert small.decide(both, small.world(secondary=unlinked)).reason is Reason.LINKAGE_NOT_PERMITTED


def test_nothing_is_assembled_from_two_grants(small: SimpleNamespace) -> None:
    """T08: half the fields from one grant, half from another."""
    split = small.raw("secondary")
    other = {**split["grants"][0], "id": "G3", "fields": ["name"]}
    split["grants"][0]["fields"] = ["risk_band", "lsoa", "care_hours"]
    split["grants"].append(other)
    register = small.world(secondary=split)
    assert small.decide(small.casefind(fields=["name"]), register).grant == "G3"
    assert small.decide(small.casefind(fields=["lsoa"]), register).grant == "G1"
    found = small.decide(small.casefind(fields=["name", "lsoa"]), register)
    assert found.reason is Reason.FIELD_NOT_IN_SCOPE
    assert "2 grants were considered" in " ".join(found.trace)


def test_the_grant_that_lets_most_through_answers(small: SimpleNamespace) -> None:
    care = small.raw("care")
    care["grants"].insert(0, {**care["grants"][0], "id": "C0", "fields": ["problems"]})
    care["grants"].append({**care["grants"][1], "id": "C9", "fields": ["problems"]})
    found = small.decide(small.ask(fields=["problems", "registration"]), small.world(care=care))
    assert (found.grant, found.fields_dropped) == ("C1", frozenset())


# Assurance (T03).


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("standards-met", None),
        ("standards-exceeded", None),
        ("approaching-standards", Reason.ASSURANCE_NOT_MET),
        ("standards-not-met", Reason.ASSURANCE_NOT_MET),
        ("never heard of", Reason.ASSURANCE_UNKNOWN),
        ("", Reason.ASSURANCE_UNKNOWN),
    ],
)
def test_a_recipients_assurance_is_looked_at_on_every_request(
    status: str, reason: Reason | None, small: SimpleNamespace
) -> None:
    usual = small.facts.assurance
    held = {**usual, "Z99001": Fact(status, "test", small.now)} if status else {}
    secondary = small.decide(small.casefind(), assurance=held)
    assert (secondary.reason if not secondary.permits else None) is reason
    care_held = {**usual, "999": Fact(status, "test", small.now)} if status else {}
    care = small.decide(small.ask(), assurance=care_held)
    assert care.permits, "care does not stop for paperwork"
    assert ("banner:assurance-lapsed" in care.obligations) is (reason is not None)


def test_assurance_that_has_run_out_is_not_known(small: SimpleNamespace) -> None:
    held = {**small.facts.assurance, "Z99001": _gone(small, "standards-met")}
    assert small.decide(small.casefind(), assurance=held).reason is Reason.ASSURANCE_UNKNOWN


def test_a_provider_without_assurance_lends_nothing(small: SimpleNamespace) -> None:
    held = {**small.facts.assurance, "Z99002": Fact("standards-not-met", "test", small.now)}
    assert small.decide(small.casefind(), assurance=held).providers == {"Z99001"}


def test_an_agreement_may_ask_assurance_of_its_providers_alone(small: SimpleNamespace) -> None:
    document = small.raw("secondary")
    document["preconditions"]["dspt"]["applies_to"] = ["providers"]
    register = small.world(secondary=document)
    held = {"Z99002": Fact("standards-met", "test", small.now)}
    assert small.decide(small.casefind(), register, assurance=held).providers == {"Z99002"}
    assert small.decide(small.casefind(), register, assurance={}).reason is Reason.NOT_SIGNED


# Registration (T10).


def test_a_gp_has_their_own_patients_and_a_list_of_them(small: SimpleNamespace) -> None:
    whole_list = small.decide(small.casefind(subject=Population()))
    assert RowFilter(FilterKind.REGISTERED_WITH, ("Z99001",)) in whole_list.row_filters
    assert small.decide(small.casefind()).permits


@pytest.mark.parametrize("value", [None, "expired"])
def test_an_unknown_registration_denies(value: str | None, small: SimpleNamespace) -> None:
    fact = _gone(small, "Z99001") if value else None
    assert small.decide(small.casefind(), registration=fact).reason is Reason.REGISTRATION_UNKNOWN


# Relationship and emergency.


@pytest.mark.parametrize("value", ["none", "registration", "episode", ""])
def test_care_without_an_accepted_relationship_says_so(value: str, small: SimpleNamespace) -> None:
    tie = Fact(value, "test", small.now) if value else None
    found = small.decide(small.ask(), relationship=tie)
    assert (found.reason, found.grant) == (Reason.RELATIONSHIP_REQUIRED, "C1")


def test_a_relationship_that_has_ended_is_none(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(), relationship=_gone(small, "caseload"))
    assert found.reason is Reason.RELATIONSHIP_REQUIRED


def test_a_self_claim_lets_in_and_alerts(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(), relationship=Fact("self-claim", "test", small.now))
    assert found.permits
    assert "alert:self-claim" in found.obligations


def test_a_list_of_people_is_cut_to_those_related(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(subject=Population(("problems",))), relationship=None)
    assert RowFilter(FilterKind.RELATED_TO, ("999", "caseload", "self-claim")) in found.row_filters


def test_broken_glass_stands_in_for_a_relationship_and_is_seen(small: SimpleNamespace) -> None:
    emergency = small.ask(purpose=Purpose.EMERGENCY)
    found = small.decide(emergency, relationship=None)
    assert found.permits
    assert {"alert:break-glass", "banner:break-glass"} <= set(found.obligations)
    for fact in (None, _gone(small, "unconscious")):
        assert small.decide(emergency, break_glass=fact).reason is Reason.BREAK_GLASS_REQUIRED


# Opt-outs (T23, T25).


def test_a_population_leaves_out_exactly_the_schemes_that_the_agreement_names(small: SimpleNamespace) -> None:
    found = small.decide(small.casefind(subject=Population()))
    assert RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national", "scheme:RS-OBJ", "type1")) in found.row_filters


def test_type_1_touches_the_practices_rows_alone(small: SimpleNamespace) -> None:
    social = small.casefind(subject=Population(), datasets=["social_care"], fields=["care_hours"])
    found = small.decide(social, optouts={k: f for k, f in small.facts.optouts.items() if k != "type1"})
    assert RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national", "scheme:RS-OBJ")) in found.row_filters


@pytest.mark.parametrize("scheme", ["national", "type1", "scheme:RS-OBJ"])
def test_somebody_who_has_opted_out_is_left_out(scheme: str, small: SimpleNamespace) -> None:
    out = {**small.facts.optouts, scheme: Fact("opted-out", "test", small.now)}
    assert small.decide(small.casefind(), optouts=out).reason is Reason.OPTED_OUT
    unknown = {k: f for k, f in small.facts.optouts.items() if k != scheme}
    assert small.decide(small.casefind(), optouts=unknown).reason is Reason.OPT_OUT_UNKNOWN
    assert small.decide(small.ask(), optouts=out).permits, "never direct care"


def test_a_stale_opt_out_list_stops_secondary_use_and_not_care(small: SimpleNamespace) -> None:
    national = small.facts.optouts["national"]
    for age, permitted in (({"days": 7}, True), ({"days": 7, "seconds": 1}, False)):
        aged = {**small.facts.optouts, "national": _old(small, national, **age)}
        assert small.decide(small.casefind(), optouts=aged).permits is permitted
        assert small.decide(small.ask(), optouts=aged).permits
    expired = {**small.facts.optouts, "type1": _gone(small, "none")}
    assert small.decide(small.casefind(), optouts=expired).reason is Reason.OPT_OUT_STALE


# Restricted people (T26).


@pytest.mark.parametrize("security", ["R", "V", "I", ""])
def test_care_of_a_restricted_person_goes_on_without_their_whereabouts(security: str, small: SimpleNamespace) -> None:
    """Unknown counts as restricted: that hides an address, not a person."""
    fact = Fact(security, "test", small.now) if security else None
    found = small.decide(small.ask(fields=["problems", "registration"]), restricted=fact)
    assert (found.fields_allowed, found.fields_dropped) == ({"problems"}, {"registration"})
    assert "strip-location" in found.obligations
    nothing_else = small.decide(small.ask(fields=["registration"]), restricted=fact)
    assert nothing_else.reason is Reason.RESTRICTED_PERSON


def test_an_unrestricted_person_keeps_everything(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(fields=["problems", "registration"]))
    assert found.fields_allowed == {"problems", "registration"}
    assert "strip-location" not in found.obligations


def test_an_agreement_may_leave_restricted_people_out(small: SimpleNamespace) -> None:
    restricted = Fact("R", "test", small.now)
    assert small.decide(small.casefind(), restricted=restricted).reason is Reason.RESTRICTED_PERSON
    for fact in (None, _gone(small, "U")):
        assert small.decide(small.casefind(), restricted=fact).reason is Reason.RESTRICTED_UNKNOWN
    found = small.decide(small.casefind(subject=Population()))
    assert RowFilter(FilterKind.NOT_RESTRICTED) in found.row_filters
    care = small.raw("care", exclusions={"s_flag": "exclude_person"})
    assert small.decide(small.ask(), small.world(care=care), restricted=None).reason is Reason.RESTRICTED_UNKNOWN


def test_where_subjects_are_not_yet_known_the_duty_goes_with_the_rows(small: SimpleNamespace) -> None:
    found = small.decide(small.ask(subject=Population()))
    assert "strip-location" in found.obligations


# What else goes with the answer.


def test_conditions_on_rows_and_limits_go_with_the_permit(small: SimpleNamespace) -> None:
    found = small.decide(small.casefind(subject=Population()))
    assert {RowFilter(FilterKind.WITHOUT_CODES, ("sensitive-v1",)), RowFilter(FilterKind.WITH_NHS_NUMBER)} <= set(
        found.row_filters
    )
    assert {"max-rows:100", "audit-full"} <= set(found.obligations)
    one = small.decide(small.casefind())
    assert RowFilter(FilterKind.WITH_NHS_NUMBER) not in one.row_filters


def test_pseudonymised_answers_name_their_project(small: SimpleNamespace) -> None:
    document = small.raw("secondary", pseudonymisation={"project": "journeys"})
    document["grants"][0]["level"] = "pseudonymised"
    found = small.decide(small.casefind(level=Level.PSEUDONYMISED), small.world(secondary=document))
    assert "pseudonymise:journeys" in found.obligations
