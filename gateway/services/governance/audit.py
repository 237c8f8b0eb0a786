"""Use case: who looked at what. Reading the ledger is itself decided and recorded, before anything is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gateway.errors import InputError
from gateway.ids import person_id
from ig.decide import Described, Known, SubjectRef
from ig.decision import FilterKind
from ig.detection import examine
from ig.purpose import Dataset, LedgerField, Level
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.ledger import LedgerRow

_LONDON: Final = ZoneInfo("Europe/London")
_ACCESSES: Final = ("disclosure", "refusal", "batch")
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Access:
    """One access or refusal as an officer reads it. ``subjects`` counts the people it was about."""

    seq: int
    at: datetime
    kind: str
    caller: str
    caller_name: str
    organisation: str
    role: str
    purpose: str
    decision: str
    reason: str
    agreement: str
    fields: tuple[str, ...]
    subjects: int


def who_looked(  # noqa: PLR0913 - one argument for each thing that an officer asks by
    house: House,
    caller: Caller,
    *,
    number: str = "",
    staff: str = "",
    since: date | None = None,
    until: date | None = None,
    limit: int = 100,
) -> list[Access]:
    """Return accesses and refusals, newest first, about one person, by one member of staff, or both.

    ``until`` is inclusive; days are London's. A superseded number is answered for together with its successor.

    Raises:
        InputError: the number is not an NHS number.
        NotPermitted: the caller may not read the ledger for this purpose.
        Unavailable: the search could not be recorded; nothing is shown.
    """
    person = _person(number) if number else ""
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields=frozenset(LedgerField),
        subject=Described(),
    ) as passage:
        rows = _search(house, passage, person, staff, since, until, min(limit, _MOST))
        passage.disclose([person] if person else (), rows=len(rows))
    return [_access(house, row) for row in rows]


def _person(number: str) -> str:
    try:
        return person_id(NhsNumber.parse(number))
    except NotAnNhsNumber as fault:
        message = "nhs_number: enter ten digits, the last of which checks the others"
        raise InputError(message, reason=str(fault.fault), field="nhs_number") from None


def _search(  # noqa: PLR0913 - one argument for each thing that an officer asks by
    house: House,
    passage: Passage,
    person: str,
    staff: str,
    since: date | None,
    until: date | None,
    limit: int,
) -> list[LedgerRow]:
    organisations = next(
        (kept.values for kept in passage.decision.row_filters if kept.kind is FilterKind.ACTORS_OF), None
    )
    return house.stores.ledger.search(
        subject=house.stores.keys.subject_token(person) if person else None,
        actor=staff or None,
        organisations=organisations,
        kinds=_ACCESSES,
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
        limit=limit,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, _LONDON).astimezone(UTC)


def _access(house: House, row: LedgerRow) -> Access:
    body, actor = row.body, row.body.get("actor", {})
    subject = str(actor.get("subject", ""))
    known = house.stores.governance.callers.get(subject)
    return Access(
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        caller=subject,
        caller_name=known.name if known else "",
        organisation=str(actor.get("organisation", "")),
        role=str(actor.get("role", "")),
        purpose=str(body.get("purpose", "")),
        decision=str(body.get("decision", "")),
        reason=str(body.get("reason", "")),
        agreement=str(body.get("agreement", "")),
        fields=tuple(body.get("fields", ())),
        subjects=int(body.get("subjects", {}).get("count", 0)),
    )


def subject_access(house: House, caller: Caller, number: str) -> Iterator[str]:
    """Yield what the person may be told: date, organisation, role and purpose of each access, no staff names.

    Raises:
        InputError: the number is not an NHS number.
        NotPermitted: the caller may not answer subject access requests.
    """
    person = _person(number)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields={LedgerField.WHEN, LedgerField.ORGANISATION, LedgerField.ROLE, LedgerField.PURPOSE},
        subject=Known(SubjectRef(person)),
    ) as passage:
        rows = _search(house, passage, person, "", None, None, _MOST)
        passage.disclose([person], rows=len(rows))
    for row in rows:
        seen = _access(house, row)
        shown = "shown" if seen.decision == "permit" else "refused"
        yield f"{seen.at.astimezone(_LONDON):%d %B %Y %H:%M}  {seen.organisation}  {seen.role}  {seen.purpose}  {shown}"


def report(house: House, caller: Caller) -> Iterator[str]:
    """Yield counts by purpose, agreement and organisation, then the patterns worth a look.

    Raises:
        NotPermitted: the caller may not read the ledger for this purpose.
    """
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields=frozenset(LedgerField),
        subject=Described(),
    ) as passage:
        rows = _search(house, passage, "", "", None, None, _MOST)
        passage.disclose((), rows=len(rows))
    for title, key in (("purpose", "purpose"), ("agreement", "agreement"), ("reason", "reason")):
        for value, count in sorted(Counter(str(row.body.get(key, "")) for row in rows).items()):
            yield f"{title}  {value or 'none'}: {count:,}"
    for alert in examine([row.body for row in rows]):
        yield f"look at  {alert}"
