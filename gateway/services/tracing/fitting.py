"""Who of the index fits a search: the people for whom every parameter holds, or whom the model holds likely.

One rule for the PDS surface and for PDQm. Restricted people are not found by where they are, very restricted and
withdrawn ones not at all; a range of birth dates is bounded, and nobody is left out in silence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from gateway.errors import GatewayError, InputError
from gateway.services.tracing.likeness import NEARLY, TODAY, WILD, PatientQuery, day_range, likeness, within
from ig.purpose import Element
from linkage.keys import probe_keys
from linkage.normalise import normalise
from linkage.person import Demographics, PartialDate, Security

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.gate import Passage
    from gateway.house import House
    from linkage.decide import Candidate
    from linkage.person import Person

_USES: Final = {
    "family": Element.NAME,
    "given": Element.NAME,
    "birthdate": Element.BIRTH_DATE,
    "death_date": Element.DECEASED,
    "gender": Element.GENDER,
    "postcode": Element.ADDRESS,
    "gp": Element.GP,
    "phone": Element.TELECOM,
    "email": Element.TELECOM,
}
MOST: Final = 50
"""So many people a search may show; of more, none is shown."""
LIKELY_ENOUGH: Final = 0.01
"""Below this posterior nobody is shown as a candidate."""
_MOST_YEARS: Final = 10
_MOST_YEARS_OF_DAYS: Final = 2
_KEYS_AT_ONCE: Final = 500
FUZZY: Final = "A fuzzy search was requested however the data given did not meet the fuzzy search criteria"
"""What PDS says to a fuzzy search that lacks the least it needs."""


class TooManyMatches(GatewayError):
    """More people fit than may be shown; none is. PDS answers 200 with an OperationOutcome."""

    status: ClassVar[int] = 200
    fhir_code: ClassVar[str] = "multiple-matches"
    exit_code: ClassVar[int] = 1
    staff_sentence: ClassVar[str] = "Too many people fit. Add details that tell them apart."

    def __init__(self) -> None:
        super().__init__(reason="TOO_MANY_MATCHES")


def scored(house: House, passage: Passage, query: PatientQuery) -> list[tuple[Candidate, float]]:
    """Return whoever fits and may be shown, best first, with the score that the surface states.

    Raises:
        TooManyMatches: more share a key than are looked at.
        InputError: a date is impossible, or a range too wide to search.
    """
    asked = normalise(_asked_by(query))
    found = _fuzzy(house, passage, query, asked) if query.fuzzy else _filtered(house, passage, query, asked)
    pairs = [pair for pair in found if findable(pair[0], query) and (pair[1] >= TODAY or not query.exact)]
    return sorted(pairs, key=best_first)


def best_first(pair: tuple[Candidate, float]) -> tuple[float, str]:
    """The order of an answer: the score, then the person's id, so that it is always the same."""
    return -pair[1], pair[0].person_id


def _asked_by(query: PatientQuery) -> Demographics:
    """What of a search the keys and the model can use: a wildcard's beginning, and a date that is one."""
    # a forename that may be any of theirs is in no key
    first, *others = ("",) if query.as_fhir or not query.given else query.given
    return Demographics(
        family=query.family.partition(WILD)[0],
        given=first.partition(WILD)[0],
        other_given=tuple(others),
        birth_date=_known_part("birthdate", query.birthdate),
        death_date=_known_part("death-date", query.death_date),
        gender=query.gender,
        postcode="" if WILD in query.postcode else query.postcode,
        phone=(query.phone,) if query.phone else (),
        email=(query.email,) if query.email else (),
        gp_practice=query.gp,
    )


def _known_part(name: str, dates: tuple[str, ...]) -> str:
    """As much of a date as its range settles: the day, the month, the year, or nothing."""
    low, high = day_range(name, dates)
    if low == high:
        return low.isoformat()
    if low.year == high.year:
        return f"{low.year}-{low.month:02}" if low.month == high.month else str(low.year)
    return ""


def searched_on(query: PatientQuery) -> frozenset[str]:
    """Name what a search uses, wildcards and ranges too: searching on a field is a use of it."""
    return frozenset(element for name, element in _USES.items() if getattr(query, name))


def _fuzzy(house: House, passage: Passage, query: PatientQuery, asked: Person) -> Iterator[tuple[Candidate, float]]:
    """Everyone whom the model holds likely; a birth date outside the range that was asked for is nobody's.

    Raises:
        InputError: a range of birth dates over more than one year, which the model cannot weigh.
    """
    if asked.birth_date is None:
        raise InputError(f"Invalid search data provided - '{FUZZY}'", reason="INVALID_SEARCH_DATA", field="birthdate")
    engine, several = house.engine(), len(query.birthdate) > 1
    for one in engine.matcher.rank(asked, engine.candidates(passage.permit, asked)):
        held = one.candidate.person
        if likeness(held, query) >= TODAY:
            yield one.candidate, TODAY
        elif one.posterior > LIKELY_ENOUGH and not (
            several and not within("birthdate", query.birthdate, held.birth_date)
        ):
            yield one.candidate, round(min(one.posterior, NEARLY), 4)


def _filtered(house: House, passage: Passage, query: PatientQuery, asked: Person) -> Iterable[tuple[Candidate, float]]:
    """Everyone for whom each parameter holds, from among those who share a key with some day of the range.

    Raises:
        TooManyMatches: more share a key than are looked at, so that somebody who fits could be missed.
    """
    seen: dict[str, Candidate] = {}
    keys = list(dict.fromkeys(key for day in _days(query) for key in probe_keys(replace(asked, birth_date=day))))
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        found, left_out = house.stores.index.candidates(passage.permit, keys[start : start + _KEYS_AT_ONCE])
        if left_out:
            raise TooManyMatches
        for one in found:
            seen.setdefault(one.person_id, one)
    held = ((one, likeness(one.person, query)) for one in seen.values() if one.superseded_by is None)
    return [(one, score) for one, score in held if score]


def _days(query: PatientQuery) -> list[PartialDate]:
    """The birth dates to look under: with both names whole, years are enough, else every day has its own key.

    Raises:
        InputError: a range that no key narrows enough: ten years, or two where a name is missing or wild.
    """
    low, high = day_range("birthdate", query.birthdate)
    whole = query.given and not query.as_fhir and WILD not in query.family + query.given[0]
    years = _MOST_YEARS if whole else _MOST_YEARS_OF_DAYS
    if (high - low).days > 366 * years:
        words = f"birthdate: a range of at most {years} years" + ("" if whole else " without both names in full")
        raise InputError(words, reason="INVALID_SEARCH_DATA", field="birthdate")
    if low < high and whole:
        return [PartialDate(year) for year in range(low.year, high.year + 1)]
    days = (low + timedelta(days=offset) for offset in range((high - low).days + 1))
    return [PartialDate(day.year, day.month, day.day) for day in days]


def findable(one: Candidate, query: PatientQuery) -> bool:
    """Restricted people are not found by where they live or are registered; very restricted and withdrawn not at all.

    PDS says so of postcode and practice. That a search by name should not give away the number of somebody whose name
    it withholds is ours.
    """
    if one.security in (Security.INVALIDATED, Security.VERY_RESTRICTED):
        return False
    return not (one.security.hides_location and (query.postcode or query.gp or query.phone or query.email))
