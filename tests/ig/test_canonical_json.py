"""One meaning, one spelling: what may be hashed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.canonical import NotCanonical, canonical

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_sorts_keys_and_leaves_no_choice() -> None:
    assert canonical({"b": [1, True, None], "a": "é\n\u202e"}) == '{"a":"é\\n\u202e","b":[1,true,null]}'.encode()


def test_a_quotation_in_a_value_cannot_become_a_key() -> None:
    """Log injection: a user agent that closes the string and adds a decision (T32)."""
    body = {"agent": '"},{"decision":"allow', "nul": "\x00\x1b[31m"}
    spelled = canonical(body)
    assert spelled == b'{"agent":"\\"},{\\"decision\\":\\"allow","nul":"\\u0000\\u001b[31m"}'
    assert json.loads(spelled) == body


@pytest.mark.parametrize(
    "value",
    [1.5, 2**53, -(2**53), {"é": 1}, {1: 2}, "\ud800", b"bytes", {1, 2}, object()],
    ids=("fraction", "large", "small", "key", "number-key", "surrogate", "bytes", "set", "object"),
)
def test_refuses_what_two_readers_would_spell_apart(value: object) -> None:
    body: dict[str, Any] = {"a": [value]}
    with pytest.raises(NotCanonical):
        canonical(body)


@given(st.dictionaries(st.text(st.characters(codec="ascii")), _VALUES, max_size=4))
def test_reading_it_back_and_spelling_it_again_changes_nothing(body: dict[str, Any]) -> None:
    spelled = canonical(body)
    assert json.loads(spelled) == body
    assert canonical(json.loads(spelled)) == spelled
    assert canonical(dict(reversed(body.items()))) == spelled
