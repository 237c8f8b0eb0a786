"""What a ledger row says, and that it cannot say who the person is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.canonical import canonical
from ig.disclosure import (
    TOKENS_IN_BODY,
    Circumstances,
    Event,
    Moment,
    NotOpaque,
    Status,
    Whom,
    Work,
    administration,
    batch,
    cut,
    decided,
    outcome,
    subject_digest,
)
from ig.purpose import Role

if TYPE_CHECKING:
    from types import SimpleNamespace

_AT = datetime(2026, 11, 22, 14, 30, tzinfo=timezone(timedelta(hours=2)))
_CAME = Circumstances(Moment(_AT, 2**60, "boot-1"), "d-1", request_id="r-1", source_address="10.1.2.0/24")
_TOKEN = "tok_0123456789abcdef"


def test_a_disclosure_row_says_who_why_under_what_whom_and_which_fields(small: SimpleNamespace) -> None:
    request = small.ask(fields=["problems", "consultations"], filtered_on=["problems"])
    decision = small.decide(request)
    row = decided(_CAME, request, decision, Whom((_TOKEN,), "caseload", "digest"))
    assert row["event"] == Event.DISCLOSURE
    assert row["at"] == "2026-11-22T12:30:00.000000+00:00"
    assert row["actor"] == {
        "subject": "sw-1",
        "organisation": "999",
        "org_class": "council",
        "role": "social-worker",
        "client_id": "",
        "token_id": "",
        "sign_in_assurance": "",
    }
    expected = {
        "purpose": "direct-care",
        "agreement": decision.agreement,
        "grant": "C1",
        "reason": "permitted",
        "fields": ["problems"],
        "fields_dropped": ["consultations"],
        "filtered_on": ["problems"],
        "relationship": "caseload",
        "filters_digest": "digest",
        "providers": 2,
        "source_address": "10.1.2.0/24",
        "row_filters": ["providers:Z99001:Z99002"],
    }
    assert {key: row[key] for key in expected} == expected
    assert canonical(row)


def test_a_refusal_is_a_row_too(small: SimpleNamespace) -> None:
    request = small.ask(role=Role.NAVIGATOR)
    row = decided(_CAME, request, small.decide(request))
    assert (row["event"], row["decision"], row["reason"]) == (Event.REFUSAL, "deny", "role-not-permitted")
    assert row["fields"] == []
    assert canonical(row)


def test_a_batch_is_one_row_with_a_digest_of_its_people(small: SimpleNamespace) -> None:
    tokens = tuple(f"tok_{n:016d}" for n in range(500))
    request = small.ask()
    row: Any = batch(_CAME, request, small.decide(request), Work("job-1", 700, tokens))
    assert (row["event"], row["job"], row["rows"]) == (Event.BATCH, "job-1", 700)
    assert row["subjects"] == {"count": 500, "digest": row["subjects"]["digest"], "tokens": ()}
    assert subject_digest(reversed(tokens)) == row["subjects"]
    assert len(canonical(row)) < 3000


def test_an_outcome_row_says_how_much_left() -> None:
    row = outcome(_CAME, Status.ABORTED, rows=41, result_digest="abc")
    assert (row["event"], row["decision_id"], row["status"], row["rows"]) == (Event.OUTCOME, "d-1", "aborted", 41)
    assert canonical(row)


def test_an_administration_row_says_what_was_done_to_the_gateway(small: SimpleNamespace) -> None:
    asker = small.ask().asker
    row = administration(_CAME, asker, "isa:activate", "ISA-T@2", {"hash": "x" * 999, "version": 2, "forced": False})
    assert (row["event"], row["action"], row["target"]) == (Event.ADMINISTRATION, "isa:activate", "ISA-T@2")
    assert row["details"] == {"hash": "x" * 256, "version": 2, "forced": False}
    assert administration(_CAME, asker, "key:rotate", "audit")["details"] == {}


@pytest.mark.parametrize("value", ["9990000018", "999 000 0018", "Singh", "", "p" * 129, "0" * 20, "x" * 15])
def test_nothing_that_could_be_a_person_passes_for_a_token(value: str) -> None:
    with pytest.raises(NotOpaque) as refused:
        subject_digest([value])
    assert not value or value not in str(refused.value)


def test_tokens_are_named_while_they_are_few() -> None:
    few = [f"tok_{n:016d}" for n in range(TOKENS_IN_BODY)]
    assert subject_digest([*few, few[0]])["tokens"] == few
    assert subject_digest([*few, "tok_another_person"])["tokens"] == ()


def test_an_address_that_is_not_one_is_not_kept() -> None:
    came = Circumstances(_CAME.moment, "d", source_address="<script>")
    assert outcome(came, Status.DONE, rows=0)["source_address"] == "unreadable"


@given(st.text())
def test_a_text_from_outside_is_cut_and_still_has_a_canonical_form(text: str) -> None:
    """T32: newline, NUL, escape sequences, bidi overrides, a megabyte."""
    assert len(cut(text)) <= 256
    assert canonical({"a": cut(text)}).count(b"\n") == 0


def test_half_a_character_does_not_break_a_row() -> None:
    assert canonical({"a": cut("\ud800")}) == b'{"a":"?"}'
