"""Codes in words, and results as the page says them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.services.governance.integrity import IntegrityReport
from gateway.services.tracing.against import CheckedAgainst
from gateway.services.tracing.find import FindResult
from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_TRACE, OF_VERIFICATION
from gateway.services.tracing.verify import VerifyResult
from gateway.web import integrity
from gateway.web.integrity import IntegrityWatch, _verified
from gateway.web.results import found, verified
from gateway.web.words import PURPOSES, ROLES, STATUSES, field_words, moment_words, sentence
from ig.ledger import Damage, Kind
from ig.purpose import Purpose, Role
from linkage.decide import Flag, Outcome, Verdict
from linkage.explain import Evidence
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from gateway.house import House

NUMBER, CURRENT = NhsNumber("9990000018"), NhsNumber("9990000026")
AGAINST = CheckedAgainst("pds", date(2026, 10, 1), 1_234_567)


def verification(verdict: Verdict, *flags: Flag, current: NhsNumber | None = None) -> VerifyResult:
    row = OF_VERIFICATION[verdict]
    return VerifyResult(verdict, frozenset(flags), NUMBER, current, (), (), (), AGAINST, row.advice, row.status, "d1")


def search(outcome: Outcome, *flags: Flag, number: NhsNumber | None = None) -> FindResult:
    row = OF_TRACE[outcome]
    return FindResult(outcome, None, frozenset(flags), number, (), AGAINST, row.advice, row.status, 1, "d1")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_heading_advice_and_status(verdict: Verdict) -> None:
    panel = verified(verification(verdict))
    assert panel.heading == OF_VERIFICATION[verdict].heading
    assert panel.advice == OF_VERIFICATION[verdict].advice
    assert panel.rows[0]["value"]["text"] == STATUSES[OF_VERIFICATION[verdict].status]
    assert bool(panel.number) == (verdict is Verdict.CONFIRMED)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_heading_advice_and_status(outcome: Outcome) -> None:
    number = NUMBER if outcome is Outcome.MATCHED else None
    panel = found(search(outcome, number=number))
    assert panel.heading == OF_TRACE[outcome].heading
    assert panel.number == (str(NUMBER) if number else "")
    assert not panel.offer_find


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_is_said_and_draws_attention(flag: Flag) -> None:
    for panel in (
        verified(verification(Verdict.CONFIRMED, flag, current=CURRENT)),
        found(search(Outcome.MATCHED, flag, number=NUMBER)),
    ):
        assert panel.flags == (FLAG_SENTENCES[flag],)
        assert panel.tone == "attention"


def test_the_current_number_is_shown_in_place_of_a_superseded_one() -> None:
    panel = verified(verification(Verdict.CONFIRMED, Flag.SUPERSEDED, current=CURRENT))
    assert (panel.number, panel.number_label) == (str(CURRENT), "Current NHS number")
    assert panel.rows[0]["value"]["text"] == f"{NUMBER}, replaced"


def test_an_answer_checked_against_nothing_does_not_claim_to_be() -> None:
    row = OF_TRACE[Outcome.NONE]
    panel = found(FindResult(Outcome.NONE, None, frozenset(), None, (), None, row.advice, row.status, 0, ""))
    assert [each["key"]["text"] for each in panel.rows] == ["NHS number status"]


def test_evidence_is_shown_heaviest_first_with_its_sign() -> None:
    weighed = (Evidence("given", "exact", 4.25), Evidence("birth_date", "differs", -7.5))
    pieces = (*weighed, Evidence("phone", "missing", 0.0), Evidence("email", "missing", 0.0))
    row = OF_TRACE[Outcome.MATCHED]
    panel = found(
        FindResult(Outcome.MATCHED, None, frozenset(), NUMBER, pieces, AGAINST, row.advice, row.status, 1, "d")
    )
    assert [[cell["text"] for cell in line] for line in panel.evidence] == [
        ["Date of birth", "Differs", "\N{MINUS SIGN}7.5"],
        ["Given name", "Exact", "+4.2"],
        ["Without weight", "Phone, email", "0"],
    ]


def test_every_purpose_and_role_has_words() -> None:
    assert set(PURPOSES) == set(Purpose)
    assert set(ROLES) == set(Role)


def test_times_are_those_of_england() -> None:
    assert moment_words(datetime(2026, 7, 1, 23, 30, 5, tzinfo=UTC)) == "2 July 2026, 00:30:05"


def test_words_keep_their_capitals() -> None:
    assert sentence("the Personal") == "The Personal"
    assert sentence("") == ""
    assert field_words("care-needs") == "care needs"


def test_damage_is_said_with_its_row_and_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    damage = Damage(7, Kind.ALTERED)
    monkeypatch.setattr(integrity, "verify_ledger", lambda _house: IntegrityReport(9, 1, "", damage))
    told = _verified(None, datetime(2026, 7, 1, tzinfo=UTC))  # type: ignore[arg-type] # the house is not looked at
    assert told.tone == "bad"
    assert "Row 7" in told.text


def test_the_ledger_is_verified_once_a_minute_at_most(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def verify(held: House) -> IntegrityReport:
        asked.append(held)
        return IntegrityReport(len(asked), 0, "", None)

    monkeypatch.setattr(integrity, "verify_ledger", verify)
    watch = IntegrityWatch()
    assert watch.status(house) == watch.status(house)
    watch._held = (house.now() - timedelta(minutes=2), watch.status(house))
    assert "All 2 rows" in watch.status(house).text
