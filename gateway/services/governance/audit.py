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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an officer asks by. ``until`` is inclusive; days are London's."""

    people: tuple[str, ...] = ()
    staff: str = ""
    since: date | None = None
    until: date | None = None
    limit: int = _MOST

    def rows(self, house: House, passage: Passage) -> list[LedgerRow]:
        """Return the rows, newest first; only those about the staff whom the decision lets the caller see."""
        tokens: list[str | None] = [house.stores.keys.subject_token(person) for person in self.people]
        found = {row.seq: row for token in tokens or [None] for row in self._search(house, passage, token)}
        return [found[seq] for seq in sorted(found, reverse=True)][: self.limit]

    def _search(self, house: House, passage: Passage, token: str | None) -> list[LedgerRow]:
        filters = passage.decision.row_filters
        return house.stores.ledger.search(
            subject=token,
            actor=self.staff or None,
            organisations=next((kept.values for kept in filters if kept.kind is FilterKind.ACTORS_OF), None),
            kinds=_ACCESSES,
            since=_midnight(self.since) if self.since else None,
            until=_midnight(self.until + timedelta(days=1)) if self.until else None,
            limit=self.limit,
        )


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

    ``until`` is inclusive; days are London's. A number is answered for with those it replaced or was replaced by.

    Raises:
        InputError: the number is not an NHS number.
        NotPermitted: the caller may not read the ledger for this purpose.
        Unavailable: the search could not be recorded; nothing is shown.
    """
    wanted = _parse(number) if number else None
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields=frozenset(LedgerField),
        subject=Described(),
    ) as passage:
        people = _known_as(house, passage, wanted) if wanted else ()
        rows = _Asked(people, staff, since, until, min(limit, _MOST)).rows(house, passage)
        passage.disclose(people, rows=len(rows))
    return [_access(house, row) for row in rows]


def _parse(number: str) -> NhsNumber:
    try:
        return NhsNumber.parse(number)
    except NotAnNhsNumber as fault:
        message = "nhs_number: enter ten digits, the last of which checks the others"
        raise InputError(message, reason=str(fault.fault), field="nhs_number") from None


def _known_as(house: House, passage: Passage, number: NhsNumber) -> tuple[str, ...]:
    """The ids under which a person's accesses were recorded: those of every number that they ever had."""
    return tuple(sorted(house.stores.successions.family(passage.permit, person_id(number))))


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
    wanted = _parse(number)
    person = person_id(wanted)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields={LedgerField.WHEN, LedgerField.ORGANISATION, LedgerField.ROLE, LedgerField.PURPOSE},
        subject=Known(SubjectRef(person)),
    ) as passage:
        people = _known_as(house, passage, wanted)
        rows = _Asked(people).rows(house, passage)
        passage.disclose(people, rows=len(rows))
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
        rows = _Asked().rows(house, passage)
        passage.disclose((), rows=len(rows))
    for title in ("purpose", "agreement", "organisation", "reason"):
        for value, count in sorted(Counter(_told(row, title) for row in rows).items()):
            yield f"{title}  {value or 'none'}: {count:,}"
    for alert in examine([row.body for row in rows]):
        yield f"look at  {alert}"


def _told(row: LedgerRow, name: str) -> str:
    """What a row says of one thing, of itself or of its actor."""
    return str(row.body.get(name) or row.body.get("actor", {}).get(name, ""))
