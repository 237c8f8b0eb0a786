"""Use cases of the PDS surface: read one Patient by number, and search; both cut down to what the agreement shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson

from gateway.errors import GatewayError, InputError, NotFound
from gateway.ids import person_id
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.asked import elements_used
from ig.decide import Described, Known, SubjectRef
from ig.purpose import Dataset, Element, Level
from ig.redact import redact_patient
from linkage.keys import probe_keys
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.normalise import fold, fold_postcode, normalise
from linkage.person import Demographics, PartialDate, Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from linkage.decide import Candidate, Scored
    from linkage.person import Person

_ELEMENTS: Final = frozenset(Element) - {Element.EVIDENCE}
_MOST: Final = 50
_WILDCARD_SCORE: Final = 0.75
_HISTORIC_SCORE: Final = 0.6806
_FUZZY_CEILING: Final = 0.9999
_MOST_YEARS: Final = 10
_MOST_YEARS_OF_DAYS: Final = 2
_KEYS_AT_ONCE: Final = 500


class TooManyMatches(GatewayError):
    """More people fit than may be shown; none is. PDS answers 200 with an OperationOutcome."""

    status: ClassVar[int] = 200
    fhir_code: ClassVar[str] = "multiple-matches"
    exit_code: ClassVar[int] = 1
    staff_sentence: ClassVar[str] = "Too many people fit. Add details that tell them apart."

    def __init__(self) -> None:
        super().__init__(reason="TOO_MANY_MATCHES")


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """A PDS search, values as sent. Dates carry their prefix (``eq``, ``ge``, ``le`` or none)."""

    family: str = ""
    given: tuple[str, ...] = ()
    gender: str = ""
    birthdate: tuple[str, ...] = ()
    death_date: tuple[str, ...] = ()
    postcode: str = ""
    gp: str = ""
    phone: str = ""
    email: str = ""
    exact: bool = False
    fuzzy: bool = False
    history: bool = False
    max_results: int | None = None


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
    wanted = _parse(number)
    checked_against(house)
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
    body = _shown(house, passage, held)
    return PatientRead(body, str(body.get("meta", {}).get("versionId", "1")), passage.decision_id)


def _parse(number: str) -> NhsNumber:
    try:
        return NhsNumber(number)
    except NotAnNhsNumber as fault:
        raise InputError(f"id: {fault.fault}", reason="INVALID_RESOURCE_ID", field="id") from None


def _in_force(house: House, passage: Passage, number: NhsNumber) -> Candidate | None:
    held, current = house.engine().in_force(passage.permit, number)
    return current if held is not None and held.superseded_by else held


def _shown(house: House, passage: Passage, held: Candidate) -> dict[str, Any]:
    number = held.person.nhs_number
    raw = house.stores.index.patient_json(passage.permit, number) if number else None
    restricted = held.security is not Security.UNRESTRICTED
    return redact_patient(orjson.loads(raw or b"{}"), passage.decision.fields_allowed, restricted=restricted)


def search_patients(house: House, caller: Caller, query: PatientQuery) -> dict[str, Any]:
    """Return a searchset Bundle, best first; without ``entry`` where nobody fits, as PDS answers.

    Without ``_fuzzy-match`` every parameter must hold (wildcards and date ranges included); with it the house model
    weighs the candidates and its posterior is the score, so that more evidence never scores less.

    Raises:
        TooManyMatches: more people fit than ``_max-results``; none is shown.
        InputError: a date is impossible.
        NotPermitted: no agreement lets this caller search.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    checked_against(house)
    _range("death-date", query.death_date)
    demographics = _demographics(query)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=_ELEMENTS,
        subject=Described(),
        filtered_on=elements_used(demographics) | ({Element.DECEASED} if query.death_date else set()),
    ) as passage:
        asked = normalise(demographics)
        found = _fuzzy(house, passage, asked) if query.fuzzy else _filtered(house, passage, query, asked)
        scored = sorted((pair for pair in found if _findable(pair[0], query)), key=_best_first)
        if query.exact:
            scored = [pair for pair in scored if pair[1] >= 1]
        too_many = len(scored) > min(query.max_results or _MOST, _MOST)
        shown = [] if too_many else scored
        entries = [_entry(_shown(house, passage, one), score) for one, score in shown]
        passage.disclose([one.person_id for one, _ in shown], rows=len(entries))
    if too_many:
        raise TooManyMatches
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": house.now().astimezone(UTC).isoformat(timespec="seconds"),
        "total": len(entries),
    }
    return {**bundle, "entry": entries} if entries else bundle


def _demographics(query: PatientQuery) -> Demographics:
    given = query.given[0] if query.given else ""
    return Demographics(
        family=query.family.rstrip("*"),
        given=given.rstrip("*"),
        other_given=query.given[1:],
        birth_date=_equal(query.birthdate),
        gender=query.gender,
        postcode="" if "*" in query.postcode else query.postcode,
        phone=(query.phone,) if query.phone else (),
        email=(query.email,) if query.email else (),
        gp_practice=query.gp,
    )


def _equal(dates: tuple[str, ...]) -> str:
    """The one date that a search asks for, or empty for a range."""
    plain = [text.removeprefix("eq") for text in dates if text[:2] not in ("ge", "le")]
    return plain[0] if len(plain) == 1 else ""


def _fuzzy(house: House, passage: Passage, asked: Person) -> Iterator[tuple[Candidate, float]]:
    engine = house.engine()
    candidates = engine.candidates(passage.permit, asked)
    review = engine.matcher.model.thresholds
    finding = engine.matcher.trace(asked, candidates)
    shown: list[Scored] = [*([finding.best] if finding.best else []), *finding.others]
    for one in shown:
        if review and one.posterior > 0.01:  # noqa: PLR2004 - below one in a hundred nobody would call it a match
            yield one.candidate, round(min(one.posterior, _FUZZY_CEILING), 4)


def _filtered(house: House, passage: Passage, query: PatientQuery, asked: Person) -> Iterator[tuple[Candidate, float]]:
    """Everyone for whom each parameter holds, from among those who share a key with some day of the range."""
    seen: dict[str, Candidate] = {}
    keys = list(dict.fromkeys(key for day in _days(query) for key in probe_keys(replace(asked, birth_date=day))))
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        found, _capped = house.stores.index.candidates(passage.permit, keys[start : start + _KEYS_AT_ONCE])
        for one in found:
            seen.setdefault(one.person_id, one)
    for one in seen.values():
        score = _holds(one.person, query)
        if one.superseded_by is None and score:
            yield one, score


def _days(query: PatientQuery) -> list[PartialDate]:
    """The birth dates to look under: with both names whole, years are enough, else every day has its own key.

    Raises:
        InputError: a range that no key narrows enough: ten years, or two where a name is missing or wild.
    """
    low, high = _range("birthdate", query.birthdate)
    whole = query.given and "*" not in query.family + query.given[0]
    years = _MOST_YEARS if whole else _MOST_YEARS_OF_DAYS
    if (high - low).days > 366 * years:
        words = f"birthdate: a range of at most {years} years" + ("" if whole else " without both names in full")
        raise InputError(words, reason="INVALID_SEARCH_DATA", field="birthdate")
    if low < high and whole:
        return [PartialDate(year) for year in range(low.year, high.year + 1)]
    days = (low + timedelta(days=offset) for offset in range((high - low).days + 1))
    return [PartialDate(day.year, day.month, day.day) for day in days]


def _range(name: str, dates: tuple[str, ...]) -> tuple[date, date]:
    low, high = date(1850, 1, 1), date(2200, 1, 1)
    for text in dates:
        try:
            day = date.fromisoformat(text[2:] if text[:2] in ("eq", "ge", "le") else text)
        except ValueError:
            raise InputError(f"{name}: no such day", reason="INVALID_VALUE", field=name) from None
        low = max(low, day) if text[:2] != "le" else low
        high = min(high, day) if text[:2] != "ge" else high
    return low, high


def _within(name: str, dates: tuple[str, ...], held: PartialDate | None) -> bool:
    low, high = _range(name, dates)
    return held is not None and held.is_whole and low <= date(held.year, held.month, held.day) <= high


def _holds(held: Person, query: PatientQuery) -> float:
    """Return the score of a person for whom every parameter holds, or 0."""
    current = _like(query.family, held.family)
    historic = query.history and any(_like(query.family, name) for name in held.previous_family)
    if not (current or historic) or not all(_conditions(held, query)):
        return 0
    if not current:
        return _HISTORIC_SCORE
    wildcard = "*" in "".join((query.family, *query.given, query.postcode))
    return _WILDCARD_SCORE if wildcard else 1


def _conditions(held: Person, query: PatientQuery) -> Iterator[bool]:
    """Each parameter but the family name: whether it holds, or was not sent."""
    yield _within("birthdate", query.birthdate, held.birth_date)
    yield not query.death_date or _within("death-date", query.death_date, held.death_date)
    yield not query.given or _like(query.given[0], held.given)
    yield all(any(_like(wanted, name) for name in held.other_given) for wanted in query.given[1:])
    yield not query.postcode or _postcode(held, query)
    yield not query.gender or query.gender == held.gender.value
    yield not query.gp or query.gp.upper() == held.gp_practice
    told = normalise(Demographics(phone=(query.phone,), email=(query.email,)))
    yield not query.phone or bool(set(told.phone) & set(held.phone))
    yield not query.email or bool(set(told.email) & set(held.email))


def _like(pattern: str, value: str) -> bool:
    if "*" not in pattern:
        return fold(pattern) == value
    folded = "*".join(fold(part) for part in pattern.split("*"))
    return fnmatchcase(value, folded)


def _postcode(held: Person, query: PatientQuery) -> bool:
    values = (held.postcode, *(held.previous_postcode if query.history else ()))
    if "*" in query.postcode:
        pattern = query.postcode.replace(" ", "").upper()
        return any(fnmatchcase(value, pattern) for value in values)
    return fold_postcode(query.postcode) in values


def _findable(one: Candidate, query: PatientQuery) -> bool:
    """Restricted people are not found by where they live or are registered; withdrawn ones not at all (PDS)."""
    if one.security is Security.INVALIDATED:
        return False
    return not (one.security.hides_location and (query.postcode or query.gp or query.phone or query.email))


def _best_first(pair: tuple[Candidate, float]) -> tuple[float, str]:
    return -pair[1], pair[0].person_id


def _entry(patient: dict[str, Any], score: float) -> dict[str, Any]:
    return {
        "fullUrl": f"/personal-demographics/FHIR/R4/Patient/{patient.get('id', '')}",
        "search": {"score": score},
        "resource": patient,
    }
