"""The result of a verification or a search as the page shows it: words, next step, and nothing the result lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_TRACE, OF_VERIFICATION
from gateway.web.words import SOURCES, STATUSES, day_words, field_words, sentence
from linkage.decide import Flag, Outcome, Verdict

if TYPE_CHECKING:
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.services.tracing.find import FindResult
    from gateway.services.tracing.verify import VerifyResult
    from linkage.explain import Evidence

_GOOD, _ATTENTION, _BAD = "good", "attention", "bad"
_TONES: Final[dict[Outcome | Verdict, str]] = {
    Outcome.MATCHED: _GOOD,
    Verdict.CONFIRMED: _GOOD,
    Verdict.SOMEONE_ELSE: _BAD,
    Verdict.INVALID_NUMBER: _BAD,
    Verdict.DEMOGRAPHICS_DIFFER: _BAD,
}
_REPLACED: Final = "The right person, and the number has been replaced"
_FIND_NEXT: Final = {Verdict.SOMEONE_ELSE, Verdict.DEMOGRAPHICS_DIFFER, Verdict.NOT_IN_INDEX}

Row = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Panel:
    """What the result panel holds. ``tone`` colours its edge; the words carry the meaning."""

    heading: str
    tone: str
    number: str
    number_label: str
    flags: tuple[str, ...]
    advice: str
    rows: tuple[Row, ...]
    evidence: tuple[tuple[dict[str, str], ...], ...]
    offer_find: bool


def verified(result: VerifyResult) -> Panel:
    """Return the panel of a verification."""
    superseded = Flag.SUPERSEDED in result.flags and result.current is not None
    shown = result.current if superseded else result.number
    confirmed = result.verdict is Verdict.CONFIRMED
    rows = [_row("Number you gave", f"{result.number}, replaced")] if superseded and confirmed else []
    if result.agreed:
        rows.append(_row("Details that agree", _listed(result.agreed)))
    if result.unlike:
        rows.append(_row("Details to check with the person", _listed(result.unlike)))
    return Panel(
        heading=_REPLACED if superseded and confirmed else OF_VERIFICATION[result.verdict].heading,
        tone=_ATTENTION if result.flags and confirmed else _TONES.get(result.verdict, _ATTENTION),
        number=str(shown) if shown and confirmed else "",
        number_label="Current NHS number" if superseded else "NHS number",
        flags=_sentences(result.flags),
        advice=result.advice,
        rows=(*rows, *_foot(result.status, result.checked_against, result.decision_id)),
        evidence=_evidence(result.evidence),
        offer_find=result.verdict in _FIND_NEXT,
    )


def found(result: FindResult) -> Panel:
    """Return the panel of a search."""
    matched = result.outcome is Outcome.MATCHED
    return Panel(
        heading=OF_TRACE[result.outcome].heading,
        tone=_ATTENTION if result.flags and matched else _TONES.get(result.outcome, _ATTENTION),
        number=str(result.number) if result.number else "",
        number_label="NHS number",
        flags=_sentences(result.flags),
        advice=result.advice,
        rows=_foot(result.status, result.checked_against, result.decision_id),
        evidence=_evidence(result.evidence),
        offer_find=False,
    )


def _foot(status: str, against: CheckedAgainst | None, decision_id: str) -> tuple[Row, ...]:
    rows = [_row("NHS number status", STATUSES.get(status, status))]
    if against:
        source = SOURCES.get(against.source, against.source)
        rows.append(_row("Checked against", f"{source}, {against.people:,} people, as of {day_words(against.as_of)}"))
    if decision_id:
        rows.append({"key": {"text": "Recorded as"}, "value": {"text": decision_id, "classes": "app-codes"}})
    return tuple(rows)


def _row(key: str, value: str) -> Row:
    return {"key": {"text": key}, "value": {"text": sentence(value), "classes": "app-codes"}}


def _sentences(flags: frozenset[Flag]) -> tuple[str, ...]:
    return tuple(FLAG_SENTENCES[flag] for flag in Flag if flag in flags)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(field_words(name) for name in names)


def _evidence(pieces: tuple[Evidence, ...]) -> tuple[tuple[dict[str, str], ...], ...]:
    """What weighed, heaviest first; then, in one line, what there was nothing to compare of."""
    weighed = sorted((piece for piece in pieces if piece.bits), key=lambda piece: -abs(piece.bits))
    lines = [
        (
            {"text": sentence(field_words(piece.field))},
            {"text": sentence(field_words(piece.level))},
            {"text": f"{piece.bits:+.1f}".replace("-", "\N{MINUS SIGN}")},
        )
        for piece in weighed
    ]
    rest = tuple(piece.field for piece in pieces if not piece.bits)
    if rest:
        lines.append(({"text": "Without weight"}, {"text": sentence(_listed(rest))}, {"text": "0"}))
    return tuple(lines)
