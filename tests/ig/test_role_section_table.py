"""The demonstration's agreements, cell by cell."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.agreements import CARE_TABLE, PRACTICES, TEMPLATES, demo_agreements, signs_addendum, template
from ig.agreement import load
from ig.decide import (
    Asker,
    Described,
    Effect,
    Fact,
    FilterKind,
    Known,
    Population,
    Reason,
    Request,
    RowFilter,
    SubjectRef,
    decide,
)
from ig.purpose import Element, LedgerField, Level, OrgClass, Purpose, Role, Section

if TYPE_CHECKING:
    from datetime import datetime
    from types import SimpleNamespace

    from ig.decide import Decision, Facts
    from ig.register import Register

_HOME = {
    Role.SOCIAL_WORKER: ("999", OrgClass.COUNCIL, "caseload"),
    Role.NAVIGATOR: ("999", OrgClass.COUNCIL, "caseload"),
    Role.GP: ("Z99001", OrgClass.GP_PRACTICE, "registration"),
    Role.WARD: ("RZZ", OrgClass.ACUTE_TRUST, "episode"),
    Role.REVIEWER: ("999", OrgClass.COUNCIL, "caseload"),
    Role.DATA_TEAM: ("999", OrgClass.COUNCIL, "caseload"),
    Role.ANALYST: ("QZZ", OrgClass.ICB, "caseload"),
    Role.IG_OFFICER: ("999", OrgClass.COUNCIL, "caseload"),
    Role.PRIVACY_OFFICER: ("999", OrgClass.COUNCIL, "caseload"),
    Role.SYSTEM_ADMIN: ("999", OrgClass.COUNCIL, "caseload"),
    Role.SYSTEM: ("0ZZ", OrgClass.SAFE_HAVEN, "caseload"),
}
_EVERY_DATASET = frozenset({"gp", "social_care", "acute"})
_TABLE = [(role, section) for role, section in itertools.product(Role, Section)]


def _care(role: Role, fields: frozenset[str], *, ods: str = "") -> Request:
    home, org_class, _ = _HOME[role]
    asker = Asker("somebody", ods or home, org_class, role, Purpose.DIRECT_CARE)
    return Request(asker, Level.PATIENT, _EVERY_DATASET, fields, Known(SubjectRef("p")))


def _tied(facts: Facts, role: Role, now: datetime) -> Facts:
    return replace(facts, relationship=Fact(_HOME[role][2], "test", now))


@pytest.mark.parametrize(("role", "section"), _TABLE)
def test_one_cell_of_the_role_by_section_table(
    role: Role, section: Section, demo: Register, favourable: Facts, now: datetime
) -> None:
    """The person is registered with the GP's own practice: consultations to that GP, the sensitive set to nobody."""
    expected = section in CARE_TABLE.get(role, ()) or (role is Role.GP and section is Section.CONSULTATIONS)
    facts = _tied(favourable, role, now)
    alone = decide(_care(role, frozenset({section})), demo, facts, now)
    assert alone.permits is expected
    among_all = decide(_care(role, frozenset(Section)), demo, facts, now)
    assert (section in among_all.fields_allowed) is expected


@pytest.mark.parametrize("section", Section)
def test_the_sensitive_set_and_others_consultations_are_granted_to_no_role(
    section: Section, demo: Register, favourable: Facts, now: datetime
) -> None:
    elsewhere = replace(_tied(favourable, Role.GP, now), registration=Fact("Z99002", "test", now))
    found = decide(_care(Role.GP, frozenset({section})), demo, elsewhere, now)
    assert found.permits is (section in CARE_TABLE["gp"])
    assert section not in (Section.SENSITIVE, Section.CONSULTATIONS) or not found.permits


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.NAVIGATOR, Role.GP, Role.WARD])
def test_nobody_sees_a_record_without_a_relationship(
    role: Role, demo: Register, favourable: Facts, now: datetime
) -> None:
    alone = replace(favourable, relationship=Fact("none", "test", now), registration=Fact("Z99003", "test", now))
    found = decide(_care(role, frozenset(Section)), demo, alone, now)
    assert found.reason is Reason.RELATIONSHIP_REQUIRED


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.NAVIGATOR, Role.GP, Role.WARD])
def test_a_restricted_persons_record_opens_without_the_way_to_them(
    role: Role, demo: Register, favourable: Facts, now: datetime
) -> None:
    hidden = replace(_tied(favourable, role, now), restricted=Fact("R", "test", now))
    found = decide(_care(role, frozenset(Section)), demo, hidden, now)
    assert found.permits
    assert Section.REGISTRATION not in found.fields_allowed
    assert "strip-location" in found.obligations


def test_care_goes_on_with_a_banner_when_assurance_lapses(demo: Register, favourable: Facts, now: datetime) -> None:
    lapsed = replace(_tied(favourable, Role.WARD, now), assurance={})
    found = decide(_care(Role.WARD, frozenset(Section)), demo, lapsed, now)
    assert found.permits
    assert {"banner:assurance-lapsed", "escalate:assurance-lapsed"} <= set(found.obligations)


@pytest.mark.parametrize(("role", "element"), list(itertools.product(Role, Element)))
def test_one_cell_of_the_tracing_table(
    role: Role, element: Element, demo: Register, favourable: Facts, now: datetime
) -> None:
    """Evidence is for reviewers; the rest for whoever traces."""
    tracers = {Role.SOCIAL_WORKER, Role.GP, Role.WARD, Role.DATA_TEAM, Role.REVIEWER}
    expected = role in tracers and (element is not Element.EVIDENCE or role is Role.REVIEWER)
    home, org_class, _ = _HOME[role]
    asker = Asker("somebody", home, org_class, role, Purpose.DEMOGRAPHIC_TRACE)
    for subject in (Known(SubjectRef("p")), Described()):
        request = Request(asker, Level.PATIENT, frozenset({"index"}), frozenset({element}), subject)
        assert decide(request, demo, favourable, now).permits is expected
    whole_system = Request(asker, Level.PATIENT, frozenset({"index"}), frozenset({element}), Population())
    batch = decide(whole_system, demo, favourable, now)
    assert batch.permits is (expected and role in {Role.DATA_TEAM, Role.REVIEWER})


def _analyst(purpose: Purpose, level: Level, fields: set[str], datasets: frozenset[str]) -> Request:
    asker = Asker("an-1", "QZZ", OrgClass.ICB, Role.ANALYST, purpose)
    return Request(asker, level, datasets, frozenset(fields), Population())


def test_risk_stratification_is_for_gps_and_their_own_patients(
    demo: Register, favourable: Facts, now: datetime
) -> None:
    gp = Asker("gp-1", "Z99001", OrgClass.GP_PRACTICE, Role.GP, Purpose.RISKSTRAT_CASEFIND)
    mine = Request(gp, Level.PATIENT, frozenset({"gp", "acute"}), frozenset({"name", "bed_days"}), Population())
    found = decide(mine, demo, favourable, now)
    assert RowFilter(FilterKind.REGISTERED_WITH, ("Z99001",)) in found.row_filters
    assert RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national", "type1")) in found.row_filters
    counted = replace(mine, level=Level.AGGREGATE, fields=frozenset({"risk_band"}))
    assert decide(counted, demo, favourable, now).reason is Reason.LEVEL_NOT_GRANTED
    board = _analyst(Purpose.RISKSTRAT_CASEFIND, Level.PATIENT, {"name"}, frozenset({"gp"}))
    assert decide(board, demo, favourable, now).reason is Reason.ROLE_NOT_PERMITTED


def test_the_addendum_aggregates_the_data_of_the_practices_that_signed_it(
    demo: Register, favourable: Facts, now: datetime
) -> None:
    request = _analyst(Purpose.RISKSTRAT_COMMISSIONING, Level.AGGREGATE, {"practice", "people"}, frozenset({"gp"}))
    found = decide(request, demo, favourable, now)
    signed = {code for place, code in enumerate(PRACTICES) if signs_addendum(place)}
    assert found.providers == signed
    assert 0 < len(signed) < len(PRACTICES)
    assert {"min-cell:8", "round-to:5", "dominance-percent:75"} <= set(found.obligations)


def _release(demo: Register, facts: Facts, now: datetime, *fields: str) -> Decision:
    return decide(_analyst(Purpose.ANALYTICS, Level.PSEUDONYMISED, set(fields), _EVERY_DATASET), demo, facts, now)


def test_analysts_get_pseudonyms_and_listed_columns_only(demo: Register, favourable: Facts, now: datetime) -> None:
    found = _release(demo, favourable, now, "pseudonym", "age_band", "lsoa")
    assert found.permits
    assert {"pseudonymise:journeys", "min-cell:8"} <= set(found.obligations)
    kinds = {f.kind for f in found.row_filters}
    assert {FilterKind.WITHOUT_OPT_OUT, FilterKind.NOT_RESTRICTED, FilterKind.WITHOUT_CODES} <= kinds
    assert FilterKind.WITH_NHS_NUMBER not in kinds, "people without a number are kept, and counted apart"
    for column in ("nhs_number", "name", "birth_date", "postcode"):
        assert _release(demo, favourable, now, "pseudonym", column).reason is Reason.FIELD_NOT_IN_SCOPE


def test_a_practice_without_assurance_lends_nothing_to_a_release(
    demo: Register, favourable: Facts, now: datetime
) -> None:
    held = {**favourable.assurance, "Z99006": Fact("standards-not-met", "test", now)}
    found = _release(demo, replace(favourable, assurance=held), now, "pseudonym")
    assert "Z99006" not in found.providers
    assert "Z99005" in found.providers


@pytest.mark.parametrize(
    ("role", "ods", "org_class", "effect"),
    [
        (Role.IG_OFFICER, "999", OrgClass.COUNCIL, Effect.PERMIT),
        (Role.IG_OFFICER, "QZZ", OrgClass.ICB, Effect.PERMIT),
        (Role.IG_OFFICER, "RZZ", OrgClass.ACUTE_TRUST, Effect.DENY),
        (Role.PRIVACY_OFFICER, "RZZ", OrgClass.ACUTE_TRUST, Effect.PERMIT),
        (Role.SYSTEM_ADMIN, "999", OrgClass.COUNCIL, Effect.DENY),
        (Role.SOCIAL_WORKER, "999", OrgClass.COUNCIL, Effect.DENY),
    ],
)
def test_who_may_read_the_ledger(
    role: Role, ods: str, org_class: OrgClass, effect: Effect, small: SimpleNamespace
) -> None:
    asker = Asker("somebody", ods, org_class, role, Purpose.IG_AUDIT)
    request = Request(asker, Level.PATIENT, frozenset({"ledger"}), frozenset(LedgerField), Population())
    found = small.decide(request, small.demo)
    assert found.effect is effect
    own_staff = RowFilter(FilterKind.ACTORS_OF, (ods,)) in found.row_filters
    assert own_staff is (role is Role.PRIVACY_OFFICER)


def test_the_answer_to_the_person_names_no_staff(demo: Register, favourable: Facts, now: datetime) -> None:
    asker = Asker("ig-1", "999", OrgClass.COUNCIL, Role.IG_OFFICER, Purpose.SUBJECT_ACCESS)
    request = Request(asker, Level.PATIENT, frozenset({"ledger"}), frozenset(LedgerField), Known(SubjectRef("p")))
    found = decide(request, demo, favourable, now)
    assert found.permits
    assert LedgerField.ACTOR in found.fields_dropped


@pytest.mark.parametrize(
    ("caller", "datasets", "effect"),
    [
        ("system-index", {"index"}, Effect.PERMIT),
        ("system-ingest", {"gp"}, Effect.PERMIT),
        ("system-ingest", {"social_care"}, Effect.PERMIT),
        ("system-link", {"index", "gp", "social_care", "acute"}, Effect.PERMIT),
        ("system-release", {"gp", "acute"}, Effect.PERMIT),
        ("system-index", {"gp"}, Effect.DENY),
        ("somebody", {"gp"}, Effect.DENY),
    ],
)
def test_processing_is_for_the_named_system_callers(
    caller: str, datasets: set[str], effect: Effect, small: SimpleNamespace
) -> None:
    asker = Asker(caller, "0ZZ", OrgClass.SAFE_HAVEN, Role.SYSTEM, Purpose.PROCESSING)
    request = Request(asker, Level.PATIENT, frozenset(datasets), frozenset({"demographics"}), Population())
    found = small.decide(request, small.demo)
    assert found.effect is effect
    assert "strip-location" not in found.obligations


def test_two_datasets_that_no_one_grant_covers_are_refused_together(small: SimpleNamespace) -> None:
    asker = Asker("system-ingest", "0ZZ", OrgClass.SAFE_HAVEN, Role.SYSTEM, Purpose.PROCESSING)
    both = Request(asker, Level.PATIENT, frozenset({"gp", "index"}), frozenset({"demographics"}), Population())
    assert small.decide(both, small.demo).reason is Reason.DATASET_NOT_GRANTED


def test_ingest_may_store_every_section(demo: Register, favourable: Facts, now: datetime) -> None:
    asker = Asker("system-ingest", "0ZZ", OrgClass.SAFE_HAVEN, Role.SYSTEM, Purpose.PROCESSING)
    for dataset in sorted(_EVERY_DATASET):
        request = Request(asker, Level.PATIENT, frozenset({dataset}), frozenset(Section), Population())
        assert decide(request, demo, favourable, now).fields_allowed == set(Section)


def test_the_agreements_can_be_made_for_other_organisations() -> None:
    texts = demo_agreements("011", ["Y90001"], "0E1", "12E", "NO1")
    assert [load(text).party("011") is not None for text in texts] == [True] * len(TEMPLATES)
    assert all("$" not in text for text in texts)
    assert "$practice_parties" in template("care")
