"""Use cases of the PDS surface: read one Patient by number, and search; both cut down to what the agreement shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import InputError, NotFound, NotPermitted, NotSignedIn
from gateway.ids import person_id
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.fitting import MOST, TooManyMatches, scored, searched_on
from gateway.services.tracing.presented import index_meta, listed, retrieved
from ig.decide import Described, Known, SubjectRef
from ig.purpose import Dataset, Element, Level
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.person import Security

if TYPE_CHECKING:
    from typing import NoReturn

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.services.tracing.likeness import PatientQuery
    from linkage.decide import Candidate

ELEMENTS: Final = frozenset(Element) - {Element.EVIDENCE}
"""What of the index a demographic question may show; why two records are one person is for reviewers."""
WRITE: Final = "write"
"""What a change would need. No agreement can name it, so that every try is refused, and recorded."""
_BASE: Final = "/personal-demographics/FHIR/R4/Patient"


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


def refuse_change(house: House, caller: Caller, number: str = "", *, verb: str) -> NoReturn:
    """Refuse to change or make a Patient, as PDS refuses an application that may only read; the try is recorded.

    The gate is asked for what no agreement can grant, so that the refusal is a row like any other, about the person
    whom the address names.

    Raises:
        NotPermitted: always (``INVALID_METHOD``).
        Unavailable: the ledger could not take the row.
    """
    try:
        about = Known(SubjectRef(person_id(NhsNumber(number)))) if number else Described()
    except NotAnNhsNumber:
        about = Described()
    decision = ""
    asked = house.gate.permit(caller, level=Level.PATIENT, datasets={Dataset.INDEX}, fields={WRITE}, subject=about)
    try:
        with asked as passage:
            decision = passage.decision_id
    except NotSignedIn:
        raise
    except NotPermitted as refused:
        decision = refused.decision
    words = f"Cannot {verb} resource with application-restricted access token"
    raise NotPermitted(words, reason="INVALID_METHOD", decision=decision)


def _read(house: House, caller: Caller, number: str) -> PatientRead:
    wanted = _parse(number)
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=ELEMENTS,
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
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=ELEMENTS,
        subject=Described(),
        filtered_on=searched_on(query),
    ) as passage:
        found = scored(house, passage, query)
        too_many = len(found) > min(query.max_results or MOST, MOST)
        shown = [] if too_many else found
        entries = [_entry(listed(retrieved(house, passage, one, against)), score) for one, score in shown]
        passage.disclose([one.person_id for one, _ in shown], rows=len(entries))
    if too_many:
        raise TooManyMatches
    return _bundle(house, against, entries)


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


def _entry(patient: dict[str, Any], score: float) -> dict[str, Any]:
    return {
        "fullUrl": f"{_BASE}/{patient.get('id', '')}",
        "search": {"score": score},
        "resource": patient,
    }
