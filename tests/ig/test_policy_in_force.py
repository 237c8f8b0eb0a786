"""Which version binds whom, and when: terms, frameworks, signatures, addenda, widening and narrowing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ig.agreement import instant
from ig.decide import Population, Reason, decide
from ig.policy import meet, narrowest
from ig.purpose import Level, OrgClass, Purpose, Role
from ig.register import Register, RegisterFault
from ig.terms import Assurance, OnLapse, OptOut, SFlag, Signature, Status

if TYPE_CHECKING:
    from datetime import datetime
    from types import SimpleNamespace

    from ig.decide import Decision

_MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize("last_day", ["2026-12-01", "2027-03-28", "2027-03-29", "2027-05-01", "2026-10-25"])
def test_the_term_ends_at_midnight_in_london_whatever_the_clocks_do(last_day: str, small: SimpleNamespace) -> None:
    """T01: allowed one millisecond before, ``isa-expired`` at that instant and after."""
    register = small.world(secondary=small.raw("secondary", valid_to=last_day, review_by=last_day))
    ends = instant(last_day)
    assert decide(small.casefind(), register, small.fresh, ends - _MILLISECOND).permits
    for late in (ends, ends + _MILLISECOND, ends + timedelta(days=400)):
        assert decide(small.casefind(), register, small.fresh, late).reason is Reason.EXPIRED


def test_nothing_flows_before_the_term_begins(small: SimpleNamespace) -> None:
    later = small.raw("secondary", valid_from="2026-12-01")
    later["addenda"][0]["effective_from"] = "2027-01-01"
    register = small.world(secondary=later)
    assert decide(small.casefind(), register, small.fresh, small.now).reason is Reason.NOT_YET_VALID


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.SUSPENDED, Reason.SUSPENDED),
        (Status.TERMINATED, Reason.TERMINATED),
        (Status.SUPERSEDED, Reason.TERMINATED),
        (Status.DRAFT, Reason.PURPOSE_MISMATCH),
        (Status.APPROVED, Reason.PURPOSE_MISMATCH),
    ],
)
def test_a_status_takes_effect_on_the_next_request(status: Status, reason: Reason, small: SimpleNamespace) -> None:
    register = small.world()
    assert decide(small.casefind(), register, small.facts, small.now).permits
    stopped = register.with_status("ISA-T", 1, status)
    assert decide(small.casefind(), stopped, small.facts, small.now).reason is reason
    assert stopped.status("ISA-T", 1) is status


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.TERMINATED, Status.DRAFT])
def test_an_agreement_is_dead_when_its_framework_is(status: Status, small: SimpleNamespace) -> None:
    """T02, first half; direct care too."""
    register = small.world().with_status("FW-T", 1, status)
    for request in (small.casefind(), small.ask()):
        assert decide(request, register, small.facts, small.now).reason is Reason.FRAMEWORK_INACTIVE


def test_an_agreement_needs_its_framework_present_and_recent_enough(small: SimpleNamespace) -> None:
    alone = Register((small.agreement(small.raw("secondary")),))
    newer = small.world(secondary=small.raw("secondary", framework={"id": "FW-T", "min_version": 2}))
    for register in (alone, newer):
        assert decide(small.casefind(), register, small.facts, small.now).reason is Reason.FRAMEWORK_INACTIVE


def test_a_party_that_leaves_the_framework_neither_receives_nor_lends(small: SimpleNamespace) -> None:
    """T02, second half."""
    framework = small.raw("framework")
    framework["signatures"][1]["withdrawn_on"] = "2026-11-01"
    register = small.world(framework=framework)
    assert decide(small.casefind(), register, small.facts, small.now).reason is Reason.FRAMEWORK_INACTIVE
    before = decide(small.casefind(), register, small.facts, instant("2026-11-01") - _MILLISECOND)
    assert before.providers == {"Z99001", "Z99002"}
    other = small.casefind(organisation="Z99002", subject=Population())
    assert decide(other, register, small.facts, small.now).providers == {"Z99002"}


def test_a_recipient_that_has_not_signed_receives_nothing(small: SimpleNamespace) -> None:
    unsigned = small.raw("secondary")
    del unsigned["signatures"][1]
    found = decide(small.casefind(), small.world(secondary=unsigned), small.facts, small.now)
    assert found.reason is Reason.NOT_SIGNED


def test_a_processor_acts_under_its_contract_and_signs_nothing(small: SimpleNamespace) -> None:
    asked: dict[str, Any] = {
        "organisation": "0ZZ",
        "org_class": OrgClass.SAFE_HAVEN,
        "role": Role.SYSTEM,
        "purpose": Purpose.PROCESSING,
    }
    asked |= {"datasets": ["index"], "fields": ["nhs_number"], "subject": Population()}
    assert decide(small.ask(who="system-link", **asked), small.world(), small.facts, small.now).permits
    found = decide(small.ask(who="system-other", **asked), small.world(), small.facts, small.now)
    assert found.reason is Reason.RECIPIENT_NOT_PERMITTED


def test_a_signature_counts_from_its_day_and_for_its_text(small: SimpleNamespace) -> None:
    """An edited version keeps none of the signatures that name their text (T38)."""
    bare = small.raw("secondary")
    bare["signatures"] = bare["signatures"][1:2]
    text = small.agreement(bare).hash
    base = small.world(secondary=bare)
    other = Signature("ISA-T", 1, "Z99002", instant("2026-11-22"), text_hash=text)

    def providers(signature: Signature, at: datetime | None = None) -> frozenset[str]:
        return decide(small.casefind(), base.with_signatures([signature]), small.facts, at or small.now).providers

    assert providers(other) == {"Z99001", "Z99002"}
    assert providers(other, instant("2026-11-22") - _MILLISECOND) == {"Z99001"}
    assert providers(replace(other, text_hash="0" * 64)) == {"Z99001"}
    assert providers(replace(other, version=2)) == {"Z99001"}
    assert providers(replace(other, withdrawn=small.now)) == {"Z99001"}


def _commissioning(small: SimpleNamespace) -> Any:  # noqa: ANN401 - out of an untyped bag
    return small.ask(
        who="an-1",
        organisation="QZZ",
        org_class=OrgClass.ICB,
        role=Role.ANALYST,
        purpose=Purpose.RISKSTRAT_COMMISSIONING,
        level=Level.AGGREGATE,
        fields=["risk_band"],
        subject=Population(),
    )


def test_an_addendum_begins_on_its_day_and_binds_only_who_signed_it(small: SimpleNamespace) -> None:
    """T05: deny before; from that day, the data of signatories only, and the answer says whose."""
    begins = instant("2026-01-01")
    before = decide(_commissioning(small), small.world(), small.fresh, begins - _MILLISECOND)
    assert before.reason is Reason.PURPOSE_MISMATCH
    after = decide(_commissioning(small), small.world(), small.fresh, begins)
    assert after.permits
    assert after.providers == {"Z99001"}
    assert after.agreement.startswith("ISA-T@1+A1#")
    assert {"min-cell:8", "round-to:5"} <= set(after.obligations)


def test_an_addendum_that_nobody_signed_has_nothing_to_give(small: SimpleNamespace) -> None:
    unsigned = small.raw("secondary")
    unsigned["signatures"].pop()
    found = decide(_commissioning(small), small.world(secondary=unsigned), small.facts, small.now)
    assert (found.reason, found.providers) == (Reason.NOT_SIGNED, frozenset())


def test_the_reference_names_version_addendum_and_both_texts(small: SimpleNamespace) -> None:
    plain = {live.grant.id: live.reference for live in small.world().effective(small.now).live}
    changed = small.raw("secondary")
    changed["addenda"][0]["grant"]["disclosure_control"]["min_cell"] = 9
    after = {live.grant.id: live.reference for live in small.world(secondary=changed).effective(small.now).live}
    assert plain["G1"] == after["G1"]
    assert plain["G2"] != after["G2"]


def test_a_lapsed_review_denies_secondary_use_once_its_grace_is_over(small: SimpleNamespace) -> None:
    register = small.world(secondary=small.raw("secondary", review_by="2026-06-01", review_grace_days=30))
    due = instant("2026-06-01")
    assert not _warned(decide(small.casefind(), register, small.fresh, due - _MILLISECOND))
    assert _warned(decide(small.casefind(), register, small.fresh, due)) == {"review-overdue"}
    assert decide(small.casefind(), register, small.fresh, due + timedelta(days=30)).reason is Reason.REVIEW_LAPSED


def test_a_lapsed_review_of_the_framework_counts_for_what_stands_under_it(small: SimpleNamespace) -> None:
    register = small.world(
        framework=small.raw("framework", review_by="2026-06-01"), care=small.raw("care", review_by="2026-06-01")
    )
    assert decide(small.casefind(), register, small.facts, small.now).reason is Reason.REVIEW_LAPSED
    care = decide(small.ask(), register, small.facts, small.now)
    assert (care.permits, _warned(care)) == (True, {"review-overdue"})
    assert "escalate:review-overdue" in care.obligations


def test_a_lapsed_approval_denies_or_warns_as_the_agreement_chose(small: SimpleNamespace) -> None:
    care = small.raw("care", preconditions={"approvals": [{"ref": "X", "valid_to": "2027-06-01", "covers": ["gp"]}]})
    register, over = small.world(care=care), instant("2027-06-01")
    assert decide(small.casefind(), register, small.fresh, over - _MILLISECOND).reason is not Reason.APPROVAL_LAPSED
    assert decide(small.casefind(), register, small.fresh, over).reason is Reason.APPROVAL_LAPSED
    assert "approval-lapsed" in _warned(decide(small.ask(), register, small.fresh, over))


def test_an_approval_for_other_data_does_not_matter(small: SimpleNamespace) -> None:
    old = {"ref": "X", "valid_to": "2026-01-01", "covers": ["acute"]}
    register = small.world(care=small.raw("care", preconditions={"approvals": [old]}))
    assert not _warned(decide(small.ask(), register, small.facts, small.now))


def _warned(decision: Decision) -> set[str]:
    assert decision.permits
    return {o.partition(":")[2] for o in decision.obligations if o.startswith("banner:")}


def _second(small: SimpleNamespace, *, signed: list[str], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of a document
    """Version 2 of the case finding agreement from 1 November 2026."""
    document: dict[str, Any] = small.raw("secondary", version=2, valid_from="2026-11-01", **changes)
    del document["addenda"]
    document["signatures"] = [{"ods": ods, "version": 2, "signed_on": "2026-11-01"} for ods in signed]
    return document


def _two(small: SimpleNamespace, second: dict[str, Any]) -> Any:  # noqa: ANN401 - out of an untyped bag
    return small.world(secondary=small.raw("secondary", status="superseded")).with_agreement(small.agreement(second))


def test_a_new_version_binds_from_its_day_and_the_old_one_until_then(small: SimpleNamespace) -> None:
    register = _two(small, _second(small, signed=["Z99001", "Z99002", "999", "QZZ"]))
    begins = instant("2026-11-01")
    assert decide(small.casefind(), register, small.fresh, begins - _MILLISECOND).agreement.startswith("ISA-T@1#")
    assert decide(small.casefind(), register, small.fresh, begins).agreement.startswith("ISA-T@2#")


def test_widening_waits_for_each_controllers_signature(small: SimpleNamespace) -> None:
    second = _second(small, signed=["Z99001"])
    second["datasets"]["gp"]["fields"].append("postcode")
    second["grants"][0]["fields"].append("postcode")
    register = _two(small, second)
    old = decide(small.casefind(), register, small.facts, small.now)
    new = decide(small.casefind(fields=["risk_band", "postcode"]), register, small.facts, small.now)
    assert old.providers == {"Z99001", "Z99002"}
    assert new.providers == {"Z99001"}


def test_narrowing_takes_effect_at_once_for_everybody(small: SimpleNamespace) -> None:
    """No signature is needed to give less: not of the lender, not of the recipient."""
    second = _second(small, signed=[])
    second["grants"][0]["fields"].remove("name")
    register = _two(small, second)
    assert decide(small.casefind(fields=["name"]), register, small.facts, small.now).reason is Reason.FIELD_NOT_IN_SCOPE
    assert decide(small.casefind(), register, small.facts, small.now).providers == {"Z99001", "Z99002"}


def test_a_grant_that_is_new_or_another_thing_waits_for_signatures_too(small: SimpleNamespace) -> None:
    for changed in ({"id": "G9"}, {"purpose": "riskstrat-commissioning"}):
        second = _second(small, signed=["Z99001"])
        second["grants"][0] |= changed
        purpose = Purpose(second["grants"][0]["purpose"])
        register = _two(small, second)
        assert decide(small.casefind(purpose=purpose), register, small.facts, small.now).providers == {"Z99001"}


def test_what_two_versions_both_allow_is_never_more_than_either(small: SimpleNamespace) -> None:
    """An empty list asks for nothing, so two lists with nothing in common must not become one."""
    one = small.agreement(small.raw("secondary")).grants[0]
    both = frozenset({"Z99001"})
    caseload, episode = (replace(one, relationship=frozenset({kind})) for kind in ("caseload", "episode"))
    here, there = (
        replace(one, recipients=replace(one.recipients, callers=frozenset({caller})))
        for caller in ("system-a", "system-b")
    )
    assert meet(one, one, frozenset()) is None
    assert meet(caseload, episode, both) is None
    assert meet(here, there, both) is None
    assert meet(one, replace(one, purpose=Purpose.ANALYTICS), both) is None
    assert meet(one, replace(one, level=Level.AGGREGATE), both) is None
    narrowed = meet(one, caseload, both)
    assert narrowed is not None
    assert narrowed.relationship == {"caseload"}
    loose = replace(one, limits=("min-cell:8", "max-rows:10"))
    tight = replace(one, limits=("min-cell:5", "max-rows:3", "round-to:5"))
    met = meet(loose, tight, both)
    assert met is not None
    assert set(met.limits) == {"min-cell:8", "max-rows:3", "round-to:5"}


def test_the_conditions_of_two_versions_add_up(small: SimpleNamespace) -> None:
    one = replace(
        small.agreement(small.raw("secondary")),
        on_lapse=OnLapse.WARN,
        s_flag=SFlag.STRIP_LOCATION,
        assurance=None,
        opt_outs=(OptOut("national", timedelta(days=9)), OptOut("type1")),
        code_sets=("a",),
        unnumbered_kept=True,
    )
    other = replace(
        one,
        on_lapse=OnLapse.DENY,
        s_flag=SFlag.EXCLUDE_PERSON,
        assurance=Assurance("standards-exceeded", of_recipients=True, of_providers=False),
        opt_outs=(OptOut("national", timedelta(days=3)), OptOut("scheme:X")),
        code_sets=("b",),
        unnumbered_kept=False,
        parties=one.parties[:2],
        pairs=frozenset(),
    )
    for met in (narrowest(one, other), narrowest(other, one)):
        assert (met.on_lapse, met.s_flag, met.unnumbered_kept) == (OnLapse.DENY, SFlag.EXCLUDE_PERSON, False)
        assert (met.assurance, met.code_sets, met.pairs) == (other.assurance, ("a", "b"), frozenset())
        assert set(met.opt_outs) == {OptOut("national", timedelta(days=3)), OptOut("type1"), OptOut("scheme:X")}
        assert met.parties == one.parties[:2]
    weaker = replace(other, assurance=Assurance("standards-met", of_recipients=False, of_providers=True))
    assert narrowest(other, weaker).assurance == Assurance("standards-exceeded", of_recipients=True, of_providers=True)
    assert narrowest(one, one).on_lapse is OnLapse.WARN


def test_a_policy_is_compiled_once_between_two_turns_of_the_calendar(small: SimpleNamespace) -> None:
    register = small.world()
    assert register.effective(small.now) is register.effective(small.now + timedelta(hours=1))
    assert register.effective(small.now) is not register.effective(instant("2029-01-01"))


def test_the_register_refuses_what_cannot_stand_together(small: SimpleNamespace) -> None:
    register = small.world()
    with pytest.raises(RegisterFault, match="twice"):
        register.with_agreement(small.agreement(small.raw("secondary", title="Edited")))
    with pytest.raises(RegisterFault, match="no version 2"):
        register.with_agreement(small.agreement(small.raw("secondary", version=3)))
    bad = small.raw("care", valid_to="2025-01-01")
    with pytest.raises(RegisterFault, match="line 1"):
        small.world(care=bad)
    assert small.world(care={**bad, "status": "draft"}).status("ISA-C", 1) is Status.DRAFT
    assert register.status("ISA-NONE", 1) is None
