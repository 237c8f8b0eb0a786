"""From what the one engine found about a record to the cause that staff can act on.

Nothing is matched here: the finding, the weights, the probabilities and the levels are those of `gateway.engine` and
`linkage.decide`, what is a placeholder is `linkage.normalise`'s to say, and what is a number `linkage.nhs_number`'s. A
cause says what is likeliest: that somebody is close only where the calibrated probabilities of the candidates together
outweigh the record's absence from this index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.services.records.decided import CONTESTED
from gateway.services.reports.reasons import Cause, Diagnosis
from linkage.compare import WHOLE_POSTCODE
from linkage.explain import LABELS, differs
from linkage.findings import Flag, Outcome
from linkage.normalise import doubts
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkage.explain import Evidence
    from linkage.findings import Candidate, Finding, Scored
    from linkage.person import Demographics, Person

_PLACES: Final = {"postcode": "address"}
_INVALIDATED: Final = "invalidated"
_HALF: Final = 0.5
_FIRST_JANUARY: Final = (1, 1)
_FOUND_BY: Final = ("birth_date", "family", "given", "address")
_SHOWN_TO_SOMEBODY: Final = frozenset({Outcome.REVIEW, Outcome.MANY})
_TELLING: Final = frozenset({"family", "given", "birth_date", "postcode"})


@dataclass(frozen=True, slots=True)
class Held:
    """What the index holds under the number that a record came with.

    ``row`` is the number's own row and ``current`` the one in force where it was replaced; ``scored`` weighs the record
    against the holder. All None where the record has no valid number, or the index does not hold it.
    """

    row: Candidate | None = None
    current: Candidate | None = None
    scored: Scored | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A record and everything that was found about it; ``nearest`` are its candidates, likeliest first.

    ``apart``: a decision that may be heard of keeps it from somebody.
    """

    said: Demographics
    asked: Person
    finding: Finding
    nearest: tuple[Scored, ...] = ()
    held: Held = field(default_factory=Held)
    flags: frozenset[Flag] = frozenset()
    apart: bool = False


def diagnose(found: Looked) -> Diagnosis | None:
    """Return why a record is not settled: the first cause that holds, and which others do; None where none does."""
    held = list(_causes(found))
    if not held:
        return None
    first = held[0]
    also = tuple(dict.fromkeys(one.cause for one in held[1:] if one.cause is not first.cause))
    return Diagnosis(first.cause, first.fields, also)


def _causes(found: Looked) -> Iterable[Diagnosis]:
    """Every cause that holds, the one to act on first in front; none of a record found with nothing wrong about it."""
    yield from _of_number(found)
    matched = found.finding.outcome is Outcome.MATCHED
    if matched and Flag.DUPLICATE_IN_SOURCE in found.flags:
        yield Diagnosis(Cause.DUPLICATE)
    if not matched:
        if found.apart or found.finding.reason == CONTESTED:
            yield Diagnosis(Cause.KEPT_APART)
        if placeholders := _placeholders(found):
            yield Diagnosis(Cause.PLACEHOLDER, placeholders)
        yield _of_details(found)
        if sum(one.posterior for one in found.nearest) < _HALF and found.finding.outcome in _SHOWN_TO_SOMEBODY:
            yield Diagnosis(Cause.LIKELY_ABSENT)
        if Flag.DUPLICATE_IN_SOURCE in found.flags:
            yield Diagnosis(Cause.DUPLICATE)


def _of_number(found: Looked) -> Iterable[Diagnosis]:
    """What is wrong with the number itself."""
    row = found.held.row
    if found.asked.nhs_number is None:
        if found.said.nhs_number.strip():
            yield Diagnosis(Cause.NUMBER_INVALID, ("nhs_number",))
    elif row is not None and row.security is Security.INVALIDATED:
        yield Diagnosis(Cause.NUMBER_WITHDRAWN, ("nhs_number",))
    elif row is not None and row.superseded_by is not None:
        yield Diagnosis(Cause.NUMBER_SUPERSEDED, ("nhs_number",))
    elif _is_somebody_elses(found):
        yield Diagnosis(Cause.NUMBER_SOMEBODY_ELSES, ("nhs_number",))


def _is_somebody_elses(found: Looked) -> bool:
    """Whether the number leads to another person than the details do, or to one who is like the record in nothing."""
    best = found.finding.best
    if found.finding.outcome is Outcome.MATCHED and best is not None:
        return best.candidate.person.nhs_number != found.asked.nhs_number
    holder = found.held.scored
    if holder is None:
        return False
    levels = {piece.field: piece.level for piece in holder.evidence}
    return levels["birth_date"] in _OTHER_BIRTH_DATE and "differs" in {levels["family"], levels["given"]}


_OTHER_BIRTH_DATE: Final = frozenset({"two-parts", "year", "differs", "generation"})


def _placeholders(found: Looked) -> tuple[str, ...]:
    """The telling details that were given and say nobody's."""
    doubtful = (one.field for one in doubts(found.said, found.asked) if one.field in _TELLING)
    return tuple(_PLACES.get(name, name) for name in doubtful)


def _of_details(found: Looked) -> Diagnosis:
    """What keeps the details from settling it."""
    finding = found.finding
    if finding.outcome is Outcome.INVALID_INPUT:
        return Diagnosis(Cause.NOT_ENOUGH, lacking(found.asked))
    if finding.reason == _INVALIDATED:
        return Diagnosis(Cause.NUMBER_WITHDRAWN)
    known = sum(one.posterior for one in found.nearest)
    # whom a reviewer is shown is somebody near, however likely it is that the record is nobody's
    if not found.nearest or (finding.outcome is Outcome.NONE and known < _HALF):
        return Diagnosis(Cause.LIKELY_ABSENT, weak(found.asked))
    if finding.outcome is Outcome.MANY or found.nearest[0].posterior < known / 2:
        return Diagnosis(Cause.SEVERAL_CLOSE, lacking(found.asked))
    return _of_pair(found.asked, differing(found.nearest[0].evidence))


def _of_pair(asked: Person, fields: tuple[str, ...]) -> Diagnosis:
    """What keeps a record from the one person who is likely to be it; ``fields`` are those that differ."""
    if not fields:
        return Diagnosis(Cause.NOT_ENOUGH, lacking(asked))
    return Diagnosis(Cause.ONE_FIELD if len(fields) == 1 else Cause.SEVERAL_FIELDS, fields)


def differing(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The fields that both sides give and do not give alike, what weighs most against the pair first."""
    unlike = [piece for piece in evidence if piece.field in LABELS and differs(piece)]
    return tuple(piece.field for piece in sorted(unlike, key=lambda piece: piece.bits))


def lacking(asked: Person) -> tuple[str, ...]:
    """The details that a record does not give, or not whole, those that tell people apart best first."""
    born = asked.birth_date
    absent = {
        "nhs_number": asked.nhs_number is None,
        "birth_date": born is None or not born.is_whole,
        "family": not asked.family,
        "given": len(asked.given) <= 1,
        "address": len(asked.postcode) < WHOLE_POSTCODE,
        "other_given": not asked.other_given,
        "phone": not asked.phone,
        "email": not asked.email,
    }
    return tuple(name for name, is_absent in absent.items() if is_absent)


def weak(asked: Person) -> tuple[str, ...]:
    """The details by which somebody should be found and which a record does not give whole, or only as an estimate."""
    born = asked.birth_date
    estimated = {"birth_date"} if born is not None and (born.month, born.day) == _FIRST_JANUARY else set()
    return tuple(name for name in _FOUND_BY if name in {*lacking(asked), *estimated})
