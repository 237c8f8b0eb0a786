"""Terms that read well and make no sense, or are against the rules that bite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.agreements import demo_agreements
from ig.agreement import LintRule, Severity, lint, load
from ig.lint import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from ig.agreement import Agreement

    Change = Callable[[dict[str, Any]], object]


def _grant(**changes: Any) -> Change:  # noqa: ANN401 - any part of a grant
    return lambda d: d["grants"][0].update(changes)


def _recipients(**changes: Any) -> Change:  # noqa: ANN401 - any part of them
    return lambda d: d["grants"][0].update(recipients=changes)


@pytest.mark.parametrize(
    ("name", "change", "rule", "path"),
    [
        ("care", lambda d: d.pop("framework"), LintRule.FRAMEWORK, ""),
        ("framework", lambda d: d.update(framework={"id": "FW-X", "min_version": 1}), LintRule.FRAMEWORK, "framework"),
        ("care", lambda d: d.update(valid_to="2025-01-01"), LintRule.TERM, "valid_to"),
        ("care", lambda d: d.update(review_by="2029-06-01"), LintRule.TERM, "review_by"),
        (
            "secondary",
            lambda d: d["addenda"][0].update(effective_from="2029-01-01"),
            LintRule.TERM,
            "addenda[0].effective_from",
        ),
        ("care", lambda d: d["parties"].append({**d["parties"][0], "name": "again"}), LintRule.DUPLICATE, "parties"),
        ("secondary", lambda d: d["addenda"][0]["grant"].update(id="G1"), LintRule.DUPLICATE, "grants"),
        ("care", lambda d: d["parties"][0].update(joint=True), LintRule.ARTICLE_26, "parties"),
        ("care", lambda d: d["parties"][4].pop("art28_ref"), LintRule.ARTICLE_28, "parties[4]"),
        ("care", lambda d: d["signatures"][0].update(ods="XXX"), LintRule.NOT_A_PARTY, "signatures[0]"),
        ("care", lambda d: d["signatures"][0].update(addendum="A7"), LintRule.NOT_A_PARTY, "signatures[0]"),
        ("care", _recipients(), LintRule.NO_RECIPIENT, "grants[0].recipients"),
        ("care", _recipients(organisations=["XXX"]), LintRule.NOT_A_PARTY, "grants[0].recipients"),
        ("care", _recipients(org_classes=["acute-trust"]), LintRule.NOT_A_PARTY, "grants[0].recipients"),
        ("care", _grant(roles=["system-admin"]), LintRule.ADMINISTRATOR, "grants[0].roles"),
        ("care", _grant(roles=["system"]), LintRule.SYSTEM_CALLERS, "grants[0].recipients"),
        (
            "care",
            _recipients(org_classes=["council"], callers=["system-link"]),
            LintRule.SYSTEM_CALLERS,
            "grants[0].recipients",
        ),
        ("framework", _grant(roles=["system", "gp"]), LintRule.SYSTEM_CALLERS, "grants[0].recipients"),
        ("care", _grant(purpose="processing"), LintRule.SYSTEM_CALLERS, "grants[0].roles"),
        ("care", _grant(datasets=["acute"]), LintRule.UNDECLARED, "grants[0].datasets"),
        ("care", _grant(datasets=["acute"]), LintRule.NO_PROVIDER, "grants[0].datasets"),
        ("care", _grant(fields=["allergies"]), LintRule.UNDECLARED, "grants[0].fields"),
        (
            "care",
            lambda d: d["datasets"]["gp"]["fields"].append("star_sign"),
            LintRule.UNKNOWN_FIELD,
            "datasets.gp.fields",
        ),
        ("care", lambda d: d["grants"][0].pop("relationship"), LintRule.RELATIONSHIP, "grants[0]"),
        ("care", lambda d: d.pop("break_glass"), LintRule.EMERGENCY, "grants[1]"),
        ("care", lambda d: d["grants"][1].update(subjects=["population"]), LintRule.EMERGENCY, "grants[1]"),
        ("care", lambda d: d["grants"][1].update(level="pseudonymised"), LintRule.EMERGENCY, "grants[1]"),
        ("secondary", lambda d: d.update(on_lapse="warn"), LintRule.ON_LAPSE, "on_lapse"),
        (
            "care",
            lambda d: d.update(opt_outs={"national": {"apply": False}, "type1": {"apply": True}}),
            LintRule.OPT_OUTS,
            "opt_outs",
        ),
        ("secondary", lambda d: d.pop("opt_outs"), LintRule.OPT_OUTS, ""),
        ("secondary", lambda d: d["opt_outs"]["national"].update(apply=False), LintRule.OPT_OUTS, "opt_outs"),
        (
            "secondary",
            lambda d: d["preconditions"]["approvals"][0].update(covers=["gp"]),
            LintRule.APPROVAL,
            "grants[0].datasets",
        ),
        (
            "secondary",
            lambda d: d["legal"].update(cldc={"basis": "implied_consent"}),
            LintRule.IDENTIFIABLE,
            "grants[0]",
        ),
        ("secondary", _grant(level="pseudonymised"), LintRule.PSEUDONYMS, "grants[0]"),
        ("secondary", _grant(level="aggregate"), LintRule.DISCLOSURE_CONTROL, "grants[0]"),
    ],
)
def test_an_error_keeps_the_version_out_of_force(  # noqa: PLR0913, PLR0917 - four columns and two fixtures
    name: str,
    change: Change,
    rule: LintRule,
    path: str,
    raw: Callable[..., dict[str, Any]],
    agreement: Callable[..., Agreement],
) -> None:
    document = raw(name)
    assert errors(agreement(document)) == []
    change(document)
    found = errors(agreement(document))
    assert (rule, path) in [(x.rule, x.path) for x in found]
    assert all(x.severity is Severity.ERROR and x.message and x.line >= 1 for x in found)


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        ("care", lambda d: d["signatures"].pop(), LintRule.UNSIGNED),
        (
            "care",
            lambda d: (d["datasets"]["gp"]["fields"].append("sensitive"), _grant(fields=["sensitive"])(d)),
            LintRule.SENSITIVE,
        ),
        ("secondary", lambda d: d.pop("linkage"), LintRule.LINKAGE),
        ("secondary", lambda d: d["legal"].update(cldc={"basis": "explicit_consent"}), LintRule.OPT_OUTS),
    ],
)
def test_a_warning_is_shown_and_stops_nothing(
    name: str,
    change: Change,
    rule: LintRule,
    raw: Callable[..., dict[str, Any]],
    agreement: Callable[..., Agreement],
) -> None:
    document = raw(name)
    change(document)
    odd = agreement(document)
    assert errors(odd) == []
    assert rule in [x.rule for x in lint(odd)]


def test_a_reason_settles_what_the_basis_leaves_open(
    raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]
) -> None:
    document = raw("secondary")
    document["opt_outs"] |= {"national": {"apply": False}, "reason": "the approval says so"}
    assert lint(agreement(document)) == []


def test_findings_name_the_line_of_the_text() -> None:
    text = demo_agreements()[1].replace("roles: [ward]", "roles: [system-admin]")
    (found,) = errors(load(text))
    assert found.line == text[: text.index("[system-admin]")].count("\n") + 1


@pytest.mark.parametrize("text", demo_agreements())
def test_the_demonstration_agreements_have_no_findings(text: str) -> None:
    assert lint(load(text)) == []
