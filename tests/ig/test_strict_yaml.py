"""What an agreement's text may not leave to a reader's guess."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.strict_yaml import LONGEST_TEXT, AgreementFault, read

_PLAIN = st.none() | st.booleans() | st.integers(-(10**15), 10**15)
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff"))


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("", "empty", 1),
        ("# only a remark\n", "empty", 1),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3),
        ("a: &x 1\nb: 2\n", "anchor", 1),
        ("a: 1\nb: *x\n", "anchor", 2),
        ("a: !!str 1\n", "tag", 1),
        ("a: 1\n<<: {b: 2}\n", "key", 2),
        ("a: 1\n? [b]\n: 2\n", "key", 2),
        ("1: a\n", "key", 1),
        ('"": a\n', "key", 1),
        ("a: 1\n---\nb: 2\n", "several-documents", 2),
        ("a: 1\nb: [1\n", "not-yaml", 3),
        ("a: 1\nb: \x00\n", "not-yaml", 2),
        ("a: 1\nb: \x01\n", "not-yaml", 2),
        ('a: "\\ud800"\n', "not-yaml", 1),
        ("a: " + "[" * 30 + "]" * 30, "too-deep", 1),
        ("a: 1\nods: Z99001\n", "unquoted-code", 2),
        ("organisations:\n  - '999'\n  - QZZ\n", "unquoted-code", 3),
        ("a: 1\nb:\n", "ambiguous", 2),
    ],
)
def test_refuses_with_the_line_and_the_rule(text: str, rule: str, line: int) -> None:
    with pytest.raises(AgreementFault) as refused:
        read(text)
    assert (refused.value.rule, refused.value.line) == (rule, line)


@pytest.mark.parametrize(
    "scalar",
    [
        "011",
        "0E1",
        "12:30",
        "NO",
        "no",
        "Yes",
        "on",
        "Off",
        "y",
        "1.5",
        "1e3",
        "0x1F",
        "~",
        "True",
        "NULL",
        "+1",
        ".inf",
    ],
)
def test_refuses_what_two_readers_could_take_for_two_things(scalar: str) -> None:
    with pytest.raises(AgreementFault, match="ambiguous"):
        read(f"a: {scalar}\n")


def test_keeps_dates_codes_and_words_as_the_text_they_are() -> None:
    document = read("a: 2025-04-01\nods: '011'\nb: [true, false, null, 12, -3, Leicester]\n")
    assert document.value == {"a": "2025-04-01", "ods": "011", "b": [True, False, None, 12, -3, "Leicester"]}


def test_knows_the_line_of_every_path() -> None:
    document = read("a: 1\nb:\n  - c: 2\n    d: x\n  - e\n")
    assert {path: document.lines[path] for path in ("a", "b", "b[0].d", "b[1]")} == {
        "a": 1,
        "b": 2,
        "b[0].d": 4,
        "b[1]": 5,
    }


def test_refuses_a_text_too_long_to_be_an_agreement() -> None:
    with pytest.raises(AgreementFault, match="too-long"):
        read("#" * (LONGEST_TEXT + 1))


@given(st.text())
def test_anything_else_is_read_or_refused_and_never_fails_otherwise(text: str) -> None:
    """The parser is handed files by people; a foreign exception would be a crash."""
    with suppress(AgreementFault):
        read(text)


@given(st.lists(_TEXT, max_size=5), st.lists(_PLAIN, max_size=5))
def test_what_is_quoted_comes_back_unchanged(texts: list[str], plain: list[int | bool | None]) -> None:
    """JSON spells the plain ones as YAML 1.2 does."""
    quoted = ["'" + text.replace("'", "''") + "'" for text in texts]
    document = read(f"a: [{', '.join(quoted)}]\nb: {json.dumps(plain)}\n")
    assert document.value == {"a": texts, "b": plain}
