"""Rows of the ledger as the audit page shows them: when, who, why, what, decided how, under which agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import render_template_string

from gateway.web.words import PURPOSES, ROLES, field_words, moment_words, sentence
from ig.purpose import Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services.governance.audit import Access

LIMIT: Final = 200
_PERMITTED: Final = "permit"
_SHOWN: Final = 4

# Two lines in one cell: the words, and the code that the ledger holds. Escaped by the template, not by hand.
_TWO_LINES: Final = '{{ first }}<br><span class="nhsuk-u-secondary-text-colour app-codes">{{ second }}</span>'
_DENIED: Final = (
    '<strong class="nhsuk-tag nhsuk-tag--red">Denied</strong><br>'
    '<span class="nhsuk-u-secondary-text-colour app-codes">{{ second }}</span>'
)

Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What the page says of a search: its heading, a sentence, how many attempts were denied, and the table."""

    heading: str
    text: str
    denied: str
    rows: tuple[tuple[Cell, ...], ...]


def report_of(found: Sequence[Access]) -> Report:
    """Return the accesses and denied attempts as a report."""
    denied = sum(each.decision != _PERMITTED for each in found)
    more = f" The newest {LIMIT} are shown: narrow the dates to see others." if len(found) >= LIMIT else ""
    counted = {0: "No access is recorded", 1: "1 record of access"}.get(len(found), f"{len(found)} records of access")
    nobody = "Nobody looked, and nobody was refused, within these dates." if not found else ""
    return Report(
        heading=counted,
        text=nobody or f"Times are those of England.{more}",
        denied=f"{denied} denied" if denied else "",
        rows=tuple(_line(each) for each in found),
    )


def _line(access: Access) -> tuple[Cell, ...]:
    who = access.caller_name or access.caller
    return (
        {"text": moment_words(access.at)},
        _cell(_TWO_LINES, who, f"{_role(access.role)}, {access.organisation}"),
        {"text": sentence(_purpose(access.purpose))},
        _cell(_TWO_LINES, _what(access), f"row {access.seq}"),
        _decision(access),
        {"text": access.agreement.partition("#")[0] or "None", "classes": "app-codes"},
    )


def _decision(access: Access) -> Cell:
    if access.decision == _PERMITTED:
        return {"text": "Permitted"}
    return _cell(_DENIED, "", access.reason)


def _what(access: Access) -> str:
    people = "1 person" if access.subjects == 1 else f"{access.subjects:,} people"
    names = [field_words(name) for name in sorted(access.fields)]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = ", ".join(names[:_SHOWN]) + rest
    return sentence(f"{listed or 'nothing'} ({people})")


def _role(code: str) -> str:
    return ROLES[Role(code)] if code in frozenset(Role) else code


def _purpose(code: str) -> str:
    return PURPOSES[Purpose(code)] if code in frozenset(Purpose) else code


def _cell(template: str, first: str, second: str) -> Cell:
    return {"html": render_template_string(template, first=first, second=second)}
