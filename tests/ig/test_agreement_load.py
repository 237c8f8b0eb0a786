"""From a text to an agreement, or to the line that keeps it from being one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from fixtures.agreements import demo_agreements
from ig.agreement import AgreementFault, instant, load, statement
from ig.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from ig.agreement import Agreement

_DEMO = demo_agreements()[1]


def test_the_schema_is_itself_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "rule", "path"),
    [
        ("title: Shared", "titel: Shared", "schema-additionalProperties", "titel"),
        ("on_lapse: warn ", "on_lapse: perhaps", "schema-enum", "on_lapse"),
        ("valid_from: 2025-04-01", "valid_from: 2025-04-31", "schema-format", "valid_from"),
        ("valid_from: 2025-04-01", "valid_from: 20250401", "schema-type", "valid_from"),
        ("valid_from: 2025-04-01", 'valid_from: "2025-W14-2"', "schema-format", "valid_from"),
        ("version: 1\nstatus", 'version: "1"\nstatus', "schema-type", "version"),
        ('ods: "999"', "ods: 999", "unquoted-code", "parties[0].ods"),
        ('ods: "999"', "ods: Z99", "unquoted-code", "parties[0].ods"),
        ("roles: [gp]", "roles: [R8000]", "schema-enum", "grants[2].roles[0]"),
        ("level: patient", "level: household", "schema-enum", "grants[0].level"),
        ("retention: {period: P2Y", "retention: {periods: P2Y", "schema-additionalProperties", "retention.periods"),
        ("id: C-WARD", "id: &a C-WARD", "anchor", "grants[4].id"),
        ("status: active", "status: active\nstatus: draft", "duplicate-key", "status"),
    ],
)
def test_a_text_is_refused_at_its_line(old: str, new: str, rule: str, path: str) -> None:
    """T38: what cannot be read with one meaning is rejected with its line number."""
    text = _DEMO.replace(old, new, 1)
    assert text != _DEMO
    with pytest.raises(AgreementFault) as refused:
        load(text)
    assert (refused.value.rule, refused.value.path) == (rule, path)
    first_difference = next(i for i, (a, b) in enumerate(zip(_DEMO, text, strict=False)) if a != b)
    wanted = text.count("\n", 0, first_difference) + 1
    assert refused.value.line in (wanted, wanted + 1)
    assert f"line {refused.value.line}" in str(refused.value)


@pytest.mark.parametrize("text", ["[]", "just words", "{}"])
def test_what_is_no_map_of_the_right_keys_is_refused(text: str) -> None:
    with pytest.raises(AgreementFault, match="line 1"):
        load(text)


def test_days_begin_at_midnight_in_london() -> None:
    assert instant("2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)
    assert instant("2026-07-01") == datetime(2026, 6, 30, 23, tzinfo=UTC)


def test_the_hash_is_of_the_terms_and_not_of_what_changes_around_them(
    raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]
) -> None:
    before = agreement(raw("secondary"))
    bare = raw("secondary", status="suspended", signatures=[])
    del bare["addenda"]
    around = agreement(bare)
    assert before.hash == around.hash
    assert agreement(raw("secondary", title="Another")).hash != before.hash


def test_the_order_of_keys_does_not_change_the_hash(
    raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]
) -> None:
    document = raw("care")
    assert agreement(dict(reversed(document.items()))).hash == agreement(document).hash


def test_a_signature_is_to_the_version_or_to_its_addendum(
    raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]
) -> None:
    secondary = agreement(raw("secondary"))
    assert statement(secondary) == secondary.hash
    assert statement(secondary, "A1") == secondary.addenda[0].hash
    assert not statement(secondary, "A9")


def test_what_is_not_said_is_the_narrower_reading(
    raw: Callable[..., dict[str, Any]], agreement: Callable[..., Agreement]
) -> None:
    document = raw("care")
    del document["exclusions"], document["on_lapse"], document["break_glass"]
    plain = agreement(document)
    assert (plain.s_flag, plain.on_lapse, plain.break_glass) == ("exclude_person", "deny", False)
    assert plain.party("999") is not None
    assert plain.party("XXX") is None


def test_a_file_that_is_no_agreement_is_refused_without_a_word_of_it() -> None:
    """A people CSV, given by mistake."""
    with pytest.raises(AgreementFault) as refused:
        load("Weatherby Amina 1961-03-04 LE2 1AA")
    assert "Weatherby" not in str(refused.value)
    assert "not an agreement" in str(refused.value)
