"""Use cases of the PDS surface: read one Patient by number, and search; both cut down to what the agreement shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gateway.errors import GatewayError, InputError, NotFound
from gateway.ids import person_id
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.likeness import NEARLY, TODAY, WILD, PatientQuery, day_range, likeness, within
from gateway.services.tracing.presented import index_meta, listed, retrieved
from ig.decide import Described, Known, SubjectRef
from ig.purpose import Dataset, Element, Level
from linkage.keys import probe_keys
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, PartialDate, Security

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Candidate
    from linkage.person import Person

_ELEMENTS: Final = frozenset(Element) - {Element.EVIDENCE}
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
_MOST: Final = 50
_LIKELY_ENOUGH: Final = 0.01
_BASE: Final = "/personal-demographics/FHIR/R4/Patient"
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


@dataclass(frozen=True, slots=True)
class PatientRead:
    """A Patient and its version, which is the ETag."""

    body: dict[str, Any]
    version: str
    decision_id: str


def read_patient(house: House, caller: Caller, number: str) -> PatientRead:
    """Return the Patient now known by ``number``; its id differs where that number was superseded.

    Raises:
        InputError: not an NHS number (``INVALID_RESOURCE_ID``).
        NotFound: not in the index (``RESOURCE_NOT_FOUND``) or withdrawn (``INVALIDATED_RESOURCE``).
        NotPermitted: no agreement lets this caller read demographics.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    return _read(house, caller, number)


def related_people(house: House, caller: Caller, number: str) -> PatientRead:
    """Return the Bundle of the related people of a patient: an empty one, since an index holds none.

    The patient is looked up all the same, and the look recorded: an unknown number is not answered with nobody.

    Raises:
        InputError, NotFound, NotPermitted, Unavailable: as `read_patient`.
    """
    found = _read(house, caller, number)
    bundle = {"resourceType": "Bundle", "type": "searchset", "timestamp": _stamp(house), "total": 0}
    return replace(found, body=bundle)


def _read(house: House, caller: Caller, number: str) -> PatientRead:
    wanted = _parse(number)
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=_ELEMENTS,
        subject=Known(SubjectRef(person_id(wanted))),
        filtered_on={Element.NHS_NUMBER},
    ) as passage:
        held = _in_force(house, passage, wanted)
        if held is None:
            passage.disclose((), outcome="not-found")
        elif held.security is Security.INVALIDATED:
            passage.disclose((), outcome="invalidated")
        else:
            passage.disclose([held.person_id], rows=1)
    if held is None:
        raise NotFound(reason="RESOURCE_NOT_FOUND")
    if held.security is Security.INVALIDATED:
        raise NotFound(reason="INVALIDATED_RESOURCE")
    body = retrieved(house, passage, held, against)
    return PatientRead(body, str(body.get("meta", {}).get("versionId", "1")), passage.decision_id)


def _parse(number: str) -> NhsNumber:
    try:
        return NhsNumber(number)
    except NotAnNhsNumber as fault:
        raise InputError(f"id: {fault.fault}", reason="INVALID_RESOURCE_ID", field="id") from None


def _in_force(house: House, passage: Passage, number: NhsNumber) -> Candidate | None:
    held, current = house.engine().in_force(passage.permit, number)
    return current if held is not None and held.superseded_by else held


def search_patients(house: House, caller: Caller, query: PatientQuery) -> dict[str, Any]:
    """Return a searchset Bundle, best first; without ``entry`` where nobody fits, as PDS answers.

    Without ``_fuzzy-match`` every parameter must hold (wildcards and date ranges included) and `likeness` is the
    score; with it the house model weighs the candidates and its calibrated posterior is, so that more evidence never
    scores less. In both, 1 is said only of a person whom every parameter fits as held today.

    Raises:
        TooManyMatches: more people fit than ``_max-results``, or than were looked at; none is shown.
        InputError: a date is impossible, or a range too wide to search.
        NotPermitted: no agreement lets this caller search.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    against = checked_against(house)
    asked = normalise(_demographics(query))
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=_ELEMENTS,
        subject=Described(),
        filtered_on=_searched_on(query),
    ) as passage:
        scored = _scored(house, passage, query, asked)
        too_many = len(scored) > min(query.max_results or _MOST, _MOST)
        shown = [] if too_many else scored
        entries = [_entry(listed(retrieved(house, passage, one, against)), score) for one, score in shown]
        passage.disclose([one.person_id for one, _ in shown], rows=len(entries))
    if too_many:
        raise TooManyMatches
    return _bundle(house, against, entries)


def _scored(house: House, passage: Passage, query: PatientQuery, asked: Person) -> list[tuple[Candidate, float]]:
    """Whoever may be shown, best first, with the score that the surface states."""
    found = _fuzzy(house, passage, query, asked) if query.fuzzy else _filtered(house, passage, query, asked)
    pairs = [pair for pair in found if _findable(pair[0], query) and (pair[1] >= TODAY or not query.exact)]
    return sorted(pairs, key=_best_first)


def _bundle(house: House, against: CheckedAgainst, entries: list[dict[str, Any]]) -> dict[str, Any]:
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": index_meta(against, house.now().date()),
        "timestamp": _stamp(house),
        "total": len(entries),
    }
    return {**bundle, "entry": entries} if entries else bundle


def _stamp(house: House) -> str:
    return house.now().astimezone(UTC).isoformat(timespec="seconds")


def _demographics(query: PatientQuery) -> Demographics:
    """What of a search the keys and the model can use: a wildcard's beginning, and a date that is one."""
    given = query.given[0] if query.given else ""
    return Demographics(
        family=query.family.partition(WILD)[0],
        given=given.partition(WILD)[0],
        other_given=query.given[1:],
        birth_date=_known_part("birthdate", query.birthdate),
        death_date=_known_part("death-date", query.death_date),
        gender=query.gender,
        postcode="" if WILD in query.postcode else query.postcode,
        phone=(query.phone,) if query.phone else (),
        email=(query.email,) if query.email else (),
        gp_practice=query.gp,
    )


def _searched_on(query: PatientQuery) -> frozenset[str]:
    """Name what a search uses, wildcards and ranges too: searching on a field is a use of it."""
    return frozenset(element for name, element in _USES.items() if getattr(query, name))


def _known_part(name: str, dates: tuple[str, ...]) -> str:
    """As much of a date as its range settles: the day, the month, the year, or nothing."""
    low, high = day_range(name, dates)
    if low == high:
        return low.isoformat()
    if low.year == high.year:
        return f"{low.year}-{low.month:02}" if low.month == high.month else str(low.year)
    return ""


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
        elif one.posterior > _LIKELY_ENOUGH and not (
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
    whole = query.given and WILD not in query.family + query.given[0]
    years = _MOST_YEARS if whole else _MOST_YEARS_OF_DAYS
    if (high - low).days > 366 * years:
        words = f"birthdate: a range of at most {years} years" + ("" if whole else " without both names in full")
        raise InputError(words, reason="INVALID_SEARCH_DATA", field="birthdate")
    if low < high and whole:
        return [PartialDate(year) for year in range(low.year, high.year + 1)]
    days = (low + timedelta(days=offset) for offset in range((high - low).days + 1))
    return [PartialDate(day.year, day.month, day.day) for day in days]


def _findable(one: Candidate, query: PatientQuery) -> bool:
    """Restricted people are not found by where they live or are registered; very restricted and withdrawn not at all.

    PDS says so of postcode and practice. That a search by name should not give away the number of somebody whose name
    it withholds is ours.
    """
    if one.security in (Security.INVALIDATED, Security.VERY_RESTRICTED):
        return False
    return not (one.security.hides_location and (query.postcode or query.gp or query.phone or query.email))


def _best_first(pair: tuple[Candidate, float]) -> tuple[float, str]:
    return -pair[1], pair[0].person_id


def _entry(patient: dict[str, Any], score: float) -> dict[str, Any]:
    return {
        "fullUrl": f"{_BASE}/{patient.get('id', '')}",
        "search": {"score": score},
        "resource": patient,
    }
